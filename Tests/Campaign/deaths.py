"""How processes die, stand still and are disturbed here: always from outside, always written down."""

import os
import re
import signal
import time
from pathlib import Path

from haproxy import ask
from processes import is_alive, masters, workers

ROOT = Path(__file__).resolve().parents[2]
FAR = ("haproxy.apply.before-cut",)  # only where sessions outlive the drain
LATE = ("local.retire.", "keeper.before-stop", "keeper.after-stop")  # after the journey's end
LINGER = 4  # seconds for which those are waited for then
NAMES = re.findall(r'"([a-z-]+(?:\.[a-z-]+)+)"',
                   (ROOT / "Sources/PlatformKit/Failpoint.swift").read_text())
REACHED_WITHIN = 6  # seconds; a point that is not reached by then is not on the way
BY_HAND = 30  # seconds
WEIGHTS = {
    "failpoint": 50, "agent": 22, "keeper": 10, "worker": 6, "agent+keeper": 4, "instance": 4,
    "haproxy-worker": 2, "haproxy-master": 2, "stop-agent": 2, "stop-keeper": 2, "stop-worker": 1,
    "stop-haproxy": 1, "reload": 2,
}


# The order in which a journey passes them: a death at one leaves the next still to come.
ORDER = ("ledger.", "executor.", "local.ensure.", "keeper.", "unpack.", "haproxy.",
         "local.instances.", "local.retire.")
PARKING = ("keeper.before-stop", "keeper.after-stop", "local.instances.")


def points(prefixes, parks=False):
    found = [n for n in NAMES if n.startswith(tuple(prefixes)) and n not in FAR]
    return found if parks else [n for n in found if not n.startswith(PARKING)]


def order(death):
    """Named points first: who dies at random before may leave nothing to be reached."""
    kind, point = death
    if kind != "failpoint":
        return len(ORDER)
    return next(i for i, prefix in enumerate(ORDER) if point.startswith(prefix))


class Deaths:
    def __init__(self, host, rng, note, seconds):
        self.host, self.rng, self.note = host, rng, note
        self.longest_stop = seconds
        self.killed_instance = 0.0

    def kill(self, process, victim, point="random"):
        """True when it was alive and is not any more. The observer hears of it before."""
        identity = process.identity
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return False
        try:
            if not is_alive(identity):
                return False
            # Only the death of an instance excuses that its stack has one less.
            stack = process.stack if process.kind == "instance" else ""
            self.host.observer.tell(kill=identity, stack=stack)
            at = time.monotonic()
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        self.note("kill", at=at, victim=victim, point=point, pid=process.pid, stack=process.stack)
        return True

    def kill_agent(self, point="random"):
        """The agent of this host, if it runs; reaped."""
        agent = self.host.agent
        if not agent.is_running():
            if agent.process and agent.process.returncode != -signal.SIGKILL:
                self.note("ended", status=agent.process.returncode, words=last_words(agent.log))
                agent.process = None
            return False
        at = time.monotonic()
        agent.kill()
        self.note("kill", at=at, victim="agent", point=point, pid=agent.process.pid, stack="")
        return True

    def kill_one(self, victim):
        if victim == "agent":
            return self.kill_agent()
        if victim == "worker":
            return self.kill_worker()
        found = self.candidates(victim)
        return bool(found) and self.kill(self.rng.choice(found), victim)

    def candidates(self, victim):
        all = list(self.host.processes.scan().values())
        if victim == "haproxy-worker":
            return workers(all)
        if victim == "haproxy-master":
            return masters(all)
        if victim == "instance":
            return self.spare_instances(all)
        return [p for p in all if p.kind == victim]

    def spare_instances(self, all):
        """Instances of stacks that have another one: what dies with the last is not the agent's."""
        if time.monotonic() - self.killed_instance < 10:
            return []
        self.killed_instance = time.monotonic()
        counts = {}
        for process in all:
            if process.kind == "instance":
                counts.setdefault(process.stack, []).append(process)
        return [p for processes in counts.values() if len(processes) > 1 for p in processes]

    def spare(self):
        """No instance is killed for a while: a change by hand takes enough away."""
        self.killed_instance = time.monotonic() + BY_HAND

    def catch_worker(self):
        """The source worker that a nudge starts; it lives for a few milliseconds. The oldest one only
        makes the others."""
        self.host.agent.nudge()
        return self.host.until(
            lambda: sorted(self.host.scan("worker"), key=lambda p: p.pid)[1:], 1.5, pause=0)

    def kill_worker(self):
        found = self.catch_worker()
        return bool(found) and self.kill(found[0], "worker")

    # Deaths of a journey

    def happen(self, death, is_over):
        """`death`: (kind, point). `is_over` says when the journey's end makes a point hopeless."""
        kind, point = death
        if kind == "failpoint":
            return self.at_point(point, is_over)
        self.host.until(is_over, self.rng.uniform(0, 1.5), pause=0.02)
        if kind.startswith("stop-"):
            return self.stand_still(kind.removeprefix("stop-"))
        if kind == "reload":
            return self.reload()
        for victim in kind.split("+"):
            self.kill_one(victim)

    def at_point(self, point, is_over):
        """The agent was started armed: kills what stands still there, and the agent."""
        agent = self.host.agent

        def is_stopped():
            return agent.stopped_at(point) or not agent.is_running()

        self.host.until(lambda: is_stopped() or is_over(), REACHED_WITHIN)
        if point.startswith(LATE):
            self.host.until(is_stopped, LINGER)
        pid = agent.stopped_at(point)
        if pid is None:
            self.note("missed", point=point)
        self.kill_agent("random" if pid is None else point)
        self.kill_armed(pid, point)

    def kill_armed(self, pid, point):
        """What stopped, and, at a keeper's point, all that would stop there later."""
        all = self.host.processes.scan().values()
        for process in all:
            is_armed = process.kind in ("keeper", "unpacker") and is_armed_at(process.pid, point)
            if process.pid == pid or is_armed:
                self.kill(process, process.kind, point)

    def stand_still(self, victim):
        """SIGSTOP for longer than deadlines, then SIGCONT."""
        if victim == "agent":
            found = [p for p in self.host.scan("agent") if p.pid == self.host.agent.process.pid]
        elif victim == "worker":
            found = self.catch_worker()
        else:
            found = self.candidates("haproxy-worker" if victim == "haproxy" else victim)
        if not found:
            return
        process = self.rng.choice(found)
        seconds = self.rng.uniform(2, self.longest_stop)
        begun = time.monotonic()
        if self.host.processes.look(process.pid) is None:
            return
        os.kill(process.pid, signal.SIGSTOP)
        self.host.until(lambda: not is_alive(process.identity), seconds)
        if is_alive(process.identity):
            os.kill(process.pid, signal.SIGCONT)
        self.note("stop", victim=victim, at=begun, until=time.monotonic(), pid=process.pid,
                  stack=process.stack)

    def reload(self):
        """As an operator might: HAProxy's own reload, behind the agent's back."""
        try:
            ask(self.host.agent.state / "local" / "haproxy" / "master.sock", "reload")
        except OSError:
            return
        self.note("reload", at=time.monotonic())


def last_words(log):
    return log.read_text(errors="replace").splitlines()[-3:]


def is_armed_at(pid, point):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"VIRIDIAN_FAILPOINT={point}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def draw(rng, names, most):
    """The deaths of one journey, as (kind, point); `names`: the points that lie on its way."""
    kinds = [kind for kind in WEIGHTS if names or kind != "failpoint"]
    kinds = rng.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=rng.randint(1, most))
    deaths = [(kind, rng.choice(names) if kind == "failpoint" else None) for kind in kinds]
    return sorted(deaths, key=order)
