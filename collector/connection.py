"""One HTTP connection, with bounds on what a client may take before it has asked anything.

The parser under uvicorn bounds neither the head of a request nor the time for it: a header without an end is kept and
copied again with every packet (20 MB of it hold up the whole process for 1.5 s, measured), and a client that says
nothing keeps its connection for ever. Of requests that come without waiting for answers it reads more with each that it
serves, so that they pile up in memory. Refused heads are answered and not logged: a line for each would let anybody
fill the disk.
"""

import asyncio
from collections.abc import Sized
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from collector.answers import Answer, problem

_NO_HTTP: Final = problem(400, "This is not HTTP/1.1 as RFC 9112 has it.")
_TOO_LARGE: Final = problem(431, "Request line and headers are too long together; send less.")


class HeadTooLarge(Exception):
    """Stops the parser at a head beyond the bound."""


class TooManyWaiting(Exception):
    """Stops the parser at a client that asks and asks and waits for nothing."""


class _InTurn(FlowControl):
    """Reads on only when nothing of the connection waits for its turn; uvicorn would with every request it serves."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Unless there is enough to do."""
        if not self._waiting:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """uvicorn's connection, bounded in bytes and time."""

    max_head = 32 * 1024
    """Request line and headers together; browsers and proxies stay under 16 KiB."""
    head_s = 10.0
    """From the connection, or a request's first byte, to the end of its headers."""
    request_s = 60.0
    """From a request's first byte to its last: a full call of 1 MiB at 140 kbit/s."""
    most_waiting = 100
    """Requests of one connection that wait for their turn; browsers have none, and who sends many waits for answers."""
    look_s = 10.0
    """How often a connection is looked at: one timer each, instead of one for each request."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._since = 0.0
        """When the connection or the unfinished request began; 0 between requests."""
        self._in_head = False
        self._packet = self._first = self._more = 0
        """Bytes of this packet, of the one in which the head began (and a body may have ended), and of those since."""
        self._unsent = 0
        self._idle_since = 0.0
        """When the last answer was given by a connection that arms no timer of uvicorn's for each; 0 if none was."""
        self._refusal = _NO_HTTP
        self._watch: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the clock."""
        super().connection_made(transport)
        self.flow = _InTurn(transport, self.pipeline)
        self._begin()
        self._watch = self.loop.call_later(self.look_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock. Who is answering is told that nobody listens; uvicorn tells the last of a pipeline alone, and
        the others would fail at a closed socket."""
        if self._watch is not None:
            self._watch.cancel()
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in a packet; a head that goes on beyond the bound ends the connection."""
        if self.transport.is_closing():
            return
        self._packet = len(data)
        if not self._since:
            self._begin()  # also for what never becomes a request: line ends without end
        elif self._in_head:
            self._more += self._packet
        super().data_received(data)
        if self._in_head and self._more > self.max_head and not self.transport.is_closing():
            self._refusal = _TOO_LARGE
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins; what came before it in the same packet is not counted for it."""
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        """The head is whole. Raises TooManyWaiting."""
        self._end_head()
        super().on_headers_complete()
        if len(self.pipeline) > self.most_waiting:
            self.transport.abort()  # an answer would be taken for that of an earlier request
            raise TooManyWaiting

    def on_message_complete(self) -> None:
        """The request is whole: from here on the time is ours."""
        self._since = 0.0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and close. Called by uvicorn where the parser gives up; its text is not used."""
        if not self.transport.is_closing():
            self.transport.write(as_bytes(self._refusal, close=True))
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _end_head(self) -> None:
        """Only a head that came in much data is counted to the byte. Raises HeadTooLarge."""
        self._in_head = False
        if self._first + self._more > self.max_head and self._head_bytes() > self.max_head:
            self._refusal = _TOO_LARGE
            raise HeadTooLarge

    def _begin(self) -> None:
        self._since = self.loop.time()
        self._idle_since = 0.0
        self._in_head = True
        self._first, self._more = self._packet, 0

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _look(self) -> None:
        """Close a connection that is too slow to ask, that takes nothing of what it asked for, or that asks no more."""
        now = self.loop.time()
        if self._idle_since and now - self._idle_since >= self.timeout_keep_alive:
            self.transport.close()
            return
        patience = self.head_s if self._in_head else self.request_s
        unsent = self.transport.get_write_buffer_size()
        if (self._since and now - self._since >= patience) or (unsent and unsent == self._unsent):
            self.transport.abort()
            return
        self._unsent = unsent
        self._watch = self.loop.call_later(self.look_s, self._look)


def as_bytes(answer: Answer, *, close: bool) -> bytes:
    """An answer as it goes over the wire; `close`: whether the connection ends with it."""
    lines = b"".join(b"%s: %s\r\n" % header for header in answer.headers)
    return STATUS_LINE[answer.status] + lines + (b"connection: close\r\n\r\n" if close else b"\r\n") + answer.body
