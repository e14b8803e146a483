"""Answers about unsealed days from the table `visits`, as far as it goes, in parts that no two visitors share.

Whole visits are read as they are kept: a tenth of the work of cutting them out of rows. What single events say comes
from the rows, and a visitor with one visit a day (nine of ten) needs nothing more than to be joined with it. Cut out of
rows are only visitors with several visits, where events matter, and those with rows that are newer than their visits.
So an answer never lags behind the rows.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; what a reader wrote is bound as a parameter (terms.py)

from typing import Final

from console.stats.filters import conditions, holds_done
from console.stats.goals import is_funnel
from console.stats.plan import Plan
from console.stats.query import All, Filter, Query
from console.stats.shaped import shaped, summed
from console.stats.terms import OfRows, Terms
from event_catalogue.aggregates import RAW_MEASURES
from event_catalogue.dimensions import STEPS
from event_catalogue.metrics import MeasureName
from warehouse.client import Param
from warehouse.metrics import (
    NOBODY,
    OF_SITE,
    ROW_EXPRESSIONS,
    ROW_SUMS,
    VISIT_FACTS,
    VISIT_SUMS,
    number,
    raw_rows,
    stored_rows,
)
from warehouse.people import COUNTED

_HITS: Final[dict[MeasureName, tuple[str, str]]] = {
    "pageviews": ("hit_pageviews", "views"),
    "events": ("hit_events", "counted"),
    "engaged_ms": ("hit_engaged_ms", "engaged_ms"),
    "revenue": ("hit_revenue", ""),
    "purchases": ("hit_purchases", ""),
}
"""Measure → its column in the relation of visits, and the column of `visits` that holds it for all events; of money
none, for it is only asked for by currency."""
_ROW_HITS: Final[dict[MeasureName, str]] = {
    "pageviews": f"countIf({ROW_EXPRESSIONS['viewed']})",
    "events": f"countIf({ROW_EXPRESSIONS['counted']})",
    "engaged_ms": "sum(engaged_ms)",
    "revenue": ROW_SUMS["revenue"],
    "purchases": ROW_SUMS["purchases"],
}
_VISIT_DAYS: Final = f"visits FINAL WHERE {OF_SITE} AND {COUNTED}"
_ID: Final = number("visitor")
_SOMEBODY: Final = f"visitor != {NOBODY}"


def can_settle(query: Query) -> bool:
    """Whether the kept visits can answer: where no funnel, no step and no scrolling is asked for, no condition asks for
    another event of the visit, and none mixes what a visit says with what an event says."""
    if any(is_funnel(asked) or asked.dimension in STEPS for asked in query.dimensions):
        return False
    if any(not RAW_MEASURES.isdisjoint(metric.measures) for metric in query.metrics):
        return False
    return not holds_done(query.filters) and all(len(_scopes(part)) == 1 for part in query.filters.parts)


def settled(
    query: Query, plan: Plan, params: dict[str, Param], measures: tuple[MeasureName, ...], not_kept: str
) -> list[str]:
    """The parts of the answer: measures by day and keys as `n_…`, each about other visitors.

    `not_kept`: the condition that picks rows whose visits can't be taken from `visits`; empty where there are none.
    """
    terms = Terms(plan, params, OfRows())
    asked = [*query.dimensions, *(leaf.asked for leaf in conditions(query.filters))]
    by_event = terms.differs_by_event(asked)
    # By id alone, not by day: an id that is apart on one day is so on all, and each is in one part. Rows of nobody are
    # few, and to tell them by their messages would mean to read every row's.
    apart = [f"SELECT {_ID} FROM {stored_rows()} AND {not_kept}"] if not_kept else []
    if by_event:
        apart.append(f"SELECT {_ID} FROM {_VISIT_DAYS} AND length(began) > 1")
    if not apart:
        return [_whole(query, terms, measures, "1")]
    them = f"{_ID} IN ({' UNION ALL '.join(apart)})"
    if not by_event:
        mine = _whole(query, terms, measures, f"known AND NOT {them}")
    elif set(measures) <= {*ROW_SUMS, "visits"} and all(one.dimension.scope != "visit" for one in asked):
        mine = _events(query, terms, measures, f"{_SOMEBODY} AND NOT {them}")
    else:
        mine = _joined(query, terms, measures, them)
    return [mine, shaped(query, plan, params, measures, f"{raw_rows()} AND (NOT {_SOMEBODY} OR {them})")]


def _scopes(part: Filter) -> set[str]:
    return {leaf.asked.dimension.scope for leaf in conditions(part)}


def _keys(query: Query) -> list[str]:
    return [f"k{place}" for place in range(len(query.dimensions))]


def _facts(measures: tuple[MeasureName, ...]) -> list[str]:
    """The columns of a visit that the measures are made of."""
    return list(dict.fromkeys(VISIT_FACTS[name] for name in measures if name in VISIT_FACTS))


def _whole(query: Query, terms: Terms, measures: tuple[MeasureName, ...], mine: str) -> str:
    """Whole visits, a row for each, with what they are grouped and filtered by."""
    keys = _keys(query)
    named = [f"{terms.key(asked)} AS {key}" for asked, key in zip(query.dimensions, keys, strict=True)]
    predicate = terms.predicate(query.filters)
    hits = {column: f"`{source}`" for column, source in (_HITS[name] for name in measures if name in _HITS)}
    facts = _facts(measures)
    arrays = {**{name: f"`{name}`" for name in facts}, **hits, **terms.attributes}
    joined = ", ".join(["`began` AS began", *(f"{source} AS {column}" for column, source in arrays.items())])
    columns = ", ".join(["day", "visitor AS who", "known", *named, *facts, *hits])
    visits = f"SELECT {columns} FROM visits FINAL ARRAY JOIN {joined} {_VISIT_DAYS.removeprefix('visits FINAL ')}"
    return (
        f"SELECT {', '.join([*keys, *summed(VISIT_SUMS, measures)])} FROM ({visits} AND {mine} AND ({predicate})) "
        f"GROUP BY {', '.join(['day', *keys])}"
    )


def _events(query: Query, terms: Terms, measures: tuple[MeasureName, ...], mine: str) -> str:
    """Rows of visitors with one visit a day: as many visits as visitors."""
    keys = _keys(query)
    named = [f"{terms.key(asked)} AS {key}" for asked, key in zip(query.dimensions, keys, strict=True)]
    sums = summed({**ROW_SUMS, "visits": ROW_SUMS["visitors"]}, measures)
    return (
        f"SELECT {', '.join([*named, *sums])} FROM {raw_rows()} AND {mine} AND ({terms.predicate(query.filters)}) "
        f"GROUP BY {', '.join(['day', *keys])}"
    )


def _joined(query: Query, terms: Terms, measures: tuple[MeasureName, ...], them: str) -> str:
    """Rows of visitors with one visit a day, gathered by what they say, and joined with that visit."""
    keys = _keys(query)
    named = dict(zip(keys, map(terms.key, query.dimensions), strict=True))
    by_row = [key for key, asked in zip(keys, query.dimensions, strict=True) if terms.differs_by_event([asked])]
    parts = {scope: [part for part in query.filters.parts if _scopes(part) == {scope}] for scope in ("event", "visit")}
    of_event, of_visit = (terms.predicate(All(tuple(parts[scope]))) for scope in ("event", "visit"))
    facts = _facts(measures)
    hits = [f"{_ROW_HITS[name]} AS {_HITS[name][0]}" for name in measures if name in _HITS]
    rows = ", ".join([f"{_ID} AS id", *(f"{named[key]} AS {key}" for key in by_row), *hits])
    group = ", ".join(["day", "id", *by_row])
    events = f"SELECT day, {rows} FROM {raw_rows()} AND {_SOMEBODY} AND ({of_event}) GROUP BY {group}"
    ones = [f"`{name}`[1] AS {name}" for name in facts]
    ones += [f"{source}[1] AS {column}" for column, source in terms.attributes.items()]
    visits = (
        f"SELECT day, visitor AS who, {_ID} AS id, {', '.join(['known', *ones])} "
        f"FROM {_VISIT_DAYS} AND known AND NOT {them} AND ({of_visit})"
    )
    shown = [key if key in by_row else f"{named[key]} AS {key}" for key in keys]
    return (
        f"SELECT {', '.join([*shown, *summed(VISIT_SUMS, measures)])} FROM ({events}) AS e INNER JOIN ({visits}) AS s "
        f"USING (day, id) GROUP BY {', '.join(['day', *keys])}"
    )
