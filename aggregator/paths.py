"""Steps from page to page of sealed days: their proof against raw rows, and what they give away."""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from event_catalogue.aggregates import KEPT_MEASURES, NEXT_PAGE, PREVIOUS_PAGE
from event_catalogue.dimensions import OTHER
from warehouse.client import Param, Warehouse
from warehouse.metrics import VisitShape
from warehouse.people import kept_rules
from warehouse.rollup_rows import Rollup

_PLACE: Final = {name: place for place, name in enumerate(KEPT_MEASURES)}
_TOLD: Final = ("visitors", "visits", "pageviews")
Counted = Mapping[tuple[str, str], tuple[int, ...]]
"""Page before and page after → visitors, visits, times."""


def raw_steps(
    warehouse: Warehouse, site: int, day: int, counted_bots: Iterable[str] = ()
) -> dict[tuple[str, str], tuple[int, ...]]:
    """All steps of a site's day, from its events, cut into visits once more. Raises TryLater, Broken."""
    shape = VisitShape()
    path, viewed = shape.place("path"), shape.place("viewed")
    visits = shape.visits({"pages": f"arrayFilter((page, viewed) -> viewed, v.{path}, v.{viewed})"})
    steps = "arrayJoin(arrayZip(arrayPopBack(pages), arrayPopFront(pages)))"
    params: dict[str, Param] = {"site": site, "first": day, "last": day, "kept": kept_rules({site: counted_bots})}
    rows = warehouse.select(
        "SELECT step.1, step.2, uniqExact(who), uniqExact(who, began), count() FROM "
        f"(SELECT who, began, {steps} AS step FROM ({visits}) WHERE known AND length(pages) > 1) GROUP BY step",
        params,
        "seal",
    )
    return {(str(before), str(after)): tuple(map(int, counts)) for before, after, *counts in rows}


def step_faults(rows: Iterable[Rollup], counted: Counted) -> list[str]:
    """Every contradiction between the steps that are told, and what was counted."""
    mine = [row for row in rows if row.dimension in (NEXT_PAGE, PREVIOUS_PAGE)]
    told = {row.parent for row in mine if row.parent != OTHER} | {row.key for row in mine if row.key != OTHER}
    faults = []
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in mine:
        sums[row.dimension, row.parent] += row.measures[_PLACE["pageviews"]]
        step = (row.parent, row.key) if row.dimension == NEXT_PAGE else (row.key, row.parent)
        numbers = tuple(row.measures[_PLACE[name]] for name in _TOLD)
        if OTHER not in step and numbers != counted.get(step):
            faults.append(f"{row.dimension} {step}: {numbers} instead of {counted.get(step)}")
    for (name, page), times in sums.items():
        axis = 0 if name == NEXT_PAGE else 1
        whole = sum(counts[2] for step, counts in counted.items() if step[axis] == page)
        if page in told and times > whole:
            faults.append(f"{name} of {page!r}: {times} steps instead of {whole}")
    return faults


def exposed_steps(after: Sequence[Rollup], before: Sequence[Rollup], k: int) -> Iterator[str]:
    """What the two tables give away of few people."""
    for row in (*after, *before):
        if row.measures[_PLACE["visitors"]] < k:
            yield f"{row.dimension}: a step from or to {row.parent!r} shows {row.measures[_PLACE['visitors']]} people"
    steps = [{(row.parent, row.key) for row in after}, {(row.key, row.parent) for row in before}]
    for step in sorted(steps[0] ^ steps[1]):
        if OTHER not in step:
            yield f"next_page: the step {step} is told in one table alone"
