"""Several filters at once: small groups are merged, by numbers counted by hand."""

from dataclasses import replace
from datetime import date
from itertools import combinations
from typing import Any

import pytest

from console.stats.parse import parse
from console.stats.query import BadQuery, SiteRef
from console.stats.run import Answer, Statistics
from tests.console.stats.conftest import Asker
from tests.console.stats.counting import answer
from tests.console.stats.world import World, as_row
from tests.warehouse.engine import fresh_warehouse
from warehouse.events import EventTable

K = 5
RANGE = ["2025-10-25", "2025-10-28"]
METRICS = ["visitors", "visits", "pageviews", "events", "bounce_rate"]
FILTERS: list[list[Any]] = [
    [["is_not", "visit:country", ["zz"]], ["is_not", "event:name", ["click"]]],
    [["contains", "event:page", ["p"]], ["is_not", "visit:device", ["a"]]],
    [["or", [["is", "visit:source", ["Google"]], ["is", "event:name", ["signup"]]]]],
    [["is", "event:name", ["signup"]], ["is", "visit:device", ["a"]], ["is", "event:page", ["/"]]],
]
GROUPINGS = [["visit:source"], ["event:page"], ["visit:device", "visit:os"], ["time:day", "visit:device"]]


def ask(asker: Asker, world: World, question: dict[str, Any]) -> Answer:
    """The answer for a site whose k is five."""
    return asker.statistics.answer(parse(question), replace(world.sites["zurich.example"], k=K))


@pytest.mark.req("A3", "D5")
@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("dimensions", GROUPINGS, ids=str)
def test_small_groups_are_merged(asker: Asker, world: World, filters: list[Any], dimensions: list[str]) -> None:
    """What has k visitors is told as it is, the rest as `(other)` that can't be a single value nor fewer than k."""
    question = {
        "site_id": "zurich.example",
        "metrics": METRICS,
        "date_range": RANGE,
        "dimensions": dimensions,
        "filters": filters,
    }
    site = world.sites["zurich.example"]
    counted = answer(question, world.events, site)
    found = ask(asker, world, question)
    rows = {tuple(row["dimensions"]): row["metrics"] for row in found["results"]}
    shown = {key: numbers for key, numbers in rows.items() if "(other)" not in key}
    assert all(numbers == counted[key] and (numbers[0] >= K or numbers[0] == 0) for key, numbers in shown.items())
    hidden = {key: numbers for key, numbers in counted.items() if key not in shown}
    days = {key[0] for key in hidden} if dimensions[0] == "time:day" else {""}
    for day in days:
        of_day = {key: numbers for key, numbers in hidden.items() if day in ("", key[0])}
        other = rows.get((day, "(other)") if day else ("(other)",) * len(dimensions))
        if other is None:
            # Nothing is left to be told from: no value of that time is shown, or none was hidden.
            assert not of_day or not any(day in ("", key[0]) and numbers[0] for key, numbers in shown.items())
            continue
        assert other[1:4] == [sum(numbers[place] for numbers in of_day.values()) for place in (1, 2, 3)]
        assert len(of_day) > 1 or min(numbers[0] for numbers in of_day.values()) >= K
        assert sum(numbers[0] for numbers in of_day.values()) >= K
    mark = found["meta"]["quality"]["visits"]
    assert ("too few people" in mark["reason"]) == bool(hidden)


@pytest.mark.req("A3", "A7", "D11")
def test_a_total_of_too_few_is_not_told(asker: Asker, world: World) -> None:
    """Filters that single out one person find zeros, and the mark says why; days of so few are left out of a curve."""
    person = next(one for one in world.events if one["site"] == 11 and not one["bot"] and one["title"] == "a")
    filters = [["is", f"event:{name}".replace("path", "page"), [person[name]]] for name in ("title", "path", "name")]
    question = {
        "site_id": "zurich.example",
        "metrics": METRICS,
        "date_range": [person["day"].isoformat()] * 2,
        "filters": filters,
    }
    found = ask(asker, world, question)
    assert found["results"] == [{"metrics": [0, 0, 0, 0, 0], "dimensions": []}]
    assert "left out" in found["meta"]["quality"]["visits"]["reason"]
    assert ask(asker, world, {**question, "dimensions": ["time:hour"]})["results"] == []
    alone = {**question, "filters": filters[:1]}
    assert (
        ask(asker, world, alone)["results"][0]["metrics"]
        == answer(alone, world.events, world.sites["zurich.example"])[()]
    )


@pytest.mark.req("D5", "O4")
def test_more_groups_than_can_be_merged_are_refused(
    asker: Asker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence that names the part, instead of millions of rows in the console's memory."""
    monkeypatch.setattr("console.stats.run._MOST_GROUPS", 3)
    question = {
        "site_id": "zurich.example",
        "metrics": METRICS,
        "date_range": RANGE,
        "dimensions": ["visit:source", "event:page"],
        "filters": FILTERS[0],
    }
    with pytest.raises(BadQuery, match="dimensions: Of several attributes at most 3 groups"):
        ask(asker, world, question)


ATTRIBUTES = {
    "visit:country": "CH",
    "visit:browser": "Firefox",
    "visit:source": "Google",
    "visit:entry_page": "/door",
    "event:page": "/door",
    "event:props:plan": "pro",
    "time:hour": "2025-06-01 10:00:00",
}
"""What is true of the one visitor."""


@pytest.mark.req("D11")
def test_no_answer_joins_two_attributes_of_one_visitor() -> None:
    """On a site with a single visitor: whatever two dimensions or filters are put together, none tells of both."""
    warehouse = fresh_warehouse()
    fields = {"country": "CH", "city_id": 7, "city": "Bern", "browser": "Firefox", "os": "Linux", "source": "Google"}
    fields |= {"utm_campaign": "spring", "path": "/door", "name": "pageview", "prop_keys": ["plan"]}
    day, at = date(2025, 6, 1), 1_748_772_000_000
    where = {"site": 1, "day": day, "at": at, "visitor": b"v" * 16, "beacon": b"b" * 16, "prop_values": ["pro"]}
    EventTable(warehouse).insert([as_row(fields | where)], batch=1, token="1")
    statistics = Statistics(warehouse, lambda: at)

    def ask(dimensions: list[str], filters: list[Any]) -> Any:
        question = {"site_id": "x", "metrics": ["visitors", "events"], "date_range": ["2025-06-01", "2025-06-01"]}
        asked = parse(question | {"dimensions": dimensions, "filters": filters})
        return statistics.answer(asked, SiteRef(1, "x", "UTC", k=5))["results"]

    for name, value in ATTRIBUTES.items():
        assert ask([name], []) == [{"metrics": [1, 1], "dimensions": [value]}], "one attribute is told"
    for one, other in combinations(ATTRIBUTES, 2):
        assert ask([one, other], []) == [], (one, other)
        for name, beside in ((one, other), (other, one)):
            if name == "time:hour":
                continue
            condition = ["is", name, [ATTRIBUTES[name]]]
            assert ask([beside], [condition]) == [], (name, beside)
            if beside != "time:hour":
                both = [condition, ["is", beside, [ATTRIBUTES[beside]]]]
                assert ask([], both) == [{"metrics": [0, 0], "dimensions": []}], (name, beside)
    warehouse.close()
