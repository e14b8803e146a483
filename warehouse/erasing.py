"""Erasing rows of people: which rows are meant stands in a table, and no statement ever names anybody.

ClickHouse keeps the text of statements, of rewrites above all. What is to be erased is therefore written into `erasing`
by an insert of values; every statement names that table (warehouse/hidden.py), the numbers of requests and the days and
sites that a hold keeps. A request's rows of the table go when the rows that it means have gone.
"""

# ruff: noqa: S608  the text is made of the catalogue's names, days, periods and whole numbers

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from event_catalogue.fields import FIELDS
from warehouse.client import Param, Record, Warehouse
from warehouse.hidden import ERASING, KEYS, What, in_any_way, meant_by, whole
from warehouse.partitions import Partition, SiteRows
from warehouse.rewrites import rewrite
from warehouse.tables import EVENTS
from warehouse.visits import VISITS, recount_visits

ERASED_VISITORS: Final = "erased_visitors"

_COLUMNS: Final = {
    "what": "LowCardinality(String)",
    "site": "UInt32",
    "pseudonym": "FixedString(16)",
    "day": "Date",
    "upto": "DateTime64(3, 'UTC')",
    "request": "UInt64",
    "said": "UInt64",
}


class Meant(NamedTuple):
    """Whose rows are meant, of those received up to a moment."""

    what: What
    site: int
    pseudonym: bytes
    day: int
    """For `visitor`; 0 for all days."""
    upto: int
    """ms UTC."""
    request: int
    """Whose request it is."""

    def __repr__(self) -> str:
        return f"<{self.what} of somebody>"


class Pick(NamedTuple):
    """What one run works on: all that was said up to its round, but for days of sites that a hold keeps."""

    upto: int
    held: Collection[tuple[int, int, int]] = ()
    """Site, first and last day."""

    def rows(self, condition: str) -> str:
        """Rows of the warehouse that fulfil a condition and are held by nobody."""
        kept = "".join(
            f" AND NOT (site = {site:d} AND day BETWEEN toDate({first:d}) AND toDate({last:d}))"
            for site, first, last in self.held
        )
        return f"({condition}){kept}"


class Erasing:
    """Finds and erases what `erasing` means. Raises TryLater, Broken."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def said(self) -> dict[int, int]:
        """The round in which each request was said. Not behind a rewrite: who asks meanwhile is hidden at once."""
        rows = self._warehouse.select(f"SELECT DISTINCT request, said FROM {ERASING}", {}, "control")
        return {int(request): int(said) for request, said in rows}

    def say(self, meant: Sequence[Meant], round_: int) -> None:
        """Write down whose rows are meant besides those that are: from now on no question sees them."""
        columns = [list(column) for column in zip(*meant, strict=True)]
        columns.append([round_] * len(meant))
        self._warehouse.insert(ERASING, _COLUMNS, columns, settings="async_insert = 0", query_id="footfall-erasing")

    def forget(self, requests: Iterable[int]) -> None:
        """Forget whom these requests mean."""
        if numbers := ", ".join(f"{number:d}" for number in sorted(requests)):
            self._alter(ERASING, f"DELETE WHERE request IN ({numbers})")

    def forget_visitors(self) -> None:
        """Forget whose visits had to be counted afresh."""
        dialect = self._warehouse.dialect
        table = dialect.local(ERASED_VISITORS)
        self._command(f"TRUNCATE TABLE {table} {dialect.on_cluster} SYNC")

    def is_clean(self) -> bool:
        """Whether what was forgotten lies in no part any more: none of `erasing` that is out of use, no visitor."""
        tables = [self._warehouse.dialect.local(table) for table in (ERASING, ERASED_VISITORS)]
        found = self._warehouse.query("warehouse.erasing_rows", {"old": tables[0], "any": tables[1]}, "control")
        return not int(found[0][0])

    def partitions(self, pick: Pick) -> list[Partition]:
        """The partitions with rows that are meant."""
        rows = pick.rows(in_any_way(pick.upto))
        found = self._select(f"SELECT DISTINCT toUInt16(day), keep FROM {EVENTS} WHERE {rows} ORDER BY 1, 2")
        return [Partition(int(day), int(keep)) for day, keep in found]

    def unfinished(self) -> set[int]:
        """The requests that still mean rows."""
        found: set[int] = set()
        for what, (of_row, named) in KEYS.items():
            keys = list(zip(of_row.split(", "), named.split(", "), strict=True))
            rows = ", ".join(f"{column} AS {name}" for column, name in keys)
            meant = meant_by(what) if what != "ads" else in_any_way()
            sql = (
                f"SELECT DISTINCT request FROM (SELECT DISTINCT {rows} FROM {EVENTS} WHERE {meant}) AS r "
                f"INNER JOIN (SELECT request, {named} FROM {ERASING} WHERE what = '{what}') AS e USING ({named})"
            )
            found |= {int(number) for (number,) in self._select(sql)}
        return found

    def doomed(self, partition: Partition, pick: Pick) -> list[SiteRows]:
        """How many rows of each site go whole."""
        rows = f"{_HERE} AND {pick.rows(whole(pick.upto))}"
        sql = f"SELECT site, count(), countIf(bot != '') FROM {EVENTS} WHERE {rows} GROUP BY site ORDER BY site"
        return [SiteRows(*map(int, row)) for row in self._select(sql, partition._asdict())]

    def sites(self, partition: Partition, pick: Pick) -> set[int]:
        """The sites with rows that are meant in any way."""
        rows = f"{_HERE} AND {pick.rows(in_any_way(pick.upto))}"
        found = self._select(f"SELECT DISTINCT site FROM {EVENTS} WHERE {rows}", partition._asdict())
        return {int(site) for (site,) in found}

    def meant(self, partition: Partition, pick: Pick) -> int:
        """How many rows of a partition are meant in any way."""
        rows = f"{_HERE} AND {pick.rows(in_any_way(pick.upto))}"
        return int(self._select(f"SELECT count() FROM {EVENTS} WHERE {rows}", partition._asdict())[0][0])

    def erase(self, partition: Partition, pick: Pick) -> None:
        """Erase what is meant in a partition: rows go, fields are emptied. Their visitors are written down before."""
        rows = f"{_HERE} AND {pick.rows(in_any_way(pick.upto))}"
        self._command(
            f"INSERT INTO {ERASED_VISITORS} SELECT DISTINCT site, day, visitor FROM {EVENTS} WHERE {rows}",
            partition._asdict(),
        )
        self._alter(EVENTS, f"DELETE IN PARTITION {partition.value} WHERE {pick.rows(whole(pick.upto))}")
        if self.meant(partition, pick):
            emptied = pick.rows(meant_by("statistics", pick.upto))
            self._alter(EVENTS, f"UPDATE {_EMPTIED} IN PARTITION {partition.value} WHERE {emptied}")

    def recount(self, day: int, places: Sequence[Partition], tick: int, kept: Sequence[tuple[int, str]] = ()) -> None:
        """Count the visits of those visitors afresh: the old ones go, and what rows they still have is counted.

        `places`: the partitions of the day; `kept`: the bot rules that count (warehouse/people.py).
        """
        of_day = f"SELECT site, visitor FROM {ERASED_VISITORS} WHERE day = toDate({day:d})"
        visitors = f"(site, visitor) IN ({of_day})"
        for place in places:
            if self._select(f"SELECT count() FROM {VISITS} WHERE {_HERE} AND {visitors}", place._asdict())[0][0]:
                self._alter(VISITS, f"DELETE IN PARTITION {place.value} WHERE {visitors}")
        self._command(recount_visits(visitors), {"day": day, "tick": tick, "slices": 1, "slice": 0, "kept": kept})

    def _select(self, sql: str, params: Mapping[str, Param] = MappingProxyType({})) -> list[Record]:
        return self._warehouse.select(sql, params, "seal")

    def _command(self, sql: str, params: Mapping[str, Param] = MappingProxyType({})) -> None:
        self._warehouse.command(sql, params, slot="seal")

    def _alter(self, table: str, change: str) -> None:
        rewrite(self._warehouse, table, change)


_HERE: Final = "day = toDate({day:UInt16}) AND keep = {keep:UInt16}"
_EMPTY: Final[dict[type, str]] = {int: "0", str: "''", bytes: "toFixedString('', 16)", list: "[]"}
EMPTIED: Final[Mapping[str, str]] = {
    **{field.name: _EMPTY[field.python_type] for field in FIELDS if field.field_class in ("consent", "ads")},
    "tier": "'cookieless'",
}
"""What is left of a row whose visitor has withdrawn: what a cookieless one has."""
_EMPTIED: Final = ", ".join(f"`{name}` = {value}" for name, value in EMPTIED.items())
