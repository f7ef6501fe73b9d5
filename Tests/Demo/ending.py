"""How a run that was started for show or measurement ends: nothing of it may be left."""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path


def temporary_directory(prefix):
    # A socket's path has at most 107 bytes: a long TMPDIR is no place for an agent's state.
    parent = None if len(tempfile.gettempdir()) <= 40 else "/tmp"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent)).resolve()


def raise_on_signals():
    """A signal becomes a KeyboardInterrupt, so that the run cleans up after itself."""
    def interrupted(number, _):
        raise KeyboardInterrupt(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)


def ignore_signals():
    """Cleaning up is bounded in time."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def explain(report, agent, target="web@production"):
    """What a person needs to see why a claim was false."""
    report.say("\nThe agent's last words:")
    if agent.log.exists():
        report.note("\n".join(agent.log.read_text(errors="replace").splitlines()[-25:]))
    for words in (["history", "--limit", "60", "--no-color"], ["describe", target]):
        report.say(f"\nviridian {' '.join(words)}:")
        try:
            _, output, errors = agent.call(*words, timeout=30)
            report.note((output + errors)[-12_000:])
        except Exception as problem:
            report.note(f"{problem}")


def take_down(report, agent, directory):
    """Stops the agent, uninstalls, proves that no process is left, removes the directory."""
    report.claim(agent.stop(), "the agent ends within 10 s of SIGTERM")
    if agent.state.exists():
        report.do("viridian uninstall --yes")
        status, output, errors = agent.call("uninstall", "--yes")
        report.claim(status == 0, "uninstall ends well",
                     (errors or output).strip()[-300:] if status else "")
    deadline = time.monotonic() + 5
    while (left := agent.leftovers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    report.claim(not left, "no process is left", "; ".join(f"{p} {c}" for p, c in left))
    for pid, _ in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if report.broken:
        kept = Path(f"{directory}.log")
        if agent.log.exists():
            shutil.copyfile(agent.log, kept)
            report.say(f"The agent's log is kept in {kept}")
    shutil.rmtree(directory)
