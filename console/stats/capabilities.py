"""What can be asked of a site and a range, before anybody asks: every metric and dimension, and what is left of each
where raw rows are gone. The same rule decides as for an answer (kept.py), so both can't disagree."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.stats.kept import kept_form
from console.stats.kept_revenue import money_form
from console.stats.marks import Purgeable
from console.stats.plan import Plan
from console.stats.query import All, Asked, Condition, Query
from event_catalogue.aggregates import RAW_MEASURES
from event_catalogue.dimensions import DIMENSION, DIMENSIONS, NAMED, STEPS, Dimension
from event_catalogue.metrics import METRIC, METRICS, SCROLL_DEPTH


def capabilities(query: Query, plan: Plan, seals: Mapping[int, Purgeable]) -> dict[str, Any]:
    """The answer's content; `query` names the site and the range."""
    purged = sum(bool(seal.purged) for seal in seals.values())
    return {
        "site_id": query.site_id,
        "date_range": list(plan.span()),
        "days": {"all": plan.days, "sealed": len(seals), "purged": purged},
        "metrics": [
            {
                "name": metric.name,
                "unit": metric.unit,
                "definition": metric.definition,
                "needs": "event:page" if metric.name == SCROLL_DEPTH else _NEEDS.get(metric.share_of, ""),
                "after_purge": RAW_MEASURES.isdisjoint(metric.measures),
            }
            for metric in METRICS
        ],
        "dimensions": [_dimension(query, plan, one, all_raw=not purged) for one in DIMENSIONS],
        "several_attributes": not purged,
    }


_NEEDS = {"all": "event:goal", "group": "event:goal", "question": "a dimension"}


def _dimension(query: Query, plan: Plan, dimension: Dimension, *, all_raw: bool) -> dict[str, Any]:
    asked = Asked(dimension.name, dimension)
    is_time = dimension.scope == "time"
    question = _question(query, asked)
    if dimension in STEPS:
        question = replace(question, filters=All((Condition("is", Asked("event:page", DIMENSION["path"]), ("/",)),)))
    grouped = kept_form(question, plan) is not None
    leaf = Condition("is", asked, ("a value",))
    one_value = not is_time and kept_form(_question(query, leaf), plan) is not None
    money = money_form(_question(query, asked), plan) is not None
    operators = ["is", "is_not", "contains", "contains_not", "matches", "matches_not"]
    names = [alias for alias, name in NAMED.items() if name == dimension.name]
    return {
        "name": dimension.name,
        "aliases": [*dimension.aliases, *names],
        "scope": dimension.scope,
        "definition": dimension.definition,
        "group_by": all_raw or grouped,
        "filter_by": [] if is_time or dimension in STEPS else operators if all_raw else ["is"] if one_value else [],
        "after_purge": {"group_by": grouped, "filter_by": ["is"] if one_value else [], "revenue": money},
    }


def _question(query: Query, part: Asked | Condition) -> Query:
    visits = (METRIC["visits"],)
    if isinstance(part, Asked):
        return Query(query.site_id, visits, query.date_range, dimensions=(part,))
    return Query(query.site_id, visits, query.date_range, filters=All((part,)))
