"""What the seal keeps of a day: every dimension by itself with every measure, and which lies inside which.

Children are merged inside their parent, and a parent that was merged takes its children with it: who can subtract
Zürich from Switzerland must not find a group that is too small.
"""

from typing import Final

from event_catalogue.dimensions import DIMENSIONS, Dimension
from event_catalogue.metrics import MEASURES, MeasureName

HOUR: Final = next(one for one in DIMENSIONS if one.name == "time:hour")
PARENTS: Final[dict[str, tuple[str, ...]]] = {
    "region": ("country",),
    "city": ("country", "region"),
    "city_id": ("country", "region", "city"),
    "browser_version": ("browser",),
    "os_version": ("os",),
    "source": ("source_kind",),
    "screen": ("screen_class",),
}
"""Dimension → what its values lie in, from the outermost in: whoever knows the one knows the other."""

NEXT_PAGE: Final = "next_page"
PREVIOUS_PAGE: Final = "previous_page"
"""Kept of each page (`parent`), not among KEPT: tables with rows and columns, with a merging of their own."""

NOT_KEPT: Final = frozenset({"platform", "goal", NEXT_PAGE, PREVIOUS_PAGE})
"""A table with rows and columns, browsers and systems: what it shows of both would tell what it merges."""

GOALS: Final = "goal"
FUNNEL_STEPS: Final = "funnel"
"""Kept of each day for the goals and funnels that its site had declared when it was sealed, not among KEPT: they add up
to nothing. `parent` says by which definition they were counted."""

REVENUE: Final = "revenue"
"""Kept of each day: what was bought in each currency (`key`); as `revenue:NAME`, with the currency in `parent`, by the
dimensions below and by goal. Not among KEPT."""
REVENUE_BY: Final = ("channel", "source", "utm_campaign", "country", "device", "entry_page")
"""None of them lies in another one, for that would show what the other merges."""


def revenue_by(name: str) -> str:
    """What is kept of revenue by this dimension; "" for all of it."""
    return f"{REVENUE}:{name}" if name else REVENUE


def is_of_revenue(dimension: str) -> bool:
    """Whether a row of this dimension is about revenue."""
    return dimension.partition(":")[0] == REVENUE


KEPT: Final[tuple[Dimension, ...]] = (
    *(one for one in DIMENSIONS if one.scope != "time" and one.name not in PARENTS and one.name not in NOT_KEPT),
    *(one for one in DIMENSIONS if one.name in PARENTS),
    HOUR,
)
"""Dimensions of sealed days, parents before their children."""

OF_PURCHASES: Final[tuple[MeasureName, ...]] = ("revenue", "purchases")
"""Measures that make sense in one currency alone: kept in rows of their own."""
RAW_MEASURES: Final[frozenset[MeasureName]] = frozenset({"scrolled", "scrolled_views"})
"""Counted from raw rows and never kept: they end with these."""
KEPT_MEASURES: Final[tuple[MeasureName, ...]] = tuple(
    name for name in MEASURES if name not in RAW_MEASURES and name not in OF_PURCHASES
)
EXEMPT: Final[tuple[MeasureName, ...]] = ("visitors", "visits", "pageviews")
"""Kept of every day to the unit, however few came."""
SUMS: Final[tuple[MeasureName, ...]] = ("visit_ms", "engaged_ms")
"""Withheld where one visitor gives more than half of them."""

WITHHELD: Final = -1
"""Stands for a number that is not kept; every number that is kept is at least 0."""
