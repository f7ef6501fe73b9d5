#!/usr/bin/env python3
"""Peers for the traffic switch: how nginx and caddy move all traffic from one running copy of the
sample application to another, each told in its own usual way, under the load of our revert.

Alone it prints a small table. Exit status 1 if something could not be measured."""

import argparse
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import measure  # first: it knows where the demo's modules are
from measure import Failed, middle
from table import REVERT, SWITCH, SWITCHED_BY, Table

from agent import free_range
from ending import ignore_signals, raise_on_signals, temporary_directory
from record import Load

COPIES = ("1.0.0", "1.1.0")  # of the sample application; the first has the traffic at first
STOP = 15  # seconds until a process is killed; the application may take 9 to end

NGINX = """\
daemon off;
worker_processes auto;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream web {{
    server 127.0.0.1:{copy};
    keepalive 16;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://web;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""

CADDY = """\
{{
  admin 127.0.0.1:{admin}
  auto_https off
}}
http://:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{copy}
}}
"""


class Proxy:
    """A proxy that is no service of the host: all that it writes lies in its own directory."""

    def __init__(self, directory, port, admin):
        self.directory, self.port, self.admin = directory, port, admin
        self.file = directory / "configuration"
        self.environment = os.environ | {
            "HOME": str(directory), "XDG_DATA_HOME": str(directory / "data"),
            "XDG_CONFIG_HOME": str(directory / "config"),
        }
        # Not every user's PATH leads to the programs of administrators.
        self.program = shutil.which(self.name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if self.program is None:
            raise Failed(f"there is no {self.name}; apt-get install {self.package}")

    def declare(self, copy):
        """Writes the configuration by which all traffic goes to the copy at that port."""
        self.file.write_text(self.configuration.format(
            directory=self.directory, port=self.port, admin=self.admin, copy=copy))

    def tell(self):
        """Gives the proxy the command that a person would give it."""
        command = self.telling()
        done = subprocess.run(
            command, cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Failed(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-200:]}")


class Nginx(Proxy):
    name, package, configuration = "nginx", "nginx-light", NGINX

    def running(self):
        return [self.program, "-p", self.directory, "-e", self.directory / "error.log",
                "-c", self.file]

    def telling(self):
        return [*self.running(), "-s", "reload"]


class Caddy(Proxy):
    name, package, configuration = "caddy", "caddy", CADDY

    def running(self):
        return [self.program, "run", "--config", self.file, "--adapter", "caddyfile"]

    def telling(self):
        return [self.program, "reload", "--config", self.file, "--adapter", "caddyfile"]


class PostedCaddy(Caddy):
    """Told by a program that runs already. Most of `caddy reload` is that command's own start."""

    def tell(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=60)
        try:
            connection.request("POST", "/load", self.file.read_bytes(),
                               {"Content-Type": "text/caddyfile"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise Failed(f"caddy answered {answer.status}: {answer.read(200)}")
        except http.client.HTTPException as problem:
            raise Failed(f"caddy's admin endpoint: {problem!r}") from None
        finally:
            connection.close()


PEERS = dict(zip(SWITCHED_BY, (Nginx, Caddy, PostedCaddy)))


class Switches:
    """Rounds of moving all traffic to the other copy under load. Milliseconds."""

    def __init__(self, kind, directory, rate):
        directory.mkdir()
        self.directory, self.rate = directory, rate
        port = free_range(2 + len(COPIES))
        self.proxy = kind(directory, port, port + 1)
        self.copies = {version: port + 2 + n for n, version in enumerate(COPIES)}
        self.moved, self.command = [], []
        self.failed, self.repeated, self.total = 0, 0, 0

    def run(self, rounds):
        with ExitStack() as started:
            for version, port in self.copies.items():
                program = measure.ROOT / "examples-repo" / "artifacts" / f"web-{version}" / "web"
                self.start(started, [program, "--port", str(port)], port)
            old, new = COPIES
            self.proxy.declare(self.copies[old])
            self.start(started, self.proxy.running(), self.proxy.port)
            load = Load(self.proxy.port, self.directory / "load.jsonl", self.rate)
            started.callback(load.stop)
            self.wait_for(load, 0, old)
            for _ in range(rounds):
                self.switch(load, old, new)
                old, new = new, old
            load.stop()
        served = load.served()
        self.failed, self.repeated = len(served.failed()), len(served.retried())
        self.total = len(served)

    def switch(self, load, old, new):
        load.settle()
        self.proxy.declare(self.copies[new])
        begun = time.monotonic()
        self.proxy.tell()
        self.command.append(1000 * (time.monotonic() - begun))
        self.wait_for(load, begun, new)
        load.settle()
        self.moved.append(1000 * (measure.moved_at(load.read().since(begun), old, new) - begun))

    def wait_for(self, load, begun, version):
        if not load.wait_for(lambda r: r.since(begun).of_version(version), 60):
            raise Failed(f"no answer of {version} within 60 s")

    def start(self, started, arguments, port):
        """Starts a process that `started` ends, and waits until its port answers."""
        log = self.directory / f"{port}.log"
        with log.open("ab") as output:
            # Its own session: a Ctrl-C in the terminal is ours to handle.
            process = subprocess.Popen(
                arguments, cwd=self.directory, env=self.proxy.environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        started.callback(end, process)
        deadline = time.monotonic() + 20
        while not measure.answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text(errors="replace").strip()[-200:]
                raise Failed(f"{arguments[0]} does not answer at port {port}: {text}")
            time.sleep(0.01)


def end(process):
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # nginx has workers, which are in its session
        process.wait()


def add_rows(table, rounds, rate, directory):
    """For each peer: how long its switches take, and what they cost the requests meanwhile."""
    revert = table.median(REVERT)
    for number, (peer, kind) in enumerate(PEERS.items()):
        try:
            found = Switches(kind, directory / f"peer-{number}", rate)
            found.run(rounds)
        except (Failed, RuntimeError, OSError, subprocess.SubprocessError) as problem:
            table.fail(f"switch by {peer}", problem)
            continue
        note = f"the command itself takes {middle(found.command):.0f}"
        if revert is not None:
            note += f"; {REVERT} is {revert / middle(found.moved):.2f} ×"
        table.add(SWITCH.format(peer), found.moved, note=note)
        # Requests that fail are a finding about the peer, and no failure of the run.
        table.add(f"switch by {peer}: failed requests of {found.total:,}", [found.failed],
                  "requests", f"{rate:g}/s, {rounds} switches; {found.repeated} repeated")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="switches")
    parser.add_argument("--rate", type=float, default=100, help="requests per second")
    options = parser.parse_args()
    raise_on_signals()
    where, table = measure.machine(), Table()
    directory = temporary_directory("viridian-switches-")
    try:
        add_rows(table, options.rounds, options.rate, directory)
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing was measured, and what was started is ended")
    finally:
        ignore_signals()
        shutil.rmtree(directory)
    print(f"\n{where}\n\n{table.text()}")
    sys.exit(1 if table.broken else 0)


if __name__ == "__main__":
    main()
