#!/usr/bin/env python3
"""The independent observer of one host: a process of its own that reads HAProxy's statistics, /proc,
the application's journal and the client's record, twenty times a second. It is told what we did
ourselves (kills, changes by hand), and says what it holds against the agent."""

import argparse
import json
import os
import select
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Demo"))

from record import Lines  # noqa: E402

from haproxy import Socket  # noqa: E402
from oracles import EXCUSE, Gate, Oracles  # noqa: E402
from processes import Processes, is_alive, stat  # noqa: E402
from settled import cgroup_root, cgroups, complaints  # noqa: E402

EVERY = 0.05  # seconds between two readings
SETTLE = 20.0  # seconds until what is on its way out has gone


class Observer:
    def __init__(self, options):
        self.options = options
        directory = Path(options.directory)
        self.processes = Processes(directory)
        self.socket = Socket(directory / "disk" / "state")
        self.journal = Lines(directory / "journal.jsonl")
        self.record = Lines(directory / "load.jsonl")
        self.gates = {t: Gate(*g) for t, g in json.loads(options.gates).items()}
        self.oracles = Oracles(self.gates, self.violated, EXCUSE * options.patience)
        self.violations = 0
        self.readings = 0
        self.down_since = None
        self.question = None
        self.decoy = None  # (pid, start) of a stranger, and its file
        self.buffer = b""

    def say(self, **line):
        print(json.dumps({"at": time.monotonic(), **line}), flush=True)

    def violated(self, oracle, text):
        self.violations += 1
        if self.violations <= 50:
            self.say(violated=oracle, text=text)

    def run(self):
        os.set_blocking(sys.stdin.fileno(), False)
        while True:
            begun = time.monotonic()
            self.look()
            left = max(0.0, EVERY - (time.monotonic() - begun))
            ready, _, _ = select.select([sys.stdin], [], [], left)
            if ready and not self.listen():
                return

    def look(self):
        for line in self.journal.new():
            self.oracles.hear(line)
        processes = self.processes.scan()
        self.oracles.see(time.monotonic(), processes)
        views = self.socket.read()
        now = time.monotonic()
        # What was said before the reading counts for it.
        for line in self.journal.new():
            self.oracles.hear(line)
        if views is not None:
            self.readings += 1
            self.oracles.read(now, views)
        self.note_router(now, views is not None)
        for line in self.record.new():
            self.oracles.answered(line)
        if self.question:
            self.settle(now, processes)

    def note_router(self, now, answers):
        """When HAProxy gave no answer, and when it did again."""
        if not answers and self.down_since is None:
            self.down_since = now
        elif answers and self.down_since is not None:
            self.say(router_down=[self.down_since, now])
            self.down_since = None

    def listen(self):
        """What the driver says; false when it has gone."""
        data = os.read(sys.stdin.fileno(), 65536)
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            self.told(json.loads(line))
        return bool(data)

    def told(self, event):
        if "kill" in event:
            self.oracles.killed[tuple(event["kill"])] = (time.monotonic(), event["stack"])
        if "by_hand" in event:
            self.oracles.by_hand = time.monotonic() + event["by_hand"]
        if "decoy" in event:
            self.decoy = (event["decoy"], stat(event["decoy"])[2]), event["precious"]
        if "ask" in event:
            until = time.monotonic() + SETTLE * self.options.patience
            self.question = {**event, "until": until}
        if "acknowledge" in event:
            self.say(acknowledged=event["acknowledge"])

    def settle(self, now, processes):
        """Answers a question as soon as there is no complaint, or when time is up."""
        asked = self.question
        groups = cgroups(cgroup_root(self.options.owner))
        place = Path(self.options.directory) / "disk" / "state" / "local" / "stacks"
        stacks = set(os.listdir(place)) if place.is_dir() else set()
        found = complaints(processes, self.oracles.weights, self.gates, asked, groups, stacks)
        if found and now < asked["until"]:
            return
        self.question = None
        self.check_decoy(asked["serving"])
        for text in found:
            self.violated("orphans", text)
        self.say(answer=asked["ask"], complaints=found, launched=self.oracles.launched(),
                 readings=self.readings, rises=self.oracles.rises,
                 oldest_probe=self.oracles.oldest_probe, violations=self.violations)

    def check_decoy(self, is_serving):
        """S5: who only looks like a stack is left alone. Its file goes with the whole state."""
        if self.decoy and not is_alive(self.decoy[0]):
            self.violated("S5", "a process that is not the agent's was ended")
        if self.decoy and is_serving and not os.path.exists(self.decoy[1]):
            self.violated("S5", "a file that is not the agent's was removed")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--owner", required=True)
    parser.add_argument("--gates", required=True, help='{"web-production": [instances, healthyAfter]}')
    parser.add_argument("--patience", type=float, default=1, help="factor of limits of time")
    Observer(parser.parse_args()).run()


if __name__ == "__main__":
    main()
