#!/usr/bin/env python3
"""Runs the canary judge over made-up canaries and compares it with an independent model. Prints the
result and writes it with a plot into a document. Exit status 1 if the judge misses what it must.

The same arguments give the same numbers."""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import judge_plot
import judge_tables
from judge_model import Model

RESULTS = re.compile(r"(<!-- JUDGE BEGIN[^\n]*\n).*?(<!-- JUDGE END -->)", re.DOTALL)
FALSE_FAILURES = 0.01
POINTS = 0.02


def model(study):
    """To each cell what the model says, as shares by minute; None where it knows nothing."""
    policy = study["policy"]
    found = Model(policy["alpha"], policy["errors"]["ratio"], study["minutes"])
    for cell in study["cells"]:
        errors = cell["requestsPerMinute"] * study["errorShare"]
        cell["model"] = None
        if cell["judged"] == "errors":
            cell["model"] = found.failed(errors * cell["ratio"], errors)


def missed(study):
    """A sentence for everything that is not as it must be."""
    found = []
    for cell in study["cells"]:
        name = (f"{cell['requestsPerMinute']:,g} requests a minute,"
                f" {cell['ratio']:g} times the errors")
        share = cell["failed"][-1] / study["runs"]
        if cell["ratio"] <= study["policy"]["errors"]["ratio"] and share > FALSE_FAILURES:
            found.append(f"{name}: {share:.2%} of the candidates failed that are not worse")
        if cell["model"] and judge_tables.distance(cell, study["runs"]) > POINTS:
            found.append(f"{name}: {judge_tables.distance(cell, study['runs']):.2%} from the model")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="judge-study")
    parser.add_argument("--runs", type=int, default=10_000, help="canaries of each kind")
    parser.add_argument("--write", type=Path, help="the document with the results")
    parser.add_argument("--json", type=Path, help="keep every number")
    options = parser.parse_args()
    if options.write and len(RESULTS.findall(options.write.read_text())) != 1:
        sys.exit(f"{options.write} must have one line `<!-- JUDGE BEGIN: … -->` and below it one"
                 " `<!-- JUDGE END -->`: the results go between them")
    output = subprocess.run([options.program.resolve(), str(options.runs)], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    study = json.loads(output)
    model(study)
    if options.json:
        options.json.write_text(json.dumps(study))
    text = judge_tables.text(study)
    print(text)
    problems = missed(study)
    if options.write and not problems:
        directory = options.write.with_suffix("")
        image = judge_plot.draw(study, directory)
        text = f"![{judge_plot.TITLE}]({directory.name}/{image})\n\n{text}"
        before = options.write.read_text()
        options.write.write_text(RESULTS.sub(lambda found: f"{found[1]}{text}\n{found[2]}", before))
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main()
