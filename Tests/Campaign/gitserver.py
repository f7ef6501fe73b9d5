"""Smart HTTP for one bare repository, by git itself. It can stall, lie and break off."""

import os
import random
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Demo"))

from repository import ENVIRONMENT  # noqa: E402

LIES = ("stall", "drip", "reset", "error", "page", "empty", "cut", "flip", "unknown", "rewind")
STALL = 30  # seconds; longer than every deadline of the agent's source


class GitServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port, repository):
        super().__init__(("127.0.0.1", port), Handler)
        self.repository = Path(repository)
        self.lie = None  # one of LIES, or None for the truth
        self.told = 0  # answers that were no truth
        self.random = random.Random(0)
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def handle_error(self, request, address):
        pass  # clients that are killed hang up

    def backend(self, handler, body):
        """The bytes that git answers: (head, body)."""
        path, _, query = handler.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, timeout=60,
            env={**ENVIRONMENT, "GIT_PROJECT_ROOT": str(self.repository.parent),
                 "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
                 "REQUEST_METHOD": handler.command, "REMOTE_ADDR": "127.0.0.1",
                 "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
                 "CONTENT_LENGTH": str(len(body))})
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        return head, rest


class Handler(BaseHTTPRequestHandler):
    timeout = 60

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        lie = self.server.lie
        if lie is not None:
            self.server.told += 1
        if lie == "stall":
            time.sleep(STALL)
        if lie in ("stall", "reset"):
            self.connection.close()
            return
        if lie == "error":
            return self.send(b"Status: 503 Service Unavailable", b"later\n")
        if lie == "page":
            return self.send(b"Content-Type: text/html", b"<html>Please log in</html>\n")
        head, rest = self.server.backend(self, body)
        self.send(head, falsify(lie, rest, self.server), slowly=lie == "drip")

    def send(self, head, body, slowly=False):
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if line)
        status = lines.pop(b"Status", b"200 OK")
        self.wfile.write(b"HTTP/1.0 " + status + b"\r\n")
        for name, value in lines.items():
            self.wfile.write(name + b": " + value + b"\r\n")
        self.wfile.write(b"\r\n")
        if slowly:
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(0.5)
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def falsify(lie, body, server):
    """The true answer, damaged."""
    if lie == "empty":
        return b"001e# service=git-upload-pack\n00000000"
    if lie == "cut":
        return body[:len(body) // 2]
    if lie == "flip" and body:
        at = server.random.randrange(len(body))
        return body[:at] + bytes([body[at] ^ (1 << server.random.randrange(8))]) + body[at + 1:]
    if lie in ("unknown", "rewind"):
        return body.replace(tip(server.repository, "main"), other(lie, server.repository))
    return body


def tip(repository, name):
    done = subprocess.run(["git", "rev-parse", name], cwd=repository, capture_output=True,
                          env=ENVIRONMENT, timeout=20)
    return done.stdout.strip()


def other(lie, repository):
    """An id that is not the tip: one that nothing has, or the first commit of the history."""
    if lie == "unknown":
        return os.urandom(20).hex().encode()
    done = subprocess.run(["git", "rev-list", "--max-parents=0", "main"], cwd=repository,
                          capture_output=True, env=ENVIRONMENT, timeout=20)
    return done.stdout.split()[0]
