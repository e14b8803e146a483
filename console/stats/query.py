"""A question as the rest of the room sees it: frozen, complete, every name known."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from event_catalogue.dimensions import Dimension
from event_catalogue.metrics import Metric

Operator = Literal["is", "is_not", "contains", "contains_not", "matches", "matches_not", "within"]
"""`within` is not for readers to write: it is what a range with times of day becomes."""
Direction = Literal["asc", "desc"]


class BadQuery(Exception):
    """The question can't be answered as it was put: `field` names the part, `sentence` says why and what would do."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class SiteRef:
    """The site that is asked about, found by the caller from id, key or domain."""

    id: int
    domain: str
    timezone: str
    """IANA name; days and hours are cut by it."""
    k: int = 5
    """Smallest group of visitors that is shown where groups are merged."""
    counted_bots: tuple[str, ...] = ()
    """Bot rules whose finds count as people's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A dimension under the name that was used for it: answers use the same name."""

    name: str
    dimension: Dimension
    named: bool = False
    """Whether its values are the English names of what is stored: `visit:country_name`."""


WHEN: Final = Asked("date_range", Dimension("instant", (), "event", "", "When it happened.", "each"))
"""What a range with times of day is a condition on."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One leaf: the dimension's value is, contains or matches any of the values."""

    operator: Operator
    asked: Asked
    values: tuple[str, ...]
    case_sensitive: bool = True


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class Done:
    """Some event of the same visit fulfils the part, which is about events."""

    part: "Filter"


Filter = Condition | All | Either | Not | Done


@dataclass(frozen=True, slots=True)
class Span:
    """First and last day, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Moments:
    """Two instants (ms UTC), the second excluded."""

    since: int
    until: int


Mode = Literal["previous_period", "year_over_year", "custom"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which earlier days are put beside those of the question."""

    mode: Mode
    date_range: Span | Moments | None = None
    """Of `custom`."""
    match_day_of_week: bool = False
    """Whether a year before is 52 weeks: Mondays beside Mondays."""


@dataclass(frozen=True, slots=True)
class Last:
    """A range that ends today: `count` units, the running one included; `all` counts from the first row."""

    unit: Literal["day", "month", "year", "all"]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Order:
    """One key to sort by: a metric or an asked dimension, by the name that was used."""

    name: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Include:
    """What is wanted beside the rows."""

    time_labels: bool = False
    total_rows: bool = False
    imports: bool = False
    """Accepted for scripts written for Plausible: imported rows are always part of the numbers."""
    kept: bool = False
    """Whether days that are not sealed yet are answered as their seals will."""
    comparisons: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What to count, when, by what, of what."""

    site_id: str
    metrics: tuple[Metric, ...]
    date_range: Span | Moments | Last
    dimensions: tuple[Asked, ...] = ()
    filters: All = All(())
    order_by: tuple[Order, ...] = ()
    include: Include = Include()
    limit: int = 10_000
    offset: int = 0
    site_ids: tuple[str, ...] = ()
    """Where the question is about several sites together: these, by id, key or domain; `*` is all that a key opens."""
    filters_said: tuple[object, ...] = field(default=(), compare=False, repr=False)
    """Filters as they were put, for the echo."""
