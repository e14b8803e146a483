"""Revenue of sites' days, as a seal keeps it: in each currency, and what of it came by some dimensions and goals.

Which of it is told is chosen by `revenue_choice`. A day with anything that is not told has a row of `(other)` that
withholds it, and so has one on which nothing was bought: nobody can tell the two apart.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from event_catalogue.aggregates import GOALS, KEPT_MEASURES, REVENUE_BY, WITHHELD, revenue_by
from event_catalogue.dimensions import DIMENSION, OTHER, RESERVED
from warehouse.client import Param, Record
from warehouse.kanon import Group
from warehouse.metrics import IS_PURCHASE, ROW_EXPRESSIONS, WHO, number
from warehouse.revenue_choice import Bought, Value, buyers, can_tell, is_nobody_or_many, told_goals, told_values
from warehouse.rollup_rows import DayRow, Rollup, SiteDay

_PEOPLE, _EVENTS = KEPT_MEASURES.index("visitors"), KEPT_MEASURES.index("events")


class Source(NamedTuple):
    """How a run over days asks the warehouse, and what it has told of them already."""

    ask: Callable[[str, Mapping[str, Param]], list[Record]]
    rows: str
    """FROM and WHERE of the days' rows."""
    visits: str
    days: str
    """The condition that picks the days."""
    unit: str
    visitors: Mapping[int, int]
    """Of each site's day."""
    currencies: Collection[Group]
    """Day and currency of all that the days' own tables tell."""
    values: Mapping[str, Mapping[Group, Value]]
    """By dimension: what these tables say of each day's values."""
    goals: Mapping[Group, int]
    """Visitors by day and goal, of those that are told."""
    masks: str
    """The goals that a row reaches, as bits; `params` are its values."""
    params: Mapping[str, Param]


def revenue_rows(days: Iterable[SiteDay], source: Source) -> list[DayRow]:
    """The rows about revenue, in their order."""
    bought: dict[Group, list[Bought]] = defaultdict(list)
    width = len(REVENUE_BY)
    if source.ask(f"SELECT 1 FROM {source.rows} AND {IS_PURCHASE} LIMIT 1", {}):
        for unit, currency, who, amount, purchases, mask, *values in source.ask(_purchases(source), source.params):
            one = Bought(int(who), int(amount), int(purchases), int(mask), tuple(map(str, values[:width])))
            bought[int(unit), str(currency)].append(one)
    found: list[DayRow] = []
    for day in (day for day in days if day.unit in source.visitors):
        mine = {currency: many for (unit, currency), many in bought.items() if unit == day.unit}
        told = {currency: many for currency, many in mine.items() if _is_told(day, currency, many, source)}
        rows = [row for currency, many in told.items() for row in _of_currency(day, currency, many, source)]
        if len(told) < len(mine) or not mine:
            rows.append(_row(day, "", OTHER, "", None))
        found += [(day.day, row) for row in rows]
    return sorted(found)


def _purchases(source: Source) -> str:
    """Everything that was bought, by buyer and by what is told of it."""
    at, keys = ROW_EXPRESSIONS["at_ms"], [f"key_{name}" for name in REVENUE_BY]
    rows = (
        f"SELECT {source.unit} AS unit, site, {WHO} AS who, {at} AS at_ms, toString(currency) AS money, revenue, "
        f"{source.masks} AS mask FROM {source.rows} AND {IS_PURCHASE}"
    )
    columns = ", ".join(f"`{name}` AS all_{name}" for name in REVENUE_BY)
    visits = (
        f"SELECT {source.unit} AS unit, visitor AS who, began AS starts, {columns} FROM {source.visits} "
        f"WHERE {source.days} AND visitor IN (SELECT {WHO} FROM {source.rows} AND {IS_PURCHASE})"
    )
    placed = ", ".join(
        f"toString(all_{name}[arrayLastIndex(b -> b <= at_ms, starts)]) AS key_{name}" for name in REVENUE_BY
    )
    return (
        f"SELECT unit, money, {number('who')}, sum(revenue), count(), mask, {', '.join(keys)} FROM "
        f"(SELECT unit, money, who, revenue, mask, {placed} FROM ({rows}) AS e INNER JOIN ({visits}) AS v "
        f"USING (unit, who)) GROUP BY unit, money, who, mask, {', '.join(keys)} ORDER BY ALL"
    )


def _is_told(day: SiteDay, currency: str, bought: Sequence[Bought], source: Source) -> bool:
    visitors = source.visitors.get(day.unit, 0)
    others = is_nobody_or_many(visitors - buyers(bought), day.k)
    return visitors >= day.k and (day.unit, currency) in source.currencies and others and can_tell(bought, day.k)


def _of_currency(day: SiteDay, currency: str, bought: Sequence[Bought], source: Source) -> list[Rollup]:
    rows = [_row(day, "", currency, "", bought)]
    for place, name in enumerate(REVENUE_BY):
        cells: dict[str, list[Bought]] = defaultdict(list)
        for one in bought:
            cells[_spelt(name, one.values[place])].append(one)
        values = {key: value for (unit, key), value in source.values[name].items() if unit == day.unit}
        told = told_values(cells, values, day.k)
        rows += [_row(day, name, key, currency, cells[key]) for key in told]
        if rest := [one for key, many in cells.items() if key not in told for one in many]:
            rows.append(_row(day, name, OTHER, currency, rest))
    goals = day.aims.goals
    known = {
        bit: people for bit, goal in enumerate(goals) if (people := source.goals.get((day.unit, goal.name))) is not None
    }
    can = told_goals(bought, known, day.k)
    for bit, goal in enumerate(goals):
        mine = [one for one in bought if one.goals >> bit & 1] if bit in can else None
        rows.append(_row(day, GOALS, goal.name, currency, mine))
    return rows


def _spelt(name: str, value: str) -> str:
    """A value as the day's own table spells it: one that looks like a word of the answer has its backslash."""
    return f"\\{value}" if value in (*RESERVED, DIMENSION[name].blank) else value


def _row(day: SiteDay, name: str, key: str, parent: str, bought: Sequence[Bought] | None) -> Rollup:
    """A row; without purchases one that withholds them."""
    numbers = [WITHHELD] * len(KEPT_MEASURES)
    amount = WITHHELD
    if bought is not None:
        numbers[_EVENTS] = sum(one.purchases for one in bought)
        amount = sum(one.amount for one in bought)
    return Rollup(day.site, revenue_by(name), key, parent, tuple(numbers), amount)


def goal_visitors(rows: Iterable[DayRow]) -> dict[Group, int]:
    """Visitors by day and goal, from the rows of goals that tell them."""
    return {
        (SiteDay(row.site, day, 0, 0, 0).unit, row.key): row.measures[_PEOPLE]
        for day, row in rows
        if row.dimension == GOALS and row.measures[_PEOPLE] != WITHHELD
    }
