"""The results in a document: `make bench` replaces them itself, and draws the plots beside it."""

import re

import plots
from measure import Failed

RESULTS = re.compile(r"(<!-- BENCHMARKS BEGIN[^\n]*\n).*?(<!-- BENCHMARKS END -->)", re.DOTALL)


class Document:
    def __init__(self, path):
        """Fails now, not after the run, where nothing could be written."""
        self.path = path
        if not path.is_file():
            raise Failed(f"{path} is not there; --write wants the document with the results")
        if len(RESULTS.findall(path.read_text())) != 1:
            raise Failed(f"{path} must have one line `<!-- BENCHMARKS BEGIN: … -->` and below it"
                         " one `<!-- BENCHMARKS END -->`: the results go between them")

    def write(self, where, table):
        """The table, and the plots in a directory that is named like the document."""
        directory = self.path.with_suffix("")
        drawn, skipped = plots.draw(table.rows, directory)
        images = [f"![{title}]({directory.name}/{file})" for file, title in drawn]
        text = "\n\n".join([where, *images, *skipped, table.text()])
        before = self.path.read_text()
        self.path.write_text(RESULTS.sub(lambda found: f"{found[1]}{text}\n{found[2]}", before))
