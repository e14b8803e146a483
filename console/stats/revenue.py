"""Revenue: a question about it is answered in two parts, everything else as ever and money beside each of its rows.

Money has a currency. A row tells it in the one that all of its purchases are in, or that the question names; else it
has none, and the answer warns. Where small groups are merged, money is told only of k buyers of whom none pays more
than half, and never so that it follows from what else is told.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from console.stats.groups import Row
from console.stats.query import All, Asked, Condition, Query
from console.stats.rates import sorted_rows
from event_catalogue.currencies import in_units, long_money, short_money
from event_catalogue.dimensions import DIMENSION, OTHER
from event_catalogue.metrics import METRIC, Metric
from warehouse.revenue_choice import Bought, can_tell

CURRENCY: Final = Asked("event:currency", DIMENSION["currency"])
_ALL_ROWS: Final = 4_000_000_000
Ask = Callable[[Query], Mapping[str, Any]]
Key = tuple[str, ...]
Sum = tuple[int, int]
"""Amount in minor units, and purchases."""


class MoneyCounts(NamedTuple):
    """By the dimensions of the question and by currency; None for what is withheld."""

    groups: Mapping[Key, Mapping[str, Sum | None]]
    mark: Mapping[str, Any]
    is_whole: bool
    """Whether nothing is withheld: who is not among the groups has bought nothing."""


Count = Callable[[Query], MoneyCounts]
"""A question without metrics of money → its money."""


def asks_money(query: Query) -> bool:
    """Whether the question asks for money."""
    return any(metric.unit == "money" for metric in query.metrics)


def with_money(query: Query, ask: Ask, count: Count) -> dict[str, Any]:
    """The answer to a question that asks for money. Raises BadQuery."""
    names = {metric.name for metric in query.metrics if metric.unit == "money"}
    if len(names) == len(query.metrics):
        return _money_alone(query, ask, count)
    metrics = tuple(metric for metric in query.metrics if metric.name not in names)
    plain = replace(query, metrics=metrics)
    by_money = any(order.name in names for order in query.order_by)
    if by_money:
        plain = replace(plain, order_by=(), limit=_ALL_ROWS, offset=0)
    answer = dict(ask(plain))
    counted = count(replace(plain, order_by=()))
    rows = [*answer["results"], *_beside(plain, answer["results"], counted)]
    currencies = {currency for by_currency in counted.groups.values() for currency in by_currency}
    rows = [_row(query, plain, row, counted, currencies) for row in rows]
    quality = answer["meta"]["quality"]
    answer["meta"]["quality"] = {
        metric.name: counted.mark if metric.name in names else quality[metric.name] for metric in query.metrics
    }
    if by_money:
        rows = sorted_rows(query, rows)[query.offset : query.offset + query.limit]
    return _finished(query, answer, counted, rows)


def _money_alone(query: Query, ask: Ask, count: Count) -> dict[str, Any]:
    """The answer to a question about nothing but money: a row for each group in which something was bought. So seals
    can answer it although they know nothing else of a currency's buyers."""
    plain = replace(without_currency(query), metrics=(METRIC["events"],), order_by=(), limit=1)
    answer = dict(ask(replace(plain, include=replace(query.include, total_rows=False))))
    counted = count(replace(query, metrics=(METRIC["events"],), order_by=()))
    keys: list[Key] = sorted(counted.groups) if query.dimensions else [()]
    empty: list[Row] = [{"metrics": [0], "dimensions": list(key)} for key in keys]
    currencies = {currency for by_currency in counted.groups.values() for currency in by_currency}
    rows = [_row(query, plain, row, counted, currencies) for row in empty]
    answer["meta"]["quality"] = {metric.name: counted.mark for metric in query.metrics}
    if query.include.total_rows:
        answer["meta"]["total_rows"] = len(rows)
    answer["query"] |= {
        "dimensions": [one.name for one in query.dimensions],
        "filters": list(query.filters_said),
        "include": {**answer["query"]["include"], **({"total_rows": True} if query.include.total_rows else {})},
    }
    return _finished(query, answer, counted, sorted_rows(query, rows)[query.offset : query.offset + query.limit])


def _finished(query: Query, answer: dict[str, Any], counted: MoneyCounts, rows: list[Row]) -> dict[str, Any]:
    if any(len(by_currency) > 1 for by_currency in counted.groups.values()):
        names = [metric.name for metric in query.metrics if metric.unit == "money"]
        warnings = answer["meta"].get("metric_warnings", {})
        answer["meta"]["metric_warnings"] = {**warnings, **dict.fromkeys(names, "several_currencies")}
    answer["query"] |= {
        "metrics": [metric.name for metric in query.metrics],
        "order_by": [[one.name, one.direction] for one in query.order_by],
        "pagination": {"limit": query.limit, "offset": query.offset},
    }
    return answer | {"results": rows}


def without_currency(query: Query) -> Query:
    """The question about all currencies together."""
    asked = tuple(one for one in query.dimensions if one.dimension is not CURRENCY.dimension)
    filters = All(tuple(part for part in query.filters.parts if not names_currencies(part)))
    return replace(query, dimensions=asked, filters=filters)


def names_currencies(part: object) -> bool:
    """Whether a part of the filters names currencies."""
    return isinstance(part, Condition) and part.asked.dimension is CURRENCY.dimension and part.operator == "is"


def _beside(plain: Query, rows: Sequence[Row], counted: MoneyCounts) -> list[Row]:
    """Rows of nothing but money: what is merged of it where nothing else had to be."""
    if plain.limit != _ALL_ROWS and (plain.offset or len(rows) >= plain.limit):
        return []
    there = {tuple(row["dimensions"]) for row in rows}
    return [
        {"metrics": [0 for _ in plain.metrics], "dimensions": list(key)}
        for key in sorted(counted.groups.keys() - there)
        if OTHER in key
    ]


def _row(query: Query, plain: Query, row: Row, counted: MoneyCounts, currencies: set[str]) -> Row:
    numbers = dict(zip((metric.name for metric in plain.metrics), row["metrics"], strict=True))
    mine = counted.groups.get(tuple(row["dimensions"]), {})
    if not mine and counted.is_whole and len(currencies) == 1:
        mine = dict.fromkeys(currencies, (0, 0))
    metrics = [_money(metric, mine) if metric.unit == "money" else numbers[metric.name] for metric in query.metrics]
    return {"metrics": metrics, "dimensions": row["dimensions"]}


def _money(metric: Metric, by_currency: Mapping[str, Sum | None]) -> dict[str, Any] | None:
    """Money in the shape of Plausible's answers; None where it is withheld, or in several currencies."""
    if len(by_currency) != 1:
        return None
    [(currency, told)] = by_currency.items()
    if told is None or (metric.under and not told[1]):
        return None
    value = in_units(told[0] / told[1] if metric.under else told[0], currency)
    return {
        "currency": currency,
        "value": value,
        "short": short_money(value, currency),
        "long": long_money(value, currency),
    }


def withheld_where_few(
    query: Query, groups: Mapping[Key, Mapping[str, Sequence[Bought]]], shown: set[Key], k: int
) -> dict[Key, dict[str, Sum | None]]:
    """Live money of a question whose small groups are merged. `shown`: the groups that its answer tells; the others are
    in the `(other)` of their time, or nowhere."""
    is_time = [asked.dimension.scope == "time" for asked in query.dimensions]
    merged: dict[tuple[Key, str], dict[Key, list[Bought]]] = defaultdict(lambda: defaultdict(list))
    for key, by_currency in groups.items():
        times = tuple(value for value, time in zip(key, is_time, strict=True) if time)
        other = tuple(value if time else OTHER for value, time in zip(key, is_time, strict=True))
        for currency, bought in by_currency.items():
            merged[times if not all(is_time) else (), currency][key if key in shown else other] += bought
    found: dict[Key, dict[str, Sum | None]] = defaultdict(dict)
    for (_, currency), cells in merged.items():
        told = {key for key, bought in cells.items() if key in shown and can_tell(bought, k)}
        # One alone that is withheld would be what the others lack.
        if told and len(cells) - len(told) == 1:
            told.remove(min(told, key=lambda key: (sum(one.amount for one in cells[key]), key)))
        for key, bought in cells.items():
            amounts = sum(one.amount for one in bought), sum(one.purchases for one in bought)
            found[key][currency] = amounts if key in told else None
    return found
