"""What sealed days can answer: which questions, by which statement, and what is lacking in the answer.

Sealed days know every dimension by itself. So a question may have one dimension, or a filter that names one value of
one, and may be cut by days, weeks or months. Everything else needs raw rows and ends with them.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; what a reader wrote is bound as a parameter

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from console.stats.plan import EPOCH, Plan, Step, day_number
from console.stats.query import Asked, Condition, Query, SiteRef
from console.stats.terms import step_of
from event_catalogue.aggregates import (
    FUNNEL_STEPS,
    GOALS,
    HOUR,
    KEPT,
    KEPT_MEASURES,
    NEXT_PAGE,
    PARENTS,
    RAW_MEASURES,
    WITHHELD,
)
from event_catalogue.dimensions import FUNNEL, OTHER, RESERVED, STEPS, Dimension
from event_catalogue.metrics import Metric
from warehouse.client import Param, Record
from warehouse.rollup_rows import SEPARATOR, DayRow, Rollup
from warehouse.rollups import BESIDE_GOALS

_BUCKETS = {"day": "toUInt16(day)", "week": "toUInt16(toMonday(day))", "month": "toUInt16(toStartOfMonth(day))"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A question as aggregates answer it: of one dimension ("" for totals), by some time, of one value or of all."""

    dimension: str
    by_value: bool
    value: str | None = None
    inside: str = ""
    """What the keys begin with that are asked for: those of one funnel."""
    beside: str | None = None
    """The page beside which the pages are that are asked for."""


class Told(Protocol):
    """A sealed week or month, as far as it matters here."""

    @property
    def run(self) -> int:
        """The run of its rows."""

    @property
    def days(self) -> Mapping[int, int]:
        """Day → the run that it was made of."""

    @property
    def inside(self) -> Sequence[int]:
        """Runs of the weeks that it goes on from."""

    @property
    def dimensions(self) -> Collection[str]:
        """Of which it tells values."""


@dataclass(frozen=True, slots=True)
class KeptStatement:
    """SQL and its parameters. A row: a value for each dimension of the question; for each metric its two sums and how
    many numbers of it are withheld; then on how many days its group has numbers."""

    sql: str
    params: dict[str, Param]


def kept_form(query: Query, plan: Plan) -> Kept | None:
    """The question in the form in which aggregates can answer it; None where it needs raw rows."""
    if any(not RAW_MEASURES.isdisjoint(metric.measures) for metric in query.metrics):
        return None
    others = [asked.dimension for asked in query.dimensions if not _is_bucket(asked, plan)]
    if len(others) > 1 or len(query.dimensions) - len(others) > 1:
        return None
    if others and others[0] in STEPS:
        return _steps_form(query, plan)
    if others and _name(others[0], plan) not in _NAMES:
        return None
    name = _name(others[0], plan) if others else ""
    if not query.filters.parts:
        inside = f"{others[0].name.removeprefix(FUNNEL)}{SEPARATOR}" if name == FUNNEL_STEPS else ""
        return Kept(name, by_value=bool(others), inside=inside)
    if len(query.filters.parts) > 1 or name == HOUR.name:
        return None
    leaf = query.filters.parts[0]
    if not isinstance(leaf, Condition) or not _names_one_value(leaf) or name not in ("", leaf.asked.dimension.name):
        return None
    dimension = leaf.asked.dimension
    return Kept(dimension.name, by_value=bool(others), value=_stored(leaf, plan))


def _steps_form(query: Query, plan: Plan) -> Kept | None:
    """A question about the pages beside one page, its only filter."""
    name = next(asked.dimension.name for asked in query.dimensions if asked.dimension in STEPS)
    leaf = query.filters.parts[0] if len(query.filters.parts) == 1 else None
    if not isinstance(leaf, Condition) or leaf.asked.dimension.name != "path" or not _names_one_value(leaf):
        return None
    return Kept(name, by_value=True, beside=_stored(leaf, plan))


def _name(dimension: Dimension, plan: Plan) -> str:
    """The dimension under which aggregates know it: `time` of one day is the hour."""
    if dimension.name.startswith(FUNNEL):
        return FUNNEL_STEPS
    return HOUR.name if dimension.scope == "time" and step_of(dimension, plan) == "hour" else dimension.name


def _is_bucket(asked: Asked, plan: Plan) -> bool:
    return asked.dimension.scope == "time" and step_of(asked.dimension, plan) != "hour"


def _names_one_value(leaf: Condition) -> bool:
    """Whether the filter is one value of a kept dimension, and none of the words that mean several."""
    words = [word for word in RESERVED if word != leaf.asked.dimension.blank]
    return (
        leaf.operator == "is"
        and len(leaf.values) == 1
        and leaf.case_sensitive
        and leaf.asked.dimension.name in _NAMES
        and leaf.values[0] not in words
    )


def _stored(leaf: Condition, plan: Plan) -> str:
    """What aggregates call the one value of a filter."""
    value = leaf.values[0]
    if value == leaf.asked.dimension.blank:
        return ""
    if not leaf.asked.named:
        return value
    names = plan.names.get(leaf.asked.dimension.name, {})
    # A code is no name: it must find nothing, as in the rows.
    return next((stored for stored, name in names.items() if name == value), _NOWHERE if value in names else value)


class Runs(NamedTuple):
    """Which aggregates answer: those of the days, and of the weeks and months that tell what their days merge."""

    counted: list[int]
    told: list[int]
    """Of the counted ones those whose `(other)` is told of by another."""


def fitting(query: Query, plan: Plan, kept: Kept, days: Mapping[int, int], spans: Iterable[Told]) -> Runs:
    """The largest sealed periods that fit the range and its cuts. `days`: day → run; `spans`: the longest first."""
    steps = [step_of(asked.dimension, plan) for asked in query.dimensions if _is_bucket(asked, plan)]
    counted, told = list(days.values()), []
    covered: set[int] = set()
    for span in spans:
        mine = span.days
        if kept.dimension not in span.dimensions or covered & mine.keys():
            continue
        buckets = {_bucket(step, EPOCH + timedelta(days=day)) for step in steps for day in mine}
        if len(buckets) > 1 or any(days.get(day) != run for day, run in mine.items()):
            continue
        covered |= mine.keys()
        counted += [span.run, *span.inside]
        told += [*mine.values(), *span.inside]
    return Runs(counted, told)


def kept_statement(query: Query, plan: Plan, site: SiteRef, kept: Kept, runs: Runs) -> KeptStatement:
    """The statement over the rows of these runs."""
    params: dict[str, Param] = {"site": site.id, "runs": runs.counted, "dimension": kept.dimension}
    keys = [key_sql(asked, plan, kept) for asked in query.dimensions]
    condition = ""
    if kept.inside:
        params["inside"] = kept.inside
        condition = " AND startsWith(key, {inside:String})"
    if runs.told:
        params["told"] = runs.told
        condition += f" AND (key != {_OTHER} OR run NOT IN {{told:Array(UInt64)}})"
    if kept.beside is not None:
        params["beside"] = kept.beside
        condition += " AND parent = {beside:String}"
    if kept.value is not None:
        params["value"] = kept.value
        condition += " AND key = {value:String}"
    if kept.dimension == HOUR.name:
        condition += f" AND key != {_OTHER}"  # hours too small to be told have no place on a line of hours
    sums = [column for metric in query.metrics for column in _sums(metric)]
    grouped = f" GROUP BY {', '.join(f'k{n}' for n in range(len(keys)))}" if keys else ""
    named = [f"{key} AS k{n}" for n, key in enumerate(keys)]
    return KeptStatement(
        f"SELECT {', '.join([*named, *sums, 'uniqExact(day)', f'countIf(key = {_OTHER})'])} FROM rollups WHERE "
        "site = {site:UInt32} AND dimension = {dimension:String} AND day BETWEEN toDate({first:UInt16}) AND "
        f"toDate({{last:UInt16}}) AND run IN {{runs:Array(UInt64)}}{condition}{grouped}",
        params | {"first": day_number(plan.first), "last": day_number(plan.last)},
    )


def kept_timings(query: Query, plan: Plan, name: str) -> Kept | None:
    """The timing of this name as aggregates know it; None where the question is cut by anything but time."""
    if query.filters.parts or not all(_is_bucket(asked, plan) for asked in query.dimensions):
        return None
    return Kept(name, by_value=False)


def timings_statement(
    query: Query, plan: Plan, site: SiteRef, kept: Kept, runs: list[int]
) -> tuple[str, dict[str, Param]]:
    """SQL and its parameters. A row: the dimensions of the question, from, below, how many."""
    keys = [f"{key_sql(asked, plan, kept)} AS k{place}" for place, asked in enumerate(query.dimensions)]
    groups = [*(f"k{place}" for place in range(len(keys))), "key", "parent"]
    params: dict[str, Param] = {"site": site.id, "runs": runs, "dimension": kept.dimension}
    params |= {"first": day_number(plan.first), "last": day_number(plan.last)}
    sql = (
        f"SELECT {', '.join([*keys, 'key', 'parent', 'sum(events)'])} FROM rollups WHERE site = {{site:UInt32}} AND "
        "dimension = {dimension:String} AND day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16}) AND "
        f"run IN {{runs:Array(UInt64)}} GROUP BY {', '.join(groups)}"
    )
    return sql, params


def foretold(query: Query, plan: Plan, kept: Kept, rows: Sequence[DayRow]) -> Iterator[Record]:
    """Rows of days as their seals will hold them, in the form of the statement's."""
    for number, row in rows:
        day = EPOCH + timedelta(days=number)
        if row.dimension != kept.dimension or kept.value not in (None, row.key):
            continue
        if not row.key.startswith(kept.inside) or kept.beside not in (None, row.parent):
            continue
        if row.dimension == HOUR.name and row.key == OTHER:
            continue
        told = row._replace(key=row.key.removeprefix(kept.inside))
        keys = [key_of(asked, plan, day, told) for asked in query.dimensions]
        measures = dict(zip(KEPT_MEASURES, row.measures, strict=True))
        numbers: list[int] = []
        for metric in query.metrics:
            over, under = measures[metric.over], measures[metric.under or metric.over]
            numbers += [0, 0, 1] if WITHHELD in (over, under) else [over, under, 0]
        yield (*keys, *numbers, 1, int(row.key == OTHER))


def key_of(asked: Asked, plan: Plan, day: date, row: Rollup) -> str | int:
    """What a row of a seal is grouped by."""
    if asked.dimension.scope != "time":
        return row.key
    step = step_of(asked.dimension, plan)
    return int(row.key or 0) if step == "hour" else _bucket(step, day)


def _bucket(step: Step, day: date) -> int:
    """The day by which a day, week or month is named."""
    match step:
        case "week":
            return day_number(day - timedelta(days=day.weekday()))
        case "month":
            return day_number(day.replace(day=1))
        case _:
            return day_number(day)


def needed(kept: Kept) -> frozenset[str]:
    """The dimensions that must be counted to tell this one: it and its parents, of goals what they are told beside."""
    if kept.dimension in (GOALS, FUNNEL_STEPS):
        return BESIDE_GOALS
    if kept.beside is not None:
        return frozenset({"path", NEXT_PAGE})
    return frozenset((kept.dimension, *PARENTS.get(kept.dimension, ())))


def key_sql(asked: Asked, plan: Plan, kept: Kept) -> str:
    """The same in a statement."""
    if asked.dimension.scope != "time":
        return "substring(key, length({inside:String}) + 1)" if kept.inside else "key"
    step = step_of(asked.dimension, plan)
    return "toInt64OrZero(key)" if step == "hour" else _BUCKETS[step]


def _sums(metric: Metric) -> list[str]:
    """The two sums over the rows that have the first number: a mean of what is told, not of what is withheld."""
    over, under = metric.over, metric.under or metric.over
    told = f"{over} != {WITHHELD} AND {under} != {WITHHELD}"
    return [f"sumIf({over}, {told})", f"sumIf({under}, {told})", f"countIf(NOT ({told}))"]


_NOWHERE = "\0"
_NAMES = {*(one.name for one in KEPT), GOALS, FUNNEL_STEPS}
_OTHER = f"'{OTHER}'"
