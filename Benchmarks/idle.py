"""What a small fleet costs while nothing happens: processor time and memory of the agent."""

import time
from dataclasses import dataclass

import measure
import polling
from measure import Failed, memory

from agent import Agent, free_range, is_synced
from repository import Repository

LOOK = 5  # seconds of polls between two looks at the memory
CALM = 15  # seconds after the fleet is synced until it is left alone: drains and first inspections end


class Fleet:
    """One application in so many environments of one host, one instance each, the usual health check
    (HTTP, once a second)."""

    def __init__(self, program, directory, targets, poll):
        directory.mkdir()
        repository = Repository(directory, measure.ROOT / "examples-repo")
        measure.prepare(repository)
        repository.edit("applications/web/application.yaml",
                        (r"instances: \d+", "instances: 1"), (r"interval: \w+", "interval: 1s"))
        first = free_range(100)
        environments = [f"e{number}" for number in range(targets)]
        for number, name in enumerate(environments):
            place = repository.clone / "environments" / name
            place.mkdir()
            for file in ("environment.yaml", "web.yaml"):
                text = (repository.clone / "environments" / "production" / file).read_text()
                (place / file).write_text(
                    text.replace("production", name).replace(":8080", f":{first + number}"))
        repository.remove("environments/production", "environments/staging")
        repository.commit("idle")
        self.targets = [f"web@{name}" for name in environments]
        self.agent = Agent(program, directory, repository.remote, environments)
        text = self.agent.configuration.read_text().replace("poll: 1s", f"poll: {poll}")
        self.agent.configuration.write_text(text)

    def start(self):
        self.agent.start()
        for target in self.targets:
            if not self.agent.poll(lambda s: is_synced(s, measure.START), 120, target):
                raise Failed(f"{target} is not synced within 120 s")

    def stop(self):
        self.agent.stop()
        if self.agent.state.exists():
            self.agent.call("uninstall", "--yes")


def processor(fleet, seconds):
    """(its own, its children's) milliseconds of processor time per second."""
    pid, begun = fleet.agent.process.pid, time.monotonic()
    own, children = polling.processor_times(pid)
    time.sleep(seconds)
    own_after, children_after = polling.processor_times(pid)
    watched = time.monotonic() - begun
    return 1000 * (own_after - own) / watched, 1000 * (children_after - children) / watched


@dataclass
class Growth:
    """Resident MiB of an agent while it polls."""

    first: float
    last: float
    most: float
    polls: int

    @property
    def growth(self):
        return self.last - self.first


def growth(fleet, polls):
    """From a twentieth of the polls on, which fill what is filled once."""
    pid, count, first, most = fleet.agent.process.pid, 0, None, 0
    while count < polls:
        if not fleet.agent.is_running():
            raise Failed("the agent has ended")
        count += len(polling.idle(fleet.agent, LOOK).polls.wall)
        now = memory(pid)
        most = max(most, now)
        if first is None and count >= polls / 20:
            first = now
    return Growth(first, now, most, count)
