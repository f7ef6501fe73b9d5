"""What is declared and what serves on one host, as far as journeys need to know it."""

from declarations import GOOD
from journeys import SIDE, WEB, serving


class World:
    def __init__(self, host, deaths, note, violated):
        self.host, self.deaths, self.note, self.violated = host, deaths, note, violated
        self.repository = host.repository
        self.declared = ("hello", GOOD[0])  # greeting and version of web
        self.by_commit = {}
        self.commit = None
        self.count = 0
        self.has_side = True
        self.stable = None
        self.bad = None
        self.expected = None
        self.replaced = self.repaired = 0
        self.ledger_was_lost = False

    @property
    def behind(self):
        """(greeting, version, stack) of what a revert would switch to, or None."""
        web = self.host.agent.statuses().get(WEB)
        if not web or web["rollback"] != "switch":
            return None
        warm = [s for s in web["stacks"] if s["role"] == "warm" and s["running"] == s["declared"]]
        what = self.by_commit.get(warm[-1]["commit"]) if len(warm) == 1 else None
        return (*what, warm[0]["name"]) if what and what != self.declared else None

    def declare(self, greeting, version, is_kept=True):
        self.commit = self.repository.declare(greeting, version)
        self.remember(greeting, version)
        if is_kept:
            self.replaced = 0

    def remember(self, greeting, version):
        self.declared = (greeting, version)
        self.by_commit[self.commit] = self.declared

    def declare_new(self, version, is_kept=True):
        self.count += 1
        self.declare(f"hello-{self.count}", version, is_kept)

    def declare_behind(self, behind):
        greeting, version, self.expected = behind
        self.declare(greeting, version)

    def declare_bad(self, version):
        self.good, self.bad = self.declared, version
        self.declare_new(version, is_kept=False)

    def take_back(self):
        """The revert of a bad version: nothing is to happen."""
        self.declare(*self.good)
        if not self.host.until(self.is_calm, 30):
            self.violated("liveness", "the revert of a bad version did not come to rest")

    def is_calm(self):
        statuses = self.host.agent.statuses()
        web = statuses.get(WEB)
        live = serving(web)
        return (web and web["sync"] == "Synced" and web["desiredCommit"] == self.commit
                and live and live["name"] == self.stable["name"])

    def drifted(self, drift):
        if drift.is_replaced:
            self.replaced += 1
        else:
            self.repaired += 1

    def restart(self, **options):
        self.kill_agent()
        self.host.agent.begin(**options)

    def kill_agent(self):
        self.deaths.kill_agent()

    def say_something(self):
        """Entries in the ledger that an older copy does not have."""
        for verb in ("pause", "resume"):
            self.host.agent.call(verb, SIDE if self.has_side else WEB, timeout=30)
