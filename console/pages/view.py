"""What a dashboard shows, as it stands in its address: range, comparison, metric, filters, open tabs.

An address is all there is: it can be kept, sent to a colleague and opened again. What an address says and the page
does not know is left out, so an old bookmark opens something, never an error.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from console.pages.formats import MERGED, days_text, value_name
from console.place_names import ENGLISH, Names
from control_store.roles import Role
from event_catalogue.dimensions import DIMENSION
from event_catalogue.metrics import METRIC
from event_catalogue.timings import PERCENTILES

RANGES: Final[dict[str, str]] = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "28d": "Last 28 days",
    "30d": "Last 30 days",
    "91d": "Last 91 days",
    "month": "Month to date",
    "last_month": "Last month",
    "year": "Year to date",
    "12mo": "Last 12 months",
    "all": "All time",
}
_AS_ASKED: Final = {"today": "day"}
OPERATORS: Final[dict[str, str]] = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "contains_not": "does not contain",
}
TILES: Final = (
    "visitors",
    "visits",
    "pageviews",
    "views_per_visit",
    "bounce_rate",
    "engagement_rate",
    "visit_duration",
)
GOAL_TILES: Final = (
    *("visitors", "events", "conversion_rate", "visits"),
    *("bounce_rate", "engagement_rate", "visit_duration"),
)
"""With a goal chosen: who reached it and how often."""
_TIMINGS: Final = {
    "ttfb": "First byte",
    "fcp": "First paint",
    "lcp": "Largest paint",
    "inp": "Reaction",
    "cls": "Layout shift",
    "dom_ready": "Document ready",
    "load": "Loaded",
}
METRIC_TITLES: Final[dict[str, str]] = {
    "visitors": "Visitors",
    "visits": "Visits",
    "pageviews": "Views",
    "events": "Events",
    "views_per_visit": "Views per visit",
    "bounce_rate": "Bounce rate",
    "engagement_rate": "Engagement rate",
    "visit_duration": "Visit duration",
    "single_page_rate": "Single-page rate",
    "engaged_time": "Engaged time",
    "scroll_depth": "Scroll depth",
    "events_per_visit": "Events per visit",
    "conversion_rate": "Conversion rate",
    "group_conversion_rate": "Conversion rate",
    "percentage": "Share of visitors",
    "total_revenue": "Revenue",
    "average_revenue": "Revenue per purchase",
    **{f"{name}_p{percent}": f"{title} p{percent}" for name, title in _TIMINGS.items() for percent in PERCENTILES},
}
DIMENSION_TITLES: Final[dict[str, str]] = {
    "path": "Page",
    "hostname": "Host",
    "title": "Page title",
    "entry_page": "Entry page",
    "exit_page": "Exit page",
    "channel": "Channel",
    "source": "Source",
    "source_kind": "Kind of source",
    "referrer": "Referrer",
    "utm_source": "Campaign source",
    "utm_medium": "Campaign medium",
    "utm_campaign": "Campaign",
    "utm_term": "Campaign term",
    "utm_content": "Campaign content",
    "click_network": "Ad network",
    "country": "Country",
    "region": "Region",
    "city": "City",
    "browser": "Browser",
    "browser_version": "Browser version",
    "os": "System",
    "os_version": "System version",
    "device": "Device",
    "platform": "Platform",
    "engine": "Engine",
    "screen_class": "Screen",
    "viewport_class": "Window",
    "language": "Language",
    "timezone": "Time zone",
    "name": "Event",
    "goal": "Goal",
}
"""Dimensions that a page shows or filters by, in the order in which a reader looks for them."""
_MOST_FILTERS: Final = 12
_LONGEST_VALUE: Final = 1024
_MOST_DAYS: Final = 5_000
"""More the Stats API does not take at once."""


class Condition(NamedTuple):
    """One filter."""

    operator: str
    dimension: str
    value: str

    def __str__(self) -> str:
        return ",".join(self)

    def sentence(self, places: Names) -> str:
        """The filter in words."""
        name = (
            value_name(self.dimension, self.value, places) if self.operator in ("is", "is_not") else f"“{self.value}”"
        )
        return f"{DIMENSION_TITLES[self.dimension]} {OPERATORS[self.operator]} {name}"


@dataclass(frozen=True, slots=True)
class View:
    """One state of a dashboard."""

    range: str
    first: date | None = None
    last: date | None = None
    """The days of the range `custom`."""
    compare: bool = False
    metric: str = "visitors"
    filters: tuple[Condition, ...] = ()
    tabs: tuple[tuple[str, str], ...] = ()
    places: Names = ENGLISH
    """What places are called for who looks; no part of the address."""

    @property
    def title(self) -> str:
        """What the range is called."""
        if self.first is None or self.last is None:
            return RANGES[self.range]
        return days_text(self.first, self.last)

    @property
    def has_goal(self) -> bool:
        """Whether it is about those who reached a goal, so that every row has a conversion rate."""
        return any(one.dimension == "goal" and one.operator == "is" for one in self.filters)

    @property
    def tiles(self) -> tuple[str, ...]:
        """The metrics on top."""
        return GOAL_TILES if self.has_goal else TILES

    def tab(self, panel: str, known: tuple[str, ...]) -> str:
        """The open tab of a panel."""
        chosen = dict(self.tabs).get(panel, "")
        return chosen if chosen in known else known[0]

    def query(self, **changes: Any) -> str:
        """The query part of the address of this view, changed."""
        return urlencode(replace(self, **changes).pairs())

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the address; also the hidden fields of forms that change a part of it."""
        pairs = [("range", self.range)]
        if self.first is not None and self.last is not None:
            pairs = [("from", self.first.isoformat()), ("to", self.last.isoformat())]
        if self.compare:
            pairs.append(("compare", "previous"))
        if self.metric != "visitors":
            pairs.append(("metric", self.metric))
        pairs += [("f", str(condition)) for condition in self.filters]
        return pairs + list(self.tabs)

    def with_tab(self, panel: str, dimension: str) -> str:
        """The address with another tab open."""
        return self.query(tabs=tuple({**dict(self.tabs), panel: dimension}.items()))

    def with_filter(self, dimension: str, value: str, operator: str = "is") -> str:
        """The address with one filter more."""
        condition = Condition(operator, dimension, value)
        return self.query(filters=(*(one for one in self.filters if one != condition), condition))

    def without(self, condition: Condition) -> str:
        """The address with one filter less."""
        return self.query(filters=tuple(one for one in self.filters if one != condition))

    def date_range(self, today: date) -> str | list[str]:
        """The range as the Stats API takes it."""
        match self.range:
            case "custom" if self.first is not None and self.last is not None:
                return [self.first.isoformat(), self.last.isoformat()]
            case "yesterday":
                return [(today - timedelta(days=1)).isoformat()] * 2
            case "last_month":
                last = today.replace(day=1) - timedelta(days=1)
                return [last.replace(day=1).isoformat(), last.isoformat()]
            case _:
                return _AS_ASKED.get(self.range, self.range)

    def question(self) -> list[list[Any]]:
        """The filters as the Stats API takes them."""
        return [[one.operator, one.dimension, [one.value]] for one in self.filters]


def read_view(
    params: QueryParams,
    panels: Mapping[str, tuple[str, ...]],
    *,
    role: Role | None,
    default: str,
    places: Names = ENGLISH,
    goals: Collection[str] = (),
) -> View:
    """The view that an address stands for; `panels` names the tabs there are, `default` the range if none is said,
    `goals` are those of the site: a bookmark of one that is gone opens without it."""
    first, last = _day(params.get("from")), _day(params.get("to"))
    span: tuple[date | None, date | None] = (first, last) if first and last else (None, None)
    if span[0] and span[1]:
        early, late = sorted((span[0], span[1]))
        span = (max(early, late - timedelta(days=_MOST_DAYS - 1)), late)
    named = params.get("range", "")
    conditions = [found for text in params.getlist("f") if (found := _condition(text, role, goals))]
    added = _condition(",".join(params.get(name, "") for name in ("fo", "fd", "fv")), role, goals)
    metric = params.get("metric", "visitors")
    view = View(
        range="custom" if span[0] else named if named in RANGES else default,
        first=span[0],
        last=span[1],
        compare=params.get("compare") == "previous",
        filters=tuple(dict.fromkeys((*conditions, *([added] if added else []))))[:_MOST_FILTERS],
        tabs=tuple((panel, params[panel]) for panel, tabs in panels.items() if params.get(panel) in tabs),
        places=places,
    )
    return replace(view, metric=metric) if metric in (*view.tiles, "events") else view


def may_see(dimension: str, role: Role | None) -> bool:
    """Whether somebody may group and filter by it: free text before the seal is for admin and privacy officer."""
    return not DIMENSION[dimension].free_text or role in ("admin", "privacy_officer")


def filterable(role: Role | None, goals: Collection[str]) -> dict[str, str]:
    """Dimensions to filter by, with their titles."""
    return {
        name: title for name, title in DIMENSION_TITLES.items() if may_see(name, role) and (name != "goal" or goals)
    }


def title_of(metric: str, days: int) -> str:
    """What a metric is called over so many days. Visitors of several days are not different people."""
    if metric == "visitors" and days > 1:
        return "Daily visitors, added up"
    return METRIC_TITLES[metric]


def definition_of(metric: str) -> str:
    """The catalogue's sentence about a metric."""
    return METRIC[metric].definition


def is_link(name: str) -> bool:
    """Whether a row of this name can be clicked: merged groups are no value to filter by."""
    return name != MERGED


def _condition(text: str, role: Role | None, goals: Collection[str]) -> Condition | None:
    operator, _, rest = text.partition(",")
    dimension, _, value = rest.partition(",")
    known = operator in OPERATORS and dimension in DIMENSION_TITLES and may_see(dimension, role)
    gone = dimension == "goal" and operator in ("is", "is_not") and value not in goals
    return Condition(operator, dimension, value[:_LONGEST_VALUE]) if known and value and not gone else None


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None
