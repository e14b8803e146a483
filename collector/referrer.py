"""Where a visit came from: referrer host, name and kind of the source, campaign tags, channel.

Promises: of a foreign referrer only the host is kept; the site's own hosts, payment returns, private hosts and bare
addresses are no source; a click id becomes the name of its network and is gone. Refuses: search terms and paths of
other people's pages. Which rules other tools answer differently is written in docs/sources.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from collector.channels import PAID_CHANNELS, Touch, channel
from collector.source_table import Click, Site, SourceTable, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TABLE: Final = Path(__file__).parent / "tables" / "sources.toml"

LONGEST_TAG: Final = 200
"""Characters kept of a campaign tag: the catalogue's limit."""

UTM_FIELDS: Final = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "utm_id",
    "utm_source_platform",
    "utm_creative_format",
    "utm_marketing_tactic",
)

_SHORT_SOURCES: Final = ("ref", "source", "via")
"""What stands in for a missing utm_source, in this order (UX §1.8)."""

_PRIVATE_SUFFIXES: Final = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test", ".invalid")


class Source(NamedTuple):
    """The source fields of an event, every one text, "" where nothing is known."""

    referrer: str = ""
    source: str = ""
    source_kind: str = "direct"
    channel: str = "Direct"
    click_network: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""
    utm_id: str = ""
    utm_source_platform: str = ""
    utm_creative_format: str = ""
    utm_marketing_tactic: str = ""


class Link(NamedTuple):
    """A referrer's host (an app's id for android-app://) and path; both "" where it tells nothing."""

    host: str = ""
    path: str = ""
    is_app: bool = False


NO_LINK: Final = Link()
NO_CLICK: Final = Click("", "", paid=False)
NO_TAGS: Final = dict.fromkeys(UTM_FIELDS, "")
DIRECT: Final = Source()


class SourceReader:
    """Reads sources. Construct once per process (some 10 ms for the table); pure after that."""

    def __init__(self, table: Path = TABLE) -> None:
        self._table = SourceTable(table)
        self._order = {key: place for place, key in enumerate(self._table.clicks)}
        self._remembered = lru_cache(maxsize=4096)(self._source)
        self._foreign = lru_cache(maxsize=4096)(self._unless_own)

    def read(
        self,
        *,
        hostname: str,
        query: Mapping[str, str],
        referrer: str,
        own_hosts: Callable[[str], bool] | frozenset[str] = frozenset(),
    ) -> Source:
        """The source of a page view.

        hostname: host of the viewed page; query: its parameters, keys in lower case, values decoded; referrer: as the
        browser sent it; own_hosts: further hosts of the site, as a set or a predicate. Never raises.
        """
        if not referrer and not query:
            return DIRECT
        link = self._foreign(_link(referrer), hostname, own_hosts) if referrer else NO_LINK
        return self._remembered(link, tuple(query.items()))

    def leads_on(self, hostname: str, referrer: str, own_hosts: Callable[[str], bool]) -> bool:
        """Whether the page before was the site's own, or one that people only come back from; of any network."""
        link = _odd_link(referrer)
        return bool(link.host) and not self._unless_own(link, hostname, own_hosts).host

    def _source(self, link: Link, items: tuple[tuple[str, str], ...]) -> Source:
        query = dict(items)
        tags = _tags(query)
        click = self._click(query)
        found = self._named(tags["utm_source"], link, click)
        paid = found.paid or (click.paid and click.source == found.site.name)
        touch = Touch(
            found.site.name,
            found.site.category,
            tags["utm_medium"].lower(),
            tags["utm_campaign"].lower(),
            tags["utm_source"],
            paid,
        )
        name = channel(touch)
        kind = _kind(touch, name)
        return Source(_kept_host(link, found.site), found.site.name, kind, name, click.network, **tags)

    def _unless_own(self, link: Link, hostname: str, own_hosts: Callable[[str], bool] | frozenset[str]) -> Link:
        """The link, unless it is the site's own or one that people only come back from."""
        page = hostname.lower().removeprefix("www.")
        own = own_hosts if callable(own_hosts) else own_hosts.__contains__
        if page and (link.host == page or link.host.endswith(f".{page}")):
            return NO_LINK
        if own(link.host) or own(f"www.{link.host}") or self._table.is_return(link.host, link.path):
            return NO_LINK
        return link

    def _click(self, query: Mapping[str, str]) -> Click:
        """The network of the query's click id; of several, the first of the table."""
        present = [key for key in query if key in self._order and query[key]]
        return self._table.clicks[min(present, key=self._order.__getitem__)] if present else NO_CLICK

    def _named(self, tag: str, link: Link, click: Click) -> Tag:
        """The tag's source, else the referrer's, else the click id's."""
        if tag:
            return self._table.of_tag(tag)
        if link.is_app:
            return Tag(self._table.of_app(link.host))
        if link.host:
            return Tag(self._table.of_host(link.host, link.path))
        return Tag(self._table.named(click.source)) if click.source else Tag(Site("", ""))


def _tags(query: Mapping[str, str]) -> dict[str, str]:
    """The campaign fields; the source in lower case, so that "Facebook" and "facebook" are one."""
    if not query:
        return NO_TAGS
    tags = {field: _tag(query, field) for field in UTM_FIELDS}
    source = tags["utm_source"] or next(filter(None, (_tag(query, key) for key in _SHORT_SOURCES)), "")
    tags["utm_source"] = source.lower()
    return tags


def _tag(query: Mapping[str, str], key: str) -> str:
    """A campaign tag's value: trimmed, on one line, cut to its limit."""
    value = query.get(key, "")
    return " ".join(value.split())[:LONGEST_TAG] if value else ""


_USUAL: Final = re.compile(
    r"https?://(?:www\.)?((?:[a-z0-9_-]+\.)+[a-z]{2,24})(?::\d+)?(/[^?#\s\\\x00-\x1f\x7f]*)?(?:[?#]|$)"
)
"""A referrer as browsers send it; anything else takes the long way."""


def _link(referrer: str) -> Link:
    """Host and path of a referrer; nothing for anything that is no page of the public web."""
    usual = _USUAL.match(referrer)
    if usual is not None and len(usual[1]) <= 253:
        return NO_LINK if usual[1].endswith(_PRIVATE_SUFFIXES) else Link(usual[1], usual[2] or "")
    link = _odd_link(referrer)
    return link if link.is_app or _is_public(link.host) else NO_LINK


def _odd_link(referrer: str) -> Link:
    text = referrer.strip()
    if "://" not in text and "%3a%2f%2f" in text[:40].lower():
        text = unquote(text)
    text = re.split(r"[\s\\\x00-\x1f\x7f]", text, maxsplit=1)[0]
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "https", text.removeprefix("//")
    authority, slash, path = rest.partition("/")
    authority = re.split(r"[?#]", authority, maxsplit=1)[0]
    host = authority.rpartition("@")[2].partition(":")[0].lower().rstrip(".")
    if scheme.lower() in ("android-app", "ios-app"):
        return Link(authority.lower(), "", is_app=True) if re.fullmatch(r"[A-Za-z][\w.]+", authority) else NO_LINK
    if scheme.lower() not in ("http", "https"):
        return NO_LINK
    return Link(host.removeprefix("www."), f"{slash}{path}".split("?", 1)[0].split("#", 1)[0])


def _is_public(host: str) -> bool:
    """Whether a host is a name of the public web: no address, no name of a private network."""
    if len(host) > 253 or not re.fullmatch(r"[^\W_](?:[\w-]*\.)+(?!\d+$)[\w-]{2,}", host):
        return False
    return not host.endswith(_PRIVATE_SUFFIXES)


def _kept_host(link: Link, site: Site) -> str:
    """The host that is stored. Web mailers put opaque marks of the mailbox into it: only their domain is kept."""
    if site.category != "email" or link.is_app:
        return link.host
    return ".".join(link.host.split(".")[-3:])


def _kind(touch: Touch, name: str) -> str:
    """The kind of source: paid where the channel is, else the site's, else the medium's."""
    if name in PAID_CHANNELS:
        return "paid"
    if touch.category in ("search", "social", "email", "ai", "messaging"):
        return touch.category
    by_channel = {
        "Direct": "direct",
        "Organic Social": "social",
        "Organic Video": "social",
        "Organic Search": "search",
        "Email": "email",
        "SMS": "messaging",
        "Mobile Push Notifications": "messaging",
    }
    return by_channel.get(name, "referral")
