"""Measurements, each the raw numbers of one question in milliseconds (or MiB where it says so)."""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Demo"))

from agent import free_port, is_synced  # noqa: E402
from record import Load  # noqa: E402

WEB = "web@production"
START = "1.0.0"


class Failed(Exception):
    """The number could not be measured: (sentence)."""


def prepare(repository):
    """Makes gate and bake as short as the manifest allows: what is left is Viridian's own time."""
    repository.edit(
        "applications/web/application.yaml",
        (r"interval: \w+, healthyAfter: \d+", "interval: 100ms, healthyAfter: 1"),
        (r"bake: \w+", "bake: 1s"))


def new_version(repository, number):
    """A version that never ran: a copy of a good one under a new name."""
    version = f"2.0.{number}"
    artifacts = repository.clone / "artifacts"
    subprocess.run(
        ["cp", "-rp", artifacts / "web-1.1.0", artifacts / f"web-{version}"], check=True, timeout=30
    )
    settings = artifacts / f"web-{version}" / "settings.json"
    settings.write_text(json.dumps({"version": version, "audience": "the bench"}) + "\n")
    return version


def own_start(times=5):
    """From starting the application alone until its health check answers 200."""
    found = []
    program = ROOT / "examples-repo" / "artifacts" / "web-1.1.0" / "web"
    for _ in range(times):
        port = free_port()
        begun = time.monotonic()
        process = subprocess.Popen(
            [program, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while not answers(port):
                if time.monotonic() - begun > 20 or process.poll() is not None:
                    raise Failed("the application does not start by itself")
                time.sleep(0.002)
            found.append(1000 * (time.monotonic() - begun))
        finally:
            process.terminate()
            process.wait(15)
    return found


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


class Rollouts:
    """Rounds of a bump to a version that never ran, and the revert of that commit, under load."""

    def __init__(self, agent, repository, port, rate):
        self.agent, self.repository, self.port, self.rate = agent, repository, port, rate
        self.poll, self.bump, self.revert = [], [], []
        self.failed, self.repeated, self.total = 0, 0, 0
        self.resident = None

    def run(self, rounds, directory):
        self.repository.commit("bench")
        self.agent.start()
        if not self.agent.poll(lambda s: is_synced(s, START), 90):
            raise Failed("the first deployment did not end within 90 s")
        load = Load(self.port, directory / "load.jsonl", self.rate)
        try:
            for number in range(1, rounds + 1):
                version = new_version(self.repository, number)
                commit = self.repository.bump(version)
                self.bump.append(self.moved(load, commit, START, version))
                commit = self.repository.revert(commit)
                self.revert.append(self.moved(load, commit, version, START))
            self.resident = memory(self.agent.process.pid)
        finally:
            load.stop()
        served = load.served()
        self.failed, self.repeated = len(served.failed()), len(served.retried())
        self.total = len(served)

    def moved(self, load, commit, old, new):
        """From the history's first word of the commit until no request goes to the old version."""
        pushed, wall = self.repository.pushed_at, self.repository.pushed_wall
        if not load.wait_for(lambda r: r.since(pushed).of_version(new), 60):
            raise Failed(f"no answer of {new} within 60 s")
        status, errors = self.agent.wait(WEB, new, 60)
        if status != 0:
            raise Failed(f"wait for {new} ended with {status}: {errors}")
        seen = self.agent.seen_at(commit)
        if seen is None:
            raise Failed("the history does not name the commit")
        load.settle()
        end = moved_at(load.read().since(pushed), old, new)
        self.poll.append(1000 * (seen - wall))
        # Both clocks run on this host: their difference turns wall time into monotonic time.
        return 1000 * (end - pushed - (seen - wall))


def moved_at(requests, old, new):
    """The monotonic moment from which all traffic goes to the new version: its first answer, or the
    due time of the last request that the old one was given, whichever is later."""
    first = requests.of_version(new)[0]["done"]
    return max([first] + [r["due"] for r in requests.of_version(old)])


def memory(pid):
    """Resident MiB of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) / 1024


def passes(program, targets, count):
    """What `pass-benchmark` says: settled fleet, memory platform, one no-op pass after the other."""
    done = subprocess.run(
        [program, "--targets", str(targets), "--passes", str(count)], capture_output=True,
        text=True, timeout=1800, stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise Failed(f"{program.name}: {done.stderr.strip()[-200:]}")
    found = json.loads(done.stdout)
    for key in ("launches", "routeWrites", "ledgerEntries"):
        if found[key] != 0:
            raise Failed(f"{found[key]} {key} in {found['passes']} passes that had nothing to do")
    return found


def machine():
    """What the numbers were measured on."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    load = os.getloadavg()[0]
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return (f"{model[1] if model else 'unknown processor'}, {os.cpu_count()} cores, Linux"
            f" {os.uname().release}, load {load:.1f} at the start, commit {revision or 'unknown'}")


def middle(numbers):
    return statistics.median(numbers)
