#!/usr/bin/env python3
"""An open-loop load generator: requests start at their time, however slow the answers are.

Half of the requests use kept connections, half a fresh one each. Every request becomes one JSON
line: when it was due, when it was answered, by which version, stack and process, or why it failed.
A latency counts from the moment the request was due, so that a stall cannot hide itself; `late` says
how much of it is this process's own, which was not given a processor in time.

With --uploads some bodies come in two halves with a pause between them, and --stream asks for long
answers all the while; those have a record of their own, because nobody wants to wait for them.
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
UPLOAD = 0.3  # seconds between the halves of a body that comes slowly


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

    async def exchange(self, request, rest=b""):
        """Sends, and reads one whole answer: (status, headers, body, may be used again)."""
        try:
            self.writer.write(request)
            await self.writer.drain()
            if rest:
                await asyncio.sleep(UPLOAD)
                self.writer.write(rest)
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
        elif headers.get("transfer-encoding") == "chunked":
            body = await self.chunks()
        else:
            body = await self.reader.read()
        again = "content-length" in headers and headers.get("connection", "").lower() != "close"
        return int(lines[0].split()[1]), headers, body, again and lines[0].startswith("HTTP/1.1")

    async def chunks(self):
        """A body that says itself where it ends; one that is cut is an error."""
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body


class Load:
    limit = TIMEOUT

    def __init__(self, options, record):
        self.host, self.port, self.rate = options.host, options.port, options.rate
        self.slow, self.uploads = options.slow, options.uploads
        self.record = record
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
            await asyncio.wait(self.tasks, timeout=self.limit + 1)
        writer.cancel()
        self.flush()

    async def request(self, number, due):
        # A POST goes on a fresh connection: on a kept one that the server is just closing, no
        # client may repeat it.
        if number % 25 == 1 or self.uploads and number % 25 == 14:
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
                found, retried = await self.send(number, page, body, kept)
            self.note(number, due, page, kind, late=late, found=found, retried=retried)
        except Exception as problem:  # whatever it is, it is a failed request, and it is counted
            text = f"{type(problem).__name__}: {problem}".rstrip(": ")
            self.note(number, due, page, kind, late=late, error=text)

    async def send(self, number, page, body, kept):
        request = f"{page} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nX-Number: {number}\r\n"
        if body:
            request += f"Content-Length: {len(body)}\r\n"
        if not kept:
            request += "Connection: close\r\n"
        half = len(body) // 2 if body and number % 25 == 14 else len(body)
        request, rest = request.encode() + b"\r\n" + body[:half], body[half:]
        while kept and self.kept:
            connection = self.kept.pop(0)
            if not connection.is_open():
                connection.close()
                continue
            try:
                return await self.over(connection, request, rest, kept), False
            except ClosedBeforeAnswer:
                # The server closed the idle connection while the request was on its way: every
                # client repeats a GET then (RFC 9110, 9.2.2). It is recorded as repeated.
                connection = await Connection.open(self.host, self.port)
                return await self.over(connection, request, rest, kept), True
        connection = await Connection.open(self.host, self.port)
        return await self.over(connection, request, rest, kept), False

    async def over(self, connection, request, rest, kept):
        keep = False
        try:
            status, headers, body, again = await connection.exchange(request, rest)
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


class Streams(Load):
    """Long answers, one begun every so often. Those under way are waited for at the end."""

    def __init__(self, options, record):
        super().__init__(options, record)
        self.rate = 1 / options.stream_every
        self.page = f"GET /stream?ms={1000 * options.stream:.0f}"
        self.limit = options.stream + TIMEOUT

    async def request(self, number, due):
        late = time.monotonic() - due
        try:
            async with asyncio.timeout(self.limit):
                found, _ = await self.send(f"stream-{number}", self.page, b"", False)
            error = None if found[2].endswith(b"end\n") else "the stream has no end"
            self.note(number, due, self.page, "stream", late=late, found=found, error=error)
        except Exception as problem:
            text = f"{type(problem).__name__}: {problem}".rstrip(": ")
            self.note(number, due, self.page, "stream", late=late, error=text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=100, help="requests per second")
    parser.add_argument("--slow", type=int, default=700, help="milliseconds the slow page takes")
    parser.add_argument("--uploads", action="store_true", help="bodies in two halves, too")
    parser.add_argument("--stream", type=float, help="seconds that a long answer takes; else none")
    parser.add_argument("--stream-every", type=float, default=1, help="seconds between two of them")
    parser.add_argument("--record", required=True, help="file of JSON lines, made new; that of the"
                        " streams has `.streams` after its name")
    return parser.parse_args()


async def main():
    options = arguments()
    try:
        os.nice(-10)  # an instrument that starves measures nothing
    except PermissionError:
        pass  # only root may; `late` tells when it mattered
    with open(options.record, "w") as record, open(options.record + ".streams", "w") as streams:
        loads = [Load(options, record)]
        if options.stream:
            loads.append(Streams(options, streams))
        loop = asyncio.get_running_loop()

        def stop():
            for load in loads:
                load.stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        await asyncio.gather(*(load.run() for load in loads))


if __name__ == "__main__":
    asyncio.run(main())
