#!/usr/bin/env python3
"""An open-loop load generator: requests start at their time, however slow the answers are.

Half of the requests use kept connections, half a fresh one each. Every request becomes one JSON
line: when it was due, when it was answered, by which version, stack and process, or why it failed.
A latency counts from the moment the request was due, so that a stall cannot hide itself; `late` says
how much of it is this process's own, which was not given a processor in time.
"""

import argparse
import asyncio
import json
import os
import signal
import time

TIMEOUT = 10.0  # seconds; the slowest page asked for takes less than one
KEPT = 8  # idle connections kept for reuse
OUTSTANDING = 2000  # more would measure this process, not the service
ECHO = b"x" * 4096


class ClosedBeforeAnswer(Exception):
    """The connection ended without a single byte of an answer."""


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, host, port):
        return cls(*await asyncio.open_connection(host, port))

    def is_open(self):
        return not self.reader.at_eof() and not self.writer.is_closing()

    def close(self):
        self.writer.close()

    async def exchange(self, request):
        """Sends, and reads one whole answer: (status, headers, body, may be used again)."""
        try:
            self.writer.write(request)
            await self.writer.drain()
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as problem:
            if not problem.partial:
                raise ClosedBeforeAnswer("closed before an answer") from None
            raise
        except ConnectionResetError:
            raise ClosedBeforeAnswer("reset before an answer") from None
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        if "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
        else:
            body = await self.reader.read()
        again = "content-length" in headers and headers.get("connection", "").lower() != "close"
        return int(lines[0].split()[1]), headers, body, again and lines[0].startswith("HTTP/1.1")


class Load:
    def __init__(self, host, port, rate, record, slow):
        self.host, self.port, self.rate, self.record = host, port, rate, record
        self.slow = slow
        self.kept = []
        self.lines = []
        self.tasks = set()
        self.stopping = asyncio.Event()

    async def run(self):
        writer = asyncio.create_task(self.write())
        start, number = time.monotonic(), 0
        while not self.stopping.is_set():
            due = start + number / self.rate
            delay = due - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            if len(self.tasks) >= OUTSTANDING:
                self.note(number, due, "GET /version", "fresh", error="the client has no room left")
            else:
                task = asyncio.create_task(self.request(number, due))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            number += 1
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=TIMEOUT + 1)
        writer.cancel()
        self.flush()

    async def request(self, number, due):
        # A POST goes on a fresh connection: on a kept one that the server is just closing, no
        # client may repeat it.
        if number % 25 == 1:
            page, body, kept = "POST /echo", ECHO, False
        elif number % 25 in (12, 13):
            page, body, kept = f"GET /slow?ms={self.slow}", b"", number % 2 == 0
        elif number % 5 == 2:
            page, body, kept = "GET /", b"", number % 2 == 0
        else:
            page, body, kept = "GET /version", b"", number % 2 == 0
        kind = "kept" if kept else "fresh"
        late = time.monotonic() - due
        try:
            async with asyncio.timeout(TIMEOUT):
                found, retried = await self.send(page, body, kept)
            self.note(number, due, page, kind, late=late, found=found, retried=retried)
        except Exception as problem:  # whatever it is, it is a failed request, and it is counted
            text = f"{type(problem).__name__}: {problem}".rstrip(": ")
            self.note(number, due, page, kind, late=late, error=text)

    async def send(self, page, body, kept):
        request = f"{page} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
        if body:
            request += f"Content-Length: {len(body)}\r\n"
        if not kept:
            request += "Connection: close\r\n"
        request = request.encode() + b"\r\n" + body
        while kept and self.kept:
            connection = self.kept.pop(0)
            if not connection.is_open():
                connection.close()
                continue
            try:
                return await self.over(connection, request, kept), False
            except ClosedBeforeAnswer:
                # The server closed the idle connection while the request was on its way: every
                # client repeats a GET then (RFC 9110, 9.2.2). It is recorded as repeated.
                connection = await Connection.open(self.host, self.port)
                return await self.over(connection, request, kept), True
        connection = await Connection.open(self.host, self.port)
        return await self.over(connection, request, kept), False

    async def over(self, connection, request, kept):
        keep = False
        try:
            status, headers, body, again = await connection.exchange(request)
            keep = kept and again and len(self.kept) < KEPT
            return status, headers, body
        finally:
            if keep:
                self.kept.append(connection)
            else:
                connection.close()

    def note(self, number, due, page, kind, late=None, found=None, retried=False, error=None):
        now = time.monotonic()
        line = {
            "number": number, "due": due, "done": now, "wall": time.time(), "page": page,
            "kind": kind, "retried": retried, "late": now - due if late is None else late,
        }
        if found is not None:
            status, headers, body = found
            line["status"], line["version"] = status, headers.get("x-version")
            if status != 200:
                error = f"status {status}"
            elif page == "POST /echo" and body != ECHO:
                error = "the echo is not what was sent"
            elif page == "GET /version":
                identity = json.loads(body)
                line["stack"], line["pid"] = identity["stack"], identity["pid"]
            elif page == "GET /":
                text = body.decode()
                line["greeting"] = text.partition(",")[0]
                line["stack"] = text.split()[-1]
        if error is not None:
            line["error"] = error
        self.lines.append(json.dumps(line))

    def flush(self):
        if self.lines:
            self.record.write("\n".join(self.lines) + "\n")
            self.record.flush()
            self.lines.clear()

    async def write(self):
        while True:
            await asyncio.sleep(0.05)
            self.flush()


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=100, help="requests per second")
    parser.add_argument("--slow", type=int, default=700, help="milliseconds the slow page takes")
    parser.add_argument("--record", required=True, help="file of JSON lines, made new")
    options = parser.parse_args()
    try:
        os.nice(-10)  # an instrument that starves measures nothing
    except PermissionError:
        pass  # only root may; `late` tells when it mattered
    with open(options.record, "w") as record:
        load = Load(options.host, options.port, options.rate, record, options.slow)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, load.stopping.set)
        await load.run()


if __name__ == "__main__":
    asyncio.run(main())
