"""Plan → one SQL statement over what is not sealed.

Three ways. *Rows*: metrics of events, grouped and filtered by what each event says: one pass, no visits. *Visits as
they are kept*: whole visits come from the table `visits`, and only visitors whose newest rows are not counted there yet
are counted from their rows (settled.py). *Visits from rows*: what is left (shaped.py). A condition on events picks the
events of a visit that fulfil it; the visit counts if any does, with its whole length, pages and engagement, while page
views and events are those that fulfil it.

Each way gives measures by day and group; days are added up around them, for nobody is the same on two days.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; what a reader wrote is bound as a parameter (terms.py)

from collections.abc import Collection
from dataclasses import dataclass

from console.stats.filters import conditions, holds_done
from console.stats.plan import Plan
from console.stats.query import Query, SiteRef
from console.stats.settled import can_settle, settled
from console.stats.shaped import shaped, summed
from console.stats.terms import OfRows, Terms, range_params
from event_catalogue.dimensions import STEPS
from event_catalogue.metrics import MEASURES, MeasureName
from warehouse.client import Param
from warehouse.metrics import ROW_SUMS, raw_rows
from warehouse.visits import not_kept


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters. A row of the answer: one value for each dimension, then one for each measure."""

    sql: str
    count_sql: str
    """How many rows there are without a limit."""
    params: dict[str, Param]
    measures: tuple[MeasureName, ...]


def build(query: Query, plan: Plan, site: SiteRef, counted: Collection[int] = (), *, fresh: bool = True) -> Statement:
    """The statement that answers `query` about the plan's days.

    `counted`: the marks of the table `visits`, none if it can't be asked; `fresh`: whether there are rows whose visits
    can't be taken from it.
    """
    measures = measures_of(query)
    params = range_params(plan, site)
    if not needs_visits(query):
        parts = [_rows(query, Terms(plan, params, OfRows()), measures)]
    elif counted and can_settle(query):
        parts = settled(query, plan, params, measures, not_kept(counted, params) if fresh else "")
    else:
        parts = [shaped(query, plan, params, measures, raw_rows())]
    keys = [f"k{n}" for n in range(len(query.dimensions))]
    columns = ", ".join([*keys, *(f"sum(n_{name}) AS m_{name}" for name in measures)])
    grouped = f"({' UNION ALL '.join(parts)})" + (f" GROUP BY {', '.join(keys)}" if keys else "")
    sql = f"SELECT {columns} FROM {grouped}{_order_by(query, keys)} LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}"
    count_sql = f"SELECT count() FROM (SELECT {', '.join(keys)} FROM {grouped})" if keys else "SELECT 1"
    return Statement(sql, count_sql, {**params, "limit": query.limit, "offset": query.offset}, measures)


def measures_of(query: Query) -> tuple[MeasureName, ...]:
    """What has to be counted, each once."""
    return tuple(dict.fromkeys(name for metric in query.metrics for name in metric.measures))


def needs_visits(query: Query) -> bool:
    """Whether whole visits matter to the question."""
    scopes = {asked.dimension.scope for asked in query.dimensions}
    scopes |= {leaf.asked.dimension.scope for leaf in conditions(query.filters)}
    visit_wide = any(MEASURES[name].scope == "visit" for name in measures_of(query))
    if any(asked.dimension in STEPS for asked in query.dimensions):
        return True
    return "visit" in scopes or holds_done(query.filters) or visit_wide


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


def _rows(query: Query, terms: Terms, measures: tuple[MeasureName, ...]) -> str:
    """Measures of matching rows, by day and keys."""
    keys = [f"k{place}" for place in range(len(query.dimensions))]
    named = [f"{terms.key(asked)} AS {key}" for asked, key in zip(query.dimensions, keys, strict=True)]
    columns = ", ".join([*named, *summed(ROW_SUMS, measures)])
    return (
        f"SELECT {columns} FROM {raw_rows()} AND ({terms.predicate(query.filters)}) "
        f"GROUP BY {', '.join(['day', *keys])}"
    )
