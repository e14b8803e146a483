"""Which steps from page to page a sealed day can tell: a pure function over how many people took each.

A table with rows (the page before) and columns (the page after), whose sums are no secret: so many views of a page were
not the visit's last, or not its first. So what is merged of a row, and of a column, is nothing; or at least two steps
of k people together, and fewer than these can hold; or all of it.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

Step = tuple[str, str]
"""Page before and page after."""
BEFORE: Final = 0
AFTER: Final = 1


class Small(NamedTuple):
    """The steps of fewer than k people in one row or column."""

    steps: int
    people: int
    """Different ones."""


def told_steps(
    steps: Mapping[Step, int], small: tuple[Mapping[str, Small], Mapping[str, Small]], k: int, *, merged: str
) -> set[Step]:
    """The steps that are told. `steps`: people of those that have k; `small`: the others of each row and each column;
    `merged` stands for all pages that are not told: its steps are not either."""
    told = {step for step in steps if merged not in step}
    while True:
        hidden = _one_more(steps, told, small, k)
        if hidden is None:
            return told
        told.discard(hidden)


def _one_more(
    steps: Mapping[Step, int], told: set[Step], small: tuple[Mapping[str, Small], Mapping[str, Small]], k: int
) -> Step | None:
    """A step that must be merged too, because what is merged beside it could be worked out."""
    for axis in (BEFORE, AFTER):
        lines: dict[str, list[Step]] = defaultdict(list)
        merged: dict[str, int] = defaultdict(int)
        for step in steps:
            if step in told:
                lines[step[axis]].append(step)
            else:
                merged[step[axis]] += 1
        for page, shown in sorted(lines.items()):
            few = small[axis].get(page, Small(0, 0))
            if not few.steps and not merged[page]:
                continue
            many = few.steps + merged[page]
            # One that was joined has k people; else the small ones must have them, and room for others.
            enough = merged[page] or k <= few.people < few.steps * (k - 1)
            if many < 2 or not enough:
                return min(shown, key=lambda step: (steps[step], step))
    return None
