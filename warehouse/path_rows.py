"""Steps from page to page of sites' days, as a seal keeps them: for each page the next ones, and the ones before.

Steps from and to pages that the day's own table does not tell are never told. The same steps stand in both tables, each
with what it merges of a page.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from event_catalogue.aggregates import KEPT_MEASURES, NEXT_PAGE, PREVIOUS_PAGE, WITHHELD
from event_catalogue.dimensions import OTHER
from warehouse.client import Param, Record
from warehouse.metrics import NOBODY, ROW_EXPRESSIONS
from warehouse.path_choice import Small, Step, told_steps
from warehouse.rollup_rows import DayRow, Rollup, SiteDay, Source

_TABLES: Final = ((NEXT_PAGE, 0), (PREVIOUS_PAGE, 1))
"""The dimension, and which page of a step its rows are about."""
_MERGED: Final = "\x1e"
"""Stands for all pages that are not told."""
_COUNTS: Final = "uniqExact(who), uniqExact(who, n), sum(times)"


def path_rows(days: Sequence[SiteDay], source: Source) -> list[DayRow]:
    """The rows of both tables, in their order."""
    mine = [day for day in days if source.visitors.get(day.unit, 0) >= day.k]
    if not mine:
        return []
    params: dict[str, Param] = {"path_units": [day.unit for day in mine], "path_ks": [day.k for day in mine]}
    pages = sorted(source.pages)
    params |= {"page_units": [unit for unit, _ in pages], "page_names": [page for _, page in pages]}
    source.fill(_COLUMNS, _steps(source), params)
    steps: dict[int, dict[Step, tuple[int, ...]]] = defaultdict(dict)
    for unit, before, after, *counts in _ask(source, _LARGE, params):
        steps[int(unit)][str(before), str(after)] = tuple(map(int, counts))
    small: tuple[dict[int, dict[str, Small]], ...] = (defaultdict(dict), defaultdict(dict))
    for axis, name in enumerate(("before", "after")):
        for unit, page, many, people in _ask(source, _SMALL.format(page=name), params):
            small[axis][int(unit)][str(page)] = Small(int(many), int(people))
    told = {
        day.unit: told_steps(
            {step: counts[0] for step, counts in steps[day.unit].items()},
            (small[0][day.unit], small[1][day.unit]),
            day.k,
            merged=_MERGED,
        )
        for day in mine
    }
    return _rows(mine, source, steps, told)


def _rows(
    days: Sequence[SiteDay],
    source: Source,
    steps: Mapping[int, Mapping[Step, tuple[int, ...]]],
    told: Mapping[int, Collection[Step]],
) -> list[DayRow]:
    every = [(unit, *step) for unit, mine in told.items() for step in sorted(mine)]
    params: dict[str, Param] = {
        "told_units": [one[0] for one in every],
        "told_before": [one[1] for one in every],
        "told_after": [one[2] for one in every],
    }
    of = {day.unit: day for day in days}
    found: list[DayRow] = []
    for name, axis in _TABLES:
        for unit, *step in every:
            found.append(_row(of[unit], name, (step[1 - axis], step[axis]), steps[unit][step[0], step[1]]))
        page = "after" if axis else "before"
        for unit, of_page, many, *counts in _ask(source, _LEFT.format(page=page), params):
            day = of[int(unit)]
            if int(many) > 1 and int(counts[0]) >= day.k and of_page != _MERGED:
                found.append(_row(day, name, ("", str(of_page)), tuple(map(int, counts))))
    return sorted(found)


def _row(day: SiteDay, name: str, pages: tuple[str, str], counts: Sequence[int]) -> DayRow:
    """`pages`: the one that is counted, empty for what is merged, and the one that it is beside."""
    told: dict[str, int] = dict(zip(("visitors", "visits", "pageviews"), counts, strict=True))
    told["events"] = told["pageviews"]
    numbers = tuple(told.get(name, WITHHELD) for name in KEPT_MEASURES)
    return day.day, Rollup(day.site, name, pages[0] or OTHER, pages[1], numbers)


def _ask(source: Source, sql: str, params: Mapping[str, Param]) -> list[Record]:
    return source.ask(sql.replace("@scratch", source.table), params)


def _steps(source: Source) -> str:
    """Every step of every visit: from each page view to the next one."""
    at = ROW_EXPRESSIONS["at_ms"]
    told = (
        "SELECT (pair.1, pair.2) FROM (SELECT arrayJoin(arrayZip({page_units:Array(UInt64)}, "
        "{page_names:Array(String)})) AS pair)"
    )
    page = f"if(({source.unit}, path) IN ({told}), path, '{_MERGED}')"
    rows = (
        f"SELECT {source.unit} AS unit, visitor AS who, {at} AS at_ms, beacon, idx, {page} AS page FROM {source.rows} "
        f"AND name = 'pageview' AND visitor != {NOBODY}"
    )
    visits = f"SELECT {source.unit} AS unit, visitor AS who, began AS starts FROM {source.visits} WHERE {source.days}"
    views = (
        "SELECT unit, who, arrayLastIndex(b -> b <= at_ms, starts) AS n, arraySort(groupArray((at_ms, beacon, idx, "
        f"page))).4 AS pages FROM ({rows}) AS e INNER JOIN ({visits}) AS v USING (unit, who) GROUP BY unit, who, n"
    )
    return (
        "SELECT unit, who, n, step.1, step.2, count() FROM (SELECT unit, who, n, arrayJoin(arrayZip("
        f"arrayPopBack(pages), arrayPopFront(pages))) AS step FROM ({views}) WHERE length(pages) > 1) "
        "WHERE has({path_units:Array(UInt64)}, unit) GROUP BY unit, who, n, step"
    )


_K: Final = "transform(unit, {path_units:Array(UInt64)}, {path_ks:Array(UInt64)}, toUInt64(0))"
_COLUMNS: Final = "unit UInt64, who FixedString(16), n UInt32, before String, after String, times UInt64"
_LARGE: Final = (
    f"SELECT unit, before, after, {_COUNTS} FROM @scratch GROUP BY unit, before, after HAVING uniqExact(who) >= {_K} "
    "ORDER BY unit, before, after"
)
_FEW: Final = f"SELECT unit, before, after FROM @scratch GROUP BY unit, before, after HAVING uniqExact(who) < {_K}"
_SMALL: Final = (
    "SELECT unit, {page}, uniqExact(before, after), uniqExact(who) FROM @scratch "
    f"WHERE (unit, before, after) IN ({_FEW.replace('{', '{{').replace('}', '}}')}) "
    "GROUP BY unit, {page} ORDER BY unit, {page}"
)
_TOLD: Final = (
    "SELECT (one.1, one.2, one.3) FROM (SELECT arrayJoin(arrayZip({{told_units:Array(UInt64)}}, "
    "{{told_before:Array(String)}}, {{told_after:Array(String)}})) AS one)"
)
_LEFT: Final = (
    f"SELECT unit, {{page}}, uniqExact(before, after), {_COUNTS} FROM @scratch "
    f"WHERE (unit, before, after) NOT IN ({_TOLD}) GROUP BY unit, {{page}} ORDER BY unit, {{page}}"
)
