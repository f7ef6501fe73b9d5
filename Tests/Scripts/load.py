"""Load: load.py PORT open RATE | count N [HEADER: VALUE]... Half of the requests use kept connections, half new ones;
every tenth is a POST. Prints JSON when its input ends (open loop: requests start on schedule,
however slow the answers are) or after N requests: answers by name, failures with examples."""
import asyncio
import collections
import json
import sys
import time

port, mode, amount = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
extra = "".join(line + "\r\n" for line in sys.argv[4:])
names, failures, idle = collections.Counter(), [], []


async def exchange(reader, writer, keep, number):
    head = "POST" if number % 10 == 0 else "GET"
    body = "x" * 100 if head == "POST" else ""
    close = "" if keep else "Connection: close\r\n"
    writer.write(f"{head} /{number} HTTP/1.1\r\nHost: test\r\n{extra}{close}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    lower = answer.lower()
    length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in lower else -1
    text = await reader.read(-1) if length < 0 else await reader.readexactly(length)
    status = answer.split(b" ", 2)[1]
    if status != b"200":
        failures.append(status.decode())
    else:
        names[text.decode()] += 1
    return keep and b"connection: close" not in lower


async def request(number):
    keep, reused = number % 2 == 0, False
    try:
        async with asyncio.timeout(10):
            while True:
                reused = bool(keep and idle)
                reader, writer = idle.pop() if reused else await asyncio.open_connection("127.0.0.1", port)
                try:
                    if await exchange(reader, writer, keep, number):
                        idle.append((reader, writer))
                    else:
                        writer.close()
                    return
                except (asyncio.IncompleteReadError, ConnectionError) as error:
                    writer.close()
                    # A kept connection may be closed at any time before a request (RFC 9112, 9.3.1).
                    if not reused or getattr(error, "partial", b""):
                        raise
    except Exception as error:
        failures.append(repr(error))


async def open_loop():
    loop, tasks, number = asyncio.get_running_loop(), set(), 0
    done = loop.run_in_executor(None, sys.stdin.read)
    start = time.monotonic()
    print("running", flush=True)
    while not done.done():
        while number < (time.monotonic() - start) * amount:
            task = asyncio.create_task(request(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)


async def count():
    numbers = iter(range(amount))

    async def worker():
        for number in numbers:
            await request(number)

    await asyncio.gather(*(worker() for _ in range(32)))


asyncio.run(open_loop() if mode == "open" else count())
print(json.dumps({"names": names, "failed": len(failures), "failures": failures[:5]}))
