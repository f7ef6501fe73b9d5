"""Reads what load.py writes while it writes, and answers questions about it."""

import bisect
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path


def percentile(numbers, percent):
    """By nearest rank: the smallest that at least so many percent of the numbers do not exceed."""
    return sorted(numbers)[max(0, math.ceil(len(numbers) * percent / 100) - 1)]


class Requests(list):
    """Some recorded requests, in the order in which they ended."""

    def failed(self):
        return Requests(r for r in self if "error" in r)

    def retried(self):
        return Requests(r for r in self if r["retried"])

    def versions(self):
        return Counter(r["version"] for r in self if r.get("version"))

    def processes(self, version):
        """The ids of the processes that answered for a version."""
        return {r["pid"] for r in self if "pid" in r and r["version"] == version}

    def of_version(self, version):
        """Good answers of one version, in the order in which they came."""
        found = (r for r in self if r.get("version") == version and "error" not in r)
        return sorted(found, key=lambda r: r["done"])

    def since(self, moment):
        """Requests due at or after a moment of the monotonic clock."""
        # None of them ended before it, and the record is in the order of the ends.
        first = bisect.bisect_left(self, moment, key=lambda r: r["done"])
        return Requests(r for r in itertools.islice(self, first, None) if r["due"] >= moment)

    def until(self, moment):
        """Requests due before a moment of the monotonic clock."""
        return Requests(r for r in self if r["due"] < moment)

    def of_stack(self, name):
        """Good answers that name their stack, in the order in which they came."""
        return Requests(r for r in self if r.get("stack") == name and "error" not in r)

    def of_greeting(self, greeting):
        """Good answers of the page that greets, in the order in which they came."""
        return Requests(r for r in self if r.get("greeting") == greeting and "error" not in r)

    def stacks(self):
        """The names of the stacks that answered."""
        return {r["stack"] for r in self if "stack" in r}

    def missing(self):
        """Numbers that were given out and are not in the record: each is a request lost."""
        return set(range(max((r["number"] for r in self), default=-1) + 1)) - {
            r["number"] for r in self
        }

    def latency(self, percent):
        """Milliseconds from due to done of the quick page, or None."""
        times = [
            r["done"] - r["due"] for r in self if r["page"] == "GET /version" and "error" not in r
        ]
        return 1000 * percentile(times, percent) if times else None

    def latest(self):
        """The longest time in seconds by which the load generator itself began a request late."""
        return max((r["late"] for r in self), default=0)

    def longest_gap(self):
        """The longest time in milliseconds between two good answers."""
        times = sorted(r["done"] for r in self if "error" not in r)
        return max((1000 * (b - a) for a, b in zip(times, times[1:])), default=0)


class Lines:
    """JSON lines of a file that somebody still writes."""

    def __init__(self, path):
        self.path = Path(path)
        self._offset, self._partial = 0, b""

    def new(self):
        """Those that are whole since the last call."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        self._offset += len(new)
        *lines, self._partial = (self._partial + new).split(b"\n")
        return [json.loads(line) for line in lines if line]


class Load:
    """The load generator as a process of its own."""

    def __init__(self, port, path, rate=100, slow=700, more=()):
        """`more`: further arguments of load.py."""
        self.path = Path(path)
        self.requests = Requests()
        self._lines = Lines(self.path)
        self._streams = Lines(f"{path}.streams")
        program = Path(__file__).with_name("load.py")
        self.process = subprocess.Popen(
            [sys.executable, str(program), "--port", str(port), "--rate", str(rate),
             "--slow", str(slow), "--record", str(path), *map(str, more)],
            stdin=subprocess.DEVNULL, start_new_session=True,
        )

    def read(self):
        """All requests that ended so far, streams apart."""
        self.requests.extend(self._lines.new())
        return self.requests

    def streams(self):
        """The long answers that ended since the last call."""
        return Requests(self._streams.new())

    def served(self):
        """All requests due after the first good answer: before it there was no service yet."""
        requests = self.read()
        first = min((r["done"] for r in requests if "error" not in r), default=None)
        return Requests() if first is None else requests.since(first)

    def settle(self):
        """Waits until every request that was due before now has ended."""
        now = time.monotonic()
        deadline = now + 12  # the load's own timeout is 10 s
        while time.monotonic() < deadline:
            requests = self.read()
            ended = sum(1 for r in requests if r["due"] < now)
            due = max((r["number"] for r in requests if r["due"] < now), default=-1) + 1
            newest = max((r["due"] for r in requests), default=0)
            if ended >= due and newest >= now:
                return
            time.sleep(0.05)

    def wait_for(self, question, seconds):
        """Asks until the answer is true; the last answer."""
        deadline = time.monotonic() + seconds
        while True:
            answer = question(self.read())
            if answer or time.monotonic() > deadline:
                return answer
            time.sleep(0.05)

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        if self.is_running():
            os.kill(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(60)  # a stream that is under way may take so long
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.read()
