"""What a plain form is answered: a page without a script that says, in the visitor's language, what became of it."""

import hashlib
from base64 import b64encode
from functools import cache
from html import escape
from importlib import resources
from typing import Final, NamedTuple

from collector.answers import Answer, Headers
from collector.texts import Words
from event_catalogue.choice import Choice

_HEAD: Final[Headers] = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-type", b"text/html; charset=utf-8"),
    (b"referrer-policy", b"same-origin"),
]


class Outcome(NamedTuple):
    """What became of a choice."""

    granted: bool
    """Whether it opened something."""
    kept: bool
    """Whether the browser remembers it: on an address of the site itself alone."""
    signal: str
    """What is said of a signal that goes before the choice; empty without one."""


def thanks(choice: Choice, outcome: Outcome, words: Words, *, language: str, site: str, key: str) -> Answer:
    """The page. `site` is the site's domain, `key` its public key."""
    style, policy = notice_style()
    said = [f"<p role=status>{escape(line)}" for line in _lines(choice, outcome, words)]
    if not outcome.kept:
        place = escape(f"https://{site}/#footfall-choices")
        said.append(f"<p>{escape(words['notice.elsewhere'])} <a href='{place}' rel=noreferrer>{escape(site)}</a>")
    title, notice = escape(words["notice.recorded"]), escape(words["notice.title"].replace("{site}", site))
    body = (
        f"<!doctype html><html lang={language}><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{title}</title><style>{style}</style>"
        f"<h1>{title}</h1>{''.join(said)}"
        f"<p><a href='../privacy/{key}?lang={language}'>{notice}</a>"
    ).encode()
    more: Headers = [
        (b"content-security-policy", f"default-src 'none'; {policy}; base-uri 'none'".encode()),
        (b"content-language", language.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    return Answer(200, [*_HEAD, *more], body)


@cache
def notice_style() -> tuple[str, str]:
    """The style sheet of the notice, and what a content policy says to allow it and no other."""
    style = (resources.files("collector") / "templates" / "notice.css").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"style-src 'sha256-{digest}'"


def _lines(choice: Choice, outcome: Outcome, words: Words) -> list[str]:
    if choice.optout:
        return [words["words.saved_objected"]] if outcome.kept else []
    if outcome.signal:
        return [words["words.honoured"], outcome.signal]
    found = []
    if outcome.kept and outcome.granted:
        found.append(words["words.saved_accepted"])
    elif outcome.kept and (choice.statistics is False or choice.ads is False):
        # An opt-out beside it is remembered by a cookie of its own.
        found.append(words["words.saved_unshared" if choice.sale is False else "words.saved_declined"])
    if outcome.kept and choice.sale is False:
        found.append(words["purpose.sale.text"])
    return found
