"""How far pages are scrolled, against a count by hand: live, beside sealed days, and after the raw rows have gone."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from aggregator.seal import Sealer
from aggregator.visits import VisitTable
from console.stats.parse import parse
from console.stats.query import BadQuery, SiteRef
from console.stats.run import Statistics
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from tests.console.stats.conftest import Asker
from tests.console.stats.counting import answer
from tests.console.stats.test_run import RANGES, question
from tests.console.stats.world import World
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.events import EventTable

FIRST, K = 20_423, 5
EPOCH = date(1970, 1, 1)
MIXED = ["scroll_depth", "visitors", "bounce_rate", "pageviews"]
QUESTIONS: list[dict[str, Any]] = [
    {"dimensions": ["event:page"]},
    {"dimensions": ["event:page"], "metrics": ["scroll_depth", "visitors"]},
    {"dimensions": ["event:page"], "metrics": ["scroll_depth"]},
    {"dimensions": ["event:page", "visit:source"]},
    {"dimensions": ["time:day", "event:page"]},
    {"dimensions": ["time:hour"], "filters": [["contains", "event:page", ["ricing"]]]},
    {"filters": [["is", "event:page", ["/"]]]},
    {"filters": [["is", "event:page", ["/nowhere"]]]},
    {"dimensions": ["visit:country"], "filters": [["is_not", "event:page", ["/"]]]},
    {
        "dimensions": ["event:page"],
        "filters": [["is", "visit:source", ["Google"]], ["has_done", ["is", "event:name", ["click"]]]],
    },
    {"dimensions": ["event:page"], "filters": [["is", "event:name", ["pageview"]]]},
    {"dimensions": ["event:goal"], "filters": [["contains", "event:page", ["/"]]]},
]


@pytest.mark.req("C11", "D3", "D7")
@pytest.mark.parametrize("more", QUESTIONS, ids=str)
@pytest.mark.parametrize("site", RANGES)
def test_the_deepest_of_each_view_on_average(asker: Asker, site: str, more: dict[str, Any]) -> None:
    """By every kind of grouping and filter, alone and beside metrics of visits."""
    asker.check(question(site, **{"metrics": MIXED, **more}))


@pytest.mark.req("C11")
def test_the_world_tells_of_scrolling(world: World) -> None:
    """Views are told twice, with and without an id; some depths are 0, and some pages were never scrolled."""
    site = world.sites["zurich.example"]
    [depth] = answer(question(metrics=["scroll_depth"]), world.events, site)[()]
    assert 10 < depth < 90
    told = [one for one in world.events if one["name"] == "engagement"]
    assert {bool(one["scroll"]) for one in told} == {any(one["page"]) for one in told} == {True, False}


@pytest.mark.req("D3")
def test_rows_are_sorted_by_depth(asker: Asker) -> None:
    """Upwards and downwards, pages cut out of the whole; a row without a depth is less than any."""
    asked = question(metrics=["visitors", "scroll_depth"], dimensions=["event:page", "visit:source"])
    down = asker.ask(asked | {"order_by": [["scroll_depth", "desc"]]})["results"]
    depths = [-1 if row["metrics"][1] is None else row["metrics"][1] for row in down]
    assert depths == sorted(depths, reverse=True)
    assert len(set(depths)) > 5
    paged = asked | {"order_by": [["scroll_depth", "desc"]], "pagination": {"limit": 3, "offset": 2}}
    assert asker.ask(paged)["results"] == down[2:5]


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({}, "metrics"),
        ({"dimensions": ["visit:source"]}, "metrics"),
        ({"dimensions": ["event:page"], "include": {"kept": True}}, "include"),
    ],
)
def test_what_is_not_about_pages_is_refused(asker: Asker, more: dict[str, Any], field: str) -> None:
    """With the reason; so is what would be kept of it, which is nothing."""
    with pytest.raises(BadQuery) as refused:
        asker.ask(question(metrics=["scroll_depth"], **more))
    assert refused.value.field == field


class Days:
    """Three days of one site, the first two sealed."""

    def __init__(self, store: ControlStore) -> None:
        self.store = store
        self.warehouse = fresh_warehouse()
        add_site(store, NewSite("read.example"), now=1)
        for day in range(FIRST, FIRST + 3):
            rows = [event(**one) for one in self.events(day)]
            EventTable(self.warehouse).insert(rows, batch=day, token=str(day))
        VisitTable(self.warehouse, store, nullcontext).tick()
        self.now = (FIRST + 5) * 86_400_000
        self.statistics = Statistics(self.warehouse, lambda: self.now, partial(seals_of, store))

    @staticmethod
    def events(day: int) -> Iterator[dict[str, Any]]:
        """Eight readers of a page that are told thrice, each deeper on each day, and six of another page."""
        for who in range(14):
            page = {"visitor": bytes([who + 1]) * 16, "page": bytes([who + 1]) * 16, "day": day}
            page |= {"path": "/long" if who < 8 else "/short", "at": day * 86_400_000 + 36_000_000 + who}
            yield page
            for scroll in (30, 10 * (day - FIRST) + 3 * who + 31, 20):
                yield page | {"name": "engagement", "scroll": scroll, "engaged_ms": 1}

    def ask(self, first: int, last: int, **more: Any) -> Any:
        days = [(EPOCH + timedelta(days=day)).isoformat() for day in (first, last)]
        base = {
            "site_id": "x",
            "metrics": ["scroll_depth", "visitors"],
            "date_range": days,
            "dimensions": ["event:page"],
        }
        return self.statistics.answer(parse(base | more), SiteRef(1, "x", "UTC", k=K))


def of_long(answer: Any) -> list[Any]:
    """The numbers of the page that many read."""
    [found] = [row["metrics"] for row in answer["results"] if row["dimensions"] == ["/long"]]
    return list(found)


@pytest.mark.req("A7", "D3")
def test_sealed_days_tell_it_as_long_as_their_rows_are_there(tmp_path: Any) -> None:
    """Then only days that have rows do, and the mark says so; what else was asked for is as the seals know it."""
    store = ControlStore.in_directory(tmp_path)
    store.migrate()
    days = Days(store)
    by_day = {day: [10 * (day - FIRST) + 3 * who + 31 for who in range(8)] for day in range(FIRST, FIRST + 3)}
    whole = [depth for depths in by_day.values() for depth in depths]
    live = days.ask(FIRST, FIRST + 2)
    assert of_long(live) == [int(sum(whole) / 24 + 0.5), 24]
    assert live["meta"]["quality"]["scroll_depth"]["mark"] == "provisional"
    sealer = Sealer(days.warehouse, store, lambda: days.now)
    assert all(one.seal for one in sealer.seal(sealer.due(days.now, (FIRST + 2) * 86_400_000 + 27 * 3_600_000)[:2]))
    sealed = days.ask(FIRST, FIRST + 1)
    assert of_long(sealed) == [int(sum([*by_day[FIRST], *by_day[FIRST + 1]]) / 16 + 0.5), 16]
    assert "will not be able" in sealed["meta"]["quality"]["scroll_depth"]["reason"]
    for name in ("events", "visits"):
        days.warehouse.command(f"ALTER TABLE {name} DELETE WHERE toUInt16(day) < {FIRST + 2}")
    save_seals(store, [seal._replace(purged=days.now) for seal in all_seals(store)])
    mixed = days.ask(FIRST, FIRST + 2)
    assert of_long(mixed) == [int(sum(by_day[FIRST + 2]) / 8 + 0.5), 24]
    assert mixed["meta"]["quality"]["scroll_depth"]["mark"] == "not computable"
    assert "raw rows" in mixed["meta"]["quality"]["scroll_depth"]["reason"]
    purged = days.ask(FIRST, FIRST + 1)
    assert [row["metrics"][0] for row in purged["results"]] == [None] * len(purged["results"])
    days.warehouse.close()
    store.close()


@pytest.mark.req("D7")
def test_it_is_told_before_that_purged_days_have_none(asker: Asker, world: World) -> None:
    """The capabilities say what the metric needs, and that it ends with the raw rows."""
    asked = parse(question(metrics=["visits"]))
    told = asker.statistics.capabilities(asked, world.sites["zurich.example"])["metrics"]
    [mine] = [one for one in told if one["name"] == "scroll_depth"]
    assert (mine["needs"], mine["after_purge"]) == ("event:page", False)
    assert [one["name"] for one in told if not one["after_purge"]] == ["scroll_depth"]
