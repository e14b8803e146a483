"""A seal attacks its own rows: what gives few people away is found, in rows of real days and in spoilt ones."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from aggregator.attack import exposed
from aggregator.visits import VisitTable
from collector.importers.invented import Shape, invent_day
from control_store.tables import ControlStore
from event_catalogue.aggregates import KEPT_MEASURES
from event_catalogue.days import day_end
from event_catalogue.fields import POSITION
from tests.warehouse.engine import fresh_warehouse
from warehouse.events import EventTable
from warehouse.rollup_rows import Rollup, SiteDay
from warehouse.rollups import Rollups

DAY, ZONE, K = 20_423, "Europe/Zurich", 5
SIZES = {1: 60, 2: 3, 3: 400}
VISITORS, VISITS, ENGAGED = (KEPT_MEASURES.index(name) for name in ("visitors", "visits", "engaged_ms"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, list[Rollup]]]:
    """The aggregates of a day of three sites: a small one, one of fewer than k people, and a larger one."""
    warehouse = fresh_warehouse()
    store = ControlStore.in_directory(tmp_path_factory.mktemp("attack"))
    store.migrate()
    rows = []
    for site, visitors in SIZES.items():
        shape = Shape(site, "invented.example", ZONE, visitors, 4)
        rows += [row for visit in invent_day(shape, DAY, stored_on=30_000, received=1).visits for row in visit]
    EventTable(warehouse).insert(rows, batch=1, token="1")
    VisitTable(warehouse, store, nullcontext).tick()
    bounds = [SiteDay(site, DAY, K, day_end(ZONE, DAY - 1), day_end(ZONE, DAY)) for site in SIZES]
    found = [row for many in Rollups(warehouse, "seal").count(bounds) for _, row in many]
    yield {site: [row for row in found if row.site == site] for site in SIZES}
    store.close()
    warehouse.close()


@pytest.mark.req("A3", "D11")
@pytest.mark.parametrize("site", SIZES)
def test_what_is_published_gives_nobody_away(published: dict[int, list[Rollup]], site: int) -> None:
    """Days as they are sealed pass, and would not with a k that is larger than theirs."""
    assert exposed(published[site], K) == []
    if SIZES[site] > 20:
        assert exposed(published[site], 4 * K)
    assert exposed([], K) == []


def _changed(row: Rollup, place: int, number: int) -> Rollup:
    return row._replace(measures=(*row.measures[:place], number, *row.measures[place + 1 :]))


def _one_is_small(rows: list[Rollup]) -> list[Rollup]:
    row = next(row for row in rows if row.dimension == "path" and row.key == "/")
    return [_changed(row, VISITORS, 4) if row is one else one for one in rows]


def _without_other(name: str) -> Callable[[list[Rollup]], list[Rollup]]:
    def spoilt(rows: list[Rollup]) -> list[Rollup]:
        return [row for row in rows if (row.dimension, row.key) != (name, "(other)")]

    return spoilt


def _one_child_is_hidden(rows: list[Rollup]) -> list[Rollup]:
    """Moved from its parent to the merged parents: its visits still add up to the day."""
    child = next(row for row in rows if row.dimension == "browser_version" and row.key != "(other)")
    return [row._replace(parent="(other)", key="(other)") if row is child else row for row in rows]


def _one_sum_is_withheld(rows: list[Rollup]) -> list[Rollup]:
    mine = [row for row in rows if row.dimension == "device"]
    return [row if row.dimension != "device" else _changed(row, ENGAGED, -1 if row is mine[0] else 7) for row in rows]


SPOILT: dict[str, tuple[Callable[[list[Rollup]], list[Rollup]], str]] = {
    "a small value": (_one_is_small, "path: a value shows 4 people"),
    "a merged group is left out": (_without_other("country"), "country: "),
    "a value of a shown parent is hidden elsewhere": (_one_child_is_hidden, "browser_version: "),
    "one sum is withheld": (_one_sum_is_withheld, "device: the one withheld engaged_ms"),
}


@pytest.mark.req("A3", "D11")
@pytest.mark.parametrize(("spoil", "sentence"), SPOILT.values(), ids=SPOILT.keys())
def test_what_gives_few_people_away_is_found(
    published: dict[int, list[Rollup]], spoil: Callable[[list[Rollup]], list[Rollup]], sentence: str
) -> None:
    """Each rule is broken by one change, and the sentence names the dimension."""
    found = exposed(spoil(published[1]), K)
    assert any(one.startswith(sentence) for one in found), found


@pytest.mark.req("A3")
def test_a_day_of_too_few_people_has_nothing_but_three_totals(published: dict[int, list[Rollup]]) -> None:
    """A number beside visitors, visits and views is found, and so is a value."""
    whole, *rest = published[2]
    assert "engaged_ms of too few" in exposed([_changed(whole, ENGAGED, 1), *rest], K)[0]
    shown = [row._replace(key="CH") if row.dimension == "country" else row for row in published[2]]
    assert exposed(shown, K) == ["country: a value of a day of too few people is shown"]


@pytest.mark.req("A3")
def test_messages_of_nobody_do_not_hide_one_visitor(tmp_path: Path) -> None:
    """A campaign of one visitor and nine opened e-mails is a group of one."""
    warehouse = fresh_warehouse()
    store = ControlStore.in_directory(tmp_path)
    store.migrate()
    shape = Shape(1, "invented.example", ZONE, 30, 4)
    rows = [row for visit in invent_day(shape, DAY, stored_on=30_000, received=1).visits for row in visit]
    news = []
    for number in range(10):
        row = rows[0].copy()
        row[POSITION["beacon"]], row[POSITION["bot"]] = bytes([99, number]) * 8, ""
        row[POSITION["visitor"]] = bytes(16) if number else b"v" * 16
        row[POSITION["utm_campaign"]] = "spring"
        news.append(row)
    EventTable(warehouse).insert([*rows, *news], batch=1, token="1")
    VisitTable(warehouse, store, nullcontext).tick()
    bounds = [SiteDay(1, DAY, K, day_end(ZONE, DAY - 1), day_end(ZONE, DAY))]
    found = [row for many in Rollups(warehouse, "seal").count(bounds) for _, row in many]
    assert "spring" not in {row.key for row in found}
    assert exposed(found, K) == []
    store.close()
    warehouse.close()
