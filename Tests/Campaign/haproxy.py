"""What HAProxy says on its socket, read without the agent: weights, servers, sessions."""

import csv
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Load"))

from router import ask  # noqa: E402


@dataclass
class Server:
    name: str
    port: int
    status: str
    sessions: int
    total: int


@dataclass
class View:
    """One reading of one target's route."""

    weights: dict = field(default_factory=dict)  # backend → percent
    servers: dict = field(default_factory=dict)  # backend → [Server]

    def weight_of_ports(self):
        """Port of an instance → percent of the traffic that its backend has."""
        return {s.port: self.weights.get(b, 0) for b, all in self.servers.items() for s in all}


class Socket:
    def __init__(self, state):
        self.directory = Path(state) / "local" / "haproxy"
        self.stats = self.directory / "stats.sock"

    def read(self):
        """Target → View, or None when nobody answers."""
        try:
            maps = sorted(p for p in os.listdir(self.directory / "maps") if p.endswith(".map"))
            words = ["show stat -1 4 -1"] + [f"show map {self.directory}/maps/{m}" for m in maps]
            answers = ask(self.stats, ";".join(words), timeout=0.5).split("\n\n")
        except OSError:
            return None
        if not answers[0].startswith("# pxname"):
            return None
        servers = list(csv.DictReader(answers[0][2:].splitlines()))
        return {
            name.removesuffix(".map"): view(name.removesuffix(".map"), servers, text)
            for name, text in zip(maps, answers[1:]) if "0x" in text
        }


def view(target, servers, text):
    found = View()
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[1].isdigit():
            found.weights[words[2]] = found.weights.get(words[2], 0) + 1
    for row in servers:
        if row["pxname"].startswith(f"be_{target}_"):
            server = Server(row["svname"], int(row["addr"].rpartition(":")[2]), row["status"],
                            int(row["scur"]), int(row["stot"]))
            found.servers.setdefault(row["pxname"], []).append(server)
    return found
