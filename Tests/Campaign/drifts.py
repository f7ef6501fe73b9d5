"""Changes by hand, one for each field that somebody can reach."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from haproxy import Socket, ask
from settled import cgroup_root

BY_HAND = 30.0  # seconds for which a route is what we made it, at most


@dataclass(frozen=True)
class Change:
    name: str
    is_replaced: bool  # by a clean stack; else repaired in place
    do: Callable

    def make(self, host, stack):
        if not self.is_replaced:
            host.until(lambda: is_whole(host, stack), 10)  # what we take away must not be the last
            host.observer.tell(by_hand=BY_HAND)
        self.do(host, stack)


def edit_file(host, stack):
    (host.release(stack) / "settings.json").write_text('{"version": "by hand"}\n')


def remove_file(host, stack):
    (host.release(stack) / "settings.json").unlink()


def add_file(host, stack):
    (host.release(stack) / "by-hand.txt").write_text("not from the commit\n")


def change_mode(host, stack):
    os.chmod(host.release(stack) / "settings.json", 0o600)


def edit_program(host, stack):
    with (host.release(stack) / "web").open("a") as file:
        file.write("# by hand\n")


def edit_plan(host, stack):
    plan = host.release(stack).parent / "plan.json"
    plan.write_text(plan.read_text().replace('"GREETING":"', '"GREETING":"by-hand-'))


def add_process(host, stack):
    """A stranger in the stack's cgroup."""
    root = Path(cgroup_root(host.owner))
    groups = [p for p in root.iterdir() if p.name.startswith(f"{stack}-")]
    process = subprocess.Popen(["sleep", "600"], start_new_session=True, cwd="/",
                               stdin=subprocess.DEVNULL)
    host.strangers.append(process)
    (groups[0] / "instance-0" / "cgroup.procs").write_text(str(process.pid))


def say(host, *commands):
    return ask(host.agent.state / "local" / "haproxy" / "stats.sock", ";".join(commands))


def server_of(host, stack):
    """(backend, server) of one of the stack's instances."""
    ports = {p.port for p in host.scan("instance") if p.stack == stack}
    for line in say(host, "show servers state").splitlines():
        words = line.split()
        if len(words) > 18 and words[0].isdigit() and int(words[18]) in ports:
            return words[1], words[3]
    raise RuntimeError(f"HAProxy has no server of {stack}")


def is_whole(host, stack):
    """All instances of the stack are up, as HAProxy sees them."""
    ports = {p.port for p in host.scan("instance") if p.stack == stack}
    views = Socket(host.agent.state).read() or {}
    servers = [s for view in views.values() for all in view.servers.values() for s in all]
    return len(ports) > 1 and all(
        any(s.port == port and s.status == "UP" for s in servers) for port in ports)


def set_server(words):
    def change(host, stack):
        say(host, f"set server {'/'.join(server_of(host, stack))} {words}")
    return change


def map_path(host):
    return host.agent.state / "local" / "haproxy" / "maps" / "web.production.map"


def change_map(host, stack):
    """One percent of the traffic to a backend without servers: the fallback takes it."""
    backend = server_of(host, stack)[0]
    other = backend[:-1] + ("4" if backend[-1] != "4" else "3")
    say(host, f"set map {map_path(host)} 17 {other}")


def delete_key(host, _):
    say(host, f"del map {map_path(host)} 42")


def edit_map_file(host, _):
    path = map_path(host)
    path.write_text(path.read_text().replace("\n42 ", "\n42  "))


def edit_configuration(host, _):
    file = host.agent.state / "local" / "haproxy" / "conf.d" / "10-web.production.cfg"
    file.write_text(file.read_text().replace("balance leastconn", "balance roundrobin", 1))


DRIFTS = [
    Change("file-edited", True, edit_file),
    Change("file-removed", True, remove_file),
    Change("file-added", True, add_file),
    Change("file-mode", True, change_mode),
    Change("program-edited", True, edit_program),
    Change("plan-edited", True, edit_plan),
    Change("process-added", True, add_process),
    Change("server-weight", False, set_server("weight 3")),
    Change("server-maintenance", False, set_server("state maint")),
    Change("server-drained", False, set_server("state drain")),
    Change("map-changed", False, change_map),
    Change("map-key-deleted", False, delete_key),
    Change("map-file", False, edit_map_file),
    Change("configuration-file", False, edit_configuration),
]
