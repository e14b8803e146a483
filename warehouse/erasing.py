"""Erasing rows of people: which rows are meant stands in a table, and no statement ever names anybody.

ClickHouse keeps the text of statements, of rewrites above all. What is to be erased is therefore written into `erasing`
by an insert of values; every statement names that table, and it is emptied when the rows have gone.
"""

# ruff: noqa: S608  the text is made of the catalogue's names, days and periods

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from event_catalogue.events import EVENTS as KINDS
from event_catalogue.fields import FIELDS, FieldClass
from warehouse.client import Param, Record, Warehouse
from warehouse.partitions import Partition, SiteRows
from warehouse.tables import EVENTS
from warehouse.visits import VISITS, recount_visits

ERASING: Final = "erasing"
ERASED_VISITORS: Final = "erased_visitors"
What = Literal["returning", "visitor", "statistics", "ads"]
"""All rows of a device; all rows of a visitor of one day; what consent to statistics has opened in a device's rows, and
what consent to advertising has."""

_COLUMNS: Final = {
    "what": "LowCardinality(String)",
    "site": "UInt32",
    "pseudonym": "FixedString(16)",
    "day": "Date",
    "upto": "DateTime64(3, 'UTC')",
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

    def __repr__(self) -> str:
        return f"<{self.what} of somebody>"


class Erasing:
    """Finds and erases what `erasing` means. Raises TryLater, Broken."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def say(self, meant: Sequence[Meant]) -> None:
        """Write down whose rows are meant, and nobody else's."""
        self.forget()
        columns = [list(column) for column in zip(*meant, strict=True)]
        self._warehouse.insert(ERASING, _COLUMNS, columns, settings="async_insert = 0", query_id="footfall-erasing")

    def forget(self, *tables: str) -> None:
        """Empty both tables, or these."""
        for table in tables or (ERASING, ERASED_VISITORS):
            dialect = self._warehouse.dialect
            self._warehouse.command(f"TRUNCATE TABLE {dialect.local(table)} {dialect.on_cluster} SYNC", slot="seal")

    def is_empty(self) -> bool:
        """Whether no part of either table holds a row any more, in use or not."""
        tables = [self._warehouse.dialect.local(table) for table in (ERASING, ERASED_VISITORS)]
        return not int(self._warehouse.query("warehouse.erasing_rows", {"tables": tables}, "control")[0][0])

    def partitions(self) -> list[Partition]:
        """The partitions with rows that are meant."""
        found = self._select(f"SELECT DISTINCT toUInt16(day), keep FROM {EVENTS} WHERE {ANY} ORDER BY 1, 2", {})
        return [Partition(int(day), int(keep)) for day, keep in found]

    def doomed(self, partition: Partition) -> list[SiteRows]:
        """How many rows of each site go whole."""
        sql = f"SELECT site, count(), countIf(bot != '') FROM {EVENTS} WHERE {_HERE} AND ({WHOLE}) GROUP BY site"
        return [SiteRows(*map(int, row)) for row in self._select(f"{sql} ORDER BY site", partition._asdict())]

    def meant(self, partition: Partition) -> int:
        """How many rows of a partition are meant in any way."""
        return int(self._select(f"SELECT count() FROM {EVENTS} WHERE {_HERE} AND ({ANY})", partition._asdict())[0][0])

    def erase(self, partition: Partition) -> None:
        """Erase what is meant in a partition: rows go, fields are emptied. Their visitors are written down before."""
        self._command(
            f"INSERT INTO {ERASED_VISITORS} SELECT DISTINCT site, day, visitor FROM {EVENTS} WHERE {_HERE} AND ({ANY})",
            partition._asdict(),
        )
        self._alter(EVENTS, f"DELETE IN PARTITION {partition.value} WHERE {WHOLE}")
        if self.meant(partition):
            self._alter(EVENTS, f"UPDATE {_EMPTIED} IN PARTITION {partition.value} WHERE {_of('statistics')}")

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

    def _select(self, sql: str, params: Mapping[str, Param]) -> list[Record]:
        return self._warehouse.select(sql, params, "seal")

    def _command(self, sql: str, params: Mapping[str, Param]) -> None:
        self._warehouse.command(sql, params, slot="seal")

    def _alter(self, table: str, change: str) -> None:
        dialect = self._warehouse.dialect
        self._command(f"ALTER TABLE {dialect.local(table)} {dialect.on_cluster} {change}", {})


def _of(what: What) -> str:
    """Rows that are meant in one way."""
    key = "site, visitor, day" if what == "visitor" else "site, returning"
    named = "site, pseudonym, day" if what == "visitor" else "site, pseudonym"
    return (
        f"(({key}) IN (SELECT {named} FROM {ERASING} WHERE what = '{what}') AND "
        f"received <= (SELECT max(upto) FROM {ERASING} WHERE what = '{what}'))"
    )


def _only_by(what: What, *classes: FieldClass) -> str:
    """Rows of events that only a consent allows."""
    names = ", ".join(f"'{kind.name}'" for kind in KINDS if kind.field_class in classes)
    return f"({_of(what)} AND name IN ({names}))"


_HERE: Final = "day = toDate({day:UInt16}) AND keep = {keep:UInt16}"
_EMPTY: Final[dict[type, str]] = {int: "0", str: "''", bytes: "toFixedString('', 16)", list: "[]"}
_EMPTIED: Final = ", ".join(
    [f"`{field.name}` = {_EMPTY[field.python_type]}" for field in FIELDS if field.field_class in ("consent", "ads")]
    + ["`tier` = 'cookieless'"]
)
"""What is left of a row whose visitor has withdrawn: what a cookieless one has."""
WHOLE: Final = " OR ".join(
    (_of("returning"), _of("visitor"), _only_by("statistics", "consent", "ads"), _only_by("ads", "ads"))
)
"""Rows that go whole."""
ANY: Final = f"{WHOLE} OR {_of('statistics')}"
"""Rows that are meant in any way. Emptied ones are meant no more: nothing ties them to a device."""
