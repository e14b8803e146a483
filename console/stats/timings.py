"""Percentiles of how fast pages are: read from counts in buckets, which add up over days and sources.

A question about them is answered in two parts: everything else as ever, and beside each of its rows the percentiles. A
group with fewer than k visitors has none where small groups are merged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from console.stats.groups import Row
from console.stats.query import BadQuery, Query
from console.stats.rates import sorted_rows
from event_catalogue.metrics import METRIC
from event_catalogue.timings import Interval, percentile

_ALL_ROWS: Final = 4_000_000_000
Ask = Callable[[Query], Mapping[str, Any]]


class TimingCounts(NamedTuple):
    """The counts of one timing: by the dimensions of the question; and what they are worth."""

    groups: Mapping[tuple[str, ...], Sequence[Interval]]
    mark: Mapping[str, Any]


Count = Callable[[Query, str], TimingCounts]
"""A question without such metrics, and the timing → its counts."""


def asks_timings(query: Query) -> bool:
    """Whether the question asks for a percentile."""
    return any(metric.timing for metric in query.metrics)


def with_timings(query: Query, ask: Ask, count: Count) -> dict[str, Any]:
    """The answer to a question that asks for percentiles. Raises BadQuery."""
    if query.include.kept:
        raise BadQuery("include", "What will be kept of timings is not foretold: ask without `kept`.")
    names = {metric.name for metric in query.metrics if metric.timing}
    metrics = tuple(metric for metric in query.metrics if not metric.timing)
    plain = replace(query, metrics=metrics or (METRIC["events"],))
    by_timing = any(order.name in names for order in query.order_by)
    if by_timing:
        plain = replace(plain, order_by=(), limit=_ALL_ROWS, offset=0)
    answer = dict(ask(plain))
    counted = {timing: count(plain, timing) for timing in {one.timing for one in query.metrics if one.timing}}
    quality = answer["meta"]["quality"]
    rows = [_row(query, plain, row, counted) for row in answer["results"]]
    answer["meta"]["quality"] = {
        metric.name: counted[metric.timing].mark if metric.timing else quality[metric.name] for metric in query.metrics
    }
    answer["query"] |= {
        "metrics": [metric.name for metric in query.metrics],
        "order_by": [[one.name, one.direction] for one in query.order_by],
        "pagination": {"limit": query.limit, "offset": query.offset},
    }
    if by_timing:
        rows = sorted_rows(query, rows)[query.offset : query.offset + query.limit]
    return answer | {"results": rows}


def _row(query: Query, plain: Query, row: Row, counted: Mapping[str, TimingCounts]) -> Row:
    numbers = dict(zip((metric.name for metric in plain.metrics), row["metrics"], strict=True))
    key = tuple(row["dimensions"])
    metrics: list[Any] = [
        percentile(counted[metric.timing].groups.get(key, ()), metric.percent)
        if metric.timing
        else numbers[metric.name]
        for metric in query.metrics
    ]
    return {"metrics": metrics, "dimensions": row["dimensions"]}
