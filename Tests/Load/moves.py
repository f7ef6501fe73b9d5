"""The two moves that are repeated, and what the load's record proves of each."""

import time
from dataclasses import dataclass

from agent import is_synced, serving

WEB = "web@production"
FIRST = "hello"  # the greeting of examples-repo
APPLICATION = "applications/web/application.yaml"
PROGRAMS = ("1.0.0", "1.1.0")
WITHIN = 90  # seconds for a whole rollout; a few are usual, on a busy machine some more


class Failed(Exception):
    """A move did not end as it must: (sentence)."""


@dataclass
class Move:
    """One commit and where the traffic went because of it. Times of the monotonic clock."""

    kind: str  # "rollout" or "revert"
    commit: str
    greeting: str
    version: str
    stack: str
    before: str  # the stack that served until then
    pushed: float
    seen: float  # the history's first word of the commit
    first: float  # the first answer of the stack
    synced: float

    def milliseconds(self):
        return 1000 * (self.first - self.seen)


class Mover:
    """Commits, waits, and finds the proof. `current` is the newest move, `stable` its summary."""

    def __init__(self, agent, repository, load, stable):
        self.agent, self.repository, self.load = agent, repository, load
        self.stable = stable
        self.greeting = FIRST
        self.newest = stable["generation"]
        self.behind = None  # (greeting, summary) of the warm stack

    def roll_out(self, greeting):
        """Another version with a greeting that never was: a digest that never ran."""
        version = next(v for v in PROGRAMS if v != self.stable["version"])
        self.repository.set_version(version)
        self.repository.edit(APPLICATION, (r"GREETING: [\w-]+", f"GREETING: {greeting}"))
        self.get_ready()
        commit = self.repository.commit(f"web {version} says {greeting}")
        move, live = self.follow("rollout", commit, greeting, version)
        if live["generation"] <= self.newest:
            raise Failed(f"{live['name']} serves, which is not a new stack")
        self.newest = live["generation"]
        self.behind, self.stable = (self.greeting, self.stable), live
        self.greeting = greeting
        return move

    def revert(self):
        """git revert of the newest commit: back to the stack that is still warm."""
        greeting, warm = self.behind
        self.get_ready()
        commit = self.repository.revert("HEAD")
        move, live = self.follow("revert", commit, greeting, warm["version"])
        newest = max(s["generation"] for s in self.agent.status(WEB)["stacks"])
        if live["name"] != warm["name"] or newest != self.newest:
            raise Failed(f"{live['name']} serves, generation {newest} is the newest:"
                         f" the warm stack was {warm['name']}, the newest {self.newest}")
        self.behind, self.stable = (self.greeting, self.stable), live
        self.greeting = greeting
        return move

    def get_ready(self):
        """What was due before the move has ended: a move answers for itself alone."""
        self.load.settle()
        if not self.agent.is_running():
            raise Failed("the agent is not running any more")
        if not self.load.is_running():
            raise Failed("the load generator is not running any more")

    def follow(self, kind, commit, greeting, version):
        pushed, wall = self.repository.pushed_at, self.repository.pushed_wall
        code, _, errors = self.agent.call(
            "wait", WEB, "--commit", commit, "--timeout", f"{WITHIN}s", timeout=WITHIN + 30)
        synced = time.monotonic()
        if code != 0:
            raise Failed(f"wait for {commit[:12]} ({kind}) ended with {code}: {errors.strip()}")
        status = self.agent.status(WEB)
        if not (status and is_synced(status, version)):
            raise Failed(f"wait ended well, and {version} of {commit[:12]} is not synced: {status}")
        live = serving(status)
        answers = self.load.wait_for(lambda r: r.since(pushed).of_stack(live["name"]), 15)
        if not answers:
            raise Failed(f"no answer came from {live['name']}")
        seen = self.agent.seen_at(commit)
        if seen is None:
            raise Failed(f"the history does not name {commit}")
        # Both clocks run on this host: their difference turns wall time into monotonic time.
        return Move(kind, commit, greeting, version, live["name"], self.stable["name"], pushed,
                    pushed + seen - wall, answers[0]["done"], synced), live


def overlap(requests, move):
    """Milliseconds from the first answer of the new stack to the last request the old one got."""
    late = [r["due"] for r in requests.since(move.first).of_stack(move.before)
            if r["due"] < move.synced]
    return 1000 * (max(late, default=move.first) - move.first)


def false_claims(requests, moves, end):
    """What the record says against the moves, as sentences. `end`: when the last one was over."""
    found = []
    for move, following in zip(moves, [m.pushed for m in moves[1:]] + [end]):
        where = f"{move.kind} {move.commit[:12]} to {move.stack}"
        since = requests.since(move.pushed).until(following)
        greeted = since.of_greeting(move.greeting)
        if not greeted:
            found.append(f"{where}: no answer says {move.greeting}")
        if {r["stack"] for r in greeted} - {move.stack}:
            found.append(f"{where}: {move.greeting} came from {greeted.stacks()}")
        if not since.of_stack(move.stack).of_version(move.version):
            found.append(f"{where}: no answer is of {move.version}")
        others = since.since(move.synced).stacks() - {move.stack}
        if others:
            found.append(f"{where}: after it was synced, {', '.join(sorted(others))} answered, too")
    return found
