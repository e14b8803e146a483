"""Many clients that send numbered events and try again until they are acknowledged, as a browser would."""

import asyncio
import json
import threading
import time
import uuid
from collections import Counter

from tests.product import AGENT, beacon

_LETTERS = "abcdefghijklmnop"


def page_of(number: int) -> str:
    """A path that stands for a number and has no digits, which the scrubber could take for personal data."""
    return "/page-" + "".join(_LETTERS[int(digit, 16)] for digit in f"{number:05x}")


class Traffic:
    """`clients` connections that send until told to stop; what was acknowledged is in `acknowledged`."""

    def __init__(self, port: int, site: str, *, clients: int = 64, pause: float = 0.02, first: int = 0) -> None:
        self._port = port
        self._site = site
        self._clients = clients
        self._pause = pause
        self._next = first
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.acknowledged: set[str] = set()
        self.given_up: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.delays: list[float] = []

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)
        if self._thread.is_alive():
            raise AssertionError("the clients did not stop")

    async def _run(self) -> None:
        await asyncio.gather(*[self._client() for _ in range(self._clients)])

    async def _client(self) -> None:
        while not self._stop.is_set():
            self._next += 1
            page = page_of(self._next)
            body = json.dumps(beacon(self._site, url=f"https://shop.example{page}", id=str(uuid.uuid4()))).encode()
            await self._deliver(page, body)
            await asyncio.sleep(self._pause)

    async def _deliver(self, page: str, body: bytes) -> None:
        """Try until 202, also for 20 s after the stop: a real browser keeps trying too."""
        end = time.monotonic() + 40
        while time.monotonic() < end:
            began = time.monotonic()
            status = await self._post(body)
            self.answers[status] += 1
            if status == 202:
                self.acknowledged.add(page)
                self.delays.append(time.monotonic() - began)
                return
            await asyncio.sleep(0.2)
        self.given_up.add(page)

    async def _post(self, body: bytes) -> int:
        """One try on a connection of its own; 0 where the connection was lost before an answer."""
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self._port), 5)
        except (OSError, TimeoutError):
            return 0
        head = f"POST /e HTTP/1.1\r\nHost: c\r\nUser-Agent: {AGENT}\r\nContent-Length: {len(body)}\r\n"
        head += "Connection: close\r\n\r\n"
        try:
            writer.write(head.encode() + body)
            line = await asyncio.wait_for(reader.readline(), 10)
            return int(line.split()[1]) if line.startswith(b"HTTP/1.1 ") else 0
        except (OSError, TimeoutError, IndexError):
            return 0
        finally:
            writer.close()
