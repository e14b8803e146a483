"""Plan → one SQL statement over raw rows.

Two shapes. *Rows*: metrics of events, grouped and filtered by what each event says: one pass, no visits. *Visits*: as
soon as a whole visit matters. A condition on events then picks the events of a visit that fulfil it; the visit counts
if any does, with its whole length, pages and engagement, while page views and events are those that fulfil it.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; what a reader wrote is bound as a parameter (terms.py)

from dataclasses import dataclass
from typing import Final

from console.stats.filters import conditions, holds_done
from console.stats.plan import Plan
from console.stats.query import Query, SiteRef
from console.stats.terms import Terms
from event_catalogue.metrics import MEASURES, MeasureName
from warehouse.client import Param
from warehouse.metrics import ROW_SUMS, VISIT_SUMS, VisitShape, hit_columns, raw_rows

_ARRAY: Final = {"count": "arrayCount", "sum": "arraySum"}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters. A row of the answer: one value for each dimension, then one for each measure."""

    sql: str
    count_sql: str
    """How many rows there are without a limit."""
    params: dict[str, Param]
    measures: tuple[MeasureName, ...]


def build(query: Query, plan: Plan, site: SiteRef) -> Statement:
    """The statement that answers `query` from the raw rows of the plan's days."""
    measures = tuple(dict.fromkeys(name for metric in query.metrics for name in metric.measures))
    keys = [f"k{n}" for n in range(len(query.dimensions))]
    if _needs_visits(query, measures):
        shape = VisitShape()
        terms = Terms(plan, site, shape)
        relation, sums = _visits(query, terms, shape, keys, measures), VISIT_SUMS
    else:
        terms = Terms(plan, site, None)
        relation, sums = _rows(query, terms, keys), ROW_SUMS
    columns = ", ".join([*keys, *(f"{sums[name]} AS m_{name}" for name in measures)])
    grouped = f"{relation} GROUP BY {', '.join(keys)}" if keys else relation
    sql = f"SELECT {columns} FROM {grouped}{_order_by(query, keys)} LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}"
    count_sql = f"SELECT count() FROM (SELECT {', '.join(keys)} FROM {grouped})" if keys else "SELECT 1"
    return Statement(sql, count_sql, {**terms.params, "limit": query.limit, "offset": query.offset}, measures)


def _needs_visits(query: Query, measures: tuple[MeasureName, ...]) -> bool:
    scopes = {asked.dimension.scope for asked in query.dimensions}
    scopes |= {leaf.asked.dimension.scope for leaf in conditions(query.filters)}
    return "visit" in scopes or holds_done(query.filters) or any(MEASURES[name].scope == "visit" for name in measures)


def _order_by(query: Query, keys: list[str]) -> str:
    """Sort as asked, then by every dimension, so that pages of an answer never overlap."""
    if not keys:
        return ""
    terms = {asked.name: key for asked, key in zip(query.dimensions, keys, strict=True)}
    for metric in query.metrics:
        over, under = f"m_{metric.over}", f"m_{metric.under}"
        terms[metric.name] = over if metric.under is None else f"if({under} = 0, 0, {over} / {under})"
    wanted = [f"{terms[order.name]} {order.direction.upper()}" for order in query.order_by]
    return f" ORDER BY {', '.join([*wanted, *keys])}"


def _rows(query: Query, terms: Terms, keys: list[str]) -> str:
    """Matching rows with their keys."""
    named = [f"{terms.key(asked)} AS {key}" for asked, key in zip(query.dimensions, keys, strict=True)]
    columns = ", ".join([*named, "day", "visitor", "name", "engaged_ms"])
    return f"(SELECT {columns} FROM {raw_rows()} AND ({terms.predicate(query.filters)}))"


def _visits(query: Query, terms: Terms, shape: VisitShape, keys: list[str], measures: tuple[MeasureName, ...]) -> str:
    """Visits with matching events, each once for every combination of keys that these have, and counts of them."""
    values = [terms.key(asked) for asked in query.dimensions]
    predicate = terms.predicate(query.filters)
    whole = shape.measures(measures)
    facts = [(column, how, f"e.{shape.place(fact)}") for column, (how, fact) in hit_columns(measures).items()]
    visits = shape.visits({**terms.attributes, **whole})
    if terms.differs_by_event(leaf.asked for leaf in conditions(query.filters)):
        matching = f"SELECT *, arrayFilter(e -> {predicate}, v) AS hits FROM ({visits}) WHERE notEmpty(hits)"
    else:
        matching = f"SELECT *, v AS hits FROM ({visits}) WHERE {predicate}"
    if terms.differs_by_event(query.dimensions):
        named = [f"hits[1].{place} AS {key}" for place, key in enumerate(keys, start=1)]
        matching = _spread(matching, values, [fact for _, _, fact in facts])
        facts = [(column, how, f"e.{place}") for place, (column, how, _) in enumerate(facts, start=len(keys) + 1)]
    else:
        named = [f"{value} AS {key}" for value, key in zip(values, keys, strict=True)]
    sums = [f"{_ARRAY[how]}(e -> {fact}, hits) AS {column}" for column, how, fact in facts]
    return f"(SELECT {', '.join(['day', 'who', 'known', *named, *whole, *sums])} FROM ({matching}))"


def _spread(visits: str, values: list[str], facts: list[str]) -> str:
    """One row for each different combination of `values` in a visit; `hits` are then (values…, facts…) of its events.

    The events of a visit are sorted by their values and cut where these change: a fifth cheaper than grouping by
    visit and values, and without a table of all such groups in memory.
    """
    key = ", ".join(f"e.{place}" for place in range(1, len(values) + 1))
    events = f"arraySort(e -> ({key}), arrayMap(e -> tuple({', '.join([*values, *facts])}), hits))"
    cuts = (
        f"arraySplit((e, f) -> ({key}) != ({key.replace('e.', 'f.')}), all, arrayPushFront(arrayPopBack(all), all[1]))"
    )
    return f"SELECT * EXCEPT (hits, all), arrayJoin({cuts}) AS hits FROM (SELECT *, {events} AS all FROM ({visits}))"
