"""Revenue of sealed days: what a count by hand gives, and of nobody is it known what he paid."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from aggregator.attack import exposed
from aggregator.coarser import coarser
from aggregator.revenue import raw_revenue, revenue_faults, span_revenue
from aggregator.visits import VisitTable
from control_store.tables import ControlStore
from event_catalogue.aggregates import REVENUE_BY
from event_catalogue.goals import Aims, Goal
from tests.console.stats.counting import cut_visits, value
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.revenue_choice import Bought
from warehouse.rollup_rows import Rollup, SiteDay
from warehouse.rollups import Rollups

DAY, K = 20_423, 5
START = DAY * 86_400_000
AIMS = Aims(
    (Goal("bought", event="buy"), Goal("big", event="buy", prop="size", value="big"), Goal("gave", event="give"))
)
REACHES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "bought": lambda one: one["name"] == "buy",
    "big": lambda one: one["name"] == "buy" and one["prop_values"] == ["big"],
    "gave": lambda one: one["name"] == "give",
}
Event = dict[str, Any]


def traffic(
    rng: random.Random, site: int, visitors: int, day: int = DAY, whales: tuple[int, ...] = (1, 1, 300)
) -> Iterator[Event]:
    """Visitors from some places, of whom some buy, in two currencies, now and then a gift of nothing."""
    share = rng.choice([0.1, 0.5, 0.95])
    whale = rng.choice(whales)
    for number in range(visitors):
        who = rng.randbytes(16)
        source = rng.choice(["Google", "Google", "Bing", "News", "Rare", ""])
        shared = {
            "site": site,
            "day": day,
            "visitor": who,
            "idx": 0,
            "bot": "",
            "engaged_ms": 0,
            "country": rng.choice(["CH", "CH", "CH", "DE", "AT"]),
            "device": rng.choice(["desktop", "phone"]),
            "source": source,
            "source_kind": "search" if source in ("Google", "Bing") else "referral" if source else "direct",
            "channel": {"": "Direct", "News": "Referral", "Rare": "(other)"}.get(source, "Organic Search"),
            "prop_keys": ["size"],
            "utm_campaign": rng.choice(["", "", "spring"]),
        }
        at = day * 86_400_000 + rng.randrange(40_000_000)
        for _ in range(rng.choice([1, 1, 2])):
            plain = {**shared, "path": rng.choice(["/", "/a", "/b"]), "prop_values": [""], "currency": "", "revenue": 0}
            yield {**plain, "at": at, "beacon": rng.randbytes(16), "name": "pageview"}
            for _ in range(rng.choice([1, 1, 2])):
                if rng.random() < share:
                    paid = {"currency": rng.choice(["EUR"] * 5 + ["JPY"]), "revenue": rng.choice([0, 500, 900, 2500])}
                    paid["revenue"] *= whale if number == 0 else 1
                    sort = {"name": rng.choice(["buy", "buy", "give"]), "prop_values": [rng.choice(["big", "small"])]}
                    yield {**plain, **paid, **sort, "at": at + 5_000, "beacon": rng.randbytes(16)}
            yield {**plain, "at": at + 9_000, "beacon": rng.randbytes(16), "name": "tip", "revenue": 77}
            at += 40 * 60_000


SIZES = {1: 4, 2: 14, 3: 30, 4: 60, 5: 200, 6: 12, 7: 150, 8: 90, 9: 250}


class Day:
    """A day of several sites, as it is sealed."""

    def __init__(self, warehouse: Warehouse, root: Path, events: list[Event]) -> None:
        store = ControlStore.in_directory(root)
        store.migrate()
        self.warehouse, self.events = warehouse, events
        EventTable(warehouse).insert([event(**one) for one in events], batch=1, token="1")
        VisitTable(warehouse, store, nullcontext).tick()
        store.close()
        sites = sorted({one["site"] for one in events})
        bounds = [SiteDay(site, DAY, K, START, START + 86_400_000, aims=AIMS) for site in sites]
        rows = [row for many in Rollups(warehouse, "seal").count(bounds) for _, row in many]
        self.rows = {site: [row for row in rows if row.site == site] for site in sites}

    def told(self, site: int) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Dimension, currency, value → amount and purchases."""
        found = {}
        for row in self.rows[site]:
            if row.dimension.startswith("revenue") and row.amount != -1:
                name = row.dimension.removeprefix("revenue").removeprefix(":")
                found[name, row.parent or row.key, row.key if name else ""] = row.amount, row.measures[3]
        return found

    def purchases(self, site: int) -> list[tuple[list[Event], Event]]:
        """Each purchase with its visit."""
        visits = cut_visits([one for one in self.events if one["site"] == site])
        return [(visit, one) for visit in visits for one in visit if one["currency"]]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    rng = random.Random(11)
    warehouse = fresh_warehouse()
    events = [one for site, many in SIZES.items() for one in traffic(rng, site, many)]
    yield Day(warehouse, tmp_path_factory.mktemp("revenue"), events)
    warehouse.close()


def spelt(name: str, text: str) -> str:
    """A value as it is kept: one that looks like a word of the answer gets its backslash."""
    return f"\\{text}" if text == "(other)" else text


def cell(day: Day, site: int, name: str, key: tuple[str, str]) -> list[Event]:
    """The purchases of a currency and value."""
    currency, wanted = key
    mine = [(visit, one) for visit, one in day.purchases(site) if one["currency"] == currency]
    if not name:
        return [one for _, one in mine]
    if name == "goal":
        return [one for _, one in mine if REACHES[wanted](one)]
    shown = {word for of, money, word in day.told(site) if (of, money) == (name, currency)}
    values = [(spelt(name, value(name, visit, one)), one) for visit, one in mine]
    if wanted == "(other)":
        return [one for word, one in values if word not in shown]
    return [one for word, one in values if word == wanted]


def of_many(purchases: list[Event]) -> bool:
    """Whether k buyers paid it, none of them more than half."""
    paid: dict[bytes, int] = defaultdict(int)
    for one in purchases:
        paid[one["visitor"]] += one["revenue"]
    return len(paid) >= K and all(2 * one <= sum(paid.values()) for one in paid.values())


@pytest.mark.req("A3", "A4", "C16")
@pytest.mark.parametrize("site", SIZES)
def test_money_that_is_told_is_right_and_of_many(day: Day, site: int) -> None:
    """Every amount and number of purchases as counted by hand; k buyers, none of whom pays more than half; so of what
    is left of the day without a value or a goal; and nobody is known not to have bought."""
    for (name, currency, word), told in day.told(site).items():
        mine = cell(day, site, name, (currency, word))
        assert told == (sum(one["revenue"] for one in mine), len(mine)), (name, currency, word)
        assert of_many(mine), (name, currency, word)
        whole = cell(day, site, "", (currency, ""))
        left = [one for one in whole if one not in mine]
        assert name != "goal" or not left or of_many(left), word
        if not name:
            visitors = {one["visitor"] for one in day.events if one["site"] == site}
            others = visitors - {one["visitor"] for one in mine}
            assert not others or len(others) >= K


@pytest.mark.req("A3")
def test_values_add_up_and_goals_can_be_taken_away_from_each_other(day: Day) -> None:
    """Of each told currency the values of a dimension are all of it; a goal inside another one leaves many or nobody."""
    seen = 0
    for site in SIZES:
        told = day.told(site)
        for currency in {money for _, money, _ in told}:
            whole = told["", currency, ""]
            for name in REVENUE_BY:
                cells = [sums for (of, money, _), sums in told.items() if (of, money) == (name, currency)]
                assert tuple(map(sum, zip(*cells, strict=True))) == whole
            goals = [word for of, money, word in told if (of, money) == ("goal", currency)]
            seen += len(goals)
            for outer in goals:
                for inner in goals:
                    large, small = (cell(day, site, "goal", (currency, goal)) for goal in (outer, inner))
                    left = [one for one in large if one not in small]
                    if all(one in large for one in small) and left:
                        assert of_many(left), (site, outer, inner)
    assert seen > 3


@pytest.mark.req("A3")
def test_there_is_something_to_tell_and_something_to_withhold(day: Day) -> None:
    """Of the sites above at least three tell money by a value with a name, and three withhold some."""
    told = [site for site in SIZES if any(name in REVENUE_BY and word != "(other)" for name, _, word in day.told(site))]
    withheld = [
        site for site in SIZES if any((row.dimension, row.key) == ("revenue", "(other)") for row in day.rows[site])
    ]
    assert len(told) >= 3
    assert len(withheld) >= 3
    assert {name for site in SIZES for name, _, _ in day.told(site)} >= {"", "goal", "country", "source", "device"}


def buyers(*amounts: int, others: int = 20) -> list[Event]:
    """Visitors who pay so much, and some who pay nothing."""
    found = []
    for number, amount in enumerate((*amounts, *[0] * others)):
        shared = {"site": 1, "day": DAY, "visitor": bytes([number + 1] * 16), "path": "/", "country": "CH", "idx": 0}
        shared |= {"bot": "", "engaged_ms": 0, "prop_keys": [], "prop_values": []}
        found.append({**shared, "at": START + number, "beacon": bytes([number, 1] * 8), "name": "pageview"})
        if amount:
            paid = {"currency": "EUR", "revenue": amount, "name": "buy"}
            found.append({**shared, **paid, "at": START + number + 1, "beacon": bytes([number, 2] * 8)})
    return [{"currency": "", "revenue": 0} | one for one in found]


CASES = {
    "five buyers of whom one pays 99 %": (buyers(99_000, 250, 250, 250, 250), None),
    "five who pay the same": (buyers(100, 100, 100, 100, 100), 500),
    "one pays half": (buyers(400, 100, 100, 100, 100), 800),
    "one pays a little more than half": (buyers(401, 100, 100, 100, 100), None),
    "four buyers": (buyers(100, 100, 100, 100), None),
    "all but four buy": (buyers(*[100] * 9, others=4), None),
    "all buy": (buyers(*[100] * 9, others=0), 900),
    "more is given back than paid": (buyers(-100, -100, -100, -100, -100), None),
    "nobody buys": (buyers(), None),
}


@pytest.mark.req("A3")
@pytest.mark.parametrize(("events", "total"), CASES.values(), ids=CASES.keys())
def test_who_pays_most_of_it_is_not_found(tmp_path: Path, events: list[Event], total: int | None) -> None:
    """A total is told or withheld whole, and a day that withholds looks like one on which nobody bought."""
    warehouse = fresh_warehouse()
    rows = Day(warehouse, tmp_path, events).rows[1]
    money = {(row.dimension, row.key): row.amount for row in rows if row.dimension.startswith("revenue")}
    warehouse.close()
    if total is None:
        assert money == {("revenue", "(other)"): -1}
    else:
        assert money["revenue", "EUR"] == money["revenue:country", "CH"] == total
        assert ("revenue", "(other)") not in money


def _changed(rows: list[Rollup], name: str, key: str, **changes: Any) -> list[Rollup]:
    assert any((row.dimension, row.key) == (name, key) for row in rows)
    return [row._replace(**changes) if (row.dimension, row.key) == (name, key) else row for row in rows]


@pytest.mark.req("A2")
def test_the_proof_finds_every_change(day: Day) -> None:
    """As counted there is no fault; an amount more, a value less, a withheld row too few are one."""
    site = next(site for site in SIZES if len(day.told(site)) > 12)
    counted = raw_revenue(day.warehouse, site, DAY, AIMS)
    rows = day.rows[site]
    by_hand: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for _, one in day.purchases(site):
        for name in ("", *REACHES):
            holds = not name or REACHES[name](one)
            by_hand[one["currency"], name][0] += one["revenue"] if holds else 0
            by_hand[one["currency"], name][1] += holds
    assert counted == {key: tuple(sums) for key, sums in by_hand.items()}
    assert revenue_faults(rows, counted) == []
    country = next(row for row in rows if row.dimension == "revenue:country" and row.parent == "EUR")
    assert revenue_faults(_changed(rows, "revenue", "EUR", amount=7), counted)
    assert revenue_faults([row for row in rows if row is not country], counted) == [
        "revenue:country does not add up to what came in in 'EUR'"
    ]
    assert revenue_faults([row for row in rows if not row.dimension.startswith("revenue")], counted)
    assert revenue_faults(rows, {}) != []
    assert revenue_faults([], {}) == []


@pytest.mark.req("A3", "D11")
def test_the_attack_finds_money_of_few(day: Day) -> None:
    """As they are sealed days give nobody away; fewer purchases than k do, shown or left."""
    for site in SIZES:
        assert exposed(day.rows[site], K) == []
    site = next(site for site in SIZES if len(day.told(site)) > 12)
    rows = day.rows[site]
    country = next(row for row in rows if row.dimension == "revenue:country" and row.parent == "EUR")
    few = _changed(rows, country.dimension, country.key, measures=(-1, -1, -1, 4, *[-1] * 6))
    assert any("4 purchases" in one for one in exposed(few, K))
    whole = next(row for row in rows if (row.dimension, row.key) == ("revenue", "EUR"))
    all_but = _changed(rows, country.dimension, country.key, measures=(-1, -1, -1, whole.measures[3] - 2, *[-1] * 6))
    assert any("lacks purchases" in one for one in exposed(all_but, K))
    assert any("whose revenue is withheld" in one for one in exposed([row for row in rows if row is not whole], K))


@pytest.mark.req("A3")
def test_a_larger_k_without_raw_rows_keeps_no_money(day: Day) -> None:
    """Nobody knows any more how many bought."""
    for site in SIZES:
        money = [row for row in coarser(day.rows[site], K + 1) if row.dimension.startswith("revenue")]
        assert [(row.dimension, row.key, row.amount) for row in money] == [("revenue", "(other)", -1)]
        assert exposed(coarser(day.rows[site], K + 1), K + 1) == []


def test_a_week_tells_what_its_days_withhold() -> None:
    """Of 20 buyers on four days; not of fewer, not of three days, and of no day that tells itself."""

    def week(*days: int, amount: int = 100) -> dict[int, list[Bought]]:
        return {
            day: [Bought(day * 100 + number, amount, 1, 0, ()) for number in range(many)]
            for day, many in enumerate(days)
        }

    def money(by_day: dict[int, list[Bought]], told: tuple[int, ...] = ()) -> dict[str, int]:
        days = {day: {"EUR"} if day in told else set() for day in range(7)}
        return {row.key: row.amount for row in span_revenue(1, {"EUR": by_day}, days, K)}

    assert money(week(5, 5, 5, 5)) == {"EUR": 2_000}
    assert money(week(5, 5, 5, 4)) == {}
    assert money(week(9, 9, 9)) == {}
    assert money(week(5, 5, 5, 5, 9), told=(4,)) == {"EUR": 2_000}
    assert money(week(5, 5, 5, 5, 9), told=(0,)) == {"EUR": 2_400}
    whale = week(5, 5, 5, 5)
    whale[0][0] = Bought(9_999, 2_000, 1, 0, ())
    assert money(whale) == {}
    two = {"EUR": week(5, 5, 5, 5), "JPY": week(1)}
    rows = span_revenue(1, two, {day: set() for day in range(7)}, K)
    assert [(row.key, row.amount) for row in rows] == [("(other)", -1), ("EUR", 2_000)]
