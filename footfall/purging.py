"""Purges what is due, with the stores of this installation: the core's job, and `footfall purge` when no core runs."""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from control_store.choices import open_withdrawals
from control_store.erasures import open_erasures
from control_store.marks import last_moment, save_moment
from control_store.purges import Purge, open_purges
from control_store.seals import all_seals
from control_store.sites import list_sites
from control_store.tables import ControlStore
from event_catalogue.days import DAY_MS, day_text
from footfall.books import open_ledger
from footfall.environment import Environment
from footfall.sealing import ClockJump, Sealing
from retention.erase import Eraser
from retention.policy import Decision
from retention.purge import Choice, Purger, Stores
from warehouse.client import Warehouse
from warehouse.events import EventTable

_LOG = logging.getLogger("footfall.purge")
_NIGHT: Final = "erase.night"
_NIGHT_MS: Final = 2 * 3_600_000
"""When the night's rewrite begins, by UTC."""
_LITTLE_ROWS: Final = 2_000_000
"""Rows that are written anew at once: some seconds of one core. Of more, requests are gathered until the night."""
_PATIENCE_S: Final = 45.0
"""How long a purge is waited for: the engine lets go of files within seconds, a spool of its file within ten."""


class PurgeWish(NamedTuple):
    """What a person wants purged."""

    as_of: int
    """What is due at this moment (ms UTC); 0: now."""
    site: int
    """0: all sites."""
    day: int
    """-1: all days."""
    dry_run: bool
    raw_days: int = -1
    """With `dry_run`: as if this were the setting."""


class Purging:
    """Purges due days, the oldest first. One thread at a time."""

    def __init__(
        self,
        environment: Environment,
        store: ControlStore,
        warehouse: Warehouse,
        sealing: Sealing,
        load: Callable[[], object] = lambda: None,
    ) -> None:
        """`load`: a round of the loader, where none runs beside."""
        self._store = store
        self._gathered: object = None
        self._sealing = sealing
        self._clock = sealing.clock
        ledger = open_ledger(environment, store)
        stores = Stores(warehouse, store, ledger, environment.spool)
        newest = EventTable(warehouse).newest
        self._newest = newest
        self._eraser = Eraser(stores, self._paused, sealing.clock, newest=newest, crash=sealing.crash)
        self._purger = Purger(stores, self._paused, sealing.clock, newest=newest, load=load, crash=sealing.crash)

    def settle(self) -> str:
        """Go on with what was cut short; what is still not gone from the disks. Raises TryLater, Broken."""
        self._purger.settle()
        waiting = self._purger.finish(0)
        return "; ".join(f"purge {one.number}: {one.remark}" for one in waiting)

    def fulfil(
        self, wish: PurgeWish, on_progress: Callable[[dict[str, Any]], None] = lambda _: None, patience_s: float = 0
    ) -> dict[str, Any]:
        """Purge what is wished and due; what was due, what became of it, and what is held back.

        Raises TryLater, Broken, LedgerBroken, ClockJump.
        """
        if not wish.as_of:
            self._sealing.check_clock(self._clock(), self._newest())
        elif not wish.dry_run:
            self._sealing.confirm_clock(self._clock())
        choice = Choice(wish.as_of or self._clock(), wish.site, wish.day, wish.raw_days if wish.dry_run else -1)
        if not wish.dry_run:
            self._purger.settle()
            self._purger.expire()
        decisions = self._purger.decide(choice)
        domains = {site.id: site.domain for site in list_sites(self._store)}
        told: dict[str, Any] = {
            "due": [_due(one) for one in decisions if one.sites],
            "held": [
                {
                    "site": domains.get(held.site, str(held.site)),
                    "day": day_text(one.partition.day),
                    "why": held.reason,
                    "hold": held.hold,
                }
                for one in decisions
                for held in one.held
            ],
            "purged": [],
        }
        if not wish.dry_run:
            on_progress(told)
            self._purge(decisions, choice, told, patience_s or _PATIENCE_S)
        return told

    def hide(self) -> str:
        """Hide from every question what people have asked to be erased. Any thread may. Raises TryLater, Broken."""
        hidden = self._eraser.hide()
        return f"{hidden} requests hidden" if hidden else ""

    def erase_in_time(self) -> str:
        """What another job does: erase at once what costs little, and once in a night whatever there is.

        It is hidden in any case, so nobody sees a difference.
        """
        night = (self._clock() - _NIGHT_MS) // DAY_MS
        is_night = last_moment(self._store, _NIGHT) < night
        asked = [*open_withdrawals(self._store), *open_erasures(self._store)]
        if not is_night and (asked == self._gathered or self._eraser.work() > _LITTLE_ROWS):
            self._gathered = asked  # to look again costs a second of a large warehouse
            return ""
        said = self.erase()
        if is_night:
            save_moment(self._store, _NIGHT, night)
        return said

    def erase(self, days: Collection[int] | None = None) -> str:
        """Erase what withdrawals and requests mean, of these days or of all, and close those whose rows are gone."""
        rows = self._eraser.run(days)
        self._purger.finish(0)
        closed = self._eraser.close()
        words = [f"{rows} rows erased"] if rows else []
        words += [f"{closed} requests closed"] if closed else []
        words += [self._eraser.untold] if self._eraser.untold else []
        words += [
            f"legal hold {one.id} keeps rows of requests until {day_text(one.until)}: they are hidden, and erased then"
            for one in self._eraser.held_back()
        ]
        return ", ".join(words)

    def run(self) -> str:
        """What the job does: purge what is due."""
        try:
            told = self.fulfil(PurgeWish(0, 0, -1, dry_run=False))
        except ClockJump as jump:
            _LOG.error("%s", jump)
            return str(jump)
        words = []
        if told["purged"]:
            words.append(f"{sum(one['rows'] for one in told['purged'])} rows purged")
        waiting = [one for one in told["purged"] if not one["done"]]
        words += [f"purge {one['purge']} is not at its end: {one['remark']}" for one in waiting]
        if held := [one for one in told["held"] if not one["hold"]]:
            words.append(f"{len(held)} days are held back; the first: {held[0]['day']}, {held[0]['why']}")
            _LOG.error("%s", words[-1])
        return "; ".join(words)

    def _purge(self, decisions: list[Decision], choice: Choice, told: dict[str, Any], patience_s: float) -> None:
        sealed = {(seal.site, seal.day) for seal in all_seals(self._store)}
        for one in decisions:
            lacking = [held.site for held in one.unproven if (held.site, one.partition.day) not in sealed]
            if lacking:
                self._sealing.seal_anyway(one.partition.day, lacking)
        made = [purge for one in decisions if one.sites and (purge := self._purger.remove(one, choice))]
        waiting = {one.number: one for one in self._purger.finish(patience_s if made or self._are_open() else 0)}
        told["purged"] = [_purged(one, waiting.get(one.number)) for one in made]

    def _are_open(self) -> bool:
        return bool(open_purges(self._store))

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """In this order, as the counting of visits takes them."""
        with self._sealing.visits.paused(), self._sealing.at_rest():
            yield


def _due(decision: Decision) -> dict[str, Any]:
    partition = decision.partition
    return {
        "day": day_text(partition.day),
        "keep": partition.keep,
        "method": decision.method,
        "sites": len(decision.sites),
        "rows": sum(one.rows for one in decision.sites),
    }


def _purged(purge: Purge, waiting: Purge | None) -> dict[str, Any]:
    return {
        "purge": purge.number,
        "day": day_text(purge.day),
        "keep": purge.keep,
        "rows": purge.rows,
        "done": waiting is None,
        "remark": waiting.remark if waiting else "",
    }
