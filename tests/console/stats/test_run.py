"""Every metric by every dimension under every kind of filter, against a count by hand."""

import re
from typing import Any

import pytest

from console.stats.build import build
from console.stats.parse import parse
from console.stats.plan import plan
from console.stats.query import BadQuery, SiteRef
from event_catalogue.dimensions import DIMENSION, STEPS
from event_catalogue.dimensions import DIMENSIONS as CATALOGUE
from event_catalogue.metrics import METRICS
from tests.console.stats.conftest import NOW, Asker
from tests.console.stats.counting import GOAL_NAMES
from tests.console.stats.world import World

RANGES = {
    "zurich.example": ["2025-10-25", "2025-10-28"],
    "newyork.example": ["2025-03-08", "2025-03-11"],
    "kathmandu.example": ["2025-12-30", "2026-01-02"],
}
ALL = [metric.name for metric in METRICS if not metric.is_apart]
DIMENSIONS = [
    *(name for name, one in DIMENSION.items() if name != "time" and one not in STEPS),
    "event:props:plan",
    "event:props:it's",
]

PLAIN = [one.name for one in CATALOGUE if one.scope != "time" and one.name != "goal" and one not in STEPS] + [
    "event:props:plan"
]


def question(site: str = "zurich.example", **more: Any) -> dict[str, Any]:
    """A question about a site of the world, over all of its days."""
    return {"site_id": site, "metrics": ALL, "date_range": RANGES[site], **more}


@pytest.mark.req("A1", "D1")
@pytest.mark.parametrize("site", RANGES)
@pytest.mark.parametrize("metrics", [[name] for name in ALL] + [ALL, ["visitors", "pageviews"], ALL[::-1]], ids=str)
def test_totals(asker: Asker, site: str, metrics: list[str]) -> None:
    """Every metric of a whole site, alone and with others."""
    expected = asker.check(question(site, metrics=metrics))
    assert expected[()] != [0] * len(metrics)


@pytest.mark.req("A1", "D2", "D7")
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_every_dimension(asker: Asker, dimension: str) -> None:
    """Every dimension under every name it answers to, by metrics of visits and of events."""
    site = "kathmandu.example" if dimension == "time:month" else "zurich.example"
    assert len(asker.check(question(site, dimensions=[dimension]))) > 1
    if dimension.startswith(("event:", "time:")):
        asker.check(question(site, metrics=["events", "visitors", "pageviews"], dimensions=[dimension]))


@pytest.mark.req("A1", "D1")
@pytest.mark.parametrize("site", RANGES)
@pytest.mark.parametrize("dimension", ["time:hour", "time:day", "time:week", "time:month"])
@pytest.mark.parametrize("metrics", [ALL, ["events", "visitors"]], ids=["visits", "rows"])
def test_time_by_the_sites_clock(asker: Asker, site: str, dimension: str, metrics: list[str]) -> None:
    """Days of 23 and 25 hours, hours that begin at a quarter, weeks and months that the range cuts."""
    asker.check(question(site, metrics=metrics, dimensions=[dimension]))


PAIRS = [
    ["visit:source", "visit:country"],
    ["event:page", "visit:entry_page"],
    ["time:day", "visit:browser"],
    ["time:hour", "event:name"],
    ["event:page", "event:props:plan", "time:week"],
    ["visit:exit_page", "visit:entry_page", "visit:utm_source", "time:day"],
]


@pytest.mark.req("D2", "D7")
@pytest.mark.parametrize("dimensions", PAIRS, ids=",".join)
@pytest.mark.parametrize("metrics", [ALL, ["events", "visitors"]], ids=["visits", "rows"])
def test_dimensions_together(asker: Asker, dimensions: list[str], metrics: list[str]) -> None:
    """Combinations of visits, events and time."""
    asker.check(question(metrics=metrics, dimensions=dimensions))


LEAVES: list[list[Any]] = [
    ["is", ["a"]],
    ["is", ["a", "Bé", "(not set)"]],
    ["is", [""]],
    ["is_not", ["a"]],
    ["is_not", ["(not set)", "b"]],
    ["is", ["A", "bÉ"], {"case_sensitive": False}],
    ["is_not", ["A"], {"case_sensitive": False}],
    ["contains", ["a", "é"]],
    ["contains_not", ["b"]],
    ["contains", ["A", "BÉ"], {"case_sensitive": False}],
    ["matches", ["^a$", "é$"]],
    ["matches_not", ["^[ab]"]],
    ["is", ["\\(not set)"]],
]


@pytest.mark.req("D5", "D7")
@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_every_operator(asker: Asker, leaf: list[Any]) -> None:
    """Each operator, by turns on a third of the dimensions, so that each dimension meets every kind of operator."""
    operator, *rest = leaf
    for place, name in enumerate(PLAIN):
        if (place + LEAVES.index(leaf)) % 3 == 0:
            metrics = ALL if place % 2 else ["pageviews", "visitors"]
            asker.check(question(metrics=metrics, filters=[[operator, name, *rest]]))


@pytest.mark.long
@pytest.mark.req("D5", "D7")
@pytest.mark.parametrize("leaf", LEAVES, ids=str)
@pytest.mark.parametrize("dimensions", [[], ["visit:source"], ["event:page"]], ids=str)
def test_every_operator_on_every_dimension(asker: Asker, leaf: list[Any], dimensions: list[str]) -> None:
    """Each operator with each dimension under every name, by metrics of visits and of events, grouped and not."""
    operator, *rest = leaf
    for name in DIMENSIONS:
        if not name.startswith("time") and name not in GOAL_NAMES:
            for metrics in (ALL, ["pageviews", "visitors"]):
                asker.check(question(metrics=metrics, dimensions=dimensions, filters=[[operator, name, *rest]]))


IS_GOOGLE = ["is", "visit:source", ["Google"]]
ON_PRICING = ["contains", "event:page", ["ricing"]]
CLICKED = ["is", "event:name", ["click"]]
TREES: list[list[Any]] = [
    [IS_GOOGLE, ON_PRICING],
    [["and", [IS_GOOGLE, ON_PRICING]]],
    [["or", [IS_GOOGLE, ON_PRICING]]],
    [["not", IS_GOOGLE]],
    [["not", ["or", [IS_GOOGLE, ["not", ON_PRICING]]]]],
    [
        ["or", [["and", [IS_GOOGLE, CLICKED]], ["and", [["not", IS_GOOGLE], ON_PRICING]]]],
        ["is_not", "visit:country", ["a"]],
    ],
    [["has_done", CLICKED]],
    [["has_not_done", CLICKED]],
    [["has_done", CLICKED], ON_PRICING],
    [["has_not_done", ["and", [CLICKED, ON_PRICING]]], IS_GOOGLE],
    [["or", [["has_done", ["is", "event:name", ["signup"]]], ["is", "event:page", ["/"]]]]],
    [["is", "visit:entry_page", ["/pricing", "(other)", "\\(other)"]], ["is", "event:props:plan", ["a", "(none)"]]],
    [["is", "visit:source", ["Direct / None"]]],
    [["is", "visit:source", ["\\Direct / None"]]],
    [["is", "visit:city", [2657896]]],
]


GROUPINGS = [[], ["event:page"], ["visit:source"], ["time:hour"], ["time:day", "event:name"]]


@pytest.mark.req("D5", "D7")
@pytest.mark.parametrize("filters", TREES, ids=str)
@pytest.mark.parametrize("dimensions", GROUPINGS, ids=str)
@pytest.mark.parametrize("metrics", [ALL, ["events", "visitors"]], ids=["visits", "rows"])
def test_nested_filters(asker: Asker, filters: list[Any], dimensions: list[str], metrics: list[str]) -> None:
    """And, or, not, has_done, visits and events mixed, under every kind of grouping."""
    asker.check(question(metrics=metrics, dimensions=dimensions, filters=filters))


NASTY = [
    "'",
    "\\",
    "\\'",
    "'; DROP TABLE events; --",
    "') OR 1=1 --",
    "{site:UInt32}",
    "{p3:String}",
    "%s%(site)s",
    "\n\t\0",
    "`",
    "/*",
    "\\N",
    "NULL",
    "😀",
    "a'b",
]


@pytest.mark.req("D5", "D7", "O4")
@pytest.mark.parametrize("text", NASTY, ids=repr)
def test_text_that_looks_like_sql_is_text(asker: Asker, text: str) -> None:
    """As a value, in a list, as a property's name, as a pattern: it finds what it spells, and harms nothing."""
    for filters in (
        [["is", "visit:source", [text]]],
        [["contains", "event:page", [text, "zzz"]]],
        [["is_not", "event:title", ["a", text], {"case_sensitive": False}]],
        [["is", f"event:props:{text}", ["x"]]],
        [["matches", "event:page", [re.escape(text) if text.isprintable() else "x"]]],
    ):
        asker.check(question(filters=filters, dimensions=["visit:source"]))
    asker.check(question(dimensions=[f"event:props:{text}"]))


def test_nothing_a_reader_wrote_is_in_the_statement(world: World) -> None:
    """Values and names of properties are parameters: the text is the same whatever they are."""
    site = world.sites["zurich.example"]

    def text(value: str) -> str:
        asked = parse(
            question(
                dimensions=[f"event:props:{value}"],
                filters=[["is", "visit:source", [value]], ["matches", f"event:props:{value}", [value]]],
            )
        )
        statement = build(asked, plan(asked, site, NOW, None), site)
        return statement.sql + statement.count_sql

    assert text("harmless") == text("'; DROP TABLE events; --")


@pytest.mark.req("D7")
def test_order_and_pages(asker: Asker) -> None:
    """Pages of an ordered answer join up without gap or overlap, and the number of rows is that of the whole."""
    base = question(dimensions=["event:page", "visit:source"], metrics=["visitors", "bounce_rate"])
    orders: list[list[list[str]]] = [
        [["visitors", "desc"]],
        [["bounce_rate", "asc"], ["event:page", "desc"]],
        [["visit:source", "asc"], ["visitors", "desc"]],
    ]
    for order in orders:
        whole = asker.ask({**base, "order_by": order})["results"]
        pages: list[Any] = []
        for offset in range(0, len(whole) + 5, 5):
            page = asker.ask(
                {
                    **base,
                    "order_by": order,
                    "pagination": {"limit": 5, "offset": offset},
                    "include": {"total_rows": True},
                }
            )
            pages += page["results"]
            assert page["meta"]["total_rows"] == len(whole)
        assert pages == whole
        assert len(whole) > 10
    by_visitors = asker.ask({**base, "order_by": orders[0]})["results"]
    numbers = [row["metrics"][0] for row in by_visitors]
    assert numbers == sorted(numbers, reverse=True)
    by_rate = asker.ask({**base, "order_by": orders[1]})["results"]
    keys = [row["metrics"][1] for row in by_rate]
    assert keys == sorted(keys)


@pytest.mark.req("D7")
def test_without_an_order_time_goes_up_and_the_first_metric_down(asker: Asker) -> None:
    """The default order of Plausible's API."""
    rows = asker.ask(question(metrics=["pageviews", "visitors"], dimensions=["visit:source", "time:day"]))["results"]
    keys = [(row["dimensions"][1], -row["metrics"][0]) for row in rows]
    assert keys == sorted(keys)


@pytest.mark.req("A7", "D7", "A5")
def test_the_rest_of_an_answer(asker: Asker) -> None:
    """`meta` and `query` as a script written for Plausible finds them, with the quality of each number."""
    answer = asker.ask(
        question(
            dimensions=["time"],
            metrics=["visitors", "bounce_rate"],
            filters=[IS_GOOGLE],
            include={"time_labels": True, "imports": True},
        )
    )
    assert answer["query"] == {
        "site_id": "zurich.example",
        "metrics": ["visitors", "bounce_rate"],
        "date_range": ["2025-10-25T00:00:00+02:00", "2025-10-28T23:59:59+01:00"],
        "filters": [IS_GOOGLE],
        "dimensions": ["time"],
        "order_by": [["time", "asc"], ["visitors", "desc"]],
        "include": {"time_labels": True, "imports": True},
        "pagination": {"limit": 10_000, "offset": 0},
    }
    meta = answer["meta"]
    assert meta["time_labels"] == ["2025-10-25", "2025-10-26", "2025-10-27", "2025-10-28"]
    assert meta["metric_warnings"] == {"visitors": "daily_sum"}
    assert {mark["mark"] for mark in meta["quality"].values()} == {"provisional"}
    assert list(meta["quality"]) == ["visitors", "bounce_rate"]
    one_day = asker.ask(question(date_range=["2025-10-26", "2025-10-26"], dimensions=["time"], metrics=["visitors"]))
    assert "metric_warnings" not in one_day["meta"]
    assert all(len(row["dimensions"][0]) >= 19 for row in one_day["results"])


@pytest.mark.req("D1", "D7")
def test_ranges_that_end_today(asker: Asker) -> None:
    """At the turn of the year in UTC, Kathmandu already has 1 January, and New York still 31 December."""
    today = asker.ask(question("kathmandu.example", date_range="day"))["query"]["date_range"]
    assert today == ["2026-01-01T00:00:00+05:45", "2026-01-01T23:59:59+05:45"]
    assert asker.ask(question("newyork.example", date_range="day"))["query"]["date_range"][0].startswith("2025-12-31")
    everything = asker.ask(question("kathmandu.example", date_range="all", metrics=["visits"]))
    assert everything["query"]["date_range"][0] == "2025-12-30T00:00:00+05:45"
    assert (
        everything["results"]
        == asker.ask(question("kathmandu.example", date_range=["2025-12-30", "2026-01-01"], metrics=["visits"]))[
            "results"
        ]
    )
    nothing = SiteRef(99, "empty.example", "UTC")
    empty = asker.statistics.answer(parse({"site_id": "x", "metrics": ALL, "date_range": "all"}), nothing)
    assert empty["results"] == [{"metrics": [0] * len(ALL), "dimensions": []}]
    assert empty["query"]["date_range"][0] == "2026-01-01T00:00:00+00:00"


@pytest.mark.req("D7")
def test_a_pattern_that_is_none_is_the_readers_fault(asker: Asker) -> None:
    """What RE2 can't read is refused with its place, not as a trouble of the warehouse."""
    with pytest.raises(BadQuery, match="regular expression"):
        asker.ask(question(filters=[["matches", "event:page", ["(unclosed"]]]))


@pytest.mark.req("C12")
@pytest.mark.parametrize("site", RANGES)
def test_a_reload_is_one_exit(asker: Asker, world: World, site: str) -> None:
    """What the next page tells takes the place of what this one could not know: as many ways out as pages left."""
    key = world.sites[site].id
    rows = [one for one in world.events if one["site"] == key and one["name"] == "exit" and not one["bot"]]
    settling = [one for one in rows if "settles" in one.get("prop_keys", [])]
    only = {"filters": [["is", "event:name", ["exit"]]], "metrics": ["events"]}
    told = asker.check(question(site, dimensions=["event:method"], **only))
    assert sum(found[0] for found in told.values()) == len(rows) - len(settling)
    known = sum(told.get((word,), [0])[0] for word in ("reload", "back_forward"))
    plain = sum(one["method"] in ("reload", "back_forward") and one not in settling for one in rows)
    assert known > plain, "some were settled"
    assert asker.check(question(site, **only))[()] == [len(rows) - len(settling)]
