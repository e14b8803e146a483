"""Merging of small groups: pure functions over counted cells. No clock, no warehouse, no randomness.

A cell is one value of a dimension; `people` are its different visitors of the day. Cells of fewer than k are merged
into `(other)` of their parent. It must hold at least two cells and k different people, else the next smallest cell
joins them: a single hidden cell could be found by subtraction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Group = tuple[int, str]
"""Where cells are merged into one: (unit, parent)."""


class Cell(NamedTuple):
    """One value of one site's day."""

    unit: int
    """Which site and day."""
    parent: str
    key: str
    people: int

    @property
    def group(self) -> Group:
        """Where it would be merged."""
        return self.unit, self.parent


def too_small(cells: Iterable[Cell], k: Mapping[int, int]) -> list[Cell]:
    """The cells that can't be shown by themselves."""
    return [cell for cell in cells if cell.people < k[cell.unit]]


def widened(cells: Sequence[Cell], unions: Mapping[Group, int], k: Mapping[int, int]) -> list[Cell]:
    """What must be merged too so that no `(other)` holds a single cell, fewer than k people, or as many as its cells
    can hold.

    `unions`: different people of the cells of a group that are too small. One more cell is always enough: it has k.
    """
    groups: dict[Group, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.group].append(cell)
    added = []
    for group, union in unions.items():
        limit = k[group[0]]
        hidden = sum(cell.people < limit for cell in groups[group])
        # As many people as the hidden cells can hold at most: each would be known to have k - 1.
        if hidden >= 2 and limit <= union < hidden * (limit - 1):
            continue
        shown = [cell for cell in groups[group] if cell.people >= limit]
        if shown:
            added.append(min(shown, key=lambda cell: (cell.people, cell.key)))
    return added


def dominated(sums: Sequence[int], largest: Sequence[int], *, whole_known: bool) -> set[int]:
    """Places of the sums to withhold: one visitor gives more than half; and what else `veiled` names."""
    hidden = {place for place, (total, most) in enumerate(zip(sums, largest, strict=True)) if 2 * most > total}
    return veiled(sums, hidden, whole_known=whole_known)


def veiled(sums: Sequence[int], hidden: set[int], *, whole_known: bool) -> set[int]:
    """Places to withhold so that nothing is found by subtraction, of sums that make up a whole: `hidden` and, where
    that would be a single one of a whole that is known, a second; where the whole is withheld, one at least."""
    least = 2 if whole_known and hidden else 0 if whole_known else 1
    shown = sorted((place for place in range(len(sums)) if place not in hidden), key=lambda place: sums[place])
    return hidden | set(shown[: max(0, least - len(hidden))])
