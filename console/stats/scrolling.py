"""How far pages are scrolled: of each view the deepest that was told, on average.

Aggregates do not keep it. So a question about it is answered in two parts: everything else as ever, and beside each of
its rows the depth from the raw rows that are left; its mark says for which days these are gone.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from console.stats.filters import conditions
from console.stats.groups import Row
from console.stats.query import BadQuery, Include, Query
from console.stats.rates import sorted_rows
from event_catalogue.dimensions import DIMENSION
from event_catalogue.metrics import METRIC, SCROLL_DEPTH, Metric

Ask = Callable[[Query], Mapping[str, Any]]
_PAGE: Final = DIMENSION["event:page"]
_ALL_ROWS: Final = 4_000_000_000
_COUNTED: Final = (
    Metric("scrolled", "count", "", "scrolled"),
    Metric("scrolled_views", "count", "", "scrolled_views"),
)


class _Depths(NamedTuple):
    """By the dimensions of the question: percent added up and views that told; and what they are worth."""

    groups: Mapping[tuple[str, ...], tuple[int, int]]
    mark: Mapping[str, Any]


def asks_scrolling(query: Query) -> bool:
    """Whether the question asks how far pages are scrolled."""
    return any(metric.name == SCROLL_DEPTH for metric in query.metrics)


def with_scrolling(query: Query, ask: Ask) -> dict[str, Any]:
    """The answer to a question that asks for it. Raises BadQuery where it is not about pages."""
    asked = [*query.dimensions, *(leaf.asked for leaf in conditions(query.filters))]
    if all(one.dimension is not _PAGE for one in asked):
        raise BadQuery("metrics", "Scroll depth is of pages: add 'event:page' as a dimension or as a filter.")
    if query.include.kept:
        raise BadQuery("include", "Of scroll depth nothing will be kept: ask without `kept`.")
    metrics = tuple(metric for metric in query.metrics if metric.name != SCROLL_DEPTH)
    plain = replace(query, metrics=metrics or (METRIC["visitors"],))
    by_depth = any(order.name == SCROLL_DEPTH for order in query.order_by)
    if by_depth:
        plain = replace(plain, order_by=(), limit=_ALL_ROWS, offset=0)
    answer = dict(ask(plain))
    depths = _depths(query, ask)
    rows = [_row(query, plain, row, depths.groups) for row in answer["results"]]
    if by_depth:
        rows = sorted_rows(query, rows)[query.offset : query.offset + query.limit]
    quality = answer["meta"]["quality"]
    answer["meta"]["quality"] = {
        metric.name: depths.mark if metric.name == SCROLL_DEPTH else quality[metric.name] for metric in query.metrics
    }
    if not metrics:
        answer["meta"].pop("metric_warnings", None)
    answer["query"] |= {
        "metrics": [metric.name for metric in query.metrics],
        "order_by": [[one.name, one.direction] for one in query.order_by],
        "pagination": {"limit": query.limit, "offset": query.offset},
    }
    return answer | {"results": rows}


def _depths(query: Query, ask: Ask) -> _Depths:
    counted = replace(query, metrics=_COUNTED, order_by=(), include=Include(), limit=_ALL_ROWS, offset=0)
    found = ask(counted)
    groups = {tuple(row["dimensions"]): (row["metrics"][0], row["metrics"][1]) for row in found["results"]}
    return _Depths(groups, found["meta"]["quality"]["scrolled"])


def _row(query: Query, plain: Query, row: Row, depths: Mapping[tuple[str, ...], tuple[int, int]]) -> Row:
    numbers = dict(zip((metric.name for metric in plain.metrics), row["metrics"], strict=True))
    scrolled, views = depths.get(tuple(row["dimensions"]), (0, 0))
    depth = METRIC[SCROLL_DEPTH].value({"scrolled": scrolled, "scrolled_views": views}) if views else None
    metrics: list[Any] = [depth if one.name == SCROLL_DEPTH else numbers[one.name] for one in query.metrics]
    return {"metrics": metrics, "dimensions": row["dimensions"]}
