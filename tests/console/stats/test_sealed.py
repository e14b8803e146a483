"""Answers about sealed days: what a count by hand and its merging give, before and after the raw rows have gone."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aggregator.seal import Sealer
from aggregator.visits import VisitTable
from collector.importers.invented import Shape, invent_day
from console.stats.parse import parse
from console.stats.query import BadQuery, SiteRef
from console.stats.run import Answer, Statistics
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from event_catalogue.aggregates import KEPT
from event_catalogue.metrics import METRICS
from tests.aggregator.rollup_count import NAMES, count_day
from tests.aggregator.test_rollups import as_events
from tests.console.stats.counting import rounded
from tests.warehouse.engine import fresh_warehouse
from warehouse.events import EventTable

EPOCH = date(1970, 1, 1)
FIRST = 20_423
DAYS, SEALED, K = 6, 4, 5
ZONE = "Europe/Zurich"
SITE = SiteRef(1, "invented.example", ZONE)
COUNTED = [metric for metric in METRICS if not metric.is_apart]
ALL = [metric.name for metric in COUNTED]


class World:
    """Six days of one site, the first four of them sealed."""

    def __init__(self, root: Path) -> None:
        self.warehouse = fresh_warehouse()
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        add_site(self.store, NewSite("invented.example", ZONE), now=1)
        rows: list[list[Any]] = []
        for day in range(FIRST, FIRST + DAYS):
            shape = Shape(1, "invented.example", ZONE, 45, 5)
            mine = [row for visit in invent_day(shape, day, stored_on=30_000, received=1).visits for row in visit]
            EventTable(self.warehouse).insert(mine, batch=day, token=str(day))
            rows += mine
        self.events = as_events(rows)
        now = (FIRST + DAYS + 2) * 86_400_000
        self.statistics = Statistics(self.warehouse, lambda: now, partial(seals_of, self.store))
        self.before = {name: self.ask(QUESTIONS[name]) for name in EXACT}
        VisitTable(self.warehouse, self.store, nullcontext).tick()
        kept = {
            name: question | {"include": {"kept": True}} for name, question in QUESTIONS.items() if name in FORETOLD
        }
        self.foretold = {name: self.ask(question) for name, question in kept.items()}
        sealer = Sealer(self.warehouse, self.store, lambda: now)
        due = sealer.due(now, (FIRST + SEALED) * 86_400_000 + 27 * 3_600_000)[:SEALED]
        assert all(one.seal for one in sealer.seal(due))
        self.after = {name: self.ask(question) for name, question in QUESTIONS.items()}
        self.warehouse.command(f"ALTER TABLE events DELETE WHERE toUInt16(day) < {FIRST + SEALED}")
        self.warehouse.command(f"ALTER TABLE visits DELETE WHERE toUInt16(day) < {FIRST + SEALED}")
        save_seals(self.store, [seal._replace(purged=now) for seal in all_seals(self.store)])
        self.purged = {name: self.ask(question) for name, question in QUESTIONS.items()}

    def ask(self, question: dict[str, Any]) -> Answer:
        return self.statistics.answer(parse(question), SITE)


def text(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


def _questions() -> Iterator[tuple[str, dict[str, Any]]]:
    ranges = {"all": [text(FIRST), text(FIRST + DAYS - 1)], "sealed": [text(FIRST), text(FIRST + SEALED - 1)]}
    names = [one.name for one in KEPT if one.name != "time:hour"]
    for span, name in itertools.product(ranges, ["", *names]):
        base = {"site_id": "x", "metrics": ALL, "date_range": ranges[span]}
        yield f"{span} {name}", base | ({"dimensions": [name]} if name else {})
    for name in ("time:day", "time:week", "time:month"):
        yield name, {"site_id": "x", "metrics": ALL, "date_range": ranges["all"], "dimensions": [name]}
    both = {"dimensions": ["time:day", "visit:country"]}
    yield "day, country", {"site_id": "x", "metrics": ALL, "date_range": ranges["all"], **both}
    for name, value in (("visit:source", "Google"), ("visit:source", "Direct / None"), ("event:page", "/")):
        filters = {"filters": [["is", name, [value]]]}
        yield f"is {value}", {"site_id": "x", "metrics": ALL, "date_range": ranges["all"], **filters}
    hours = {"dimensions": ["time"], "date_range": [text(FIRST), text(FIRST)]}
    yield "hours", {"site_id": "x", "metrics": ALL, **hours}


QUESTIONS = dict(_questions())
FORETOLD = tuple(name for name in QUESTIONS if name.startswith("sealed ") or name == "hours")[::3]
EXACT = ("all ", "sealed ", "time:day")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("sealed"))
    yield made
    made.store.close()
    made.warehouse.close()


@pytest.mark.req("A3", "A4", "D1")
def test_numbers_do_not_change_because_raw_rows_went(world: World) -> None:
    """Over sixty reports, cell by cell, by days, weeks and months, filtered by one value, and marked the same."""
    assert len(QUESTIONS) > 60
    for name in QUESTIONS:
        assert world.purged[name]["results"] == world.after[name]["results"], name
        assert world.purged[name]["meta"] == world.after[name]["meta"], name


@pytest.mark.req("D13", "A3")
def test_as_it_will_be_kept_is_what_is_kept(world: World) -> None:
    """The answers foretold before the seal are those after it, cell by cell."""
    assert len(FORETOLD) > 15
    for name in FORETOLD:
        assert world.foretold[name]["results"] == world.after[name]["results"], name
    crossed = {"site_id": "x", "metrics": ["visits"], "date_range": "day", "include": {"kept": True}}
    with pytest.raises(BadQuery, match="one dimension"):
        world.ask(crossed | {"dimensions": ["visit:source", "visit:country"]})


@pytest.mark.req("A3")
def test_visitors_visits_and_views_are_exact(world: World) -> None:
    """The totals of every range are what they were before the seal, to the unit."""
    for name in EXACT:
        for place in range(3):
            assert [row["metrics"][place] for row in world.purged[name]["results"]] == [
                row["metrics"][place] for row in world.before[name]["results"]
            ], name


@pytest.mark.req("A3", "A4")
def test_groups_are_those_of_a_count_by_hand(world: World) -> None:
    """Each day merged by hand, the days added up; unsealed days unmerged."""
    names = [one.name for one in KEPT]
    by_day = {
        day: count_day(world.events, 1, EPOCH + timedelta(days=day), K if day < FIRST + SEALED else 0, ZONE, names)
        for day in range(FIRST, FIRST + DAYS)
    }
    blanks = {one.name: one.blank for one in KEPT}
    for span, days in (("all", range(FIRST, FIRST + DAYS)), ("sealed", range(FIRST, FIRST + SEALED))):
        for name in ["", *(name for name in names if name != "time:hour")]:
            sums: dict[str, list[list[int]]] = defaultdict(lambda: [[0, 0] for _ in COUNTED])
            for day in days:
                for (key, _), measures in by_day[day][name].items():
                    for place, metric in enumerate(COUNTED):
                        over, under = (measures[NAMES.index(one or metric.over)] for one in (metric.over, metric.under))
                        if over >= 0 and under >= 0:
                            sums[key][place][0] += over
                            sums[key][place][1] += under
            expected = {
                (key or blanks[name],) if name else (): [number(*pair) for pair in zip(COUNTED, both, strict=True)]
                for key, both in sums.items()
            }
            found = {tuple(row["dimensions"]): row["metrics"] for row in world.purged[f"{span} {name}"]["results"]}
            assert found == expected, (span, name)


def number(metric: Any, both: list[int]) -> float:
    """A metric from its two sums, rounded as a reader does."""
    over, under = both
    if metric.under is None:
        return over
    return rounded(metric.factor * over / under, metric.digits) if under else 0


@pytest.mark.req("A7")
def test_every_number_says_what_it_is_worth(world: World) -> None:
    """Exact, merged, provisional with its days, and not computable where the raw rows would be needed."""
    marks = {name: answer["meta"]["quality"] for name, answer in world.purged.items()}
    assert marks["sealed "]["visitors"]["mark"] == "exact"
    assert marks["sealed country"]["visits"]["mark"] == "merged"
    provisional = marks["all "]["visits"]
    assert (provisional["mark"], provisional["days"]) == (
        "provisional",
        [text(FIRST + SEALED), text(FIRST + DAYS - 1)],
    )
    crossed = {
        "site_id": "x",
        "metrics": ["visits"],
        "date_range": [text(FIRST), text(FIRST + DAYS - 1)],
        "dimensions": ["visit:source", "visit:country"],
    }
    assert world.ask(crossed)["meta"]["quality"]["visits"]["mark"] == "not computable"


@pytest.mark.req("D5", "A7")
def test_what_can_be_asked_is_told_before(world: World) -> None:
    """What is said to be left of each dimension after the purge is what is answered then, and nothing else is."""
    days = {"site_id": "x", "metrics": ["visits"], "date_range": [text(FIRST), text(FIRST + SEALED - 1)]}
    told = world.statistics.capabilities(parse(days), SITE)
    assert told["days"] == {"all": SEALED, "sealed": SEALED, "purged": SEALED}
    assert not told["several_attributes"]

    def answered(**more: Any) -> bool:
        return world.ask(days | more)["meta"]["quality"]["visits"]["mark"] != "not computable"

    left = {one["name"]: one["after_purge"] for one in told["dimensions"]}
    assert {one["name"]: (one["group_by"], one["filter_by"]) for one in told["dimensions"]} == {
        name: (after["group_by"], after["filter_by"]) for name, after in left.items()
    }
    for name, after in left.items():
        if name == "goal":
            continue
        if name in ("next_page", "previous_page"):  # steps are of a page, and none is filtered by
            assert answered(dimensions=[name], filters=[["is", "event:page", ["/"]]]) == after["group_by"], name
            assert not after["filter_by"], name
            continue
        assert answered(dimensions=[name]) == after["group_by"], name
        if not name.startswith("time"):
            assert answered(filters=[["is", name, ["x"]]]) == bool(after["filter_by"]), name
            assert not answered(filters=[["contains", name, ["x"]]]), name
