"""Nobody can be worked out from what is published: generated sites against an attacker who knows the rules."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collector.importers.invented import Shape, invent_day
from event_catalogue.aggregates import KEPT
from event_catalogue.fields import POSITION
from tests.aggregator.attacker import found_groups
from tests.aggregator.rollup_count import INSIDE, key_of
from tests.aggregator.test_rollups import as_events, counted, store
from tests.console.stats.counting import cut_visits, value
from tests.warehouse.engine import fresh_warehouse
from warehouse.client import Warehouse

EPOCH = date(1970, 1, 1)
DAY = 20_423
ZONE = "Europe/Zurich"
NAMES = [one.name for one in KEPT]


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    opened = fresh_warehouse()
    yield opened
    opened.close()


def all_values(events: list[dict[str, Any]], names: list[str]) -> dict[str, set[Any]]:
    """Every value that occurred, with its parent: the attacker knows them all."""
    found: dict[str, set[Any]] = {name: set() for name in names}
    for visit in cut_visits([one for one in events if not one["bot"]]):
        for name in names:
            for one in visit:
                parent = "\x1f".join(value(inner, visit, one) for inner in INSIDE.get(name, []))
                found[name].add((key_of(name, visit, one, ZoneInfo(ZONE)), parent))
    return found


def attack(warehouse: Warehouse, root: Path, sizes: dict[int, tuple[int, int]]) -> list[str]:
    """Publish a day of sites of (visitors, k), and attack each."""
    rows: dict[int, list[list[Any]]] = {}
    for site, (visitors, _) in sizes.items():
        shape = Shape(site, "invented.example", ZONE, visitors, site)
        rows[site] = [row for visit in invent_day(shape, DAY, stored_on=30_000, received=1).visits for row in visit]
    store(warehouse, root, [row for mine in rows.values() for row in mine])
    tables = counted(warehouse, EPOCH + timedelta(days=DAY), {site: (ZONE, k) for site, (_, k) in sizes.items()})
    found = []
    for site, (visitors, k) in sizes.items():
        values = all_values(as_events(rows[site]), NAMES)
        found += [f"site of {visitors}, k {k}: {text}" for text in found_groups(tables[site], values, k)]
    return found


@pytest.mark.req("A3", "D11")
def test_fifty_sites_of_three_to_two_hundred_visitors(warehouse: Warehouse, tmp_path: Path) -> None:
    """No group of fewer than k people can be worked out from any table or difference of tables."""
    rng = random.Random(7)
    sizes = {site: (int(3 * (200 / 3) ** rng.random()), rng.choice([3, 5, 5, 10])) for site in range(1, 51)}
    assert attack(warehouse, tmp_path, sizes) == []


@pytest.mark.long
@pytest.mark.req("A3", "D11")
@pytest.mark.parametrize("seed", range(20))
def test_two_thousand_sites(warehouse: Warehouse, tmp_path: Path, seed: int) -> None:
    """The same with a hundred sites of up to 5,000 visitors at a time."""
    rng = random.Random(seed)
    sizes = {
        seed * 100 + site: (int(3 * (5000 / 3) ** (rng.random() ** 2)), rng.choice([3, 5, 5, 10]))
        for site in range(1, 101)
    }
    assert attack(warehouse, tmp_path, sizes) == []


@pytest.mark.req("A3")
def test_the_attacker_finds_what_is_not_merged(warehouse: Warehouse, tmp_path: Path) -> None:
    """The attacker is no fool: merged for 3, seen by one who must not find groups under 5, there is much to find."""
    shape = Shape(1, "invented.example", ZONE, 60, 3)
    rows = [row for visit in invent_day(shape, DAY, stored_on=30_000, received=1).visits for row in visit]
    store(warehouse, tmp_path, rows)
    tables = counted(warehouse, EPOCH + timedelta(days=DAY), {1: (ZONE, 3)})
    assert found_groups(tables[1], all_values(as_events(rows), NAMES), 5)


def person(number: int, **fields: Any) -> list[list[Any]]:
    """A visit of one page view."""
    row = invent_row()
    for name, content in {
        "visitor": number.to_bytes(16, "big"),
        "beacon": (number << 64).to_bytes(16, "big"),
        **fields,
    }.items():
        row[POSITION[name]] = content
    return [row]


def invent_row() -> list[Any]:
    from tests.warehouse.rows import event

    return event(site=1, day=DAY, at=DAY * 86_400_000 + 40_000_000)


@pytest.mark.req("A3")
def test_two_values_of_the_same_two_people_are_one_group(warehouse: Warehouse, tmp_path: Path) -> None:
    """Two pages that the same two people read hold two people, not four: a third value joins them."""
    rows = []
    for number in range(1, 13):
        rows += person(number, path="/")
        if number <= 2:
            for place, path in enumerate(("/a", "/b")):
                rows += person(number, path=path, idx=place + 1)
    store(warehouse, tmp_path, rows)
    cells = counted(warehouse, EPOCH + timedelta(days=DAY), {1: (ZONE, 3)})[1]["path"]
    assert list(cells) == [("(other)", "")]
    assert cells["(other)", ""][0] == 12


@pytest.mark.req("A3")
def test_a_sum_of_which_one_gives_most_is_withheld_with_another(warehouse: Warehouse, tmp_path: Path) -> None:
    """Five readers of whom one gives most of the time: neither shown nor to be had by subtraction, of whatever adds up
    to it or what it adds up to."""
    rows = []
    for number in range(1, 21):
        country = ("CH", "DE", "AT", "FR")[number % 4]
        stay = 60_000 if number == 4 else 5_000 + number
        place = {"country": country, "region": f"{country}-A"}
        rows += person(number, **place)
        rows += person(number, **place, name="engagement", engaged_ms=stay, idx=1)
    store(warehouse, tmp_path, rows)
    tables = counted(warehouse, EPOCH + timedelta(days=DAY), {1: (ZONE, 5)})[1]
    engaged = {key: row[-1] for (key, _), row in tables["country"].items()}
    assert engaged["CH"] == -1
    assert sum(number == -1 for number in engaged.values()) == 2
    assert {key: row[-1] for (_, key), row in tables["region"].items()} == engaged
    assert tables[""]["", ""][-1] > 0


@pytest.mark.req("A3")
def test_the_parts_of_what_is_withheld_do_not_add_up_to_it(warehouse: Warehouse, tmp_path: Path) -> None:
    """More than half of all time is one visitor's, in two regions: the day and the country are withheld, and so is some
    part of each dimension."""
    rows = []
    for number in range(1, 11):
        place = {"country": "CH", "region": f"CH-{'AB'[number % 2]}"}
        rows += person(number, **place)
        rows += person(number, **place, name="engagement", engaged_ms=9_000, idx=1)
    for half, region in enumerate(("CH-A", "CH-B")):
        later = {"at": DAY * 86_400_000 + 50_000_000 + half * 7_200_000, "country": "CH", "region": region}
        rows += person(99, **later, idx=2 * half)
        rows += person(99, **later, name="engagement", engaged_ms=46_000, idx=2 * half + 1)
    store(warehouse, tmp_path, rows)
    tables = counted(warehouse, EPOCH + timedelta(days=DAY), {1: (ZONE, 5)})[1]
    assert tables[""]["", ""][-1] == tables["country"]["CH", ""][-1] == -1
    assert sorted(row[-1] < 0 for row in tables["region"].values()) == [True, True]
    assert any(row[-1] < 0 for row in tables["path"].values())
