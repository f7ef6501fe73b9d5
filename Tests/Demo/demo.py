#!/usr/bin/env python3
"""Viridian end to end on this host: a real Git remote, a real agent, HAProxy, real processes, and
real requests all the while. Ends by itself; the exit status is 0 only if every claim was true.
KEEP=1 leaves everything running at the end."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import steps
from agent import Agent, free_port, is_free
from report import Report
from repository import Repository

EXAMPLES = Path(__file__).resolve().parents[2] / "examples-repo"


class Demo:
    """What all steps share."""

    def __init__(self, program, rate):
        self.report = Report()
        # A socket's path has at most 107 bytes: a long TMPDIR is no place for an agent's state.
        parent = None if len(tempfile.gettempdir()) <= 40 else "/tmp"
        self.directory = Path(tempfile.mkdtemp(prefix="viridian-demo-", dir=parent)).resolve()
        self.repository = Repository(self.directory, EXAMPLES)
        self.agent = Agent(program, self.directory, self.repository.remote)
        self.rate = rate
        self.load = None
        self.port = None

    def prepare(self):
        for environment in ("production", "staging"):
            port = self.repository.listen_port(environment)
            if not is_free(port):
                other = free_port()
                self.repository.set_listen_port(environment, other)
                self.report.say(f"Port {port} is taken; {environment} listens on {other} here.")
        self.port = self.repository.listen_port("production")
        self.report.say(f"Everything is below {self.directory}; web@production will answer on "
                        f"http://127.0.0.1:{self.port}")

    def run(self):
        self.prepare()
        for step in steps.ALL:
            step(self)
            if self.report.broken:
                self.explain()
                break  # what follows builds on it

    def explain(self):
        """What a person needs to see why a claim was false."""
        self.report.say("\nThe agent's last words:")
        if self.agent.log.exists():
            self.report.note("\n".join(self.agent.log.read_text(errors="replace").splitlines()[-25:]))
        try:
            _, output, errors = self.agent.call("describe", "web@production", timeout=30)
            self.report.note((output + errors)[-4000:])
        except Exception as problem:
            self.report.note(f"viridian describe: {problem}")

    def finish(self, keep):
        served, before = None, 0
        if self.load:
            everything = self.load.stop()
            served = self.load.served()
            before = len(everything) - len(served)
            self.report.claim(served and not served.failed(), "no request failed from the first answer on",
                              f"{len(served.failed())} of {len(served):,}")
        if not keep:
            self.clean()
        self.report.summary(served, before)
        return 1 if self.report.broken else 0

    def clean(self):
        self.report.say("\nCleaning up")
        self.report.claim(self.agent.stop(), "the agent ends within 10 s of SIGTERM")
        if self.agent.state.exists():
            self.report.do("viridian uninstall --yes")
            status, output, errors = self.agent.call("uninstall", "--yes")
            self.report.claim(status == 0, "uninstall ends well", (errors or output).strip()[-300:]
                              if status else "")
        deadline = time.monotonic() + 5
        while (left := self.agent.leftovers()) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.report.claim(not left, "no process is left", "; ".join(f"{p} {c}" for p, c in left))
        for pid, _ in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.report.broken:
            kept = Path(f"{self.directory}.log")
            if self.agent.log.exists():
                shutil.copyfile(self.agent.log, kept)
                self.report.say(f"The agent's log is kept in {kept}")
        shutil.rmtree(self.directory)

    def say_how_to_go_on(self):
        viridian = f"{self.agent.program}"
        config = f"--config {self.agent.configuration}"
        self.report.say(f"""
It is still running. Talk to it:
  curl http://127.0.0.1:{self.port}/
  {viridian} describe web@production {config}
  {viridian} history {config}
Change something:
  cd {self.repository.clone}   # edit environments/production/web.yaml, commit, push
Stop it:
  kill {self.agent.process.pid}; {viridian} uninstall --yes {config}; rm -r {self.directory}""")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viridian", required=True, help="the program to show")
    parser.add_argument("--rate", type=float, default=100, help="requests per second")
    options = parser.parse_args()
    keep = os.environ.get("KEEP", "") not in ("", "0")

    def interrupted(number, _):
        raise KeyboardInterrupt(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    demo = Demo(options.viridian, options.rate)
    try:
        demo.run()
    except KeyboardInterrupt:
        keep = False
        demo.report.claim(False, "the demo was interrupted")
    except Exception as problem:  # a failure of the demo itself must clean up, too
        demo.report.claim(False, f"the demo could go on: {type(problem).__name__}: {problem}")
        demo.explain()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # cleaning up is bounded in time
    keep = keep and demo.agent.is_running()
    status = demo.finish(keep)
    if keep:
        demo.say_how_to_go_on()
    sys.exit(status)


if __name__ == "__main__":
    main()
