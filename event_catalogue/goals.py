"""What a site declares as its goals: acts of a visitor that it waits for.

A goal is reached by an event: one of a name (`event`), with a property of a value if that is wanted; a view of a page
(`page` alone, a pattern in which * stands for anything); or reading a page to a depth (`scroll`, in percent). `page`
narrows the first and the last, too.
"""

import hashlib
from typing import Final, NamedTuple


class Goal(NamedTuple):
    """One goal of a site, by the name under which answers know it."""

    name: str
    event: str = ""
    prop: str = ""
    """Name of a property of the event; only with `event`."""
    value: str = ""
    """What that property must be; "" for anything but nothing."""
    page: str = ""
    scroll: int = 0
    """At least so many percent of the page were seen; only without `event`."""

    @property
    def kind(self) -> str:
        """The name of the events that can reach it."""
        return self.event or ("engagement" if self.scroll else "pageview")

    @property
    def digest(self) -> str:
        """What tells this definition from every other one of the same name."""
        told = "\x1f".join(map(str, (self.event, self.prop, self.value, self.page, self.scroll)))
        return hashlib.sha256(told.encode()).hexdigest()[:12]


MOST_GOALS: Final = 30
MOST_FUNNELS: Final = 4
MOST_STEPS: Final = 8
"""Of one site: goals and steps together are one bit each in a number of 64."""


class Funnel(NamedTuple):
    """Goals that are reached one after the other in one visit."""

    name: str
    steps: tuple[str, ...]
    """Names of goals, in order."""
    strict: bool = False
    """Whether nothing may come between a step and the next: no page view, no act, no goal of it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The steps as answers name them."""
        return tuple(f"{place}. {step}" for place, step in enumerate(self.steps, start=1))


class Aims(NamedTuple):
    """What a site waits for."""

    goals: tuple[Goal, ...] = ()
    funnels: tuple[Funnel, ...] = ()

    def steps(self, funnel: Funnel) -> tuple[int, ...]:
        """The places of its steps among the goals; none where one of them is gone."""
        places = {goal.name: place for place, goal in enumerate(self.goals)}
        return tuple(places[step] for step in funnel.steps) if places.keys() >= set(funnel.steps) else ()

    def digest(self, funnel: Funnel) -> str:
        """What tells this funnel, its goals included, from every other one of the same name."""
        parts = [str(funnel.strict), *(self.goals[place].digest for place in self.steps(funnel))]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


NO_AIMS: Final = Aims()
