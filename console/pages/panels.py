"""The tables of a dashboard: which there are, what each asks, and how a row reads."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from console.pages.formats import in_unit, percent, value_name, whole
from console.pages.questions import Row
from console.pages.view import DIMENSION_TITLES, METRIC_TITLES, View
from event_catalogue.metrics import METRIC


class Tab(NamedTuple):
    """One table of a panel: a dimension and the metrics beside it, the first of which sorts and fills the bars."""

    dimension: str
    title: str
    metrics: tuple[str, ...] = ("visitors",)
    without: tuple[str, ...] = ()
    """Values that are no rows of this table."""

    def of(self, view: View) -> "Tab":
        """The table as a view shows it: with a goal chosen also how many of each row reached it."""
        if not view.has_goal or self.dimension in ("goal", "name"):
            return self
        # What reaches a goal need not be a view.
        metrics = dict.fromkeys("events" if metric == "pageviews" else metric for metric in self.metrics)
        return self._replace(metrics=(*metrics, "group_conversion_rate"))

    def question(self, view: View) -> list[Any]:
        """The filters of its question."""
        own = [["is_not", self.dimension, list(self.without)]] if self.without else []
        return [*view.question(), *own]


class Panel(NamedTuple):
    """One card with one table at a time."""

    key: str
    title: str
    tabs: tuple[Tab, ...]
    places: bool = False
    """Whether the line of credit of the city database belongs below it."""

    def tab(self, view: View) -> Tab:
        """The open one."""
        chosen = view.tab(self.key, tuple(tab.dimension for tab in self.tabs))
        return next(tab for tab in self.tabs if tab.dimension == chosen).of(view)


PANELS: Final = (
    Panel(
        "pages",
        "Pages",
        (
            Tab("path", "Top", ("visitors", "pageviews")),
            Tab("entry_page", "Entry", ("visits", "bounce_rate")),
            Tab("exit_page", "Exit", ("visits",)),
        ),
    ),
    Panel(
        "sources",
        "Sources",
        (
            Tab("source", "Sources"),
            Tab("channel", "Channels"),
            Tab("referrer", "Referrers"),
            Tab("utm_campaign", "Campaigns"),
            Tab("utm_medium", "Media"),
        ),
    ),
    Panel(
        "places",
        "Places",
        (Tab("country", "Countries"), Tab("region", "Regions"), Tab("city", "Cities")),
        places=True,
    ),
    Panel(
        "technology",
        "Technology",
        (
            Tab("browser", "Browsers"),
            Tab("os", "Systems"),
            Tab("device", "Devices"),
            Tab("screen_class", "Screens"),
        ),
    ),
    Panel("visitors", "Time and language", (Tab("timezone", "Time zones"), Tab("language", "Languages"))),
    Panel("goals", "Goals", (Tab("goal", "Goals", ("visitors", "events", "conversion_rate")),)),
    Panel("events", "Events", (Tab("name", "Events", ("events", "visitors"), without=("engagement",)),)),
)
TABS: Final = {panel.key: tuple(tab.dimension for tab in panel.tabs) for panel in PANELS}


_SHORT: Final = {"conversion_rate": "Rate", "group_conversion_rate": "Rate"}
"""Titles that are too long for a column: the tile beside it has the whole one."""


class Cell(NamedTuple):
    """One number of a row, as text, with its whole form where it was shortened."""

    text: str
    title: str


class Line(NamedTuple):
    """One row as it is drawn."""

    key: str
    name: str
    title: str
    link: str
    """Where a click leads, empty for merged groups."""
    share: str
    bar: str
    """Width of the bar, as the SVG attribute takes it."""
    cells: tuple[Cell, ...]
    merged: bool


class Table(NamedTuple):
    """A table as it is drawn."""

    heading: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    total: int
    """How many rows there are in all."""


def make_table(tab: Tab, rows: Sequence[Row], view: View, *, whole_of: float, total: int) -> Table:
    """The rows of a dimension. `whole_of` is what shares are of: the first metric over everything, merged included."""
    largest = max((row.values[0] for row in rows), default=0)
    lines = (_line(tab, row, view, largest=largest, whole_of=whole_of) for row in rows)
    columns = tuple(_SHORT.get(metric, METRIC_TITLES[metric]) for metric in tab.metrics)
    return Table(DIMENSION_TITLES[tab.dimension], columns, tuple(lines), total)


def _line(tab: Tab, row: Row, view: View, *, largest: float, whole_of: float) -> Line:
    value = row.names[0]
    name = value_name(tab.dimension, value, view.places)
    return Line(
        key=value,
        name=name,
        title="" if name == value else value,
        link="" if row.merged else "?" + view.with_filter(tab.dimension, value),
        share=percent(row.values[0], whole_of),
        bar=f"{100 * row.values[0] / largest:.2f}%" if largest else "0%",
        cells=tuple(
            Cell(in_unit(METRIC[metric].unit, number), whole(number) if number >= 100_000 else "")
            for metric, number in zip(tab.metrics, row.values, strict=True)
        ),
        merged=row.merged,
    )
