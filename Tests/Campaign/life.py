#!/usr/bin/env python3
"""One host from its first launch to its uninstall, with deaths on every journey. Writes what came of
it as one JSON file, and each kill as a line of the campaign's journal."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Demo"))

from record import Lines  # noqa: E402

from attribution import OUTAGE, Evidence, attribute  # noqa: E402
from control import new_random  # noqa: E402
from deaths import Deaths, draw, points  # noqa: E402
from host import Host  # noqa: E402
from journeys import Bad, Bump, Drift, First, Removal, Restart, Revert, Supersede  # noqa: E402
from troubles import TROUBLES  # noqa: E402
from world import World  # noqa: E402

WEIGHTS = {Bump: 20, Revert: 14, Bad: 6, Supersede: 8, Restart: 12, Removal: 8, Drift: 10, **TROUBLES}
RETIREMENT = ("local.retire.",)


class Life:
    def __init__(self, options):
        self.options = options
        self.rng = new_random(options.seed, options.number)
        self.result = {"life": options.number, "journeys": Counter(), "violations": [],
                       "notes": Counter(), "oldest_probe": 0.0}
        self.events = []
        self.where, self.journey = "start", None
        self.begun = time.monotonic()
        owner = f"campaign-{options.seed}-{options.number}"
        self.host = Host(options.viridian, options.directory, owner, self.rng, options.rate)
        self.deaths = Deaths(self.host, self.rng, self.note, options.stop)
        self.world = World(self.host, self.deaths, self.note, self.violated)
        self.launched = set()

    def note(self, event, **more):
        line = {"event": event, "life": self.options.number, "journey": self.where, **more}
        self.events.append(line)
        self.result["notes"][event] += 1
        if event == "ended" and self.journey and not self.journey.may_end:
            if not self.result["violations"]:
                self.violated("crash", f"the agent ended by itself: {more}")
        with open(self.options.journal, "a") as file:
            file.write(json.dumps(line) + "\n")

    def violated(self, oracle, text):
        self.result["violations"].append(
            {"oracle": oracle, "journey": self.where, "text": text, "at": time.monotonic()})

    def run(self):
        self.host.watch(self.options.patience)
        self.travel(First(self.world, self.rng))
        self.host.begin_decoy()
        self.host.begin_load()
        count = self.rng.randint(self.options.journeys // 2, self.options.journeys)
        for _ in range(count):
            if self.result["violations"] or Path(self.options.halt).exists():
                break
            journey = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            journey = journey(self.world, self.rng)
            if journey.is_possible():
                self.travel(journey)

    def travel(self, journey):
        self.where, self.journey = journey.name, journey
        self.result["journeys"][journey.name] += 1
        deaths = draw(self.rng, points(journey.prefixes, journey.parks), journey.most_deaths)
        self.note("journey", at=time.monotonic(), deaths=deaths)
        mark = max((e["sequence"] for e in self.host.agent.entries()), default=0)
        self.make_ready(deaths[0], journey.more)
        journey.set_out()
        for number, death in enumerate(deaths):
            if number:
                self.make_ready(death, journey.more)
            self.deaths.happen(death, lambda: self.is_over(journey))
        self.make_ready(None, journey.more)
        journey.relent()
        self.arrive(journey, mark)

    def is_over(self, journey):
        return journey.arrived(self.host.agent.statuses())

    def make_ready(self, death, more):
        """An agent runs, armed for what comes next."""
        point = death[1] if death and death[0] == "failpoint" else None
        agent = self.host.agent
        armed = getattr(self, "armed", None)
        if agent.is_running() and armed == point:
            return
        self.deaths.kill_agent()
        agent.begin(failpoint=point, more=more)
        self.armed = point

    def arrive(self, journey, mark):
        self.host.agent.nudge()
        deadline = time.monotonic() + journey.limit * self.options.patience
        while not self.is_over(journey):
            if time.monotonic() > deadline:
                return self.never(journey)
            if not self.host.agent.is_running():
                self.ended_itself()
            time.sleep(0.05)
        journey.done(self.host.agent.statuses())
        answer = self.host.observer.ask(
            {"web-production": True, "side-production": self.world.has_side})
        for name in ("oldest_probe", "readings", "rises"):
            self.result[name] = answer[name]
        self.count_launches(journey, answer, mark)
        self.note("arrived", at=time.monotonic())

    def ended_itself(self):
        """Supervisors start it again, and so do we; but it is told."""
        self.deaths.kill_agent()  # notes that it is gone
        self.host.until(lambda: False, 0.5)  # as a supervisor's RestartSec would
        self.host.agent.begin()

    def never(self, journey):
        statuses = self.host.agent.statuses()
        self.violated("liveness", f"{journey.name} did not arrive within {journey.limit} s:"
                      f" {json.dumps(statuses)[:3000]}")

    def count_launches(self, journey, answer, mark):
        """Seen from outside, and told by the ledger: neither may be more than the truth."""
        new = set(answer["launched"]) - self.launched
        self.launched |= new
        least, most = journey.launches
        if not least <= len(new) <= most:
            self.violated("duplicates", f"{len(new)} launches {sorted(new)}, {least} to {most} are"
                          " due")
        told = [e for e in self.host.agent.entries()
                if e["message"].startswith("launches v") and e["sequence"] > mark]
        if not self.world.ledger_was_lost and not least <= len(told) <= most:
            self.violated("duplicates", f"the ledger tells {[e['message'] for e in told]},"
                          f" {least} to {most} are due")
        self.world.ledger_was_lost = False
        self.result["launches"] = len(self.launched)

    # The end

    def end(self):
        """Uninstalls, with a death on the way, and judges the record."""
        self.where, self.journey = "uninstall", None
        host = self.host
        self.statuses = host.agent.statuses()
        if host.load:
            requests, streams = host.load.stop(), host.load.streams()
        if not self.result["violations"]:
            self.uninstall()
        observer = host.observer.stop()
        self.result["violations"] += [
            {"oracle": e["violated"], "journey": "observer", "text": e["text"], "at": e["at"]}
            for e in observer if "violated" in e]
        self.judge(requests, streams, observer) if host.load else None
        self.save_evidence()
        left = host.end()
        host.forget()
        if left and not self.result["violations"]:
            self.violated("orphans", f"left behind: {left}")

    def uninstall(self):
        # With a directory in its state that is not provably its own, it removes nothing, and says so.
        shutil.rmtree(self.host.agent.state / "local" / "stacks" / "other-production-v001")
        death = draw(self.rng, points(RETIREMENT), 1)[0]
        if death[0] == "failpoint":
            self.deaths.kill_agent()
            self.host.agent.begin(["uninstall", "--yes"], failpoint=death[1])
            self.deaths.happen(death, lambda: False)
        self.deaths.kill_agent()
        status, _, errors = self.host.agent.call("uninstall", "--yes", timeout=90)
        if status != 0:
            self.violated("liveness", f"uninstall ends with {status}: {errors[-500:]}")
        self.host.observer.ask({}, serving=False)
        secrets = Path("/dev/shm") / f"viridian-{self.host.owner}"
        if secrets.exists():
            self.violated("orphans", f"{secrets} is left behind")

    def judge(self, requests, streams, observer):
        """Every failed request has one cause; those that are the agent's are violations."""
        evidence = Evidence(
            kills=[e for e in self.events if e["event"] == "kill"],
            stops=[e for e in self.events if e["event"] == "stop"],
            outages=[e["router_down"] for e in observer if "router_down" in e],
            journal=Lines(self.host.journal).new())
        both = [*requests, *streams]
        lost, causes = attribute(both, evidence)
        missing = len(requests.missing()) + len(streams.missing())
        self.result.update(
            requests=len(requests), streams=len(streams), lost=len(lost), missing=missing,
            environment=causes, outage=evidence.longest_outage(),
            excused_seconds=evidence.excused_seconds(),
            late=max(requests.latest(), streams.latest()))
        for request in lost[:10]:
            self.where = self.journey_at(request["due"])
            self.violated("lost", json.dumps(request))
        if missing:
            self.violated("lost", f"{missing} requests have no record")
        if evidence.longest_outage() > OUTAGE * self.options.patience:
            self.violated("outage", f"HAProxy was gone for {evidence.longest_outage():.1f} s")

    def journey_at(self, moment):
        begun = [e for e in self.events if e["event"] == "journey" and e["at"] <= moment]
        return begun[-1]["journey"] if begun else "start"

    def save_evidence(self):
        """What a person needs to see why something was wrong."""
        if not self.result["violations"]:
            return
        place = Path(self.options.result).with_suffix("")
        place.mkdir(exist_ok=True)
        for name in ("agent.log", "load.jsonl", "journal.jsonl", "observer.jsonl", "observer.err"):
            file = self.host.directory / name
            if file.exists():
                (place / name).write_bytes(file.read_bytes())
        (place / "events.jsonl").write_text("\n".join(map(json.dumps, self.events)))
        (place / "statuses.json").write_text(json.dumps(self.statuses, indent=1))
        try:
            _, told, _ = self.host.agent.call("history", "--limit", "5000", "--no-color", timeout=60)
            (place / "history.txt").write_text(told)
        except subprocess.TimeoutExpired:
            pass  # what else there is has to do
        for log in self.host.directory.glob("disk/state/local/stacks/*/keeper.log"):
            (place / f"keeper-{log.parent.name}.log").write_bytes(log.read_bytes())

    def write(self):
        kills = [e for e in self.events if e["event"] == "kill"]
        self.result["kills"] = Counter(e["victim"] for e in kills)
        self.result["points"] = Counter(e["point"] for e in kills)
        self.result["stops"] = Counter(e["victim"] for e in self.events if e["event"] == "stop")
        self.result["seconds"] = time.monotonic() - self.begun
        part = Path(f"{self.options.result}.part")
        part.write_text(json.dumps(self.result))
        part.replace(self.options.result)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viridian", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--number", type=int, required=True, help="which life of that seed")
    parser.add_argument("--directory", required=True, help="made new, and removed")
    parser.add_argument("--journal", required=True, help="JSON lines are appended")
    parser.add_argument("--result", required=True, help="written when the life is over")
    parser.add_argument("--halt", required=True, help="a file that says: no further journey")
    parser.add_argument("--journeys", type=int, default=14, help="at most")
    parser.add_argument("--rate", type=float, default=40, help="requests per second")
    parser.add_argument("--stop", type=float, default=6, help="longest SIGSTOP in seconds")
    parser.add_argument("--patience", type=float, default=1, help="factor of all limits of time")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the campaign ends us by the file
    life = Life(options)
    try:
        life.run()
    except Exception as problem:
        life.violated("driver", f"{type(problem).__name__}: {problem}\n{traceback.format_exc()}")
    life.end()
    life.write()
    if not os.environ.get("KEEP"):
        life.host.remove()
    return 1 if life.result["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
