"""What somebody can work out who has all published tables of a day, knows the rules, and knows which values there are.

Independent of the code under attack: it takes published rows, and never looks at raw ones. For every hidden value it
looks at the worlds that the rules allow and the tables fit: values of a dimension add up to the day, children to their
parent, and what is hidden to `(other)`. A group is found when a value has the same number of people, between 1 and
k - 1, in all of them, or when an equation leaves so few people that they are one group.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations_with_replacement, islice
from typing import Any

from event_catalogue.aggregates import KEPT
from tests.aggregator.rollup_count import INSIDE, NAMES, path_of

VISITORS, VISITS = NAMES.index("visitors"), NAMES.index("visits")
SUMS = [NAMES.index("visit_ms"), NAMES.index("engaged_ms")]
BY_VISIT = {one.name for one in KEPT if one.scope == "visit"}
Tables = dict[str, dict[Any, list[int]]]
"""Dimension → (key, parent) → measures; -1 for what is withheld."""


def found_groups(tables: Tables, values: dict[str, set[Any]], k: int) -> list[str]:
    """Every group that can be worked out, in words. `values`: for each dimension all (key, parent) that occurred."""
    found: list[str] = []
    whole = tables[""]["", ""]
    for name, cells in tables.items():
        if name:
            found += _small_cells(name, cells, whole, k)
        if name in values:
            found += _bounds(name, cells, values[name], whole, k)
            found += _subtractions(name, tables, whole, k)
            found += _sums(name, tables)
    return found


def _small_cells(name: str, cells: dict[Any, list[int]], whole: list[int], k: int) -> list[str]:
    """A row of fewer than k people that is not the whole day."""
    return [
        f"{name}: {key} shows {row[VISITORS]} people"
        for key, row in cells.items()
        if 0 < row[VISITORS] < k and row[VISITORS] != whole[VISITORS]
    ]


def _bounds(name: str, cells: dict[Any, list[int]], values: set[Any], whole: list[int], k: int) -> list[str]:
    """Hidden values whose number of people is certain in every world that the rules allow and the tables fit."""
    shown_parents = {parent for _, parent in cells}
    hidden: dict[str, int] = defaultdict(int)
    for _, parent in values - set(cells):
        hidden[parent if parent in shown_parents else "(other)"] += 1
    found = []
    for parent, count in hidden.items():
        row = cells.get(("(other)", parent))
        if row is None:
            found.append(f"{name}: {count} values under {parent!r} have vanished")
            continue
        people = row[VISITORS]
        if people == whole[VISITORS] and people < k:
            continue  # the whole day, which is no secret
        possible = {one for world in worlds(count, people, k, by_rule=parent != "(other)") for one in world}
        if len(possible) == 1 and 0 < min(possible) < k:
            found.append(f"{name}: each of {count} hidden values under {parent!r} has {min(possible)}")
    return found


def worlds(count: int, people: int, k: int, *, by_rule: bool) -> Iterator[tuple[int, ...]]:
    """How many people `count` hidden values may have that hold `people` different ones, sorted; the first few worlds.

    Either all were too small, and enough; or one that was not joined those that were too few or too full. (`by_rule`:
    not so where what lies in merged parents was merged along.) People may be in several values.
    """
    for small in islice(combinations_with_replacement(range(1, k), min(count, 3)), 400):
        rest = (k - 1) * (count - len(small))
        if max(small) <= people <= sum(small) + rest and (not by_rule or (count >= 2 and people < count * (k - 1))):
            yield small
    if count >= 2 and people >= k:
        for small in range(1, k):
            for added in range(k, people + 1):
                if small + added >= people - (k - 1) * (count - 2):
                    yield small, added


def _subtractions(name: str, tables: Tables, whole: list[int], k: int) -> list[str]:
    """What is left of the day, or of a parent, when all that is shown inside is taken away: visits add up exactly, and
    so few visits are at most as many people."""
    if name not in BY_VISIT:
        return []  # a visit may lie in several values: these do not add up
    cells = tables[name]
    found = []
    left = whole[VISITS] - sum(row[VISITS] for key, row in cells.items())
    if left:
        found.append(f"{name}: the parts lack {left} of all visits")
    outer = INSIDE.get(name, [])[-1:]
    for inner in outer:
        parents = {
            ("\x1f".join(filter(None, [parent, key])) if INSIDE.get(inner) else key): row
            for (key, parent), row in tables[inner].items()
            if key != "(other)"
        }
        for parent, row in parents.items():
            inside = [mine for (key, under), mine in cells.items() if under == parent and key != "(other)"]
            rest = row[VISITS] - sum(mine[VISITS] for mine in inside)
            other = cells.get(("(other)", parent))
            if inside and rest and (other is None or other[VISITORS] < k):
                found.append(f"{name}: {rest} visits of {parent!r} lie in no shown value")
    return found


def _sums(name: str, tables: Tables) -> Iterator[str]:
    """Sums that can be had by subtraction: the only withheld one of those that add up to a known one, or a withheld one
    whose parts are all known."""
    cells, outer = tables[name], INSIDE.get(name, [""])[-1]
    for parent in {under for _, under in cells}:
        mine = [row for (_, under), row in cells.items() if under == parent]
        whole = [row for key, row in tables[outer].items() if path_of(key, nested=outer in INSIDE) == parent]
        for place in SUMS:
            unknown, known = sum(row[place] == -1 for row in mine), all(row[place] >= 0 for row in whole)
            if len(mine) > 1 and known and unknown == 1:
                yield f"{name}: the one withheld sum {NAMES[place]} is what the others lack"
            if not known and not unknown:
                yield f"{name}: a withheld sum {NAMES[place]} is what its parts add up to"
