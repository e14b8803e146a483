"""Runs a question and shapes the answer as Plausible's Stats API v2 does: `results`, `meta`, `query`.

Every number says in `meta.quality` what it is worth.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final, TypedDict

from console.stats.build import Statement, build
from console.stats.plan import EPOCH, Plan, plan
from console.stats.query import Asked, BadQuery, Last, Query, SiteRef
from console.stats.terms import label, step_of
from warehouse.client import Record, Warehouse
from warehouse.errors import WarehouseError

Clock = Callable[[], int]
"""Now, in ms UTC."""

_BAD_PATTERN: Final = 427
"""CANNOT_COMPILE_REGEXP."""


class Row(TypedDict):
    """One row of an answer."""

    metrics: list[int | float]
    dimensions: list[str]


class Answer(TypedDict):
    """A whole answer, ready for JSON."""

    results: list[Row]
    meta: dict[str, Any]
    query: dict[str, Any]


class Statistics:
    """Answers questions from the warehouse; safe to use from several threads."""

    def __init__(self, warehouse: Warehouse, clock: Clock) -> None:
        self._warehouse = warehouse
        self._clock = clock

    def answer(self, query: Query, site: SiteRef, *, query_id: str = "") -> Answer:
        """The answer to `query` about `site`. `query_id` names the run, so that `Warehouse.cancel` can stop it.

        Raises BadQuery; TryLater when the warehouse is busy, down or over its limits; Broken.
        """
        decided = plan(query, site, self._clock(), self._first_row(query, site))
        statement = build(query, decided, site)
        rows = self._run(statement.sql, statement, query_id)
        meta = _meta(query, decided)
        if query.include.total_rows:
            meta["total_rows"] = self._total(query, statement, len(rows), query_id)
        return {
            "results": [_row(query, decided, statement, row) for row in rows],
            "meta": meta,
            "query": _echo(query, decided),
        }

    def _first_row(self, query: Query, site: SiteRef) -> date | None:
        if query.date_range != Last("all"):
            return None
        rows = self._warehouse.query("console.first_day", {"site": site.id}, "console")
        return EPOCH + timedelta(days=int(rows[0][0])) if rows[0][1] else None

    def _total(self, query: Query, statement: Statement, found: int, query_id: str) -> int:
        if query.offset == 0 and found < query.limit:
            return found
        return int(self._run(statement.count_sql, statement, query_id)[0][0])

    def _run(self, sql: str, statement: Statement, query_id: str) -> list[Record]:
        try:
            return self._warehouse.select(sql, statement.params, "console", query_id=query_id)
        except WarehouseError as error:
            if error.code == _BAD_PATTERN:
                raise BadQuery("filters", "A pattern of `matches` is no regular expression in RE2's syntax.") from None
            raise


def _row(query: Query, decided: Plan, statement: Statement, row: Record) -> Row:
    width = len(query.dimensions)
    keys = zip(query.dimensions, row[:width], strict=True)
    measures = dict(zip(statement.measures, map(int, row[width:]), strict=True))
    return {
        "metrics": [metric.value(measures) for metric in query.metrics],
        "dimensions": [_shown(asked, value, decided) for asked, value in keys],
    }


def _shown(asked: Asked, value: Any, decided: Plan) -> str:
    dimension = asked.dimension
    if dimension.scope != "time":
        return label(dimension, str(value))
    step = step_of(dimension, decided)
    if step == "hour":
        return decided.hour_label(int(value))
    return decided.day_label(step, EPOCH + timedelta(days=int(value)))


def _meta(query: Query, decided: Plan) -> dict[str, Any]:
    """Marks of quality, warnings and labels. Raises BadQuery for too many labels."""
    days = [decided.first.isoformat(), decided.last.isoformat()]
    mark = {"mark": "provisional", "days": days, "reason": "these days are not sealed yet"}
    meta: dict[str, Any] = {"quality": {metric.name: mark for metric in query.metrics}}
    if decided.days > 1:
        counted = [metric.name for metric in query.metrics if "visitors" in metric.measures]
        if counted:
            meta["metric_warnings"] = dict.fromkeys(counted, "daily_sum")
    if query.include.imports:
        meta["imports_included"] = True
    if query.include.time_labels:
        time = next(asked.dimension for asked in query.dimensions if asked.dimension.scope == "time")
        meta["time_labels"] = decided.labels(step_of(time, decided))
    return meta


def _echo(query: Query, decided: Plan) -> dict[str, Any]:
    include = {"time_labels": query.include.time_labels, "total_rows": query.include.total_rows}
    include["imports"] = query.include.imports
    return {
        "site_id": query.site_id,
        "metrics": [metric.name for metric in query.metrics],
        "date_range": list(decided.span()),
        "filters": list(query.filters_said),
        "dimensions": [asked.name for asked in query.dimensions],
        "order_by": [[order.name, order.direction] for order in query.order_by],
        "include": {name: True for name, wanted in include.items() if wanted},
        "pagination": {"limit": query.limit, "offset": query.offset},
    }
