"""Which goals and steps of funnels a sealed day can tell: pure functions over who reached what.

Goals add up to nothing, so one that can't be told is withheld by itself. But they lie in each other and in what else
the day tells: who buys has seen the basket, and both numbers together are how many did not buy. So a goal is told only
if neither it nor any difference between what is told is of fewer than k people:

* it has k visitors; none, or k, of the day do not reach it, and none or k have a visit that does not;
* of a goal whose visits all reach another one: none or k visitors have a visit that reaches the other alone; and so of
  two or more that exclude each other inside a third, or inside the day;
* of a goal of pages: none or k have a visit that reaches it without a certain page that the day tells;
* the same of the events of one kind, which add up: to what the day's table of kinds tells, and, of page views, to what
  the table of pages tells and merges.

A step of a funnel is a goal of visits alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple

Group = tuple[frozenset[int], int]
"""Marks that so many people have: each a set of targets, as bits, that one of their visits reached."""


class Atom(NamedTuple):
    """What an event is to goals: its kind, whether the table of pages merges its page, and what it reaches, as bits."""

    kind: str
    merged: bool
    reaches: int


class Target(NamedTuple):
    """A goal, or a step of a funnel, with its bit. `kind` is empty for a step."""

    bit: int
    kind: str = ""
    is_page: bool = False


class Reached(NamedTuple):
    """Everything that is known of a day before the choice."""

    k: int
    visitors: int
    visits: Sequence[Group]
    """Visitors with a visit that reached anything; 0 stands for visits that did not."""
    events: Sequence[tuple[frozenset[Atom], int]]
    """Visitors by the events that they have, of the kinds that goals have."""
    kinds_told: frozenset[str]
    """Kinds of events that the day's own table tells."""
    beside_pages: Mapping[int, Sequence[int]]
    """By the bit of a goal of pages, for each page in it that the day tells: visitors with a visit that reaches the
    goal by other pages alone, and visitors who do so all day."""


WHOLE: Final = Target(-1)
"""Stands for the day itself."""


def chosen(day: Reached, targets: Iterable[Target]) -> set[int]:
    """The bits of the targets that may be told: goals before steps, the largest first, steps in their order."""
    choice = _Choice(day)
    each = list(targets)
    goals = sorted((one for one in each if one.kind), key=lambda one: (-choice.visitors_of(one), one.bit))
    for target in (*goals, *(one for one in each if not one.kind)):
        choice.take(target)
    return {target.bit for target in choice.told}


class _Choice:
    def __init__(self, day: Reached) -> None:
        self._day = day
        self._marks = {mark for group, _ in day.visits for mark in group} | {0}
        self._of_any = sum(many for _, many in day.visits)
        self.told: list[Target] = []

    def visitors_of(self, target: Target) -> int:
        """How many visitors reach it."""
        return self._visitors_with({mark for mark in self._marks if _has(mark, target)})

    def take(self, target: Target) -> None:
        """Tell it, if nobody can be worked out from it and all that is told already."""
        many = self.visitors_of(target)
        beside = (self._day.visitors - many, *self._day.beside_pages.get(target.bit, ()))
        enough = many >= self._day.k and all(map(self._fine, beside))
        if enough and self._fits_visits(target) and (not target.kind or self._fits_events(target)):
            self.told.append(target)

    def _fits_visits(self, target: Target) -> bool:
        of = {one: {mark for mark in self._marks if _has(mark, one)} for one in (WHOLE, *self.told, target)}
        for outer, inner in differences(of, target):
            left = of[outer].difference(*(of[one] for one in inner))
            if not self._fine(self._visitors_with(left)):
                return False
            if len(inner) == 1 and not self._fine(self._visitors_with(of[outer]) - self._visitors_with(of[inner[0]])):
                return False
        return True

    def _fits_events(self, target: Target) -> bool:
        if target.kind not in self._day.kinds_told:
            return False
        mine = [one for one in (*self.told, target) if one.kind == target.kind]
        atoms = {atom for group, _ in self._day.events for atom in group if atom.kind == target.kind}
        merged = {atom for atom in atoms if atom.merged}
        for inside in (atoms, merged) if target.is_page else (atoms,):
            of = {one: {atom for atom in inside if _has(atom.reaches, one)} for one in (WHOLE, *mine)}
            lefts = [of[outer].difference(*(of[one] for one in inner)) for outer, inner in differences(of, target)]
            if not all(self._fine(self._visitors_of(left)) for left in (of[target], *lefts)):
                return False
        return True

    def _visitors_of(self, atoms: set[Atom]) -> int:
        return sum(many for group, many in self._day.events if group & atoms)

    def _visitors_with(self, marks: set[int]) -> int:
        """Visitors with a visit of one of these marks."""
        mine = sum(many for group, many in self._day.visits if group & marks)
        return mine + (self._day.visitors - self._of_any if 0 in marks else 0)

    def _fine(self, people: int) -> bool:
        return people == 0 or people >= self._day.k


def _has(mark: int, target: Target) -> bool:
    return target == WHOLE or bool(mark >> target.bit & 1)


def differences(of: Mapping[Target, set[Any]], new: Target) -> list[tuple[Target, tuple[Target, ...]]]:
    """What can be taken away from what: a target, and those inside it that exclude each other; as far as `new` is one
    of them. `of`: what each is made of. Inside: whatever reaches it reaches the other too."""
    found: list[tuple[Target, tuple[Target, ...]]] = []
    for outer, mine in of.items():
        inside = [one for one in of if one not in (outer, WHOLE) and of[one] and of[one] <= mine]
        families: list[tuple[Target, ...]] = [(one,) for one in inside]
        families += [pair for pair in combinations(inside, 2) if not of[pair[0]] & of[pair[1]]]
        if len(inside) > 2 and sum(len(of[one]) for one in inside) == len(set().union(*(of[one] for one in inside))):
            families.append(tuple(inside))
        found += [(outer, family) for family in families if outer == new or new in family]
    return found
