"""The SQL of days' aggregates: what a visit is spread by, and what is counted of a cell; and cells of several days."""

from collections.abc import Collection, Sequence
from typing import Final

from event_catalogue.aggregates import KEPT_MEASURES, PARENTS, SUMS, WITHHELD
from event_catalogue.dimensions import RESERVED, Dimension
from event_catalogue.metrics import MeasureName
from warehouse.client import Param, Record
from warehouse.kanon import Cell
from warehouse.metrics import ROW_EXPRESSIONS, row_expression
from warehouse.people import COUNTED, PEOPLE, behaved
from warehouse.rollup_rows import DAY_BITS, SEPARATOR, Rollup

_HOUR_MS: Final = 3_600_000
Largest = dict[MeasureName, int]
"""Of each sum the largest part that one visitor gives."""
Counted = tuple[Cell, tuple[int, ...], Largest]
"""A cell, its measures in order, and such parts."""

UNIT: Final = f"bitOr(bitShiftLeft(toUInt64(site), {DAY_BITS}), toUInt16(day))"
OF_DAY: Final = (
    "day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16}) AND site IN {sites:Array(UInt32)} "
    f"AND {UNIT} IN {{units:Array(UInt64)}}"
)
VISITS_OF_DAY: Final = f"{OF_DAY} AND {COUNTED}"
ROWS: Final = f"events WHERE {OF_DAY} AND {PEOPLE} AND {behaved(OF_DAY)}"
FLAT: Final = (
    "one_began AS began, known, one_views AS pv, one_counted AS ev, one_engaged_ms AS ms, one_engaged AS engaged, "
    "one_single AS single, one_views AS views, one_took_ms AS took"
)
VISIT_FACTS: Final = ("began", "rows", "views", "counted", "engaged_ms", "engaged", "single", "took_ms")
_FACTS: Final = (
    "who FixedString(16), began Int64, known UInt8, {rows}pv UInt64, ev UInt64, ms UInt64, engaged UInt8, "
    "single UInt8, views UInt64, took UInt64"
)
HITS: Final = f"unit UInt64, key String, {_FACTS.format(rows='rows UInt64, ')}"
SPREAD: Final = f"unit UInt64, parent String, key String, {_FACTS.format(rows='')}"

_PERSON: Final[dict[MeasureName, str]] = {
    "visits": "countIf(known)",
    "pageviews": "sum(pv)",
    "events": "sum(ev)",
    "bounces": "countIf(known AND NOT engaged)",
    "engaged_visits": "countIf(known AND engaged)",
    "single_page_visits": "countIf(known AND single)",
    "visit_pageviews": "sumIf(views, known)",
    "visit_ms": "sumIf(took, known)",
    "engaged_ms": "sum(ms)",
}
BY_PERSON: Final = "max(known) AS is_known, " + ", ".join(f"{sql} AS m_{name}" for name, sql in _PERSON.items())
SUMMED: Final = ", ".join(
    [
        # Whom a group protects: its visitors; where there are none, each message of nobody is somebody.
        "if(max(is_known) > 0, sum(is_known), count())",
        *("sum(is_known)" if name == "visitors" else f"sum(m_{name})" for name in KEPT_MEASURES),
        *(f"max(m_{name})" for name in SUMS),
    ]
)


def key_sql(dimension: Dimension, params: dict[str, Param], rows: str) -> str:
    """What a visit or an event is counted under; a value that looks like a word of the answer gets its backslash."""
    if dimension.scope == "time":
        start = "transform(unit, {units:Array(UInt64)}, {starts:Array(Int64)}, toInt64(0))"
        end = "transform(unit, {units:Array(UInt64)}, {ends:Array(Int64)}, toInt64(0))"
        at_ms = ROW_EXPRESSIONS["at_ms"]
        return f"toString({start} + intDiv(greatest(least({at_ms}, {end} - 1) - {start}, 0), {_HOUR_MS}) * {_HOUR_MS})"
    words = [*RESERVED, dimension.blank]
    params["words"], params["spelt"] = words, [f"\\{word}" for word in words]
    value = f"one_{dimension.name}" if dimension.scope == "visit" else row_expression(dimension.field, rows)
    return f"transform(toString({value}), {{words:Array(String)}}, {{spelt:Array(String)}})"


def parent_sql(dimension: Dimension) -> str:
    """What a visit's value lies in."""
    names = PARENTS.get(dimension.name, ())
    return f"concat({', '.join(_joined(names))})" if len(names) > 1 else f"one_{names[0]}" if names else "''"


def _joined(names: Sequence[str]) -> list[str]:
    parts: list[str] = []
    for name in names:
        parts += [f"'{SEPARATOR}'", f"one_{name}"] if parts else [f"one_{name}"]
    return parts


def counted_cell(row: Record) -> Counted:
    """A row of `SUMMED` as a cell."""
    unit, parent, key, people, *numbers = row
    measures = tuple(map(int, numbers[: len(KEPT_MEASURES)]))
    largest = dict(zip(SUMS, map(int, numbers[len(KEPT_MEASURES) :]), strict=True))
    return Cell(int(unit), str(parent), str(key), int(people)), measures, largest


def added_up(cells: Sequence[Counted]) -> list[Counted]:
    """Cells of several days as cells of the first: people are those of each day, the largest part is one day's."""
    sums: dict[tuple[str, str], Counted] = {}
    unit = min(cell.unit for cell, _, _ in cells)
    for cell, measures, largest in cells:
        of = Cell(unit, cell.parent, cell.key, 0)
        mine, so_far, most = sums.get((of.parent, of.key), (of, (0,) * len(measures), dict.fromkeys(SUMS, 0)))
        sums[of.parent, of.key] = (
            mine._replace(people=mine.people + cell.people),
            tuple(map(int.__add__, so_far, measures)),
            {name: max(most[name], largest[name]) for name in SUMS},
        )
    return list(sums.values())


def without(row: Rollup, places: Collection[int]) -> Rollup:
    """A row that withholds these measures."""
    return row._replace(
        measures=tuple(WITHHELD if place in places else number for place, number in enumerate(row.measures))
    )
