"""Several sites in one question: their sums added up, against a count by hand over all of them."""

from contextlib import nullcontext
from datetime import date, timedelta
from functools import partial
from pathlib import Path
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
from tests.console.stats.test_run import ALL
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.events import EventTable

WHOLE = ["2025-03-01", "2026-01-31"]
QUESTIONS: list[dict[str, Any]] = [
    {},
    {"metrics": ["visitors", "bounce_rate"]},
    {"dimensions": ["visit:source"]},
    {"dimensions": ["event:page"]},
    {"dimensions": ["event:page"], "metrics": ["events", "pageviews"]},
    {"dimensions": ["time:month"]},
    {"dimensions": ["time:day", "visit:country"]},
    {"dimensions": ["event:goal"]},
    {"dimensions": ["visit:funnel:Twice"], "metrics": ["visits", "visitors"]},
    {"dimensions": ["event:page"], "metrics": [*ALL, "scroll_depth"]},
    {"filters": [["is", "visit:source", ["Google"]], ["has_done", ["is", "event:name", ["click"]]]]},
    {"dimensions": ["visit:browser"], "filters": [["matches", "event:page", ["ricing"]]]},
]


def together(asker: Asker, *names: str, **more: Any) -> Any:
    """The layer's answer about these sites, or all."""
    sites = [asker.world.sites[name] for name in names or asker.world.sites]
    asked = {"site_id": [site.domain for site in sites], "metrics": ALL, "date_range": WHOLE, **more}
    return asker.statistics.together(parse(asked), sites)


@pytest.mark.req("D12", "D7")
@pytest.mark.parametrize("more", QUESTIONS, ids=str)
def test_sites_are_added_up(asker: Asker, more: dict[str, Any]) -> None:
    """Counts, rates and means, by every kind of grouping: those of all visits of all sites, nobody counted as one."""
    expected = answer({"metrics": ALL, "date_range": WHOLE, **more}, asker.world.events, *asker.world.sites.values())
    found = together(asker, **more)
    assert {tuple(row["dimensions"]): row["metrics"] for row in found["results"]} == expected
    assert len(found["results"]) == len(expected)


@pytest.mark.req("D12", "A7")
def test_the_answer_says_whose_days_it_adds_up(asker: Asker) -> None:
    """Each site with its zone and its range by its own clock; visitors are marked as added up."""
    found = together(asker, "zurich.example", "kathmandu.example", metrics=["visitors", "visits"])
    assert found["meta"]["sites"] == [
        {
            "site_id": "zurich.example",
            "timezone": "Europe/Zurich",
            "date_range": ["2025-03-01T00:00:00+01:00", "2026-01-31T23:59:59+01:00"],
        },
        {
            "site_id": "kathmandu.example",
            "timezone": "Asia/Kathmandu",
            "date_range": ["2025-03-01T00:00:00+05:45", "2026-01-31T23:59:59+05:45"],
        },
    ]
    assert found["meta"]["metric_warnings"] == {"visitors": "site_sum"}
    assert found["query"]["site_id"] == ["zurich.example", "kathmandu.example"]


@pytest.mark.req("D12")
def test_pages_of_an_answer_about_several_sites(asker: Asker) -> None:
    """In the order that was asked for, cut and counted as a whole; every label of any site is told."""
    asked = {"dimensions": ["visit:source", "visit:browser"], "metrics": ["visits", "bounce_rate"]}
    asked |= {"order_by": [["bounce_rate", "asc"], ["visits", "desc"]]}
    whole = together(asker, **asked, include={"total_rows": True})
    numbers = [(row["metrics"][1], -row["metrics"][0]) for row in whole["results"]]
    assert numbers == sorted(numbers)
    assert whole["meta"]["total_rows"] == len(numbers) > 10
    assert together(asker, **asked, pagination={"limit": 4, "offset": 3})["results"] == whole["results"][3:7]
    labels = together(asker, dimensions=["time:month"], include={"time_labels": True})["meta"]["time_labels"]
    assert (labels[0], labels[-1], len(labels)) == ("2025-03-01", "2026-01-01", 11)


@pytest.mark.req("D12", "D3")
def test_conversion_rates_are_of_all_visitors_of_all_sites(asker: Asker) -> None:
    """Who reaches a goal, of everybody."""
    found = together(asker, metrics=["conversion_rate"], dimensions=["event:goal"])
    hand = {"metrics": ["visitors"], "date_range": WHOLE}
    sites = asker.world.sites.values()
    [everybody] = answer(hand, asker.world.events, *sites)[()]
    reached = answer(hand | {"dimensions": ["event:goal"]}, asker.world.events, *sites)
    assert {row["dimensions"][0]: row["metrics"] for row in found["results"]} == {
        name: [round(100 * people / everybody, 2)] for (name,), [people] in reached.items()
    }


@pytest.mark.req("D12")
def test_several_sites_are_not_compared(asker: Asker) -> None:
    """With an earlier range: refused with the reason."""
    with pytest.raises(BadQuery, match="can't be compared"):
        together(asker, include={"comparisons": {"mode": "previous_period"}})


FIRST = 20_423


@pytest.mark.req("D12", "A3", "A7")
def test_a_sealed_site_beside_a_live_one(tmp_path: Path) -> None:
    """Each by its own seals: small groups of the one are merged, of the other not; the worse of both marks is told."""
    store = ControlStore.in_directory(tmp_path)
    store.migrate()
    warehouse = fresh_warehouse()
    rows: list[Any] = []
    for site, day in ((1, FIRST), (2, FIRST + 9)):
        add_site(store, NewSite(f"s{site}.example"), now=1)
        for who in range(14):
            path = "/a" if who < 6 else "/b" if who < 12 else "/rare"
            at = day * 86_400_000 + 36_000_000 + who
            one = {"site": site, "day": day, "visitor": bytes([who + 1]) * 16, "path": path, "at": at}
            mine = [one, one | {"at": at + 60_000 * (1 + who), "beacon": bytes([site, who]) * 8}]
            rows += [event(**view) for view in mine]
    for place in (0, 28):
        EventTable(warehouse).insert(rows[place : place + 28], batch=place + 1, token=str(place))
    VisitTable(warehouse, store, nullcontext).tick()
    now = (FIRST + 10) * 86_400_000
    statistics = Statistics(warehouse, lambda: now, partial(seals_of, store))
    sealer = Sealer(warehouse, store, lambda: now)
    assert all(one.seal for one in sealer.seal(sealer.due(now, (FIRST + 1) * 86_400_000 + 27 * 3_600_000)[:1]))
    warehouse.command(f"ALTER TABLE events DELETE WHERE toUInt16(day) = {FIRST}")
    warehouse.command(f"ALTER TABLE visits DELETE WHERE toUInt16(day) = {FIRST}")
    save_seals(store, [seal._replace(purged=now) for seal in all_seals(store)])
    days = [(date(1970, 1, 1) + timedelta(days=day)).isoformat() for day in (FIRST, FIRST + 9)]
    asked = {"site_id": ["a", "b"], "metrics": ["visitors", "pageviews", "visit_duration"], "date_range": days}
    sites = [SiteRef(1, "s1.example", "UTC"), SiteRef(2, "s2.example", "UTC")]
    found = statistics.together(parse(asked | {"dimensions": ["event:page"]}), sites)
    got = {row["dimensions"][0]: row["metrics"] for row in found["results"]}
    lengths = {"/a": range(1, 7), "/b": range(7, 13), "/rare": range(13, 15)}
    # The two of /rare are under five, so the seal joins the next smallest group of its day with them.
    merged = "/a" if "/a" not in {row["dimensions"][0] for row in _alone(statistics, asked, sites[0])} else "/b"
    kept = "/b" if merged == "/a" else "/a"
    other = [*lengths[merged], *lengths["/rare"]]
    assert got == {
        kept: [12, 24, int(60 * sum(lengths[kept]) / 6 + 0.5)],
        merged: [6, 12, int(60 * sum(lengths[merged]) / 6 + 0.5)],
        "/rare": [2, 4, int(60 * sum(lengths["/rare"]) / 2 + 0.5)],
        "(other)": [8, 16, int(60 * sum(other) / 8 + 0.5)],
    }
    assert found["meta"]["quality"]["visitors"]["mark"] == "provisional"
    crossed = statistics.together(parse(asked | {"dimensions": ["event:page", "visit:source"]}), sites)
    assert crossed["meta"]["quality"]["visitors"]["mark"] == "not computable"
    assert crossed["meta"]["quality"]["visitors"]["reason"].startswith("s1.example: ")
    warehouse.close()
    store.close()


def _alone(statistics: Statistics, asked: dict[str, Any], site: SiteRef) -> Any:
    return statistics.answer(parse(asked | {"site_id": "x", "dimensions": ["event:page"]}), site)["results"]
