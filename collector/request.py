"""What a request says beside its body: signals, agent, language, address. Read once, from the raw header lines."""

from typing import Final, NamedTuple

from collector.address import ClientAddress, Hops
from collector.agent import NO_HINTS, Hints

Headers = list[tuple[bytes, bytes]]


class RequestFacts(NamedTuple):
    """The facts of one request; the address and the agent string live no longer than it. Printed they tell nothing."""

    address: ClientAddress
    user_agent: str = ""
    hints: Hints = NO_HINTS
    language: str = ""
    gpc: bool = False
    dnt: bool = False
    purpose: str = ""
    """Sec-Purpose or Purpose: prefetch and prerender requests say so here."""
    referer: str = ""
    authorization: str = ""
    length: int = -1
    """Content-Length; -1 where it is absent or no number."""

    def __repr__(self) -> str:
        return "<facts of a request>"


_PLACES: Final = {
    b"user-agent": 0,
    b"accept-language": 1,
    b"sec-purpose": 2,
    b"purpose": 2,
    b"x-purpose": 2,
    b"x-moz": 2,
    b"referer": 3,
    b"authorization": 4,
    b"sec-ch-ua": 5,
    b"sec-ch-ua-full-version-list": 6,
    b"sec-ch-ua-mobile": 7,
    b"sec-ch-ua-platform": 8,
    b"sec-ch-ua-platform-version": 9,
    b"sec-ch-ua-model": 10,
    b"sec-ch-ua-form-factors": 11,
    b"x-requested-with": 12,
    b"x-forwarded-for": 20,
    b"forwarded": 21,
    b"sec-gpc": 22,
    b"dnt": 23,
    b"content-length": 24,
}
"""Every header that is looked at. Below 13: its text is kept, at that place (the last line of a name counts), from 5 on
as a hint. One look-up for each header of a request, most of which are none of these."""
_TEXTS: Final = 13
_HINTS_AT: Final = 5
_X_FORWARDED_FOR, _FORWARDED, _GPC, _DNT = range(20, 24)
_BLANKS: Final = b" \t"
"""Around a value they are no part of it (RFC 9110, 5.5), but the parser leaves those at its end."""


def read_request(headers: Headers, peer: str, hops: Hops) -> RequestFacts:
    """The facts of a request from this peer. Never raises, whatever the bytes.

    Sec-GPC counts if at least one of its lines is exactly `1` (W3C GPC, "The Sec-GPC Header Field"): lines are looked
    at one by one, before anything joins them. Cookie is not looked at.
    """
    texts = [""] * _TEXTS
    forwarded: list[str] = []
    x_forwarded_for: list[str] = []
    hinted = gpc = dnt = False
    length = -1
    for name, value in headers:
        place = _PLACES.get(name)
        if place is None:
            continue
        if place < _TEXTS:
            texts[place] = value.decode("latin-1")
            hinted = hinted or place >= _HINTS_AT
        elif place == _X_FORWARDED_FOR:
            x_forwarded_for.append(value.decode("latin-1"))
        elif place == _FORWARDED:
            forwarded.append(value.decode("latin-1"))
        elif place == _GPC:
            gpc = gpc or value.strip(_BLANKS) == b"1"
        elif place == _DNT:
            dnt = dnt or value.strip(_BLANKS) == b"1"
        else:
            length = int(value) if value.isdigit() and len(value) < 19 else -1
    address = hops.client(peer, forwarded, x_forwarded_for)
    agent, language, purpose, referer, authorization = texts[:_HINTS_AT]
    hints = Hints(*texts[_HINTS_AT:]) if hinted else NO_HINTS
    return RequestFacts(address, agent, hints, language, gpc, dnt, purpose, referer, authorization, length)
