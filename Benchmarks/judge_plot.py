"""The plot of `make judge`: lines are the model, dots the judge."""

import sys

import judge_tables

try:
    import matplotlib
    from matplotlib.figure import Figure
except ImportError as problem:
    sys.exit(f"{sys.executable}: {problem}. Install python3-matplotlib and use Debian's own Python,"
             " /usr/bin/python3, which it belongs to.")

FILE = "power.svg"
TITLE = "Share of the candidates that have failed: lines the model, dots the judge"
COLOURS = {1.2: "#8c8c8c", 2: "#7a4fa3", 5: "#1f5fa8", 10: "#2e8b57", 100: "#c0392b"}
EVERY = 4  # minutes between dots


def draw(study, directory):
    matplotlib.rcdefaults()  # nobody's own settings
    # Text as text and names that do not change: a new run changes only what it computed.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "viridian", "font.size": 9})
    directory.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, rate in zip(panels.flat, judge_tables.rates(study)):
        panel(axes, study, rate)
    for axes in panels[1]:
        axes.set_xlabel("minutes")
    for axes in panels[:, 0]:
        axes.set_ylabel("% failed")
    # There most of the panel is empty.
    panels[0][0].legend(loc="center right", frameon=False, title="times the errors\nof the baseline")
    figure.savefig(directory / FILE, metadata={"Date": None})
    return FILE


def panel(axes, study, rate):
    minutes = range(1, study["minutes"] + 1)
    for ratio, colour in COLOURS.items():
        cell = judge_tables.cell(study, rate, ratio)
        axes.plot([0, *minutes], [0, *(share * 100 for share in cell["model"])], color=colour,
                  linewidth=1.4, label=f"{ratio:g}")
        dots = [minute for minute in minutes if minute % EVERY == 0 or minute == 1]
        axes.plot(dots, [cell["failed"][minute - 1] / study["runs"] * 100 for minute in dots], "o",
                  color=colour, markersize=3.5)
    axes.set(title=f"{rate:,g} requests a minute in each arm", xlim=(0, study["minutes"]),
             ylim=(-2, 102))
    axes.grid(color="#e4e4e4")
