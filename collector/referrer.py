"""Where a visit came from: referrer host, name and kind of the source, campaign tags, channel.

Promises: of a foreign referrer only the host is kept; the site's own hosts and payment returns are no source; a click
id becomes the name of its network and is gone. Refuses: search terms and paths of other people's pages.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from collector.channels import Touch, channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


class SourceReader:
    """Reads sources. Construct once per process."""

    def __init__(self) -> None:
        tables = _tables()
        self._hosts: dict[str, list[str]] = tables["hosts"]
        self._clicks: dict[str, str] = tables["clicks"]

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
        browser sent it; own_hosts: further hosts of the site, as a set or a predicate.
        """
        host = _host(referrer)
        own = own_hosts if callable(own_hosts) else own_hosts.__contains__
        if host == hostname or host.endswith(f".{hostname}") or own(host):
            host = ""
        tags = {field: query.get(field, "").strip() for field in UTM_FIELDS}
        tags["utm_source"] = tags["utm_source"] or next(
            (query[k] for k in ("ref", "source", "via") if query.get(k)), ""
        )
        network = next((name for key, name in self._clicks.items() if key in query), "")
        name, kind = self._known(host)
        if tags["utm_source"]:
            name = tags["utm_source"]
        touch = Touch(name, kind, tags["utm_source"], tags["utm_medium"], tags["utm_campaign"], network)
        return Source(host, name, kind, channel(touch), network, **tags)

    def _known(self, host: str) -> tuple[str, str]:
        if not host:
            return "", "direct"
        labels = host.split(".")
        for start in range(len(labels) - 1):
            entry = self._hosts.get(".".join(labels[start:]))
            if entry:
                return entry[0], entry[1]
        return host, "referral"


def _host(referrer: str) -> str:
    try:
        return (urlsplit(referrer.strip()).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _tables() -> dict[str, Any]:
    path = Path(__file__).parent / "tables" / "sources.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))
