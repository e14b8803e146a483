"""Visits cut out of raw rows, for questions that the table `visits` can't answer and for visitors it lags behind of."""

# ruff: noqa: S608  the text is made of the catalogue's names; what a reader wrote is bound as a parameter (terms.py)

from collections.abc import Iterable, Mapping
from typing import Final

from console.stats.filters import conditions
from console.stats.plan import Plan
from console.stats.query import Query
from console.stats.terms import OfShape, Terms
from event_catalogue.dimensions import GOAL, STEPS
from event_catalogue.metrics import MeasureName
from warehouse.client import Param
from warehouse.metrics import VISIT_SUMS, VisitShape, hit_columns

_GOAL: Final = "one_goal"
_OF_HITS: Final = {
    "count": "arrayCount(e -> {}, hits)",
    "sum": "arraySum(e -> {}, hits)",
    "deepest": (
        "arrayReduce('maxMap', arrayMap(d -> map(d.1, d.2), arrayFilter(d -> d.2 > 0, arrayMap(e -> {}, hits))))"
    ),
}
"""What is made of a fact of the matching events of a visit."""


def summed(sums: Mapping[MeasureName, str], measures: Iterable[MeasureName]) -> list[str]:
    """Measures as columns of one type, so that parts of an answer fit together."""
    return [f"toInt64({sums[name]}) AS n_{name}" for name in measures]


def shaped(query: Query, plan: Plan, params: dict[str, Param], measures: tuple[MeasureName, ...], rows: str) -> str:
    """Measures of visits by day and keys, as `n_…`; `rows`: FROM and WHERE of the rows that count."""
    shape = VisitShape()
    terms = Terms(plan, params, OfShape(shape))
    keys = [f"k{place}" for place in range(len(query.dimensions))]
    relation = _visits(query, terms, shape, measures, rows)
    columns = ", ".join([*keys, *summed(VISIT_SUMS, measures)])
    return f"SELECT {columns} FROM {relation} GROUP BY {', '.join(['day', *keys])}"


def _visits(query: Query, terms: Terms, shape: VisitShape, measures: tuple[MeasureName, ...], rows: str) -> str:
    """Visits with matching events, each once for every combination of keys that these have, and counts of them."""
    keys = [f"k{place}" for place in range(len(query.dimensions))]
    values = [_GOAL if asked.dimension is GOAL else terms.key(asked) for asked in query.dimensions]
    goals = terms.goals_of_event() if any(asked.dimension is GOAL for asked in query.dimensions) else ""
    steps = [terms.is_step(asked) for asked in query.dimensions if asked.dimension in STEPS]
    predicate = " AND ".join([*steps, f"({terms.predicate(query.filters)})"])
    whole = shape.measures(measures)
    facts = [(column, how, f"e.{shape.place(fact)}") for column, (how, fact) in hit_columns(measures).items()]
    visits = shape.visits({**terms.attributes, **whole}, rows=rows)
    if steps or terms.differs_by_event(leaf.asked for leaf in conditions(query.filters)):
        matching = f"SELECT *, arrayFilter(e -> {predicate}, v) AS hits FROM ({visits}) WHERE notEmpty(hits)"
    else:
        matching = f"SELECT *, v AS hits FROM ({visits}) WHERE {predicate}"
    if terms.differs_by_event(query.dimensions):
        named = [f"hits[1].{place} AS {key}" for place, key in enumerate(keys, start=1)]
        told = [fact for _, _, fact in facts]
        matching = _spread(matching, values, told, goals=goals)
        facts = [(column, how, f"e.{place}") for place, (column, how, _) in enumerate(facts, start=len(keys) + 1)]
    else:
        named = [f"{value} AS {key}" for value, key in zip(values, keys, strict=True)]
    sums = [f"{_OF_HITS[how].format(fact)} AS {column}" for column, how, fact in facts]
    return f"(SELECT {', '.join(['day', 'who', 'known', *named, *whole, *sums])} FROM ({matching}))"


def _spread(visits: str, values: list[str], facts: list[str], *, goals: str = "") -> str:
    """One row for each different combination of `values` in a visit; `hits` are then (values…, facts…) of its events.

    The events of a visit are sorted by their values and cut where these change: a fifth cheaper than grouping by
    visit and values, and without a table of all such groups in memory.
    """
    key = ", ".join(f"e.{place}" for place in range(1, len(values) + 1))
    tuples = f"arrayMap(e -> tuple({', '.join([*values, *facts])}), hits)"
    if goals:
        # An event stands in it once for each goal that it reaches.
        several = f"arrayMap({_GOAL} -> tuple({', '.join([*values, *facts])}), {goals})"
        tuples = f"arrayFlatten(arrayMap(e -> {several}, hits))"
    events = f"arraySort(e -> ({key}), {tuples})"
    cuts = (
        f"arraySplit((e, f) -> ({key}) != ({key.replace('e.', 'f.')}), all, arrayPushFront(arrayPopBack(all), all[1]))"
    )
    return (
        f"SELECT * EXCEPT (hits, all), arrayJoin({cuts}) AS hits FROM (SELECT *, {events} AS all FROM ({visits})) "
        "WHERE notEmpty(all)"
    )
