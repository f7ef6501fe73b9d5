"""What must hold, judged from outside: HAProxy's weights, /proc, the application's own journal and
the client's record. Nothing here knows how the agent works, and nothing asks it."""

from collections import defaultdict, deque
from dataclasses import dataclass

FRESH = 3.0  # seconds; a stack's last good probe before it is given more traffic
EXCUSE = 20.0  # seconds within which a killed instance must be back


@dataclass
class Gate:
    """How the declarations say that a stack proves itself."""

    instances: int
    healthy_after: int


class Stack:
    """One launch, as it looks from outside."""

    def __init__(self, name):
        self.name = name
        self.cgroups, self.releases = set(), set()
        self.streak = defaultdict(int)  # instance → good answers to the agent in a row
        self.passed = {}  # instance → when it had enough of them
        self.probed = {}  # instance → last good answer
        self.stopping = {}  # identity → when it was told to stop
        self.short_since = None

    def probe(self, line, gate):
        instance = int(line["instance"])
        if line["status"] != 200:
            self.streak[instance] = 0
            return
        self.streak[instance] += 1
        self.probed[instance] = line["at"]
        if self.streak[instance] >= gate.healthy_after:
            self.passed.setdefault(instance, line["at"])

    def gate_passed(self, gate):
        """When the last of its instances had proven itself, or None."""
        return max(self.passed.values()) if len(self.passed) >= gate.instances else None


class Oracles:
    def __init__(self, gates, tell, excuse=EXCUSE):
        self.excuse = excuse
        self.gates = gates  # target as in the names of HAProxy and stacks → Gate
        self.tell = tell  # (oracle, sentence)
        self.stacks = {}
        self.weights = {}  # stack → percent at the last reading
        self.readings = deque(maxlen=400)  # (when, stack → percent)
        self.ports = {}  # port → stack that had it last
        self.alive = {}
        self.killed = {}  # identity → when, by us
        self.by_hand = 0.0  # until then the route is what we made it
        self.pending = []  # deaths to be judged with the next reading
        self.seen_twice = set()
        self.oldest_probe = 0.0
        self.rises = 0  # of a weight, each of them judged

    def target(self, name):
        return name.rsplit("-v", 1)[0]

    def gate(self, name):
        return self.gates.get(self.target(name), Gate(1, 1))

    def stack(self, name):
        return self.stacks.setdefault(name, Stack(name))

    def hear(self, line):
        """One line of the application's journal."""
        stack = self.stack(line["stack"])
        if line["what"] == "probe" and line["by"] == "viridian":
            stack.probe(line, self.gate(line["stack"]))
        if line["what"] == "stopping":
            stack.stopping[line["pid"]] = line["at"]

    def answered(self, line):
        """One answer that the client got: S1 by the client's view."""
        name = line.get("stack")
        if name and "error" not in line:
            passed = self.stack(name).gate_passed(self.gate(name))
            if (passed is None or passed > line["done"]) and line["due"] > self.by_hand:
                self.tell("S1", f"{name} answered a client and its gate had not passed")

    def see(self, now, processes):
        """All processes of the host."""
        instances = {i: p for i, p in processes.items() if p.kind == "instance"}
        for identity, process in instances.items():
            self.ports[process.port] = process.stack
            if identity not in self.alive:
                self.identify(process)
        self.never_twice(instances)
        for identity in set(self.alive) - set(instances):
            self.pending.append((now, self.alive[identity]))
        self.alive = instances

    def identify(self, process):
        """S5, S6: a name is one launch: one cgroup, one release directory, for ever."""
        stack = self.stack(process.stack)
        stack.cgroups.add(process.cgroup)
        stack.releases.add(process.release)
        if len(stack.cgroups) > 1 or len(stack.releases) > 1:
            self.tell("S6", f"{process.stack} was launched twice: cgroups {sorted(stack.cgroups)},"
                            f" directories {sorted(stack.releases)}")

    def never_twice(self, instances):
        """S6: one process at most for each instance of a stack. Two readings must agree."""
        seats = defaultdict(list)
        for process in instances.values():
            seats[process.stack, process.instance].append(process.identity)
        double = {(seat, tuple(sorted(all))) for seat, all in seats.items() if len(all) > 1}
        for seat, all in double & self.seen_twice:
            self.tell("S6", f"instance {seat[1]} of {seat[0]} runs twice: {all}")
        self.seen_twice = double

    def read(self, now, views):
        """One reading of HAProxy: target → View."""
        weights = defaultdict(int)
        for view in views.values():
            for backend, percent in view.weights.items():
                names = {self.ports.get(s.port) for s in view.servers.get(backend, ())}
                for name in names - {None}:
                    weights[name] += percent
        for name, percent in weights.items():
            if percent > self.weights.get(name, 0):
                self.risen(now, name, percent)
        self.weights = dict(weights)
        self.readings.append((now, self.weights))
        self.judge_deaths()
        self.capacity(now)

    def risen(self, now, name, percent):
        """S1: more traffic only after the gate, and on fresh evidence. S2: only with capacity."""
        before = self.readings[-1][0] if self.readings else now
        if before <= self.by_hand:
            return
        self.rises += 1
        stack, gate = self.stack(name), self.gate(name)
        passed = stack.gate_passed(gate)
        if passed is None or passed > now:
            return self.tell("S1", f"{name} has {percent} % and its gate never passed:"
                                   f" {dict(stack.passed)} of {gate.instances} instances")
        age = before - min(stack.probed.values())
        if not self.killed_lately(name, now):
            self.oldest_probe = max(self.oldest_probe, age)
            if age > FRESH:
                self.tell("S1", f"{name} rose to {percent} % on a probe that was {age:.1f} s old")
            if self.count(name) < gate.instances:
                self.tell("S2", f"{name} rose to {percent} % with {self.count(name)} of"
                                f" {gate.instances} instances")

    def count(self, name):
        return sum(1 for p in self.alive.values() if p.stack == name)

    def killed_lately(self, name, now):
        return any(now - at < self.excuse for at, stack in self.killed.values() if stack == name)

    def judge_deaths(self):
        """S4: who had a share of the traffic is not stopped. The readings before and after the
        moment must agree, so that a shift in between is no violation, and no excuse either."""
        now, left = self.readings[-1][0], []
        for at, process in self.pending:
            if process.identity in self.killed:
                continue
            moment = self.stack(process.stack).stopping.get(process.pid, at)
            if now < moment:
                left.append((at, process))
                continue
            before = [w for t, w in self.readings if t <= moment][-1:]
            after = [w for t, w in self.readings if t >= moment][:1]
            shares = [w.get(process.stack, 0) for w in before + after]
            if len(shares) == 2 and min(shares) > 0:
                how = "was stopped" if process.pid in self.stack(process.stack).stopping else "died"
                self.tell("S4", f"instance {process.instance} of {process.stack} (pid"
                                f" {process.pid}) {how} while it had {min(shares)} %")
        self.pending = left

    def capacity(self, now):
        """S2: a stack with traffic has its instances, unless we killed one a moment ago."""
        for name, percent in self.weights.items():
            stack = self.stack(name)
            if percent == 0 or self.count(name) >= self.gate(name).instances:
                stack.short_since = None
            elif stack.short_since is None:
                stack.short_since = now
            elif now - stack.short_since > 1 and not self.killed_lately(name, now):
                self.tell("S2", f"{name} has {percent} % and {self.count(name)} instances")
                stack.short_since = now + self.excuse

    def launched(self):
        """Names of all stacks that ever had a process."""
        return sorted(name for name, stack in self.stacks.items() if stack.releases)
