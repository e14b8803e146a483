"""What each number of an answer is worth: a mark, the days that it is about, and the reason in words."""

from collections.abc import Mapping
from typing import Protocol, TypedDict

from console.stats.groups import Groups
from console.stats.plan import Plan
from console.stats.query import Query


class Mark(TypedDict):
    """The mark of one metric."""

    mark: str
    days: list[str]
    reason: str


class Purgeable(Protocol):
    """A seal, as far as it matters here."""

    @property
    def purged(self) -> int:
        """When the raw rows of its day went; 0 while they are there."""

    @property
    def verified(self) -> int:
        """0 where the legal maximum came before its numbers could be proven."""


def marks(query: Query, plan: Plan, seals: Mapping[int, Purgeable], groups: Groups | None) -> dict[str, Mark]:
    """By metric. `groups` is None where all was counted from raw rows."""
    return {
        metric.name: _mark(plan, seals, groups, groups.withheld[place] if groups else 0)
        for place, metric in enumerate(query.metrics)
    }


def _mark(plan: Plan, seals: Mapping[int, Purgeable], groups: Groups | None, withheld: int) -> Mark:
    whole = [plan.first.isoformat(), plan.last.isoformat()]
    if groups is None:
        return _from_rows(whole, seals, [])
    raw = [part for part in plan.parts if part.source == "raw"]
    lacks = []
    if groups.merged:
        lacks.append("groups of too few people are merged into (other)")
    if groups.hidden:
        lacks.append("groups of too few people are left out: with several attributes they would be single people")
    if withheld:
        lacks.append("means and sums leave out days on which they are withheld")
    if raw == list(plan.parts):
        return _from_rows(whole, seals, lacks)
    if raw:
        days = [raw[0].first.isoformat(), raw[-1].last.isoformat()]
        return {"mark": "provisional", "days": days, "reason": "; ".join(["these days are not sealed yet", *lacks])}
    if any(not seal.verified for seal in seals.values()):
        lacks.insert(0, "of some days the numbers could not be proven before their raw rows had to go")
    if lacks:
        return {"mark": "merged", "days": whole, "reason": "; ".join(lacks)}
    return {"mark": "exact", "days": whole, "reason": "all days are sealed"}


def _from_rows(whole: list[str], seals: Mapping[int, Purgeable], lacks: list[str]) -> Mark:
    """Of an answer that is counted from raw rows alone."""
    mark, reason = "provisional", "these days are not sealed yet"
    if any(seal.purged for seal in seals.values()):
        mark = "not computable"
        reason = "the raw rows that this question needs are gone for some of these days; their part is missing"
    elif seals:
        reason = "counted from raw rows; sealed days will not be able to answer this when these are gone"
    return {"mark": mark, "days": whole, "reason": "; ".join([reason, *lacks])}
