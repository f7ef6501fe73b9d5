"""Whose fault a failed request is. It is the environment's only where there is proof that we did it:
we killed or stopped HAProxy at that time, or the very process that had the request. All others are
the agent's, whatever the reason may have been."""

from collections import Counter
from dataclasses import dataclass, field

SETTLE = 0.3  # seconds; connections that were accepted just before may end a little later
OUTAGE = 15.0  # seconds within which HAProxy has to be back
KILLED = "HAProxy was killed"
STOPPED = "HAProxy was stopped"
INSTANCE = "its instance was killed"


@dataclass
class Evidence:
    """What is known apart from the client's record. All times are of the monotonic clock."""

    kills: list = field(default_factory=list)  # {"at", "victim", "pid", …}
    stops: list = field(default_factory=list)  # {"at", "until", "victim"}
    outages: list = field(default_factory=list)  # [down, up] as the observer saw them
    journal: list = field(default_factory=list)  # the application's lines

    def __post_init__(self):
        self.router_kills = [self.window(k["at"]) for k in self.kills
                             if k["victim"].startswith("haproxy")]
        self.router_stops = [(s["at"], s["until"] + SETTLE) for s in self.stops
                             if s["victim"] == "haproxy"]
        killed = {k["pid"]: k["at"] for k in self.kills if k["victim"] == "instance"}
        answered = {(line["pid"], line["number"]) for line in self.journal
                    if line["what"] == "answered"}
        self.broken = {}  # request's number → when its process was killed
        for line in self.journal:
            if line["what"] == "begins" and line["pid"] in killed:
                if (line["pid"], line["number"]) not in answered:
                    self.broken[line["number"]] = killed[line["pid"]]

    def window(self, at):
        """From a kill of HAProxy until the observer had an answer again."""
        up = [up for down, up in self.outages if down >= at - 0.2 and down <= at + 2]
        return at, (up[0] if up else at) + SETTLE

    def longest_outage(self):
        return max((up - at for at, up in self.router_kills), default=0.0)

    def excused_seconds(self):
        """For how long broken connections are not held against the agent."""
        return sum(end - begin for begin, end in self.router_kills + self.router_stops)

    def cause(self, request):
        """What we did that explains the failure, or None."""
        number = request["number"]
        key = f"stream-{number}" if request["kind"] == "stream" else str(number)
        broken = self.broken.get(key)
        if broken is not None and request["due"] <= broken <= request["done"]:
            return INSTANCE
        is_answer = "status" in request  # an answer of HAProxy or the application is no broken line
        if not is_answer and overlaps(request, self.router_kills):
            return KILLED
        if overlaps(request, self.router_stops):
            return STOPPED
        return None


def overlaps(request, windows):
    return any(request["due"] <= end and request["done"] >= begin for begin, end in windows)


def attribute(requests, evidence):
    """(lost through the agent, Counter of causes that we are)."""
    lost, causes = [], Counter()
    for request in requests:
        if "error" not in request:
            continue
        cause = evidence.cause(request)
        if cause is None:
            lost.append(request)
        else:
            causes[cause] += 1
    return lost, causes
