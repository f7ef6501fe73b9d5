#!/usr/bin/env python3
"""Many rollouts and reverts under load, with a real agent, HAProxy, Git and processes. Proves from
the load's record that no request was lost and that every version answered, and prints how long the
switches took. The exit status is 0 only if every claim was true."""

import argparse
import json
import re
import shutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Demo"))

from agent import Agent, free_port, is_free, is_synced, serving  # noqa: E402
from ending import (  # noqa: E402
    explain, ignore_signals, raise_on_signals, take_down, temporary_directory,
)
from record import Load, percentile  # noqa: E402
from report import Report  # noqa: E402
from repository import Repository  # noqa: E402

from moves import APPLICATION, FIRST, PROGRAMS, WEB, Failed, Mover, false_claims, overlap  # noqa: E402
from router import Router  # noqa: E402

SLOW = 300  # milliseconds of the slow page: well within the drain of 1 s, whatever the machine does
LATE = 1.0  # seconds; a load generator that is later than that tells about the machine alone
RETAINED = 1  # warm stacks, as examples-repo declares it
SPARE = 15  # seconds by which the drain is longer than a stream: what is cut by declaration proves nothing
DRAINING = 6  # stacks that may be on their way out while streams keep them
STREAM_EVERY = 2  # seconds; there are always some under way
SHOP = ROOT / "Tests" / "Load" / "shop" / "web"


class Rehearsal:
    def __init__(self, options):
        self.options = options
        self.report = Report()
        self.directory = temporary_directory("viridian-load-")
        self.repository = Repository(self.directory, ROOT / "examples-repo")
        first = options.port and options.port + 1
        self.agent = Agent(options.viridian, self.directory, self.repository.remote, first=first)
        self.router = Router(self.agent.state)
        self.load = None
        self.moves = []
        self.drain = 1 if options.stream is None else round(options.stream) + SPARE
        self.most = 0  # stacks at the same time
        self.proof = {}  # figures that can be added to those of other hosts

    def run(self):
        self.deploy()
        if not self.report.broken:
            self.move()
            self.prove()  # what the record says of the moves so far is of use after a failure, too
        if not self.report.broken:
            self.look_at_what_is_left()
        if self.report.broken:
            explain(self.report, self.agent)

    def declare(self):
        """Production's web alone, its policies as short as they can be: what is left is speed."""
        self.repository.remove(
            "environments/staging", "environments/production/mailer.yaml", "applications/mailer")
        self.repository.edit(
            APPLICATION, (r"bake: \w+", "bake: 1s"),
            (r"deadline: 10s, then", f"deadline: {self.drain}s, then"),
            (r"interval: 500ms, healthyAfter: 3", "interval: 200ms, healthyAfter: 2"))
        if self.options.stream is not None:  # examples-repo's application has no streams
            for version in PROGRAMS:
                shutil.copy(SHOP, self.repository.clone / "artifacts" / f"web-{version}" / "web")
        port = self.repository.listen_port("production")
        if self.options.port or not is_free(port):
            port = self.options.port or free_port()
            self.repository.set_listen_port("production", port)
        self.repository.commit("Production only")
        return port

    def deploy(self):
        report = self.report
        report.step("The first deployment")
        port = self.declare()
        report.note(f"everything is below {self.directory}, the service on 127.0.0.1:{port}")
        more = [] if self.options.stream is None else [
            "--uploads", "--stream", self.options.stream, "--stream-every", STREAM_EVERY]
        self.load = Load(port, self.directory / "load.jsonl", self.options.rate, SLOW, more)
        self.agent.start()
        status = self.agent.poll(lambda s: is_synced(s, PROGRAMS[0]) and s, 90)
        if not report.claim(status, f"{WEB} is synced and stable", "within 90 s"):
            return
        answers = self.load.wait_for(lambda r: r.of_greeting(FIRST), 5)
        report.claim(answers, f"the service says {FIRST}")
        self.first_answer = answers[0]["done"]
        self.mover = Mover(self.agent, self.repository, self.load, serving(status))
        self.haproxy = self.router.processes()
        self.resident = [resident(self.agent.process.pid)]
        report.note(f"HAProxy: {self.haproxy}")

    def move(self):
        rollouts, reverts = self.options.rollouts, self.options.reverts
        self.report.step(f"{rollouts} rollouts and {reverts} reverts at {self.options.rate:g}"
                         " requests per second")
        done = 0
        try:
            for number in range(1, rollouts + 1):
                self.note(self.mover.roll_out(f"hello-{number}"))
                # Spread evenly: after each rollout there are as many reverts as are then due.
                if number * reverts // rollouts > done:
                    self.note(self.mover.revert())
                    done += 1
        except Failed as problem:
            self.report.claim(False, "every move ends as it must", str(problem))
            return
        kinds = [m.kind for m in self.moves]
        self.report.claim(
            kinds.count("rollout") == rollouts and kinds.count("revert") == reverts,
            f"{rollouts} rollouts launched a stack each and are synced;"
            f" {reverts} reverts gave the traffic back to the warm stack and launched nothing")

    def note(self, move):
        self.moves.append(move)
        stacks = self.agent.status(WEB)["stacks"]
        self.most = max(self.most, len(stacks))
        self.report.note(
            f"{len(self.moves):3} {move.kind:7} → {move.stack} ({move.version}, {move.greeting}):"
            f" seen {1000 * (move.seen - move.pushed):,.0f} ms after the push,"
            f" first answer {move.milliseconds():,.0f} ms later,"
            f" synced {move.synced - move.pushed:.1f} s after the push, {len(stacks)} stacks")
        now = self.router.processes()
        if now != self.haproxy:
            self.report.claim(False, "HAProxy's processes stay", f"{self.haproxy} → {now}")
            self.haproxy = now

    def prove(self):
        report = self.report
        report.step("What the record proves")
        self.load.settle()
        end = time.monotonic()
        self.load.stop()
        requests = self.load.served()
        report.load(requests)
        report.claim(requests.latest() < LATE, "the load generator kept its schedule: this machine"
                     " has room for the load and all else that runs on it",
                     f"it was {requests.latest():.2f} s late at most")
        report.claim(requests and not requests.failed(), "no request failed",
                     f"{len(requests.failed())} of {len(requests):,}")
        self.explain_failures(requests.failed())
        missing = self.load.requests.missing()
        self.proof = {
            "rollouts": sum(m.kind == "rollout" for m in self.moves),
            "reverts": sum(m.kind == "revert" for m in self.moves), "requests": len(requests),
            "failed": len(requests.failed()), "missing": len(missing)}
        report.claim(not missing, "every request that was sent is in the record",
                     f"{len(missing)} of {len(self.load.requests):,} missing")
        self.prove_streams()
        against = false_claims(requests, self.moves, end)
        report.claim(not against, f"each of the {len(self.moves)} moves was answered by its own stack,"
                     " version and greeting, and by no other once it was synced",
                     "; ".join(against[:5]))
        for kind, text in (("rollout", "commit seen → first answer of the new stack"),
                           ("revert", "revert seen → first answer of the old stack")):
            self.spread(text, [m.milliseconds() for m in self.moves if m.kind == kind])
        for kind in ("rollout", "revert"):
            self.spread(f"{kind}: first answer → last request to the stack before",
                        [overlap(requests, m) for m in self.moves if m.kind == kind])
        self.spread("push → synced and stable (poll, gate, bake and all)",
                    [1000 * (m.synced - m.pushed) for m in self.moves if m.kind == "rollout"])

    def prove_streams(self):
        """Long answers end whole, also when the traffic moved away meanwhile."""
        if self.options.stream is None:
            return
        streams = self.load.streams().since(self.first_answer)
        failed = streams.failed()
        across = [s for s in streams if any(s["due"] < m.first < s["done"] for m in self.moves)]
        self.proof.update(streams=len(streams), cut=len(failed), across=len(across))
        self.report.claim(
            streams and not failed,
            f"no stream of {self.options.stream:g} s was cut",
            f"{len(failed)} of {len(streams):,}; {len(across):,} of them outlived a switch")
        self.explain_failures(failed)

    def spread(self, name, numbers):
        if not numbers:
            return
        text = ", ".join(f"{label} {value:,.0f} ms" for label, value in (
            ("p50", percentile(numbers, 50)), ("p99", percentile(numbers, 99)),
            ("worst", max(numbers))))
        self.report.steps[-1][3].append((name, f"{text} (n = {len(numbers)})"))
        self.report.note(f"{name}: {text} (n = {len(numbers)})")

    def explain_failures(self, failed):
        """Which move each failed request belongs to."""
        for request in failed[:20]:
            number = max((i for i, m in enumerate(self.moves, 1) if m.pushed <= request["due"]),
                         default=0)
            self.report.note(
                f"  request {request['number']} ({request['page']}, {request['kind']}), due"
                f" {request['due']:.3f}, ended {request['done'] - request['due']:.3f} s later, wall"
                f" {request['wall']:.3f}, after the push of move {number}: {request['error']}")
            if number:
                self.report.note(f"    {self.moves[number - 1]}")

    def look_at_what_is_left(self):
        report = self.report
        report.step("What is left")
        now = self.router.processes()
        report.claim(now == self.haproxy, "HAProxy was not reloaded once since the first deployment",
                     f"{now['reloads'] - self.haproxy['reloads']} reloads, master {now['master']},"
                     f" worker {now['worker']}")
        bound = 1 + RETAINED
        status = self.agent.poll(lambda s: len(s["stacks"]) <= bound and s, 60 + 2 * self.drain)
        left = sorted(s["name"] for s in (status or self.agent.status(WEB))["stacks"])
        report.claim(status, f"of {self.mover.newest} stacks, {bound} at most are left",
                     ", ".join(left))
        # At most stable, candidate, what is warm, and one on its way out, when a move has ended.
        draining = 2 if self.options.stream is None else DRAINING
        report.claim(self.most <= bound + draining, "stacks did not pile up meanwhile",
                     f"{self.most} were the most at a time")
        directory = self.agent.state / "local" / "stacks"

        def are_as_listed(_):
            return sorted(p.name for p in directory.iterdir()) == left

        report.claim(self.agent.poll(are_as_listed, 30), "the disk holds no others",
                     ", ".join(sorted(p.name for p in directory.iterdir())))
        programs = [c for _, c in self.agent.leftovers() if re.search(r"/web --port \d+$", c)]
        report.claim(len(programs) == 2 * len(left), "two processes of the application run for each",
                     f"{len(programs)}")
        self.resident.append(resident(self.agent.process.pid))
        report.note("the agent's resident memory: {:.0f} MiB after the first deployment,"
                    " {:.0f} MiB now".format(*self.resident))

    def finish(self):
        served, before = None, 0
        if self.load:
            everything = self.load.stop()
            served = self.load.served()
            before = len(everything) - len(served)
        self.report.say("\nCleaning up")
        if self.report.broken and self.load:
            kept = Path(f"{self.directory}.jsonl")
            kept.write_bytes(self.load.path.read_bytes())
            self.report.say(f"The load's record is kept in {kept}")
        take_down(self.report, self.agent, self.directory)
        if self.options.result:
            Path(self.options.result).write_text(json.dumps(self.proof))
        self.report.summary(served, before)
        return 1 if self.report.broken else 0


def resident(pid):
    """MiB."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viridian", required=True, help="the program to try")
    parser.add_argument("--rollouts", type=int, default=50)
    parser.add_argument("--reverts", type=int, default=20, help="at most one for each rollout")
    parser.add_argument("--rate", type=float, default=200, help="requests per second")
    parser.add_argument("--stream", type=float, help="long answers of so many seconds, too, and"
                        " bodies that come in two halves; the declared drain is then longer")
    parser.add_argument("--result", help="a file for the figures, as JSON")
    parser.add_argument("--port", type=int, help="the service's; the hundred ports after it"
                        " are the instances'. Else that of examples-repo, and free ones")
    options = parser.parse_args()
    if not (0 < options.rollouts and 0 <= options.reverts <= options.rollouts):
        parser.error("at least one rollout, and at most as many reverts")
    raise_on_signals()
    rehearsal = Rehearsal(options)
    try:
        rehearsal.run()
    except KeyboardInterrupt:
        rehearsal.report.claim(False, "the run was interrupted")
    except Exception as problem:  # a failure of the driver itself must clean up, too
        ignore_signals()  # also when it is told to end meanwhile
        rehearsal.report.claim(False, f"the run could go on: {type(problem).__name__}: {problem}")
        explain(rehearsal.report, rehearsal.agent)
    ignore_signals()
    sys.exit(rehearsal.finish())


if __name__ == "__main__":
    main()
