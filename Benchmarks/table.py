"""The table of a run, and the names of those rows that others look for in it."""

from measure import middle
from record import percentile

REVERT = "revert seen → traffic restored"
SWITCH = "switch by {}: command → all traffic"
SWITCHED_BY = ("nginx reload", "caddy reload", "POST to caddy")
LISTING = "git ls-remote, nothing new"
FETCH = "git fetch, nothing new"
POLL = "poll by the agent, nothing new"
# Each after `N targets: `.
NO_OP = "no-op pass, agent started anew"
BUMP = "a bump planned, processor time"
START = "cold start"
RESIDENT = "resident, agent started anew"


class Table:
    def __init__(self):
        self.rows = []
        self.broken = []

    def add(self, what, numbers, unit="ms", note=""):
        """Numbers of repeated measurements; `note` says how to read them."""
        self.rows.append({"what": what, "unit": unit, "note": note, "n": len(numbers),
                          "median": middle(numbers), "p90": percentile(numbers, 90),
                          "worst": max(numbers), "all": [round(n, 2) for n in numbers]})

    def fail(self, what, reason):
        self.broken.append(f"{what}: {reason}")

    def median(self, what):
        """Of the row of that name, or None."""
        return next((row["median"] for row in self.rows if row["what"] == what), None)

    def text(self):
        lines = ["| what | unit | n | median | p90 | worst | |", "|---|---|--:|--:|--:|--:|---|"]
        for row in self.rows:
            numbers = " | ".join(number(row[key]) for key in ("median", "p90", "worst"))
            lines.append(f"| {row['what']} | {row['unit']} | {row['n']} | {numbers} | {row['note']} |")
        return "\n".join(lines + [f"NOT MEASURED: {text}" for text in self.broken])


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"
