"""Erasing what people may have erased: rows of a device or of today's visitor, and what a withdrawn consent had opened.

A request is durable in the control store before its sender is answered, and it ends when all of this holds: every spool
is loaded past the moment of asking, no row is left that it means, and no file holds one. Sealed counts stay: they are
about no one.

What a kill -9 after each step leaves, and who mends it:
  1 said: the ids stand in a table of the warehouse. The next run writes them down again.
  2 noted: the erasure of a partition is written down with its counts; as a purge that is intended.
  3 intended: the ledger has the intention.
  4 erased: the rows have gone, or some. The next run goes on: what is left is meant still.
  5 recounted: the visits of their visitors are those of the rows that they have left.
  6 counted: the rows count as erased. What follows is that of a purge (retention/purge.py, from 7 on).
  7 forgotten: the table of ids is empty, and the requests are closed.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final

from control_store.accounting import published_spools
from control_store.choices import Withdrawal, close_withdrawal, open_withdrawals
from control_store.erasures import Erasure, close_erasure, open_erasures
from control_store.marks import next_number
from control_store.policies import read_region_policies
from control_store.purges import Purge, Taken, give_up, mark_gone, open_purges, save_purge
from control_store.seals import all_seals
from control_store.sites import list_sites
from control_store.snapshot import Site
from event_catalogue.days import day_text
from retention.letters import delete_letters_of
from retention.purge import Stores
from spool.remains import rotate, spools_that_hold
from warehouse.erasing import ERASED_VISITORS, Erasing, Meant
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
    "erase.forgotten",
)
_MINUTE_MS: Final = 60_000


class Eraser:
    """Erases what is asked for. One thread at a time, and no purge meanwhile."""

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

    def run(self) -> int:
        """Erase what open requests mean; how many rows went whole. What comes later is erased by the next run.

        Raises TryLater, Broken, LedgerBroken, SpoolError.
        """
        meant = self._meant()
        self._close_begun()
        if not meant:
            return 0
        self._erasing.say(meant)
        self._crash("erase.said")
        rows = 0
        for partition in self._erasing.partitions():
            with self._paused():
                rows += self._erase(partition)
        delete_letters_of(meant, self._stores.spools)
        return rows

    def close(self) -> int:
        """Close the requests whose rows are gone from every disk; how many. Raises TryLater, Broken, SpoolError."""
        asked: list[Withdrawal | Erasure] = [*open_withdrawals(self._store), *open_erasures(self._store)]
        loaded = min((spool.watermark for spool in published_spools(self._store)), default=self._clock())
        over = [one for one in asked if one.asked + _MINUTE_MS <= loaded]
        if not over or any(one.method == "erase" for one in open_purges(self._store)) or self._erasing.partitions():
            return 0
        upto = max(one.asked for one in over) + _MINUTE_MS
        for name in (holding := spools_that_hold(self._stores.spools, upto)):
            rotate(self._stores.spools, name, self._clock)  # a withdrawal itself names its rows
        if holding:
            return 0
        self._erasing.forget()
        if not self._erasing.is_empty():
            return 0  # the engine lets go of the table's rows within seconds; the next run looks again
        for one in over:
            if isinstance(one, Withdrawal):
                close_withdrawal(self._store, one)
            else:
                close_erasure(self._store, one)
        self._store.forget_log()
        self._crash("erase.forgotten")
        return len(over)

    def _erase(self, partition: Partition) -> int:
        doomed = self._erasing.doomed(partition)
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
        )
        save_purge(self._store, purge)
        self._crash("erase.noted")
        content = {"purge": purge.number, "day": day_text(purge.day), "keep": purge.keep, "rows": purge.rows}
        self._stores.ledger.append("erase.intended", content, now=now)
        self._crash("erase.intended")
        self._erasing.erase(partition)
        self._crash("erase.erased")
        self._recount(partition.day)
        self._crash("erase.recounted")
        if left := self._erasing.meant(partition):
            raise Broken(f"Erasure {purge.number}: {left} rows are still there; it is tried again.")
        mark_gone(self._store, purge, now=0)
        self._erasing.forget(ERASED_VISITORS)
        self._crash("erase.counted")
        return purge.rows

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
        if begun:
            self._erasing.say(self._meant())
        for purge in begun:
            left = self._erasing.doomed(Partition(purge.day, purge.keep))
            give_up(self._store, purge, left, "it was cut short and is done anew", now=self._clock())

    def _meant(self) -> list[Meant]:
        sites = {site.id: site for site in list_sites(self._store)}
        meant = [_erased(one) for one in open_erasures(self._store)]
        for one in open_withdrawals(self._store):
            meant += _withdrawn(one, sites.get(one.site))
        return meant


def _erased(one: Erasure) -> Meant:
    return Meant(one.what, one.site, one.pseudonym, one.day, one.asked + _MINUTE_MS)


def _withdrawn(one: Withdrawal, site: Site | None) -> Sequence[Meant]:
    """Under a policy that counts nobody without consent all rows of the device go whole."""
    whole = site is None or site.settings.policy == "opt_in" or "opt_in" in _regional(site)
    upto = one.asked + _MINUTE_MS
    found = []
    if one.statistics:
        found.append(Meant("returning" if whole else "statistics", one.site, one.pseudonym, 0, upto))
    if one.ads:
        found.append(Meant("ads", one.site, one.pseudonym, 0, upto))
    return found


def _regional(site: Site) -> set[str]:
    return set(read_region_policies(site.settings.region_policies).values())
