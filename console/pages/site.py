"""One site: its numbers, their course over time, and the tables behind them; live, without asking for all of it twice.

Every two seconds an open page asks whether anything has been loaded since. That is one cheap look at the newest rows;
only when it says yes are the numbers worked out again, and never more often than a tenth of the time allows.
"""

import asyncio
from datetime import date, timedelta
from math import isnan, nan
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from console.charts import Chart, Series, draw
from console.pages.collection import Pulse, read_pulse, state_of, unrecorded
from console.pages.desk import HEADERS, Ask
from console.pages.formats import days_text, in_unit, time_label, time_name
from console.pages.goals import goal_names
from console.pages.panels import PANELS, TABS, Panel, Table, make_table
from console.pages.questions import Questions, days_of, rows_of
from console.pages.tiles import MARKS, Tile, is_provisional, make_tiles
from console.pages.view import METRIC_TITLES, RANGES, View, definition_of, filterable, read_view, title_of
from console.stats.plan import EPOCH
from control_store.snapshot import Site
from event_catalogue.metrics import METRIC
from warehouse.errors import TryLater
from warehouse.people import kept_rules

_ROWS: Final = 9
_EASE: Final = 10
"""A page is worked out again after this many times the time that it took beyond the following."""
_CHEAP_MS: Final = 500
_LONGEST_WAIT_MS: Final = 60_000
_YOUNG_DAYS: Final = 2


class Curve(NamedTuple):
    """The chart with its words."""

    chart: Chart
    title: str
    summary: str
    rows: list[tuple[str, str, str]]
    """Time, value, value of the earlier period: the table behind the chart."""
    names: list[str]


class Card(NamedTuple):
    """A panel with its table; None where the statistics were too busy."""

    panel: Panel
    open: str
    table: Table | None


async def dashboard(ask: Ask) -> Response:
    """The page of one site."""
    shop, site = ask.desk.shop, ask.site()
    pulse = await read_pulse(shop, site)
    if ask.by_script and _unchanged(ask, pulse):
        return Response(status_code=204, headers=dict(HEADERS))
    await ask.note_reading(site)
    began = shop.clock()
    async with Questions(ask.desk.statistics, shop.sharing, site, began).of(ask.request) as questions:
        today = questions.local.date()
        span = await _all_days(ask, site)
        young = span is None or (today - span[0]).days < _YOUNG_DAYS
        goals = await goal_names(ask, site)
        view = read_view(
            ask.request.query_params,
            TABS,
            role=ask.role,
            default="today" if young else "28d",
            places=ask.places,
            goals=goals,
        )
        page = await _numbers(questions, view, today)
        panels = [panel for panel in PANELS if panel.key != "goals" or goals]
        cards = await asyncio.gather(*(_card(questions, view, today, panel, page["totals"]) for panel in panels))
    first, last = page["days"]
    return ask.render(
        "site.html",
        section="dashboard",
        site=site,
        view=view,
        cards=cards,
        ranges=RANGES,
        metrics=METRIC_TITLES,
        dimensions=filterable(ask.role, goals),
        definition=definition_of(view.metric),
        timezone=questions.site.timezone,
        dates=days_text(first, last),
        today=today.isoformat(),
        state=state_of(shop, site, pulse, has_history=span is not None),
        unrecorded=unrecorded(shop, site, first, last),
        credit=shop.settings.credit,
        span=span,
        next_look=f"{pulse.mark}.{_not_before(began, shop.clock())}",
        **page,
    )


def _not_before(began: int, now: int) -> int:
    """When an open page may be worked out again, so that one that costs much leaves the machine to others."""
    return now + min(_EASE * max(0, now - began - _CHEAP_MS), _LONGEST_WAIT_MS)


def _unchanged(ask: Ask, pulse: Pulse) -> bool:
    """Whether the open page still shows what there is, or was worked out too recently to be worked out again."""
    seen = ask.request.query_params.get("seen", "")
    mark, _, not_before = seen.rpartition(".")
    if not seen:
        return False
    return mark == pulse.mark or (not_before.isdigit() and ask.desk.shop.clock() < int(not_before))


async def _all_days(ask: Ask, site: Site) -> tuple[date, date] | None:
    """The first and the last day with an event of a person; None if there is none. Raises TryLater, Broken."""
    kept = kept_rules({site.id: site.settings.counted_bots})
    warehouse = ask.desk.shop.warehouse
    rows = await asyncio.to_thread(warehouse.query, "console.days", {"site": site.id, "kept": kept}, "console")
    first, last, count = rows[0]
    return (EPOCH + timedelta(days=int(first)), EPOCH + timedelta(days=int(last))) if count else None


async def _numbers(questions: Questions, view: View, today: date) -> dict[str, Any]:
    """Tiles and chart, and what they were made of."""
    span, filters = view.date_range(today), view.question()
    metrics = list(dict.fromkeys((*view.tiles, "events")))
    compare = view.compare and view.range != "all"
    include = {"comparisons": {"mode": "previous_period"}} if compare else {}
    answer = await questions.ask(metrics, span, filters=filters, include=include)
    [row] = answer["results"]
    totals = _numbered(metrics, row["metrics"])
    first, last = days_of(answer)
    days = (last - first).days + 1
    before: dict[str, float] = {}
    compared, then = "", []
    if compare:
        before = _numbered(metrics, row["comparison"]["metrics"])
        then, half = (answer["meta"]["comparison"][name] for name in ("date_range", "to_same_time"))
        compared = days_text(*(date.fromisoformat(text[:10]) for text in then))
        compared += f" until {questions.local:%H:%M}" if half else ""
    curve = await _curve(questions, view, (first, last), then, today)
    tiles = make_tiles(view, totals, before, answer["meta"], days=days)
    return {
        "totals": totals,
        "tiles": tiles,
        "curve": curve,
        "days": (first, last),
        "compared": compared,
        "several_days": days > 1,
        "marks": _marks(tiles),
    }


def _numbered(metrics: list[str], values: list[float | None]) -> dict[str, float]:
    """Metrics by name; nan where one has no number."""
    return {name: nan if value is None else value for name, value in zip(metrics, values, strict=True)}


def _marks(tiles: list[Tile]) -> list[str]:
    """Every mark of quality on the page, in words."""
    return [MARKS.get(mark, mark) for mark in dict.fromkeys(tile.mark for tile in tiles) if mark]


async def _curve(questions: Questions, view: View, days: tuple[date, date], then: list[str], today: date) -> Curve:
    """The curve of a range; `then` is the earlier one to be drawn under it, if any."""
    span = [day.isoformat() for day in days]
    more = {"filters": view.question(), "dimensions": ["time"], "include": {"time_labels": True}}
    answer = await questions.ask([view.metric], span, **more)
    labels, values = _series(answer)
    before: list[float] = []
    if then:
        before = _series(await questions.ask([view.metric], then, **more))[1]
    step = "hour" if labels and " " in labels[0] else "month" if (days[1] - days[0]).days >= 92 else "day"
    if days == (today, today):
        labels, values = _until_now(labels, values, questions)
    names = [time_name(label, step) for label in labels]
    unit = METRIC[view.metric].unit
    chart = draw(
        Series(
            [time_label(label) if step != "month" else name for label, name in zip(labels, names, strict=True)],
            values,
            before[: len(values)],
            [is_provisional(answer["meta"], view.metric, label) for label in labels],
            running=days[1] >= today,
        )
    )
    title = title_of(view.metric, (days[1] - days[0]).days + 1)
    rows = [
        (name, in_unit(unit, value), in_unit(unit, before[place]) if place < len(before) else "")
        for place, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    return Curve(chart, title, _summary(title, step, names, values, view.metric), rows, names)


def _series(answer: Any) -> tuple[list[str], list[float]]:
    """Every label of the range, and 0 where nothing was counted."""
    labels: list[str] = list(answer["meta"]["time_labels"])
    found = {row.names[0]: row.values[0] for row in rows_of(answer) if not isnan(row.values[0])}
    return labels, [found.get(label, 0) for label in labels]


def _until_now(labels: list[str], values: list[float], questions: Questions) -> tuple[list[str], list[float]]:
    """Hours that have begun: those to come are not zero, they are not there."""
    last = max((place for place, value in enumerate(values) if value), default=-1)
    now = f"{questions.local:%Y-%m-%d %H}"
    begun = [place for place, label in enumerate(labels) if label[:13] <= now or place <= last]
    return [labels[place] for place in begun], [values[place] for place in begun]


def _summary(title: str, step: str, names: list[str], values: list[float], metric: str) -> str:
    """The chart in a sentence, for those who do not see it."""
    if not any(values):
        return f"{title} by {step}: none."
    highest = max(range(len(values)), key=lambda place: values[place])
    unit = METRIC[metric].unit
    last = f"{in_unit(unit, values[-1])} on {names[-1]}"
    return f"{title} by {step}: the most were {in_unit(unit, values[highest])} on {names[highest]}; {last}."


async def _card(questions: Questions, view: View, today: date, panel: Panel, totals: dict[str, float]) -> Card:
    tab = panel.tab(view)
    try:
        answer = await questions.ask(
            tab.metrics,
            view.date_range(today),
            dimensions=[tab.dimension],
            filters=tab.question(view),
            pagination={"limit": _ROWS},
            include={"total_rows": True},
        )
    except TryLater:
        return Card(panel, tab.dimension, None)
    whole_of = totals[tab.metrics[0]]
    table = make_table(tab, rows_of(answer), view, whole_of=whole_of, total=answer["meta"]["total_rows"])
    return Card(panel, tab.dimension, table)
