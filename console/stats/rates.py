"""Conversion rates: visitors who reach a goal, as a share of those of the same question without the goal. And the share
that a row has of all visitors of the question.

Two questions are asked: the one that was put, with its visitors, and the one of whom they are a share. Both are
answered like any other, so the rate is worth what the worse of the two is worth.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from console.stats.filters import conditions
from console.stats.groups import Row
from console.stats.query import All, Asked, BadQuery, Condition, Order, Query
from event_catalogue.dimensions import GOAL, OTHER
from event_catalogue.metrics import METRIC

_VISITORS: Final = METRIC["visitors"]
_MARKS: Final = ("exact", "estimate", "merged", "provisional", "not computable")
_ALL_ROWS: Final = 4_000_000_000

Ask = Callable[[Query], Mapping[str, Any]]
"""A question without such rates → its whole answer."""


def asks_rates(query: Query) -> bool:
    """Whether the question asks for a share of visitors."""
    return any(metric.share_of for metric in query.metrics)


def with_rates(query: Query, ask: Ask) -> dict[str, Any]:
    """The answer to a question that asks for shares. Raises BadQuery where there is nothing to be a share of."""
    kinds: set[str] = {metric.share_of for metric in query.metrics if metric.share_of}
    if "question" in kinds and not query.dimensions:
        raise BadQuery("metrics", "A percentage is of a row: add a dimension, such as 'visit:source'.")
    if kinds != {"question"} and all(asked.dimension is not GOAL for asked in (*query.dimensions, *_filtered(query))):
        raise BadQuery("metrics", "A conversion rate is of a goal: add 'event:goal' as a dimension or as a filter.")
    plain = _plain(query)
    answer = dict(ask(plain))
    wholes = {kind: _wholes(query, kind, ask) for kind in kinds}
    rows = [_row(query, plain, row, wholes) for row in answer["results"]]
    if _by_rate(query):
        rows = sorted_rows(query, rows)[query.offset : query.offset + query.limit]
    quality = answer["meta"]["quality"]
    for metric in query.metrics:
        if metric.share_of:
            quality[metric.name] = _worse(quality["visitors"], wholes[metric.share_of][1])
    if _VISITORS not in query.metrics:
        del quality["visitors"]
        answer["meta"].get("metric_warnings", {}).pop("visitors", None)
    answer["query"] |= {
        "metrics": [metric.name for metric in query.metrics],
        "order_by": [[order.name, order.direction] for order in query.order_by],
        "pagination": {"limit": query.limit, "offset": query.offset},
    }
    return answer | {"results": rows}


def _filtered(query: Query) -> list[Asked]:
    return [leaf.asked for leaf in conditions(query.filters)]


def _by_rate(query: Query) -> bool:
    return any(metric.share_of and order.name == metric.name for order in query.order_by for metric in query.metrics)


def _plain(query: Query) -> Query:
    """The question with its visitors and without rates."""
    metrics = [metric for metric in query.metrics if not metric.share_of]
    if _VISITORS not in metrics:
        metrics.append(_VISITORS)
    if not _by_rate(query):
        return replace(query, metrics=tuple(metrics))
    # Sorted here, for the rates are only known here.
    return replace(query, metrics=tuple(metrics), order_by=(), limit=_ALL_ROWS, offset=0)


def _wholes(query: Query, kind: str, ask: Ask) -> tuple[dict[tuple[str, ...], int], Mapping[str, Any]]:
    """Of whom the rates are shares: visitors by what the answer's groups share with them; and what that is worth."""
    kept = query.filters.parts
    if kind != "question":
        kept = tuple(part for part in kept if not _is_of_goal(part))
    whole = replace(
        query,
        metrics=(_VISITORS,),
        dimensions=_shared(query, kind),
        filters=All(kept),
        order_by=(Order("visitors", "desc"),),
        limit=_ALL_ROWS,
        offset=0,
    )
    answer = ask(whole)
    found = {tuple(row["dimensions"]): int(row["metrics"][0]) for row in answer["results"]}
    return found, answer["meta"]["quality"]["visitors"]


def _is_of_goal(part: object) -> bool:
    """Whether a part of the filters is about goals alone."""
    if not isinstance(part, Condition):
        about = {leaf.asked.dimension is GOAL for leaf in conditions(part)}  # type: ignore[arg-type]  # a filter
        if len(about) > 1:
            raise BadQuery(
                "filters", "For a conversion rate, goals and other conditions can't be joined in one filter."
            )
        return about == {True}
    return part.asked.dimension is GOAL


def _shared(query: Query, kind: str) -> tuple[Asked, ...]:
    """The dimensions by which the whole is cut too: those of time; of a group's share all but the goal; of a row's
    none."""
    if kind == "question":
        return ()
    return tuple(
        asked
        for asked in query.dimensions
        if asked.dimension is not GOAL and (kind == "group" or asked.dimension.scope == "time")
    )


def _row(query: Query, plain: Query, row: Row, wholes: Mapping[str, tuple[dict[tuple[str, ...], int], Any]]) -> Row:
    numbers = dict(zip((metric.name for metric in plain.metrics), row["metrics"], strict=True))
    metrics: list[int | float | None] = []
    for metric in query.metrics:
        if not metric.share_of:
            metrics.append(numbers[metric.name])
            continue
        shared = _shared(query, metric.share_of)
        values = zip(query.dimensions, row["dimensions"], strict=True)
        key = tuple(value for asked, value in values if asked in shared)
        # Merged groups are not the same ones in both answers.
        of = None if OTHER in key else wholes[metric.share_of][0].get(key, None if numbers["visitors"] else 1)
        metrics.append(round(metric.factor * numbers["visitors"] / of, metric.digits) if of else None)
    return {"metrics": metrics, "dimensions": row["dimensions"]}


def sorted_rows(query: Query, rows: list[Row]) -> list[Row]:
    """Rows in the order of the question; what has no number as if it were less than any."""
    places = {metric.name: ("metrics", place) for place, metric in enumerate(query.metrics)}
    places |= {asked.name: ("dimensions", place) for place, asked in enumerate(query.dimensions)}
    rows = sorted(rows, key=lambda row: row["dimensions"])
    for order in reversed(query.order_by):
        part, place = places[order.name]
        rows.sort(key=lambda row: _rank(row, part, place), reverse=order.direction == "desc")
    return rows


def _rank(row: Row, part: str, place: int) -> Any:
    value: Any = row["metrics"][place] if part == "metrics" else row["dimensions"][place]
    if isinstance(value, dict):
        value = value["value"]
    return -1 if value is None else value


def _worse(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    return max(one, other, key=lambda mark: _MARKS.index(mark["mark"]))
