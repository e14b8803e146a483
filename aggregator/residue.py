"""Which merged values a week or a month can tell after all: a pure choice over counted cells.

A value that is merged on every day may have been seen by a hundred people in a month. It is told of the span when it
has at least 4 k visitor-days on 4 days or more, and when nobody can work out from it that it had somebody on a certain
day: the unit of protection is the visitor-day. Known to everybody are the `(other)` of each day, and that a merged
value has fewer than k people on a day. So a value is told only if everything of it on any one day could as well have
been on the others, in the place of people who stay in `(other)` of the same parent; of these at least k visitor-days of
two values remain. Where all that is merged of a parent is one value, that is told with the parent: it is the same.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from warehouse.kanon import Cell

LEAST_DAYS: Final = 4
LEAST_PEOPLE: Final = 4
"""Times k, in visitor-days."""

Value = tuple[str, str]
"""Parent and key."""


def told(hidden: Iterable[Cell], shown: Collection[tuple[int, Value]], people: Mapping[int, int], k: int) -> set[Value]:
    """The values that a span tells, of the cells that its days have merged.

    `shown`: which values are told of which day anyhow. `people`: the visitors of each day.
    """
    groups: dict[str, dict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for cell in hidden:
        groups[cell.parent][cell.key][cell.unit] = cell.people
    found: set[Value] = set()
    for parent, values in groups.items():
        found |= {(parent, key) for key in _of_group(parent, values, shown, people, k)}
    return found


def _of_group(
    parent: str,
    values: Mapping[str, Mapping[int, int]],
    shown: Collection[tuple[int, Value]],
    people: Mapping[int, int],
    k: int,
) -> set[str]:
    """`values`: of each merged value its people by day."""
    sums = {key: sum(days.values()) for key, days in values.items()}
    # The smallest first: what must go back to `(other)` is what would be missed least.
    large = sorted(
        (key for key, days in values.items() if sums[key] >= LEAST_PEOPLE * k and len(days) >= LEAST_DAYS),
        key=lambda key: (sums[key], key),
    )
    if parent and len(values) == 1:
        return set(large)
    chosen = set(large)
    left: dict[int, int] = defaultdict(int)
    for key in values.keys() - chosen:
        _add(left, values[key])
    days = {day: min(k - 1, people[day]) for found in values.values() for day in found}
    for key in large:
        # What stays in `(other)` only grows, so a value that can be told stays one.
        room = {
            day: min(most - values[key].get(day, 0), left[day])
            for day, most in days.items()
            if (day, (parent, key)) not in shown
        }
        elsewhere = sum(more for more in room.values() if more > 0)
        # What has k people on a day was merged to hide others, and is no secret itself.
        secret = {day: count for day, count in values[key].items() if count < k}
        enough = sum(left.values()) >= k and len(values) - len(chosen) >= 2
        if not enough or any(elsewhere - max(room.get(day, 0), 0) < count for day, count in secret.items()):
            chosen.remove(key)
            _add(left, values[key])
    # Each `(other)` holds two values: beside a single told one somebody else was there on every day.
    if len(chosen) == 1 and sum(left.values()) < k + len(days) - 1:
        return set()
    return chosen


def _add(left: dict[int, int], days: Mapping[int, int]) -> None:
    for day, count in days.items():
        left[day] += count
