"""What the demo says: steps, claims with their proof, the summary."""

import os
import sys
import time


class Report:
    def __init__(self):
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._green, self._red, self._bold, self._dim, self._plain = (
            ("\033[32m", "\033[31m", "\033[1m", "\033[2m", "\033[0m") if colour else [""] * 5
        )
        self.broken = []
        self.steps = []
        self._started = time.monotonic()

    def say(self, text=""):
        print(text, flush=True)

    def step(self, title):
        now = time.monotonic()
        self._close(now)
        self.steps.append([title, now, None, []])
        self.say(f"\n{self._bold}{len(self.steps)}. {title}{self._plain}")

    def _close(self, now):
        if self.steps and self.steps[-1][2] is None:
            self.steps[-1][2] = now

    def do(self, command):
        """A command as a user would type it."""
        self.say(f"   {self._dim}$ {command}{self._plain}")

    def note(self, text):
        for line in text.rstrip().splitlines():
            self.say(f"     {line}")

    def measure(self, name, seconds):
        """A time that belongs to the current step."""
        if seconds is None:
            self.say(f"     {name}: unknown")
            return
        text = f"{1000 * seconds:,.0f} ms" if abs(seconds) < 10 else f"{seconds:.1f} s"
        self.steps[-1][3].append((name, text))
        self.say(f"     {name}: {text}")

    def claim(self, holds, text, proof=""):
        """Everything the demo claims passes through here: a false one fails the demo."""
        mark = f"{self._green}✓{self._plain}" if holds else f"{self._red}✗{self._plain}"
        self.say(f"   {mark} {text}" + (f" ({proof})" if proof else ""))
        if not holds:
            self.broken.append(f"step {len(self.steps)}: {text}" + (f" ({proof})" if proof else ""))
        return bool(holds)

    def load(self, requests, what="load"):
        """One line about some requests."""
        versions = ", ".join(f"{v}: {n:,}" for v, n in sorted(requests.versions().items()))
        quick, slow = requests.latency(50), requests.latency(99)
        times = f", p50 {quick:.1f} ms, p99 {slow:.1f} ms" if quick is not None else ""
        failed = len(requests.failed())
        self.note(f"{what}: {len(requests):,} requests, {failed} failed{times} [{versions}]")
        for request in requests.failed()[:5]:
            self.note(f"  failed: {request['page']} ({request['kind']}): {request['error']}")

    def summary(self, requests, before):
        self._close(time.monotonic())
        self.say(f"\n{self._bold}Summary{self._plain}")
        for number, (title, begun, ended, measures) in enumerate(self.steps, 1):
            self.say(f"  {number}. {title}: {ended - begun:.1f} s")
            for name, text in measures:
                self.say(f"       {name}: {text}")
        if requests:
            kept = sum(1 for r in requests if r["kind"] == "kept")
            self.say(
                f"  {len(requests):,} requests since the first answer ({kept:,} over kept connections,"
                f" {len(requests) - kept:,} over fresh ones), {len(requests.failed())} failed,"
                f" {len(requests.retried())} repeated on a connection that was just closed;"
                f" longest time without an answer {requests.longest_gap():.0f} ms"
            )
            self.say(f"  {before:,} requests came before anything was deployed and are not counted")
        self.say(f"  {time.monotonic() - self._started:.0f} s in all")
        if self.broken:
            self.say(f"{self._red}NOT AS CLAIMED:{self._plain}")
            for text in self.broken:
                self.say(f"  ✗ {text}")
        else:
            self.say(f"{self._green}Everything was as claimed.{self._plain}")
