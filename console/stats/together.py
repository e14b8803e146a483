"""One question about several sites: each is answered by itself, by its own seals, k and clock, and their sums added up.

Nobody is recognised from one site to the other, so visitors of sites are added up as those of days are. Days and hours
are each site's own: a row of a day holds what every site calls by that date.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from console.stats.groups import Row
from console.stats.query import BadQuery, Query, SiteRef
from console.stats.rates import sorted_rows
from console.stats.revenue import MoneyCounts
from console.stats.timings import TimingCounts
from event_catalogue.metrics import MeasureName, Metric

_MOST_GROUPS: Final = 100_000
"""Groups of one site that are added up here."""
_MARKS: Final = ("exact", "estimate", "merged", "provisional", "not computable")

Ask = Callable[[Query, SiteRef], Mapping[str, Any]]
"""A question about one site → its whole answer."""


class _Sums(Metric):
    """A metric whose value is the two sums that it is made of, so that they can be added to another site's."""

    __slots__ = ()

    def value(self, measures: dict[MeasureName, int]) -> Any:
        return measures[self.over], measures[self.under or self.over]


def added_up(query: Query, sites: Sequence[SiteRef], ask: Ask) -> dict[str, Any]:
    """The answer of all sites together. Raises BadQuery."""
    asked = replace(query, metrics=tuple(_Sums(*metric) for metric in query.metrics), order_by=())
    asked = replace(asked, limit=_MOST_GROUPS + 1, offset=0)
    answers = {site: ask(asked, site) for site in sites}
    sums: dict[tuple[str, ...], list[list[int]]] = {}
    for answer in answers.values():
        if len(answer["results"]) > _MOST_GROUPS:
            raise BadQuery("site_id", f"At most {_MOST_GROUPS:,} groups of a site can be added up: ask for fewer.")
        for row in answer["results"]:
            mine = sums.setdefault(tuple(row["dimensions"]), [[0, 0] for _ in query.metrics])
            for both, (over, under) in zip(mine, row["metrics"], strict=True):
                both[0] += over
                both[1] += under
    rows = [_row(query, key, mine) for key, mine in sums.items()]
    page = sorted_rows(query, rows)[query.offset : query.offset + query.limit]
    return {"results": page, "meta": _meta(query, answers, len(rows)), "query": _echo(query, answers)}


def timings_added_up(counts: Mapping[SiteRef, TimingCounts]) -> TimingCounts:
    """The counts of a timing of all sites together."""
    groups: dict[tuple[str, ...], list[Any]] = {}
    for one in counts.values():
        for key, intervals in one.groups.items():
            groups.setdefault(key, []).extend(intervals)
    return TimingCounts(groups, _worst({site.domain: one.mark for site, one in counts.items()}))


def money_added_up(counts: Mapping[SiteRef, MoneyCounts]) -> MoneyCounts:
    """The money of all sites together; of a group what is told of it."""
    groups: dict[tuple[str, ...], dict[str, tuple[int, int] | None]] = {}
    for one in counts.values():
        for key, by_currency in one.groups.items():
            mine = groups.setdefault(key, {})
            for currency, told in by_currency.items():
                before = mine.get(currency)
                mine[currency] = (told[0] + before[0], told[1] + before[1]) if told and before else told or before
    mark = _worst({site.domain: one.mark for site, one in counts.items()})
    return MoneyCounts(groups, mark, all(one.is_whole for one in counts.values()))


def _row(query: Query, key: tuple[str, ...], sums: list[list[int]]) -> Row:
    metrics = []
    for metric, (over, under) in zip(query.metrics, sums, strict=True):
        measures = {metric.over: over} if metric.under is None else {metric.over: over, metric.under: under}
        metrics.append(metric.value(measures))
    return {"metrics": metrics, "dimensions": list(key)}


def _meta(query: Query, answers: Mapping[SiteRef, Mapping[str, Any]], total: int) -> dict[str, Any]:
    metas = {site: answer["meta"] for site, answer in answers.items()}
    meta: dict[str, Any] = {
        "quality": {
            metric.name: _worst({site.domain: one["quality"][metric.name] for site, one in metas.items()})
            for metric in query.metrics
        },
        "sites": [
            {"site_id": site.domain, "timezone": site.timezone, "date_range": answer["query"]["date_range"]}
            for site, answer in answers.items()
        ],
    }
    if warned := {name for one in metas.values() for name in one.get("metric_warnings", ())} | _of_visitors(query):
        meta["metric_warnings"] = dict.fromkeys(sorted(warned), "site_sum" if len(answers) > 1 else "daily_sum")
    if lacks := {site.domain: one["goals"] for site, one in metas.items() if "goals" in one}:
        meta["goals_by_site"] = lacks
    noted = [{**note, "site_id": site.domain} for site, one in metas.items() for note in one.get("annotations", ())]
    if noted:
        meta["annotations"] = sorted(noted, key=lambda note: (note["date"], note["site_id"], note["id"]))
    if query.include.imports:
        meta["imports_included"] = True
    if query.include.time_labels:
        meta["time_labels"] = sorted({label for one in metas.values() for label in one["time_labels"]})
    if query.include.total_rows:
        meta["total_rows"] = total
    return meta


def _of_visitors(query: Query) -> set[str]:
    return {metric.name for metric in query.metrics if "visitors" in metric.measures}


def _echo(query: Query, answers: Mapping[SiteRef, Mapping[str, Any]]) -> dict[str, Any]:
    """The question with its defaults. Its range in full is that of the first site; of the others it is in the meta."""
    echo = dict(next(iter(answers.values()))["query"])
    return echo | {
        "site_id": [site.domain for site in answers],
        "order_by": [[order.name, order.direction] for order in query.order_by],
        "pagination": {"limit": query.limit, "offset": query.offset},
    }


def _worst(marks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The worst of the sites' marks: the days that it is about, and why at which site."""
    mark = max((one["mark"] for one in marks.values()), key=_MARKS.index)
    mine = {domain: one for domain, one in marks.items() if one["mark"] == mark}
    days = sorted(day for one in mine.values() for day in one["days"])
    reasons = dict.fromkeys(one["reason"] for one in mine.values())
    if len(mine) == len(marks) and len(reasons) == 1:
        return {"mark": mark, "days": [days[0], days[-1]], "reason": next(iter(reasons))}
    told = "; ".join(f"{domain}: {one['reason']}" for domain, one in mine.items())
    return {"mark": mark, "days": [days[0], days[-1]], "reason": told}
