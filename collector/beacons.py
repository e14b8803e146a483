"""The raw ASGI application that stands before the router: it answers /e and preflights itself, hands all else on.

Starlette costs 25 µs a request (measured), which for a beacon is as much as all the work it brings. Most beacons do not
even come here: their connection answers them (fast_lane.py).
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from collector.address import Hops
from collector.answers import FAULT, NOT_ALLOWED, PREFLIGHT, Answer
from collector.intake import TOO_LARGE, Intake
from collector.request import read_request
from event_catalogue.events import MAX_BODY

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOG: Final = logging.getLogger("footfall.collector")
FAULT_OF_OURS: Final = "A beacon met a fault of the collector; its sender was told to try again."


class Beacons:
    """`POST /e` and preflights of any path; every other request goes to the inner application."""

    def __init__(self, inner: App, intake: Intake, hops: Hops) -> None:
        self._inner = inner
        self.intake = intake
        self.hops = hops

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            await send_answer(send, PREFLIGHT)
        elif scope["type"] != "http" or scope["path"] != "/e":
            await self._inner(scope, receive, send)
        elif scope["method"] != "POST":
            await send_answer(send, NOT_ALLOWED)
        else:
            answer = await self._safely(scope, receive)
            if answer is not None:
                await send_answer(send, answer)

    async def _safely(self, scope: MutableMapping[str, Any], receive: Receive) -> Answer | None:
        try:
            return await self._post(scope, receive)
        except Exception:
            LOG.exception(FAULT_OF_OURS)
            return FAULT

    async def _post(self, scope: MutableMapping[str, Any], receive: Receive) -> Answer | None:
        peer = scope["client"][0] if scope["client"] else ""
        facts = read_request(scope["headers"], peer, self.hops)
        if facts.length > MAX_BODY:
            return await self.intake.refuse(TOO_LARGE, "too_large").given()
        refused = self.intake.admit(facts)
        if refused is not None:
            return await refused.given()
        body = await read_body(receive, MAX_BODY)
        return None if body is None else await self.intake.beacon(body, facts).given()


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The body, cut off just beyond the limit so that it is seen to be too large; None if the client went away."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    body: bytes = message.get("body", b"")
    while message.get("more_body", False) and len(body) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
    return body


async def send_answer(send: Send, answer: Answer) -> None:
    """Send a ready answer."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
