"""The ways through a stack's life. Each sets out with a commit or a trouble, and says when it has
arrived and how many launches are the truth about it."""

from declarations import BAD, GOOD, SLOW
from drifts import DRIFTS

WEB, SIDE = "web@production", "side@production"
PASS = ("ledger.", "executor.", "haproxy.apply.")
LAUNCH = PASS + ("local.", "keeper.", "unpack.")


class Journey:
    prefixes = LAUNCH
    parks = False  # a stack is parked on the way
    launches = (0, 0)  # of all targets, at least and at most
    most_deaths = 6
    limit = 75  # seconds until it has arrived, with an agent that nobody disturbs any more
    more = None  # environment of the agent
    may_end = False  # the agent may end by itself, with its reason

    def __init__(self, world, rng):
        self.world, self.rng = world, rng
        self.host, self.repository = world.host, world.host.repository

    @property
    def name(self):
        return type(self).__name__.lower()

    def is_possible(self):
        return True

    def set_out(self):
        """Makes the change that is the journey's."""

    def relent(self):
        """Ends the trouble; the agent is to arrive from here without another death."""

    def arrived(self, statuses):
        web = statuses.get(WEB)
        side = statuses.get(SIDE)
        if (side is not None) != self.world.has_side or side and not at_rest(side):
            return False
        return bool(web) and at_rest(web) and web["desiredCommit"] == self.world.commit

    def done(self, statuses):
        """Remembers what is now; called once it has arrived."""
        self.world.stable = serving(statuses.get(WEB))


def serving(status):
    full = [s for s in (status or {"stacks": []})["stacks"] if s["weightPercent"] == 100]
    return full[0] if len(full) == 1 else None


def at_rest(status):
    live = serving(status)
    return (status["sync"] == "Synced" and live is not None and status.get("rollout") is None
            and status["liveVersion"] == status["desiredVersion"] and live["role"] == "stable")


class First(Journey):
    """Nothing was there before."""

    prefixes = PASS + ("haproxy.", "local.ensure.", "keeper.", "unpack.")
    launches = (2, 2)

    def set_out(self):
        self.world.commit = self.repository.commit("First")
        self.world.remember(*self.world.declared)


class Bump(Journey):
    launches = (1, 1)

    def set_out(self):
        self.world.declare_new(self.rng.choice(GOOD))


class Revert(Journey):
    """Back to the stack that is warm: a switch, and no launch."""

    prefixes = PASS

    def is_possible(self):
        self.behind = self.world.behind
        return self.behind is not None

    def set_out(self):
        self.world.declare_behind(self.behind)

    def done(self, statuses):
        super().done(statuses)
        if self.world.stable["name"] != self.world.expected:
            self.world.violated("rollback", f"{self.world.stable['name']} serves after the revert,"
                                f" and {self.world.expected} was warm")


class Bad(Journey):
    """A version that never gets healthy, or ends at once; then the revert of it."""

    launches = (1, 1)
    most_deaths = 4
    parks = True

    def set_out(self):
        self.world.declare_bad(self.rng.choice(list(BAD)))

    def arrived(self, statuses):
        """Arrived is what failed: quarantined, with the one before still serving."""
        stacks = (statuses.get(WEB) or {"stacks": []})["stacks"]
        return any(s["role"] == "quarantined" and s["commit"] == self.world.commit for s in stacks)

    def done(self, statuses):
        self.world.take_back()


class Supersede(Journey):
    """A newer commit while the one before is still being proven."""

    launches = (1, 2)
    parks = True

    def set_out(self):
        self.world.declare_new(SLOW, is_kept=False)
        self.host.until(lambda: False, self.rng.uniform(0, 2.5))
        self.world.declare_new(self.rng.choice(GOOD))


class Restart(Journey):
    """Nothing changes but the agent; a pass at rest passes no named point."""

    prefixes = ()
    most_deaths = 10


class Removal(Journey):
    """`side` goes, or comes back."""

    prefixes = LAUNCH + ("haproxy.reload.",)

    def __init__(self, world, rng):
        super().__init__(world, rng)
        self.launches = (0, 0) if world.has_side else (1, 1)

    def set_out(self):
        self.world.has_side = not self.world.has_side
        self.world.commit = self.repository.set_side(self.world.has_side)
        self.world.remember(*self.world.declared)


class Drift(Journey):
    """Somebody changes by hand what serves, or its route."""

    most_deaths = 2

    def __init__(self, world, rng):
        super().__init__(world, rng)
        self.drift = rng.choice(DRIFTS)
        self.launches = (1, 1) if self.drift.is_replaced else (0, 0)

    @property
    def name(self):
        return f"drift-{self.drift.name}"

    def is_possible(self):
        # The breakers open with the fourth replacement of a digest, or repair of a route.
        is_stable = self.world.stable is not None
        bound = self.world.replaced if self.drift.is_replaced else self.world.repaired
        return is_stable and bound < 2

    def set_out(self):
        self.world.drifted(self.drift)
        self.before = self.world.stable["name"]
        self.world.deaths.spare()
        self.drift.make(self.host, self.before)

    def arrived(self, statuses):
        if not super().arrived(statuses):
            return False
        web = statuses[WEB]
        if self.drift.is_replaced and serving(web)["name"] == self.before:
            return False
        return not any(f["word"] != "NOT_CHECKED" for f in web["findings"])
