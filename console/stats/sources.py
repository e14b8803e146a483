"""What answering needs besides rows: what is sealed, named, declared and noted, told by whoever puts the layer up."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from console.stats.kept import Told
from event_catalogue.goals import NO_AIMS, Aims

Clock = Callable[[], int]
"""Now, in ms UTC."""


class Seal(Protocol):
    """What makes a day answerable from aggregates."""

    @property
    def run(self) -> int:
        """The run whose rows count."""

    @property
    def purged(self) -> int:
        """When its raw rows went; 0 while they are there."""

    @property
    def verified(self) -> int:
        """0 where the legal maximum came before its numbers could be proven."""


Seals = Callable[[int, int, int], Mapping[int, Seal]]
"""Site, first and last day (days since 1970-01-01) → the seals of its sealed days."""


Spans = Callable[[int, int, int], Sequence[Told]]
"""Site, first and last day → the sealed weeks and months that may lie between, the longest first."""

Counted = Callable[[int, Collection[str]], Collection[int]]
"""Site and the bot rules that it counts → the batches up to which `visits` is counted so, one of each journal."""


AimsOf = Callable[[int], Aims]
"""Site → its goals and funnels."""


def no_aims(_site: int) -> Aims:
    """No goals and no funnels."""
    return NO_AIMS


def no_seals(_site: int, _first: int, _last: int) -> Mapping[int, Seal]:
    """Nothing is sealed."""
    return {}


def no_spans(_site: int, _first: int, _last: int) -> Sequence[Told]:
    """No week or month is."""
    return ()


def none_counted(_site: int, _rules: Collection[str]) -> Collection[int]:
    """The table `visits` can't be asked."""
    return ()


PlaceNaming = Callable[[str], Mapping[str, str]]
"""Dimension → what is stored of it → its English name."""


def no_names(_dimension: str) -> Mapping[str, str]:
    """Nothing has a name."""
    return {}


@dataclass(frozen=True, slots=True)
class Noted:
    """What somebody noted about a day."""

    id: int
    date: str
    text: str


Annotations = Callable[[int, int, int], Sequence[Noted]]
"""Site, first and last day → what is noted of them."""


def no_annotations(_site: int, _first: int, _last: int) -> Sequence[Noted]:
    """Nothing is noted."""
    return ()
