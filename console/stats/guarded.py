"""Live answers to questions with several filters: small groups are merged as a seal would merge them.

Who can combine filters and dimensions at will finds single people, and what else is true of them. So where an answer
is about two attributes, or two conditions on one, values of fewer than k visitors (each day's counted by itself)
become `(other)` of their time; where a time or a total itself has so few, it shows nothing. How many different people
the merged values have together is not asked: the largest of them is what is certain, so that the next smallest value
often joins them. One attribute is answered as it is: provisional. The hour is an attribute; day, week and month are
none.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from console.stats.filters import conditions
from console.stats.groups import Groups, Key
from console.stats.plan import Plan
from console.stats.query import Query
from console.stats.terms import step_of
from event_catalogue.dimensions import OTHER
from warehouse.kanon import Cell, too_small, widened

_HOUR: Final = "time:hour"
FREE: Final = 1
"""So many conditions, and so many attributes, may be asked for without merging."""


def is_guarded(query: Query, plan: Plan) -> bool:
    """Whether small groups of its live answers are merged."""
    leaves = conditions(query.filters)
    attributes = {_HOUR if leaf.operator == "within" else leaf.asked.dimension.name for leaf in leaves}
    for asked in query.dimensions:
        dimension = asked.dimension
        if dimension.scope != "time":
            attributes.add(dimension.name)
        elif step_of(dimension, plan) == "hour":
            attributes.add(_HOUR)
    return len(leaves) > FREE or len(attributes) > FREE


def merge_small(groups: Groups, people: Mapping[Key, int], k: int, unions: Callable[[], Mapping[Key, int]]) -> None:
    """Merge groups of fewer than `k` people.

    `people`: visitors of each group. `unions`: visitors of each time as a whole, asked only where all its groups are
    small.
    """
    kinds = [asked.dimension.scope == "time" for asked in groups.query.dimensions]
    times = [place for place, is_time in enumerate(kinds) if is_time and not all(kinds)]
    cells: dict[Cell, Key] = {}
    parents: dict[str, Key] = {}
    for place, key in enumerate(sorted(people)):
        parent = tuple(key[time] for time in times)
        parents[repr(parent)] = parent
        if people[key]:
            cells[Cell(0, repr(parent), f"{place:09}", people[key])] = key
    limits = {0: k}
    small = too_small(cells, limits)
    largest: dict[tuple[int, str], int] = defaultdict(int)
    for cell in small:
        largest[cell.group] = max(largest[cell.group], cell.people)
    joined = widened(list(cells), largest, limits)
    hidden: dict[str, list[Cell]] = defaultdict(list)
    for cell in (*small, *joined):
        hidden[cell.parent].append(cell)
    several = {cell.parent for cell in joined}
    for parent_name, mine in hidden.items():
        enough = parent_name in several or (not all(kinds) and unions().get(parents[parent_name], 0) >= k)
        _hide(groups, [cells[cell] for cell in mine], times, shown=enough and not all(kinds))


def _hide(groups: Groups, keys: list[Key], times: list[int], *, shown: bool) -> None:
    """Take these groups out of the answer, and put their sums under `(other)` where that may be shown."""
    for key in keys:
        sums = groups.sums.pop(key)
        if shown:
            groups.add(tuple(value if place in times else OTHER for place, value in enumerate(key)), sums)
            groups.merged = True
        else:
            groups.hidden += 1
    if not groups.query.dimensions:
        groups.add((), [[0, 0] for _ in groups.query.metrics])
