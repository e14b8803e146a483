"""Restores a backup into an empty installation: what was destroyed since stays so, and what was held stays held.

A file `restoring` stands in the data directory from the first step to the last; while it is there nothing opens the
installation but a restore. So nobody can ask for anything before purges and erasures are done again. They are not done
by rewrites: rows that were purged or erased since are left out on the way from the backup into the table.

What a kill -9 after each step leaves: the file, and whatever was brought back. The next restore begins from nothing.
  1 marked · 2 control: the control store is in its place · 3 books: ledger, holds, the loader's counts ·
  4 aggregates · 5 raw · 6 noted: what is gone, and what is lost, is in the accounts · 7 checked · 8 opened: done.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from control_store.copying import restore_holds
from control_store.holds import Hold
from control_store.marks import next_number
from control_store.purges import Purge, Taken, save_done
from control_store.seals import all_seals
from retention.backup import BadBackup, Manifest
from retention.ledger import Entry
from retention.proof import aggregates_fault, span_faults
from retention.purge import Stores
from retention.tombstones import Target
from warehouse.copies import Copies
from warehouse.erasing import EMPTIED, Erasing, Meant
from warehouse.events import EventTable
from warehouse.hidden import in_any_way, meant_by, whole
from warehouse.partitions import Partition
from warehouse.seals import ROLLUPS, RollupTable
from warehouse.tables import EVENTS
from warehouse.visits import VISITS

RESTORE_POINTS: Final = (
    "restore.marked",
    "restore.control",
    "restore.books",
    "restore.aggregates",
    "restore.raw",
    "restore.noted",
    "restore.checked",
    "restore.opened",
)
_LEFT: Final = f"SELECT count() FROM {EVENTS} WHERE {in_any_way()}"  # noqa: S608  # names of ours
_UNNAMED: Final = "(before the restore)"
_PATIENCE_S: Final = 10.0
_PAUSE_S: Final = 0.25
_EPOCH: Final = date(1970, 1, 1)
Key = tuple[int, int]
"""Site and day."""


class Restorer:
    """Brings the warehouse back, and the books in line with it."""

    def __init__(self, stores: Stores, target: Target, manifest: Manifest, *, now: int) -> None:
        self._stores = stores
        self._target = target
        self._manifest = manifest
        self._now = now
        self._copies = Copies(stores.warehouse, manifest.on_disk)
        self._erasing = Erasing(stores.warehouse)

    def holds(self) -> int:
        """Put back the holds that the ledger knows; how many hold or held."""
        found = list(_holds(self._stores.ledger.entries()))
        restore_holds(self._stores.store, found)
        return len(found)

    def aggregates(self) -> None:
        """Bring back the aggregates. Raises TryLater, Broken."""
        self._bring(ROLLUPS, "1", {})

    def raw(self) -> tuple[dict[Partition, dict[int, int]], dict[Partition, dict[int, int]]]:
        """Bring back raw rows, but for those that were purged or erased since; how many went so, by partition and site.

        Raises TryLater, Broken.
        """
        self._copies.empty(EVENTS)
        self._copies.empty(VISITS)
        self._erasing.forget(self._erasing.said())
        if not self._manifest.has_raw:
            return {}, {}
        opened = self._open(EVENTS)
        try:
            purged = f"NOT ({self._purged()})"
            if meant := self._meant(opened):
                self._erasing.say(meant, 1)
            emptied = {
                name: f"if({meant_by('statistics')}, {value}, `{name}`)" for name, value in EMPTIED.items() if meant
            }
            shown = f"NOT ({whole()})" if meant else "1"
            self._copies.fill(EVENTS, f"({purged}) AND ({shown})", emptied)
            gone = self._counts(opened, f"NOT ({purged})")
            erased = self._counts(opened, f"({purged}) AND NOT ({shown})")
        finally:
            self._copies.close(EVENTS)
        if meant and (left := self._stores.warehouse.select(_LEFT, {}, "seal")[0][0]):
            raise BadBackup(f"{left} rows of people who were erased came back; nothing was opened.")
        self._erasing.forget(self._erasing.said())
        return gone, erased

    def note(self, gone: Mapping[Partition, Mapping[int, int]], why: str) -> int:
        """Write down rows that were left out; how many they are."""
        sealed = {(seal.site, seal.day): seal.sealed for seal in all_seals(self._stores.store)}
        for partition, sites in sorted(gone.items()):
            taken = tuple(
                Taken(
                    site,
                    rows,
                    0,
                    0 if (site, partition.day) in sealed else rows,
                    "erased" if why == "erased" else "purged",
                )
                for site, rows in sorted(sites.items())
            )
            self._save(partition, "erase" if why == "erased" else "drop", taken)
        return sum(rows for sites in gone.values() for rows in sites.values())

    def note_losses(self, lost: Mapping[Key, int]) -> int:
        """Write down rows that no backup had; how many they are."""
        days: dict[int, list[Taken]] = defaultdict(list)
        for (site, day), rows in sorted(lost.items()):
            days[day].append(Taken(site, rows, 0, 0, "lost"))
        for day, taken in days.items():
            self._save(Partition(day, 0), "loss", tuple(taken))
        return sum(lost.values())

    def check(self) -> None:
        """That no row is there which was purged or erased, that nobody is named, and that seals hold.

        Raises BadBackup, TryLater, Broken.
        """
        warehouse, store = self._stores.warehouse, self._stores.store
        found = warehouse.select(f"SELECT count() FROM {EVENTS} WHERE {self._purged()}", {}, "seal")  # noqa: S608
        if int(found[0][0]):
            raise BadBackup(f"{found[0][0]} purged rows came back; nothing was opened.")
        until = time.monotonic() + _PATIENCE_S
        while self._erasing.said() or not self._erasing.is_clean():
            if time.monotonic() > until:
                raise BadBackup("The engine does not let go of whom erasures mean; nothing was opened.")
            time.sleep(_PAUSE_S)
        rollups = RollupTable(warehouse)
        faults = [fault for seal in all_seals(store) if (fault := aggregates_fault(rollups, seal))]
        if faults:
            raise BadBackup(f"{len(faults)} sealed days are not as they were sealed; the first: {faults[0]}.")
        if spans := list(span_faults(rollups, store)):
            raise BadBackup(f"{len(spans)} weeks and months are not as they were sealed; the first: {spans[0]}.")

    def rows(self) -> dict[Key, tuple[int, int]]:
        """What is in the warehouse."""
        return EventTable(self._stores.warehouse).day_counts()

    def _save(self, partition: Partition, method: Any, taken: tuple[Taken, ...]) -> None:
        number = next_number(self._stores.store, "purge")
        purge = Purge(number, partition.day, partition.keep, method, self._now, self._now, 0, 0, taken)
        save_done(self._stores.store, purge)

    def _bring(self, table: str, where: str, changed: Mapping[str, str]) -> None:
        self._copies.empty(table)
        self._open(table)
        try:
            self._copies.fill(table, where, changed)
        finally:
            self._copies.close(table)

    def _open(self, table: str) -> str:
        return self._copies.open(table, f"{self._manifest.name}-{table}", self._manifest.database)

    def _counts(self, opened: str, where: str) -> dict[Partition, dict[int, int]]:
        found = self._stores.warehouse.select(
            f"SELECT toUInt16(day), keep, site, count() FROM {opened} WHERE {where} GROUP BY 1, 2, 3",  # noqa: S608
            {},
            "seal",
        )
        counts: dict[Partition, dict[int, int]] = defaultdict(dict)
        for day, keep, site, rows in found:
            counts[Partition(int(day), int(keep))][int(site)] = int(rows)
        return counts

    def _purged(self) -> str:
        """The rows that the ledger says were purged, as a condition: days, periods and sites."""
        parts = [
            f"(day = toDate({one.day:d}) AND keep = {one.keep:d} AND site IN ({', '.join(map(str, sorted(sites)))}))"
            for one, sites in _purges(self._stores.ledger.entries()).items()
            if sites
        ]
        return " OR ".join(parts) or "0"

    def _meant(self, table: str) -> list[Meant]:
        """Of the people in a table those who have a tombstone."""
        stones: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for one in self._target.erasures():
            stones[str(one["hash"])].append(one)
        if not stones:
            return []
        meant = []
        for what, columns in (("returning", "site, 0, returning"), ("visitor", "site, toUInt16(day), visitor")):
            sql = f"SELECT DISTINCT {columns} FROM {table} WHERE {what} != toFixedString('', 16)"  # noqa: S608
            for site, day, pseudonym in self._stores.warehouse.select(sql, {}, "seal"):
                named = self._target.hash(what, int(site), int(day), bytes(pseudonym))
                meant += [
                    Meant(one["what"], int(site), bytes(pseudonym), int(day), int(one["upto"]), 0)
                    for one in stones.get(named, ())
                ]
        return meant


def _purges(entries: Iterable[Entry]) -> dict[Partition, set[int]]:
    """The partitions that were purged, and of which sites: what was intended and not given up."""
    meant: dict[int, tuple[Partition, set[int]]] = {}
    for entry in entries:
        content = entry.content
        if entry.kind == "purge.intended":
            partition = Partition(_day(content["day"]), int(content["keep"]))
            meant[int(content["purge"])] = partition, {int(one["site"]) for one in content["sites"]}
        elif entry.kind == "purge.given_up":
            meant.pop(int(content["purge"]), None)
    found: dict[Partition, set[int]] = defaultdict(set)
    for partition, sites in meant.values():
        found[partition] |= sites
    return found


def last_purge(entries: Iterable[Entry]) -> int:
    """The largest number of a purge that the ledger knows."""
    return max((int(entry.content["purge"]) for entry in entries if "purge" in entry.content), default=0)


def deleted_since(entries: Iterable[Entry]) -> set[int]:
    """The sites that were deleted."""
    return {int(entry.content["site"]) for entry in entries if entry.kind == "site.deleted"}


def _holds(entries: Iterable[Entry]) -> Iterable[Hold]:
    """The holds that the ledger knows, without the names of those who asked."""
    found: dict[int, Hold] = {}
    for entry in entries:
        content = entry.content
        if entry.kind not in ("hold.begun", "hold.ended"):
            continue
        at = int(datetime.fromisoformat(entry.at).timestamp() * 1000)
        number = int(content["hold"])
        days = {name: _day(content[name]) for name in ("first", "last", "until")}
        before = found.get(number)
        found[number] = Hold(
            id=number,
            site=int(content["site"]),
            **days,
            reason=str(content["reason"]),
            asked_by=_UNNAMED,
            asked=before.asked if before else at,
            confirmed_by=_UNNAMED,
            confirmed=before.confirmed if before else at,
            ended=at if entry.kind == "hold.ended" else 0,
        )
    return found.values()


def _day(text: str) -> int:
    return (date.fromisoformat(text) - _EPOCH).days
