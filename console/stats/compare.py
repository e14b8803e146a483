"""An earlier range beside the one that was asked for: which days it has, and which of its rows belongs to which.

The shape is that of Plausible's dashboard: each row gets `comparison` with the earlier `metrics` and their `change`.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypedDict

from console.stats.groups import Row
from console.stats.plan import Plan
from console.stats.query import Comparison, Moments, Query, Span
from console.stats.terms import step_of
from event_catalogue.metrics import SCROLL_DEPTH, Metric

Number = float | dict[str, Any] | None
"""What a metric may be in an answer; money has its currency with it."""
_WEEKS_OF_A_YEAR: Final = 52


class Compared(TypedDict):
    """What a row says of the earlier range."""

    dimensions: list[str]
    metrics: list[int | float]
    change: list[int | float | None]


def earlier(wanted: Comparison, plan: Plan) -> Span | Moments:
    """The range to compare with."""
    if wanted.date_range is not None:
        return wanted.date_range
    shift = plan.first - _year_before(plan.first, wanted)
    if wanted.mode == "previous_period":
        shift = timedelta(days=plan.days)
        if wanted.match_day_of_week:
            shift = timedelta(days=-(-plan.days // 7) * 7)
    if plan.moments is None:
        last = plan.last - shift if wanted.mode == "previous_period" else _year_before(plan.last, wanted)
        return Span(plan.first - shift, last)
    return Moments(*(_shifted(at, shift, plan) for at in (plan.moments.since, plan.moments.until)))


def up_to_now(span: Span | Moments, plan: Plan, now: int) -> Span | Moments:
    """The earlier days up to the time of day that it is now, where the question's range ends today: half a day is not
    compared with a whole one."""
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(plan.zone)
    if isinstance(span, Moments) or plan.moments is not None or plan.last != local.date():
        return span
    end = datetime.combine(span.last, local.time(), plan.zone)
    return Moments(plan.start_of(span.first), max(plan.start_of(span.last) + 1, int(end.timestamp() * 1000)))


def put_beside(query: Query, rows: list[Row], plan: Plan, before: list[Row], then: Plan) -> list[dict[str, Any]]:
    """The rows, each with what its group had in the earlier range; a time has its place in the range in common."""
    found = {tuple(row["dimensions"]): row["metrics"] for row in before}
    labels: list[dict[str, str]] = []
    for asked in query.dimensions:
        times: dict[str, str] = {}
        if asked.dimension.scope == "time":
            now_labels, then_labels = (one.labels(step_of(asked.dimension, one)) for one in (plan, then))
            times = dict(zip(now_labels, then_labels, strict=False))
        labels.append(times)
    nothing: list[Any] = [
        None if metric.timing or metric.unit == "money" or metric.name == SCROLL_DEPTH else 0
        for metric in query.metrics
    ]
    compared: list[dict[str, Any]] = []
    for row in rows:
        names = [times.get(name, "") if times else name for times, name in zip(labels, row["dimensions"], strict=True)]
        metrics = found.get(tuple(names), nothing)
        pairs = zip(query.metrics, row["metrics"], metrics, strict=True)
        beside: Compared = {"dimensions": names, "metrics": metrics, "change": [change(*pair) for pair in pairs]}
        compared.append({**row, "comparison": beside})
    return compared


def change(metric: Metric, now: Number, then: Number) -> int | float | None:
    """By how much a number grew: of percentages in points, else in percent; None where there was nothing before."""
    if now is None or then is None:
        return None
    if isinstance(now, dict) and isinstance(then, dict):
        same = now["currency"] == then["currency"]
        return _change(metric, float(now["value"]), float(then["value"])) if same else None
    return _change(metric, now, then)  # type: ignore[arg-type]  # money is beside money


def _change(metric: Metric, now: float, then: float) -> int | float | None:
    if metric.unit == "percent":
        return round(now - then, 2)
    if not then:
        return None if now else 0
    return round(100 * (now - then) / then, 2)


def _year_before(day: date, wanted: Comparison) -> date:
    if wanted.match_day_of_week:
        return day - timedelta(weeks=_WEEKS_OF_A_YEAR)
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _shifted(at: int, shift: timedelta, plan: Plan) -> int:
    """The same time of day by the site's clock, some days before."""
    local = datetime.fromtimestamp(at // 1000, plan.zone).replace(tzinfo=None) - shift
    return int(local.replace(tzinfo=plan.zone).timestamp()) * 1000
