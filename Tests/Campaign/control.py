"""The agent of a campaign: armed with failpoints, asked over its socket, killed from outside."""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Demo"))

from agent import Agent, is_free  # noqa: E402

CONFIGURATION = """\
owner: {owner}
state: {state}
interval: 500ms
inspectEvery: 500ms
sources:
  - {{ name: main, url: "http://127.0.0.1:{git}/remote.git", branch: main, path: ., poll: 5s,
      allowInsecureHTTP: true, listDeadline: 2s, fetchDeadline: 4s }}
platforms:
  - {{ name: local, kind: local, ports: "{first}-{last}", reloadEvery: 200ms }}
secrets: {{ directory: {directory}/secrets }}
limits: {{ removals: 1000, agentRemovals: 1000 }}
alerts: {{ file: {directory}/alerts.jsonl }}
"""
BLOCK = 100


def free_block(rng):
    """The first of a block of ports where nobody listens; drawn, so that hosts seldom meet."""
    while True:
        first = rng.randrange(10_000, 28_000, BLOCK)
        if all(is_free(port) for port in range(first, first + BLOCK)):
            return first


class Unix(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("agent", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class ArmedAgent(Agent):
    """`Agent` with another configuration, an environment of its own and quicker questions."""

    def __init__(self, program, directory, owner, git, first):
        self.program = Path(program).resolve()
        self.directory = Path(directory)
        self.state = self.directory / "disk" / "state"
        self.configuration = self.directory / "viridian.yaml"
        self.log = self.directory / "agent.log"
        self.failpoint_file = self.directory / "failpoint"
        self.process = None
        self.starts = 0
        secrets = self.directory / "secrets"
        secrets.mkdir(mode=0o700)
        (secrets / "token").touch(0o600)
        (secrets / "token").write_text("a secret\n")
        self.configuration.write_text(CONFIGURATION.format(
            owner=owner, state=self.state, git=git, first=first, last=first + BLOCK - 5,
            directory=directory))
        self.environment = {k: v for k, v in os.environ.items()
                            if not k.startswith(("VIRIDIAN_", "GIT_"))}
        self.environment["SWIFT_BACKTRACE"] = "enable=no"

    def begin(self, words=("run",), failpoint=None, more=None):
        """The pid. `failpoint`: where it, or what it starts, is to stop itself."""
        environment = {**self.environment, **(more or {})}
        self.failpoint_file.unlink(missing_ok=True)
        if failpoint:
            environment["VIRIDIAN_FAILPOINT"] = failpoint
            environment["VIRIDIAN_FAILPOINT_FILE"] = str(self.failpoint_file)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, *words, "--config", self.configuration], cwd=self.directory,
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.starts += 1
        return self.process.pid

    def ask(self, method, path, body=None, timeout=5):
        """The answer as a value, or None when the agent gives none."""
        connection = Unix(self.state / "agent.sock", timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            data = response.read()
            return json.loads(data or b"null") if response.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def nudge(self):
        self.ask("POST", "/v1/sync", "", timeout=1)

    def statuses(self):
        """Target → status; empty while the agent gives no answer."""
        return {s["target"]: s for s in self.ask("GET", "/v1/targets") or []}

    def entries(self, kinds=("decision",)):
        """Ledger entries, oldest first."""
        wanted = "".join(f"&kind={kind}" for kind in kinds)
        page = self.ask("GET", f"/v1/history?limit=10000{wanted}", timeout=15)
        return list(reversed(page["entries"])) if page else []

    def stopped_at(self, point):
        """The pid of the process that stands still at the failpoint, or None."""
        try:
            words = self.failpoint_file.read_text().split()
            if len(words) == 2 and words[0] == point:
                with open(f"/proc/{words[1]}/stat") as file:
                    return int(words[1]) if ") T " in file.read() else None
        except OSError:
            pass
        return None


def new_random(seed, *more):
    """One stream of chance for each use, so that one more draw here changes nothing there."""
    return random.Random("/".join(map(str, (seed, *more))))
