"""Every answer that the collector gives to a beacon, ready made: status, headers, problem+json bodies."""

import json
from functools import cache
from typing import Any, Final, NamedTuple

Headers = list[tuple[bytes, bytes]]

_CORS: Final[Headers] = [
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]
GIF: Final = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes = b""


class Ready(Answer):
    """An answer that is made once and lives as long as the process; what it is as bytes can be kept too."""

    __slots__ = ()


EMPTY_HEADERS: Final[Headers] = [*_CORS, (b"content-length", b"0")]
STORED: Final = Ready(202, EMPTY_HEADERS)
NOT_RECORDED: Final = Ready(204, _CORS)
PREFLIGHT: Final = Answer(
    204,
    [
        *_CORS,
        (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
        (b"access-control-allow-headers", b"content-type, authorization"),
        (b"access-control-max-age", b"86400"),
    ],
)
IMAGE: Final = Answer(200, [*_CORS, (b"content-type", b"image/gif"), (b"content-length", str(len(GIF)).encode())], GIF)

GONE: Final = Answer(499, [])
"""What nobody reads: the client left before its request was whole. It is no event, so it is not counted."""

_TITLES: Final = {
    400: "The request can't be read",
    401: "A key is needed",
    403: "Not for this site",
    404: "There is nothing here",
    405: "That method is not served here",
    413: "The body is too large",
    415: "That encoding is not read",
    422: "A field is not valid",
    429: "Too many requests",
    431: "The head of the request is too large",
    503: "Not now",
}


def as_json(content: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    body = json.dumps(content, separators=(",", ":")).encode()
    head = [*_CORS, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return Answer(status, head, body)


def problem(status: int, detail: str, *, field: str = "", retry_after: int = 0, more: Headers | None = None) -> Answer:
    """An answer in the form of RFC 9457 that names the field and says what to do; never a value from the request."""
    content = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail}
    if field:
        content["field"] = field
    body = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    head = [*_CORS, (b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if retry_after:
        head.append((b"retry-after", str(retry_after).encode()))
        head.append((b"access-control-expose-headers", b"Retry-After"))  # else a page of another origin can't read it
    return Answer(status, [*head, *(more or ())], body)


_LONGEST_WAIT: Final = 60
"""Seconds; longer waits are told as this, so that there are few answers to keep ready."""


def too_fast(wait: int) -> Answer:
    """To a client whose network sends more than its rate; `wait` in seconds."""
    return _too_many("This network sends too much; try again later.", min(wait, _LONGEST_WAIT))


def too_much(wait: int) -> Answer:
    """To what a site, or a network with the events that it brought, gets beyond a rate."""
    return _too_many("This site or network receives too much; try again later.", min(wait, _LONGEST_WAIT))


@cache
def _too_many(detail: str, wait: int) -> Answer:
    return Ready(*problem(429, detail, retry_after=wait))


_WHERE: Final = "Send beacons to /e with POST; images without scripts are at /e.gif."
NOT_ALLOWED: Final = problem(405, _WHERE, more=[(b"allow", b"POST, OPTIONS")])
FAULT: Final = problem(503, "The collector met a fault of its own. Send the same again later.", retry_after=30)
