"""A warehouse with sites, sealed days and a spool root, as a purge finds them."""

import itertools
import json
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

from aggregator.visits import VisitTable
from collector.importers.invented import Shape, invent_day
from control_store.ledger_head import read_ledger_head, write_ledger_head
from control_store.marks import next_number
from control_store.purges import Gone, gone_rows
from control_store.seals import Seal, all_seals, save_seals
from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from event_catalogue.fields import POSITION
from retention.ledger import NOTHING, Head, Ledger
from retention.purge import Choice, Purger, Stores
from spool.crash import crash_points
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.partitions import Partition, Partitions
from warehouse.rollup_rows import Rollup
from warehouse.seals import RollupTable, digest

EPOCH = date(1970, 1, 1)
DAY = 20_423
DAY_MS = 86_400_000
SEALED_AT = (DAY + 4) * DAY_MS
"""When the first two days are sealed."""
SOON = (DAY + 36) * DAY_MS
"""When the first day has outlived 35 days in every zone, and no other."""
DUE_AT = SOON + DAY_MS
"""When the second has too, and nobody has waited two days."""
ZONES = {"first.example": "Europe/Zurich", "second.example": "Asia/Kathmandu"}
_KEEP, _BATCH, _BOT = POSITION["keep"], POSITION["batch"], POSITION["bot"]


class Place:
    """Two sites with three days each; the first two are sealed."""

    def __init__(self, root: Path, warehouse: Warehouse, point: str = "") -> None:
        self.root = root
        self.warehouse = warehouse
        self.now = SEALED_AT
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        self.spools = root / "spool"
        self.spools.mkdir(exist_ok=True)
        self.ledger = Ledger(root / "ledger.jsonl", self._head, lambda head: write_ledger_head(self.store, *head))
        self.visits = VisitTable(warehouse, self.store, nullcontext)
        self.rollups = RollupTable(warehouse)
        self.events = EventTable(warehouse)
        self.partitions = Partitions(warehouse)
        stores = Stores(warehouse, self.store, self.ledger, self.spools)
        crash = crash_points(point)
        self.purger = Purger(stores, self.visits.paused, self.clock, newest=self.events.newest, crash=crash)

    def clock(self) -> int:
        """The moment that this place believes in."""
        return self.now

    def fill(self, visitors: int = 10, keep: int = 35) -> None:
        """Add the sites and three days of rows."""
        for domain, zone in ZONES.items():
            add_site(self.store, NewSite(domain, zone, SiteSettings(raw_days=35)), now=1)
        for day in (DAY, DAY + 1, DAY + 2):
            rows = [row for site in (1, 2) for row in invented(site, day, visitors)]
            self.insert(rows, day, keep)

    def insert(self, rows: list[list[Any]], batch: int, keep: int = 35) -> None:
        """Store rows under a batch."""
        for row in rows:
            row[_KEEP] = keep
        self.events.insert(rows, batch=batch, token=str(batch))

    def seal(self, *, sites: tuple[int, ...] = (1, 2), days: tuple[int, ...] = (DAY,)) -> None:
        """Count visits, and write seals whose aggregates are made up: a purge asks whether they are still the same, and
        counting them takes seconds."""
        self.visits.tick()
        counted = self.rows()
        for site, day in itertools.product(sites, days):
            run = next_number(self.store, "run")
            written = [Rollup(site, "", key, "", tuple(range(run, run + 10))) for key in ("", "a", "b")]
            self.rollups.write({(site, day): run}, [(day, row) for row in written])
            seal = Seal(site, day, 1, run, self.now, 5, counted[site, day], 3, digest(written))
            save_seals(self.store, [seal])

    def purge(self, now: int = SOON, *, to_the_end: bool = False, **choice: int) -> list[tuple[int, str]]:
        """Purge what is due; why each held day is held. `to_the_end`: until the ledger says that it is gone."""
        self.now = now
        asked = Choice(now, **choice)
        self.purger.settle()
        decisions = self.purger.decide(asked)
        for one in decisions:
            if one.sites:
                self.purger.remove(one, asked)
        assert not to_the_end or self.purger.finish(30) == []
        return [(held.site, held.reason) for one in decisions for held in one.held]

    def rows(self) -> dict[tuple[int, int], int]:
        """Rows by (site, day)."""
        return self.events.partition_counts()

    def visit_days(self) -> list[tuple[int, int]]:
        """Site and day of everything in `visits`."""
        found = self.warehouse.select(
            "SELECT DISTINCT site, toUInt16(day) FROM visits ORDER BY site, day", {}, "control"
        )
        return [(int(site), int(day)) for site, day in found]

    def gone(self) -> dict[tuple[int, int], Gone]:
        """What has been taken out."""
        return gone_rows(self.store)

    def purged_days(self) -> list[tuple[int, int]]:
        """The sealed days whose raw rows are said to be gone."""
        return [(seal.site, seal.day) for seal in all_seals(self.store) if seal.purged]

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Kind and content of every entry of the ledger."""
        return [(one["kind"], one["content"]) for one in map(json.loads, self.ledger.lines())]

    def files(self) -> list[str]:
        """Names of the directories of parts that lie on the disk."""
        paths = self.warehouse.query("warehouse.data_paths", {"table": "events"}, "control")
        paths += self.warehouse.query("warehouse.data_paths", {"table": "visits"}, "control")
        return sorted(
            entry.name
            for (path,) in paths
            for entry in [*Path(str(path)).iterdir(), *(Path(str(path)) / "detached").iterdir()]
            if entry.is_dir() and "-" in entry.name
        )

    def _head(self) -> Head:
        kept = read_ledger_head(self.store)
        return Head(*kept) if kept else NOTHING


def invented(site: int, day: int, visitors: int = 25) -> list[list[Any]]:
    """Rows of a day of a site."""
    domain = list(ZONES)[site - 1]
    shape = Shape(site, domain, ZONES[domain], visitors, 1)
    return [list(row) for visit in invent_day(shape, day, stored_on=30_000, received=1).visits for row in visit]


def partition(day: int, keep: int = 35) -> Partition:
    """A partition."""
    return Partition(day, keep)
