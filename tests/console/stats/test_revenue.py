"""Revenue in answers: live as counted by hand; of sealed days the same before and after their raw rows have gone."""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aggregator.seal import Sealer
from aggregator.spans import SpanSealer
from aggregator.visits import VisitTable
from console.stats.compare import change
from console.stats.parse import parse
from console.stats.query import BadQuery, SiteRef
from console.stats.run import Answer, Statistics
from console.stats.table import as_csv
from control_store.goals import add_goal, aims_of
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site, find_site
from control_store.spans import all_spans, spans_of
from control_store.tables import ControlStore
from event_catalogue.currencies import in_units, long_money, short_money
from event_catalogue.goals import Aims, Goal
from event_catalogue.metrics import METRIC
from tests.aggregator.test_revenue import AIMS, DAY, REACHES, traffic
from tests.console.stats.counting import cut_visits, value
from tests.console.stats.test_kept_goals import text
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.events import EventTable
from warehouse.seals import RollupTable

FIRST = 20_514
"""A Monday, 2 March 2026."""
DAYS, SEALED = 9, 7
VISITORS = {1: 120, 2: 18}
WHALES = {1: (1, 1, 300), 2: (1,)}
MONEY = ["total_revenue", "average_revenue"]
WHOLE = [text(FIRST), text(FIRST + DAYS - 1)]
PAST = [text(FIRST), text(FIRST + SEALED - 1)]
LIVE = [text(FIRST + SEALED), WHOLE[1]]
EUR = ["is", "event:currency", ["EUR"]]
QUESTIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "in euros": {"filters": [EUR]},
    "by currency": {"dimensions": ["event:currency"]},
    "by day": {"dimensions": ["time:day"], "filters": [EUR]},
    "by day and country": {"dimensions": ["time:day", "visit:country"], "filters": [EUR]},
    "by country and currency": {"dimensions": ["visit:country", "event:currency"]},
    "by source": {"dimensions": ["visit:source"], "filters": [EUR]},
    "by goal": {"dimensions": ["event:goal"], "filters": [EUR]},
    "of a goal": {"filters": [["is", "event:goal", ["bought"]], EUR]},
    "of a country": {"filters": [["is", "visit:country", ["CH"]], EUR]},
}


class World:
    """Nine days of two sites, the first week sealed, and then purged."""

    def __init__(self, root: Path) -> None:
        self.warehouse = fresh_warehouse()
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        rng = random.Random(5)
        for site in VISITORS:
            add_site(self.store, NewSite(f"s{site}.example"), now=1)
            for goal in AIMS.goals:
                add_goal(self.store, find_site(self.store, f"s{site}.example"), goal, now=1)
        self.events: list[dict[str, Any]] = []
        for day in range(FIRST, FIRST + DAYS):
            mine = [one for site, many in VISITORS.items() for one in traffic(rng, site, many, day, WHALES[site])]
            EventTable(self.warehouse).insert([event(**one) for one in mine], batch=day, token=str(day))
            self.events += mine
        VisitTable(self.warehouse, self.store, nullcontext).tick()
        self.now = (FIRST + DAYS + 2) * 86_400_000
        self.statistics = Statistics(
            self.warehouse,
            lambda: self.now,
            partial(seals_of, self.store),
            spans=partial(spans_of, self.store),
            aims=partial(aims_of, self.store),
        )
        self.live = self.answers(WHOLE)
        self.foretold = self.answers(PAST, include={"kept": True})
        sealer = Sealer(self.warehouse, self.store, lambda: self.now)
        sealed = sealer.seal(sealer.due(self.now, (FIRST + SEALED) * 86_400_000 + 27 * 3_600_000)[:SEALED])
        assert all(one.seal for one in sealed), [one.reason for one in sealed]
        self.sealed = self.answers(PAST)
        spans = SpanSealer(self.warehouse, self.store, lambda: self.now)
        while due := [one for one in spans.due(self.now, self.now, final=True) if one.last == FIRST + SEALED - 1]:
            assert spans.seal(due[0])
        self.mixed = self.answers(WHOLE)
        self.week = self.answers(PAST)
        for name in ("events", "visits"):
            self.warehouse.command(f"ALTER TABLE {name} DELETE WHERE toUInt16(day) < {FIRST + SEALED}")
        save_seals(self.store, [seal._replace(purged=self.now) for seal in all_seals(self.store)])
        self.purged = self.answers(WHOLE)
        self.gone = self.ask(1, PAST, dimensions=["visit:browser"])

    def answers(self, span: list[str], **more: Any) -> dict[tuple[int, str], Answer]:
        return {
            (site, name): self.ask(site, span, **(question | more))
            for site in VISITORS
            for name, question in QUESTIONS.items()
        }

    def ask(self, site: int, span: list[str], *, k: int = 5, **more: Any) -> Answer:
        base = {"site_id": "x", "metrics": MONEY, "date_range": span}
        return self.statistics.answer(parse(base | more), SiteRef(site, "x", "UTC", k))

    def sums(
        self, site: int, holds: Callable[[dict[str, Any]], bool], keys: Callable[[Any, Any], list[Any]]
    ) -> dict[Any, dict[str, list[dict[str, Any]]]]:
        """Purchases by key and currency."""
        found: dict[Any, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        for visit in cut_visits([one for one in self.events if one["site"] == site]):
            for one in visit:
                for key in keys(visit, one) if one["currency"] and holds(one) else []:
                    found[key][one["currency"]].append(one)
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("revenue"))
    yield made
    made.store.close()
    made.warehouse.close()


def minor(told: dict[str, Any] | None) -> int | None:
    """An answer's money in minor units."""
    return None if told is None else round(told["value"] * (1 if told["currency"] == "JPY" else 100))


def amounts(answer: Answer) -> dict[tuple[str, ...], int | None]:
    return {tuple(row["dimensions"]): minor(row["metrics"][0]) for row in answer["results"]}


def euros(purchases: dict[str, list[dict[str, Any]]]) -> int:
    return sum(one["revenue"] for one in purchases.get("EUR", []))


@pytest.mark.req("A4", "C16", "D7")
@pytest.mark.parametrize("site", VISITORS)
def test_live_revenue(world: World, site: int) -> None:
    """In all, by day, by what visits and events say: as counted by hand, each currency by itself."""
    every = world.sums(site, lambda one: True, lambda visit, one: ["all"])["all"]
    assert amounts(world.live[site, "all"]) == {(): None}
    assert world.live[site, "all"]["meta"]["metric_warnings"]["total_revenue"] == "several_currencies"
    assert amounts(world.live[site, "in euros"]) == {(): euros(every)}
    by_currency = amounts(world.live[site, "by currency"])
    for currency in ("EUR", "JPY"):
        assert by_currency[(currency,)] == sum(one["revenue"] for one in every[currency])
    asked = {
        "by day": lambda visit, one: [(text(one["day"]),)],
        "by source": lambda visit, one: [(value("source", visit, one) or "Direct / None",)],
        "by goal": lambda visit, one: [(name,) for name, reaches in REACHES.items() if reaches(one)],
    }
    for name, keys in asked.items():
        expected = {key: euros(many) for key, many in world.sums(site, lambda one: True, keys).items() if "EUR" in many}
        told = amounts(world.live[site, name])
        assert {key: told[key] for key in expected} == expected, name
        assert all(not told[key] for key in told.keys() - expected.keys()), name
    mean = world.live[site, "in euros"]["results"][0]["metrics"][1]
    assert mean["value"] == pytest.approx(euros(every) / len(every["EUR"]) / 100, abs=0.0051)


@pytest.mark.req("A3", "A4", "D13")
def test_what_is_foretold_is_what_is_kept(world: World) -> None:
    """Row by row; and no more is lacking."""
    for key, answer in world.foretold.items():
        assert answer["results"] == world.sealed[key]["results"], key


@pytest.mark.req("A3", "A4")
def test_revenue_stays_when_the_rows_go(world: World) -> None:
    """The same answers, with the same marks, before the purge and after it."""
    for key, answer in world.mixed.items():
        assert answer["results"] == world.purged[key]["results"], key
        assert answer["meta"] == world.purged[key]["meta"], key


@pytest.mark.req("A3", "A4", "A7")
def test_sealed_revenue_is_that_of_the_days_that_tell_it(world: World) -> None:
    """Sums over the sealed days that tell a currency, as counted by hand; the mark says if some do not."""
    table = RollupTable(world.warehouse)
    for site in VISITORS:
        told = {
            seal.day: {row.key for row in table.read(site, seal.day, seal.run) if row.dimension == "revenue"}
            for seal in all_seals(world.store)
            if seal.site == site
        }
        mine = world.sums(site, lambda one, told=told: "EUR" in told.get(one["day"], ()), lambda visit, one: ["all"])[
            "all"
        ]
        [(_, found)] = amounts(world.sealed[site, "in euros"]).items()
        assert (found or 0) == euros(mine)
        mark = world.sealed[site, "in euros"]["meta"]["quality"]["total_revenue"]["mark"]
        assert mark == ("merged" if any("(other)" in keys for keys in told.values()) else "exact")
        countries = amounts(world.sealed[site, "by day and country"])
        for day, keys in told.items():
            if "EUR" in keys:
                sums = [amount or 0 for (of, _), amount in countries.items() if of == text(day)]
                assert sum(sums) == euros(world.sums(site, lambda one, day=day: one["day"] == day, lambda v, o: [1])[1])


@pytest.mark.req("A3")
def test_a_week_tells_more_than_its_days(world: World) -> None:
    """Of the small site, whose days withhold what came in, the week tells all of it; its days still do not."""
    days = {one["day"] for one in world.events if one["site"] == 2 and one["currency"] == "EUR"} - {
        *range(FIRST + 7, FIRST + 9)
    }
    mine = world.sums(2, lambda one: one["day"] < FIRST + SEALED, lambda visit, one: ["all"])["all"]
    assert len(days) >= 4
    assert [span.fault for span in all_spans(world.store)] == ["", ""]
    assert amounts(world.week[2, "in euros"]) == {(): euros(mine)}
    assert amounts(world.week[2, "by day"]) == amounts(world.sealed[2, "by day"])
    assert amounts(world.sealed[2, "in euros"]) != amounts(world.week[2, "in euros"])


@pytest.mark.req("A3", "D7")
def test_live_money_of_two_attributes_is_of_many(world: World) -> None:
    """Where groups are merged, a group's money is told only of k buyers of whom none pays more than half."""
    answer = world.ask(1, LIVE, dimensions=["visit:country", "visit:device"], filters=[EUR])
    keys = lambda visit, one: [(value("country", visit, one), value("device", visit, one))]  # noqa: E731
    mine = world.sums(1, lambda one: one["day"] >= FIRST + SEALED, keys)
    told = {key: amount for key, amount in amounts(answer).items() if amount is not None}
    assert told
    for key, amount in told.items():
        paid: dict[Any, int] = defaultdict(int)
        for one in mine[key]["EUR"]:
            paid[one["day"], one["visitor"]] += one["revenue"]
        assert amount == sum(paid.values())
        assert len(paid) >= 5
        assert 2 * max(paid.values()) <= amount
    strict = world.ask(1, LIVE, k=600, dimensions=["visit:country", "visit:device"], filters=[EUR])
    assert set(amounts(strict).values()) <= {None}


@pytest.mark.req("A7", "D5")
def test_what_needs_raw_rows_says_so(world: World) -> None:
    """Revenue by browser of purged days is not computable, and is not foretold."""
    assert world.gone["meta"]["quality"]["total_revenue"]["mark"] == "not computable"
    with pytest.raises(BadQuery, match="include"):
        world.ask(1, LIVE, dimensions=["visit:browser"], include={"kept": True})


@pytest.mark.req("D6", "D7")
def test_money_is_sorted_compared_and_written_as_a_number(world: World) -> None:
    """By amount, by growth in percent, and in a table with its currency."""
    ordered = world.ask(1, LIVE, dimensions=["visit:country"], filters=[EUR], order_by=[["total_revenue", "desc"]])
    values = [row["metrics"][0]["value"] for row in ordered["results"] if row["metrics"][0]]
    assert values == sorted(values, reverse=True)
    assert len(values) >= 3
    first = world.ask(
        1,
        LIVE,
        dimensions=["visit:country"],
        filters=[EUR],
        order_by=[["total_revenue", "desc"]],
        pagination={"limit": 1},
    )
    assert first["results"] == ordered["results"][:1]
    assert f",{values[0]} EUR," in as_csv(ordered)
    euro, yen = {"currency": "EUR", "value": 30.0}, {"currency": "JPY", "value": 20.0}
    assert change(METRIC["total_revenue"], euro, {"currency": "EUR", "value": 20.0}) == 50
    assert change(METRIC["total_revenue"], euro, yen) is None
    assert change(METRIC["total_revenue"], euro, None) is None
    compared = world.ask(1, [LIVE[1], LIVE[1]], filters=[EUR], include={"comparisons": {"mode": "previous_period"}})
    assert compared["results"][0]["comparison"]["change"][0] is not None  # type: ignore[typeddict-item]


def test_minor_units_are_the_currencys_own() -> None:
    """Two digits, none for yen, three for dinars."""
    assert (in_units(1234, "EUR"), in_units(1234, "JPY"), in_units(1234, "KWD")) == (12.34, 1234, 1.234)
    assert (long_money(1234.5, "EUR"), long_money(1234, "JPY")) == ("EUR 1,234.50", "JPY 1,234")
    assert (short_money(1234.5, "EUR"), short_money(2_500_000, "USD")) == ("EUR 1.2K", "USD 2.5M")
    assert DAY < FIRST


@pytest.mark.req("C16")
def test_the_example_of_the_docs_is_counted_as_told() -> None:
    """The purchases of the page give the numbers of its table."""
    page = (
        (Path(__file__).parents[3] / "docs" / "metrics.md").read_text().partition("## Revenue")[2].partition("\n## ")[0]
    )
    bought = re.findall(r"^\| (\d) \| (.*) \|$", page, re.MULTILINE)
    rows = [
        event(
            visitor=who.encode() * 16, name=name, revenue=int(amount), currency=currency, day=DAY, at=DAY * 86_400_000
        )
        for who, does in bought
        for name, amount, currency in re.findall(r"`(\w+) (\d+) (\w+)`", does)
    ]
    told = re.findall(r"^\| in (\w+)(, goal `order`)? \| ([\d.]+) \| ([\d.]+) \|$", page, re.MULTILINE)
    assert (len(rows), len(told)) == (5, 3)
    warehouse = fresh_warehouse()
    EventTable(warehouse).insert(rows, batch=1, token="1")
    aims = Aims((Goal("order", event="order"),))
    statistics = Statistics(warehouse, lambda: (DAY + 1) * 86_400_000, aims=lambda _: aims)
    for currency, goal, total, mean in told:
        filters = [["is", "event:currency", [currency]]] + ([["is", "event:goal", ["order"]]] if goal else [])
        question = {"site_id": "x", "metrics": MONEY, "date_range": [text(DAY), text(DAY)], "filters": filters}
        [row] = statistics.answer(parse(question), SiteRef(1, "x", "UTC"))["results"]
        assert [one["value"] for one in row["metrics"]] == [float(total), float(mean)]
    warehouse.close()
