"""Journeys through trouble: Git that stalls and lies, a damaged ledger, a full disk, a wrong clock."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

from gitserver import LIES
from deaths import last_words
from journeys import Bump, Journey

FRAME = 4096 + 24  # bytes of one page in SQLite's write-ahead log
DAY = 86_400  # seconds
CLOCKS = (3650 * DAY, -3650 * DAY, 3600, -3600, 30, -30)  # seconds by which the wall clock is wrong


class Git(Bump):
    """The server does not tell the truth for a while; what is committed then comes later."""

    most_deaths = 4

    def __init__(self, world, rng):
        super().__init__(world, rng)
        self.lie = rng.choice((*LIES, "rewritten"))

    @property
    def name(self):
        return f"git-{self.lie}"

    def set_out(self):
        if self.lie == "rewritten":
            self.repository.rewrite()
        else:
            self.host.git.lie = self.lie
        self.host.agent.nudge()
        self.host.until(lambda: False, self.rng.uniform(0.5, 3))
        if self.lie != "rewritten":
            super().set_out()

    def relent(self):
        self.host.git.lie = None
        if self.lie == "rewritten":
            self.repository.restore()
            super().set_out()


class Disk(Bump):
    """The state's file system is full."""

    may_end = True  # an agent that can not write may say so and end; its supervisor starts it again
    most_deaths = 3

    def is_possible(self):
        return self.host.mounted

    @property
    def filler(self):
        return self.host.disk / "filler"

    def set_out(self):
        with self.filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError as problem:
                    if problem.errno != errno.ENOSPC:
                        raise
        super().set_out()
        self.host.until(lambda: False, self.rng.uniform(0, 2))

    def relent(self):
        self.filler.unlink(missing_ok=True)


class Clock(Bump):
    """The wall clock is wrong, and right again."""

    most_deaths = 2

    def __init__(self, world, rng):
        super().__init__(world, rng)
        self.clock = rng.choice(CLOCKS)
        self.more = {"LD_PRELOAD": str(self.library), "CLOCK_OFFSET": str(self.clock)}

    @property
    def name(self):
        return f"clock{self.clock:+}s"

    @property
    def library(self):
        return self.host.directory / "clock.so"

    def is_possible(self):
        """Where there is a C compiler, such as the one that comes with Swift."""
        compiler = shutil.which("cc") or shutil.which("clang")
        if compiler and not self.library.exists():
            subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.library,
                            Path(__file__).with_name("clock.c")], check=True)
        return compiler is not None

    def set_out(self):
        self.world.restart(more=self.more)
        super().set_out()

    def relent(self):
        """Back, in the middle of it."""
        if self.rng.random() < 0.5:
            self.host.until(lambda: self.arrived(self.host.agent.statuses()), 30)
        self.world.restart()


DAMAGES = ("cut-wal", "flip-wal", "flip-database", "cut-database", "lose-wal", "lose-all", "older")


class Ledger(Journey):
    """The ledger is damaged at rest: nothing may be launched, moved or lost for it."""

    prefixes = ()
    most_deaths = 2
    may_end = True  # a ledger that is no database is refused, with the way out

    def __init__(self, world, rng):
        super().__init__(world, rng)
        self.damage = rng.choice(DAMAGES)
        self.is_moved = False

    @property
    def name(self):
        return f"ledger-{self.damage}"

    @property
    def files(self):
        return sorted(self.host.agent.state.glob("ledger.sqlite*"))

    def set_out(self):
        state = self.host.agent.state
        older = self.host.directory / "older"
        if self.damage == "older":
            older.mkdir(exist_ok=True)
            for file in self.files:
                shutil.copy(file, older)
            self.world.say_something()
        self.world.kill_agent()
        wal, database = state / "ledger.sqlite-wal", state / "ledger.sqlite"
        if self.damage == "cut-wal":
            cut(wal, self.rng)
        elif self.damage == "flip-wal":
            flip(wal, self.rng, FRAME)
        elif self.damage == "flip-database":
            flip(database, self.rng, database.stat().st_size)
        elif self.damage == "cut-database":
            cut(database, self.rng)
        elif self.damage == "lose-wal":
            wal.unlink(missing_ok=True)
        else:
            for file in self.files:
                file.unlink()
            for file in older.iterdir() if self.damage == "older" else ():
                shutil.copy(file, state)
        self.world.restart()

    def relent(self):
        """What the documentation tells an operator to do."""
        self.world.ledger_was_lost = True
        self.world.restart()
        self.host.until(lambda: self.host.agent.statuses() or not self.host.agent.is_running(), 20)
        if not self.host.agent.is_running():
            self.is_moved = True
            self.world.note("refused", why=last_words(self.host.agent.log))
            for file in self.files:
                file.unlink()
            self.world.restart()
        self.host.until(lambda: self.arrived(self.host.agent.statuses()), 8)
        self.adopt()

    def adopt(self):
        """What is held goes on, and what no record knows is warm again."""
        for name, status in self.host.agent.statuses().items():
            roles = [s["role"] for s in status["stacks"]]
            if status.get("hold") or "unclaimed" in roles:
                self.host.agent.call("adopt", name, timeout=30)
                self.world.note("adopted", target=name, hold=status.get("hold"), roles=roles)


def cut(file, rng):
    size = file.stat().st_size if file.exists() else 0
    if size:
        os.truncate(file, size - rng.randint(1, min(size, FRAME)))


def flip(file, rng, within):
    """One bit within the last bytes of a file."""
    size = file.stat().st_size if file.exists() else 0
    if not size:
        return
    with file.open("r+b") as stream:
        at = size - rng.randint(1, min(size, within))
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ (1 << rng.randrange(8))]))


TROUBLES = {Git: 8, Disk: 4, Clock: 4, Ledger: 5}
