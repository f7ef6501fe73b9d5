"""An application that fails a share of its requests: faulty.py --port PORT, with its version and the share (of a
thousand) in the files `version` and `permille` beside it. /healthz always answers 200."""
import asyncio
import pathlib
import random
import signal
import sys

here = pathlib.Path(__file__).resolve().parent
version = (here / "version").read_text().strip().encode()
permille = int((here / "permille").read_text())
port = int(sys.argv[sys.argv.index("--port") + 1])


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            if b"content-length:" in lower:
                await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
            is_check = head.split(b" ", 2)[1] == b"/healthz"
            is_failure = not is_check and random.randrange(1000) < permille
            status = b"500 Failed" if is_failure else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(version) + version)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024)
    async with server:
        await ended.wait()


asyncio.run(main())
