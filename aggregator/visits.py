"""Keeps visits up to date: a tick counts those visitors afresh of whom new rows have come since the last, no others.

What is new is told by batch numbers, never by time: a late event of last week is found as one of this second is.

A site whose bot rules that count have changed has the visits of all days counted afresh whose rows are there; meanwhile
they are marked as unsettled, and whoever asks is answered from the rows. A kill leaves the mark; the next tick goes on.

What a kill -9 after each step leaves, and who mends it:
  1 looked: nothing was written.
  2 numbered: a number was used up.
  3 counted (for each day and slice): rows that are right, under a number of their own. The next tick counts the same
    visitors again, under a higher number, and its rows take their place.
  4 marked: the tick is done.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from control_store.marks import (
    UNSETTLED,
    next_number,
    rules_text,
    save_visit_marks,
    save_visit_rules,
    visit_marks,
    visit_rules,
)
from control_store.sites import list_sites
from control_store.tables import ControlStore
from warehouse.client import Param, Warehouse
from warehouse.people import kept_rules
from warehouse.visits import (
    JOURNAL_BITS,
    Ticked,
    drop_machines,
    machine_days,
    new_batches,
    recount_machines,
    renew_visits,
)

VISIT_POINTS: Final = ("visits.looked", "visits.numbered", "visits.counted", "visits.marked")
RECOUNTED: Final = "visits.recounted"
"""The point between the parts of a recount for other bot rules."""
_SLICE_ROWS: Final = 400_000
"""New rows that one statement takes in: a bound on its memory."""

AtRest = Callable[[], AbstractContextManager[None]]
Crash = Callable[[str], None]


def _go_on(_point: str) -> None:
    """Pass a point."""


class VisitTable:
    """Brings `visits` up to what `events` holds. Safe to use from several threads."""

    def __init__(
        self, warehouse: Warehouse, store: ControlStore, at_rest: AtRest, *, crash: Crash = _go_on, slice_rows: int = 0
    ) -> None:
        """`at_rest`: a loader may give a batch a higher number than one that comes after it; inside, none is under way.

        `slice_rows`: new rows of one statement, for tests.
        """
        self._warehouse = warehouse
        self._store = store
        self._at_rest = at_rest
        self._crash = crash
        self._turn = threading.Lock()
        self._slice_rows = slice_rows or _SLICE_ROWS

    def tick(self) -> int:
        """Count what is new; how many rows that were. Raises TryLater, Broken: then the next tick does it all."""
        with self._turn:
            return self._tick()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No visit is counted inside, and none is under way."""
        with self._turn:
            yield

    def _settle(self) -> list[tuple[int, str]]:
        """Count machines afresh where other bot rules count than before; the rules that count, as `kept`."""
        counted = visit_rules(self._store)
        rules = {site.id: site.settings.counted_bots for site in list_sites(self._store)}
        kept = kept_rules(rules)
        for site, wanted in rules.items():
            if counted.get(site, "") != rules_text(wanted):
                save_visit_rules(self._store, site, UNSETTLED)
                for day, rows in self._warehouse.select(machine_days(), {"site": site}, "seal"):
                    self._recount(site, int(day), 1 + int(rows) // self._slice_rows, kept)
                save_visit_rules(self._store, site, rules_text(wanted))
        return kept

    def _recount(self, site: int, day: int, slices: int, kept: list[tuple[int, str]]) -> None:
        below, tick = next_number(self._store, "tick"), next_number(self._store, "tick")
        slices = min(255, slices)
        params: dict[str, Param] = {"site": site, "day": day, "kept": kept, "slices": slices}
        for number in range(slices):
            self._warehouse.command(recount_machines(), {**params, "tick": tick, "slice": number}, slot="seal")
            self._crash(RECOUNTED)
        self._warehouse.command(drop_machines(), {**params, "tick": below}, slot="seal")

    def _tick(self) -> int:
        kept = self._settle()
        marks = visit_marks(self._store)
        params: dict[str, Param] = {}
        look = new_batches(marks.values(), params)
        with self._at_rest():
            found = self._warehouse.select(look, params, "seal")
        self._crash("visits.looked")
        if not found:
            return 0
        upto: dict[int, int] = {}
        days: dict[int, int] = {}
        nobodies: set[int] = set()
        for day, journal, batch, rows, nobodys in found:
            upto[int(journal)] = max(upto.get(int(journal), 0), int(batch))
            days[int(day)] = days.get(int(day), 0) + int(rows)
            nobodies |= {int(day)} if nobodys else set()
        news = [
            Ticked(marks.get(journal, (journal << JOURNAL_BITS) - 1 if journal else 0), batch)
            for journal, batch in upto.items()
        ]
        tick = next_number(self._store, "tick")
        self._crash("visits.numbered")
        for day, rows in days.items():
            slices = min(255, 1 + rows // self._slice_rows)
            params = {"day": day, "tick": tick, "slices": slices, "kept": kept}
            statement = renew_visits(news, params, nobodies=day in nobodies)
            # A third less work than on two cores, and the others are left to whoever asks something meanwhile.
            statement += " SETTINGS max_threads = 1"
            for number in range(slices):
                self._warehouse.command(statement, {**params, "slice": number}, slot="seal")
                self._crash("visits.counted")
        save_visit_marks(self._store, marks | upto)
        self._crash("visits.marked")
        return sum(days.values())
