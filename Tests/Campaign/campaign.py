#!/usr/bin/env python3
"""Kills real agents, keepers, source workers and HAProxy from outside, on real journeys under real
load, while an observer that shares nothing with the agent watches. Several small hosts run side by
side. The run can be interrupted and goes on where it was with the same command; the exit status is 0
only if nothing was violated."""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deaths import ROOT
from host import end_processes
from summary import summarise, total

LIFE = Path(__file__).with_name("life.py")


class Campaign:
    def __init__(self, options):
        self.options = options
        self.results = Path(options.results)
        self.results.mkdir(parents=True, exist_ok=True)
        self.state_file = self.results / "state.json"
        self.journal = self.results / "journal.jsonl"
        self.halt = self.results / "halt"
        self.halt.unlink(missing_ok=True)
        self.state = self.load()
        self.running = {}  # number → (process, directory)
        self.place = Path(tempfile.mkdtemp(prefix="vc", dir=memory()))
        self.place.chmod(0o711)
        self.begun = time.monotonic()

    def load(self):
        """What an earlier run with the same seed has left; else a new state."""
        if self.state_file.exists():
            state = json.loads(self.state_file.read_text())
            if self.options.seed in (None, state["seed"]):
                return state
            self.retire(state)
        seed = self.options.seed
        seed = random.SystemRandom().randrange(100_000) if seed is None else seed
        return {"seed": seed, "next": 1, "seconds": 0, "places": []}

    def retire(self, state):
        """Another seed: what the last one found is kept beside."""
        aside = self.results.with_name(f"{self.results.name}-{state['seed']}-{int(time.time())}")
        self.results.rename(aside)
        self.results.mkdir()

    def save(self):
        self.state["seconds"] += time.monotonic() - self.begun
        self.begun = time.monotonic()
        part = self.state_file.with_suffix(".part")
        part.write_text(json.dumps(self.state))
        part.replace(self.state_file)

    def finished(self):
        files = sorted(self.results.glob("life-*.json"), key=lambda f: int(f.stem.split("-")[1]))
        return [json.loads(file.read_text()) for file in files]

    def kills(self):
        """All kills so far, also of lives that are not over."""
        if not self.journal.exists():
            return 0
        with self.journal.open() as file:
            return sum(1 for line in file if line.startswith('{"event": "kill"'))

    def clean_earlier(self):
        """Hosts of a run that was itself killed."""
        for place in self.state["places"]:
            clean(Path(place))
        self.state["places"] = [str(self.place)]
        self.save()

    def run(self):
        self.clean_earlier()
        deadline = time.monotonic() + 60 * self.options.minutes
        told = 0
        while True:
            count = self.kills()
            if count >= self.options.kills or time.monotonic() > deadline:
                self.halt.touch()
            if count >= told + 100:
                told = count
                self.say(f"{count:,} kills, {len(self.finished())} hosts done")
            self.reap()
            while len(self.running) < self.options.hosts and not self.halt.exists():
                self.begin()
            if not self.running:
                return
            time.sleep(0.5)

    def begin(self):
        number = self.state["next"]
        self.state["next"] += 1
        self.save()
        directory = self.place / str(number)
        words = {"viridian": self.options.viridian, "seed": self.state["seed"], "number": number,
                 "directory": directory, "journal": self.journal, "halt": self.halt,
                 "result": self.results / f"life-{number}.json", "rate": self.options.rate,
                 "stop": self.options.stop, "patience": self.options.patience}
        command = [sys.executable, str(LIFE)]
        for name, value in words.items():
            command += [f"--{name}", str(value)]
        with (self.results / "lives.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.running[number] = process

    def reap(self):
        for number, process in list(self.running.items()):
            if process.poll() is None:
                continue
            del self.running[number]
            self.save()
            if not (self.results / f"life-{number}.json").exists():
                self.broken(number, f"the driver of life {number} ended with {process.returncode}")
            elif process.returncode:
                self.say(f"life {number} found something: {self.results}/life-{number}.json")

    def broken(self, number, text):
        result = {"life": number, "violations": [
            {"oracle": "driver", "journey": "", "text": text, "at": time.monotonic()}]}
        (self.results / f"life-{number}.json").write_text(json.dumps(result))
        clean(self.place / str(number))

    def say(self, text):
        print(text, flush=True)

    def finish(self):
        while self.running:
            self.reap()
            time.sleep(0.2)
        self.save()
        results = self.finished()
        clean(self.place)
        wrong = summarise(results, self.state["seconds"], self.state["seed"], self.say)
        done = sum((total(results, "kills") or {}).values())
        if done < self.options.kills:
            self.say(f"  {self.options.kills - done:,} kills are still due: the same command goes on")
        self.say("Nothing was violated." if not wrong else f"VIOLATED: see {self.results}")
        return 1 if wrong else 0


def clean(place):
    """Ends what is left of hosts, and removes them."""
    end_processes(place)
    for disk in (place / "disk", *place.glob("*/disk")):
        subprocess.run(["umount", "--lazy", str(disk)], capture_output=True)
    shutil.rmtree(place, ignore_errors=True)


def memory():
    """Where files lie in memory and programs may run; else the usual place."""
    place = Path("/dev/shm")
    if not os.access(place, os.W_OK):
        return "/tmp"
    probe = Path(shutil.copy("/bin/true", place / f"vc-probe-{os.getpid()}"))
    try:
        return place if subprocess.run([probe]).returncode == 0 else "/tmp"
    except OSError:
        return "/tmp"
    finally:
        probe.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viridian", required=True, help="the program to try")
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=90, help="no new journey after that")
    parser.add_argument("--seed", type=int, help="another seed begins anew; drawn when there is none")
    parser.add_argument("--hosts", type=int, default=4, help="side by side")
    parser.add_argument("--rate", type=float, default=40, help="requests per second and host")
    parser.add_argument("--stop", type=float, default=6, help="longest SIGSTOP in seconds")
    parser.add_argument("--patience", type=float, default=1, help="factor of all limits of time, for"
                        " a machine that others use, too")
    parser.add_argument("--results", default=str(ROOT / ".build" / "campaign"))
    campaign = Campaign(parser.parse_args())

    def interrupted(*_):
        campaign.halt.touch()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    campaign.run()
    sys.exit(campaign.finish())


if __name__ == "__main__":
    main()
