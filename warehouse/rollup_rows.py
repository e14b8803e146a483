"""The rows that days are counted into, and which of their sums are withheld."""

from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from event_catalogue.aggregates import PARENTS, WITHHELD
from event_catalogue.dimensions import OTHER
from event_catalogue.goals import NO_AIMS, Aims
from warehouse.client import Param, Record
from warehouse.kanon import Group

SEPARATOR: Final = "\x1f"
"""Between the parts of a parent that lies in another one."""
DAY_BITS: Final = 16
"""A site's day as one number: the site above, the day (days since 1970-01-01) in the lowest bits."""


class SiteDay(NamedTuple):
    """A day of a site (days since 1970-01-01): its k, its local begin and end (ms UTC), the bot rules it counts, and
    what it waits for."""

    site: int
    day: int
    k: int
    start: int
    end: int
    counted_bots: tuple[str, ...] = ()
    aims: Aims = NO_AIMS

    @property
    def unit(self) -> int:
        """Both in one number, as the statements group by it."""
        return unit_of(self.site, self.day)


class Rollup(NamedTuple):
    """One number row of a site's day: dimension ("" for the totals), value, its parent, and the measures in order."""

    site: int
    dimension: str
    key: str
    parent: str
    measures: tuple[int, ...]
    amount: int = 0
    """Money, of rows about revenue."""


DayRow = tuple[int, Rollup]
"""A row and its day."""


class Source(NamedTuple):
    """How a run over days asks the warehouse, and what it has told of them already."""

    ask: Callable[[str, Mapping[str, Param]], list[Record]]
    fill: Callable[[str, str, Mapping[str, Param]], None]
    """Columns of the scratch table, the statement that fills it, and its values."""
    table: str
    rows: str
    """FROM and WHERE of the days' rows."""
    visits: str
    """The table of visits, or what stands for it."""
    days: str
    """The condition that picks the days."""
    unit: str
    visitors: Mapping[int, int]
    """Of each site's day."""
    pages: Collection[Group]
    """Day and page of all that the tables of pages tell."""
    kinds: Collection[Group]
    """The same of kinds of events; none where these are not counted."""


class Veils:
    """Which sums of one site's day are withheld: what lies in a value adds up to it."""

    def __init__(self) -> None:
        self._withheld: set[tuple[str, str, int]] = set()

    def note(self, row: Rollup) -> None:
        """Remember a row that will be shown; of a dimension before those that lie in it."""
        path = row.key if row.key == OTHER or row.dimension not in PARENTS else f"{row.parent}{SEPARATOR}{row.key}"
        self._withheld |= {(row.dimension, path, place) for place, n in enumerate(row.measures) if n == WITHHELD}

    def whole_known(self, dimension: str, parent: str, place: int) -> bool:
        """Whether it is known what the values under this parent add up to; without parents, that is the day."""
        outer = PARENTS.get(dimension, ("",))[-1]
        return (outer, parent if outer else "", place) not in self._withheld


def unit_of(site: int, day: int) -> int:
    """A site's day as one number."""
    return site << DAY_BITS | day


def day_of(of_unit: int) -> int:
    """The day of such a number."""
    return of_unit & (1 << DAY_BITS) - 1
