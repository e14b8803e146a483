"""A web of its own for the browser: one loopback server for pages and scripts, one that stands for the collector.

Every host under `.example` leads to loopback in the browser under test, so pages have real host names on plain http.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

Beacon = dict[str, Any]
Event = dict[str, Any]
PATIENCE_S: Final = 10.0
HOP_BY_HOP: Final = {"Connection", "Keep-Alive"}
LENGTHS: Final = {"content-length", "transfer-encoding", "connection"}


@dataclass(frozen=True, slots=True)
class Page:
    """What a path answers."""

    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the collector answers, and how long it takes."""

    status: int = 202
    delay_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    until: threading.Event | None = None
    """Holds the answer back until it is set."""


@dataclass(frozen=True, slots=True)
class Try:
    """One request that reached the collector: when, what it answered, and the beacon."""

    at: float
    answer: Answer
    body: bytes
    headers: Mapping[str, str]

    @property
    def beacon(self) -> Beacon:
        """The body, read."""
        read: Beacon = json.loads(self.body)
        return read


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A browser keeps connections open; a test does not wait for them.
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes in the middle of an answer is no error of the test."""


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Access logs would only hide the test's own words."""

    def answer(self, status: int, headers: Mapping[str, str] | list[tuple[str, str]], body: bytes = b"") -> None:
        """One whole answer; a header of several lines comes in a list."""
        self.send_response(status)
        for name, value in headers.items() if isinstance(headers, Mapping) else headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(slots=True)
class Passage:
    """A path of the site behind which another server answers, as a web server's `proxy_pass` makes it."""

    path: str
    port: int
    visitor: str = "127.0.0.1"
    """The address that the visitor is said to come from."""


class Site:
    """Pages and scripts by path, the same on every host name; `passages` lead on to other servers."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {"/favicon.ico": Page("", content_type="image/x-icon")}
        self.passages: list[Passage] = []
        self.asked: list[str] = []
        pages, passages, asked = self.pages, self.passages, self.asked

        class Handler(_Quiet):
            def do_GET(self) -> None:
                asked.append(self.path)
                page = pages.get(self.path.partition("?")[0])
                way = next((one for one in passages if self.path.startswith(one.path)), None)
                if way:
                    self.lead_on(way)
                elif page is None:
                    self.answer(404, {"Content-Type": "text/plain"})
                else:
                    time.sleep(page.delay_s)
                    self.answer(page.status, {"Content-Type": page.content_type, **page.headers}, page.body.encode())

            do_POST = do_GET  # noqa: N815

            def lead_on(self, way: Passage) -> None:
                """The recipe's lines in docs/recipes.md: the rest of the path, the visitor's address and the host."""
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: value for name, value in self.headers.items() if name not in HOP_BY_HOP}
                behind = http.client.HTTPConnection("127.0.0.1", way.port, timeout=PATIENCE_S)
                try:
                    address = "/" + self.path.removeprefix(way.path)
                    behind.request(self.command, address, body, headers | {"X-Forwarded-For": way.visitor})
                    answer = behind.getresponse()
                    told = [(name, value) for name, value in answer.getheaders() if name.lower() not in LENGTHS]
                    self.answer(answer.status, told, answer.read())
                finally:
                    behind.close()

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def address(self, path: str, host: str = "shop.example") -> str:
        """The page's address in the browser."""
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        """No further answers."""
        self._server.shutdown()
        self._server.server_close()


class Collector:
    """Takes beacons at `POST /e` and keeps every try. What it answers is chosen by `answers`, then `usual`."""

    def __init__(self) -> None:
        self.tries: list[Try] = []
        self.answers: list[Answer] = []
        self.usual = Answer()
        self.preflights = 0
        self._server: _Server | None = None
        self.port = 0
        self.start()

    @property
    def endpoint(self) -> str:
        """Where the snippet sends."""
        return f"http://stats.example:{self.port}/e"

    def start(self) -> None:
        """Listens, after a stop on the same port."""
        self._server = _Server(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Down: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(_Quiet):
            def do_OPTIONS(self) -> None:
                collector.preflights += 1
                self.answer(204, {"Access-Control-Allow-Origin": "*"})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = collector.answers.pop(0) if collector.answers else collector.usual
                collector.tries.append(Try(time.monotonic(), answer, body, dict(self.headers)))
                time.sleep(answer.delay_s)
                if answer.until:
                    answer.until.wait(60)
                # A connection of its own for each beacon: one that is kept would outlive `stop`.
                self.close_connection = True
                cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
                self.answer(answer.status, {**cors, "Connection": "close", **answer.headers})

        return Handler

    @property
    def beacons(self) -> list[Beacon]:
        """Acknowledged beacons, repeated ones once: what a collector would have stored."""
        stored = {one.beacon["id"]: one.beacon for one in self.tries if one.answer.status == 202}
        return list(stored.values())

    def events(self, name: str = "") -> list[Event]:
        """Acknowledged events in the order received, each with its beacon's other keys under `beacon`."""
        return [event for event in self._all() if name in ("", event["name"])]

    def _all(self) -> Iterator[Event]:
        for beacon in self.beacons:
            for event in beacon["events"]:
                yield {**event, "beacon": beacon}

    def wait(self, condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
        """Until the condition holds; fails in words otherwise."""
        end = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > end:
                seen = "\n".join(f"{one.answer.status} {one.body[-200:]!r}" for one in self.tries[-20:])
                raise AssertionError(f"{what}: not within {patience_s} s. Last received:\n{seen}")
            time.sleep(0.02)

    def wait_for(self, name: str, count: int = 1, patience_s: float = PATIENCE_S) -> list[Event]:
        """The events of this name, once there are so many."""
        self.wait(lambda: len(self.events(name)) >= count, f"{count} × {name}", patience_s)
        return self.events(name)
