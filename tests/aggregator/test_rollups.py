"""Aggregates of a day, merged, are what a count by hand gives: every dimension, every measure, cell by cell."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest

from aggregator.visits import VisitTable
from collector.importers.invented import Shape, invent_day
from control_store.tables import ControlStore
from event_catalogue.aggregates import KEPT
from event_catalogue.fields import FIELDS
from tests.aggregator.rollup_count import count_day
from tests.aggregator.test_visits import TEXTS, Table, traffics
from tests.console.stats.world import as_row, make_world
from tests.warehouse.engine import fresh_warehouse
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.rollup_rows import SiteDay
from warehouse.rollups import Rollups

EPOCH = date(1970, 1, 1)
NAMES = [one.name for one in KEPT]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = fresh_warehouse()
    yield opened
    opened.close()


def store(warehouse: Warehouse, root: Path, rows: list[list[Any]]) -> None:
    """Put rows into the warehouse, a batch for each day, and bring the visits up to them."""
    control = ControlStore.in_directory(root)
    control.migrate()
    days: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        days[row[1]].append(row)
    for number, mine in enumerate(days.values(), start=1):
        EventTable(warehouse).insert(mine, batch=number, token=str(number))
    VisitTable(warehouse, control, nullcontext).tick()
    control.close()


def counted(
    warehouse: Warehouse, day: date, sites: dict[int, tuple[str, int]]
) -> dict[int, dict[str, dict[Any, list[int]]]]:
    """What the rollups say: site → dimension → (key, parent) → measures."""
    wanted = []
    for site, (zone, k) in sites.items():
        start, end = (
            int(datetime(one.year, one.month, one.day, tzinfo=ZoneInfo(zone)).timestamp()) * 1000
            for one in (day, day + timedelta(days=1))
        )
        wanted.append(SiteDay(site, (day - EPOCH).days, k, start, end))
    found: dict[int, dict[str, dict[Any, list[int]]]] = defaultdict(lambda: defaultdict(dict))
    for rows in Rollups(warehouse, "test").count(wanted):
        for _, row in rows:
            assert (row.key, row.parent) not in found[row.site][row.dimension]
            found[row.site][row.dimension][row.key, row.parent] = list(row.measures)
    return found


def as_events(rows: list[list[Any]]) -> list[dict[str, Any]]:
    """Rows as the counts by hand take them."""
    names = [field.name for field in FIELDS]
    return [{**dict(zip(names, row, strict=True)), "day": EPOCH + timedelta(days=row[1])} for row in rows]


def compare(found: Any, expected: Any) -> None:
    """Dimension by dimension, so that a failure is readable."""
    for name in ["", *NAMES]:
        assert found.get(name, {}) == expected.get(name, {}), name


@pytest.mark.req("A3", "A4")
@pytest.mark.parametrize("k", [3, 5])
def test_the_world_of_traps(warehouse: Warehouse, tmp_path: Path, k: int) -> None:
    """Nine people a day whose values are words of the answer, hold quotes or nothing; days of 23 and 25 hours."""
    world = make_world()
    store(warehouse, tmp_path, [as_row(one, EPOCH) for one in world.events])
    zones = {site.id: site.timezone for site in world.sites.values()}
    for day in (date(2025, 10, 26), date(2025, 3, 9)):  # of 25 and of 23 hours
        found = counted(warehouse, day, {site: (zone, k) for site, zone in zones.items()})
        for site, zone in zones.items():
            compare(found.get(site, {}), count_day(world.events, site, day, k, zone, NAMES))


@pytest.mark.req("A3", "A4")
@pytest.mark.parametrize("visitors", [4, pytest.param(150, marks=pytest.mark.long)])
def test_invented_traffic(warehouse: Warehouse, tmp_path: Path, visitors: int) -> None:
    """Two sites at once, of different k, with hierarchies and a long tail."""
    day = date(2025, 12, 1)
    rows = []
    for site in (1, 2):
        shape = Shape(site, "invented.example", "Europe/Zurich", visitors, site)
        for visit in invent_day(shape, (day - EPOCH).days, stored_on=30_000, received=1).visits:
            rows += visit
    store(warehouse, tmp_path, rows)
    found = counted(warehouse, day, {1: ("Europe/Zurich", 5), 2: ("Europe/Zurich", 10)})
    events = as_events(rows)
    for site, k in ((1, 5), (2, 10)):
        compare(found[site], count_day(events, site, day, k, "Europe/Zurich", NAMES))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    opened = fresh_warehouse()
    made = Table(tmp_path_factory.mktemp("rollups"), opened)
    yield made
    made.store.close()
    opened.close()


def _any_traffic(table: Table, traffic: tuple[list[dict[str, Any]], list[int]]) -> None:
    """Aggregates of both sites, whose visits were counted in several ticks."""
    events, cuts = traffic
    if not events:
        return
    table.warehouse.command("TRUNCATE TABLE events")
    table.warehouse.command("TRUNCATE TABLE visits")
    places = [0, *sorted(cuts), len(events)]
    for begin, end in pairwise(places):
        table.load(events[begin:end])
        table.visits.tick()
    day = events[0]["day"]
    found = counted(table.warehouse, day, {1: ("UTC", 3), 2: ("UTC", 4)})
    for site, k in ((1, 3), (2, 4)):
        compare(found.get(site, {}), count_day([one | DEFAULTS | one for one in events], site, day, k, "UTC", NAMES))


DEFAULTS = {field.name: field.default for field in FIELDS}


@pytest.mark.req("A3", "A4")
@hypothesis.settings(max_examples=4)
@hypothesis.given(traffic=traffics(people=9))
def test_any_traffic(shared: Table, traffic: tuple[list[dict[str, Any]], list[int]]) -> None:
    """Few people, in any order, in several ticks: merged as by hand."""
    _any_traffic(shared, traffic)


@pytest.mark.req("A4")
def test_no_more_is_withheld_where_nobody_knows_the_whole(shared: Table) -> None:
    """One of six gives all of the time, so the day withholds it; no event has a kind of source, and that says nothing
    about the day either: of the two sources only the one that holds the time hides it."""
    day = date(2025, 3, 9)
    begins = int(datetime(2025, 3, 9, 12, tzinfo=ZoneInfo("UTC")).timestamp()) * 1000
    people = [
        dict.fromkeys(TEXTS, "")
        | {"site": 1, "day": day, "at": begins, "visitor": bytes([n]) * 16, "beacon": bytes([9, n]) * 8, "idx": 0}
        | {"name": "pageview", "path": "/", "source": "Google" if n > 3 else "", "engaged_ms": 9_999 * (n == 1)}
        for n in range(1, 7)
    ]
    _any_traffic(shared, (people, []))


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("A3", "A4")
@hypothesis.settings(max_examples=1000)
@hypothesis.given(traffic=traffics(people=9))
def test_a_thousand_traffics(shared: Table, traffic: tuple[list[dict[str, Any]], list[int]]) -> None:
    """The same, a thousand times."""
    _any_traffic(shared, traffic)
