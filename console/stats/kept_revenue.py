"""Revenue from both sources: live purchases, and what sealed days, weeks and months tell of theirs."""

# ruff: noqa: S608  the text is made of the catalogue's names; what a reader wrote is bound as a parameter

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, NamedTuple

from console.stats.groups import Groups, shown
from console.stats.guarded import is_guarded
from console.stats.kept import Kept, Told, fitting, kept_form, key_of, key_sql
from console.stats.marks import Purgeable, marks
from console.stats.plan import EPOCH, Plan, day_number
from console.stats.query import All, Asked, Condition, Query, SiteRef
from console.stats.revenue import (
    CURRENCY,
    Key,
    MoneyCounts,
    Sum,
    names_currencies,
    withheld_where_few,
    without_currency,
)
from event_catalogue.aggregates import GOALS, KEPT_MEASURES, REVENUE, REVENUE_BY, WITHHELD, revenue_by
from event_catalogue.dimensions import OTHER, Dimension
from event_catalogue.metrics import METRIC
from warehouse.client import Param, Record
from warehouse.revenue_choice import Bought
from warehouse.rollup_rows import DayRow

_BUYER: Final = Asked("buyer", Dimension("buyer", (), "event", "buyer", "Who bought.", "each"))
"""Not for readers: by whom a group's purchases are, where few of them must not be told."""
_ALL_ROWS: Final = 4_000_000_000
_EVENTS: Final = KEPT_MEASURES.index("events")


class Reading(NamedTuple):
    """How the two sources are asked."""

    seals: Mapping[int, Purgeable]
    runs: Mapping[int, int]
    """By sealed day."""
    spans: Sequence[Told]
    ask: Callable[[str, Mapping[str, Param]], list[Record]]
    live: Callable[[Query, Plan], list[Record]]
    """A question and the days of a part → rows: a value for each dimension, then revenue and purchases."""
    foretell: Callable[[Plan], Iterable[DayRow]]
    """Days that are not sealed → their rows as seals will hold them."""
    rows: Callable[[Query], Sequence[Mapping[str, Any]]]
    """The rows of an answer."""


def money_form(query: Query, plan: Plan) -> Kept | None:
    """The question in the form in which aggregates can answer it, its currency apart; None where it needs raw rows."""
    kept = kept_form(without_currency(query), plan)
    return kept if kept and kept.dimension in ("", GOALS, *REVENUE_BY) else None


def count_money(query: Query, plan: Plan, site: SiteRef, kept: Kept | None, reading: Reading) -> MoneyCounts:
    """The money of a question. `plan`: its days, cut into parts of one source."""
    found = _Found(query, plan)
    for part in (part for part in plan.parts if part.source == "raw"):
        mine = plan.only(part)
        if query.include.kept and kept:
            found.add_rows(kept, reading.foretell(mine))
        else:
            found.add_live(mine, site, reading)
    if kept and reading.runs:
        found.add_kept(kept, site, reading)
    groups = Groups(query, plan) if kept and (reading.runs or query.include.kept) else None
    mark = marks(replace(query, metrics=(METRIC["events"],)), plan, reading.seals, groups)["events"]
    if found.unknown:
        mark = {**mark, "mark": "not computable", "reason": "some days were sealed before revenue was kept"}
    elif found.lacks and mark["mark"] in ("exact", "provisional"):
        word = "merged" if mark["mark"] == "exact" else mark["mark"]
        mark = {**mark, "mark": word, "reason": "; ".join([mark["reason"], *sorted(found.lacks)])}
    return MoneyCounts(found.groups, mark, not found.lacks and not found.unknown)


class _Found:
    """Money by group and currency, and what is lacking in it."""

    def __init__(self, query: Query, plan: Plan) -> None:
        self._query = query
        self._plan = plan
        self._wanted = _currencies(query)
        self.groups: dict[Key, dict[str, Sum | None]] = defaultdict(dict)
        self.lacks: set[str] = set()
        self.unknown = False

    def _add(self, key: Key, currency: str, told: Sum | None) -> None:
        if self._wanted and currency not in self._wanted:
            return
        before = self.groups[key].get(currency)
        if told is not None:
            self.groups[key][currency] = (told[0] + before[0], told[1] + before[1]) if before else told
        else:
            self.groups[key].setdefault(currency, None)

    def add_live(self, part: Plan, site: SiteRef, reading: Reading) -> None:
        """What was bought on days that are counted from their rows."""
        query = self._query
        # Money is told by currency in any case: that is no attribute of whoever paid.
        guarded = is_guarded(without_currency(query), self._plan)
        extra = (CURRENCY, _BUYER) if guarded else (CURRENCY,)
        bought = Condition("is_not", CURRENCY, (CURRENCY.dimension.blank,))
        counted = replace(
            query,
            metrics=(METRIC["average_revenue"],),
            dimensions=(*query.dimensions, *extra),
            filters=All((*query.filters.parts, bought)),
            order_by=(),
            limit=_ALL_ROWS,
            offset=0,
        )
        width = len(query.dimensions)
        few: dict[Key, dict[str, list[Bought]]] = defaultdict(lambda: defaultdict(list))
        for row in reading.live(counted, part):
            pairs = zip(query.dimensions, row, strict=False)
            key = tuple(shown(asked, value, self._plan) for asked, value in pairs)
            amount, purchases = map(int, row[-2:])
            if guarded:
                who = int(str(row[width + 1]), 16)
                few[key][str(row[width])].append(Bought(who, amount, purchases, 0, ()))
            else:
                self._add(key, str(row[width]), (amount, purchases))
        if guarded:
            visitors = replace(query, metrics=(METRIC["visitors"],), order_by=(), limit=_ALL_ROWS, offset=0)
            there = {tuple(row["dimensions"]) for row in reading.rows(visitors)}
            for key, by_currency in withheld_where_few(query, few, there, site.k).items():
                for currency, told in by_currency.items():
                    self._add(key, currency, told)
                    if told is None:
                        self.lacks.add(_FEW)

    def add_kept(self, kept: Kept, site: SiteRef, reading: Reading) -> None:
        """What sealed days tell."""
        runs = fitting(self._query, self._plan, replace(kept, dimension=REVENUE), reading.runs, reading.spans)
        params: dict[str, Param] = {
            "site": site.id,
            "runs": runs.counted if not kept.dimension else list(reading.runs.values()),
            "told": runs.told,
            "first": day_number(self._plan.first),
            "last": day_number(self._plan.last),
            "dimension": revenue_by(kept.dimension),
        }
        days = (
            "FROM rollups WHERE site = {site:UInt32} AND day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16}) "
            "AND run IN {runs:Array(UInt64)} AND dimension"
        )
        [(unknown, withheld)] = reading.ask(
            "SELECT countIf(NOT knows), countIf(few) FROM (SELECT day, run, max(dimension = 'revenue') OR run NOT IN "
            "{days:Array(UInt64)} AS knows, max(dimension = 'revenue' AND key = '(other)' AND run NOT IN "
            f"{{told:Array(UInt64)}}) AS few {days} IN ('', '{REVENUE}') GROUP BY day, run)",
            {**params, "days": list(reading.runs.values()), "told": [] if kept.dimension else runs.told},
        )
        self.unknown |= bool(unknown)
        if withheld:
            self.lacks.add(_WITHHELD)
        asked = [one for one in self._query.dimensions if one.dimension is not CURRENCY.dimension]
        keys = [f"{key_sql(one, self._plan, kept)} AS k{place}" for place, one in enumerate(asked)]
        groups = [*(f"k{place}" for place in range(len(keys))), "key", "parent"]
        rows = reading.ask(
            f"SELECT {', '.join([*keys, 'key', 'parent', 'sum(amount)', 'sum(events)'])}, amount = {WITHHELD} AS few "
            f"{days} = {{dimension:String}} GROUP BY {', '.join(groups)}, few",
            params,
        )
        for *values, key, parent, amount, purchases, few in rows:
            self._add_told(kept, values, str(key), str(parent), None if few else (int(amount), int(purchases)))

    def add_rows(self, kept: Kept, rows: Iterable[DayRow]) -> None:
        """What days will tell when they are sealed."""
        asked = [one for one in self._query.dimensions if one.dimension is not CURRENCY.dimension]
        for number, row in rows:
            if row.dimension == REVENUE and row.key == OTHER:
                self.lacks.add(_WITHHELD)
            if row.dimension == revenue_by(kept.dimension):
                values = [key_of(one, self._plan, EPOCH + timedelta(days=number), row) for one in asked]
                told = None if row.amount == WITHHELD else (row.amount, row.measures[_EVENTS])
                self._add_told(kept, values, row.key, row.parent, told)

    def _add_told(self, kept: Kept, values: Sequence[Any], key: str, parent: str, told: Sum | None) -> None:
        """Add a row of a seal."""
        if not kept.dimension and key == OTHER:
            return  # counted as withheld
        if kept.value is not None and key != kept.value:
            if key == OTHER:
                self.lacks.add(_MERGED)
            return
        if key == OTHER:
            self.lacks.add(_MERGED)
        if told is None:
            self.lacks.add(_WITHHELD)
        currency = parent if kept.dimension else key
        given = iter(values)
        group = []
        for one in self._query.dimensions:
            value = currency if one.dimension is CURRENCY.dimension else next(given)
            if one.named:
                value = self._plan.names.get(one.dimension.name, {}).get(value, value)
            group.append(shown(one, value, self._plan))
        self._add(tuple(group), currency, told)


def _currencies(query: Query) -> set[str]:
    """The currencies that the filters name; none for all."""
    named = [set(part.values) for part in query.filters.parts if isinstance(part, Condition) and names_currencies(part)]
    return set.intersection(*named) if named else set()


_FEW: Final = "money is withheld where few bought or one paid most of it"
_MERGED: Final = "money of groups in which few bought, or one paid most of it, is merged into (other)"
_WITHHELD: Final = "days are left out on which too few bought, one paid most of it, or nobody bought"
