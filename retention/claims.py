"""What the ledger claims, against what is there: a chain can be whole and still tell lies.

Asked are the warehouse, the file of salts, the seals and the control store as they are now: no row of a purged day and
site that was received before its purge; no row of anybody who has a tombstone; no salt that is said to be destroyed;
the aggregates of purged days as they were sealed; as many rows in each purge as the accounts say; and no sealed row
that went without an entry.
"""

# ruff: noqa: S608  the text is made of names of tables and columns, and of whole numbers

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from control_store.purges import ended_purges, gone_rows
from control_store.seals import all_seals
from control_store.targets import list_targets
from event_catalogue.days import day_text
from retention.ledger import Entry
from retention.proof import Proof, aggregates_fault, span_faults
from retention.purge import Stores
from retention.tombstones import Target
from warehouse.partitions import Partition, Partitions
from warehouse.seals import RollupTable
from warehouse.tables import EVENTS

_EPOCH: Final = date(1970, 1, 1)


class Checked(NamedTuple):
    """What was compared, and what does not agree."""

    counts: Mapping[str, int]
    faults: Sequence[str]


class _Purged(NamedTuple):
    """One claim: the rows of these sites in a partition, received before a moment (ms UTC), are gone."""

    entry: Entry
    partition: Partition
    sites: frozenset[int]
    before: int


class Claims:
    """Checks the claims of a ledger. Raises TryLater, Broken."""

    def __init__(self, stores: Stores, salts: Collection[str]) -> None:
        """`salts`: ids of the salts that are there."""
        self._stores = stores
        self._salts = salts
        self._partitions = Partitions(stores.warehouse)
        self._rollups = RollupTable(stores.warehouse)

    def check(self, entries: Sequence[Entry]) -> Checked:
        """Compare all that these entries say."""
        purged = list(_purged(entries))
        destroyed = [one for one in entries if one.kind == "salt.destroyed"]
        targets = [target for path in list_targets(self._stores.store) if (target := Target(Path(path))).is_there]
        faults = [
            *self._rows(purged),
            *self._sums(entries),
            *(fault for target in targets for fault in self._people(target)),
            *(f"Entry {one.number} says that a salt was destroyed, and it is there." for one in self._kept(destroyed)),
            *self._aggregates(purged),
            *self._unsaid(),
        ]
        counts = {
            "purges": len(purged),
            "salts": len(destroyed),
            "tombstones": sum(len(target.erasures()) for target in targets),
        }
        return Checked(counts, faults)

    def _rows(self, purged: Iterable[_Purged]) -> Iterator[str]:
        there = set(self._partitions.all())
        for one in purged:
            if one.partition not in there:
                continue
            sql = (
                f"SELECT site, count() FROM {EVENTS} WHERE day = toDate({{day:UInt16}}) AND keep = {{keep:UInt16}} "
                "AND site IN {sites:Array(UInt32)} AND received < fromUnixTimestamp64Milli({before:Int64}) "
                "GROUP BY site"
            )
            asked = {**one.partition._asdict(), "sites": sorted(one.sites), "before": one.before}
            for site, rows in self._stores.warehouse.select(sql, asked, "seal"):
                yield (
                    f"Entry {one.entry.number} says that day {day_text(one.partition.day)} of site {site} is purged, "
                    f"and {rows} of its rows are there."
                )

    def _sums(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Purges as the accounts have them, against the entries of the same number."""
        said = {int(one.content["purge"]): one for one in entries if one.kind in ("purge.completed", "erase.completed")}
        for purge in ended_purges(self._stores.store, 0):
            if purge.state != "done" or purge.method in ("ttl", "loss"):
                continue
            entry = said.get(purge.number)
            if entry is None and purge.blocks:  # without: it was found done by a restore
                yield f"Purge {purge.number} of day {day_text(purge.day)} has no entry."
            elif entry is not None and int(entry.content["rows"]) != purge.rows:
                yield f"Entry {entry.number} says {entry.content['rows']} rows, and the accounts say {purge.rows}."

    def _people(self, target: Target) -> Iterator[str]:
        """People with a tombstone of whom rows are there that were received before they asked."""
        stones: dict[str, Mapping[str, Any]] = {str(one["hash"]): one for one in target.erasures()}
        if not stones:
            return
        found = 0
        for what, columns in (
            ("returning", "site, toUInt16(0), returning"),
            ("visitor", "site, toUInt16(day), visitor"),
        ):
            sql = (
                f"SELECT {columns}, toUnixTimestamp64Milli(min(received)) FROM {EVENTS} "
                f"WHERE {what} != toFixedString('', 16) GROUP BY 1, 2, 3"
            )
            for site, day, pseudonym, first in self._stores.warehouse.select(sql, {}, "seal"):
                stone = stones.get(target.hash(what, int(site), int(day), bytes(pseudonym)))
                found += bool(stone and stone["what"] != "ads" and int(first) <= int(stone["upto"]))
        if found:
            yield f"{found} people have a tombstone in {target.root}, and rows of them are there."

    def _kept(self, destroyed: Iterable[Entry]) -> Iterator[Entry]:
        return (one for one in destroyed if one.content["key"] in self._salts)

    def _aggregates(self, purged: Iterable[_Purged]) -> Iterator[str]:
        days = {(site, one.partition.day) for one in purged for site in one.sites}
        for seal in all_seals(self._stores.store):
            if (seal.site, seal.day) in days and (fault := aggregates_fault(self._rollups, seal)):
                yield f"Day {day_text(seal.day)} of site {seal.site} is purged, and {fault}."
        yield from (f"{fault}." for fault in span_faults(self._rollups, self._stores.store))

    def _unsaid(self) -> Iterator[str]:
        """Sealed rows that are not there, and that nothing tells of."""
        seals = {(seal.site, seal.day): seal for seal in all_seals(self._stores.store)}
        rows = {one: self._partitions.sites(one) for one in self._partitions.all()}
        proof = Proof(self._rollups, seals, gone_rows(self._stores.store), rows)
        for site, day in seals:
            if missing := proof.missing(site, day):
                yield f"{missing} rows of day {day_text(day)} of site {site} are missing, and no entry tells of them."


def compare(export: Iterable[Entry], own: Sequence[Entry]) -> Iterator[str]:
    """Entries of an export that are not this installation's."""
    hashes = {one.number: one.hash for one in own}
    for one in export:
        if one.number in hashes and hashes[one.number] != one.hash:
            yield f"Entry {one.number} of the export is not that of this installation's ledger."


def _purged(entries: Iterable[Entry]) -> Iterator[_Purged]:
    """What is said to be gone: of purges that are completed."""
    meant: dict[int, Entry] = {}
    for entry in entries:
        if entry.kind == "purge.intended":
            meant[int(entry.content["purge"])] = entry
        elif entry.kind == "purge.completed" and (begun := meant.pop(int(entry.content["purge"]), None)):
            day = (date.fromisoformat(begun.content["day"]) - _EPOCH).days
            sites = frozenset(int(one["site"]) for one in begun.content["sites"])
            yield _Purged(entry, Partition(day, int(begun.content["keep"])), sites, _at(begun))


def _at(entry: Entry) -> int:
    return int(datetime.fromisoformat(entry.at).timestamp() * 1000)
