#!/usr/bin/env python3
"""`load_rollouts.py` on several hosts side by side, and the sum of what they prove. With long streams
a host mostly waits for its old stacks to drain: alone it would take many hours for a thousand."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REHEARSAL = Path(__file__).with_name("load_rollouts.py")
FIRST_PORT = 12_000  # each host has the hundred ports after its own
SUMMED = ("rollouts", "reverts", "requests", "failed", "missing", "streams", "cut", "across")


def shares(count, hosts):
    """`count` in as many parts as there are hosts, as equal as can be."""
    return [count // hosts + (number < count % hosts) for number in range(hosts)]


def begin(options, place, number, rollouts, reverts):
    words = [sys.executable, REHEARSAL, "--viridian", options.viridian, "--rollouts", rollouts,
             "--reverts", reverts, "--rate", options.rate, "--port", FIRST_PORT + 110 * number,
             "--result", place / f"{number}.json"]
    if options.stream:
        words += ["--stream", options.stream]
    with (place / f"{number}.log").open("wb") as log:
        return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log)


def wait(processes, place):
    told = time.monotonic()
    while any(p.poll() is None for p in processes):
        time.sleep(1)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            moves = sum(f.read_text(errors="replace").count(" first answer ")
                        for f in place.glob("*.log"))
            print(f"  {moves:,} moves so far", flush=True)


def summarise(processes, place):
    """How many hosts did not end well."""
    total, wrong = dict.fromkeys(SUMMED, 0), 0
    for number, process in enumerate(processes):
        result = place / f"{number}.json"
        if result.exists():
            for name, value in json.loads(result.read_text()).items():
                total[name] += value
        if process.returncode:
            wrong += 1
            print(f"--- host {number} ended with {process.returncode}; {place / f'{number}.log'}:")
            lines = (place / f"{number}.log").read_text(errors="replace").splitlines()
            print("\n".join(line for line in lines if "✗" in line))
    print(f"{total['rollouts']:,} rollouts and {total['reverts']:,} reverts on {len(processes)} hosts:"
          f" {total['requests']:,} requests, {total['failed']} failed, {total['missing']} without a"
          f" record; {total['streams']:,} streams, {total['cut']} cut, {total['across']:,} of them"
          " outlived a switch")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viridian", required=True, help="the program to try")
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--rollouts", type=int, default=1000, help="on all hosts together")
    parser.add_argument("--reverts", type=int, default=200)
    parser.add_argument("--rate", type=float, default=25, help="requests per second and host")
    parser.add_argument("--stream", type=float, help="seconds of the long answers")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="viridian-loads-"))
    begun = time.monotonic()
    parts = zip(shares(options.rollouts, options.hosts), shares(options.reverts, options.hosts))
    processes = [begin(options, place, n, *part) for n, part in enumerate(parts)]

    def stop(*_):
        for process in processes:
            process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    wait(processes, place)
    wrong = summarise(processes, place)
    print(f"{(time.monotonic() - begun) / 60:.1f} minutes, logs in {place}")
    print("Everything was as claimed." if not wrong else "NOT AS CLAIMED.")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    main()
