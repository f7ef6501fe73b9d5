#!/usr/bin/env python3
"""Viridian end to end on this host: a real Git remote, a real agent, HAProxy, real processes, and
real requests all the while. Ends by itself; the exit status is 0 only if every claim was true.
KEEP=1 leaves everything running at the end."""

import argparse
import os
import sys
from pathlib import Path

import steps
from agent import Agent, free_port, is_free
from ending import explain, ignore_signals, raise_on_signals, take_down, temporary_directory
from report import Report
from repository import Repository

EXAMPLES = Path(__file__).resolve().parents[2] / "examples-repo"


class Demo:
    """What all steps share."""

    def __init__(self, program, rate):
        self.report = Report()
        self.directory = temporary_directory("viridian-demo-")
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
                explain(self.report, self.agent)
                break  # what follows builds on it

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
        take_down(self.report, self.agent, self.directory)

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
    raise_on_signals()
    demo = Demo(options.viridian, options.rate)
    try:
        demo.run()
    except KeyboardInterrupt:
        keep = False
        demo.report.claim(False, "the demo was interrupted")
    except Exception as problem:  # a failure of the demo itself must clean up, too
        ignore_signals()  # also when it is told to end meanwhile
        demo.report.claim(False, f"the demo could go on: {type(problem).__name__}: {problem}")
        explain(demo.report, demo.agent)
    ignore_signals()
    keep = keep and demo.agent.is_running()
    status = demo.finish(keep)
    if keep:
        demo.say_how_to_go_on()
    sys.exit(status)


if __name__ == "__main__":
    main()
