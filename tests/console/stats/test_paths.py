"""Which page comes after a page, and before it: live as by hand; of sealed days without a step of few people."""

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aggregator.attack import exposed
from aggregator.coarser import coarser
from aggregator.paths import exposed_steps, raw_steps, step_faults
from aggregator.seal import Sealer
from aggregator.visits import VisitTable
from console.stats.parse import parse
from console.stats.query import BadQuery, SiteRef
from console.stats.run import Answer, Statistics
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from tests.console.stats.counting import cut_visits
from tests.console.stats.test_kept_goals import text
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.events import EventTable
from warehouse.path_choice import Small, Step, told_steps
from warehouse.rollup_rows import Rollup
from warehouse.seals import RollupTable

DAY, DAYS, SEALED, K = 20_423, 3, 2, 5
VISITORS = {1: 300, 2: 40}
PAGES = ["/", "/a", "/b", "/c", "/d", "/e", "/f", "/g"]
NEXT, PREVIOUS = "event:next_page", "event:previous_page"
METRICS = ["visitors", "visits", "pageviews"]
ALL = [text(DAY), text(DAY + DAYS - 1)]
PAST = [text(DAY), text(DAY + SEALED - 1)]
LAST = [ALL[1], ALL[1]]


def traffic(rng: random.Random, site: int, day: int, visitors: int) -> Iterator[dict[str, Any]]:
    """Visitors who go from page to page, popular ones mostly, some in two visits; with clicks between."""
    for number in range(visitors):
        at = day * 86_400_000 + 30_000_000 + number * 7
        shared = {"site": site, "day": day, "visitor": rng.randbytes(16), "idx": 0, "bot": "", "engaged_ms": 0}
        for _ in range(rng.choice([1, 1, 2])):
            for _ in range(rng.randint(1, 5)):
                page = PAGES[min(int(rng.expovariate(0.7)), len(PAGES) - 1)]
                yield {**shared, "at": at, "path": page, "beacon": rng.randbytes(16), "name": "pageview"}
                if rng.random() < 0.3:
                    yield {**shared, "at": at + 9, "path": "/x", "beacon": rng.randbytes(16), "name": "click"}
                at += rng.choice([20_000, 1_700_000])
            at += 2_000_000


class World:
    """Three days of two sites, of which two are sealed, and then purged."""

    def __init__(self, root: Path) -> None:
        self.warehouse = fresh_warehouse()
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        rng = random.Random(4)
        self.events: list[dict[str, Any]] = []
        for site in VISITORS:
            add_site(self.store, NewSite(f"s{site}.example"), now=1)
        for day in range(DAY, DAY + DAYS):
            mine = [one for site, many in VISITORS.items() for one in traffic(rng, site, day, many)]
            EventTable(self.warehouse).insert([event(**one) for one in mine], batch=day, token=str(day))
            self.events += mine
        VisitTable(self.warehouse, self.store, nullcontext).tick()
        now = (DAY + DAYS + 2) * 86_400_000
        self.statistics = Statistics(self.warehouse, lambda: now, partial(seals_of, self.store))
        self.foretold = self.answers(PAST, include={"kept": True})
        sealer = Sealer(self.warehouse, self.store, lambda: now)
        sealed = sealer.seal(sealer.due(now, (DAY + SEALED) * 86_400_000 + 27 * 3_600_000)[:SEALED])
        assert all(one.seal for one in sealed), [one.reason for one in sealed]
        table = RollupTable(self.warehouse)
        self.rows: dict[tuple[int, int], list[Rollup]] = {
            (seal.site, seal.day): table.read(seal.site, seal.day, seal.run) for seal in all_seals(self.store)
        }
        self.steps = {key: raw_steps(self.warehouse, *key) for key in self.rows}
        self.sealed, self.mixed = self.answers(PAST), self.answers(ALL)
        for name in ("events", "visits"):
            self.warehouse.command(f"ALTER TABLE {name} DELETE WHERE toUInt16(day) < {DAY + SEALED}")
        save_seals(self.store, [seal._replace(purged=now) for seal in all_seals(self.store)])
        self.purged = self.answers(ALL)
        self.live = {k: self.answers(LAST, k=k, no_seals=True) for k in (1, K)}

    def answers(self, span: list[str], **more: Any) -> dict[tuple[int, str, str], Answer]:
        return {
            (site, name, page): self.ask(site, span, name, page, **more)
            for site in VISITORS
            for name in (NEXT, PREVIOUS)
            for page in PAGES[:4]
        }

    def ask(
        self, site: int, span: list[str], name: str, page: str, *, k: int = K, no_seals: bool = False, **more: Any
    ) -> Answer:
        asked = {"site_id": "x", "metrics": METRICS, "date_range": span, "dimensions": [name]}
        asked |= {"filters": [["is", "event:page", [page]]]}
        statistics = Statistics(self.warehouse, lambda: (DAY + DAYS + 2) * 86_400_000) if no_seals else self.statistics
        return statistics.answer(parse(asked | more), SiteRef(site, "x", "UTC", k))

    def by_hand(self, site: int, days: range) -> dict[Step, tuple[int, int, int]]:
        """Each step: visitors, visits, times."""
        found: dict[Step, list[tuple[int, bytes, int]]] = defaultdict(list)
        for visit in cut_visits([one for one in self.events if one["site"] == site and one["day"] in days]):
            pages = [one["path"] for one in visit if one["name"] == "pageview"]
            for step in pairwise(pages):
                found[step].append((visit[0]["day"], visit[0]["visitor"], visit[0]["at"]))
        return {step: (len({one[:2] for one in who}), len({*who}), len(who)) for step, who in found.items()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("paths"))
    yield made
    made.store.close()
    made.warehouse.close()


def told(answer: Answer) -> dict[str, tuple[int, ...]]:
    return {row["dimensions"][0]: tuple(row["metrics"]) for row in answer["results"]}


def beside(steps: dict[Step, Any], name: str, page: str) -> dict[str, Any]:
    """The steps from or to a page, by the other page."""
    axis = 0 if name == NEXT else 1
    return {step[1 - axis]: counts for step, counts in steps.items() if step[axis] == page}


@pytest.mark.req("A4", "D3")
def test_live_steps(world: World) -> None:
    """From each page to the next one of the visit, clicks between left out, as by hand; with a k of 1 all of them, with
    5 what has as many people."""
    for site in VISITORS:
        steps = world.by_hand(site, range(DAY + SEALED, DAY + DAYS))
        for name in (NEXT, PREVIOUS):
            for page in PAGES[:4]:
                mine = beside(steps, name, page)
                assert told(world.live[1][site, name, page]) == mine
                merged = told(world.live[K][site, name, page])
                assert all(mine[key] == counts for key, counts in merged.items() if key != "(other)")
                assert all(counts[0] >= K for counts in merged.values())


@pytest.mark.req("A3", "A4", "D3", "D11")
def test_sealed_steps_are_right_and_of_many(world: World) -> None:
    """Each day's rows: told steps as by hand, of k people; what is merged of a page of k people, and all of the rest."""
    several = 0
    for (site, day), rows in world.rows.items():
        steps = world.by_hand(site, range(day, day + 1))
        assert world.steps[site, day] == steps
        assert step_faults(rows, steps) == []
        assert exposed(rows, K) == []
        for name in (NEXT, PREVIOUS):
            mine = [row for row in rows if f"event:{row.dimension}" == name]
            for page in {row.parent for row in mine}:
                cells = beside(steps, name, page)
                shown = {row.key: row.measures[:3] for row in mine if row.parent == page}
                several += len(shown) - 1
                left = [counts for key, counts in cells.items() if key not in shown]
                other = shown.pop("(other)", None)
                assert shown.items() <= cells.items()
                assert all(counts[0] >= K for counts in shown.values())
                assert other is None or (other[0] >= K and len(left) > 1 and other[2] == sum(one[2] for one in left))
    assert several > 30


@pytest.mark.req("A3", "D13")
def test_steps_are_kept_as_foretold_and_stay(world: World) -> None:
    """The same before the seal, after it, and after the purge, with the day that is not sealed."""
    for key, answer in world.foretold.items():
        assert answer["results"] == world.sealed[key]["results"], key
        assert world.mixed[key]["results"] == world.purged[key]["results"], key
        assert world.purged[key]["meta"]["quality"]["pageviews"]["mark"] == "provisional"
    assert any(len(answer["results"]) > 2 for answer in world.sealed.values())
    by_day = world.ask(1, PAST, NEXT, "/", dimensions=["time:day", NEXT])
    sums: dict[str, int] = defaultdict(int)
    for row in by_day["results"]:
        sums[row["dimensions"][1]] += row["metrics"][2]
    assert sums == {key: counts[2] for key, counts in told(world.ask(1, PAST, NEXT, "/")).items()}


def test_steps_can_be_no_filter(world: World) -> None:
    """It says what can be asked instead."""
    asked = {"site_id": "x", "metrics": METRICS, "date_range": ALL, "filters": [["is", NEXT, ["/"]]]}
    with pytest.raises(BadQuery, match="event:page"):
        world.statistics.answer(parse(asked), SiteRef(1, "x", "UTC"))


@pytest.mark.req("A3")
def test_any_choice_hides_nobody_alone() -> None:
    """Of 300 invented tables: what is merged of a row or column is nothing, two steps of k people at least, or all."""
    rng = random.Random(9)
    pages, some = "abcdef", 0
    for _ in range(300):
        people = {
            (before, after): {rng.randrange(60) for _ in range(int(rng.expovariate(0.2)))}
            for before in pages
            for after in pages
            if rng.random() < 0.6
        }
        people = {step: who for step, who in people.items() if who}
        large = {step: len(who) for step, who in people.items() if len(who) >= K}
        lines: tuple[dict[str, Small], dict[str, Small]] = ({}, {})
        for axis in (0, 1):
            for page in pages:
                few = [who for step, who in people.items() if step[axis] == page and step not in large]
                if few:
                    lines[axis][page] = Small(len(few), len(set().union(*few)))
        shown = told_steps(large, lines, K, merged="f")
        assert not any("f" in step for step in shown)
        assert shown <= large.keys()
        some += len(shown)
        for axis in (0, 1):
            for page in pages:
                hidden = [who for step, who in people.items() if step[axis] == page and step not in shown]
                if hidden and any(step[axis] == page for step in shown):
                    assert len(hidden) > 1
                    assert len(set().union(*hidden)) >= K
    assert some > 600


@pytest.mark.req("A2", "A3")
def test_spoilt_steps_are_found(world: World) -> None:
    """A number more is a fault; few people, or a step in one table alone, is found by the attack; a larger k without
    raw rows keeps none."""
    rows = world.rows[1, DAY]
    row = next(row for row in rows if row.dimension == "next_page" and row.key != "(other)")
    more = [one._replace(measures=(*one.measures[:2], 9_999, *one.measures[3:])) if one is row else one for one in rows]
    assert len(step_faults(more, world.steps[1, DAY])) == 2
    few = [one._replace(measures=(4, *one.measures[1:])) if one is row else one for one in rows]
    assert any("shows 4 people" in one for one in exposed(few, K))
    tables = [[one for one in rows if one.dimension == name] for name in ("next_page", "previous_page")]
    assert any(
        "one table alone" in one for one in exposed_steps([one for one in tables[0] if one is not row], tables[1], K)
    )
    assert not any(one.dimension in ("next_page", "previous_page") for one in coarser(rows, K + 1))
