"""One host of a campaign: a directory, a Git server, an agent, load, an observer. Everything it
starts ends with it."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Demo"))

from record import Lines, Load  # noqa: E402

from control import ArmedAgent, free_block  # noqa: E402
from declarations import DRAIN, GATES, STREAM, Declarations  # noqa: E402
from gitserver import GitServer  # noqa: E402
from processes import Processes, is_alive  # noqa: E402
from settled import cgroup_root  # noqa: E402

STATE_BYTES = 96 << 20  # of the state's own file system, which can be filled


class ObserverLink:
    """The observer as a process of its own, and the wire to it."""

    def __init__(self, directory, owner, patience):
        self.patience = patience
        self.log = Path(directory) / "observer.jsonl"
        with self.log.open("wb") as log, (Path(directory) / "observer.err").open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("observer.py")), "--directory",
                 str(directory), "--owner", owner, "--gates", json.dumps(GATES), "--patience",
                 str(patience)],
                stdin=subprocess.PIPE, stdout=log, stderr=errors, start_new_session=True)
        self.lines = Lines(self.log)
        self.heard = []
        self.asked = 0

    def tell(self, **event):
        """Returns when the observer knows it: a kill must not be seen before it is known."""
        self.asked += 1
        self.send({**event, "acknowledge": self.asked})
        self.await_line(lambda line: line.get("acknowledged") == self.asked, 60)

    def ask(self, present, serving=True):
        """The observer's answer at the end of a journey."""
        self.asked += 1
        self.send({"ask": self.asked, "present": present, "serving": serving})
        return self.await_line(
            lambda line: line.get("answer") == self.asked, 30 + 30 * self.patience)

    def send(self, event):
        self.process.stdin.write(json.dumps(event).encode() + b"\n")
        self.process.stdin.flush()

    def await_line(self, wanted, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            new = self.lines.new()
            self.heard += new
            found = next((line for line in new if wanted(line)), None)
            if found:
                return found
            select.select([], [], [], 0.01)
        words = self.log.with_suffix(".err").read_text()[-1500:]
        raise RuntimeError(f"the observer gives no answer any more: {words}")

    def read(self):
        self.heard += self.lines.new()
        return self.heard

    def stop(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended already, and says so by its status
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.read()


class Host:
    def __init__(self, program, directory, owner, rng, rate):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        self.owner, self.rate = owner, rate
        self.forget()  # of a run with the same seed that was itself killed
        first = free_block(rng)
        self.port, git_port = first, first + 2
        self.repository = Declarations(self.directory, {"web": first, "side": first + 1})
        self.git = GitServer(git_port, self.repository.remote)
        self.agent = ArmedAgent(program, self.directory, owner, git_port, first + 4)
        self.disk = self.agent.state.parent
        self.mounted = self.mount()
        self.processes = Processes(self.directory)
        self.load = self.observer = self.decoy = None
        self.strangers = []  # processes that we started by hand; ended with the host
        self.journal = self.directory / "journal.jsonl"
        self.journal.touch(0o666)

    def mount(self):
        """A small file system of its own for the state; false where we may not."""
        self.disk.mkdir(mode=0o711)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_BYTES},mode=711",
                               "campaign", str(self.disk)], capture_output=True)
        return done.returncode == 0

    def watch(self, patience=1):
        self.observer = ObserverLink(self.directory, self.owner, patience)

    def begin_decoy(self):
        """A process and a directory that look like a stack of this agent's and have no certificate:
        nobody may touch them."""
        place = self.agent.state / "local" / "stacks" / "other-production-v001"
        (place / "release").mkdir(parents=True)
        (place / "release" / "precious").write_text("not the agent's\n")
        self.decoy = subprocess.Popen(
            ["sleep", "100000"], cwd="/", stdin=subprocess.DEVNULL, start_new_session=True,
            env={"VIRIDIAN_STACK": "other-production-v001", "VIRIDIAN_INSTANCE": "0"})
        self.observer.tell(decoy=self.decoy.pid, precious=str(place / "release" / "precious"))

    def begin_load(self):
        more = ["--uploads", "--stream", STREAM, "--stream-every", 2]
        self.load = Load(self.port, self.directory / "load.jsonl", self.rate, 300, more)

    def scan(self, kind):
        return [p for p in self.processes.scan().values() if p.kind == kind]

    def until(self, question, seconds, pause=0.05):
        """Asks until the answer is true or time is up; the last answer."""
        deadline = time.monotonic() + seconds
        while True:
            answer = question()
            if answer or time.monotonic() > deadline:
                return answer
            time.sleep(pause)

    def release(self, stack):
        return self.agent.state / "local" / "stacks" / stack / "release"

    def end(self):
        """Stops everything; what is left of processes is told and ended."""
        if self.load:
            self.load.stop()
        if self.observer:
            self.observer.stop()
        if self.agent.is_running():
            self.agent.kill()
        for process in [*self.strangers, *([self.decoy] if self.decoy else [])]:
            process.kill()
            process.wait()
        self.git.shutdown()
        self.git.server_close()
        left = end_processes(self.directory)
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.disk)], capture_output=True)
        return left

    def forget(self):
        """What a host that could not be uninstalled leaves outside its directory."""
        root = cgroup_root(self.owner)
        for place, _, _ in os.walk(root or "", topdown=False):
            try:
                os.rmdir(place)
            except OSError:
                pass  # it says itself whether anything is in it
        shutil.rmtree(f"/dev/shm/viridian-{self.owner}", ignore_errors=True)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def end_processes(directory):
    """Kills what names the directory: (pid, command) of each."""
    table, killed = Processes(directory), {}
    deadline = time.monotonic() + 15
    while (found := table.scan()) and time.monotonic() < deadline:
        for identity, process in found.items():
            killed[identity] = process.command
            if is_alive(identity):
                os.kill(identity[0], signal.SIGKILL)
        time.sleep(0.05)
    return [(pid, command) for (pid, _), command in killed.items()]
