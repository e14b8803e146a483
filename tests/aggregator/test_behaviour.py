"""Machines known by what they do: found visit by visit as by hand, in no number, and counted after all where a site wants."""

import random
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aggregator.seal import Sealer
from aggregator.visits import VisitTable
from console.stats.parse import parse
from console.stats.query import SiteRef
from console.stats.run import Statistics
from control_store.marks import usable_marks
from control_store.seals import all_seals, seals_of
from control_store.site_settings import changed
from control_store.sites import NewSite, add_site, find_site, save_settings
from control_store.tables import ControlStore
from event_catalogue.behaviour import BEHAVIOURS
from tests.aggregator.rollup_count import count_day
from tests.console.stats.counting import answer, cut_visits
from tests.console.stats.test_kept_goals import text
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.events import EventTable
from warehouse.seals import RollupTable

pytestmark = pytest.mark.req("C18")
DAY = 20_423
START = DAY * 86_400_000 + 30_000_000
Event = dict[str, Any]
FIELDS = {"bot": "", "engaged_ms": 0, "scroll": 0, "build": "", "idx": 0, "country": "CH", "device": "desktop"}
FAST, REGULAR, STILL = (f"behaviour:{name}" for name in ("fast", "regular", "no-engagement"))


def visitor(who: int, gaps: list[int], *, day: int = DAY, at: int = 0, **more: Any) -> list[Event]:
    """Page views so far apart. `read`: how long the first is in front; `click`: whether something was done."""
    shared = {**FIELDS, "site": 1, "day": day, "visitor": who.to_bytes(16, "big")}
    shared |= {name: value for name, value in more.items() if name in FIELDS}
    when = START + (day - DAY) * 86_400_000 + at
    events = []
    for number, gap in enumerate([0, *gaps]):
        when += gap
        key = (who << 32) + (at << 8) + number
        events.append({**shared, "name": "pageview", "at": when, "path": f"/{number % 7}", "beacon": _id(key)})
    for name in ("engagement", "click"):
        if more.get(name):
            last = {"name": name, "at": when, "path": "/0", "beacon": _id((who << 32) + (at << 8) + 200 + len(name))}
            events.append({**shared, **last, "engaged_ms": more[name] if name == "engagement" else 0})
    return events


def _date(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


def _id(number: int) -> bytes:
    return number.to_bytes(16, "big")


CASES: dict[str, tuple[list[Event], str]] = {
    "a crawler": (visitor(1, [100] * 40), FAST),
    "a little slower than too fast": (visitor(2, [500, 700] * 15), ""),
    "thirty in a hurry": (visitor(3, [499, 100] * 15), FAST),
    "twenty-nine": (visitor(4, [100, 700, 100] * 9 + [90]), ""),
    "a clock": (visitor(5, [60_000] * 19), REGULAR),
    "a clock that is a tenth of a second off": (visitor(6, [60_000, 60_100] * 10), REGULAR),
    "a clock two per cent off": (visitor(7, [60_000, 61_200] * 10), REGULAR),
    "a clock three per cent off": (visitor(8, [60_000, 61_900] * 10), ""),
    "nineteen strokes": (visitor(9, [60_000] * 18), ""),
    "a clock and a click": (visitor(10, [60_000] * 19, click=1), ""),
    "never in front": (visitor(11, [5_000, 9_000, 3_000] * 3, build="b1"), STILL),
    "never in front, without a script": (visitor(12, [5_000, 9_000, 3_000] * 3), ""),
    "nine tabs": (visitor(13, [5_000, 9_000, 3_000, 8_000] * 2, build="b1"), ""),
    "once in front": (visitor(14, [5_000, 9_000, 3_000] * 3, build="b1", engagement=1), ""),
    "something was done": (visitor(15, [5_000, 9_000, 3_000] * 3, build="b1", click=1), ""),
    "scrolled": (visitor(16, [5_000, 9_000, 3_000] * 3, build="b1", scroll=20), ""),
    "a person's visit and a machine's": (visitor(17, [9_000]) + visitor(17, [100] * 40, at=4_000_000), FAST),
    "two halves": (visitor(18, [100] * 15) + visitor(18, [100] * 15, at=4_000_000), ""),
    "fast and a click": (visitor(19, [100] * 40, click=1), FAST),
}
PEOPLE = [
    one for who in range(100, 140) for one in visitor(who, [8_000 + who * 50, 30_000], engagement=4_000, build="b1")
]


def rule_of(events: list[Event]) -> str:
    """The rule that a visitor's day breaks, by hand."""
    found = ""
    for visit in cut_visits(events):
        times = [one["at"] for one in visit if one["name"] == "pageview"]
        gaps = [after - before for before, after in pairwise(times)]
        acted = any(one["name"] == "click" for one in visit)
        seen = any(one["engaged_ms"] or one["scroll"] for one in visit)
        mine = ""
        if len(times) >= 30 and sum(gaps) < 500 * len(gaps):
            mine = FAST
        elif len(times) >= 20 and not acted and max(gaps) - min(gaps) <= max(100, sum(gaps) / len(gaps) / 50):
            mine = REGULAR
        elif len(times) >= 10 and not acted and not seen and any(one["build"] for one in visit):
            mine = STILL
        found = found or mine
    return found


class World:
    """A site's days, its visits and answers."""

    def __init__(self, root: Path, events: list[Event]) -> None:
        self.warehouse = fresh_warehouse()
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        add_site(self.store, NewSite("s.example"), now=1)
        self.visits = VisitTable(self.warehouse, self.store, nullcontext)
        self.events: list[Event] = []
        self.now = (DAY + 4) * 86_400_000
        self.statistics = Statistics(
            self.warehouse,
            lambda: self.now,
            partial(seals_of, self.store),
            counted=partial(usable_marks, self.store),
        )
        self.load(events)

    def load(self, events: list[Event]) -> None:
        self.events += events
        for day in sorted({one["day"] for one in events}):
            mine = [event(**one) for one in events if one["day"] == day]
            number = (7 << 32) + len(self.events) * 10 + day - DAY
            EventTable(self.warehouse).insert(mine, batch=number, token=str(number))
        self.visits.tick()

    def rules(self) -> dict[bytes, str]:
        rows = self.warehouse.select("SELECT visitor, rule FROM visits FINAL", {}, "control")
        return {bytes(who): str(rule) for who, rule in rows}

    def by_hand(self, *counted: str) -> list[Event]:
        """The events as people's or machines'."""
        whole: dict[Any, list[Event]] = {}
        for one in self.events:
            whole.setdefault((one["day"], one["visitor"]), []).append(one)
        rules = {key: rule_of(events) for key, events in whole.items()}
        kinds = [rule for rule in BEHAVIOURS if rule in counted or "behaviour:*" in counted]
        return [
            one | {"bot": "" if rules[one["day"], one["visitor"]] in kinds else rules[one["day"], one["visitor"]]}
            for one in self.events
        ]

    def count(self, *rules: str) -> None:
        """Let the site count these rules."""
        site = find_site(self.store, "s.example")
        save_settings(self.store, site, changed(site.settings, [f"counted_bots={','.join(rules)}"]))

    def close(self) -> None:
        self.store.close()
        self.warehouse.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, [*PEOPLE, *(one for events, _ in CASES.values() for one in events)])
    yield made
    made.close()


def test_the_rules_find_what_they_say(world: World) -> None:
    """Case by case, and the count by hand agrees."""
    found = world.rules()
    for name, (events, rule) in CASES.items():
        assert rule_of(events) == rule, name
        assert found[events[0]["visitor"]] == rule, name
    assert not any(found[one["visitor"]] for one in PEOPLE)


def test_any_visit_is_judged_as_by_hand(tmp_path: Path) -> None:
    """Visits near the limits, of 400 visitors."""
    rng = random.Random(7)
    events = []
    for who in range(1, 401):
        pace, jitter = rng.choice([80, 480, 520, 3_000, 60_000]), rng.choice([0, 1, 40, 99, 101, 3_000])
        gaps = [pace + rng.randint(0, jitter) for _ in range(rng.choice([8, 9, 18, 19, 28, 29, 35]))]
        more = {"build": rng.choice(["", "b1"]), "click": rng.random() < 0.2, "engagement": rng.choice([0, 0, 1])}
        events += visitor(who, gaps, **more)
    made = World(tmp_path, events)
    expected = {one["visitor"]: "" for one in events}
    for who in expected:
        expected[who] = rule_of([one for one in events if one["visitor"] == who])
    assert made.rules() == expected
    assert {*BEHAVIOURS, ""} == set(expected.values())
    made.close()


QUESTIONS: tuple[dict[str, Any], ...] = (
    {"metrics": ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration"]},
    {"metrics": ["pageviews", "events"]},
    {"metrics": ["visitors", "visits", "pageviews"], "dimensions": ["visit:country"]},
    {"metrics": ["visitors", "pageviews"], "dimensions": ["event:page"]},
    {
        "metrics": ["visits", "bounce_rate"],
        "dimensions": ["visit:entry_page"],
        "filters": [["is", "event:page", ["/1"]]],
    },
)


@pytest.mark.parametrize("counted", [(), (FAST,), (REGULAR, STILL), ("behaviour:*",)])
def test_they_are_in_no_number_unless_the_site_wants(world: World, counted: tuple[str, ...]) -> None:
    """Live, from rows and from visits, at once and back again; and with the marks of the table as without."""
    world.count(*counted)
    site = SiteRef(1, "s.example", "UTC", 5, counted)
    events = [one | {"day": _date(one["day"])} for one in world.by_hand(*counted)]
    for _ in range(2):
        for question in QUESTIONS:
            asked = {"site_id": "x", "date_range": [text(DAY), text(DAY)], **question}
            found = world.statistics.answer(parse(asked), site)["results"]
            expected = answer(asked, events, site)
            assert {tuple(row["dimensions"]): tuple(row["metrics"]) for row in found} == {
                key: tuple(values) for key, values in expected.items()
            }
        world.visits.tick()


def test_what_comes_later_is_judged_with_what_came_before(world: World) -> None:
    """A crawler's second half makes it one; a look at a page after all makes people of somebody still."""
    world.load(visitor(201, [100, 300] * 10))
    assert world.rules()[_id(201)] == ""
    more = visitor(201, [100] * 20, at=2_100)
    world.load(more)
    assert world.rules()[_id(201)] == FAST
    late = visitor(11, [], at=60_000, build="b1", engagement=3_000)
    world.load(late)
    assert world.rules()[_id(11)] == ""


NAMES = ["path", "country", "device", "entry_page"]


def _sealed(world: World) -> dict[str, dict[Any, list[int]]]:
    """What the day's seal tells of some dimensions."""
    world.visits.tick()
    sealer = Sealer(world.warehouse, world.store, lambda: world.now)
    outcomes = sealer.seal(sealer.due(world.now, world.now))
    assert all(one.seal for one in outcomes), [one.reason for one in outcomes]
    [seal] = all_seals(world.store)
    found: dict[str, dict[Any, list[int]]] = {}
    for row in RollupTable(world.warehouse).read(1, DAY, seal.run):
        if row.dimension in ("", *NAMES):
            found.setdefault(row.dimension, {})[row.key, row.parent] = list(row.measures)
    return found


@pytest.mark.req("A2", "C18")
def test_seals_leave_them_out_and_are_made_anew(world: World) -> None:
    """As by hand; anew when the site counts a rule that makes a difference of k visitors, not for fewer."""

    def by_hand(*counted: str) -> Any:
        days = [{**DEFAULT, **one, "day": _date(one["day"])} for one in world.by_hand(*counted)]
        return count_day(days, 1, _date(DAY), 5, "UTC", NAMES)

    assert _sealed(world) == by_hand()
    [first] = all_seals(world.store)
    world.count(STILL)
    assert _sealed(world) == by_hand()
    assert all_seals(world.store) == [first]
    world.count("behaviour:*")
    assert _sealed(world) == by_hand("behaviour:*")
    [again] = all_seals(world.store)
    assert (again.generation, again.counted_bots) == (2, "behaviour:*")


DEFAULT = {"city_id": 0, "city": "", "hostname": ""}


def test_the_page_of_bots_tells_them_by_rule(world: World) -> None:
    """Events, views and different pages of each rule, beside those of the rows' own marks."""
    world.load([one | {"bot": "ai:gptbot"} for one in visitor(300, [100, 100])])
    rows = world.warehouse.query("console.bots", {"site": 1, "first": DAY, "last": DAY}, "console")
    expected = {}
    for rule in (*BEHAVIOURS, "ai:gptbot"):
        mine = [one for one in world.by_hand() if one["bot"] == rule and one["visitor"] != _id(300)]
        mine += visitor(300, [100, 100]) if rule == "ai:gptbot" else []
        views = [one for one in mine if one["name"] == "pageview"]
        expected[rule] = (len(mine), len(views), len({one["path"] for one in views}))
    assert {str(rule): (int(e), int(v), int(p)) for rule, e, v, p in rows} == expected
