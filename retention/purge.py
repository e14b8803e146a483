"""Purges: raw rows go when their period is over, never before a verified seal, and it is shown that they are gone.

What a kill -9 after each step leaves, and who mends it:
  1 chosen: nothing was written.
  2 noted: the purge is written down with its counts; no row has gone. The next start proves the day again and goes on,
    or gives the purge up.
  3 intended: the ledger has the intention. As 2.
  4 dropped: the rows have gone from `events`, or some of their parts. The next start goes on, for the rows that are
    left were proven when the purge began, and the aggregates are proven once more.
  5 visits: the same for `visits`.
  6 counted: the rows count as purged. What follows is asked and done again until it succeeds.
  7 letters: the dead letters of these days and sites have gone, each counted as purged in the same transaction.
  8 checked: nothing was written.
  9 completed: the ledger has the completion; written again it is the same entry. Then the places with backups hear it.
 10 closed: done.
From 2 to 6 the loader and the counting of visits are held, and nothing else: collectors acknowledge meanwhile.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from control_store.holds import list_holds
from control_store.marks import next_number
from control_store.purges import (
    Purge,
    Taken,
    give_up,
    gone_rows,
    mark_done,
    mark_gone,
    open_purges,
    remark,
    save_purge,
)
from control_store.seals import all_seals, doubt_seal
from control_store.sites import deleted_sites, list_sites
from control_store.snapshot import Site
from control_store.tables import ControlStore
from event_catalogue.days import DAY_MS, day_text
from retention.ledger import Ledger
from retention.letters import delete_letters
from retention.policy import LEGAL_MS, NEVER, WARNING_MS, Decision, Knowledge, decide
from retention.proof import Proof, aggregates_fault
from retention.remains import CHECKED, remains
from retention.tombstones import TargetLost, Tombstones
from spool.errors import SpoolError
from warehouse.client import Warehouse
from warehouse.copies import sweep_copies
from warehouse.errors import Broken, WarehouseError
from warehouse.partitions import Partition, Partitions
from warehouse.seals import RollupTable
from warehouse.tables import EVENTS
from warehouse.visits import VISITS

PURGE_POINTS: Final = (
    "purge.chosen",
    "purge.noted",
    "purge.intended",
    "purge.dropped",
    "purge.visits",
    "purge.counted",
    "purge.letters",
    "purge.checked",
    "purge.completed",
    "purge.closed",
)
_PAUSE_S: Final = 0.25

_LOG = logging.getLogger("footfall.purge")


class Stores(NamedTuple):
    """What a purge works on."""

    warehouse: Warehouse
    store: ControlStore
    ledger: Ledger
    spools: Path


class Choice(NamedTuple):
    """What a person asks for, or a job: what is due at `now` (ms UTC), of one site (0: all), of one day (-1: all)."""

    now: int
    site: int = 0
    day: int = -1
    raw_days: int = -1
    """As if all sites, or the one, had this period; for a look ahead. -1: as they are set."""


class Purger:
    """Purges what is due. One thread at a time."""

    def __init__(
        self,
        stores: Stores,
        paused: Callable[[], AbstractContextManager[None]],
        clock: Callable[[], int],
        *,
        newest: Callable[[], int],
        load: Callable[[], object] = lambda: None,
        crash: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`paused`: no batch is under way inside and no visit is counted. `newest`: when the newest row was received.

        `load`: a round of the loader, where none runs beside: it is what lets go of a spool's files.
        """
        self._stores = stores
        self._store = stores.store
        self._partitions = Partitions(stores.warehouse)
        self._rollups = RollupTable(stores.warehouse)
        self._paused = paused
        self._clock = clock
        self._newest = newest
        self._load = load
        self._crash = crash

    def decide(self, choice: Choice) -> list[Decision]:
        """What is due, the oldest day first, and what is held back. Raises TryLater, Broken."""
        return self._look(choice)[0]

    def _look(self, choice: Choice) -> tuple[list[Decision], Proof]:
        """What is due, and what it is proven with."""
        sites = {one.id: _with_period(one, choice) for one in list_sites(self._store)}
        deleted = deleted_sites(self._store)
        shortest = 0 if deleted else min((one.settings.raw_days for one in sites.values()), default=0)
        expiries = self._partitions.expiries()
        chosen = [
            one
            for one in self._partitions.all()
            if choice.day in (-1, one.day)
            and (
                (one.day + min(one.keep, shortest)) * DAY_MS <= choice.now
                or expiries.get(one, NEVER) - choice.now <= WARNING_MS
            )
        ]
        rows = {one: self._partitions.sites(one) for one in self._of_days({one.day for one in chosen})}
        proof = self._proof(rows)
        known = Knowledge(choice.now, sites, deleted, proof.fault, expiries, list_holds(self._store))
        return [decide(one, rows[one], known, choice.site) for one in chosen if one in rows], proof

    def remove(self, decision: Decision, choice: Choice) -> Purge | None:
        """Take the rows of a decision out of the warehouse; None when it holds no more. Raises TryLater, Broken.

        It is decided once more now that no row can come: immediately before.
        """
        with self._paused():
            again, proof = self._look(choice._replace(day=decision.partition.day))
            found = [one for one in again if one.partition == decision.partition and one.sites]
            if not found:
                return None
            self._crash("purge.chosen")
            purge = self._made(found[0], proof)
            for one in found[0].unproven:
                doubt_seal(self._store, one.site, purge.day)
                _LOG.error("Rows of day %s go unproven, by the legal maximum: %s", day_text(purge.day), one.reason)
            save_purge(self._store, purge)
            self._crash("purge.noted")
            self._carry_out(purge)
            return purge

    def settle(self) -> None:
        """Go on with what a kill or an error has cut short, before anything is loaded. Raises TryLater, Broken."""
        begun = [one for one in open_purges(self._store) if one.state == "intended" and one.method != "erase"]
        if begun:
            with self._paused():
                for purge in begun:
                    if purge.method == "ttl":
                        self._note_expired(purge)
                    else:
                        self._resume(purge)

    def expire(self) -> int:
        """Write down what the engine has deleted by the legal maximum; how many rows. Raises TryLater, Broken.

        All rows that a seal has counted were stored before it was made.
        """
        with self._paused():
            old = [one for one in all_seals(self._store) if not one.purged and one.sealed <= self._clock() - LEGAL_MS]
            if not old:
                return 0
            proof = self._proof({one: self._partitions.sites(one) for one in self._of_days({one.day for one in old})})
            found = [(seal, missing) for seal in old if (missing := proof.missing(seal.site, seal.day)) > 0]
            for seal, missing in found:
                taken = (Taken(seal.site, missing, 0, 0),)
                number, now = next_number(self._store, "purge"), self._clock()
                purge = Purge(number, seal.day, LEGAL_MS // DAY_MS, "ttl", now, now, 0, 0, taken)
                save_purge(self._store, purge)
                self._note_expired(purge)
        return sum(missing for _, missing in found)

    def _note_expired(self, purge: Purge) -> None:
        content = {"purge": purge.number, "day": day_text(purge.day), "site": purge.taken[0].site, "rows": purge.rows}
        self._stores.ledger.append("raw.expired", content, now=purge.began)
        mark_gone(self._store, purge, now=self._clock())
        mark_done(self._store, purge, now=self._clock())
        _LOG.error("%d rows of day %s were deleted by the legal maximum.", purge.rows, day_text(purge.day))

    def finish(self, patience_s: float) -> list[Purge]:
        """See the purged rows off the disks, and say so in the ledger; those that are not gone in that time.

        Raises TryLater, Broken, LedgerBroken.
        """
        until = time.monotonic() + patience_s
        while True:
            self._load()
            waiting = [one for one in open_purges(self._store) if one.state == "gone" and not self._close(one)]
            if not waiting or time.monotonic() >= until:
                return [one for one in open_purges(self._store) if one.state == "gone"]
            time.sleep(_PAUSE_S)

    def _made(self, decision: Decision, proof: Proof) -> Purge:
        partition = decision.partition
        deleted = deleted_sites(self._store)
        taken = tuple(
            Taken(
                one.site,
                one.rows,
                one.bots,
                min(one.rows, proof.late(one.site, partition.day)),
                "erased" if one.site in deleted else "purged",
            )
            for one in decision.sites
        )
        now = self._clock()
        return Purge(
            number=next_number(self._store, "purge"),
            day=partition.day,
            keep=partition.keep,
            method=decision.method,
            began=now,
            upto=max(now, self._newest()),
            blocks=self._partitions.blocks(EVENTS, partition),
            visit_blocks=self._partitions.blocks(VISITS, partition),
            taken=taken,
        )

    def _carry_out(self, purge: Purge) -> None:
        self._stores.ledger.append("purge.intended", self._told(purge), now=purge.began)
        self._crash("purge.intended")
        partition, sites = Partition(purge.day, purge.keep), [one.site for one in purge.taken]
        if purge.method == "drop":
            self._partitions.drop(EVENTS, partition)
        else:
            self._partitions.take_out(EVENTS, partition, sites)
        self._crash("purge.dropped")
        self._remove_visits(purge, partition, sites)
        self._crash("purge.visits")
        left = sum(one.rows for one in self._partitions.sites(partition) if one.site in sites)
        if left:
            raise Broken(f"Purge {purge.number}: {left} rows are still there; it is tried again.")
        mark_gone(self._store, purge, now=self._clock())
        self._crash("purge.counted")

    def _remove_visits(self, purge: Purge, partition: Partition, sites: Sequence[int]) -> None:
        """A visitor's visits lie where the longest period of its rows is: all partitions of the day are looked at."""
        if purge.method == "drop":
            self._partitions.drop(VISITS, partition)
        for one in self._of_days({purge.day}) | {partition}:
            if self._partitions.visits_of(one, sites):
                self._partitions.take_out(VISITS, one, sites)

    def _resume(self, purge: Purge) -> None:
        """Rows that are there were proven; that the aggregates have not changed since is proven again."""
        sites = {one.site for one in purge.taken}
        here = [one for one in self._partitions.sites(Partition(purge.day, purge.keep)) if one.site in sites]
        wanted = {one.site: one.rows for one in purge.taken}
        proven = {one.site for one in purge.taken if one.why == "purged"}
        seals = [one for one in all_seals(self._store) if one.day == purge.day and one.site in proven and one.verified]
        faults = [fault for seal in seals if (fault := aggregates_fault(self._rollups, seal))]
        if here and (faults or any(one.rows > wanted[one.site] for one in here)):
            reason = faults[0] if faults else "rows have come since"
            now = self._clock()
            self._stores.ledger.append("purge.given_up", {"purge": purge.number, "reason": reason}, now=now)
            give_up(self._store, purge, here, reason, now=now)
            _LOG.error("Purge %d of day %s is given up: %s.", purge.number, day_text(purge.day), reason)
            return
        self._carry_out(purge)

    def _close(self, purge: Purge) -> bool:
        """Whether all is gone from the disks, and the ledger says so."""
        try:
            sweep_copies(self._stores.warehouse)
            delete_letters(purge, self._stores.spools)
            self._crash("purge.letters")
            left = remains(purge, self._partitions, self._stores.spools, self._clock)
        except (WarehouseError, SpoolError) as error:
            left = [str(error)]
        if left:
            remark(self._store, purge, f"still there: {', '.join(left[:5])}")
            return False
        self._crash("purge.checked")
        content = {
            "purge": purge.number,
            "day": day_text(purge.day),
            "keep": purge.keep,
            "rows": purge.rows,
            "checked": list(CHECKED),
        }
        kind = "erase.completed" if purge.method == "erase" else "purge.completed"
        self._stores.ledger.append(kind, content, now=self._clock())
        self._crash("purge.completed")
        try:
            Tombstones(self._store, self._stores.ledger).mirror()
        except TargetLost as lost:
            remark(self._store, purge, str(lost))
            return False
        mark_done(self._store, purge, now=self._clock())
        self._crash("purge.closed")
        return True

    def _told(self, purge: Purge) -> dict[str, Any]:
        seals = {seal.site: seal for seal in all_seals(self._store) if seal.day == purge.day}
        return {
            "purge": purge.number,
            "day": day_text(purge.day),
            "keep": purge.keep,
            "method": purge.method,
            "sites": [
                {
                    "site": one.site,
                    "rows": one.rows,
                    "late": one.late,
                    "why": one.why,
                    "seal": seals[one.site].digest if one.site in seals else "",
                    "verified": bool(one.site in seals and seals[one.site].verified),
                }
                for one in purge.taken
            ],
        }

    def _of_days(self, days: set[int]) -> set[Partition]:
        return {one for one in self._partitions.all() if one.day in days}

    def _proof(self, rows: dict[Partition, Any]) -> Proof:
        seals = {(seal.site, seal.day): seal for seal in all_seals(self._store)}
        return Proof(self._rollups, seals, gone_rows(self._store), rows)


def _with_period(site: Site, choice: Choice) -> Site:
    if choice.raw_days < 0 or choice.site not in (0, site.id):
        return site
    return msgspec.structs.replace(site, settings=msgspec.structs.replace(site.settings, raw_days=choice.raw_days))
