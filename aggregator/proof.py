"""The proof of a day's aggregates: every total of every dimension against one that was counted from the raw rows.

The two ways share nothing but the raw rows and the definitions: aggregates come from `visits` and joins, the totals
here from the events themselves, cut into visits once more.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from event_catalogue.aggregates import (
    EXEMPT,
    FUNNEL_STEPS,
    GOALS,
    KEPT,
    KEPT_MEASURES,
    NEXT_PAGE,
    PREVIOUS_PAGE,
    WITHHELD,
    is_of_revenue,
)
from event_catalogue.dimensions import OTHER
from event_catalogue.goals import Aims
from event_catalogue.metrics import MeasureName
from event_catalogue.timings import TIMINGS
from warehouse.client import Param, Warehouse
from warehouse.goals import hit
from warehouse.metrics import VISIT_SUMS, VisitShape, hit_columns, row_expression, stored_rows
from warehouse.people import kept_rules
from warehouse.rollup_rows import SEPARATOR, Rollup

_BY_EVENT: Final[tuple[MeasureName, ...]] = ("pageviews", "events", "engaged_ms")
"""Measures that add up over the values of events too; a visit may have several."""
_SCOPES: Final = {one.name: one.scope for one in KEPT}

Totals = Mapping[MeasureName, int]


def raw_totals(warehouse: Warehouse, site: int, day: int, counted_bots: Iterable[str] = ()) -> Totals:
    """Every measure of a site's day, from raw rows; `counted_bots`: bot rules that count. Raises TryLater, Broken."""
    shape = VisitShape()
    columns = shape.measures(KEPT_MEASURES)
    for column, (how, fact) in hit_columns(KEPT_MEASURES).items():
        summed = "arrayCount" if how == "count" else "arraySum"
        columns[column] = f"{summed}(r -> r.{shape.place(fact)}, v)"
    visits = shape.visits(columns)
    sums = ", ".join(VISIT_SUMS[name] for name in KEPT_MEASURES)
    row = warehouse.select(
        f"SELECT {sums} FROM ({visits})",  # noqa: S608  # the catalogue's names
        {"site": site, "first": day, "last": day, "kept": kept_rules({site: counted_bots})},
        "seal",
    )[0]
    return dict(zip(KEPT_MEASURES, map(int, row), strict=True))


def faults_of(rows: Iterable[Rollup], totals: Totals) -> list[str]:
    """Every contradiction between a day's aggregates and its totals, as sentences; empty when they agree."""
    by_dimension: dict[str, list[Rollup]] = defaultdict(list)
    for row in rows:
        by_dimension[row.dimension].append(row)
    if totals["events"] == 0 and totals["visits"] == 0 and not by_dimension:
        return []  # a day of nothing but machines
    faults = [f"{name} is missing" for name in ("", *_SCOPES) if name not in by_dimension]
    for name, cells in by_dimension.items():
        if name in (GOALS, FUNNEL_STEPS, NEXT_PAGE, PREVIOUS_PAGE) or name.startswith("timing:") or is_of_revenue(name):
            continue
        scope = _SCOPES.get(name, "visit")
        faults += _compare(name or "the total", cells, totals, _BY_EVENT if scope != "visit" else _PARTITIONED)
        if len(cells) == 1 and cells[0].key == OTHER:
            continue  # all are one group: the total
        visitors = sum(cell.measures[_VISITORS] for cell in cells)
        if visitors < totals["visitors"]:
            faults.append(f"{name}: {visitors} visitors, of {totals['visitors']} in all")
    return faults


def raw_goals(
    warehouse: Warehouse, site: int, day: int, aims: Aims, *, counted_bots: Iterable[str] = ()
) -> dict[tuple[str, str], tuple[int, ...]]:
    """Visitors, visits and, of goals, events of every goal and step, from raw rows; by dimension and key.

    A step is looked for behind the one before, not by bits as a seal does. Raises TryLater, Broken.
    """
    params: dict[str, Param] = {"site": site, "first": day, "last": day, "kept": kept_rules({site: counted_bots})}

    def bind(text: str) -> str:
        name = f"g{len(params)}"
        params[name] = text
        return f"{{{name}:String}}"

    shape = VisitShape()
    places = [shape.place_of(goal.name, hit(goal, bind)) for goal in aims.goals]
    counted, viewed, acted = (shape.place(name) for name in ("counted", "viewed", "acted"))
    columns, sums, keys = {}, [], []
    for number, (goal, place) in enumerate(zip(aims.goals, places, strict=True)):
        columns[f"reaches{number}"] = f"has(v.{place}, 1)"
        columns[f"events{number}"] = f"arrayCount((x, y) -> x AND y, v.{place}, v.{counted})"
        sums += [f"uniqExactIf(who, known AND reaches{number})", f"countIf(known AND reaches{number})"]
        sums.append(f"sum(events{number})")
        keys.append((GOALS, goal.name))
    for number, funnel in enumerate(aims.funnels):
        mine = [places[step] for step in aims.steps(funnel)]
        columns[f"came{number}"] = _came_to(mine, viewed, acted, strict=funnel.strict) if mine else "0"
        for step, label in enumerate(funnel.labels if mine else (), start=1):
            sums += [f"uniqExactIf(who, known AND came{number} >= {step})"]
            sums += [f"countIf(known AND came{number} >= {step})", "0"]
            keys.append((FUNNEL_STEPS, f"{funnel.name}{SEPARATOR}{label}"))
    row = warehouse.select(
        f"SELECT {', '.join(sums)} FROM ({shape.visits(columns)})",  # noqa: S608  # the catalogue's names
        params,
        "seal",
    )[0]
    numbers = list(map(int, row))
    return {key: tuple(numbers[3 * n : 3 * n + 3]) for n, key in enumerate(keys)}


def _came_to(places: list[int], viewed: int, acted: int, *, strict: bool) -> str:
    """How many steps a visit comes to. `places`: where its rows say whether they reach each."""
    reaches = " OR ".join(f"r.{place}" for place in dict.fromkeys(places))
    rows = f"arrayFilter(r -> r.{viewed} OR r.{acted} OR {reaches}, v)" if strict else "v"
    if strict:
        counts = []
        for many in range(len(places), 0, -1):
            run = " AND ".join(f"rows[i + {n}].{place}" for n, place in enumerate(places[:many]))
            counts.append(f"arrayExists(i -> {run}, range(1, greatest(length(rows) - {many - 2}, 1))), {many}")
        found = f"multiIf({', '.join(counts)}, 0)"
        return f"arraySum(arrayMap(rows -> {found}, [{rows}]))"
    # The first event of each step behind that of the step before; 0: there is none.
    at = f"arrayFirstIndex(r -> r.{places[0]}, v)"
    count = f"toUInt8({at} > 0)"
    for place in places[1:]:
        at = (
            f"arraySum(p -> if(p = 0, 0, arrayFirstIndex((r, i) -> r.{place} AND i > p, v, arrayEnumerate(v))), [{at}])"
        )
        count += f" + toUInt8({at} > 0)"
    return count


def goal_faults(rows: Iterable[Rollup], counted: Mapping[tuple[str, str], tuple[int, ...]]) -> list[str]:
    """Every contradiction between what is told of goals and funnels, and what was counted."""
    mine = [row for row in rows if row.dimension in (GOALS, FUNNEL_STEPS)]
    faults = [f"{name} {key!r} is missing" for name, key in counted.keys() - {(row.dimension, row.key) for row in mine}]
    for row in mine:
        visitors, visits, events = counted[row.dimension, row.key]
        expected = (visitors, visits, events if row.dimension == GOALS else row.measures[_PLACE["events"]])
        told = tuple(row.measures[_PLACE[name]] for name in ("visitors", "visits", "events"))
        if told[0] != WITHHELD and told != expected:
            faults.append(f"{row.dimension} {row.key!r}: {told} instead of {expected}")
    return faults


def raw_timings(
    warehouse: Warehouse, site: int, day: int, counted_bots: Iterable[str] = ()
) -> dict[str, dict[int, int]]:
    """How many page views lie in each bucket of each timing, from raw rows. Raises TryLater, Broken."""
    counts = ", ".join(f"sumMap(map({row_expression(f'timing:{name}')}, toUInt64(1)))" for name in TIMINGS)
    row = warehouse.select(
        f"SELECT {counts} FROM {stored_rows()} AND name = 'vitals'",  # noqa: S608  # the catalogue's names
        {"site": site, "first": day, "last": day, "kept": kept_rules({site: counted_bots})},
        "seal",
    )[0]
    return {
        name: {int(edge): int(many) for edge, many in dict(buckets).items() if edge}
        for name, buckets in zip(TIMINGS, row, strict=True)
    }


def timing_faults(rows: Iterable[Rollup], counted: Mapping[str, Mapping[int, int]]) -> list[str]:
    """Every interval of a timing that holds another number of page views than was counted."""
    faults = []
    for row in rows:
        prefix, _, name = row.dimension.partition(":")
        if prefix == "timing":
            inside = sum(many for edge, many in counted[name].items() if int(row.key) <= edge < int(row.parent))
            if row.measures[_PLACE["events"]] != inside:
                faults.append(f"{name} from {row.key}: {row.measures[_PLACE['events']]} instead of {inside}")
    return faults


def _compare(name: str, cells: list[Rollup], totals: Totals, measures: Iterable[MeasureName]) -> list[str]:
    faults = []
    for measure in measures:
        values = [cell.measures[_PLACE[measure]] for cell in cells]
        if WITHHELD in values and measure not in EXEMPT:
            continue
        if sum(values) != totals[measure]:
            faults.append(f"{name}: {sum(values)} {measure} instead of {totals[measure]}")
    return faults


_PLACE: Final = {name: place for place, name in enumerate(KEPT_MEASURES)}
_VISITORS: Final = _PLACE["visitors"]
_PARTITIONED: Final = tuple(name for name in KEPT_MEASURES if name != "visitors")
