"""What a request says beside its body: signals, agent, language, address. Read once, from the raw header lines."""

from typing import Final

from msgspec import Struct

from collector.address import ClientAddress, Hops
from collector.agent import NO_HINTS, Hints

Headers = list[tuple[bytes, bytes]]


class RequestFacts(Struct, frozen=True, gc=False):
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
    waits: bool = False
    """Whether the body comes only after a word from us (Expect: 100-continue)."""

    def __repr__(self) -> str:
        return "<facts of a request>"


_NAMES: Final = {
    "user-agent": 0,
    "accept-language": 1,
    "sec-purpose": 2,
    "purpose": 2,
    "x-purpose": 2,
    "x-moz": 2,
    "referer": 3,
    "authorization": 4,
    "sec-ch-ua": 5,
    "sec-ch-ua-full-version-list": 6,
    "sec-ch-ua-mobile": 7,
    "sec-ch-ua-platform": 8,
    "sec-ch-ua-platform-version": 9,
    "sec-ch-ua-model": 10,
    "sec-ch-ua-form-factors": 11,
    "x-requested-with": 12,
    "x-forwarded-for": 20,
    "forwarded": 21,
    "sec-gpc": 22,
    "dnt": 23,
    "content-length": 24,
    "expect": 25,
}
"""Every header that is looked at. Below 13: its text is kept, at that place (the last line of a name counts), from 5 on
as a hint."""
_TEXTS: Final = 13
_HINTS_AT: Final = 5
_X_FORWARDED_FOR, _FORWARDED, _GPC, _DNT, _LENGTH, _EXPECT = range(20, 26)
_NO_TEXTS: Final = [""] * _TEXTS
_IGNORED, _UNUSUAL = -1, -2
_USUAL: Final = (
    "host connection accept accept-encoding origin content-type cache-control pragma cookie priority sec-fetch-site "
    "sec-fetch-mode sec-fetch-dest sec-fetch-storage-access x-forwarded-proto x-forwarded-host x-real-ip via"
).split()
_PLACES: Final = {
    spelling: place
    for name, place in (dict.fromkeys(_USUAL, _IGNORED) | _NAMES).items()
    for spelling in (name.encode(), name.title().encode(), name.upper().encode())
}
"""By the spellings in which clients and proxies send them; only a name in another one is put into lower case first."""
_BLANKS: Final = b" \t"
"""Around a value they are no part of it (RFC 9110, 5.5), but the parser leaves those at its end."""


def read_request(headers: Headers, peer: str, hops: Hops) -> RequestFacts:
    """The facts of a request from this peer, names of headers in any case. Never raises, whatever the bytes.

    Sec-GPC counts if at least one of its lines is exactly `1` (W3C GPC, "The Sec-GPC Header Field"): lines are looked
    at one by one, before anything joins them. Cookie is not looked at.
    """
    texts = _NO_TEXTS.copy()
    others: list[tuple[int, bytes]] = []
    hinted = False
    length = -1
    find = _PLACES.get
    for name, value in headers:
        place = find(name, _UNUSUAL)
        if place == _UNUSUAL:
            place = find(name.lower(), _IGNORED)
        if place < 0:
            continue
        if place < _TEXTS:
            texts[place] = value.decode("latin-1")
            if place >= _HINTS_AT:
                hinted = True
        elif place == _LENGTH:
            length = int(value) if value.isdigit() and len(value) < 19 else -1
        else:
            others.append((place, value))
    gpc, dnt, waits, hops_said = _read_others(others) if others else _NOTHING_MORE
    address = hops.client(peer, *hops_said)
    agent, language, purpose, referer, authorization = texts[:_HINTS_AT]
    hints = Hints(*texts[_HINTS_AT:]) if hinted else NO_HINTS
    return RequestFacts(address, agent, hints, language, gpc, dnt, purpose, referer, authorization, length, waits)


_Others = tuple[bool, bool, bool, tuple[list[str], list[str]]]
"""GPC, Do Not Track, whether the client waits, and the lines of Forwarded and X-Forwarded-For."""
_NOTHING_MORE: Final[_Others] = (False, False, False, ([], []))


def _read_others(lines: list[tuple[int, bytes]]) -> _Others:
    """What may come in several lines, or is no text."""
    gpc = dnt = waits = False
    forwarded: list[str] = []
    x_forwarded_for: list[str] = []
    for place, value in lines:
        if place == _X_FORWARDED_FOR:
            x_forwarded_for.append(value.decode("latin-1"))
        elif place == _GPC:
            gpc = gpc or value.strip(_BLANKS) == b"1"
        elif place == _DNT:
            dnt = dnt or value.strip(_BLANKS) == b"1"
        elif place == _FORWARDED:
            forwarded.append(value.decode("latin-1"))
        else:
            waits = value.lower() == b"100-continue"
    return gpc, dnt, waits, (forwarded, x_forwarded_for)
