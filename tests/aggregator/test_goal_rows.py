"""Goals and funnels of sealed days: what a count by hand gives, and nobody can be worked out from them."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from aggregator.attack import exposed
from aggregator.coarser import coarser
from aggregator.proof import goal_faults, raw_goals
from aggregator.visits import VisitTable
from control_store.tables import ControlStore
from event_catalogue.goals import Aims, Funnel, Goal
from tests.aggregator.rollup_count import numbers
from tests.console.stats.counting import QUIET, cut_visits, is_person
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.rollup_rows import Rollup, SiteDay
from warehouse.rollups import Rollups

DAY = 20_423
START = DAY * 86_400_000
K = 5
AIMS = Aims(
    (
        Goal("any", event="signup"),
        Goal("blog", page="/blog/*"),
        Goal("bought", event="buy"),
        Goal("cart", page="/cart"),
        Goal("far", scroll=75, page="/blog/*"),
        Goal("pro", event="signup", prop="plan", value="pro"),
        Goal("small", event="signup", prop="plan", value="small"),
        Goal("rare", page="/blog/rare*"),
    ),
    (Funnel("order", ("blog", "cart", "bought")), Funnel("straight", ("cart", "bought"), strict=True)),
)
Event = dict[str, Any]
REACHES: dict[str, Callable[[Event], bool]] = {
    "any": lambda one: one["name"] == "signup",
    "blog": lambda one: one["name"] == "pageview" and one["path"].startswith("/blog/"),
    "bought": lambda one: one["name"] == "buy",
    "cart": lambda one: one["name"] == "pageview" and one["path"] == "/cart",
    "far": lambda one: one["name"] == "engagement" and one["scroll"] >= 75 and one["path"].startswith("/blog/"),
    "pro": lambda one: one["name"] == "signup" and one.get("prop_values") == ["pro"],
    "small": lambda one: one["name"] == "signup" and one.get("prop_values") == ["small"],
    "rare": lambda one: one["name"] == "pageview" and one["path"].startswith("/blog/rare"),
}
"""What AIMS means."""


def traffic(rng: random.Random, site: int, visitors: int) -> Iterator[Event]:
    """Visitors who read, some of whom sign up or buy; now and then in two visits."""
    share = rng.choice([0.1, 0.5, 0.9])
    paths = ["/", "/cart", "/blog/a", "/blog/b", "/blog/rare1", "/blog/rare2", "/x"]
    weights = [rng.random() ** 2 for _ in paths]
    for _ in range(visitors):
        who, at = rng.randbytes(16), START + rng.randrange(40_000_000)
        for _ in range(rng.choice([1, 1, 1, 2])):
            for path in rng.choices(paths, weights, k=rng.randint(1, 4)):
                shared = {"site": site, "day": DAY, "visitor": who, "path": path, "idx": 0, "bot": "", "engaged_ms": 0}
                shared["scroll"] = 0
                yield {**shared, "at": at, "beacon": rng.randbytes(16), "name": "pageview"}
                if rng.random() < 0.5:
                    read = {"name": "engagement", "scroll": rng.randrange(101), "engaged_ms": 5}
                    yield {**shared, **read, "at": at + 1, "beacon": rng.randbytes(16)}
                if path == "/cart" and rng.random() < share:
                    yield {**shared, "at": at + 2, "beacon": rng.randbytes(16), "name": "buy"}
                if rng.random() < share / 2:
                    plan = {"prop_keys": ["plan"], "prop_values": [rng.choice(["pro", "pro", "small", "free"])]}
                    yield {**shared, **plan, "at": at + 3, "beacon": rng.randbytes(16), "name": "signup"}
                at += 60_000
            at += 40 * 60_000


def steps_of(steps: list[str], visit: list[Event], *, strict: bool) -> int:
    """How many steps of a funnel a visit comes to."""
    kept = [
        one
        for one in visit
        if not strict or one["name"] == "pageview" or one["name"] not in QUIET or any(REACHES[s](one) for s in steps)
    ]
    best = 0
    for start in range(len(kept)):
        count, place = 0, start
        for step in steps:
            ahead = [n for n in range(place, len(kept)) if REACHES[step](kept[n])]
            if not ahead or (strict and ahead[0] != place):
                break
            count, place = count + 1, ahead[0] + 1
        best = max(best, count)
    return best


def visits_of(visits: list[list[Event]]) -> dict[str, list[list[Event]]]:
    """The visits of each goal and step."""
    found = {name: [visit for visit in visits if any(map(holds, visit))] for name, holds in REACHES.items()}
    for funnel in AIMS.funnels:
        for number, label in enumerate(funnel.labels, start=1):
            found[f"{funnel.name}\x1f{label}"] = [
                visit for visit in visits if steps_of(list(funnel.steps), visit, strict=funnel.strict) >= number
            ]
    return found


class World:
    """A day of sites of some sizes, its rows and what was published."""

    def __init__(self, warehouse: Warehouse, root: Path, sizes: dict[int, int], seed: int, k: int = K) -> None:
        rng = random.Random(seed)
        self.events = {site: list(traffic(rng, site, many)) for site, many in sizes.items()}
        store = ControlStore.in_directory(root)
        store.migrate()
        rows = [event(**one) for mine in self.events.values() for one in mine]
        EventTable(warehouse).insert(rows, batch=1, token="1")
        VisitTable(warehouse, store, nullcontext).tick()
        store.close()
        bounds = [SiteDay(site, DAY, k, START, START + 86_400_000, aims=AIMS) for site in sizes]
        self.rows: dict[int, list[Rollup]] = defaultdict(list)
        for found in Rollups(warehouse, "test").count(bounds):
            for _, row in found:
                self.rows[row.site].append(row)
        self.proof = {site: raw_goals(warehouse, site, DAY, AIMS) for site in sizes}

    def told(self, site: int) -> dict[str, dict[str, int]]:
        """The goals and steps that are told, with their numbers."""
        names = list(numbers([]))
        return {
            row.key: dict(zip(names, row.measures, strict=True))
            for row in self.rows[site]
            if row.dimension in ("goal", "funnel") and row.measures[0] != -1
        }

    def table(self, site: int, name: str) -> dict[str, tuple[int, ...]]:
        """The published values of a dimension."""
        return {row.key: row.measures for row in self.rows[site] if row.dimension == name}


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    opened = fresh_warehouse()
    yield opened
    opened.close()


SIZES = dict(enumerate((2, 4, 6, 9, 12, 15, 20, 25, 30, 40, 60, 90, 150), start=1))


@pytest.mark.req("A4", "A2")
def test_goals_and_steps_are_those_of_a_count_by_hand(warehouse: Warehouse, tmp_path: Path) -> None:
    """Told or not, what is told is right, and the proof counts the same another way."""
    world = World(warehouse, tmp_path, SIZES, 1)
    told = 0
    for site, events in world.events.items():
        visits = cut_visits(events)
        by_hand = visits_of(visits)
        for key, mine in by_hand.items():
            dimension = "funnel" if "\x1f" in key else "goal"
            visitors = len({visit[0]["visitor"] for visit in mine})
            reached = [one for visit in mine for one in visit if dimension == "funnel" or REACHES[key](one)]
            counted = numbers([(visit, []) for visit in mine])
            counted |= {
                "events": sum(one["name"] != "engagement" for one in reached),
                "pageviews": sum(one["name"] == "pageview" for one in reached),
                "visit_ms": -1,
                "engaged_ms": -1,
            }
            assert world.proof[site][dimension, key][:2] == (visitors, len(mine))
            if dimension == "goal":
                assert world.proof[site][dimension, key][2] == counted["events"]
            if key in world.told(site):
                told += 1
                assert world.told(site)[key] == counted, (site, key)
        assert goal_faults(world.rows[site], world.proof[site]) == []
        assert len([row for row in world.rows[site] if row.dimension in ("goal", "funnel")]) == len(by_hand)
        assert exposed(world.rows[site], K) == []
    assert told > 20, "the rules are no excuse to tell nothing"


def people(events: set[int], of: list[Event]) -> int:
    """Different visitors of events."""
    return len({of[number]["visitor"] for number in events})


def attack(world: World, site: int, k: int) -> list[str]:
    """Groups of 1 to k - 1 people that somebody finds who has all tables and knows which goal lies in which: by taking
    numbers away from each other that count visits, visitors, and events of one kind."""
    events = world.events[site]
    places = {id(one): number for number, one in enumerate(events)}
    visits = [[places[id(one)] for one in visit] for visit in cut_visits(events) if is_person(visit)]
    told = set(world.told(site))
    if len({one["visitor"] for one in events}) < k:
        return [f"{key} of a day of few" for key in told]
    found: list[str] = []
    reached = visits_of([[events[number] for number in visit] for visit in visits])
    by_visit = {
        key: {n for n, visit in enumerate(visits) if any(mine[0] is events[visit[0]] for mine in reached[key])}
        for key in told
    }
    by_visit["the day"] = set(range(len(visits)))
    found += differences(by_visit, lambda some: len({events[visits[n][0]]["visitor"] for n in some}), k)
    by_visitor = {key: {events[visits[n][0]]["visitor"] for n in some} for key, some in by_visit.items()}
    for a, b in combinations(by_visitor, 2):
        if by_visitor[a] != by_visitor[b] and (by_visit[a] <= by_visit[b] or by_visit[b] <= by_visit[a]):
            found += [f"{a} and {b}: visitors"] * (0 < len(by_visitor[a] ^ by_visitor[b]) < k)
    pages = set(world.table(site, "path"))
    by_page = {
        page: {n for n, visit in enumerate(visits) if any(is_view(events[one], page) for one in visit)}
        for page in pages
    }
    for key in told & {"blog", "rare"}:
        for page in pages:
            if any(is_view(one, page) and REACHES[key](one) for one in events):
                left = {events[visits[n][0]]["visitor"] for n in by_visit[key] - by_page[page]}
                found += [f"{key} without {page}: {len(left)} people"] * (0 < len(left) < k)
    return found + attack_events(events, told, set(world.table(site, "name")), pages, k=k)


def attack_events(events: list[Event], told: set[str], kinds: set[str], pages: set[str], *, k: int) -> list[str]:
    """The same by events, which add up. `kinds` and `pages`: those that the day's tables tell."""
    found: list[str] = []
    for kind in ("pageview", "signup", "buy", "engagement"):
        tables = {
            key: {n for n, one in enumerate(events) if one["name"] == kind and REACHES[key](one)}
            for key in told & REACHES.keys()
        }
        tables = {key: some for key, some in tables.items() if some}
        if not tables:
            continue
        whole = {n for n, one in enumerate(events) if one["name"] == kind}
        if kind not in kinds:
            others = {n for n, one in enumerate(events) if one["name"] not in kinds}
            found += [
                f"{key} is all but few of the other kinds" for key in tables if 0 < people(others - whole, events) < k
            ]
        tables[f"every {kind}"] = whole
        found += differences(tables, lambda some: people(some, events), k)
        if kind == "pageview":
            merged = {n for n in whole if events[n]["path"] not in pages}
            rest = {f"{key} on other pages": some & merged for key, some in tables.items() if some & merged}
            found += differences(rest, lambda some: people(some, events), k)
            found += [f"{key}" for key, some in rest.items() if people(some, events) < k]
    return found


def is_view(one: Event, page: str) -> bool:
    """Whether an event is a view of that page."""
    return bool(one["name"] == "pageview" and one["path"] == page)


def differences(sets: dict[str, set[int]], people_of: Callable[[set[int]], int], k: int) -> list[str]:
    """What is left of one set when others inside it, that share nothing, are taken away."""
    found = []
    for outer, whole in sets.items():
        inside = [key for key, some in sets.items() if key != outer and some <= whole]
        for many in (1, 2, 3):
            for family in combinations(inside, many):
                union: set[int] = set().union(*(sets[key] for key in family))
                if len(union) == sum(len(sets[key]) for key in family) and 0 < people_of(whole - union) < k:
                    found.append(f"{outer} without {' and '.join(family)}: {people_of(whole - union)} people")
    return found


@pytest.mark.req("A3", "D11")
@pytest.mark.parametrize("seed", range(3))
def test_nobody_can_be_worked_out(warehouse: Warehouse, tmp_path: Path, seed: int) -> None:
    """No difference between goals, steps, pages, kinds of events and totals is of few people."""
    world = World(warehouse, tmp_path, {**SIZES, **{20 + n: 6 + n for n in range(12)}}, 10 + seed)
    for site in world.events:
        assert attack(world, site, K) == [], site


@pytest.mark.long
@pytest.mark.req("A3", "D11")
@pytest.mark.parametrize("seed", range(30))
def test_two_thousand_sites_with_goals(warehouse: Warehouse, tmp_path: Path, seed: int) -> None:
    """The same of seventy sites at a time."""
    rng = random.Random(seed)
    world = World(warehouse, tmp_path, {n: int(3 * (200 / 3) ** rng.random()) for n in range(1, 71)}, 100 + seed)
    for site in world.events:
        assert attack(world, site, K) == [], site


@pytest.mark.req("A3")
def test_the_attacker_finds_what_is_told_too_freely(warehouse: Warehouse, tmp_path: Path) -> None:
    """Days that were told for 3 give groups of fewer than 8 away."""
    world = World(warehouse, tmp_path, SIZES, 1, k=3)
    assert sum(bool(attack(world, site, 8)) for site in world.events) > 5
    assert all(attack(world, site, 3) == [] for site in world.events)


@pytest.mark.req("A3")
def test_a_raised_k_withholds_more(warehouse: Warehouse, tmp_path: Path) -> None:
    """From the published rows alone, as when the raw rows have gone."""
    world = World(warehouse, tmp_path, SIZES, 1)
    before = {site: set(world.told(site)) for site in SIZES}
    for site in SIZES:
        world.rows[site] = coarser(world.rows[site], 9)
        assert exposed(world.rows[site], 9) == []
        assert attack(world, site, 9) == [], site
        assert set(world.told(site)) <= before[site]
    assert 0 < sum(len(world.told(site)) for site in SIZES) < sum(map(len, before.values()))
