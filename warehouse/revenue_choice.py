"""What a sealed day can tell of its revenue in one currency: pure functions over who paid how much.

Money is told only of a group of k buyers of whom none pays more than half, and so of whatever is left when a told group
is taken away from another one that it lies in: of the day, of a goal, of all values of a dimension. What is left may
also be nobody. Who did not buy is not to be found either: none or k people of a group did not.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from warehouse.goal_choice import WHOLE, Target, differences


class Bought(NamedTuple):
    """What one buyer bought of one kind: from sources, in countries … (`values`, in their order), reaching goals."""

    who: int
    amount: int
    purchases: int
    goals: int
    """As bits."""
    values: tuple[str, ...]


class Value(NamedTuple):
    """What the day's own table tells of a value: its people, and whether they are told."""

    people: int
    is_shown: bool


def can_tell(bought: Iterable[Bought], k: int) -> bool:
    """Whether the sum may be told: of k buyers, none of whom gives more than half of it."""
    by_buyer: dict[int, int] = defaultdict(int)
    for one in bought:
        by_buyer[one.who] += one.amount
    total = sum(by_buyer.values())
    return len(by_buyer) >= k and total >= 0 and 2 * max(map(abs, by_buyer.values())) <= total


def buyers(bought: Iterable[Bought]) -> int:
    """How many different ones."""
    return len({one.who for one in bought})


def is_nobody_or_many(people: int, k: int) -> bool:
    """Whether so many people may be found by subtraction."""
    return people == 0 or people >= k


def told_values(cells: Mapping[str, Sequence[Bought]], values: Mapping[str, Value], k: int) -> set[str]:
    """The values of a dimension whose revenue is told, the rest together being fit to be told too; the largest ones."""
    told = []
    for key, bought in cells.items():
        people, is_shown = values.get(key, Value(0, is_shown=False))
        if is_shown and can_tell(bought, k) and is_nobody_or_many(people - buyers(bought), k):
            told.append(key)
    told.sort(key=lambda key: (-buyers(cells[key]), key))
    while told:
        hidden = cells.keys() - set(told)
        rest = [one for key in hidden for one in cells[key]]
        # Somebody knows at least how many people the largest of them has; and of buyers, that they are k.
        most = max((values[key].people for key in hidden if key in values), default=0)
        if not rest or (can_tell(rest, k) and (most >= 2 * k or is_nobody_or_many(most - buyers(rest), k))):
            return set(told)
        told.pop()
    return set()


def told_goals(bought: Sequence[Bought], visitors: Mapping[int, int], k: int) -> set[int]:
    """The goals, as places, whose revenue is told. `visitors`: of those that are told themselves."""
    marks = {one.goals for one in bought} | {0}
    of: dict[Target, set[int]] = {WHOLE: marks}
    found: set[int] = set()

    def of_marks(mine: Collection[int]) -> list[Bought]:
        return [one for one in bought if one.goals in mine]

    reaching = {bit: {mark for mark in marks if mark >> bit & 1} for bit in visitors}
    for bit in sorted(visitors, key=lambda bit: (-buyers(of_marks(reaching[bit])), bit)):
        mine, target = of_marks(reaching[bit]), Target(bit)
        if not can_tell(mine, k) or not is_nobody_or_many(visitors[bit] - buyers(mine), k):
            continue
        tried = {**of, target: reaching[bit]}
        lefts = (
            of_marks(tried[outer].difference(*(tried[one] for one in inner)))
            for outer, inner in differences(tried, target)
        )
        if all(not left or can_tell(left, k) for left in lefts):
            of = tried
            found.add(bit)
    return found
