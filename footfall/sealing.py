"""Seals what is due, with the stores of this installation: the core's job, and `footfall seal` when no core runs."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final, NamedTuple

from aggregator.seal import DueDay, Sealed, Sealer
from aggregator.spans import SpanSealer
from aggregator.visits import AtRest, VisitTable
from control_store.accounting import published_spools
from control_store.marks import last_moment, save_moment
from control_store.seals import Numbers, numbers_text
from control_store.sites import list_sites
from control_store.tables import ControlStore
from event_catalogue.days import day_text
from spool.accounts import numbers_of_day
from spool.crash import CrashPoints
from warehouse.client import Warehouse

_LOG = logging.getLogger("footfall.seal")
_CLOCK: Final = "seal.clock"
_JUMP_MS: Final = 3 * 86_400_000
"""A clock that is this far beyond the last run and the newest row may be wrong; a person confirms it."""
_BUDGET_MS: Final = 60_000


class Wish(NamedTuple):
    """What a person wants sealed."""

    as_of: int
    """What is due at this moment (ms UTC); 0: now."""
    final: bool
    site: int
    """0: all sites."""
    day: int
    """-1: all days."""
    dry_run: bool


class ClockJump(RuntimeError):
    """The clock may be wrong; the text is one sentence that says how to confirm it."""


class Sealing:
    """Seals due days, the oldest first. One thread at a time."""

    def __init__(
        self,
        warehouse: Warehouse,
        store: ControlStore,
        at_rest: AtRest,
        clock: Callable[[], int],
        crash: CrashPoints,
        *,
        spools: Path,
    ) -> None:
        self._store = store
        self.clock = clock
        self.at_rest = at_rest
        self.crash = crash
        self.visits = VisitTable(warehouse, store, at_rest, crash=crash)
        self._sealer = Sealer(
            warehouse, store, clock, at_rest=at_rest, numbers=lambda days: numbers_of(spools, days), crash=crash
        )
        self._spans = SpanSealer(warehouse, store, clock, crash=crash)
        self._swept = False

    def due(self, now: int, *, final: bool = False) -> list[DueDay]:
        """The due days; none while a spool is behind."""
        return self._sealer.due(now, self._loaded(now, final=final), final=final)

    def _loaded(self, now: int, *, final: bool) -> int:
        """Up to when all that was received lies in the warehouse, ms UTC."""
        spools = published_spools(self._store)
        return min((now if spool.pending == 0 and final else spool.watermark for spool in spools), default=now)

    def check_clock(self, now: int, newest: int) -> None:
        """Raises ClockJump when `now` is far beyond the last run and the newest row (ms UTC); else remembers it."""
        check_clock(self._store, now, lambda: newest)
        self.confirm_clock(now)

    def confirm_clock(self, now: int) -> None:
        """Take this time for right."""
        save_moment(self._store, _CLOCK, now)

    def seal(self, days: list[DueDay], on_days: Callable[[list[Sealed]], None], *, budget_ms: int = 0) -> list[Sealed]:
        """Seal these days, the oldest first, until the budget is used up; the next run goes on.

        Raises TryLater, Broken.
        """
        begun = self.clock()
        outcomes: list[Sealed] = []
        if not self._swept:
            self._sealer.sweep()
            self._swept = True
        for chunk in self._sealer.chunks(days):
            if budget_ms and self.clock() - begun > budget_ms:
                break
            self.visits.tick()
            sealed = self._sealer.seal(chunk)
            outcomes += sealed
            on_days(sealed)
        if outcomes:
            self._sealer.sweep()
        return outcomes

    def seal_spans(self, now: int, *, final: bool = False, site: int = 0, budget_ms: int = 0) -> int:
        """Seal the weeks and months that are due at `now`, of one site or (0) of all, until the budget is used up; how
        many. Raises TryLater, Broken."""
        begun = self.clock()
        count = 0
        loaded = self._loaded(now, final=final)

        def over() -> bool:
            return bool(budget_ms) and self.clock() - begun > budget_ms

        while found := [due for due in self._spans.due(now, loaded, final=final) if site in (0, due.site.id)]:
            for due in found:
                if over():
                    break
                self._spans.seal(due)
                count += 1
            if over():
                break
        if count:
            self._sealer.sweep()
        return count

    def seal_anyway(self, day: int, sites: Collection[int]) -> None:
        """Seal a day whose raw rows go at the legal maximum, proven or not. Raises TryLater, Broken."""
        self.visits.tick()
        chosen = tuple(site for site in list_sites(self._store) if site.id in sites)
        for one in self._sealer.seal([DueDay(day, chosen)], anyway=True) if chosen else []:
            if one.reason:
                _LOG.error("Day %s of site %d is sealed and not verified: %s", day_text(day), one.site.id, one.reason)

    def fulfil(self, wish: Wish, on_progress: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Seal what is wished and due; what was due and what became of it. Raises TryLater, Broken.

        A day whose events can still arrive by the real clock is never sealed, whatever moment is asked for. Who only
        looks confirms no clock.
        """
        if wish.as_of and not wish.dry_run:
            self.confirm_clock(self.clock())
        now = min(wish.as_of or self.clock(), self.clock())
        days = _chosen(self.due(now, final=wish.final), wish)
        told: dict[str, Any] = {
            "due": [{"site": site.domain, "day": day_text(one.day)} for one in days for site in one.sites],
            "sealed": [],
        }

        def on_days(done: list[Sealed]) -> None:
            told["sealed"] += map(_entry, done)
            on_progress(told)

        if not wish.dry_run:
            self.seal(days, on_days)
            self.seal_spans(now, final=wish.final, site=wish.site)
        return told

    def run(self, newest: int) -> str:
        """What the job does: seal what is due and count what came late."""
        now = self.clock()
        try:
            self.check_clock(now, newest)
        except ClockJump as jump:
            _LOG.error("%s", jump)
            return str(jump)
        outcomes = self.seal(self.due(now), lambda _: None, budget_ms=_BUDGET_MS)
        self._sealer.count_late()
        spans = self.seal_spans(now, budget_ms=_BUDGET_MS)
        if coarsened := self._sealer.coarsen(_BUDGET_MS):
            self._sealer.sweep()
        failed = sum(one.seal is None for one in outcomes)
        told = {
            "site-days sealed": len(outcomes) - failed,
            "can't be": failed,
            "weeks and months sealed": spans,
            "merged again for a larger k": coarsened,
        }
        return ", ".join(f"{count} {what}" for what, count in told.items() if count)


def check_clock(store: ControlStore, now: int, newest: Callable[[], int]) -> None:
    """Raises ClockJump when `now` is far beyond the last run and the newest row (ms UTC), and not confirmed."""
    last = last_moment(store, _CLOCK)
    if last and now - last > _JUMP_MS and now - newest() > _JUMP_MS:
        raise ClockJump(
            "The clock is days beyond the last run and the newest event; if it is right, confirm it with "
            "`footfall seal --as-of` and the time."
        )


def numbers_of(spools: Path, days: Collection[int]) -> dict[tuple[int, int], str]:
    """With which records of the spools the events of these days came, by site and day, as a seal carries it."""
    found: dict[tuple[int, int], list[Numbers]] = defaultdict(list)
    for day in days:
        for one in numbers_of_day(spools, day):
            found[one.site, day].append(Numbers(one.spool, one.first, one.last, one.events))
    return {key: numbers_text(numbers) for key, numbers in found.items()}


def _chosen(days: list[DueDay], wish: Wish) -> list[DueDay]:
    """Of the due days those that are wished."""
    kept = []
    for one in days:
        sites = tuple(found for found in one.sites if wish.site in (0, found.id))
        if sites and wish.day in (-1, one.day):
            kept.append(one._replace(sites=sites))
    return kept


def _entry(one: Sealed) -> dict[str, Any]:
    seal = one.seal
    numbers = {"rows": seal.raw_rows, "aggregates": seal.rollup_rows, "digest": seal.digest} if seal else {}
    return {"site": one.site.domain, "day": day_text(one.day), "sealed": bool(seal), **numbers, "reason": one.reason}
