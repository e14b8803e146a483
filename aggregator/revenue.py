"""Revenue of sealed days, weeks and months: its proof against raw rows, what it gives away, and what a larger k leaves.

A week or month tells what came in on those of its days that withhold it: of 4 k buyers on 4 days or more, each day's
counted by itself, of whom none pays more than half of it. Who bought on a certain day can't be told from that.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from aggregator.residue import LEAST_DAYS, LEAST_PEOPLE
from event_catalogue.aggregates import (
    GOALS,
    KEPT_MEASURES,
    REVENUE,
    REVENUE_BY,
    WITHHELD,
    is_of_revenue,
    revenue_by,
)
from event_catalogue.dimensions import OTHER
from event_catalogue.goals import Aims
from warehouse.client import Param, Warehouse
from warehouse.goals import hit
from warehouse.metrics import IS_PURCHASE, WHO, number, stored_rows
from warehouse.people import kept_rules
from warehouse.revenue_choice import Bought, can_tell
from warehouse.rollup_rows import Rollup

_PLACE: Final = {name: place for place, name in enumerate(KEPT_MEASURES)}
_VISITORS, _EVENTS = _PLACE["visitors"], _PLACE["events"]
_SPLIT: Final = tuple(revenue_by(name) for name in REVENUE_BY)
_OF_GOALS: Final = revenue_by(GOALS)
Counted = Mapping[tuple[str, str], tuple[int, int]]
"""Currency and goal ("" for all) → amount and purchases."""


def raw_revenue(
    warehouse: Warehouse, site: int, day: int, aims: Aims, *, counted_bots: Iterable[str] = ()
) -> dict[tuple[str, str], tuple[int, int]]:
    """Revenue in each currency and by each goal, from raw rows. Raises TryLater, Broken."""
    params: dict[str, Param] = {"site": site, "first": day, "last": day, "kept": kept_rules({site: counted_bots})}

    def bind(text: str) -> str:
        name = f"g{len(params)}"
        params[name] = text
        return f"{{{name}:String}}"

    hits = ["1", *(hit(goal, bind) for goal in aims.goals)]
    sums = ", ".join(f"sumIf(revenue, {one}), countIf({one})" for one in hits)
    rows = warehouse.select(
        f"SELECT toString(currency), {sums} FROM {stored_rows()} AND {IS_PURCHASE} GROUP BY 1",  # noqa: S608
        params,
        "seal",
    )
    names = ["", *(goal.name for goal in aims.goals)]
    return {
        (str(currency), name): (int(numbers[2 * place]), int(numbers[2 * place + 1]))
        for currency, *numbers in rows
        for place, name in enumerate(names)
    }


def revenue_faults(rows: Iterable[Rollup], counted: Counted) -> list[str]:
    """Every contradiction between what is told of a day's revenue and what was counted."""
    mine = [row for row in rows if is_of_revenue(row.dimension)]
    if not mine and not counted:
        return []  # a day of nothing but machines
    whole = {row.key: row for row in mine if row.dimension == REVENUE and row.key != OTHER}
    withheld = {currency for currency, _ in counted} - whole.keys()
    faults = [f"revenue in {currency!r} is told of nothing" for currency in whole if (currency, "") not in counted]
    if (bool(withheld) or not counted) != any(row.key == OTHER and row.dimension == REVENUE for row in mine):
        faults.append(f"revenue in {sorted(withheld)} is neither told nor withheld")
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in mine:
        if row.dimension in _SPLIT:
            sums[row.dimension, row.parent][0] += row.amount
            sums[row.dimension, row.parent][1] += row.measures[_EVENTS]
        elif row.amount != WITHHELD:
            key = (row.key, "") if row.dimension == REVENUE else (row.parent, row.key)
            told = row.amount, row.measures[_EVENTS]
            if told != counted.get(key):
                faults.append(f"{row.dimension} {row.key!r}: {told} instead of {counted.get(key)}")
    for currency, row in whole.items():
        for name in _SPLIT:
            if tuple(sums.pop((name, currency), ())) != (row.amount, row.measures[_EVENTS]):
                faults += [f"{name} does not add up to what came in in {currency!r}"]
    return [*faults, *(f"{name} tells of {currency!r}, which is withheld" for name, currency in sums)]


def exposed_revenue(rows: Sequence[Rollup], whole: Rollup, k: int) -> Iterator[str]:
    """What the rows about a day's revenue give away of few people. Fewer purchases than k are fewer buyers than k."""
    told = {row.key: row for row in rows if row.dimension == REVENUE and row.amount != WITHHELD}
    if told and whole.measures[_VISITORS] < k:
        yield "revenue: money of a day of too few people is told"
    for row in rows:
        if row.amount == WITHHELD:
            continue
        if row.measures[_EVENTS] < k:
            yield f"{row.dimension}: {row.measures[_EVENTS]} purchases of {row.key!r} are told"
        if row.dimension == REVENUE:
            continue
        if row.parent not in told:
            yield f"{row.dimension}: {row.key!r} tells of a currency whose revenue is withheld"
        elif 0 < told[row.parent].measures[_EVENTS] - row.measures[_EVENTS] < k:
            yield f"{row.dimension}: {row.key!r} lacks purchases of few people"


def coarser_revenue(rows: Iterable[Rollup]) -> list[Rollup]:
    """What is left of a day's revenue for a larger k: nothing, for nobody knows any more how many bought."""
    numbers = (WITHHELD,) * len(KEPT_MEASURES)
    return [Rollup(row.site, REVENUE, OTHER, "", numbers, WITHHELD) for row in list(rows)[:1]]


def bought_by_day(
    warehouse: Warehouse, site: int, days: Collection[int], counted_bots: Iterable[str]
) -> dict[str, dict[int, list[Bought]]]:
    """By currency and day: who bought for how much. Raises TryLater, Broken."""
    params: dict[str, Param] = {"site": site, "first": min(days), "last": max(days), "days": sorted(days)}
    rows = warehouse.select(
        f"SELECT toString(currency), toUInt16(day), {number(WHO)}, sum(revenue), count() FROM {stored_rows()} "  # noqa: S608
        f"AND toUInt16(day) IN {{days:Array(UInt16)}} AND {IS_PURCHASE} GROUP BY 1, 2, 3 ORDER BY ALL",
        params | {"kept": kept_rules({site: counted_bots})},
        "seal",
    )
    found: dict[str, dict[int, list[Bought]]] = defaultdict(lambda: defaultdict(list))
    for currency, day, who, amount, purchases in rows:
        # A buyer of two days is two: nobody is recognised on another day.
        one = Bought(int(day) << 128 | int(who), int(amount), int(purchases), 0, ())
        found[str(currency)][int(day)].append(one)
    return found


def span_revenue(
    site: int,
    bought: Mapping[str, Mapping[int, Sequence[Bought]]],
    days: Mapping[int, Collection[str]],
    k: int,
) -> list[Rollup]:
    """The rows of a week or month. `days`: its days, each with the currencies that it or one of the weeks tells."""
    found: list[Rollup] = []
    is_withheld = False
    for currency, by_day in sorted(bought.items()):
        untold = {day: many for day, many in by_day.items() if currency not in days[day]}
        many = [one for day in untold for one in untold[day]]
        if len(untold) >= LEAST_DAYS and len(many) >= LEAST_PEOPLE * k and can_tell(many, k):
            numbers = [WITHHELD] * len(KEPT_MEASURES)
            numbers[_EVENTS] = sum(one.purchases for one in many)
            found.append(Rollup(site, REVENUE, currency, "", tuple(numbers), sum(one.amount for one in many)))
        else:
            is_withheld |= bool(untold)
    if found and is_withheld:
        found.append(Rollup(site, REVENUE, OTHER, "", (WITHHELD,) * len(KEPT_MEASURES), WITHHELD))
    return sorted(found)
