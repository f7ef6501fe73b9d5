#!/usr/bin/env python3
"""Measures what a user waits for, and prints one table. Real agent, HAProxy, Git, load, peers.

The numbers depend on the machine: read the ratios, which come from the same run. Exit status 1 if
something could not be measured or a request failed."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure  # first: it knows where the demo's modules are
import idle
import polling
import switches
from measure import Failed, middle
from table import BUMP, FETCH, LISTING, NO_OP, POLL, RESIDENT, REVERT, START, Table

from agent import Agent, free_port, is_free
from repository import Repository

NO_MEASURE = ("viridian", "write", "json")  # options that change nothing that is measured


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
        table.add(REVERT, runs.revert, note="warm stack, no launch")
        table.add("agent, resident", [runs.resident], "MiB", "two targets")
        table.add(f"failed requests of {runs.total:,}", [runs.failed], "requests",
                  f"{options.rate:g}/s, {2 * options.rounds} switches; {runs.repeated} repeated")
        if runs.failed:
            table.fail("load", f"{runs.failed} requests failed")
        no_ops(table, agent, repository, options.idle)
    finally:
        agent.stop()
        if agent.state.exists():
            agent.call("uninstall", "--yes")
        for pid, _ in agent.leftovers():
            os.kill(pid, signal.SIGKILL)


def no_ops(table, agent, repository, seconds):
    """The agent's polls while nothing happens, then Git's commands on the same repository."""
    # Until then, the last revert's drain and retirement go on.
    if not agent.poll(lambda s: len(s["stacks"]) <= 2, 60):
        raise Failed("the agent does not come to rest within 60 s")
    found = polling.idle(agent, seconds)
    listing, fetch = polling.git_commands(repository)
    table.add(LISTING, listing.wall, note="process included")
    table.add(FETCH, fetch.wall, note="process included")
    if not found.polls.wall:
        table.fail("polls", f"none was seen in {found.seconds:.0f} s")
        return
    poll = middle(found.polls.wall)
    table.add(POLL, found.polls.wall,
              note=f"process included; {poll / middle(listing.wall):.2f} × git ls-remote,"
                   f" {poll / middle(fetch.wall):.2f} × git fetch")
    for name, commands in (("git ls-remote", listing), ("git fetch", fetch)):
        table.add(f"{name}: processor time", [commands.processor],
                  note=f"mean of {len(commands.wall)}")
    processor, count = found.polls.processor, len(found.polls.wall)
    note = (f"mean of {count}; {processor / listing.processor:.2f} × git ls-remote,"
            f" {processor / fetch.processor:.2f} × git fetch")
    if found.others:
        note += f"; includes {found.others} other children"
    table.add("poll by the agent: processor time", [processor], note=note)
    table.add("idle agent: processor time per second", [found.own],
              note=f"passes, probes, looks for drift of two targets; without the polls;"
                   f" {found.seconds:.0f} s")


def rest(table, options, directory):
    """A small fleet to which nothing happens: what it costs, and whether it grows."""
    fleet = idle.Fleet(options.viridian, directory / "idle", options.idle_targets, "30s")
    try:
        fleet.start()
        time.sleep(idle.CALM)
        own, children = idle.processor(fleet, options.idle)
        table.add(f"idle agent, {options.idle_targets} targets: processor time per second", [own],
                  note=f"{own / 10:.2f} % of a core: a pass and {options.idle_targets} HTTP probes a"
                       f" second, looks for drift; {options.idle:.0f} s")
        table.add("… its polls", [children], note="children of the agent, poll: 30s")
    finally:
        fleet.stop()
    if not options.polls:
        return
    fleet = idle.Fleet(options.viridian, directory / "polls", 1, "100ms")
    try:
        fleet.start()
        time.sleep(idle.CALM)
        found = idle.growth(fleet, options.polls)
        table.add(f"agent, resident: growth over {options.polls:,} polls", [found.growth], "MiB",
                  f"from {found.first:.1f} to {found.last:.1f}, most {found.most:.1f};"
                  f" {found.polls:,} polls")
    finally:
        fleet.stop()


def passes(table, options):
    program = options.viridian.resolve().with_name("pass-benchmark")
    rows = {}
    for targets in options.targets:
        try:
            found = measure.passes(program, targets, options.passes)
        except (Failed, ValueError, KeyError, OSError, subprocess.SubprocessError) as problem:
            table.fail(f"passes with {targets:,} targets", problem)
            continue
        processor = found["cpuMicrosecondsPerPass"]
        rows[targets] = found
        table.add(f"{targets:,} targets: a pass with nothing to do, processor time",
                  [processor / 1000], note=f"mean of {found['passes']};"
                  f" {processor / targets:.0f} µs a target; 0 launches, writes, entries")
        table.add(f"{targets:,} targets: resident", [found["residentMiB"]], "MiB",
                  "after that, what the launches left behind and the memory platform included")
        table.add(f"{targets:,} targets: all launched and stable", [found["settleMilliseconds"]],
                  note="memory platform: the agent's own work, a bake of 2 s of its clock")
        anew(table, targets, found["anew"])
    growth(table, rows)


def anew(table, targets, found):
    """The same fleet, found by an agent that is started anew."""
    alone = found["platformMiB"]
    table.add(f"{targets:,} targets: {RESIDENT}", [found["residentMiB"]], "MiB",
              f"{found['residentMiB'] - alone} without the platform, which takes {alone} with the"
              f" program ({found['programMiB']} without a fleet)")
    table.add(f"{targets:,} targets: resident, after all bumps", [found["endResidentMiB"]], "MiB",
              f"{found['endResidentMiB'] - alone} without the platform")
    table.add(f"{targets:,} targets: {START}", [found["startMilliseconds"]],
              note=f"ledger, last good state and the first pass, which plans"
                   f" {found['startPlanned']:,}; {found['startCPUMilliseconds']:,} ms of processor")
    table.add(f"{targets:,} targets: {NO_OP}",
              [found["cpuMicrosecondsPerPass"] / 1000], note="processor time")
    planned = max(found["bumpPlanned"])
    table.add(f"{targets:,} targets: {BUMP}",
              [time / 1000 for time in found["bumpPlannedCPUMicroseconds"]],
              note=f"the pass with it: {planned:,} targets planned")
    table.add(f"{targets:,} targets: a bump taken, processor time",
              [time / 1000 for time in found["bumpTakenCPUMicroseconds"]],
              note="compared and kept on disk; without Git")


GROWING = (
    ("no-op pass", lambda found: found["anew"]["cpuMicrosecondsPerPass"]),
    ("a bump planned", lambda found: measure.middle(found["anew"]["bumpPlannedCPUMicroseconds"])),
    ("resident beyond the program", lambda found: found["anew"]["residentMiB"]
     - found["anew"]["programMiB"]),
    ("cold start", lambda found: found["anew"]["startMilliseconds"]),
)


def growth(table, rows):
    """How much more ten times as many targets take."""
    for few, many in zip(sorted(rows), sorted(rows)[1:]):
        for what, number in GROWING:
            before, after = number(rows[few]), number(rows[many])
            if before > 0:
                table.add(f"growth from {few:,} to {many:,} targets: {what}", [after / before], "×",
                          f"{many / few:g} × the targets")


def under_load(table, options, directory):
    """What needs a directory: the agent, the peers of its traffic switch, a fleet at rest."""
    try:
        rollouts(table, options, directory)
    except (Failed, RuntimeError, OSError) as problem:
        table.fail("rollouts", problem)
        log = directory / "agent.log"
        if log.exists():
            print("\n".join(log.read_text(errors="replace").splitlines()[-20:]), file=sys.stderr)
    switches.add_rows(table, options.rounds, options.rate, directory)
    try:
        rest(table, options, directory)
    except (Failed, RuntimeError, OSError) as problem:
        table.fail("idle fleet", problem)


def arguments():
    """(options, the names of those that make it another run than `make bench`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viridian", required=True, type=Path,
                        help="the program; pass-benchmark lies beside it")
    parser.add_argument("--rounds", type=int, default=5, help="bumps and reverts, and switches by each peer")
    parser.add_argument("--rate", type=float, default=100, help="requests per second")
    parser.add_argument("--targets", type=int, nargs="+",
                        default=[10, 100, 1000, 10_000])
    parser.add_argument("--passes", type=int, default=20, help="for each number of targets")
    parser.add_argument("--idle", type=float, default=60, help="seconds an idle agent is watched")
    parser.add_argument("--idle-targets", type=int, default=10, help="of the idle fleet")
    parser.add_argument("--polls", type=int, default=2000, help="over which memory is to stay flat")
    parser.add_argument("--json", type=Path, help="also write every number there")
    parser.add_argument("--write", type=Path, help="also put table and plots into that document;"
                        " only if no other option changes the run")
    options = parser.parse_args()
    changed = [f"--{name.replace('_', '-')}" for name, value in vars(options).items()
               if name not in NO_MEASURE and value != parser.get_default(name)]
    return options, changed


def document(options, changed):
    """Where a whole run is written, or None."""
    if options.write is None:
        return None
    if changed:
        print(f"{options.write} stays as it is: only a whole run is written, and this one is changed"
              f" by {', '.join(changed)}.", file=sys.stderr)
        return None
    from document import Document  # not above: who only wants the table needs no matplotlib
    return Document(options.write)


def main():
    options, changed = arguments()
    try:
        results = document(options, changed)
    except Failed as problem:
        sys.exit(f"{problem}")
    # An interrupted run must clean up, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    where, table = measure.machine(), Table()
    directory = Path(tempfile.mkdtemp(prefix="viridian-bench-", dir="/tmp")).resolve()
    try:
        under_load(table, options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    passes(table, options)
    print(f"\n{where}\n\n{table.text()}")
    if options.json:
        options.json.write_text(json.dumps({"machine": where, "rows": table.rows}, indent=1))
    if table.broken:
        sys.exit("Not everything was measured, or requests failed: nothing is written."
                 if results else 1)
    if results:
        results.write(where, table)


if __name__ == "__main__":
    main()
