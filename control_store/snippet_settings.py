"""What a site's snippet does beyond page views: the names of its modules, and the phone numbers that pages show.

The names are those of the files in `js/src/parts/`; a test compares them with what was built.
"""

import re
from typing import Final, NamedTuple

MODULES: Final[dict[str, str]] = {
    "ads": "advertisements that could be seen, with the consent to advertising (`data-footfall-ad`)",
    "api": "methods: `footfall.consent()`, `.optOut()`, `.ignoreMe()`, `.page()`, `.show()`",
    "calls": "a phone number for each channel, from `call_numbers`",
    "clicks": "clicks by name, kind and part of the page; rage and dead clicks with consent",
    "copy": "that text was copied, with consent",
    "errors": "errors of the page's scripts",
    "exits": "how each page was left",
    "forms": "forms sent; begun and not sent with consent",
    "hover": "how long the pointer rested on marked elements, with consent (`data-footfall-hover`)",
    "load_errors": "files that did not load, pages that were not found",
    "media": "video and audio played",
    "print": "that the page was printed",
    "tags": "events that are tagged in HTML (`data-footfall-event`)",
    "vitals": "how fast pages are (Web Vitals)",
}
"""Every module that a site can turn on, and what it records."""

ALL: Final = "all"
MANAGERS: Final = ("tcf", "gpp", "consent_mode")
"""Consent managers that the snippet can read: IAB TCF and GPP, Google Consent Mode."""

_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ()/.-]{1,30}[0-9]\Z")
_ASSIGNED: Final = re.compile(r"(?P<channel>[a-z]+)(?::(?P<name>[A-Za-z0-9_.-]{1,64}))?=(?P<number>.+)\Z")

_SEARCH: Final = "google|bing|duckduckgo|ecosia|yahoo|qwant|startpage|baidu|yandex|brave"
_SOCIAL: Final = "facebook|instagram|linkedin|pinterest|reddit|tiktok|youtube|threads|bsky"
_AI: Final = "chatgpt|openai|perplexity|claude|copilot|gemini|mistral"
CALL_CHANNELS: Final[dict[str, str]] = {
    "paid": r"[?&](gclid|gbraid|wbraid|msclkid)=|utm_medium=([^& ]*cp|ppc|paid)",
    "email": r"utm_medium=e[-_]?mail",
    "ai": rf"^https?://([^/ ]*\.)?({_AI})\.",
    "search": rf"^https?://([^/ ]*\.)?({_SEARCH})\.",
    "social": rf"utm_medium=social|^https?://([^/ ]*\.)?({_SOCIAL})\.|^https?://(t\.co|x\.com)/",
    "campaign": r"utm_campaign={name}(&|$)",
    "source": r"[?&](utm_source|ref|source|via)={name}(&|$)",
}
"""How a page knows the channel of its visit: a pattern over `REFERRER ?QUERY`. The collector's own rules are finer; a
page must tell before its first beacon, in a few bytes."""


class CallNumber(NamedTuple):
    """A number that pages show: `usual` where no pattern holds."""

    channel: str
    pattern: str
    number: str


class BadCallNumber(ValueError):
    """An item of `call_numbers` that can't be taken."""


def module_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The modules that are meant, in order; `all` means every one. Raises KeyError with a name that there is not."""
    if ALL in names:
        return tuple(MODULES)
    return tuple(sorted(name for name in set(names) if MODULES[name]))


def call_number(text: str) -> CallNumber:
    """One item `CHANNEL=NUMBER`, e.g. `usual=+41 44 111 11 11`, `paid=…`, `campaign:spring=…`. Raises BadCallNumber."""
    match = _ASSIGNED.match(text)
    if match is None or not _NUMBER.match(match["number"].strip()):
        raise BadCallNumber(text)
    channel, name, number = match["channel"], match["name"] or "", match["number"].strip()
    if channel == "usual" and not name:
        return CallNumber(channel, "", number)
    pattern = CALL_CHANNELS.get(channel, "")
    if not pattern or bool(name) != ("{name}" in pattern):
        raise BadCallNumber(text)
    return CallNumber(channel, pattern.replace("{name}", re.escape(name)), number)


def call_numbers(texts: tuple[str, ...]) -> tuple[str, list[CallNumber]]:
    """The usual number, and those of channels in the order given. Raises BadCallNumber without a usual one."""
    numbers = [call_number(text) for text in texts]
    usual = [one.number for one in numbers if one.channel == "usual"]
    if texts and len(usual) != 1:
        raise BadCallNumber("usual")
    return (usual or [""])[0], [one for one in numbers if one.pattern]
