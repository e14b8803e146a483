"""Erasing what people may have erased: rows of a device or of today's visitor, and what a withdrawn consent had opened.

A request is durable in the control store before its sender is answered, and hidden within a second from every question
(warehouse/hidden.py). It ends when all of this holds: every spool is loaded past the moment of asking, no row is left
that it means, and no file holds one. Sealed counts stay: they are about no one. Rows that a legal hold keeps stay,
hidden, and their request stays open until the hold has ended.

What a kill -9 after each step leaves, and who mends it:
  1 said: the ids stand in a table of the warehouse. The next run finds them there.
  2 noted: the erasure of a partition is written down with its counts; as a purge that is intended.
  3 intended: the ledger has the intention.
  4 erased: the rows have gone, or some. The next run goes on: what is left is meant still.
  5 recounted: the visits of their visitors are those of the rows that they have left.
  6 counted: the rows count as erased. What follows is that of a purge (retention/purge.py, from 7 on).
  7 told: every place with backups has the tombstones; told again they are the same.
  8 forgotten: the request's ids have left the table. The next run writes them down again, and closes it again.
  9 closed: done.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

import msgspec

from control_store.accounting import published_spools
from control_store.choices import Withdrawal, close_withdrawal, open_withdrawals
from control_store.erasures import Erasure, close_erasure, open_erasures
from control_store.holds import Hold, list_holds
from control_store.marks import next_number
from control_store.policies import read_region_policies
from control_store.purges import Purge, Taken, give_up, mark_gone, open_purges, save_purge
from control_store.seals import all_seals
from control_store.sites import list_sites
from control_store.snapshot import Site
from control_store.tables import ControlStore
from event_catalogue.days import DAY_MS, day_text
from retention.letters import delete_letters_of
from retention.purge import Stores
from retention.tombstones import TargetLost, Tombstones
from spool.remains import rotate, spools_that_hold
from warehouse.erasing import Erasing, Meant, Pick
from warehouse.errors import Broken
from warehouse.partitions import Partition, Partitions
from warehouse.people import kept_rules
from warehouse.tables import EVENTS
from warehouse.visits import VISITS

ERASE_POINTS: Final = (
    "erase.said",
    "erase.noted",
    "erase.intended",
    "erase.erased",
    "erase.recounted",
    "erase.counted",
    "erase.told",
    "erase.forgotten",
    "erase.closed",
)
_LOG = logging.getLogger("footfall.erase")
_MINUTE_MS: Final = 60_000
_PATIENCE_S: Final = 8.0
"""How long the engine takes to let go of what was forgotten, at most: it looks every two seconds."""
_PAUSE_S: Final = 0.25


class Eraser:
    """Erases what is asked for. One thread at a time, and no purge meanwhile; another one may hide."""

    def __init__(
        self,
        stores: Stores,
        paused: Callable[[], AbstractContextManager[None]],
        clock: Callable[[], int],
        *,
        newest: Callable[[], int],
        crash: Callable[[str], None] = lambda _: None,
    ) -> None:
        """As a Purger."""
        self._stores = stores
        self._store = stores.store
        self._erasing = Erasing(stores.warehouse)
        self._partitions = Partitions(stores.warehouse)
        self._paused = paused
        self._clock = clock
        self._newest = newest
        self._crash = crash
        self.untold = ""
        """Why requests are not closed: a place with backups that can't be told."""
        self._tombstones = Tombstones(stores.store, stores.ledger)
        self._saying = threading.Lock()
        self._closing: frozenset[int] = frozenset()
        """Requests whose ids are being forgotten: nobody says them again meanwhile."""

    def hide(self) -> int:
        """Hide from every question what open requests mean, and nothing else; how many are new.

        What the control store says holds: after a kill or a restore the table is brought in line with it. Raises
        TryLater, Broken.
        """
        with self._saying:
            meant = [one for one in self._meant() if one.request not in self._closing]
            said = self._erasing.said()
            new = [one for one in meant if one.request not in said]
            if new:
                self._erasing.say(new, 1 + max(said.values(), default=0))
                self._crash("erase.said")
            self._erasing.forget(said.keys() - {one.request for one in meant} - self._closing)
        if new:
            self._tell(new)
        return len({one.request for one in new})

    def run(self, days: Collection[int] | None = None) -> int:
        """Erase what open requests mean, of these days or of all; how many rows went whole. What comes later is erased
        by the next run.

        Raises TryLater, Broken, LedgerBroken, SpoolError.
        """
        self.hide()
        self._close_begun()
        said = self._erasing.said()
        if not said:
            return 0
        rows, upto = 0, max(said.values())
        for partition in self._erasing.partitions(Pick(upto, self._held())):
            if days is None or partition.day in days:
                with self._paused():
                    rows += self._erase(partition, Pick(upto, self._held()))
        delete_letters_of([one for one in self._meant() if one.request in said], self._stores.spools, self._held())
        return rows

    def close(self) -> int:
        """Close the requests whose rows are gone from every disk; how many. Raises TryLater, Broken, SpoolError."""
        asked: list[Withdrawal | Erasure] = [*open_withdrawals(self._store), *open_erasures(self._store)]
        loaded = min((spool.watermark for spool in published_spools(self._store)), default=self._clock())
        over = [one for one in asked if one.asked + _MINUTE_MS <= loaded]
        if not over or any(one.method == "erase" for one in open_purges(self._store)):
            return 0
        said, unfinished = self._erasing.said(), self._erasing.unfinished()
        over = [one for one in over if not _means(one) or _number(one) in said.keys() - unfinished]
        if not over:
            return 0
        upto = max(one.asked for one in over) + _MINUTE_MS
        for name in (holding := spools_that_hold(self._stores.spools, upto)):
            rotate(self._stores.spools, name, self._clock)  # a withdrawal itself names its rows
        numbers = set(map(_number, over))
        if holding or not self._tell([one for one in self._meant() if one.request in numbers]):
            return 0
        self._crash("erase.told")
        return self._forget(over)

    def work(self) -> int:
        """How many rows a run would have to write anew: those of all partitions with rows that are meant."""
        said = self._erasing.said()
        if not said:
            return 0
        counted = self._partitions.counts()
        return sum(counted.get(one, 0) for one in self._erasing.partitions(Pick(max(said.values()), self._held())))

    def held_back(self) -> list[Hold]:
        """The legal holds that keep rows which somebody has asked to be erased."""
        if not (holds := self._holds()):
            return []
        all_said = Pick(max(self._erasing.said().values(), default=0))
        meant = {
            (site, place.day)
            for place in self._erasing.partitions(all_said)
            for site in self._erasing.sites(place, all_said)
        }
        return [one for one in holds if any(one.site == site and one.first <= day <= one.last for site, day in meant)]

    def _tell(self, meant: Sequence[Meant]) -> bool:
        """Tell the places with backups; whether all have heard."""
        try:
            self._tombstones.tell(meant, now=self._clock())
        except TargetLost as lost:
            _LOG.error("%s", lost)
            self.untold = str(lost)
            return False
        self.untold = ""
        return True

    def _forget(self, over: Sequence[Withdrawal | Erasure]) -> int:
        """Forget whom these requests mean, and close them when no file knows it any more.

        Others are hidden meanwhile.
        """
        with self._saying:
            self._closing = frozenset(map(_number, over))
        try:
            self._erasing.forget(self._closing)
            self._erasing.forget_visitors()
            self._crash("erase.forgotten")
            until = time.monotonic() + _PATIENCE_S
            while not self._erasing.is_clean():
                if time.monotonic() > until:
                    return 0  # the next run writes them down again, and looks again
                time.sleep(_PAUSE_S)
            for one in over:
                if isinstance(one, Withdrawal):
                    close_withdrawal(self._store, one)
                else:
                    close_erasure(self._store, one)
            self._store.forget_log()
        finally:
            with self._saying:
                self._closing = frozenset()
        self._crash("erase.closed")
        return len(over)

    def _erase(self, partition: Partition, pick: Pick) -> int:
        if not self._erasing.meant(partition, pick):
            return 0
        doomed = self._erasing.doomed(partition, pick)
        sealed = {(seal.site, seal.day) for seal in all_seals(self._store)}
        now = self._clock()
        taken = tuple(
            Taken(
                one.site,
                one.rows,
                one.bots,
                # No seal counts rows that went before it.
                0 if (one.site, partition.day) in sealed else one.rows,
                "erased",
            )
            for one in doomed
        )
        purge = Purge(
            number=next_number(self._store, "purge"),
            day=partition.day,
            keep=partition.keep,
            method="erase",
            began=now,
            upto=max(now, self._newest()),
            blocks=self._partitions.blocks(EVENTS, partition),
            visit_blocks=self._partitions.blocks(VISITS, partition),
            taken=taken,
            pick=msgspec.json.encode(pick).decode(),
        )
        before = {one.site: one.rows for one in self._partitions.sites(partition)}
        save_purge(self._store, purge)
        self._crash("erase.noted")
        content = {"purge": purge.number, "day": day_text(purge.day), "keep": purge.keep, "rows": purge.rows}
        self._stores.ledger.append("erase.intended", content, now=now)
        self._crash("erase.intended")
        self._erasing.erase(partition, pick)
        self._crash("erase.erased")
        self._recount(partition.day)
        self._crash("erase.recounted")
        self._check_erased(purge, pick, before)
        mark_gone(self._store, purge, now=0)
        self._erasing.forget_visitors()
        self._crash("erase.counted")
        return purge.rows

    def _check_erased(self, purge: Purge, pick: Pick, before: Mapping[int, int]) -> None:
        """Raise Broken unless what was meant is gone: by the ids, and by the sums, which don't depend on them.

        A rewrite whose table of ids had vanished says that it is done, and a count by the same ids would say so too.
        """
        partition = Partition(purge.day, purge.keep)
        after = {one.site: one.rows for one in self._partitions.sites(partition)}
        lacking = sum(max(0, after.get(one.site, 0) - before.get(one.site, 0) + one.rows) for one in purge.taken)
        if left := self._erasing.meant(partition, pick) or lacking:
            raise Broken(f"Erasure {purge.number}: {left} rows are still there; it is tried again.")
        if not {one.request for one in self._meant()} <= self._erasing.said().keys():
            raise Broken(f"Erasure {purge.number}: the table of whom it means is not what it was; it is tried again.")

    def _recount(self, day: int) -> None:
        places = [one for one in self._partitions.all() if one.day == day]
        kept = kept_rules({site.id: site.settings.counted_bots for site in list_sites(self._store)})
        self._erasing.recount(day, places, next_number(self._store, "tick"), kept)

    def _close_begun(self) -> None:
        """Erasures that were cut short: what is left is counted and erased anew, what went stays counted."""
        begun = [one for one in open_purges(self._store) if one.method == "erase" and one.state == "intended"]
        for purge in begun:
            with self._paused():
                self._recount(purge.day)
                pick = msgspec.json.decode(purge.pick, type=Pick) if purge.pick else Pick(-1)
                left = self._erasing.doomed(Partition(purge.day, purge.keep), pick)
                give_up(self._store, purge, left, "it was cut short and is done anew", now=self._clock())

    def _holds(self) -> list[Hold]:
        """The holds that hold now."""
        today = self._clock() // DAY_MS
        return [one for one in list_holds(self._store) if one.keeps(one.site, one.first, today)]

    def _held(self) -> list[tuple[int, int, int]]:
        return [(one.site, one.first, one.last) for one in self._holds()]

    def _meant(self) -> list[Meant]:
        return meant_by_requests(self._store)


def meant_by_requests(store: ControlStore) -> list[Meant]:
    """Whom open requests mean."""
    sites = {site.id: site for site in list_sites(store)}
    meant = [_erased(one) for one in open_erasures(store)]
    for one in open_withdrawals(store):
        meant += _withdrawn(one, sites.get(one.site))
    return meant


def _number(one: Withdrawal | Erasure) -> int:
    """One row of numbers for both kinds of requests."""
    return 2 * one.id + isinstance(one, Erasure)


def _means(one: Withdrawal | Erasure) -> bool:
    """Whether a request can mean any row."""
    return isinstance(one, Erasure) or one.statistics or one.ads


def _erased(one: Erasure) -> Meant:
    return Meant(one.what, one.site, one.pseudonym, one.day, one.asked + _MINUTE_MS, _number(one))


def _withdrawn(one: Withdrawal, site: Site | None) -> Sequence[Meant]:
    """Under a policy that counts nobody without consent all rows of the device go whole."""
    whole = site is None or site.settings.policy == "opt_in" or "opt_in" in _regional(site)
    upto = one.asked + _MINUTE_MS
    found = []
    if one.statistics:
        found.append(Meant("returning" if whole else "statistics", one.site, one.pseudonym, 0, upto, _number(one)))
    if one.ads:
        found.append(Meant("ads", one.site, one.pseudonym, 0, upto, _number(one)))
    return found


def _regional(site: Site) -> set[str]:
    return set(read_region_policies(site.settings.region_policies).values())
