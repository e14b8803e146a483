"""The proof of a day's aggregates: every total of every dimension against one that was counted from the raw rows.

The two ways share nothing but the raw rows and the definitions: aggregates come from `visits` and joins, the totals
here from the events themselves, cut into visits once more.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from event_catalogue.aggregates import EXEMPT, KEPT, KEPT_MEASURES, WITHHELD
from event_catalogue.dimensions import OTHER
from event_catalogue.metrics import MeasureName
from warehouse.client import Warehouse
from warehouse.metrics import VISIT_SUMS, VisitShape, hit_columns
from warehouse.people import kept_rules
from warehouse.rollup_rows import Rollup

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
        scope = _SCOPES.get(name, "visit")
        faults += _compare(name or "the total", cells, totals, _BY_EVENT if scope != "visit" else _PARTITIONED)
        if len(cells) == 1 and cells[0].key == OTHER:
            continue  # all are one group: the total
        visitors = sum(cell.measures[_VISITORS] for cell in cells)
        if visitors < totals["visitors"]:
            faults.append(f"{name}: {visitors} visitors, of {totals['visitors']} in all")
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
