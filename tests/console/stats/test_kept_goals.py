"""Goals and funnels of sealed days: the same before the seal, after it, and after the raw rows have gone."""

import random
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aggregator.seal import Sealer
from aggregator.visits import VisitTable
from console.stats.parse import parse
from console.stats.query import SiteRef
from console.stats.run import Answer, Statistics
from control_store.goals import add_funnel, add_goal, aims_of
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site, find_site
from control_store.tables import ControlStore
from event_catalogue.goals import Goal
from tests.aggregator.test_goal_rows import AIMS, DAY, REACHES, traffic, visits_of
from tests.console.stats.counting import cut_visits
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.events import EventTable
from warehouse.seals import RollupTable

EPOCH = date(1970, 1, 1)
DAYS, SEALED = 6, 4
VISITORS = 40
METRICS = ["visitors", "visits", "events", "conversion_rate"]


def text(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


RANGE = [text(DAY), text(DAY + DAYS - 1)]
BASE = {"site_id": "x", "metrics": METRICS, "date_range": RANGE}
QUESTIONS: dict[str, dict[str, Any]] = {
    "goals": BASE | {"dimensions": ["event:goal"]},
    "goals by day": BASE | {"dimensions": ["time:day", "event:goal"]},
    "one goal": BASE | {"filters": [["is", "event:goal", ["cart"]]]},
    "one goal by day": BASE | {"dimensions": ["time:day"], "filters": [["is", "event:goal", ["blog"]]]},
    "funnel": BASE | {"metrics": METRICS[:2], "dimensions": ["visit:funnel:order"]},
    "sealed goals": BASE | {"date_range": [RANGE[0], text(DAY + SEALED - 1)], "dimensions": ["event:goal"]},
    "sealed funnel": BASE
    | {
        "metrics": METRICS[:2],
        "date_range": [RANGE[0], text(DAY + SEALED - 1)],
        "dimensions": ["visit:funnel:straight"],
    },
}


class World:
    """Six days of a site, the first four sealed, and then purged."""

    def __init__(self, root: Path) -> None:
        self.warehouse = fresh_warehouse()
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        add_site(self.store, NewSite("s.example"), now=1)
        self.site = find_site(self.store, "s.example")
        for goal in AIMS.goals:
            add_goal(self.store, self.site, goal, now=1)
        for funnel in AIMS.funnels:
            add_funnel(self.store, self.site, funnel, now=1)
        rng = random.Random(3)
        self.days: dict[int, list[dict[str, Any]]] = {}
        for day in range(DAY, DAY + DAYS):
            shift = (day - DAY) * 86_400_000
            self.days[day] = [one | {"day": day, "at": one["at"] + shift} for one in traffic(rng, 1, VISITORS)]
            EventTable(self.warehouse).insert([event(**one) for one in self.days[day]], batch=day, token=str(day))
        VisitTable(self.warehouse, self.store, nullcontext).tick()
        self.now = (DAY + DAYS + 2) * 86_400_000
        self.statistics = Statistics(
            self.warehouse, lambda: self.now, partial(seals_of, self.store), aims=partial(aims_of, self.store)
        )
        self.before = self.answers()
        self.foretold = {
            name: self.ask(question | {"include": {"kept": True}})
            for name, question in QUESTIONS.items()
            if name.startswith("sealed")
        }
        sealer = Sealer(self.warehouse, self.store, lambda: self.now)
        due = sealer.due(self.now, (DAY + SEALED) * 86_400_000 + 27 * 3_600_000)[:SEALED]
        assert all(one.seal for one in sealer.seal(due))
        self.told = self._told()
        self.after = self.answers()
        self.new_goal = Goal("Read all", scroll=100)
        add_goal(self.store, self.site, self.new_goal, now=2)
        self.with_new = self.ask(QUESTIONS["goals"])
        add_goal(self.store, self.site, Goal("cart", page="/x"), now=2)
        self.changed = self.ask(QUESTIONS["one goal"])
        add_goal(self.store, self.site, Goal("cart", page="/cart"), now=2)
        self._purge()
        self.purged_new = self.ask(QUESTIONS["goals"])
        self.only_new = self.ask(BASE | {"filters": [["is", "event:goal", ["Read all"]]]})
        self.purged = {name: self.ask(QUESTIONS[name]) for name in QUESTIONS}

    def _told(self) -> dict[int, set[str]]:
        """Which goals and steps each sealed day tells."""
        table = RollupTable(self.warehouse)
        return {
            seal.day: {row.key for row in table.read(1, seal.day, seal.run) if row.measures[0] != -1}
            for seal in all_seals(self.store)
        }

    def _purge(self) -> None:
        for name in ("events", "visits"):
            self.warehouse.command(f"ALTER TABLE {name} DELETE WHERE toUInt16(day) < {DAY + SEALED}")
        save_seals(self.store, [seal._replace(purged=self.now) for seal in all_seals(self.store)])

    def answers(self) -> dict[str, Answer]:
        return {name: self.ask(question) for name, question in QUESTIONS.items()}

    def ask(self, question: dict[str, Any]) -> Answer:
        return self.statistics.answer(parse(question), SiteRef(1, "s.example", "UTC"))

    def by_hand(self, key: str, days: Any) -> tuple[int, int, int]:
        """Visitors, visits and events of a goal or step over the days that tell it."""
        sums = [0, 0, 0]
        for day in days:
            if day >= DAY + SEALED or key in self.told[day]:
                mine = visits_of(cut_visits(self.days[day]))[key]
                reached = [one for one in self.days[day] if "\x1f" not in key and REACHES[key](one)]
                sums[0] += len({visit[0]["visitor"] for visit in mine})
                sums[1] += len(mine)
                sums[2] += sum(one["name"] != "engagement" for one in reached)
        return sums[0], sums[1], sums[2]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("goals"))
    yield made
    made.store.close()
    made.warehouse.close()


@pytest.mark.req("A3", "A4", "D3")
def test_goals_stay_when_the_rows_go(world: World) -> None:
    """Cell by cell, with the same marks; and what was foretold is what is kept."""
    for name in QUESTIONS:
        if "goals" not in name:
            assert world.purged[name]["results"] == world.after[name]["results"], name
            assert world.purged[name]["meta"] == world.after[name]["meta"], name
    assert world.foretold["sealed funnel"]["results"] == world.after["sealed funnel"]["results"]
    assert world.foretold["sealed goals"]["results"] == world.after["sealed goals"]["results"]
    assert world.after["sealed goals"]["results"]
    assert world.after["sealed funnel"]["results"]


@pytest.mark.req("A4", "D3")
@pytest.mark.parametrize(("name", "days"), [("goals", DAYS), ("sealed goals", SEALED)])
def test_goals_are_those_of_a_count_by_hand(world: World, name: str, days: int) -> None:
    """Over sealed and unsealed days, as far as days tell them; before the seal all of them."""
    everybody = sum(len({one["visitor"] for one in world.days[day]}) for day in range(DAY, DAY + days))
    found = {row["dimensions"][0]: row["metrics"] for row in world.after[name]["results"]}
    expected = {key: world.by_hand(key, range(DAY, DAY + days)) for key in REACHES}
    expected = {key: numbers for key, numbers in expected.items() if numbers[0]}
    assert {key: tuple(numbers[:3]) for key, numbers in found.items()} == expected
    for key, numbers in found.items():
        assert numbers[3] == round(100 * expected[key][0] / everybody, 2)
    live = {row["dimensions"][0] for row in world.before[name]["results"]}
    assert live == {key for key in REACHES if any(any(map(REACHES[key], world.days[DAY + n])) for n in range(days))}


@pytest.mark.req("A4", "D3")
def test_steps_are_those_of_a_count_by_hand(world: World) -> None:
    """Of a funnel over both kinds of days."""
    found = {row["dimensions"][0]: tuple(row["metrics"]) for row in world.purged["funnel"]["results"]}
    labels = ("1. blog", "2. cart", "3. bought")
    by_hand = {label: world.by_hand(f"order\x1f{label}", range(DAY, DAY + DAYS))[:2] for label in labels}
    assert found == {label: numbers for label, numbers in by_hand.items() if numbers[0]}


@pytest.mark.req("A7", "D5")
def test_the_answer_says_which_days_can_not_tell(world: World) -> None:
    """Withheld; counted by another definition; sealed before there was such a goal, with and without raw rows."""
    few = {day for day, keys in world.told.items() if "small" not in keys}
    assert few
    runs = world.after["goals"]["meta"]["goals"]["small"]["withheld"]
    told = {(EPOCH + timedelta(days=day)).isoformat() for day in few}
    spanned = {
        (date.fromisoformat(first) + timedelta(days=n)).isoformat()
        for first, last in runs
        for n in range((date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
    }
    assert spanned == told
    assert world.after["goals"]["meta"]["quality"]["visitors"]["mark"] == "provisional"
    assert world.after["sealed goals"]["meta"]["quality"]["visitors"]["mark"] == "merged"
    assert world.changed["meta"]["goals"]["cart"]["counted_otherwise"] == [[text(DAY), text(DAY + SEALED - 1)]]
    assert "Read all" not in world.with_new["meta"].get("goals", {}), "counted from rows"
    rows = {row["dimensions"][0]: row["metrics"] for row in world.with_new["results"]}
    readers = [
        {one["visitor"] for one in mine if one["name"] == "engagement" and one["scroll"] == 100}
        for mine in world.days.values()
    ]
    assert rows["Read all"][0] == sum(map(len, readers))
    lacks = world.purged_new["meta"]["goals"]["Read all"]["not_counted"]
    assert lacks == [[text(DAY), text(DAY + SEALED - 1)]]
    assert world.only_new["meta"]["quality"]["visitors"]["mark"] == "not computable"
    assert world.only_new["results"][0]["metrics"][0] == sum(map(len, readers[SEALED:]))
