"""Percentiles of timings, against sorted lists; live, sealed, and after the raw rows have gone."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aggregator.coarser import coarser
from aggregator.seal import Sealer
from aggregator.visits import VisitTable
from console.stats.parse import parse
from console.stats.query import BadQuery, SiteRef
from console.stats.run import Statistics
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from event_catalogue.timings import EDGES, bucket_end, percentile
from tests.console.stats.test_kept_goals import text
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.events import EventTable
from warehouse.rollup_rows import Rollup
from warehouse.seals import RollupTable

DAY, DAYS, SEALED, K = 20_423, 3, 2, 5
SIZES = {1: 600, 2: 40}
METRICS = [f"{name}_p{percent}" for name in ("lcp", "ttfb", "cls") for percent in (50, 75, 95)]


def traffic(rng: random.Random, site: int, day: int, visitors: int) -> Iterator[dict[str, Any]]:
    """Page views with their speed; some browsers tell less of it."""
    for number in range(visitors):
        browser = rng.choice(["Chrome", "Chrome", "Firefox"])
        shared = {"site": site, "day": day, "visitor": rng.randbytes(16), "browser": browser}
        shared["engine"] = "Blink" if browser == "Chrome" else "Gecko"
        for view in range(rng.randint(1, 2)):
            at = day * 86_400_000 + 40_000_000 + number * 1000 + view * 100
            path = rng.choice(["/", "/", "/slow"])
            factor = 4 if path == "/slow" else 1
            told = {"ttfb": rng.randint(1, 900), "lcp": int(rng.lognormvariate(7, 0.6) * factor) if number % 9 else 0}
            told["cls"] = rng.choice([0, 0, 12, 300]) if browser == "Chrome" else 0
            yield {**shared, "at": at, "path": path, "beacon": rng.randbytes(16), "name": "pageview"}
            yield {**shared, "at": at + 1, "path": path, "beacon": rng.randbytes(16), "name": "vitals", **told}


class World:
    """Three days of two sites, of which two are sealed."""

    def __init__(self, root: Path) -> None:
        self.warehouse = fresh_warehouse()
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        rng = random.Random(2)
        self.events: list[dict[str, Any]] = []
        for site in SIZES:
            add_site(self.store, NewSite(f"s{site}.example"), now=1)
        for day in range(DAY, DAY + DAYS):
            mine = [one for site, many in SIZES.items() for one in traffic(rng, site, day, many)]
            EventTable(self.warehouse).insert([event(**one) for one in mine], batch=day, token=str(day))
            self.events += mine
        VisitTable(self.warehouse, self.store, nullcontext).tick()
        now = (DAY + DAYS + 2) * 86_400_000
        self.statistics = Statistics(self.warehouse, lambda: now, partial(seals_of, self.store))
        self.before = {site: self.ask(site) for site in SIZES}
        sealer = Sealer(self.warehouse, self.store, lambda: now)
        sealed = sealer.seal(sealer.due(now, (DAY + SEALED) * 86_400_000 + 27 * 3_600_000)[:SEALED])
        assert all(one.seal for one in sealed), [one.reason for one in sealed]
        table = RollupTable(self.warehouse)
        self.rows: dict[tuple[int, int], list[Rollup]] = {
            (seal.site, seal.day): table.read(seal.site, seal.day, seal.run) for seal in all_seals(self.store)
        }
        self.after = {site: self.ask(site) for site in SIZES}
        self.by_day = self.ask(1, dimensions=["time:day"])
        for name in ("events", "visits"):
            self.warehouse.command(f"ALTER TABLE {name} DELETE WHERE toUInt16(day) < {DAY + SEALED}")
        save_seals(self.store, [seal._replace(purged=now) for seal in all_seals(self.store)])
        self.purged = {site: self.ask(site) for site in SIZES}

    def ask(self, site: int, **more: Any) -> Any:
        base = {"site_id": "x", "metrics": METRICS, "date_range": [text(DAY), text(DAY + DAYS - 1)]}
        return self.statistics.answer(parse(base | more), SiteRef(site, "x", "UTC"))

    def values(self, timing: str, holds: Callable[[dict[str, Any]], bool]) -> list[int]:
        """What browsers told, sorted."""
        found = [one for one in self.events if one["name"] == "vitals" and holds(one)]
        found = [one for one in found if one[timing] or (timing == "cls" and one["engine"] == "Blink")]
        return sorted(one[timing] for one in found)

    def expected(self, metric: str, holds: Callable[[dict[str, Any]], bool]) -> int | None:
        """The smallest value that so many percent are not above."""
        timing, _, percent = metric.rpartition("_p")
        values = self.values(timing, holds)
        return values[-(-len(values) * int(percent) // 100) - 1] if values else None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("timings"))
    yield made
    made.store.close()
    made.warehouse.close()


def is_live(one: dict[str, Any], field: str, value: str) -> bool:
    """Whether an event of the first site is of a day that is not sealed."""
    return bool(one["site"] == 1 and one["day"] >= DAY + SEALED and one[field] == value)


def near(found: float | None, expected: int | None, part: float) -> bool:
    """Whether two numbers differ by no more than this part, or by one."""
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= max(1, part * expected)


def test_buckets_are_five_percent_wide() -> None:
    """From 20 up; below, each number is one by itself. A percentile is the middle of its bucket."""
    assert all(bucket_end(edge) <= max(edge + 1, edge * 1.05 + 1) for edge in EDGES)
    assert EDGES[:20] == tuple(range(20))
    low = next(edge for edge in EDGES if edge >= 100)
    middle = (low + bucket_end(low) - 1) // 2
    assert percentile([(low, bucket_end(low), 3), (5_000, 5_250, 1)], 75) == middle
    assert percentile([(1, 4, 3)], 50) == 2
    assert percentile([], 50) is None


@pytest.mark.req("A4", "D4")
def test_live_percentiles(world: World) -> None:
    """In all, by page and by what the visit says, within half a bucket; a rate of nothing is none."""
    for site in SIZES:
        [row] = world.before[site]["results"]
        for metric, found in zip(METRICS, row["metrics"], strict=True):
            assert near(found, world.expected(metric, lambda one, site=site: one["site"] == site), 0.025), metric
    last = [text(DAY + SEALED), text(DAY + DAYS - 1)]
    for dimension, field in (("event:page", "path"), ("visit:browser", "browser")):
        answer = world.ask(1, dimensions=[dimension], metrics=["visitors", *METRICS], date_range=last)
        assert len(answer["results"]) == 2
        for row in answer["results"]:
            for metric, found in zip(METRICS, row["metrics"][1:], strict=True):
                expected = world.expected(metric, partial(is_live, field=field, value=row["dimensions"][0]))
                assert near(found, expected, 0.025), (metric, row)
    filtered = world.ask(1, filters=[["is", "event:page", ["/slow"]]], metrics=["lcp_p75"], date_range=last)
    slow = world.expected(
        "lcp_p75", lambda one: one["site"] == 1 and one["day"] >= DAY + SEALED and one["path"] == "/slow"
    )
    assert near(filtered["results"][0]["metrics"][0], slow, 0.025)


@pytest.mark.req("A3", "A4", "D4")
def test_percentiles_stay_when_the_rows_go(world: World) -> None:
    """The same before and after; near what was live: within half a bucket for many people, less near for few."""
    for site, part in ((1, 0.06), (2, 0.35)):
        assert world.purged[site]["results"] == world.after[site]["results"]
        for metric, found in zip(METRICS, world.purged[site]["results"][0]["metrics"], strict=True):
            expected = world.expected(metric, lambda one, site=site: one["site"] == site)
            assert near(found, expected, part), (site, metric, found, expected)
    assert world.purged[1]["meta"]["quality"]["lcp_p75"]["mark"] == "provisional"
    sealed = world.ask(1, date_range=[text(DAY), text(DAY + SEALED - 1)])
    assert sealed["meta"]["quality"]["lcp_p75"]["mark"] == "estimate"
    crossed = world.ask(1, dimensions=["event:page"], date_range=[text(DAY), text(DAY + SEALED - 1)])
    assert crossed["meta"]["quality"]["lcp_p75"]["mark"] == "not computable"
    assert [row["dimensions"][0] for row in world.by_day["results"]] == [text(DAY + n) for n in range(DAYS)]
    with pytest.raises(BadQuery, match="not foretold"):
        world.ask(1, include={"kept": True})


@pytest.mark.req("A3", "D11")
@pytest.mark.parametrize("k", [K, 12])
def test_no_interval_and_no_difference_is_of_few_people(world: World, k: int) -> None:
    """Each interval has k visitors, counted by hand; and so have the page views that are in none of a timing's."""
    intervals = 0
    for (site, day), rows in world.rows.items():
        told = rows if k == K else coarser(rows, k)
        mine = [one for one in world.events if (one["site"], one["day"], one["name"]) == (site, day, "vitals")]
        by_timing: dict[str, list[Rollup]] = defaultdict(list)
        for row in told:
            if row.dimension.startswith("timing:"):
                by_timing[row.dimension.removeprefix("timing:")].append(row)
        assert k != K or set(by_timing) >= {"lcp", "ttfb"}
        for timing, found in by_timing.items():
            left = list(mine)
            for row in found:
                low, end = int(row.key), int(row.parent)
                inside = [one for one in mine if low <= one[timing] < end and (one[timing] or one["engine"] == "Blink")]
                people = len({one["visitor"] for one in inside})
                left = [one for one in left if one not in inside]
                intervals += 1
                assert people >= k
                assert row.measures[3] == len(inside)
                assert row.measures[0] == people if k == K else row.measures[0] <= people
            assert len({one["visitor"] for one in left}) not in range(1, k) or k != K, (site, day, timing)
    assert intervals > 30
