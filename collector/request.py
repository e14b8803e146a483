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


_HINTS: Final = {
    b"sec-ch-ua": "brands",
    b"sec-ch-ua-full-version-list": "full_versions",
    b"sec-ch-ua-mobile": "mobile",
    b"sec-ch-ua-platform": "platform",
    b"sec-ch-ua-platform-version": "platform_version",
    b"sec-ch-ua-model": "model",
    b"sec-ch-ua-form-factors": "form_factors",
    b"x-requested-with": "app",
}
_TEXTS: Final = {
    b"user-agent": "user_agent",
    b"accept-language": "language",
    b"sec-purpose": "purpose",
    b"purpose": "purpose",
    b"x-purpose": "purpose",
    b"x-moz": "purpose",
    b"referer": "referer",
    b"authorization": "authorization",
}


_BLANKS: Final = b" \t"
"""Around a value they are no part of it (RFC 9110, 5.5), but the parser leaves those at its end."""


def read_request(headers: Headers, peer: str, hops: Hops) -> RequestFacts:
    """The facts of a request from this peer. Never raises, whatever the bytes.

    Sec-GPC counts if at least one of its lines is exactly `1` (W3C GPC, "The Sec-GPC Header Field"): lines are looked
    at one by one, before anything joins them. Cookie is not looked at.
    """
    texts: dict[str, str] = {}
    hints: dict[str, str] = {}
    forwarded: list[str] = []
    x_forwarded_for: list[str] = []
    gpc = dnt = False
    length = -1
    for name, value in headers:
        if name in _TEXTS:
            texts[_TEXTS[name]] = value.decode("latin-1")
        elif name in _HINTS:
            hints[_HINTS[name]] = value.decode("latin-1")
        elif name == b"sec-gpc":
            gpc = gpc or value.strip(_BLANKS) == b"1"
        elif name == b"dnt":
            dnt = dnt or value.strip(_BLANKS) == b"1"
        elif name == b"x-forwarded-for":
            x_forwarded_for.append(value.decode("latin-1"))
        elif name == b"forwarded":
            forwarded.append(value.decode("latin-1"))
        elif name == b"content-length":
            length = int(value) if value.isdigit() and len(value) < 19 else -1
    return RequestFacts(
        hops.client(peer, forwarded, x_forwarded_for),
        hints=Hints(**hints) if hints else NO_HINTS,
        gpc=gpc,
        dnt=dnt,
        length=length,
        **texts,
    )
