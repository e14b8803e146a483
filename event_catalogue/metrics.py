"""Every metric that a reader may ask for, and the whole numbers that it is made of.

A metric is one measure, or one measure over another. Measures are integers that can be kept and added, so a metric is
worked out from raw rows and from sealed aggregates by the same formula. Bots are in none of them. What a visit is:
`VISIT`, and the two limits below it.
"""

from typing import Final, Literal, NamedTuple

from event_catalogue.events import EVENTS
from event_catalogue.timings import PERCENTILES, TIMINGS

VISIT: Final = (
    "What one visitor does on one day of the site, until more than 30 minutes pass without an event. A visit ends with "
    "the site's local day."
)
VISIT_GAP_MS: Final = 30 * 60 * 1000
"""A pause longer than this begins a new visit; one of exactly this length does not."""
ENGAGED_MS: Final = 10_000
"""A visit with this much time in front is engaged, even with one page."""

QUIET_EVENTS: Final = tuple(kind.name for kind in EVENTS if not kind.interaction)
"""Names of events that are no act of the visitor. Any other name, custom ones included, makes a visit engaged."""

SCROLL_DEPTH: Final = "scroll_depth"
"""The metric that is asked of pages alone."""

MeasureName = Literal[
    "visitors",
    "visits",
    "pageviews",
    "events",
    "bounces",
    "engaged_visits",
    "single_page_visits",
    "visit_pageviews",
    "visit_ms",
    "engaged_ms",
    "revenue",
    "purchases",
    "scrolled",
    "scrolled_views",
]
Scope = Literal["event", "visit"]
"""Whether a measure counts the events that match a question, or the whole visits that they belong to."""


class Measure(NamedTuple):
    """One integer. Measures of scope `visit` describe whole visits: those with at least one matching event."""

    name: MeasureName
    scope: Scope
    definition: str


MEASURES: Final[dict[MeasureName, Measure]] = {
    measure.name: measure
    for measure in (
        Measure("visitors", "event", "Visitors with a matching event, each day's counted by itself and added up."),
        Measure("visits", "visit", "Visits with a matching event."),
        Measure("pageviews", "event", "Matching page views."),
        Measure(
            "events",
            "event",
            "Matching events of every kind but `engagement`, which only carries time, and exits that settle another.",
        ),
        Measure("bounces", "visit", "Visits that are not engaged."),
        Measure(
            "engaged_visits",
            "visit",
            "Visits with two page views, or 10 seconds in front, or an act of the visitor other than viewing.",
        ),
        Measure("single_page_visits", "visit", "Visits with at most one page view and no other act of the visitor."),
        Measure("visit_pageviews", "visit", "All page views of the visits."),
        Measure("visit_ms", "visit", "Time from the first to the last event of the visits, in milliseconds."),
        Measure("engaged_ms", "event", "Time with a page in front, in milliseconds."),
        Measure("revenue", "event", "Revenue of the matching purchases, by currency, in its minor units."),
        Measure("purchases", "event", "Matching events that name a currency."),
        Measure("scrolled", "event", "How far down views of pages were scrolled at the deepest, in percent, added up."),
        Measure("scrolled_views", "event", "Views of pages that told how far they were scrolled."),
    )
}

Unit = Literal["count", "ratio", "percent", "seconds", "milliseconds", "thousandths", "money"]


class Metric(NamedTuple):
    """One name of the Stats API: `factor * over / under`, rounded to `digits`; `over` alone without `under`."""

    name: str
    unit: Unit
    definition: str
    """One sentence, shown behind the name."""
    over: MeasureName
    under: MeasureName | None = None
    factor: float = 1
    digits: int = 0
    down_is_good: bool = False
    share_of: Literal["", "all", "group", "question"] = ""
    """Of which visitors these are a share: those who reach a goal of all, or of those of the same group; those of a row
    of all that the question is about."""

    timing: str = ""
    """Of which of a browser's timings it is a percentile."""
    percent: int = 0

    @property
    def is_apart(self) -> bool:
        """Whether it is answered in a part of its own: a share, a percentile, how far pages are scrolled, or money."""
        return bool(self.share_of or self.timing) or self.unit == "money" or self.name == SCROLL_DEPTH

    @property
    def measures(self) -> tuple[MeasureName, ...]:
        """What has to be counted for it."""
        return (self.over,) if self.under is None else (self.over, self.under)

    def value(self, measures: dict[MeasureName, int]) -> int | float:
        """The metric from its measures. A rate of nothing is 0, as in Plausible's answers."""
        over = measures[self.over]
        if self.under is None:
            return over
        under = measures[self.under]
        if not under:
            return 0
        number = self.factor * over / under
        # Halves go up, as a reader expects; round() would take them to the even neighbour.
        return round(number, self.digits) if self.digits else int(number + 0.5)


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "visitors",
        "count",
        "Different visitors of a day; over several days the daily numbers are added up, because nobody is recognised "
        "from one day to the next without consent.",
        "visitors",
    ),
    Metric("visits", "count", VISIT, "visits"),
    Metric("pageviews", "count", "Pages that were viewed; a page seen twice counts two.", "pageviews"),
    Metric(
        "events",
        "count",
        "Everything that was recorded: page views, clicks, searches, errors, the site's own events; not the signals "
        "that only carry reading time.",
        "events",
    ),
    Metric("views_per_visit", "ratio", "Page views of a visit, on average.", "visit_pageviews", "visits", 1, 2),
    Metric(
        "bounce_rate",
        "percent",
        "Share of visits with at most one page view, less than 10 seconds in front and no act such as a click, a "
        "search or an event of the site's own.",
        "bounces",
        "visits",
        100,
        2,
        down_is_good=True,
    ),
    Metric(
        "engagement_rate",
        "percent",
        "Share of visits that are no bounce: 100 minus the bounce rate.",
        "engaged_visits",
        "visits",
        100,
        2,
    ),
    Metric(
        "single_page_rate",
        "percent",
        "Share of visits with at most one page view and no other act, however long they took: what Plausible calls "
        "bounce rate.",
        "single_page_visits",
        "visits",
        100,
        2,
        down_is_good=True,
    ),
    Metric(
        "visit_duration",
        "seconds",
        "Time from the first to the last event of a visit, on average over all visits, bounces included.",
        "visit_ms",
        "visits",
        0.001,
    ),
    Metric(
        "engaged_time",
        "seconds",
        "Time with a page in front, on average of a visit.",
        "engaged_ms",
        "visits",
        0.001,
    ),
    Metric(
        SCROLL_DEPTH,
        "percent",
        "How far down a page is scrolled at the deepest, on average of its views that told. Of pages alone: with "
        "`event:page` as a dimension or as a filter.",
        "scrolled",
        "scrolled_views",
    ),
    Metric("events_per_visit", "ratio", "Events of a visit, on average.", "events", "visits", 1, 2),
    Metric(
        "conversion_rate",
        "percent",
        "Share of all visitors (of the same hour, day, week or month, where a question is cut by time) who reach the "
        "goal.",
        "visitors",
        factor=100,
        digits=2,
        share_of="all",
    ),
    Metric(
        "group_conversion_rate",
        "percent",
        "Share of the visitors of a group, such as those from one source, who reach the goal.",
        "visitors",
        factor=100,
        digits=2,
        share_of="group",
    ),
    Metric(
        "percentage",
        "percent",
        "Share of all visitors of the question that a row has; where visitors have several values, such as pages, the "
        "shares add up to more than 100.",
        "visitors",
        factor=100,
        digits=2,
        share_of="question",
    ),
    Metric(
        "total_revenue",
        "money",
        "What events of the site's own brought in, in the one currency that the question names or that all of a row's "
        "are in.",
        "revenue",
    ),
    Metric(
        "average_revenue", "money", "The same on average of an event that names a currency.", "revenue", "purchases"
    ),
    *(
        Metric(
            f"{name}_p{percent}",
            "thousandths" if name == "cls" else "milliseconds",
            f"{meaning.capitalize()}: {percent} of 100 page views are not above it, to 2.5 %.",
            "events",
            timing=name,
            percent=percent,
        )
        for name, meaning in TIMINGS.items()
        for percent in PERCENTILES
    ),
)

METRIC: Final[dict[str, Metric]] = {metric.name: metric for metric in METRICS}
