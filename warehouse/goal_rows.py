"""Goals and funnels of sites' days, as a seal keeps them: a row for each goal and step, withheld where it has to be.

Counted from `events` and the visits that these belong to; which of them are told is chosen by `goal_choice`. A row of
nothing but withheld numbers says that the goal was there and was reached by few, or by none.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from event_catalogue.aggregates import FUNNEL_STEPS, GOALS, KEPT_MEASURES, SUMS, WITHHELD
from event_catalogue.goals import MOST_GOALS, MOST_STEPS, Aims, Funnel
from event_catalogue.metrics import MeasureName
from warehouse.client import Param, Record
from warehouse.goal_choice import Atom, Reached, Target, chosen
from warehouse.goals import Bind, came_to, hit, numbered
from warehouse.metrics import NOBODY, ROW_EXPRESSIONS
from warehouse.rollup_rows import SEPARATOR, DayRow, Rollup, SiteDay, Source

ALL_WITHHELD: Final = (WITHHELD,) * len(KEPT_MEASURES)


class GoalCount:
    """One run over days whose sites have goals."""

    def __init__(self, days: Sequence[SiteDay], source: Source) -> None:
        self._days = [one for one in days if one.aims.goals]
        self._sites = {one.site: one.aims for one in self._days}
        self._source = source
        self._params: dict[str, Param] = {}
        self._masks = masks(self._sites, self._bind)

    def rows(self) -> list[DayRow]:
        """The rows of goals and of steps, in their order."""
        if not self._days:
            return []
        self._fill()
        counted = {(int(unit), int(bit)): tuple(map(int, numbers)) for unit, bit, *numbers in self._ask(_COUNTED)}
        told = self._told()
        found = []
        for day in self._days:
            for bit, dimension, key, digest in self._targets(day):
                numbers = ALL_WITHHELD
                if bit in told[day.unit] or self._of_nobody(day, bit, counted):
                    numbers = _measures(counted[day.unit, bit])
                found.append((day.day, Rollup(day.site, dimension, key, digest, numbers)))
        return sorted(found)

    def _targets(self, day: SiteDay) -> list[tuple[int, str, str, str]]:
        """Bit, dimension, key and digest of every goal and step."""
        found = [(bit, GOALS, goal.name, goal.digest) for bit, goal in enumerate(day.aims.goals)]
        for place, funnel in enumerate(day.aims.funnels):
            if day.aims.steps(funnel):
                for step, label in enumerate(funnel.labels):
                    key = f"{funnel.name}{SEPARATOR}{label}"
                    found.append((_bit(place, step), FUNNEL_STEPS, key, day.aims.digest(funnel)))
        return found

    def _of_nobody(self, day: SiteDay, bit: int, counted: Mapping[tuple[int, int], tuple[int, ...]]) -> bool:
        """Whether it is reached by messages of nobody alone, opened e-mails or calls, of a kind that is told whole."""
        if bit >= MOST_GOALS or (day.unit, bit) not in counted:
            return False
        goal, (visitors, _, _, events, *_) = day.aims.goals[bit], counted[day.unit, bit]
        whole = not goal.prop and not goal.page and (day.unit, goal.kind) in self._source.kinds
        return whole and not visitors and events >= day.k

    def _told(self) -> dict[int, set[int]]:
        visits: dict[int, list[tuple[frozenset[int], int]]] = defaultdict(list)
        for unit, marks, people in self._ask(_VISIT_GROUPS):
            visits[int(unit)].append((frozenset(map(int, marks)), int(people)))
        events: dict[int, list[tuple[frozenset[Atom], int]]] = defaultdict(list)
        for unit, atoms, people in self._ask(self._event_groups()):
            group = frozenset(Atom(str(kind), bool(merged), int(reaches)) for kind, merged, reaches in atoms)
            events[int(unit)].append((group, int(people)))
        beside = self._beside_pages()
        told: dict[int, set[int]] = {}
        for day in self._days:
            kinds = frozenset(kind for unit, kind in self._source.kinds if unit == day.unit)
            visitors = self._source.visitors.get(day.unit, 0)
            reached = Reached(day.k, visitors, visits[day.unit], events[day.unit], kinds, beside.get(day.unit, {}))
            targets = [Target(bit, goal.kind, goal.kind == "pageview") for bit, goal in enumerate(day.aims.goals)] + [
                Target(bit) for bit, dimension, _, _ in self._targets(day) if dimension == FUNNEL_STEPS
            ]
            told[day.unit] = chosen(reached, targets) if visitors >= day.k else set()
        return told

    def _beside_pages(self) -> dict[int, dict[int, list[int]]]:
        """By day and goal of pages: who reaches it without each of the pages in it that are told."""
        found: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for unit, bit, page, people, with_page, only_with in self._ask(_BESIDE_PAGES):
            if (int(unit), str(page)) in self._source.pages:
                found[int(unit)][int(bit)] += [int(people) - int(only_with), int(people) - int(with_page)]
        return found

    def _event_groups(self) -> str:
        """Visitors by the different events that they have, as goals see them."""
        kinds = sorted({goal.kind for aims in self._sites.values() for goal in aims.goals})
        pages = sorted(self._source.pages)
        self._params |= {
            "goal_kinds": kinds,
            "page_units": [unit for unit, _ in pages],
            "page_names": [page for _, page in pages],
        }
        told = (
            "SELECT (pair.1, pair.2) FROM (SELECT arrayJoin(arrayZip({page_units:Array(UInt64)}, "
            "{page_names:Array(String)})) AS pair)"
        )
        merged = f"name = 'pageview' AND ({self._source.unit}, path) NOT IN ({told})"
        return (
            f"SELECT unit, atoms, count() FROM (SELECT {self._source.unit} AS unit, visitor, arraySort(groupUniqArray("
            f"(toString(name), toUInt8({merged}), {self._masks}))) AS atoms FROM {self._source.rows} "
            f"AND visitor != {NOBODY} AND name IN {{goal_kinds:Array(String)}} GROUP BY unit, visitor) "
            "GROUP BY unit, atoms"
        )

    def _fill(self) -> None:
        """Visits that reach anything, with all that is counted of them."""
        source = self._source
        at, viewed = ROW_EXPRESSIONS["at_ms"], ROW_EXPRESSIONS["viewed"]
        counted, acted = ROW_EXPRESSIONS["counted"], ROW_EXPRESSIONS["acted"]
        rows = (
            f"SELECT {source.unit} AS unit, site, if(visitor = {NOBODY}, beacon, visitor) AS who, {at} AS at_ms, "
            f"beacon, idx, {viewed} AS viewed, {counted} AS counted, {acted} AS acted, {self._masks} AS mask, path "
            f"FROM {source.rows}"
        )
        if not any(funnel.strict for aims in self._sites.values() for funnel in aims.funnels):
            rows = f"SELECT * FROM ({rows}) WHERE mask != 0"
        visits = (
            f"SELECT {source.unit} AS unit, visitor AS who, known, began AS starts, engaged AS all_engaged, "
            "single AS all_single, views AS all_views, counted AS all_counted "
            f"FROM {source.visits} WHERE {source.days}"
        )
        placed = (
            "SELECT unit, site, who, known, (at_ms, beacon, idx, mask, viewed, counted, acted, path) AS row, "
            "arrayLastIndex(b -> b <= at_ms, starts) AS n, starts[n] AS start, length(starts) AS visits, "
            "all_engaged[n] AS is_engaged, all_single[n] AS is_single, all_views[n] AS seen, all_counted[n] AS done "
            f"FROM ({rows}) AS e INNER JOIN ({visits}) AS v USING (unit, who)"
        )
        whole = (
            "SELECT unit, site, who, start, any(known) AS of_somebody, any(visits) AS in_all, "
            "any(is_engaged) AS lively, any(is_single) AS lone, any(seen) AS all_seen, any(done) AS all_done, "
            f"arraySort(groupArray(row)) AS v FROM ({placed}) GROUP BY unit, site, who, start"
        )
        self._source.fill(
            _COLUMNS,
            f"SELECT unit, who, of_somebody, in_all, lively, lone, all_seen, all_done, v.4, v.5, v.6, v.8, "
            f"{self._reached()} AS targets FROM ({whole}) WHERE targets != 0",
            self._params,
        )

    def _reached(self) -> str:
        """The bits of all targets that a visit reaches."""
        parts = []
        for site, aims in self._sites.items():
            bits = ["arrayFold((a, m) -> bitOr(a, m), v.4, toUInt64(0))"]
            for place, funnel in enumerate(aims.funnels):
                if steps := aims.steps(funnel):
                    bits.append(f"bitShiftLeft({_steps(funnel, steps)}, {_bit(place, 0)})")
            parts.append(f"site = {site:d}, {_either(bits)}")
        return f"multiIf({', '.join(parts)}, toUInt64(0))"

    def _ask(self, sql: str) -> list[Record]:
        return self._source.ask(sql.replace("{scratch}", self._source.table), self._params)

    def _bind(self, text: str) -> str:
        name = f"goal{len(self._params)}"
        self._params[name] = text
        return f"{{{name}:String}}"


def masks(sites: Mapping[int, Aims], bind: Bind) -> str:
    """The goals that a row reaches, as bits; by site."""
    parts = []
    for site, aims in sites.items():
        parts.append(f"site = {site:d}, {numbered([hit(goal, bind) for goal in aims.goals])}")
    return f"multiIf({', '.join(parts)}, toUInt64(0))" if parts else "toUInt64(0)"


def _bit(funnel: int, step: int) -> int:
    return MOST_GOALS + funnel * MOST_STEPS + step


def _either(bits: Sequence[str]) -> str:
    return bits[0] if len(bits) == 1 else f"bitOr({bits[0]}, {_either(bits[1:])})"


def _steps(funnel: Funnel, steps: Sequence[int]) -> str:
    """The steps that a visit comes to, from what its rows reach."""
    mask = numbered([f"bitTest(r.4, {goal})" for goal in steps])
    events = f"arrayFilter(r -> r.5 OR r.7 OR {mask} != 0, v)" if funnel.strict else "v"
    return came_to(f"arrayMap(r -> {mask}, {events})", strict=funnel.strict)


def _measures(counted: Sequence[int]) -> tuple[int, ...]:
    """Numbers in the order of the measures; of times nothing is told: whom they belong to could be worked out."""
    numbers: dict[MeasureName, int] = dict(zip(_ORDER, counted, strict=True))
    return tuple(WITHHELD if name in SUMS else numbers[name] for name in KEPT_MEASURES)


def unit_visitors(totals: Sequence[tuple[int, Rollup, bool]]) -> dict[int, int]:
    """Visitors of each day, from its totals."""
    place = KEPT_MEASURES.index("visitors")
    return {unit: row.measures[place] for unit, row, _ in totals}


_COLUMNS: Final = (
    "unit UInt64, who FixedString(16), known UInt8, visits UInt32, engaged UInt8, single UInt8, views UInt32, "
    "done UInt32, masks Array(UInt64), viewed Array(UInt8), counted Array(UInt8), pages Array(String), "
    "targets UInt64"
)
_ORDER: Final[tuple[MeasureName, ...]] = (
    "visitors",
    "visits",
    "pageviews",
    "events",
    "bounces",
    "engaged_visits",
    "single_page_visits",
    "visit_pageviews",
)
_OF_GOAL: Final = f"bit < {MOST_GOALS}"
_COUNTED: Final = (
    "SELECT unit, bit, uniqExactIf(who, known), countIf(known), "
    f"sum(if({_OF_GOAL}, arrayCount((m, x) -> bitTest(m, bit) AND x, masks, viewed), views)), "
    f"sum(if({_OF_GOAL}, arrayCount((m, x) -> bitTest(m, bit) AND x, masks, counted), done)), "
    "countIf(known AND NOT engaged), countIf(known AND engaged), countIf(known AND single), sumIf(views, known) "
    "FROM (SELECT *, arrayJoin(arrayFilter(b -> bitTest(targets, b), range(64))) AS bit FROM {scratch}) "
    "GROUP BY unit, bit"
)
_VISIT_GROUPS: Final = (
    "SELECT unit, marks, count() FROM (SELECT unit, who, arraySort(arrayConcat(groupUniqArray(targets), "
    "if(any(visits) > count(), [toUInt64(0)], []))) AS marks FROM {scratch} WHERE known GROUP BY unit, who) "
    "GROUP BY unit, marks"
)
_BESIDE_PAGES: Final = (
    "WITH reaching AS (SELECT unit, who, bit, arrayDistinct(arrayFilter((p, m, x) -> bitTest(m, bit) AND x, pages, "
    "masks, viewed)) AS paths FROM (SELECT *, arrayJoin(arrayFilter(b -> bitTest(targets, b), "
    f"range({MOST_GOALS}))) AS bit FROM {{scratch}}) WHERE known AND notEmpty(paths)) "
    "SELECT unit, bit, page, any(people), count(), countIf(mine = visits) FROM "
    "(SELECT unit, who, bit, arrayJoin(paths) AS page, count() AS mine FROM reaching "
    "GROUP BY unit, who, bit, page) AS p "
    "INNER JOIN (SELECT unit, who, bit, count() AS visits FROM reaching GROUP BY unit, who, bit) AS w "
    "USING (unit, who, bit) INNER JOIN "
    "(SELECT unit, bit, uniqExact(who) AS people FROM reaching GROUP BY unit, bit) AS g USING (unit, bit) "
    "GROUP BY unit, bit, page"
)
