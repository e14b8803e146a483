"""Aggregates of sites' days: counted from visits and events for many of them at once, small groups merged.

One dimension after the other is spread into a scratch table in memory (a row for each visit and value), counted, merged
and read back; nothing of a single visitor reaches the disk. The same numbers make the seal, and the answer to "as it
will be kept".
"""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from event_catalogue.aggregates import EXEMPT, KEPT, KEPT_MEASURES, NEXT_PAGE, PARENTS, REVENUE_BY, SUMS, WITHHELD
from event_catalogue.dimensions import DIMENSION, OTHER, Dimension
from warehouse.client import Param, Record, Warehouse
from warehouse.goal_rows import GoalCount, masks, unit_visitors
from warehouse.hidden import HIDDEN, SHOWN
from warehouse.kanon import Cell, Group, dominated, too_small, widened
from warehouse.metrics import NOBODY, ROW_EXPRESSIONS, row_expression
from warehouse.path_rows import path_rows
from warehouse.people import kept_rules
from warehouse.revenue_choice import Value
from warehouse.revenue_rows import Source as RevenueSource
from warehouse.revenue_rows import goal_visitors, revenue_rows
from warehouse.rollup_rows import DAY_BITS, SEPARATOR, DayRow, Rollup, SiteDay, Source, Veils, day_of, unit_of
from warehouse.rollup_sql import (
    BY_PERSON,
    FLAT,
    HITS,
    OF_DAY,
    ROWS,
    SPREAD,
    SUMMED,
    UNIT,
    VISIT_FACTS,
    VISITS_OF_DAY,
    Counted,
    Largest,
    added_up,
    counted_cell,
    key_sql,
    parent_sql,
    without,
)
from warehouse.timing_rows import Counting, timing_rows
from warehouse.visits import shown_visits

_EVERY_NAME: Final = frozenset(one.name for one in KEPT)
BESIDE_REVENUE: Final = frozenset({"path", "name", "currency", "source_kind", *REVENUE_BY})
"""What must be counted of a day before its revenue can be told."""
BESIDE_GOALS: Final = frozenset({"path", "name"})
"""What must be told of a day before its goals can be: see `warehouse.goal_choice`."""
_PLACE: Final = {name: place for place, name in enumerate(KEPT_MEASURES)}


class Choice(NamedTuple):
    """What a span tells of a dimension: see `aggregator.residue`."""

    told: Collection[Cell]
    rest: Mapping[Cell, str]
    """The other cells that its days have merged, each with the parent in whose `(other)` it stays."""
    withheld: Collection[int]
    """Places of measures that `(other)` must not tell, because some day does not."""


Choose = Callable[[str, Sequence[Cell]], Choice]
"""Dimension and all its cells of all days → what is told; parents come before what lies in them."""


class Rollups:
    """Counts days. One at a time: it owns its scratch tables."""

    def __init__(self, warehouse: Warehouse, name: str, *, is_asked: bool = False) -> None:
        """`is_asked`: it answers a question, so what is to be erased is not counted; a seal waits until it has gone."""
        self._warehouse = warehouse
        self._is_asked = is_asked
        self._hits = f"scratch_hits_{name}"
        self._spread = f"scratch_{name}"
        self._lock = threading.Lock()

    def count(self, days: Sequence[SiteDay], only: Collection[str] = _EVERY_NAME) -> Iterator[list[DayRow]]:
        """The rows of one dimension after the other, totals first; `only` of these, whose parents must be among them.
        Goals and funnels come last, told beside pages and kinds of events.

        Raises TryLater, Broken.
        """
        with self._lock:
            counting = _Counting(self._warehouse, days, hits=self._hits, spread=self._spread)
            counting.clear()
            if self._is_asked:
                counting.leave_hidden_out()
            try:
                yield counting.totals()
                for dimension in KEPT:
                    if dimension.name in only:
                        yield counting.dimension(dimension)
                goals: list[DayRow] = []
                if BESIDE_GOALS.issubset(only):
                    goals = counting.goals()
                    yield goals
                if only is _EVERY_NAME or NEXT_PAGE in only:
                    yield counting.paths()
                if BESIDE_REVENUE.issubset(only):
                    yield counting.revenue(goals)
                if only is _EVERY_NAME:
                    yield counting.timings()
            finally:
                counting.clear()

    def told(self, days: Sequence[SiteDay], choose: Choose, only: Collection[str]) -> Iterator[list[Rollup]]:
        """What days of one site tell together of values that each of them merges: the rows of one dimension after the
        other, none of what tells nothing.

        Raises TryLater, Broken.
        """
        with self._lock:
            counting = _Counting(self._warehouse, days, hits=self._hits, spread=self._spread)
            counting.clear()
            try:
                for dimension in KEPT:
                    if dimension.name in only:
                        yield counting.told(dimension, choose)
            finally:
                counting.clear()


class _Counting:
    """One run over sites' days."""

    def __init__(self, warehouse: Warehouse, days: Sequence[SiteDay], *, hits: str, spread: str) -> None:
        self._warehouse = warehouse
        self._hits = hits
        self._spread = spread
        self._goals = f"{spread}_goals"
        self._days = days
        self._k = {one.unit: one.k for one in days}
        self._params: dict[str, Param] = {
            "first": min((one.day for one in days), default=0),
            "last": max((one.day for one in days), default=0),
            "sites": sorted({one.site for one in days}),
            "units": [one.unit for one in days],
            "starts": [one.start for one in days],
            "ends": [one.end for one in days],
            "kept": kept_rules({one.site: one.counted_bots for one in days}),
        }
        self._kept: dict[str, set[Group]] = {}
        self._values: dict[str, dict[Group, Value]] = {}
        self._whole: list[tuple[int, Rollup, bool]] = []
        self._veils: dict[int, Veils] = defaultdict(Veils)
        self._visits, self._rows_of_days = "visits FINAL", ROWS
        self._used: set[str] | None = None
        self._made: set[str] = set()

    def clear(self) -> None:
        """Drop the scratch tables."""
        for table in (self._hits, self._spread, self._goals):
            self._warehouse.command(f"DROP TABLE IF EXISTS {table} SYNC", slot="seal")

    def leave_hidden_out(self) -> None:
        """Count as if what is to be erased had gone."""
        if self._ask(f"SELECT 1 FROM events WHERE {OF_DAY} AND {HIDDEN} LIMIT 1"):
            self._visits, self._rows_of_days = shown_visits(OF_DAY), f"{ROWS} AND {SHOWN}"

    def totals(self) -> list[DayRow]:
        """The row of each day; on a day of fewer than k visitors only what is exempt."""
        self._fill_visits("''", "''", (), {})
        for cell, measures, largest in self._cells():
            shown = _allowed(measures, cell.people, self._k[cell.unit])
            for name in SUMS:
                if 2 * largest[name] > measures[_PLACE[name]]:
                    shown[_PLACE[name]] = WITHHELD
            enough = cell.people >= self._k[cell.unit]
            self._whole.append((cell.unit, _row(cell, "", shown), enough))
            self._veils[cell.unit].note(self._whole[-1][1])
        return [(day_of(unit), row) for unit, row, _ in self._whole]

    def dimension(self, dimension: Dimension) -> list[DayRow]:
        """The rows of one dimension, small groups merged."""
        if not self._is_used(dimension) and dimension.name not in PARENTS:
            return self._unused(dimension)
        self._fill(dimension)
        return self._merge(dimension)

    def goals(self) -> list[DayRow]:
        """The rows of goals and of steps of funnels; after pages and kinds of events."""
        return GoalCount(self._days, self._source()).rows()

    def timings(self) -> list[DayRow]:
        """The rows of timings; after kinds of events."""
        ways = self._fill, self._cells, self._unions, self._ask
        return timing_rows(Counting(*ways, self._rows_of_days, UNIT, self._k, self._kept["name"]))

    def paths(self) -> list[DayRow]:
        """The rows of steps from page to page; after pages."""
        return path_rows(self._days, self._source())

    def revenue(self, goals: Sequence[DayRow]) -> list[DayRow]:
        """The rows about revenue; after everything that is counted beside it. `goals`: the rows of these."""
        params: dict[str, Param] = {}

        def bind(text: str) -> str:
            name = f"goal{len(params)}"
            params[name] = text
            return f"{{{name}:String}}"

        source = RevenueSource(
            ask=self._ask,
            rows=self._rows_of_days,
            visits=self._visits,
            days=VISITS_OF_DAY,
            unit=UNIT,
            visitors=unit_visitors(self._whole),
            currencies=self._kept["currency"],
            values=self._values,
            goals=goal_visitors(goals),
            masks=masks({one.site: one.aims for one in self._days if one.aims.goals}, bind),
            params=params,
        )
        return revenue_rows(self._days, source)

    def _source(self) -> Source:
        """For what is counted visit by visit, once pages are told."""
        return Source(
            ask=self._ask,
            fill=self._fill_goals,
            table=self._goals,
            rows=self._rows_of_days,
            visits=self._visits,
            days=VISITS_OF_DAY,
            unit=UNIT,
            visitors=unit_visitors(self._whole),
            pages=self._kept["path"],
            kinds=self._kept.get("name", ()),
        )

    def _fill_goals(self, columns: str, select: str, params: Mapping[str, Param]) -> None:
        self._warehouse.command(f"DROP TABLE IF EXISTS {self._goals} SYNC", slot="seal")
        self._warehouse.command(f"CREATE TABLE {self._goals} ({columns}) ENGINE = Memory", slot="seal")
        self._warehouse.command(f"INSERT INTO {self._goals} {select}", {**self._params, **params}, slot="seal")

    def told(self, dimension: Dimension, choose: Choose) -> list[Rollup]:
        """What the days tell together of one dimension."""
        if not self._is_used(dimension):
            return []
        self._fill(dimension)
        counted = self._cells()
        told, rest, withheld = choose(dimension.name, [cell for cell, _, _ in counted])
        if not told:
            return []
        cells = [cell._replace(parent=rest.get(cell, cell.parent)) for cell, _, _ in counted]
        left = self._unions(counted, cells, {cell._replace(parent=parent) for cell, parent in rest.items()})
        of_day = [*(one for one in counted if one[0] in told), *left.values()]
        rows = [row for _, row in self._rows(dimension, added_up(of_day))]
        return [without(row, withheld) if row.key == OTHER or row.parent else row for row in rows]

    def _fill(self, dimension: Dimension) -> None:
        """Spread the days' visits into the scratch table, each under its values."""
        params: dict[str, Param] = {}
        key = key_sql(dimension, params, self._rows_of_days)
        names = (dimension.name, *PARENTS.get(dimension.name, ()))
        if dimension.scope == "visit":
            self._fill_visits(key, parent_sql(dimension), names, params)
        else:
            self._fill_events(dimension, key, params)

    def _unused(self, dimension: Dimension) -> list[DayRow]:
        """Where no event has a value, the one cell is the whole day."""
        self._kept[dimension.name] = {(unit, "") for unit, _, enough in self._whole if enough}
        visitors = unit_visitors(self._whole)
        self._values[dimension.name] = {(unit, ""): Value(visitors[unit], enough) for unit, _, enough in self._whole}
        rows = []
        for unit, row, enough in self._whole:
            rows.append((day_of(unit), row._replace(dimension=dimension.name, key="" if enough else OTHER)))
            self._veils[unit].note(rows[-1][1])
        return rows

    def _is_used(self, dimension: Dimension) -> bool:
        """Whether any of the days' events has a value for it; most campaign tags have none."""
        if self._used is None:
            visit_wide = [one.name for one in KEPT if one.scope == "visit"]
            looks = ", ".join(f"max(arrayExists(x -> x != '', `{name}`))" for name in visit_wide)
            by_event = [one.name for one in KEPT if one.scope == "event"]
            values = [row_expression(DIMENSION[name].field, self._rows_of_days) for name in by_event]
            counts = ", ".join(f"max(toString({value}) != '')" for value in values)
            found = zip(
                visit_wide, self._ask(f"SELECT {looks} FROM {self._visits} WHERE {VISITS_OF_DAY}")[0], strict=True
            )
            by_row = zip(by_event, self._ask(f"SELECT {counts} FROM {self._rows_of_days}")[0], strict=True)
            self._used = {name for name, used in (*found, *by_row) if used} | {"time:hour"}
        return dimension.name in self._used

    def _fill_visits(self, key: str, parent: str, names: Sequence[str], params: Mapping[str, Param]) -> None:
        """Each visit under its one value; `names` are the columns that key and parent are made of."""
        joined = ", ".join(f"`{name}` AS one_{name}" for name in (*VISIT_FACTS, *names))
        self._make(
            f"SELECT {UNIT} AS unit, {parent} AS parent, {key} AS key, visitor AS who, {FLAT} "
            f"FROM {self._visits} ARRAY JOIN {joined} WHERE {VISITS_OF_DAY}",
            params,
        )

    def _fill_events(self, dimension: Dimension, key: str, params: Mapping[str, Param]) -> None:
        """Each visit under every value that its events have, and under none if it has events without."""
        value = row_expression(dimension.field, self._rows_of_days) if dimension.field else "1"
        rows = (
            f"SELECT {UNIT} AS unit, if(visitor = {NOBODY}, beacon, visitor) AS who, {key} AS key, "
            f"{ROW_EXPRESSIONS['at_ms']} AS at_ms, {ROW_EXPRESSIONS['viewed']} AS viewed, "
            f"{ROW_EXPRESSIONS['counted']} AS counted, engaged_ms AS ms "
            f"FROM {self._rows_of_days} AND toString({value}) != ''"
        )
        visits = (
            f"SELECT {UNIT} AS unit, visitor AS who, known, began AS starts, engaged AS all_engaged, "
            f"single AS all_single, views AS all_views, took_ms AS all_took FROM {self._visits} WHERE {VISITS_OF_DAY}"
        )
        placed = (
            "SELECT unit, key, who, known, viewed, counted, ms, arrayLastIndex(b -> b <= at_ms, starts) AS n, "
            "starts[n] AS start, all_engaged[n] AS is_engaged, all_single[n] AS is_single, all_views[n] AS all_seen, "
            f"all_took[n] AS lasted FROM ({rows}) AS e INNER JOIN ({visits}) AS v USING (unit, who)"
        )
        self._refill(
            self._hits,
            "SELECT unit, key, who, start, any(known), count(), sum(viewed), sum(counted), sum(ms), any(is_engaged), "
            f"any(is_single), any(all_seen), any(lasted) FROM ({placed}) GROUP BY unit, key, who, start",
            params,
        )
        facts = ", ".join(f"`{name}` AS one_{name}" for name in VISIT_FACTS)
        self._make(
            "SELECT unit, '' AS parent, key, who, began, known, pv, ev, ms, engaged, single, views, took "
            f"FROM {self._hits} UNION ALL "
            "SELECT unit, '', '', who, began, known, v.pv - h.pv, v.ev - h.ev, v.ms - h.ms, engaged, single, views, "
            f"took FROM (SELECT {UNIT} AS unit, visitor AS who, one_rows AS rows, {FLAT} "
            f"FROM {self._visits} ARRAY JOIN {facts} WHERE {VISITS_OF_DAY}) AS v "
            "LEFT JOIN (SELECT unit, who, began, sum(rows) AS rows, sum(pv) AS pv, sum(ev) AS ev, sum(ms) AS ms "
            f"FROM {self._hits} GROUP BY unit, who, began) AS h USING (unit, who, began) WHERE v.rows > h.rows",
            {},
        )

    def _make(self, select: str, params: Mapping[str, Param]) -> None:
        self._refill(self._spread, select, params)

    def _refill(self, table: str, select: str, params: Mapping[str, Param]) -> None:
        if table in self._made:
            self._warehouse.command(f"TRUNCATE TABLE {table}", slot="seal")
        else:
            columns = HITS if table == self._hits else SPREAD
            self._warehouse.command(f"CREATE TABLE {table} ({columns}) ENGINE = Memory", slot="seal")
            self._made.add(table)
        self._warehouse.command(f"INSERT INTO {table} {select}", {**self._params, **params}, slot="seal")

    def _cells(self) -> list[Counted]:
        """Every cell with its measures and the largest part of one visitor in its sums."""
        rows = self._ask(
            f"SELECT unit, parent, key, {SUMMED} FROM (SELECT unit, parent, key, who, {BY_PERSON} "
            f"FROM {self._spread} GROUP BY unit, parent, key, who) "
            "GROUP BY unit, parent, key ORDER BY unit, parent, key"
        )
        return [counted_cell(row) for row in rows]

    def _merge(self, dimension: Dimension) -> list[DayRow]:
        counted = self._cells()
        parents = self._parents_kept(dimension)
        cells = [cell._replace(parent=_under(cell, parents)) for cell, _, _ in counted]
        k = self._k
        orphans = [cell for cell in cells if cell.parent == OTHER and parents is not None]
        small = {*too_small(cells, k), *orphans}
        unions = self._unions(counted, cells, small)
        loose = {group: found[0].people for group, found in unions.items() if group[1] != OTHER or parents is None}
        added = widened(cells, loose, k)
        if added:
            small |= set(added)
            changed = {cell.group for cell in added}
            again = {cell for cell in small if cell.group in changed}
            unions |= self._unions(counted, cells, again)
        shown = [
            (cell, measures, largest)
            for cell, (_, measures, largest) in zip(cells, counted, strict=True)
            if cell not in small
        ]
        self._kept[dimension.name] = {
            (cell.unit, f"{cell.parent}{SEPARATOR}{cell.key}" if parents is not None else cell.key)
            for cell, _, _ in shown
        }
        if dimension.name in REVENUE_BY:
            self._values[dimension.name] = _by_key(counted, small, cells)
        return self._rows(dimension, [*shown, *unions.values()])

    def _unions(
        self,
        counted: Sequence[Counted],
        cells: Sequence[Cell],
        small: set[Cell],
    ) -> dict[Group, Counted]:
        """What the cells of each group are together: a visit or visitor in several of them counts once."""
        if not small:
            return {}
        origins = [
            (original.unit, original.parent, original.key, cell.parent)
            for (original, _, _), cell in zip(counted, cells, strict=True)
            if cell in small
        ]
        params: dict[str, Param] = {
            "m_unit": [one[0] for one in origins],
            "m_parent": [one[1] for one in origins],
            "m_key": [one[2] for one in origins],
            "m_group": [one[3] for one in origins],
        }
        merged = (
            f"SELECT s.unit AS unit, m.grp AS grp, who, began, any(known) AS known, sum(pv) AS pv, sum(ev) AS ev, "
            "sum(ms) AS ms, any(engaged) AS engaged, any(single) AS single, any(views) AS views, any(took) AS took "
            f"FROM {self._spread} AS s INNER JOIN "
            "(SELECT pair.1 AS unit, pair.2 AS parent, pair.3 AS key, pair.4 AS grp FROM "
            "(SELECT arrayJoin(arrayZip({m_unit:Array(UInt64)}, {m_parent:Array(String)}, {m_key:Array(String)}, "
            "{m_group:Array(String)})) AS pair)) AS m ON s.unit = m.unit AND s.parent = m.parent AND s.key = m.key "
            "GROUP BY unit, grp, who, began"
        )
        rows = self._ask(
            f"SELECT unit, grp, '{OTHER}', {SUMMED} FROM (SELECT unit, grp, who, {BY_PERSON} FROM ({merged}) "
            "GROUP BY unit, grp, who) GROUP BY unit, grp ORDER BY unit, grp",
            params,
        )
        found = [counted_cell(row) for row in rows]
        return {cell.group: (cell, measures, largest) for cell, measures, largest in found}

    def _parents_kept(self, dimension: Dimension) -> set[Group] | None:
        """The kept values that children of this dimension may lie in; None if it has no parents."""
        names = PARENTS.get(dimension.name)
        return self._kept[names[-1]] if names else None

    def _rows(self, dimension: Dimension, cells: Sequence[Counted]) -> list[DayRow]:
        """Rows without what may not be shown, in their order."""
        groups: dict[Group, list[tuple[Cell, list[int], Largest]]] = defaultdict(list)
        for cell, measures, largest in cells:
            groups[cell.group].append((cell, _allowed(measures, cell.people, self._k[cell.unit]), largest))
        rows = []
        for (unit, parent), mine in groups.items():
            for name in SUMS:
                place = _PLACE[name]
                known = self._veils[unit].whole_known(dimension.name, parent, place)
                for hidden in dominated([c[1][place] for c in mine], [c[2][name] for c in mine], whole_known=known):
                    mine[hidden][1][place] = WITHHELD
            rows += [(day_of(unit), _row(cell, dimension.name, shown)) for cell, shown, _ in mine]
        for day, row in rows:
            self._veils[unit_of(row.site, day)].note(row)
        return sorted(rows)

    def _ask(self, sql: str, params: Mapping[str, Param] | None = None) -> list[Record]:
        return self._warehouse.select(sql, {**self._params, **(params or {})}, "seal")


def _row(cell: Cell, dimension: str, measures: Sequence[int]) -> Rollup:
    return Rollup(cell.unit >> DAY_BITS, dimension, cell.key, cell.parent, tuple(measures))


def _by_key(counted: Sequence[Counted], small: Collection[Cell], cells: Sequence[Cell]) -> dict[Group, Value]:
    """What is known of a dimension's values by themselves; one that lies in several parents is not told."""
    found: dict[Group, Value] = {}
    for (_, measures, _), cell in zip(counted, cells, strict=True):
        before = found.get((cell.unit, cell.key))
        people = max(measures[_PLACE["visitors"]], before.people if before else 0)
        found[cell.unit, cell.key] = Value(people, is_shown=cell not in small and before is None)
    return found


def _under(cell: Cell, parents: set[Group] | None) -> str:
    """The parent under which a cell is merged: its own if that is shown, else what is left of all others."""
    return cell.parent if parents is None or cell.group in parents else OTHER


def _allowed(measures: tuple[int, ...], people: int, k: int) -> list[int]:
    """Of a group under k, which only a whole day can be, only what is exempt."""
    if people >= k:
        return list(measures)
    return [value if name in EXEMPT else WITHHELD for name, value in zip(KEPT_MEASURES, measures, strict=True)]
