"""Aggregates of a day for a larger k, from the aggregates alone: what is left to do when the raw rows have gone.

Values add up, people do not: nobody knows any more who was in two of them. So of a merged group the largest part is
what is certain to be different people, and one value that is large enough joins where that is too few. What is told of
it: everything that adds up; of visitors and visits at most as many as the parts have together, and the day; and, where
a visit may lie in several values, nothing that describes whole visits.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from aggregator.revenue import coarser_revenue
from event_catalogue.aggregates import (
    EXEMPT,
    FUNNEL_STEPS,
    GOALS,
    KEPT,
    KEPT_MEASURES,
    NEXT_PAGE,
    PARENTS,
    PREVIOUS_PAGE,
    REVENUE,
    SUMS,
    WITHHELD,
)
from event_catalogue.dimensions import OTHER, Dimension
from event_catalogue.metrics import MEASURES
from warehouse.kanon import veiled
from warehouse.rollup_rows import SEPARATOR, Rollup, Veils

_PLACE: Final = {name: place for place, name in enumerate(KEPT_MEASURES)}
_PEOPLE, _EVENTS = _PLACE["visitors"], _PLACE["events"]
_BESIDE_GOALS: Final = ("name", "path")
_NUMBERS: Final = (_PEOPLE, _PLACE["visits"], _EVENTS)


def coarser(rows: Iterable[Rollup], k: int) -> list[Rollup]:
    """The rows of one site's day, merged again so that no value is of fewer than `k` people."""
    tables: dict[str, list[Rollup]] = defaultdict(list)
    for row in rows:
        tables[row.dimension].append(row)
    if not tables[""]:
        return []
    whole = tables.pop("")[0]
    goals, steps = tables.pop(GOALS, []), tables.pop(FUNNEL_STEPS, [])
    for name in (NEXT_PAGE, PREVIOUS_PAGE):
        tables.pop(name, [])  # rows and columns can't be merged anew without the visits
    revenue = coarser_revenue(tables.pop(REVENUE, []))
    if whole.measures[_PEOPLE] < k:
        return [*_of_few(whole), *revenue, *map(_nothing_of, goals), *map(_nothing_of, steps)]
    found = [whole]
    veils = Veils()
    veils.note(whole)
    shown: dict[str, set[str]] = {}
    for dimension in KEPT:
        outer = PARENTS.get(dimension.name)
        merged = _merged(dimension, tables[dimension.name], shown[outer[-1]] if outer else None, whole=whole, k=k)
        shown[dimension.name] = {
            f"{row.parent}{SEPARATOR}{row.key}" if outer else row.key for row in merged if row.key != OTHER
        }
        merged = _without_single_sums(merged, veils)
        for row in merged:
            veils.note(row)
        found += merged
    beside = {row.key for row in found if row.dimension in _BESIDE_GOALS}
    if any(row.key not in beside for name in _BESIDE_GOALS for row in tables[name]):
        # Nobody knows any more which goals are made of the kinds or pages that have just been merged.
        found += map(_nothing_of, goals)
        goals = []
    for name in (name for name in tables if name.startswith("timing:")):
        found += _wider(tables[name], k)
    return [*found, *revenue, *_goals([*goals, *steps], whole, k)]


def _goals(rows: Sequence[Rollup], whole: Rollup, k: int) -> list[Rollup]:
    """Goals and steps: those are withheld whose numbers are nearer than `k` to nothing, to the day's or to those of a
    larger one that is told. Nobody knows any more which lie in which, so all may."""
    told = [whole]
    kept = {row: _nothing_of(row) for row in rows}
    for row in sorted(rows, key=lambda row: (-row.measures[_PEOPLE], row.dimension, row.key)):
        near = (abs(other.measures[place] - row.measures[place]) for other in told for place in _NUMBERS)
        if row.measures[_PEOPLE] >= k and not any(0 < many < k for many in near):
            kept[row] = row
            told.append(row)
    return sorted(kept.values())


def _wider(cells: Sequence[Rollup], k: int) -> list[Rollup]:
    """Intervals of a timing, joined with their neighbours until k people are certain in each."""
    found: list[Rollup] = []
    for cell in sorted(cells, key=lambda cell: int(cell.key)):
        before = found[-1] if found else None
        if before and before.measures[_PEOPLE] < k:
            numbers = [WITHHELD] * len(KEPT_MEASURES)
            numbers[_PEOPLE] = max(before.measures[_PEOPLE], cell.measures[_PEOPLE])
            numbers[_EVENTS] = before.measures[_EVENTS] + cell.measures[_EVENTS]
            found[-1] = before._replace(parent=cell.parent, measures=tuple(numbers))
        else:
            found.append(cell)
    return [cell for cell in found if cell.measures[_PEOPLE] >= k]


def _nothing_of(row: Rollup) -> Rollup:
    return row._replace(measures=(WITHHELD,) * len(KEPT_MEASURES))


def _of_few(whole: Rollup) -> list[Rollup]:
    """A day of too few people: three totals, and every value is `(other)`."""
    kept = tuple(
        number if name in EXEMPT else WITHHELD for name, number in zip(KEPT_MEASURES, whole.measures, strict=True)
    )
    parents = {one.name: OTHER if one.name in PARENTS else "" for one in KEPT}
    others = [Rollup(whole.site, name, OTHER, parent, kept) for name, parent in parents.items()]
    return [whole._replace(measures=kept), *others]


def _merged(
    dimension: Dimension, cells: Sequence[Rollup], parents: set[str] | None, *, whole: Rollup, k: int
) -> list[Rollup]:
    groups: dict[str, list[Rollup]] = defaultdict(list)
    for cell in cells:
        lies_in = cell.parent if parents is None or cell.parent in parents else OTHER
        groups[lies_in].append(cell)
    found = []
    for parent, mine in groups.items():
        lost = parent == OTHER and parents is not None
        hidden = mine if lost else _hidden(mine, k)
        found += [cell for cell in mine if cell not in hidden]
        if hidden:
            found.append(_sum(dimension, hidden, whole)._replace(key=OTHER, parent=parent))
    return found


def _hidden(cells: Sequence[Rollup], k: int) -> list[Rollup]:
    """What becomes `(other)`: nothing, or k people and two values at least, as far as there are."""
    small = [cell for cell in cells if _people(cell) < k]
    others = [cell for cell in cells if cell.key == OTHER]
    if not small:
        return []
    hidden = [*small, *(cell for cell in others if cell not in small)]
    if max(map(_people, hidden)) < k and len(hidden) < len(cells):
        rest = (cell for cell in cells if cell not in hidden)
        hidden.append(min(rest, key=lambda cell: (_people(cell), cell.key)))
    return hidden


def _people(cell: Rollup) -> int:
    """How many people a value is certain to have; without visitors, its messages stand for people."""
    return cell.measures[_PEOPLE] or cell.measures[_EVENTS]


def _sum(dimension: Dimension, cells: Sequence[Rollup], whole: Rollup) -> Rollup:
    if len(cells) == 1:
        return cells[0]
    numbers = []
    for place, name in enumerate(KEPT_MEASURES):
        values = [cell.measures[place] for cell in cells]
        of_visits = MEASURES[name].scope == "visit" and name != "visits"
        if WITHHELD in values or (of_visits and dimension.scope != "visit"):
            numbers.append(WITHHELD)
        elif name in ("visitors", "visits"):
            numbers.append(min(sum(values), whole.measures[place]))
        else:
            numbers.append(sum(values))
    return cells[0]._replace(measures=tuple(numbers))


def _without_single_sums(cells: Sequence[Rollup], veils: Veils) -> list[Rollup]:
    """Withhold what could be found by subtraction, as in `warehouse.kanon.veiled`."""
    groups: dict[str, list[Rollup]] = defaultdict(list)
    for cell in cells:
        groups[cell.parent].append(cell)
    found = []
    for parent, mine in groups.items():
        numbers = [list(cell.measures) for cell in sorted(mine, key=lambda cell: cell.key)]
        for place in map(_PLACE.__getitem__, SUMS):
            sums = [one[place] for one in numbers]
            hidden = {n for n, number in enumerate(sums) if number == WITHHELD}
            for n in veiled(sums, hidden, whole_known=veils.whole_known(mine[0].dimension, parent, place)):
                numbers[n][place] = WITHHELD
        found += [
            cell._replace(measures=tuple(one))
            for cell, one in zip(sorted(mine, key=lambda cell: cell.key), numbers, strict=True)
        ]
    return found
