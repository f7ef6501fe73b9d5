"""The agent as its users see it: `viridian run` and the verbs beside it."""

import datetime
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

CONFIGURATION = """\
owner: demo
mode: act
state: {state}
sources:
  - {{ name: main, url: "file://{remote}", branch: main, path: ., poll: 1s }}
platforms:
  - {{ name: local, kind: local, ports: "{first}-{last}" }}
environments: [production]
alerts: {{ file: {directory}/alerts.jsonl }}
"""


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port():
    return free_range(1)


def free_range(count):
    """The first port of `count` free ones below those that the kernel gives to clients."""
    for first in range(20000, 32000, count):
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row between 20000 and 32000")


class Agent:
    def __init__(self, program, directory, remote, environments=("production",), first=None):
        """`first`: of the hundred ports for its instances; else a hundred free ones are found."""
        self.program = Path(program).resolve()
        self.directory = Path(directory)
        self.state = self.directory / "state"
        self.configuration = self.directory / "viridian.yaml"
        self.log = self.directory / "agent.log"
        self.process = None
        first = free_range(100) if first is None else first
        self.configuration.write_text(CONFIGURATION.format(
            state=self.state, remote=remote, first=first, last=first + 99, directory=directory,
        ).replace("[production]", f"[{', '.join(environments)}]"))
        # The user's own settings for a real agent must not reach this one.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("VIRIDIAN_")}

    def start(self):
        """The pid. Its own session: a Ctrl-C in the terminal is ours to handle."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "run", "--config", self.configuration], cwd=self.directory,
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM, and SIGKILL after ten seconds; true when the first was enough."""
        if not self.is_running():
            return True
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def call(self, *arguments, timeout=120):
        """(exit status, standard output, standard error) of a verb."""
        done = subprocess.run(
            [self.program, *arguments, "--config", self.configuration], cwd=self.directory,
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout,
        )
        return done.returncode, done.stdout, done.stderr

    def wait(self, target, version, seconds):
        """0: synced and stable; 3: failed or timed out."""
        status, _, errors = self.call(
            "wait", target, "--version", version, "--timeout", f"{seconds}s", timeout=seconds + 30
        )
        return status, errors.strip()

    def status(self, target):
        """The TargetStatus as a dictionary, or None."""
        status, output, _ = self.call("get", target, "-o", "json", timeout=30)
        if status not in (0, 1) or not output.strip():
            return None
        found = json.loads(output)
        return next((t for t in found if t["target"] == target), None)

    def history(self, target=None):
        """Ledger entries, oldest first."""
        arguments = ["history", "-o", "json", "--limit", "5000"] + (["--target", target] if target else [])
        status, output, errors = self.call(*arguments, timeout=30)
        if status != 0:
            raise RuntimeError(f"viridian history: {errors.strip()}")
        return sorted(json.loads(output), key=lambda entry: entry["sequence"])

    def seen_at(self, commit):
        """When the history first speaks of a commit (wall clock, seconds), or None."""
        times = [
            datetime.datetime.fromisoformat(e["at"].replace("Z", "+00:00")).timestamp()
            for e in self.history()
            if commit[:12] in json.dumps(e)
        ]
        return min(times, default=None)

    def poll(self, question, seconds, target="web@production"):
        """Asks about the status until the answer is true or time is up; the last answer."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status(target)
            answer = question(status) if status else None
            if answer or time.monotonic() > deadline or not self.is_running():
                return answer
            time.sleep(0.1)

    def stack_directory(self, name):
        return self.state / "local" / "stacks" / name / "release"

    def leftovers(self):
        """(pid, command) of processes that still have to do with our directory."""
        mark, found = str(self.directory).encode(), []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                if b") Z " in (entry / "stat").read_bytes():
                    continue
                command = (entry / "cmdline").read_bytes()
                places = [command, (entry / "environ").read_bytes()]
                places += [os.fsencode(os.readlink(entry / link)) for link in ("cwd", "exe")]
            except OSError:
                continue  # ended meanwhile, or somebody else's
            if any(mark in place for place in places):
                text = command.replace(b"\0", b" ").decode(errors="replace").strip()
                found.append((int(entry.name), text))
        return found


def serving(status):
    """The summary of the stack that has all traffic, or None."""
    full = [s for s in status["stacks"] if s["weightPercent"] == 100]
    return full[0] if len(full) == 1 else None


def stack(status, **wanted):
    """The first stack whose summary has these values, or None."""
    for found in status["stacks"]:
        if all(found.get(key) == value for key, value in wanted.items()):
            return found
    return None


def is_synced(status, version):
    """Declared, serving and trusted."""
    live = serving(status)
    return (
        status["sync"] == "Synced" and live is not None and live["version"] == version
        and live["role"] == "stable" and status.get("rollout") is None
    )
