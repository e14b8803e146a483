"""Partitions (day, keep) of raw rows and visits: what they hold, how they go, and what of them is left on the disk.

Statements here hold days, periods and ids of sites, and nothing else: their text outlives the rows.
"""

import re
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from warehouse.client import Record, Warehouse
from warehouse.rewrites import rewrite
from warehouse.tables import EVENTS
from warehouse.visits import VISITS

_EPOCH: Final = date(1970, 1, 1)
_NAME: Final = re.compile(r"(\d{4})(\d{2})(\d{2})-(\d+)")
_DETACHED: Final = 2


class Partition(NamedTuple):
    """The rows of one local day that are kept equally long."""

    day: int
    """Days since 1970-01-01."""
    keep: int
    """Days."""

    @property
    def id(self) -> str:
        """As the engine names it, and the directories of its parts."""
        return f"{_EPOCH + timedelta(days=self.day):%Y%m%d}-{self.keep}"

    @property
    def value(self) -> str:
        """As a statement names it."""
        return f"('{_EPOCH + timedelta(days=self.day)}', {self.keep})"


class SiteRows(NamedTuple):
    """Rows of a site in a partition."""

    site: int
    rows: int
    bots: int


class Partitions:
    """The partitions of `events` and `visits`. Raises TryLater, Broken."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def all(self) -> list[Partition]:
        """Every partition with rows, the oldest first."""
        tables = {"events": self._local(EVENTS), "visits": self._local(VISITS)}
        found = (_parsed(str(name)) for (name,) in self._ask("warehouse.partitions", **tables))
        return [one for one in found if one]

    def expiries(self) -> dict[Partition, int]:
        """When the first rows of each partition of `events` reach the legal maximum and are deleted, ms UTC."""
        found = self._ask("warehouse.expiries", table=self._local(EVENTS))
        return {one: int(at) * 1000 for name, at in found if (one := _parsed(str(name)))}

    def counts(self) -> dict[Partition, int]:
        """How many rows of `events` each partition has."""
        found = self._ask("warehouse.partition_rows", table=self._local(EVENTS))
        return {one: int(rows) for name, rows in found if (one := _parsed(str(name)))}

    def sites(self, partition: Partition) -> list[SiteRows]:
        """The rows of a partition, by site."""
        found = self._ask("warehouse.partition_sites", **partition._asdict())
        return [SiteRows(int(site), int(rows), int(bots)) for site, rows, bots in found]

    def blocks(self, table: str, partition: Partition) -> int:
        """The newest block; what is inserted later has a higher number."""
        found = self._ask("warehouse.partition_blocks", table=self._local(table), partition=partition.id)
        return int(found[0][0])

    def drop(self, table: str, partition: Partition) -> None:
        """Let a partition go."""
        dialect = self._warehouse.dialect
        change = f"DROP PARTITION {partition.value}"
        self._warehouse.command(f"ALTER TABLE {dialect.local(table)} {dialect.on_cluster} {change}", slot="seal")

    def take_out(self, table: str, partition: Partition, sites: Collection[int]) -> None:
        """Write a partition anew without the rows of these sites."""
        numbers = ", ".join(map(str, sorted(sites)))
        rewrite(self._warehouse, table, f"DELETE IN PARTITION {partition.value} WHERE site IN ({numbers})")

    def visits_of(self, partition: Partition, sites: Collection[int]) -> int:
        """How many rows of `visits` a partition holds of these sites."""
        return int(self._ask("warehouse.visit_sites", sites=sorted(sites), **partition._asdict())[0][0])

    def left(self, table: str, partition: Partition, blocks: int, *, dropped: bool) -> list[str]:
        """What is left of a partition up to a block, in words; empty when nothing is.

        After a drop no part may be there; after a rewrite none but those that are in use. A part without rows, which a
        drop leaves in the others' place for some seconds, holds nothing. Directories are looked at where the engine is
        this process's own.
        """
        found = self._ask("warehouse.left_parts", table=self._local(table), partition=partition.id, blocks=blocks)
        left, empty = [], set()
        for name, state, rows in found:
            if state == _DETACHED:
                left.append(f"the detached part {name}")
            elif not rows:
                empty.add(str(name))
            elif not state or dropped:
                left.append(f"the part {name}")
        running, failed = self._ask("warehouse.open_mutations", table=self._local(table))[0]
        if running:
            left.append(f"a rewrite that {'fails' if failed else 'is under way'}")
        there = [name for name in self._directories(table, partition, blocks, dropped) if name not in empty]
        return left or [f"the directory {name}" for name in there]

    def _directories(self, table: str, partition: Partition, blocks: int, dropped: bool) -> Iterable[str]:
        if self._warehouse.directory is None:
            return []
        paths = [Path(str(path)) for (path,) in self._ask("warehouse.data_paths", table=table)]
        names = [
            entry.name
            for path in paths
            for folder in (path, path / "detached")
            if folder.is_dir()
            for entry in folder.iterdir()
            if partition.id in entry.name
        ]
        active = {str(name) for (name,) in self._ask("warehouse.active_parts", table=table, partition=partition.id)}
        return [name for name in names if name not in active or (dropped and _first_block(name) <= blocks)]

    def _ask(self, query: str, **params: str | int | list[int]) -> list[Record]:
        return self._warehouse.query(query, params, "control")

    def _local(self, table: str) -> str:
        return self._warehouse.dialect.local(table)


def _parsed(name: str) -> Partition | None:
    """A partition by the engine's name of it."""
    part = _NAME.fullmatch(name)
    return Partition((date(int(part[1]), int(part[2]), int(part[3])) - _EPOCH).days, int(part[4])) if part else None


def _first_block(part: str) -> int:
    """The first block of a part, by its name: partition_first_last_level."""
    return int(part.split("_")[1])
