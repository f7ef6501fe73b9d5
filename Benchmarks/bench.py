#!/usr/bin/env python3
"""Measures what a user waits for, and prints one table. Real agent, HAProxy, Git, load.

The numbers depend on the machine: read the ratios, which come from the same run. Exit status 1 if
something could not be measured or a request failed."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import measure
from measure import Failed, middle, percentile

from agent import Agent, free_port, is_free
from repository import Repository


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

    def text(self):
        lines = ["| what | unit | n | median | p90 | worst | |", "|---|---|--:|--:|--:|--:|---|"]
        for row in self.rows:
            numbers = " | ".join(number(row[key]) for key in ("median", "p90", "worst"))
            lines.append(f"| {row['what']} | {row['unit']} | {row['n']} | {numbers} | {row['note']} |")
        return "\n".join(lines + [f"NOT MEASURED: {text}" for text in self.broken])


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"


def rollouts(table, options, directory):
    repository = Repository(directory, measure.ROOT / "examples-repo")
    measure.prepare(repository)
    port = repository.listen_port("production")
    if not is_free(port):
        port = free_port()
        repository.set_listen_port("production", port)
    agent = Agent(options.viridian, directory, repository.remote)
    runs = measure.Rollouts(agent, repository, port, options.rate)
    try:
        runs.run(options.rounds, directory)
        start = measure.own_start()
        table.add("application alone: start → healthy", start, note="what no agent can shorten")
        table.add("push → commit seen", runs.poll, note="poll: 1s")
        table.add("commit seen → all traffic on the new stack", runs.bump,
                  note="gate: one pass, probed every 100 ms")
        table.add("… beyond the application's own start", [max(0, t - middle(start)) for t in runs.bump],
                  note="Viridian's share")
        table.add("revert seen → traffic restored", runs.revert, note="warm stack, no launch")
        table.add("agent, resident", [runs.resident], "MiB", "two targets")
        table.add(f"failed requests of {runs.total:,}", [runs.failed], "requests",
                  f"{options.rate:g}/s, {2 * options.rounds} switches")
        if runs.failed:
            table.fail("load", f"{runs.failed} requests failed")
        return measure.git_no_op(repository)
    finally:
        agent.stop()
        if agent.state.exists():
            agent.call("uninstall", "--yes")
        for pid, _ in agent.leftovers():
            os.kill(pid, signal.SIGKILL)


def no_ops(table, options, listing, fetch):
    table.add("git ls-remote, nothing new", listing, note="the same repository, process included")
    table.add("git fetch, nothing new", fetch, note="the same")
    for targets in options.targets:
        try:
            found = measure.passes(options.viridian, targets)
        except (Failed, ValueError) as problem:
            table.fail(f"passes with {targets:,} targets", problem)
            continue
        name = f"{targets:,} settled targets"
        each = found["cpuMicrosecondsPerPass"] / 1000
        table.add(f"{name}: a pass in which nothing is new", [each],
                  note=f"processor time, mean of {found['passes']}")
        table.add(f"{name}: memory", [found["residentMiB"]], "MiB")
        if found["launches"] or found["routeWrites"] or found["ledgerEntries"]:
            table.fail(name, f"quiet passes did something: {found}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viridian", required=True)
    parser.add_argument("--rounds", type=int, default=5, help="bumps and reverts")
    parser.add_argument("--rate", type=float, default=100, help="requests per second")
    parser.add_argument("--targets", type=int, nargs="+", default=[10, 10_000])
    parser.add_argument("--json", type=Path, help="also write every number there")
    options = parser.parse_args()
    # An interrupted run must clean up, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    where, table = measure.machine(), Table()
    directory = Path(tempfile.mkdtemp(prefix="viridian-bench-", dir="/tmp")).resolve()
    listing = fetch = None
    try:
        listing, fetch = rollouts(table, options, directory)
    except (Failed, RuntimeError, OSError) as problem:
        table.fail("rollouts", problem)
        log = directory / "agent.log"
        if log.exists():
            print("\n".join(log.read_text(errors="replace").splitlines()[-20:]), file=sys.stderr)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if listing:
        no_ops(table, options, listing, fetch)
    print(f"\n{where}\n\n{table.text()}")
    if options.json:
        options.json.write_text(json.dumps({"machine": where, "rows": table.rows}, indent=1))
    sys.exit(1 if table.broken else 0)


if __name__ == "__main__":
    main()
