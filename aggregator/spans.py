"""Seals weeks and months: what they tell of values that each of their days merges.

A span adds up the days that are sealed and whose raw rows are whole, and counts their merged values once more; which
of them it tells is chosen by `aggregator.residue`. Weeks end with their month at the latest, so a month is made of
whole weeks, and tells what they do not: what both together tell is no more than the sum of them.

A span is sealed once and for all. If one of its days is sealed anew, what it tells would have to be taken away from a
different `(other)`, and two generations of it could be compared: so it does not count any more, and is not made again.

What a kill -9 after each step leaves, and who mends it:
  1 chosen: nothing was written.
  2 counted: nothing on the disk.
  3 written: rows of a run that no seal names; the next sweep removes them.
  4 committed: the span counts.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from aggregator.attack import exposed_in_span
from aggregator.residue import LEAST_DAYS, told
from aggregator.revenue import bought_by_day, span_revenue
from aggregator.seal import GRACE_MS, Crash, site_day
from control_store.marks import next_number, rules_text, visit_rules
from control_store.seals import Seal, all_seals
from control_store.sites import list_sites
from control_store.snapshot import Site
from control_store.spans import Span, all_spans, save_span
from control_store.tables import ControlStore
from event_catalogue.aggregates import HOUR, KEPT, KEPT_MEASURES, PARENTS, REVENUE, WITHHELD
from event_catalogue.days import day_end
from event_catalogue.dimensions import OTHER
from warehouse.client import Warehouse
from warehouse.kanon import Cell
from warehouse.rollup_rows import SEPARATOR, Rollup
from warehouse.rollups import Choice, Rollups
from warehouse.seals import RollupTable, digest

SPAN_POINTS: Final = ("span.chosen", "span.counted", "span.written", "span.committed")
MOST_ROWS: Final = 2_000_000
"""Raw rows of a span up to which it is counted: all its visits lie in memory at once, and a larger site merges so
little that it loses nothing."""

_LOG = logging.getLogger("footfall.seal")
_EPOCH: Final = date(1970, 1, 1)
_NAMES: Final = frozenset(one.name for one in KEPT) - {HOUR.name}
"""An hour is one of its day; there is nothing to add up."""
_ORDER: Final = {one.name: place for place, one in enumerate(KEPT)}
_BY_VISIT: Final = frozenset(one.name for one in KEPT if one.scope == "visit")
_PLACE: Final = {name: place for place, name in enumerate(KEPT_MEASURES)}


class DueSpan(NamedTuple):
    """A week or month of a site that is over, the seals of those of its days that can be counted, and what the weeks
    of a month tell already."""

    site: Site
    first: int
    last: int
    seals: tuple[Seal, ...]
    inside: tuple[Span, ...]

    def holds(self, other: "DueSpan") -> bool:
        """Whether the other one is a week of this month."""
        return other is not self and self.first <= other.first and other.last <= self.last


class SpanSealer:
    """Seals weeks and months. One at a time: by whoever seals days, after them."""

    def __init__(
        self, warehouse: Warehouse, store: ControlStore, clock: Callable[[], int], *, crash: Crash = lambda _: None
    ) -> None:
        self._store = store
        self._clock = clock
        self._crash = crash
        self._warehouse = warehouse
        self._rollups = Rollups(warehouse, "spans")
        self._table = RollupTable(warehouse)

    def due(self, now: int, loaded: int, *, final: bool = False) -> list[DueSpan]:
        """What can be sealed at `now` (ms UTC), as days are. A month is due when none of its weeks is."""
        rules = visit_rules(self._store)
        seals: dict[int, dict[int, Seal]] = defaultdict(dict)
        for seal in all_seals(self._store):
            seals[seal.site][seal.day] = seal
        spans: dict[int, list[Span]] = defaultdict(list)
        for span in all_spans(self._store):
            spans[span.site].append(span)
        over: dict[Site, list[tuple[int, int]]] = {}
        for site in list_sites(self._store):
            # Where the rules have just changed, visits are about to be counted anew.
            if rules.get(site.id, "") == rules_text(site.settings.counted_bots):
                until = min(now, loaded) - (0 if final else GRACE_MS)
                over[site] = _over(site, seals[site.id].values(), spans[site.id], until)
        if not any(over.values()):
            return []  # most runs: rows are counted only where something may be due
        rows = self._table.raw_rows()
        found: list[DueSpan] = []
        for site, periods in over.items():
            unsealed = {day for of, day in rows if of == site.id} - seals[site.id].keys()
            whole = {
                day: seal
                for day, seal in seals[site.id].items()
                if _may_count(site, seal) and rows.get((site.id, day)) == seal.raw_rows
            }
            mine = []
            for first, last in periods:
                due = _due(site, first, last, whole, spans[site.id])
                waits = any(first <= day <= last for day in unsealed)
                if due and not waits and sum(seal.raw_rows for seal in due.seals) <= MOST_ROWS:
                    mine.append(due)
            found += [due for due in mine if not any(due.holds(other) for other in mine)]
        return found

    def seal(self, due: DueSpan) -> Span | None:
        """Seal one; None where what was counted contradicts its days. Raises TryLater, Broken."""
        self._crash("span.chosen")
        days = {seal.day: self._table.read(due.site.id, seal.day, seal.run) for seal in due.seals}
        inside = [(span, self._table.read(due.site.id, min(span.days), span.run)) for span in due.inside]
        telling = _Telling(due, _by_visits(days), [(span, [*_of_visits(rows)]) for span, rows in inside])
        bounds = [site_day(due.site, seal.day) for seal in due.seals]
        counted = [row for rows in self._rollups.told(bounds, telling.choose, _NAMES) for row in rows]
        counted += self._revenue(due, days, inside, telling.k)
        self._crash("span.counted")
        run = next_number(self._store, "run")
        first = min(days)
        self._table.write({(due.site.id, first): run}, [(first, row) for row in counted])
        self._crash("span.written")
        rows = self._table.read(due.site.id, first, run)
        if faults := [*telling.faults([*_of_visits(rows)]), *exposed_in_span(rows, telling.k)]:
            _LOG.error("Days %d to %d of site %d tell nothing together: %s", due.first, due.last, due.site.id, faults)
            rows = []
        span = Span(
            site=due.site.id,
            first=due.first,
            last=due.last,
            run=run,
            sealed=self._clock(),
            k=telling.k,
            days={seal.day: seal.run for seal in due.seals},
            inside=tuple(span.run for span in due.inside),
            dimensions=frozenset(row.dimension for row in rows),
            rollup_rows=len(rows),
            digest=digest(rows),
            fault="; ".join(faults)[:300],
        )
        save_span(self._store, span)
        self._crash("span.committed")
        return None if faults else span

    def _revenue(
        self,
        due: DueSpan,
        days: Mapping[int, Sequence[Rollup]],
        inside: Sequence[tuple[Span, Sequence[Rollup]]],
        k: int,
    ) -> list[Rollup]:
        """What its days withhold of their revenue, as far as it can be told of all of them together."""
        told = {day: _currencies(rows) for day, rows in days.items()}
        for span, rows in inside:
            for day in span.days:
                told[day] |= _currencies(rows)
        bought = bought_by_day(self._warehouse, due.site.id, days.keys(), due.site.settings.counted_bots)
        return span_revenue(due.site.id, bought, told, k)


def _currencies(rows: Iterable[Rollup]) -> set[str]:
    """In which ones the rows tell what came in."""
    return {row.key for row in rows if row.dimension == REVENUE and row.key != OTHER}


def _of_visits(rows: Iterable[Rollup]) -> Iterator[Rollup]:
    """All but those that a rule of its own merges."""
    return (row for row in rows if row.dimension in _NAMES or not row.dimension)


def _by_visits(days: Mapping[int, Sequence[Rollup]]) -> dict[int, list[Rollup]]:
    return {day: [*_of_visits(rows)] for day, rows in days.items()}


def _may_count(site: Site, seal: Seal) -> bool:
    """Whether a day's rows may be there, counted as the site counts now."""
    return not seal.purged and bool(seal.verified) and seal.counted_bots == rules_text(site.settings.counted_bots)


def _over(site: Site, seals: Collection[Seal], spans: Sequence[Span], until: int) -> list[tuple[int, int]]:
    """The weeks and months with days that may count, which ended until then (ms UTC), and are in no sealed one."""
    return [
        (first, last)
        for first, last in _spans({seal.day for seal in seals if _may_count(site, seal)})
        if day_end(site.timezone_of(last), last) <= until
        and not any(span.first <= first and last <= span.last for span in spans)
    ]


def _spans(days: Collection[int]) -> list[tuple[int, int]]:
    """The weeks and months that these days lie in; a week ends with its month."""
    found = set()
    for number in days:
        day = _EPOCH + timedelta(days=number)
        month = day.replace(day=1)
        end = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        monday = day - timedelta(days=day.weekday())
        for first, last in ((month, end), (max(monday, month), min(monday + timedelta(days=6), end))):
            found.add(((first - _EPOCH).days, (last - _EPOCH).days))
    return sorted(found)


def _due(site: Site, first: int, last: int, whole: Mapping[int, Seal], spans: Sequence[Span]) -> DueSpan | None:
    """The span, if it has days enough."""
    mine = {day: seal for day, seal in whole.items() if first <= day <= last}
    inner = []
    for span in spans:
        if first <= span.first and span.last <= last and span.dimensions:
            if all(day in mine and mine[day].run == run for day, run in span.days.items()):
                inner.append(span)
            else:  # it tells of days that can't be counted any more: it stands by itself
                mine = {day: seal for day, seal in mine.items() if day not in span.days}
    if len(mine) < LEAST_DAYS:
        return None
    return DueSpan(site, first, last, tuple(mine[day] for day in sorted(mine)), tuple(inner))


class _Telling:
    """What is known of a span before it is counted, and the choice that follows from it."""

    def __init__(
        self, due: DueSpan, days: Mapping[int, Sequence[Rollup]], inside: Sequence[tuple[Span, Sequence[Rollup]]]
    ) -> None:
        self.k = max(due.site.settings.k, *(seal.k for seal in due.seals), *(span.k for span in due.inside))
        self._units = {seal.day: site_day(due.site, seal.day).unit for seal in due.seals}
        self._people: dict[int, int] = {}
        self._shown: dict[str, set[tuple[int, tuple[str, str]]]] = defaultdict(set)
        self._withheld: dict[str, set[int]] = defaultdict(set)
        self._merged: dict[str, list[int]] = defaultdict(lambda: [0] * len(KEPT_MEASURES))
        """By dimension: the measures of all `(other)` of the days that no week tells of."""
        for day, rows in days.items():
            for row in rows:
                if not row.dimension:
                    self._people[self._units[day]] = row.measures[_PLACE["visitors"]]
                elif row.key == OTHER:
                    self._add(row, 1)
                else:
                    self._shown[row.dimension].add((self._units[day], (row.parent, row.key)))
        for span, rows in inside:
            for row in sorted(rows, key=lambda row: _ORDER[row.dimension]):
                if row.key != OTHER:
                    cells = (Cell(self._units[day], row.parent, row.key, 0) for day in span.days)
                    # Not of days on which its parent was not told: there it is still in `(other)`.
                    mine = {cell.unit for cell in cells if self._has_parent(row.dimension, cell)}
                    self._shown[row.dimension] |= {(unit, (row.parent, row.key)) for unit in mine}
                    self._add(row, -1)

    def _add(self, row: Rollup, sign: int) -> None:
        for place, number in enumerate(row.measures):
            if number == WITHHELD:
                self._withheld[row.dimension].add(place)
            self._merged[row.dimension][place] += sign * number

    def choose(self, dimension: str, cells: Sequence[Cell]) -> Choice:
        """What is told of this dimension; what is told of its parents is shown from then on."""
        shown = self._shown[dimension]
        hidden = [cell for cell in cells if (cell.unit, (cell.parent, cell.key)) not in shown]
        lost = [cell for cell in hidden if not self._has_parent(dimension, cell)]
        inner = set(hidden) - set(lost)
        values = told((cell for cell in hidden if cell in inner), shown, self._people, self.k)
        mine = {cell for cell in inner if (cell.parent, cell.key) in values}
        shown |= {(cell.unit, (cell.parent, cell.key)) for cell in mine}
        rest = {cell: cell.parent if cell in inner else OTHER for cell in hidden if cell not in mine}
        return Choice(mine, rest, self._withheld[dimension])

    def _has_parent(self, dimension: str, cell: Cell) -> bool:
        """Whether the value lies in one that is told of its day."""
        if dimension not in PARENTS:
            return True
        parent, _, key = cell.parent.rpartition(SEPARATOR)
        return (cell.unit, (parent, key)) in self._shown[PARENTS[dimension][-1]]

    def faults(self, rows: Sequence[Rollup]) -> Iterator[str]:
        """Every contradiction between what is told and what the days have merged, as sentences."""
        sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(KEPT_MEASURES))
        for row in rows:
            for place, number in enumerate(row.measures):
                sums[row.dimension][place] += number
        for name, numbers in sums.items():
            for measure in ("pageviews", "visits") if name in _BY_VISIT else ("pageviews",):
                place = _PLACE[measure]
                if numbers[place] != self._merged[name][place]:
                    yield f"{name}: {numbers[place]} {measure} instead of {self._merged[name][place]}"
