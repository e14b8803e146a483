"""A collector as it runs: real snapshot, salts and spool in a directory, a clock that is moved by hand.

`World` serves the application to httpx without a socket; what reached the spool is read back from its files.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from collector.app import Collector, create_app, make_tools
from collector.place import Places
from collector.registry import ServedSite
from collector.settings import CollectorSettings
from collector.steps import Tools
from control_store.salts import SaltFile
from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_key, add_site, publish_snapshot, save_settings
from control_store.snapshot import Scope, Site
from control_store.tables import ControlStore
from event_catalogue.event import Parcel, Tally, decode_parcel, decode_tallies
from event_catalogue.fields import FIELDS
from spool.kinds import Kind
from spool.reader import SpoolReader
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter

NOW: Final = 1_764_000_000_000
"""24 November 2025, 16:00 UTC."""
DAY_MS: Final = 86_400_000
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
ID: Final = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
CLIENT: Final = "203.0.113.77"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def site(number: int = 1, timezone: str = "UTC", **settings: Any) -> Site:
    """A site as the snapshot has it, without a store."""
    key = f"{number:016x}"
    return Site(number, key, "shop.example", timezone, bytes(31) + b"\1", SiteSettings(**settings))


@cache
def tools() -> Tools:
    """The tools of a process, with salts that say which site, day and import they are for."""
    return make_tools(Places(()), salt_for)


def salt_for(served: ServedSite, day: int, import_id: int) -> bytes:
    """A salt that nobody would use: its own name."""
    return f"{served.site.id} {day} {import_id}".encode().ljust(32)


def beacon(site_key: str, *events: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A beacon as the snippet sends it; one page view unless events are given."""
    sent = list(events) or [{"name": "pageview"}]
    base = {"v": 1, "site": site_key, "id": ID, "sent": NOW, "url": "https://shop.example/"}
    return {**base, "events": [{"at": NOW, "props": {}, **one} for one in sent], **fields}


def named(row: list[Any]) -> dict[str, Any]:
    """A row by the names of its fields."""
    return {field.name: value for field, value in zip(FIELDS, row, strict=True)}


class Spooled(NamedTuple):
    """What a spool holds."""

    parcels: list[Parcel]
    counts: dict[tuple[int, int, str, str], int]
    raw: bytes

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every row, by field names."""
        return [named(row) for parcel in self.parcels for row in parcel.rows]


def read_spool(directory: Path) -> Spooled:
    """Parcels, counts by (site, day, outcome, reason), and every byte of every file of one spool."""
    reader = SpoolReader(directory)
    records = reader.read(0, max_events=10**6, max_bytes=10**9)
    reader.close()
    parcels = [decode_parcel(record.body) for record in records if record.kind == Kind.EVENTS]
    counts: dict[tuple[int, int, str, str], int] = {}
    told = [
        tally._replace(n=n)
        for record in records
        if record.kind == Kind.COUNTS
        for key, n in msgspec.msgpack.decode(record.body, type=list[tuple[bytes, int]])
        for tally in decode_tallies(key)
    ]
    for tally in [*told, *(left for parcel in parcels for left in parcel.left_out)]:
        assert isinstance(tally, Tally)
        counts[tally[:4]] = counts.get(tally[:4], 0) + tally.n
    raw = b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())
    return Spooled(parcels, counts, raw)


class World:
    """One collector with its files; `client` speaks to it as a browser at `peer` would."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.root = root
        self.clock = Clock()
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        self.snapshot = root / "collector" / "snapshot"
        self.salts = SaltFile(root / "salts", self.clock)
        self.spool = SpoolWriter(root / "spool", "w0", SpoolSettings(tick_s=3600), self.clock)
        rates = {"network_rate": 0.0, "site_rate": 0.0, **settings}
        self.settings = CollectorSettings(
            notices=root / "collector" / "notices",
            snapshot=self.snapshot,
            salts=root / "salts",
            snippets=root / "snippets",
            **rates,
        )
        self.site = self.add("shop.example")
        self.app = create_app(Collector(self.settings, self.spool, self.salts, self.clock, self.clock))

    def add(self, domain: str, timezone: str = "UTC", **settings: Any) -> Site:
        """Add a site and publish; a running application sees it after `refresh`."""
        added = add_site(self.store, NewSite(domain, timezone, SiteSettings(**settings)), now=NOW)
        publish_snapshot(self.store, self.snapshot)
        return added

    def change(self, **settings: Any) -> None:
        """Give the world's site other settings."""
        save_settings(self.store, self.site, SiteSettings(**settings))
        publish_snapshot(self.store, self.snapshot)

    def key(self, scope: Scope) -> str:
        """Make an API key of the world's site."""
        made = add_key(self.store, self.site, scope, now=NOW)
        publish_snapshot(self.store, self.snapshot)
        return made

    def client(self, peer: str = CLIENT) -> httpx.AsyncClient:
        """An HTTP client at this address."""
        transport = httpx.ASGITransport(self.app, client=(peer, 40_000))  # type: ignore[arg-type]  # an ASGI app
        return httpx.AsyncClient(transport=transport, base_url="http://collector", headers={"user-agent": AGENT})

    def close(self) -> None:
        """Stop the spool and close every file."""
        self.spool.close()
        self.salts.close()
        self.store.close()

    def spooled(self) -> Spooled:
        """Stop the spool and read what it holds."""
        self.spool.close()
        return read_spool(self.root / "spool" / "w0")


@contextmanager
def world(root: Path, **settings: Any) -> Iterator[World]:
    """A world that is closed at the end of the block."""
    made = World(root, **settings)
    try:
        yield made
    finally:
        made.close()


def body(content: Any) -> bytes:
    """JSON as a browser writes it."""
    return json.dumps(content, separators=(",", ":")).encode()


Send = Callable[[World], Any]
