"""HAProxy's own word on its processes: a reload cannot hide from it."""

import socket
from pathlib import Path


def ask(path, command, timeout=5):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        connection.sendall(command.encode() + b"\n")
        connection.shutdown(socket.SHUT_WR)  # the master answers `show proc` only then
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer.decode(errors="replace")


class Router:
    """The HAProxy of an agent's local platform."""

    def __init__(self, state):
        self.directory = Path(state) / "local" / "haproxy"

    def processes(self):
        """{"master": pid, "reloads": how many so far, "worker": the pid that takes connections}"""
        master = int((self.directory / "haproxy.pid").read_text().split()[0])
        rows = [line.split() for line in ask(self.directory / "master.sock", "show proc").splitlines()]
        # <pid> <type> <reloads> <uptime> <version>; a worker's count is its age in reloads.
        reloads = [int(row[2]) for row in rows if row[1:2] == ["master"]]
        info = ask(self.directory / "stats.sock", "show info").splitlines()
        worker = next(int(line.split(":")[1]) for line in info if line.startswith("Pid:"))
        if len(reloads) != 1:
            raise RuntimeError(f"HAProxy's master answers {rows}")
        return {"master": master, "reloads": reloads[0], "worker": worker}
