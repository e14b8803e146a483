"""What collectors may know of the control store: one file, read whole, with nothing else at hand.

A collector that finds none waits, one that has read it needs nothing else. It holds digests of API keys, never keys.
This module needs no database: a collector process does not pay for one.
"""

import hashlib
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from control_store.site_settings import SiteSettings
from event_catalogue.days import DAY_MS

Scope = Literal["stats", "events", "import"]
SCOPES: Final[tuple[Scope, ...]] = ("stats", "events", "import")


class Site(Struct, frozen=True):
    """One site as collectors and workers see it."""

    id: int
    key: str
    domain: str
    timezone: str
    returning_key: bytes
    settings: SiteSettings
    next_timezone: str = ""
    next_timezone_from: int = 0
    """The local midnight (ms UTC) from which `next_timezone` holds; 0 if no change is due."""

    def __repr__(self) -> str:
        return f"<site {self.id}, {self.domain}>"

    def timezone_at(self, at: int) -> str:
        """The zone that cuts the site's days at this time (ms UTC)."""
        return self.next_timezone if self.next_timezone and at >= self.next_timezone_from else self.timezone

    def timezone_of(self, day: int) -> str:
        """The zone that cuts this day (days since 1970-01-01)."""
        return self.timezone_at(day * DAY_MS + DAY_MS // 2)


class ApiKey(Struct, frozen=True):
    """A key's digest and what it opens."""

    digest: bytes
    site: int
    scope: Scope


class Snapshot(Struct, frozen=True):
    """All that a collector needs to know of the control store."""

    revision: int
    sites: list[Site]
    keys: list[ApiKey]


class UnknownSite(LookupError):
    """No site has this id, key or domain; the text is one sentence."""


def key_digest(key: str) -> bytes:
    """What is kept of an API key; it has 256 random bits, so a plain hash can't be turned back."""
    return hashlib.sha256(key.encode()).digest()


def read_snapshot(path: Path) -> Snapshot:
    """The published snapshot. Raises FileNotFoundError, or msgspec.DecodeError for a file of another version."""
    return msgspec.msgpack.decode(path.read_bytes(), type=Snapshot)
