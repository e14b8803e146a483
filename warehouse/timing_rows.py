"""Timings of sites' days, as a seal keeps them: how many page views lie in which interval, and of how many visitors.

Buckets 5 % wide, the narrowest that there are, become one interval with their neighbours until k visitors are in it.
Page views that tell nothing of a timing would be known from the number of all that tell something; if they are of fewer
than k visitors, the interval in the middle is left out with them: there it moves percentiles least.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from event_catalogue.aggregates import KEPT_MEASURES, WITHHELD
from event_catalogue.dimensions import Dimension
from event_catalogue.metrics import MeasureName
from event_catalogue.timings import TIMINGS, bucket_end, timing_dimension
from warehouse.client import Record
from warehouse.kanon import Cell, Group
from warehouse.metrics import row_expression
from warehouse.rollup_rows import DAY_BITS, DayRow, Rollup, day_of

Counted = tuple[Cell, tuple[int, ...], dict[MeasureName, int]]
_TOLD = ("visitors", "events")
_PLACE = {name: place for place, name in enumerate(KEPT_MEASURES)}


class Counting(NamedTuple):
    """How a run over days counts."""

    fill: Callable[[Dimension], None]
    cells: Callable[[], list[Counted]]
    unions: Callable[[Sequence[Counted], Sequence[Cell], set[Cell]], dict[Group, Counted]]
    ask: Callable[[str], list[Record]]
    rows: str
    """FROM and WHERE of the days' rows."""
    unit: str
    k: Mapping[int, int]
    kinds: Collection[Group]
    """Day and kind of event of all that the days' own tables tell."""


def timing_rows(counting: Counting) -> list[DayRow]:
    """The rows of all timings, in their order."""
    silent = _silent(counting)
    totals: dict[int, list[int]] = {unit: [] for unit in silent}
    found: list[DayRow] = []
    for name in TIMINGS:
        if any(silent[unit][name] is not None for unit in silent):
            found += _of_timing(counting, timing_dimension(name), {unit: silent[unit][name] for unit in silent}, totals)
    return sorted(found)


def _silent(counting: Counting) -> dict[int, dict[str, int | None]]:
    """By day and timing: visitors with page views that tell nothing of it; None where all are silent."""
    columns = []
    for name in TIMINGS:
        value = row_expression(f"timing:{name}")
        columns += [f"uniqExactIf(visitor, {value} = '')", f"countIf({value} != '')"]
    rows = counting.ask(
        f"SELECT {counting.unit} AS unit, {', '.join(columns)} FROM {counting.rows} AND name = 'vitals' GROUP BY unit"
    )
    return {
        int(unit): {
            name: int(pair[0]) if pair[1] else None for name, pair in zip(TIMINGS, _pairs(numbers), strict=True)
        }
        for unit, *numbers in rows
        if (int(unit), "vitals") in counting.kinds
    }


def _pairs(numbers: Sequence[Any]) -> Iterator[tuple[int, int]]:
    return zip(map(int, numbers[::2]), map(int, numbers[1::2]), strict=True)


def _of_timing(
    counting: Counting, dimension: Dimension, silent: Mapping[int, int | None], totals: Mapping[int, list[int]]
) -> list[DayRow]:
    counting.fill(dimension)
    counted = [one for one in counting.cells() if one[0].key and silent.get(one[0].unit) is not None]
    days: dict[int, list[Cell]] = defaultdict(list)
    for cell, _, _ in counted:
        days[cell.unit].append(cell)
    runs = {
        unit: _runs(sorted(cells, key=lambda cell: int(cell.key)), counting.k[unit]) for unit, cells in days.items()
    }
    unions = _enough(counting, counted, runs)
    found = []
    for unit, mine in runs.items():
        rows = [_row(unit, dimension.name, run, unions[unit, run[0].key]) for run in mine if unions]
        rows = [row for row in rows if row.measures[_PLACE["visitors"]] >= counting.k[unit]]
        left = silent[unit] or 0
        if 0 < left < counting.k[unit] and rows:
            del rows[len(rows) // 2]
        while rows and any(0 < abs(_events(rows) - total) < counting.k[unit] for total in totals[unit]):
            del rows[len(rows) // 2]
        totals[unit].append(_events(rows))
        found += [(day_of(unit), row) for row in rows]
    return found


def _events(rows: Sequence[Rollup]) -> int:
    return sum(row.measures[_PLACE["events"]] for row in rows)


def _runs(cells: Sequence[Cell], k: int) -> list[list[Cell]]:
    """Neighbours together, as long as even different visitors in each would be fewer than k."""
    found: list[list[Cell]] = []
    run: list[Cell] = []
    for cell in cells:
        run.append(cell)
        if sum(one.people for one in run) >= k:
            found.append(run)
            run = []
    if run:
        found = [*found[:-1], [*found[-1], *run]] if found else [run]
    return found


def _enough(counting: Counting, counted: Sequence[Counted], runs: dict[int, list[list[Cell]]]) -> dict[Group, Counted]:
    """What the runs are together, each visitor once; those of fewer than k join a neighbour until none is."""
    while True:
        place = {cell: run[0].key for mine in runs.values() for run in mine for cell in run}
        cells = [cell._replace(parent=place[cell]) for cell, _, _ in counted]
        unions = counting.unions(counted, cells, set(cells))
        changed = False
        for unit, mine in runs.items():
            for number, run in enumerate(mine):
                if unions[unit, run[0].key][0].people < counting.k[unit] and len(mine) > 1:
                    other = number - 1 if number else 1
                    low, high = sorted((number, other))
                    runs[unit] = [*mine[:low], [*mine[low], *mine[high]], *mine[high + 1 :]]
                    changed = True
                    break
        if not changed:
            return unions


def _row(unit: int, dimension: str, run: Sequence[Cell], union: Counted) -> Rollup:
    told = dict(zip(KEPT_MEASURES, union[1], strict=True))
    measures = tuple(told[name] if name in _TOLD else WITHHELD for name in KEPT_MEASURES)
    return Rollup(unit >> DAY_BITS, dimension, run[0].key, str(bucket_end(int(run[-1].key))), measures)
