"""The table `rollups`: written by run, read by run, swept of runs that no seal names."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from event_catalogue.aggregates import KEPT_MEASURES
from warehouse.client import Param, Warehouse
from warehouse.people import kept_rules
from warehouse.rollup_rows import DayRow, Rollup

ROLLUPS: Final = "rollups"
ROLLUP_COLUMNS: Final[dict[str, str]] = {
    "site": "UInt32",
    "day": "Date",
    "run": "UInt64",
    "dimension": "LowCardinality(String)",
    "key": "String",
    "parent": "String",
    **dict.fromkeys(KEPT_MEASURES, "Int64"),
    "amount": "Int64",
}
"""Name → ClickHouse type, in order; the migrations make exactly these."""

_BLOCK: Final = 100_000


class Sealed(Protocol):
    """A seal, as far as it matters here."""

    @property
    def site(self) -> int:
        """The site's number."""

    @property
    def day(self) -> int:
        """Days since 1970-01-01."""

    @property
    def sealed(self) -> int:
        """When, ms UTC."""


class RollupTable:
    """Rows of sealed days, by run."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def raw_rows(self, days: Sequence[int] = ()) -> dict[tuple[int, int], int]:
        """Raw rows of each (site, day), of some days and those between, or of all. Raises TryLater, Broken."""
        if days:
            span = {"first": min(days), "last": max(days)}
            found = self._warehouse.query("warehouse.site_counts", span, "seal")
        else:
            found = self._warehouse.query("warehouse.partition_counts", {}, "seal")
        return {(int(site), int(of)): int(rows) for site, of, rows in found}

    def newest_rows(self) -> dict[tuple[int, int], int]:
        """When the newest row of each (site, day) arrived, ms UTC. Raises TryLater, Broken."""
        found = self._warehouse.query("warehouse.newest_rows", {}, "seal")
        return {(int(site), int(day)): int(received) for site, day, received in found}

    def late_visitors(self, seal: Sealed, counted_bots: Iterable[str]) -> int:
        """How many different visitors' rows arrived after the seal. Raises TryLater, Broken."""
        kept = kept_rules({seal.site: counted_bots})
        values: dict[str, Param] = {"site": seal.site, "day": seal.day, "sealed": seal.sealed, "kept": kept}
        return int(self._warehouse.query("warehouse.late_visitors", values, "seal")[0][0])

    def changed_visitors(self, seal: Sealed, before: Iterable[str], counted_bots: Iterable[str]) -> int:
        """How many different visitors of the seal's day count by one of these bot rules and not by the others. Raises
        TryLater, Broken."""
        kept, old = kept_rules({seal.site: counted_bots}), kept_rules({seal.site: before})
        values: dict[str, Param] = {"site": seal.site, "day": seal.day, "kept": kept, "before": old}
        return int(self._warehouse.query("warehouse.changed_visitors", values, "seal")[0][0])

    def write(self, runs: Mapping[tuple[int, int], int], rows: Sequence[DayRow]) -> None:
        """Store the rows under the run of their (site, day), durably. Raises TryLater, Broken."""
        days = sorted({day for day, _ in rows})
        for begin in range(0, len(rows), _BLOCK):
            block = rows[begin : begin + _BLOCK]
            data: list[list[Any]] = [
                [row.site for _, row in block],
                [day for day, _ in block],
                [runs[row.site, day] for day, row in block],
                [row.dimension for _, row in block],
                [row.key for _, row in block],
                [row.parent for _, row in block],
                *([row.measures[place] for _, row in block] for place in range(len(KEPT_MEASURES))),
                [row.amount for _, row in block],
            ]
            self._warehouse.insert(
                ROLLUPS,
                ROLLUP_COLUMNS,
                data,
                settings="async_insert = 0",
                query_id=f"seal-{days[0]}-{begin}",
                slot="seal",
            )

    def read(self, site: int, day: int, run: int) -> list[Rollup]:
        """The rows of a run, in their one order."""
        found = self._warehouse.query("warehouse.rollups", {"site": site, "day": day, "run": run}, "seal")
        return [
            Rollup(int(of), str(dimension), str(key), str(parent), tuple(map(int, measures)), int(amount))
            for of, dimension, parent, key, *measures, amount in found
        ]

    def digest(self, site: int, day: int, run: int) -> tuple[int, str]:
        """How many rows a run has, and their digest, worked out by the engine: a sixth of the time of reading them."""
        rows, found = self._warehouse.query("warehouse.rollup_digest", {"site": site, "day": day, "run": run}, "seal")[
            0
        ]
        return int(rows), str(found)

    def sweep(self, runs: Collection[int]) -> None:
        """Remove the rows of all other runs; their numbers are all that the statement holds."""
        found = self._warehouse.query("warehouse.rollup_runs", {}, "seal")
        stale = [int(run) for (run,) in found if int(run) not in runs]
        if stale:
            table, on_cluster = self._warehouse.dialect.local(ROLLUPS), self._warehouse.dialect.on_cluster
            numbers = ", ".join(map(str, stale))
            self._warehouse.command(f"ALTER TABLE {table} {on_cluster} DELETE WHERE run IN ({numbers})", slot="seal")


def digest(rows: Iterable[Rollup]) -> str:
    """SHA-256 over the rows of a run in their order, 64 hex digits."""
    content = hashlib.sha256()
    for row in rows:
        numbers = " ".join(map(str, (*row.measures, row.amount) if row.amount else row.measures))
        content.update(f"{row.dimension}\x1e{row.parent}\x1e{row.key}\x1e{numbers}\n".encode())
    return content.hexdigest()
