"""Values of single fields as they may be stored: classes instead of sizes, known names instead of free text.

Whatever is free text passes the scrubber; what has a closed form is checked against it and dropped otherwise.
"""

import re
import zoneinfo
from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from collector.scrub import Scrubber, clean_host, clean_text
from event_catalogue.events import EVENT

_TAG: Final = re.compile(r"([A-Za-z]{2,3})(?:-[A-Za-z]{4})?(?:-([A-Za-z]{2}|[0-9]{3}))?(?=[-;,\s]|\Z)")
_HOST: Final = re.compile(r"[a-z0-9.:\[\]_-]{1,255}\Z")
_PORT: Final = re.compile(r":[0-9]*\Z")
_LEADING: Final = frozenset({"outbound", "download"})
"""Events whose address tells the host, where the sender does not."""
_WORD: Final = re.compile(r"[A-Za-z0-9_.:/-]{0,64}\Z")
_OUR_BUILD: Final = re.compile(r"[0-9a-f]{8}\Z")
_BUILD: Final = re.compile(r"[A-Za-z0-9_./-]{0,16}\Z")
_STACK: Final = re.compile(r"[0-9A-Za-z]{1,16}\Z")
"""A hash that groups equal errors: 64 bits are enough for that, and too few to be a digest of a person."""
_DIAL: Final = re.compile(r"(?:tel:)?[+0-9 ()./-]+(?:[;,#].*)?\Z", re.IGNORECASE | re.DOTALL)
_QUERY: Final = re.compile(r"[?#][^:\s)]*")
_IP: Final = re.compile(r"(?:\[[0-9a-f:.]*\]|[0-9.]+)(?::[0-9]*)?\Z")
_LONGEST_NUMBER: Final = 15
"""Digits of a telephone number (ITU-T E.164)."""
_RESOURCE_KINDS: Final = {"img": "image", "link": "style", "css": "style", "xmlhttprequest": "fetch"}
"""What browsers call the origin of a file, by what it is."""
_WIDTHS: Final = (576, 768, 992, 1200, 1600)
_CLASSES: Final = ("xs", "sm", "md", "lg", "xl", "xxl")


def language(text: str) -> str:
    """The first language of a tag or an Accept-Language header, as `de` or `de-CH`; "" if there is none."""
    return _language(text[:64])


@lru_cache(maxsize=4096)
def _language(text: str) -> str:
    match = _TAG.match(text.strip())
    if match is None:
        return ""
    return f"{match[1].lower()}-{match[2].upper()}" if match[2] else match[1].lower()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - {"Factory", "localtime"})


def timezone(name: str) -> str:
    """The IANA name if it is one, else ""."""
    return name if name in _zones() else ""


def size_class(width: int) -> str:
    """The class of a width in CSS pixels: xs < 576 ≤ sm < 768 ≤ md < 992 ≤ lg < 1200 ≤ xl < 1600 ≤ xxl."""
    return _CLASSES[bisect_right(_WIDTHS, width)]


@lru_cache(maxsize=256)
def build_id(text: str) -> str:
    """The snippet's build if it looks like one, else "". Too short for an id of a person, no number and no address."""
    if _OUR_BUILD.match(text):
        return text
    return text if _BUILD.match(text) and clean_text(text) == text else ""


class Details:
    """Cleans the columns that an event's properties fill."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        text, link = scrubber.scrub_text, self._link
        self._cleaners: Mapping[str, Callable[[str], str]] = {
            "target": text,
            "target_url": link,
            "resource": link,
            "resource_kind": lambda kind: self._word(_RESOURCE_KINDS.get(kind, kind)),
            "target_host": self._host,
            "slow_host": self._host,
            "search_term": self.term,
            "error_message": text,
            "error_source": lambda source: text(_QUERY.sub("", source)),
            "error_stack": lambda stack: stack if _STACK.match(stack) else "",
            "ad_slot": text,
            "ad_creative": text,
            "ad_position": text,
            "dialled": _number,
            "caller_country": lambda code: code.upper() if re.fullmatch(r"[A-Za-z]{2}", code) else "",
            "caller_area": lambda area: _number(area)[: 5 if "+" in area else 4],
        }

    def clean(self, name: str, columns: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of one event, free text scrubbed. A number that the site offers to be called stays whole."""
        cleaned = dict(columns)
        for field, value in columns.items():
            if isinstance(value, str):
                cleaned[field] = self._cleaners.get(field, self._word)(value)
        if name in _LEADING and not columns.get("target_host"):
            cleaned["target_host"] = self._host_in(columns.get("target_url", ""))
        if name == "tel" and _DIAL.match(columns.get("target_url", "")):
            cleaned["target_url"] = _number(columns["target_url"])
            if "[phone]" in cleaned.get("target", ""):
                cleaned["target"] = cleaned["target_url"]
        return cleaned

    def event_name(self, name: str) -> str:
        """A declared name as it is; one of the site's own with personal data replaced: it is a text like any other."""
        if name in EVENT:
            return name
        cleaned = self._scrubber.scrub_value(name)
        return cleaned if isinstance(cleaned, str) else "[hash]"

    def term(self, text: str) -> str:
        """What a search was for, in one spelling, scrubbed."""
        return self._scrubber.scrub_text(" ".join(text.lower().split()))

    def own(self, keys: list[str], values: list[str]) -> tuple[list[str], list[str]]:
        """The site's own properties, values scrubbed; a hash of a person is refused and leaves an empty value."""
        return [self._scrubber.scrub_text(key)[:64] for key in keys], [self._own_value(value) for value in values]

    def _own_value(self, value: str) -> str:
        cleaned = self._scrubber.scrub_value(value)
        return cleaned if isinstance(cleaned, str) else ""

    def _word(self, text: str) -> str:
        """A word of a closed set, which the snippet knows better; what only looks like one is none."""
        return text if _WORD.match(text) and self._scrubber.scrub_value(text) == text else ""

    def _host(self, text: str) -> str:
        host = text.lower().rstrip(".")
        if _IP.match(host):
            return "[ip]"
        return clean_host(host) if _HOST.match(host) else ""

    def _host_in(self, url: str) -> str:
        """The host of a web address, without its port."""
        scheme, _, rest = url.partition("://")
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        return self._host(_PORT.sub("", authority)) if scheme.lower() in ("http", "https") else ""

    def _link(self, url: str) -> str:
        """Host and path of a URL, scrubbed; queries and fragments are not kept. A path of the own site stays one."""
        bare = re.split(r"[?#]", url, maxsplit=1)[0]
        scheme, separator, rest = bare.partition("://")
        if not separator:
            return self._scrubber.scrub_path(bare) if bare.startswith("/") else self._scrubber.scrub_text(bare)
        authority, slash, path = rest.partition("/")
        host = self._host(authority.rpartition("@")[2])
        return host + self._scrubber.scrub_path(slash + path) if scheme.lower() in ("http", "https") else ""


def _number(text: str) -> str:
    head = re.split(r"[;,#]", text, maxsplit=1)[0]
    digits = re.sub(r"[^0-9]", "", head)[:_LONGEST_NUMBER]
    return f"+{digits}" if digits and "+" in head else digits
