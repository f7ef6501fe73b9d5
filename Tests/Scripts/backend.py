"""A small server that says its name: backend.py NAME http|tcp [PORT].

Prints its port once it listens. http: any path answers 200 with the name; /healthz too, until
/break was asked; /slow answers after 500 ms; /fail answers 500; the first /once of each method is dropped without
an answer, /seen tells how often each method asked for /once; a request with `Upgrade` becomes an echo. tcp: greets
with the name, then echoes."""
import asyncio
import json
import os
import sys
import threading

name, mode = sys.argv[1].encode(), sys.argv[2]
state = {"healthy": True}
once = {}


async def echo(reader, writer):
    while data := await reader.read(4096):
        writer.write(data)
        await writer.drain()


async def http(reader, writer):
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1]
        lower = head.lower()
        if b"content-length:" in lower:
            await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
        if b"upgrade:" in lower:
            writer.write(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n" + name + b"\n")
            return await echo(reader, writer)
        if path == b"/break":
            state["healthy"] = False
        method = head.split(b" ", 1)[0].decode()
        if path == b"/once":
            once[method] = once.get(method, 0) + 1
            if once[method] == 1:
                return
        body = json.dumps(once).encode() if path == b"/seen" else name
        if path == b"/slow":
            await asyncio.sleep(0.5)
        status = b"200 OK" if state["healthy"] or path != b"/healthz" else b"503 Broken"
        if path == b"/fail":
            status = b"500 Failed"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


async def tcp(reader, writer):
    writer.write(name + b"\n")
    await echo(reader, writer)


async def serve(reader, writer):
    try:
        await (http if mode == "http" else tcp)(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def end_with_the_test():
    """Its end closes the pipe, however it comes."""
    sys.stdin.buffer.read()
    os._exit(0)


async def main():
    threading.Thread(target=end_with_the_test, daemon=True).start()
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
