#!/usr/bin/env python3
"""Proves that the campaign can fail: on a real host, with the agent dead, does what a broken agent
would do, and wants the observer to hold exactly that against it; and judges requests whose fault is
known. The exit status is 0 only if every misdeed was seen, and an innocent host is not accused."""

import argparse
import sys
import tempfile
from pathlib import Path

from attribution import INSTANCE, KILLED, STOPPED, Evidence, attribute
from campaign import memory
from control import new_random
from deaths import Deaths
from host import Host
from journeys import Bump, First
from misdeeds import MISDEEDS
from world import World

SEEN_WITHIN = 12  # seconds


class Trial:
    """A host on which everything is well: two stacks, load, an observer."""

    def __init__(self, program, directory, number):
        self.host = Host(program, directory, f"selftest-{number}", new_random(number, directory), 40)
        deaths = Deaths(self.host, new_random(0), lambda *_, **__: None, 3)
        self.world = World(self.host, deaths, print, print)
        self.host.world = self.world

    def prepare(self):
        host = self.host
        host.watch()
        host.agent.begin()
        for journey in (First, Bump):
            journey = journey(self.world, new_random(1))
            journey.set_out()
            host.agent.nudge()
            if not host.until(lambda: journey.arrived(host.agent.statuses()), 60):
                raise RuntimeError(f"{journey.name} did not arrive: {host.agent.statuses()}")
            journey.done(host.agent.statuses())
        host.begin_decoy()
        host.begin_load()
        host.load.wait_for(lambda r: len(r) > 40, 10)
        self.world.warm = host.until(lambda: self.world.behind, 20)[2]
        self.present = {"web-production": True, "side-production": True}

    def innocent(self):
        """What the observer says of a host that nobody touched, and of one that only served."""
        answer = self.host.observer.ask(self.present)
        host = self.host
        return answer["complaints"] + [e["text"] for e in host.observer.read() if "violated" in e]

    def convict(self, misdeed, oracle):
        """True when the observer, or the judge of the requests, names the oracle."""
        host = self.host
        host.agent.kill()  # what it would repair must be seen
        misdeed(host)
        if oracle == "lost":
            return self.loses()
        if oracle in ("orphans", "S5"):
            host.observer.ask(self.present)
        return bool(host.until(lambda: self.accusations(oracle), SEEN_WITHIN))

    def accusations(self, oracle):
        return [e["text"] for e in self.host.observer.read() if e.get("violated") == oracle]

    def loses(self):
        return bool(self.host.load.wait_for(lambda r: attribute(r, Evidence())[0], SEEN_WITHIN))

    def end(self):
        self.host.end()
        self.host.forget()
        self.host.remove()


def try_misdeed(program, place, number, misdeed, oracle):
    """(whether it was seen, what the observer said of the innocent host)."""
    trial = Trial(program, place / str(number), number)
    try:
        trial.prepare()
        complaints = trial.innocent()
        return trial.convict(misdeed, oracle), complaints
    finally:
        trial.end()


def request(due, done, number=1, kind="fresh", **more):
    return {"due": due, "done": done, "number": number, "kind": kind, "error": "x", **more}


EVIDENCE = {
    "kills": [{"at": 10.0, "victim": "haproxy-worker", "pid": 1},
              {"at": 30.0, "victim": "instance", "pid": 7}, {"at": 50.0, "victim": "keeper", "pid": 8},
              {"at": 60.0, "victim": "agent", "pid": 9}],
    "stops": [{"at": 40.0, "until": 43.0, "victim": "haproxy"},
              {"at": 45.0, "until": 47.0, "victim": "agent"}],
    "outages": [[10.1, 11.0]],
    "journal": [
        {"what": "begins", "pid": 7, "number": "5"}, {"what": "begins", "pid": 7, "number": "6"},
        {"what": "answered", "pid": 7, "number": "6"}, {"what": "begins", "pid": 6, "number": "4"},
        {"what": "begins", "pid": 7, "number": "stream-3"}],
}
JUDGEMENTS = [
    ("connection refused while HAProxy, which we killed, was away", request(10.5, 10.6), KILLED),
    ("a stream that was cut when HAProxy was killed", request(8, 10.05, 1, "stream"), KILLED),
    ("503 at that time: HAProxy answered", request(10.5, 10.6, status=503), None),
    ("connection refused after it was back", request(11.5, 11.6), None),
    ("no answer before it was killed", request(9.0, 9.5), None),
    ("the killed instance had begun it", request(29.9, 30.1, 5, status=502), INSTANCE),
    ("the killed instance had answered it", request(29.9, 30.1, 6, status=502), None),
    ("another instance had it", request(29.9, 30.1, 4, status=502), None),
    ("nobody had it, and an instance was killed", request(29.9, 30.1, 9, status=503), None),
    ("a stream of the killed instance", request(28, 30.1, 3, "stream"), INSTANCE),
    ("request 3 is not stream 3", request(29.9, 30.1, 3), None),
    ("HAProxy stood still", request(40.5, 50.5), STOPPED),
    ("the agent stood still", request(45.5, 46), None),
    ("a keeper was killed", request(50, 50.1, status=502), None),
    ("the agent was killed", request(60, 60.1), None),
]


def judge_known_requests(say):
    """How many of the judgements are wrong."""
    evidence, wrong = Evidence(**EVIDENCE), 0
    for text, failed, cause in JUDGEMENTS:
        is_right = evidence.cause(failed) == cause
        wrong += not is_right
        say(f"  {'✓' if is_right else '✗'} {text}: {cause or 'lost through the agent'}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viridian", required=True)
    parser.add_argument("--only", help="one misdeed")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="vs", dir=memory()))
    place.chmod(0o711)
    print("Failed requests whose fault is known")
    wrong = judge_known_requests(print)
    print("Misdeeds by hand, on real hosts")
    chosen = [m for m in MISDEEDS if options.only in (None, m[0].__name__)]
    for number, (misdeed, oracle) in enumerate(chosen):
        is_seen, complaints = try_misdeed(options.viridian, place, number, misdeed, oracle)
        wrong += not is_seen or bool(complaints)
        print(f"  {'✓' if is_seen else '✗ NOT SEEN:'} {misdeed.__name__.replace('_', ' ')}: {oracle}"
              + (f"; ✗ and the innocent host was accused: {complaints}" if complaints else ""),
              flush=True)
    place.rmdir()
    print("Every misdeed was seen, and nobody innocent was accused." if not wrong
          else f"{wrong} are WRONG.")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
