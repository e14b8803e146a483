"""The short way of a beacon: its connection reads it, hands it to the intake and writes the answer by itself.

An ASGI application costs a scope, a task, an event and four messages for each request: as much again as all the work
that a beacon brings. So `POST /e` is answered here, by the same intake with the same facts, and everything else goes to
the application; so does a beacon that comes while another request of its connection is still under way, because answers
keep their order there. Which requests take which way changes nothing that a client can see.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from collector.answers import FAULT, NOT_RECORDED, STORED, Answer, Ready
from collector.beacons import FAULT_OF_OURS, LOG, Beacons
from collector.connection import Connection, as_bytes
from collector.intake import TOO_LARGE, Reply
from collector.request import RequestFacts, read_request
from event_catalogue.events import MAX_BODY
from spool.receipt import Receipt

_READY: Final = {id(answer): as_bytes(answer, close=False) for answer in (STORED, NOT_RECORDED)}
"""The answers that live as long as the process, as bytes: what nearly every beacon gets, and what a flood gets."""


REST_S: Final = 1.0
"""Seconds; the shortest wait that a refusal names."""


class _Beacon:
    """One beacon under way on a connection. To uvicorn it looks like a request of its own (a cycle): it waits with the
    next one until this is answered, closes the connection after it when the server stops, and tells it of a client
    that has gone."""

    __slots__ = ("body", "disconnected", "facts", "keep_alive", "lane", "reply", "response_complete", "taken")

    def __init__(self, lane: "FastLane", facts: RequestFacts, *, keep_alive: bool) -> None:
        self.lane = lane
        self.facts = facts
        self.keep_alive = keep_alive
        self.body = b""
        self.taken = False
        """Whether the intake has it: what still comes of its body is not looked at."""
        self.reply: Reply
        self.disconnected = False
        self.response_complete = False

    @property
    def message_event(self) -> "_Beacon":
        """What uvicorn wakes when the client has gone; nobody waits for it here."""
        return self

    def set(self) -> None:
        """Nothing to wake."""

    def settle(self, durable: Receipt) -> None:
        """It is on the disk, or can't be."""
        try:
            answer = self.reply.answer if durable.exception() is None else self.reply.settled()
        except Exception:  # noqa: BLE001  # a fault of ours is told, and the sender keeps its events
            LOG.exception(FAULT_OF_OURS)
            answer = FAULT
        self.lane.answer(self, answer)


class FastLane(Connection):
    """A connection that answers beacons itself."""

    beacons: Beacons
    """Set by `fast_lane`, which makes a class for one application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Who sends is known once for all requests."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._speaks_for_others = self.beacons.hops.is_proxy(self._peer)

    def on_message_begin(self) -> None:
        """A request begins. What an application needs to know of it is put together only if it goes there."""
        self.url = b""
        self.headers = []
        self._begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, in whatever case it is spelt."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Beacons stay, all else goes to the application."""
        if self._is_beacon():
            self._end_head()
            self._open()
            return
        url, headers = self.url, self.headers
        HttpToolsProtocol.on_message_begin(self)
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Gather the body; one that is too long is not gathered to its end."""
        cycle: Any = self.cycle
        if type(cycle) is not _Beacon:
            super().on_body(body)
        elif not cycle.taken:
            cycle.body = cycle.body + body if cycle.body else body
            if len(cycle.body) > MAX_BODY:
                self._hand_over(cycle)

    def on_message_complete(self) -> None:
        """The beacon is whole."""
        cycle: Any = self.cycle
        if type(cycle) is not _Beacon:
            super().on_message_complete()
            return
        self._since = 0.0
        if not cycle.taken:
            self._hand_over(cycle)

    def answer(self, cycle: _Beacon, answer: Answer) -> None:
        """Write the answer and let the next request begin."""
        cycle.response_complete = True
        if cycle.disconnected or self.transport.is_closing():
            return
        if not cycle.keep_alive:
            self.transport.write(as_bytes(answer, close=True))
            self.transport.close()
            return
        wire = _READY.get(id(answer))
        if wire is None:
            wire = as_bytes(answer, close=False)
            if type(answer) is Ready:
                _READY[id(answer)] = wire
        self.transport.write(wire)
        if self.pipeline:
            self.on_response_complete()
        else:
            self._idle_since = self.loop.time()

    def _is_beacon(self) -> bool:
        return (
            (self.url == b"/e" or self.url.startswith(b"/e?"))
            and self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.parser.should_upgrade()
        )

    def _open(self) -> None:
        """The head is whole: who sends, and whether the body is worth waiting for."""
        facts = read_request(self.headers, self._peer, self.beacons.hops)
        keep_alive = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        cycle = _Beacon(self, facts, keep_alive=keep_alive)
        self.cycle = cycle  # type: ignore[assignment]  # stands in for one
        if facts.length > MAX_BODY:
            self._hand_over(cycle)
        elif (refused := self._refused(facts)) is not None:
            cycle.taken = True
            cycle.keep_alive = keep_alive and not facts.waits  # it may send its body after all, or not
            self.answer(cycle, refused)
            if refused.status == 429 and cycle.keep_alive and not self._speaks_for_others:
                self._rest()
        elif facts.waits:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _rest(self) -> None:
        """Read nothing more of who sends too much for the time that it was told to wait, or a second of it: what it
        sends stays in the kernel's memory, then in its own. Not of a proxy: the next request is somebody else's.
        """
        self.flow.pause_reading()
        self.loop.call_later(REST_S, self._go_on)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _refused(self, facts: RequestFacts) -> Answer | None:
        """The answer to a request that is not let in: nothing of its body is gathered, and nothing waited for."""
        try:
            reply = self.beacons.intake.admit(facts)
        except Exception:  # noqa: BLE001  # as above
            LOG.exception(FAULT_OF_OURS)
            return FAULT
        return None if reply is None else reply.answer

    def _hand_over(self, cycle: _Beacon) -> None:
        """Give it to the intake, and answer now or as soon as it is on the disk."""
        cycle.taken = True
        intake = self.beacons.intake
        try:
            if cycle.facts.length > MAX_BODY:
                reply = intake.refuse(TOO_LARGE, "too_large")
            else:
                reply = intake.beacon(cycle.body, cycle.facts)
        except Exception:  # noqa: BLE001  # as above
            LOG.exception(FAULT_OF_OURS)
            reply = Reply(FAULT)
        if reply.durable is None:
            self.answer(cycle, reply.answer)
        else:
            cycle.reply = reply
            reply.durable.add_done_callback(cycle.settle)


def fast_lane(beacons: Beacons) -> type[FastLane]:
    """The connection class of an application, for uvicorn's setting `http`."""
    return type("FastLane", (FastLane,), {"beacons": beacons})
