"""Beacons at a steady rate, whatever the answers take: `python -m bench.pace PORT SITE RATE SECONDS`, result as JSON.

Requests leave at random moments of a Poisson process, each on the next of 64 connections that is free; the time of an
answer counts from the moment at which its request was due, so that a server that stalls is not spared the queue.
SIGTERM ends it before its time.
"""

import asyncio
import json
import random
import signal
import sys
import time
import uuid

import uvloop

_CONNECTIONS = 64
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
_HEAD = (
    "POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nUser-Agent: {agent}\r\nAccept-Language: de-CH\r\n"
    "X-Forwarded-For: 81.{n}.{m}.7\r\nContent-Length: {length}\r\n\r\n"
)


class Connection(asyncio.Protocol):
    """One keep-alive connection; knows when its request was due."""

    def __init__(self, free: "asyncio.Queue[Connection]", waits: list[float], over: asyncio.Event) -> None:
        self._free = free
        self._waits = waits
        self._over = over
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        self._transport = transport
        self._free.put_nowait(self)

    def send(self, request: bytes, due: float) -> None:
        """Ask."""
        self._due = due
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """An answer fits one packet."""
        if not data.startswith(b"HTTP/1.1 202"):
            raise SystemExit(data.decode())
        self._waits.append(time.perf_counter() - self._due)
        self._free.put_nowait(self)

    def connection_lost(self, error: Exception | None) -> None:
        """An answer that never comes would be waited for without an end."""
        if not self._over.is_set():
            raise SystemExit(f"A connection was closed: {error}")


def requests(site: str, number: int) -> list[bytes]:
    """That many different beacons."""
    made = []
    for n in range(number):
        now = int(time.time() * 1000)
        beacon = {
            "v": 1,
            "site": site,
            "id": str(uuid.uuid4()),
            "sent": now,
            "url": f"https://shop.example/p/{n % 500}",
        }
        beacon |= {
            "tz": "Europe/Zurich",
            "screen": [1440, 900],
            "events": [{"name": "pageview", "at": now, "props": {}}],
        }
        body = json.dumps(beacon)
        made.append((_HEAD.format(agent=_AGENT, n=n % 250, m=n // 250 % 20, length=len(body)) + body).encode())
    return made


async def run(port: int, site: str, rate: float, seconds: float) -> list[float]:
    """Send, and the waits of all answers in seconds, sorted."""
    loop, free, waits, over = asyncio.get_running_loop(), asyncio.Queue[Connection](), list[float](), asyncio.Event()
    for _ in range(_CONNECTIONS):
        await loop.create_connection(lambda: Connection(free, waits, over), "127.0.0.1", port)
    prepared = requests(site, int(rate * seconds))
    told_to_end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told_to_end.set)
    sent, due = 0, time.perf_counter()
    for request in prepared:
        if told_to_end.is_set():
            break
        due += random.expovariate(rate)
        while (ahead := due - time.perf_counter()) > 0:  # noqa: ASYNC110  # spins where a timer is too coarse
            await asyncio.sleep(ahead if ahead > 0.001 else 0)
        (await free.get()).send(request, due)
        sent += 1
    while len(waits) < sent:  # noqa: ASYNC110  # a look now and then costs nothing
        await asyncio.sleep(0.01)
    over.set()
    return sorted(waits)


if __name__ == "__main__":
    port, site, rate, seconds = sys.argv[1:]
    found = uvloop.run(run(int(port), site, float(rate), float(seconds)))
    shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    print(
        json.dumps(
            {name: found[int(len(found) * share)] * 1000 for name, share in shares.items()} | {"max": found[-1] * 1000}
        )
    )
