"""What could be worked out about few people from the aggregates of a day, by somebody who has all of them.

Only published rows are looked at, never raw ones: for every dimension the bounds that sums and differences leave for
what is not shown. A seal attacks its own rows before it is committed; `footfall attack` repeats it for an auditor.

* No row but the day's own totals is about fewer than k people.
* Values that a visit has one of add up to the day, and children to their parent: what the shown ones lack lies in an
  `(other)` of k people at least. Fewer visits than k are fewer people than k.
* Sums add up to their parent's or the day's: of those that are withheld none is alone, nor is their whole.
* A goal that is told is reached by k people, and what it lacks of the day is 0 or k visitors and visits at least; so is
  what a step of a funnel lacks of the step before.
* A step from page to page is told of k people, in both tables or in none.
* Money is told of k purchases at least, and what any of it lacks of its whole is none or k.
* Of a day of fewer than k people there is nothing but the three totals.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from aggregator.paths import exposed_steps
from aggregator.residue import LEAST_PEOPLE
from aggregator.revenue import exposed_revenue
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
    is_of_revenue,
)
from event_catalogue.dimensions import OTHER
from warehouse.rollup_rows import SEPARATOR, Rollup

_PLACE: Final = {name: place for place, name in enumerate(KEPT_MEASURES)}
_VISITORS, _VISITS, _EVENTS = _PLACE["visitors"], _PLACE["visits"], _PLACE["events"]
_BY_VISIT: Final = frozenset(one.name for one in KEPT if one.scope == "visit")


def exposed(rows: Iterable[Rollup], k: int) -> list[str]:
    """Every group of fewer than `k` people that the rows of one site's day give away, as sentences."""
    tables: dict[str, list[Rollup]] = defaultdict(list)
    for row in rows:
        tables[row.dimension].append(row)
    if not tables[""]:
        return []  # a day of nothing but machines
    whole = tables.pop("")[0]
    aims = [*tables.pop(GOALS, []), *tables.pop(FUNNEL_STEPS, [])]
    found = list(_goals(aims, whole, k))
    money = [row for name in [*filter(is_of_revenue, tables)] for row in tables.pop(name)]
    found += exposed_revenue(money, whole, k)
    found += exposed_steps(tables.pop(NEXT_PAGE, []), tables.pop(PREVIOUS_PAGE, []), k)
    for name in [name for name in tables if name.startswith("timing:")]:
        found += _small(name, tables.pop(name), k)
    if whole.measures[_VISITORS] < k:
        return [*found, *_of_few(tables, whole)]
    for name, cells in tables.items():
        found += _small(name, cells, k)
        found += _sums(name, cells, [whole, *tables[PARENTS[name][-1]]] if name in PARENTS else [whole])
        if name in _BY_VISIT:
            lacks = whole.measures[_VISITS] - sum(cell.measures[_VISITS] for cell in cells)
            found += [f"{name}: {lacks} visits of the day are in no value"] if lacks else []
        if name in PARENTS:
            found += _children(name, cells, tables[PARENTS[name][-1]], k)
    return found


def exposed_in_span(rows: Iterable[Rollup], k: int) -> list[str]:
    """The same of the rows of a week or month: what it tells is of many, and so is what is left of its `(other)`."""
    tables: dict[str, list[Rollup]] = defaultdict(list)
    for row in rows:
        tables[row.dimension].append(row)
    found = [
        f"revenue: a week or month tells of {row.measures[_EVENTS]} purchases"
        for row in tables.pop(REVENUE, [])
        if row.amount != WITHHELD and row.measures[_EVENTS] < LEAST_PEOPLE * k
    ]
    for name, cells in tables.items():
        left = [cell for cell in cells if cell.key == OTHER]
        for cell in cells:
            people, least = cell.measures[_VISITORS], k if cell.key == OTHER else LEAST_PEOPLE * k
            if people < least:
                found.append(f"{name}: a week or month tells of {people} visitor-days")
        if not left:
            found.append(f"{name}: a week or month leaves nobody in {OTHER}")
        for measure in SUMS:
            hidden = [cell for cell in cells if cell.measures[_PLACE[measure]] == WITHHELD]
            if len(hidden) == 1 and hidden[0].key != OTHER:
                found.append(f"{name}: the one withheld {measure} is what the others lack")
    return found


def _goals(rows: Sequence[Rollup], whole: Rollup, k: int) -> Iterator[str]:
    """Goals and steps of few people, that few people do not reach, or that few come to and not beyond."""
    before: Rollup | None = None
    for row in rows:
        if row.measures[_VISITORS] == WITHHELD:
            continue
        people = row.measures[_VISITORS]
        if 0 < people < k:
            yield f"{row.dimension}: {row.key!r} shows {people} people"
        outer = [whole]
        if before and row.dimension == FUNNEL_STEPS and _funnel(before) == _funnel(row):
            outer.append(before)
        for other in outer if people else ():
            rest = [other.measures[place] - row.measures[place] for place in (_VISITORS, _VISITS)]
            if any(0 < many < k for many in rest):
                yield f"{row.dimension}: {row.key!r} lacks {min(rest)} visits of few people"
        before = row


def _funnel(row: Rollup) -> str:
    return row.key.partition(SEPARATOR)[0]


def _of_few(tables: dict[str, list[Rollup]], whole: Rollup) -> Iterator[str]:
    for row in [whole, *(cell for cells in tables.values() for cell in cells)]:
        told = [name for name, number in zip(KEPT_MEASURES, row.measures, strict=True) if number != WITHHELD]
        if row.dimension and row.key not in (OTHER, ""):
            yield f"{row.dimension}: a value of a day of too few people is shown"
        elif set(told) - set(EXEMPT):
            yield f"{row.dimension or 'the day'}: {', '.join(sorted(set(told) - set(EXEMPT)))} of too few people"


def _small(name: str, cells: Sequence[Rollup], k: int) -> Iterator[str]:
    for cell in cells:
        people = cell.measures[_VISITORS]
        if 0 < people < k:
            yield f"{name}: a value shows {people} people"


def _sums(name: str, cells: Sequence[Rollup], outer: Sequence[Rollup]) -> Iterator[str]:
    """Sums that add up to one of `outer`, the day or the values that these lie in: who knows all but one knows all."""
    groups: dict[str, list[Rollup]] = defaultdict(list)
    for cell in cells:
        groups[cell.parent].append(cell)
    for parent, mine in groups.items():
        wholes = [row for row in outer if _inside(row) == parent]
        for measure in SUMS:
            place = _PLACE[measure]
            hidden = sum(cell.measures[place] == WITHHELD for cell in mine)
            known = all(row.measures[place] != WITHHELD for row in wholes)
            if known and hidden == 1 and len(mine) > 1:
                yield f"{name}: the one withheld {measure} is what the others lack"
            if not known and not hidden:
                yield f"{name}: what is told adds up to a {measure} that is withheld"


def _inside(row: Rollup) -> str:
    """Under which parent values lie in this one."""
    if row.key == OTHER or row.dimension not in PARENTS:
        return row.key
    return f"{row.parent}{SEPARATOR}{row.key}"


def _children(name: str, cells: Sequence[Rollup], outer: Sequence[Rollup], k: int) -> Iterator[str]:
    """Of each shown parent: what its shown children lack."""
    shown: dict[str, int] = defaultdict(int)
    others: dict[str, Rollup] = {}
    for cell in cells:
        if cell.key == OTHER:
            others[cell.parent] = cell
        else:
            shown[cell.parent] += cell.measures[_VISITS]
    for parent in outer:
        under = _inside(parent)
        rest = parent.measures[_VISITS] - shown[under]
        if parent.key == OTHER or not rest:
            continue
        other = others.get(under)
        if other is None or other.measures[_VISITS] != rest or other.measures[_VISITORS] < k:
            yield f"{name}: {rest} visits of a shown {parent.dimension} are in no shown value of it"
