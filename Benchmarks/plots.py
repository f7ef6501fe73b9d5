#!/usr/bin/env python3
"""Draws a run's plots as SVG files, from the numbers that `bench.py --json FILE` keeps. The same
numbers give the same files."""

import argparse
import json
import re
import sys
from pathlib import Path

import table

try:
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
except ImportError as problem:
    sys.exit(f"{sys.executable}: {problem}. Install python3-matplotlib and use Debian's own Python,"
             " /usr/bin/python3, which it belongs to.")

BLUE, GREY, RED = "#1f5fa8", "#8c8c8c", "#c0392b"
# Panels of the growth: row, title, and what the issue allows with BAR_AT targets.
GROWING = (
    (table.NO_OP, "a pass with nothing to do: processor time", 50),
    (table.BUMP, "a bump planned: processor time", 20),
    (table.START, "cold start", 3000),
    (table.RESIDENT, "resident, started anew", 150),
)
BAR_AT = 10_000


class Missing(Exception):
    """The run has no such row, or too few of them: (sentence)."""


def growth(rows):
    """What so many targets take; dashed, how it would grow from the first point in proportion."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    for axes, (name, title, bar) in zip(figure.subplots(2, 2).flat, GROWING):
        targets, medians, unit = by_targets(rows, name)
        linear = [medians[0] * count / targets[0] for count in targets]
        axes.plot(targets, linear, "--", color=GREY, linewidth=1, label="linear growth")
        axes.plot(targets, medians, "o-", color=BLUE, label="measured")
        if BAR_AT in targets:
            axes.plot([BAR_AT / 1.6, BAR_AT * 1.6], [bar, bar], color=RED, linewidth=2,
                      label=f"bar: {bar:,} {unit}")
            medians = medians + [bar]
        axes.set(xscale="log", yscale="log", title=title, xlabel="targets", ylabel=unit,
                 ylim=(min(medians) / 3, max(medians) * 2))
        plain(axes.xaxis, (1,))
        plain(axes.yaxis, (1, 2, 5))
        axes.grid(color="#e4e4e4")
        axes.legend(loc="lower right", frameon=False)
    return figure


def by_targets(rows, name):
    """(numbers of targets, medians, unit) of the rows `N targets: name`."""
    found = {}
    for what, row in rows.items():
        match = re.fullmatch(r"([\d,]+) targets: (.*)", what)
        if match and match[2] == name:
            found[int(match[1].replace(",", ""))] = row
    if len(found) < 2:
        raise Missing(f"needs `N targets: {name}` for two numbers of targets, and has {len(found)}")
    targets = sorted(found)
    return targets, [found[count]["median"] for count in targets], found[targets[0]]["unit"]


def plain(axis, digits):
    """Marks at numbers that begin with one of the digits, and 1,000 in place of 10³."""
    axis.set_major_locator(LogLocator(subs=digits, numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def switches(rows):
    return singles(rows, "from the agent's first word of the commit, or from the peer's command",
                   ((table.REVERT, "viridian: revert"),
                    *((table.SWITCH.format(peer), peer) for peer in table.SWITCHED_BY)))


def polls(rows):
    return singles(rows, "process included",
                   ((table.LISTING, "git ls-remote"), (table.FETCH, "git fetch"),
                    (table.POLL, "poll by the agent")))


def singles(rows, what, wanted):
    """Every single measurement, of each row from top to bottom as they came, and the median."""
    for name, _ in wanted:
        if name not in rows:
            raise Missing(f"needs the row `{name}`")
    figure = Figure(figsize=(9, 0.9 + 0.7 * len(wanted)), layout="constrained")
    axes = figure.subplots()
    for place, (name, label) in enumerate(wanted):
        numbers = rows[name]["all"]
        spread = [place + 0.6 * (n + 0.5) / len(numbers) - 0.3 for n in range(len(numbers))]
        axes.plot(numbers, spread, "o", color=BLUE, alpha=0.7, markersize=5)
        axes.plot([rows[name]["median"]] * 2, [place - 0.38, place + 0.38], color=RED, linewidth=2)
    labels = [f"{label}\nn = {rows[name]['n']}" for name, label in wanted]
    axes.set_yticks(range(len(wanted)), labels)
    axes.set(xlim=(0, None), ylim=(len(wanted) - 0.5, -0.5), xlabel=f"ms, {what}; red: the median")
    axes.grid(axis="x", color="#e4e4e4")
    return figure


PLOTS = (
    ("growth.svg", "Times and memory against the number of targets", growth),
    ("switches.svg", "A revert by Viridian, and all traffic moved by nginx and by caddy", switches),
    ("polls.svg", "A poll by the agent, and Git's own commands", polls),
)


def draw(rows, directory):
    """(file and title of each plot that was drawn, a sentence for each that could not be)."""
    matplotlib.rcdefaults()  # nobody's own settings
    # Text as text and names that do not change: a new run changes only what it measured.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "viridian", "font.size": 9})
    directory.mkdir(parents=True, exist_ok=True)
    rows, drawn, skipped = {row["what"]: row for row in rows}, [], []
    for file, title, figure in PLOTS:
        try:
            figure(rows).savefig(directory / file, metadata={"Date": None})
            drawn.append((file, title))
        except Missing as problem:
            skipped.append(f"NOT DRAWN: {file} {problem}")
    return drawn, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="what `bench.py --json` wrote")
    parser.add_argument("--into", type=Path, help="directory of the plots; else that of the file")
    options = parser.parse_args()
    try:
        rows = json.loads(options.file.read_text())["rows"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        sys.exit(f"{options.file}: no numbers of a run, which `bench.py --json` keeps: {problem!r}")
    directory = options.into or options.file.parent
    drawn, skipped = draw(rows, directory)
    print("\n".join([str(directory / file) for file, _ in drawn] + skipped))


if __name__ == "__main__":
    main()
