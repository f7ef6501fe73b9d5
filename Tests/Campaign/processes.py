"""What /proc says of the processes of one host. No other source is asked."""

import os
import re
import time
from dataclasses import dataclass, replace

TICKS = os.sysconf("SC_CLK_TCK")
YOUNG = 1.0  # seconds; a process that was just forked has its parent's name still
TOOLS = (b"load.py", b"observer.py", b"life.py", b"campaign.py", b"selftest.py", b"git")


@dataclass(frozen=True)
class Process:
    pid: int
    start: int  # clock ticks since boot: with the pid it names one process for ever
    parent: int
    state: str
    kind: str  # agent, keeper, unpacker, worker, haproxy, instance, other
    command: str
    stack: str = ""
    instance: int = -1
    port: int = 0
    cgroup: str = ""
    release: tuple = ()  # device and inode of the directory it runs in

    @property
    def identity(self):
        return self.pid, self.start


def read(path):
    with open(path, "rb") as file:
        return file.read()


def stat(pid):
    """(state, parent, start) or None when it has ended."""
    try:
        fields = read(f"/proc/{pid}/stat").rpartition(b") ")[2].split()
    except OSError:
        return None
    if fields[0] in (b"Z", b"X"):
        return None
    return fields[0].decode(), int(fields[1]), int(fields[19])


def kind_of(command):
    if "viridian-keeper" in command:
        return "keeper" if re.search(r"viridian-keeper run ", command) else "unpacker"
    if "source-worker" in command:
        return "worker"
    if re.search(r"viridian (run|uninstall) ", command):
        return "agent"
    if re.search(r"\bhaproxy ", command):
        return "haproxy"
    return "instance" if re.search(r"web --port \d+$", command) else "other"


def is_alive(identity):
    found = stat(identity[0])
    return found is not None and found[2] == identity[1]


class Processes:
    """Those whose command, directory or environment names `directory`."""

    def __init__(self, directory):
        self.mark = os.fsencode(str(directory))
        self.ours = {}
        self.foreign = set()

    def scan(self):
        """Identity → Process of all that live now."""
        pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        self.foreign &= pids
        found = {}
        for pid in pids - self.foreign - {os.getpid()}:
            process = self.look(pid)
            if process:
                found[process.identity] = process
        self.ours = found
        return found

    def look(self, pid):
        status = stat(pid)
        if status is None:
            return None
        state, parent, start = status
        known = self.ours.get((pid, start))
        is_young = time.clock_gettime(time.CLOCK_BOOTTIME) - start / TICKS < YOUNG
        # What starts others looks like one of them until the other has become what it is to be: on a
        # busy machine that takes longer than youth.
        if known and not is_young and known.kind in ("instance", "haproxy"):
            return replace(known, state=state, parent=parent)
        process = self.describe(pid, state, parent, start)
        if process is None and not is_young:
            self.foreign.add(pid)
        return process

    def describe(self, pid, state, parent, start):
        try:
            command = read(f"/proc/{pid}/cmdline")
            environment = read(f"/proc/{pid}/environ")
            directory = os.fsencode(os.readlink(f"/proc/{pid}/cwd"))
        except OSError:
            return None
        if not any(self.mark in place for place in (command, environment, directory)):
            return None
        words = command.split(b"\0")
        if any(os.path.basename(word).startswith(TOOLS) for word in words):
            return None
        text = b" ".join(words).decode(errors="replace").strip()
        kind = kind_of(text)
        process = Process(pid, start, parent, state, kind, text)
        if kind in ("keeper", "unpacker"):
            return replace(process, stack=os.path.basename(text.split()[-1]))
        return self.instance(process, environment) if kind == "instance" else process

    def instance(self, process, environment):
        values = dict(pair.partition(b"=")[::2] for pair in environment.split(b"\0"))
        try:
            place = os.stat(f"/proc/{process.pid}/cwd")
            cgroup = read(f"/proc/{process.pid}/cgroup").decode().strip().splitlines()[-1]
        except OSError:
            return None
        if b"VIRIDIAN_STACK" not in values:  # it is just becoming another program
            return None
        return replace(
            process, stack=values[b"VIRIDIAN_STACK"].decode(),
            instance=int(values.get(b"VIRIDIAN_INSTANCE", b"-1")),
            port=int(process.command.split()[-1]), cgroup=cgroup.rpartition("/instance-")[0],
            release=(place.st_dev, place.st_ino))


def masters(processes):
    """HAProxy processes that are nobody's worker."""
    pids = {p.pid for p in processes if p.kind == "haproxy"}
    return [p for p in processes if p.kind == "haproxy" and p.parent not in pids]


def workers(processes):
    pids = {p.pid for p in processes if p.kind == "haproxy"}
    return [p for p in processes if p.kind == "haproxy" and p.parent in pids]
