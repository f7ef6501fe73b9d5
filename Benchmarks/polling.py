"""What a poll in which nothing is new costs: the running agent's, and Git's own commands."""

import os
import resource
import select
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from repository import ENVIRONMENT, git

STEP = 0.001  # seconds between two looks for a new process: by so much a duration may be too short


@dataclass
class Commands:
    """Some runs of a command: how long each took, and the processor time of one on average."""

    wall: list = field(default_factory=list)  # milliseconds
    processor: float = 0  # milliseconds


@dataclass
class Idle:
    """An agent to which nothing happens. Milliseconds, per second where it says so."""

    polls: Commands
    own: float  # processor time of the agent itself, per second
    seconds: float
    others: int  # children that were no polls


def git_commands(repository, times=30):
    """(ls-remote, fetch) of a repository in which nothing is new, process start included."""
    url = f"file://{repository.remote}"
    git(repository.clone, "fetch", "--quiet", "origin", "main")
    return (
        repeated(["git", "ls-remote", url, "refs/heads/main"], repository.clone, times),
        repeated(["git", "fetch", "--quiet", "origin", "main"], repository.clone, times),
    )


def repeated(arguments, directory, times):
    found, before = Commands(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        begun = time.monotonic()
        subprocess.run(arguments, cwd=directory, env=ENVIRONMENT, check=True, capture_output=True,
                       timeout=60)
        found.wall.append(1000 * (time.monotonic() - begun))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found.processor = 1000 * used / times
    return found


def idle(agent, seconds):
    """Watches an agent's polls from outside: each is a new child `source-worker`."""
    pid = agent.process.pid
    polls, others = Commands(), 0
    own, children = processor_times(pid)
    begun = time.monotonic()
    with open("/proc/loadavg", "rb", buffering=0) as newest:
        last = newest_process(newest)
        while time.monotonic() < begun + seconds:
            time.sleep(STEP)
            new = newest_process(newest)
            # Numbers start again at the highest one: what was missed there is one poll or none.
            for child in range(last + 1, new + 1):
                found = follow(child, pid)
                if found is None:
                    continue
                if b"source-worker" in found[0]:
                    polls.wall.append(1000 * found[1])
                else:
                    others += 1
            last = new
    watched = time.monotonic() - begun
    own_after, children_after = processor_times(pid)
    # All children that ended count; others than polls are told, so that nobody is misled.
    polls.processor = 1000 * (children_after - children) / max(1, len(polls.wall))
    return Idle(polls, 1000 * (own_after - own) / watched, watched, others)


def newest_process(file):
    """The number that was given out last (to a process or a thread)."""
    file.seek(0)
    return int(file.read().split()[-1])


def follow(child, parent):
    """(command line, seconds until it ended) of a child of that parent that just began, or None."""
    begun, command = time.monotonic(), b""
    try:
        descriptor = os.pidfd_open(child)
    except OSError:
        return None  # a thread, or gone
    try:
        if parent_of(child) != parent:
            return None
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        # A child shows its parent's command line until it runs its own program.
        while not ended.poll(1):
            command = Path(f"/proc/{child}/cmdline").read_bytes() or command
            if b"source-worker" in command:
                ended.poll(30_000)
        return command, time.monotonic() - begun
    except OSError:
        return command, time.monotonic() - begun  # ended between two looks
    finally:
        os.close(descriptor)


def parent_of(pid):
    # The name, in parentheses, may hold anything.
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def processor_times(pid):
    """Seconds of processor time: (its own, that of its children that ended and of its source workers)."""
    own, ended = times_of(pid)
    # The one that makes the others lives on.
    return own, ended + sum(times_of(child)[0] for child in living_workers(pid))


def times_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / ticks, (int(fields[13]) + int(fields[14])) / ticks


def living_workers(parent):
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (b"source-worker" in (path / "cmdline").read_bytes()
                    and parent_of(path.name) == parent):
                found.append(path.name)
        except OSError:
            continue  # it has ended
    return found
