"""Times of day, names of countries, shares and comparisons, against a count by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from console.stats.parse import parse
from console.stats.query import BadQuery
from tests.console.stats.conftest import NOW, Asker
from tests.console.stats.counting import answer
from tests.console.stats.world import World

METRICS = ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration"]
RANGE = ["2025-10-25", "2025-10-28"]
MOMENTS = [
    ["2025-10-25T09:30:00+02:00", "2025-10-25T17:59:59+02:00"],
    ["2025-10-25T22:00:00Z", "2025-10-27T03:15:00Z"],
    ["2025-10-26T02:30:00+02:00", "2025-10-26T02:29:59+01:00"],
    ["2025-10-25T00:00:00+02:00", "2025-10-25T23:59:59+02:00"],
    ["2025-10-26T00:00:00+02:00", "2025-10-26T00:00:00+02:00"],
]


def question(**more: Any) -> dict[str, Any]:
    """A question about the site whose days have 24 and 25 hours."""
    return {"site_id": "zurich.example", "metrics": METRICS, "date_range": RANGE, **more}


@pytest.mark.req("D1", "D7")
@pytest.mark.parametrize("moments", MOMENTS, ids=str)
@pytest.mark.parametrize("dimensions", [[], ["event:page"], ["visit:source"], ["time:hour"], ["time:day"]], ids=str)
def test_times_of_day(asker: Asker, moments: list[str], dimensions: list[str]) -> None:
    """From one second to another, over days, through the hour that comes twice; whole days are whole days."""
    asker.check(question(date_range=moments, dimensions=dimensions))
    told = asker.ask(question(date_range=moments))["query"]["date_range"]
    assert [datetime.fromisoformat(one) for one in told] == [datetime.fromisoformat(one) for one in moments]


@pytest.mark.req("D7")
def test_labels_of_some_hours(asker: Asker) -> None:
    """Every hour that the range touches, and no other."""
    told = asker.ask(question(date_range=MOMENTS[2], dimensions=["time:hour"], include={"time_labels": True}))
    assert told["meta"]["time_labels"] == ["2025-10-26 02:00:00+02:00", "2025-10-26 02:00:00+01:00"]


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    "filters",
    [
        [],
        [["is", "visit:country_name", ["Aland", "Nowhere"]]],
        [["is", "visit:country_name", ["a"]]],
        [["is_not", "visit:country_name", [""]]],
        [["contains", "visit:country_name", ["LAND"], {"case_sensitive": False}]],
        [["matches_not", "visit:country_name", ["^B"]]],
    ],
    ids=str,
)
def test_countries_by_name(asker: Asker, filters: list[Any]) -> None:
    """Grouped, filtered and sorted by name; a country without one keeps its code, and a code is no name."""
    asker.check(question(dimensions=["visit:country_name"], filters=filters))
    asker.check(question(dimensions=["event:page", "visit:country_name"], filters=filters))
    rows = asker.ask(
        question(dimensions=["visit:country_name"], filters=filters, order_by=[["visit:country_name", "desc"]])
    )
    names = [row["dimensions"][0].replace("(not set)", "") for row in rows["results"]]
    assert names == sorted(names, reverse=True)


@pytest.mark.req("D2", "D7")
def test_shares(asker: Asker, world: World) -> None:
    """Of all visitors of the question, its filters included; of a row, so never without a dimension."""
    for more in ({}, {"filters": [["is", "visit:device", ["a"]]]}, {"date_range": MOMENTS[1]}):
        wanted = question(dimensions=["visit:source"], **{**more, "metrics": ["visitors"]})
        site = world.sites["zurich.example"]
        total = answer({**wanted, "dimensions": []}, world.events, site)[()][0]
        rows = asker.ask({**wanted, "metrics": ["percentage", "visitors"]})["results"]
        expected = {
            key: round(100 * counted[0] / total, 2) for key, counted in answer(wanted, world.events, site).items()
        }
        assert {tuple(row["dimensions"]): row["metrics"][0] for row in rows} == expected
        assert [row["metrics"][0] for row in rows] == sorted(expected.values(), reverse=True)
    with pytest.raises(BadQuery, match="add a dimension"):
        asker.ask(question(metrics=["percentage"]))


def compared(asker: Asker, wanted: dict[str, Any], mode: dict[str, Any]) -> dict[str, Any]:
    """The answer with a comparison."""
    return dict(asker.ask({**wanted, "include": {"comparisons": mode}}))


@pytest.mark.req("D4", "D7")
@pytest.mark.parametrize("dimensions", [[], ["visit:source"], ["time:day"]], ids=str)
def test_the_period_before(asker: Asker, world: World, dimensions: list[str]) -> None:
    """The same number of days directly before; a group that was not there has zeros, a day the day at its place."""
    wanted = question(date_range=["2025-10-27", "2025-10-28"], dimensions=dimensions)
    found = compared(asker, wanted, {"mode": "previous_period"})
    assert found["meta"]["comparison"]["date_range"] == ["2025-10-25T00:00:00+02:00", "2025-10-26T23:59:59+01:00"]
    site = world.sites["zurich.example"]
    now = answer(wanted, world.events, site)
    before = answer({**wanted, "date_range": ["2025-10-25", "2025-10-26"]}, world.events, site)
    assert len(found["results"]) == len(now)
    for row in found["results"]:
        key = tuple(row["dimensions"])
        if dimensions == ["time:day"]:
            key = ((datetime.fromisoformat(key[0]) - timedelta(days=2)).date().isoformat(),)
        beside = row["comparison"]
        assert tuple(beside["dimensions"]) == key
        assert row["metrics"] == now[tuple(row["dimensions"])]
        assert beside["metrics"] == before.get(key, [0] * len(METRICS))
        for name, this, then, change in zip(METRICS, row["metrics"], beside["metrics"], beside["change"], strict=True):
            if name == "bounce_rate":
                assert change == round(this - then, 2)
            else:
                assert change == (round(100 * (this - then) / then, 2) if then else None if this else 0)


@pytest.mark.req("D4", "D7")
def test_other_ranges_to_compare_with(asker: Asker, world: World) -> None:
    """The year before by date or by weekday, and any range; hours are shifted by the site's clock."""
    days = question(date_range=["2025-10-27", "2025-10-28"])

    def beside(mode: dict[str, Any], wanted: dict[str, Any] = days) -> list[str]:
        return [text[:16] for text in compared(asker, wanted, mode)["meta"]["comparison"]["date_range"]]

    assert beside({"mode": "year_over_year"}) == ["2024-10-27T00:00", "2024-10-28T23:59"]
    assert beside({"mode": "year_over_year", "match_day_of_week": True}) == ["2024-10-28T00:00", "2024-10-29T23:59"]
    assert beside({"mode": "previous_period", "match_day_of_week": True}) == ["2025-10-20T00:00", "2025-10-21T23:59"]
    leap = question(date_range=["2024-02-29", "2024-02-29"])
    assert beside({"mode": "year_over_year"}, leap) == ["2023-02-28T00:00", "2023-02-28T23:59"]
    hours = question(date_range=["2025-10-26T12:00:00+01:00", "2025-10-26T12:59:59+01:00"])
    assert beside({"mode": "previous_period"}, hours) == ["2025-10-25T12:00", "2025-10-25T12:59"]
    custom = {"mode": "custom", "date_range": ["2025-10-25", "2025-10-25"]}
    first = compared(asker, days, custom)["results"][0]["comparison"]["metrics"]
    assert first == answer(question(date_range=custom["date_range"]), world.events, world.sites["zurich.example"])[()]


@pytest.mark.req("D4")
def test_half_a_day_is_compared_with_half_a_day(asker: Asker) -> None:
    """A range that ends today is compared up to the same time of the earlier day; one that has ended, as a whole."""
    found = compared(asker, question(date_range="7d"), {"mode": "previous_period"})["meta"]["comparison"]
    assert found["to_same_time"]
    # In Zurich it is one in the morning of 1 January 2026.
    assert NOW == 1_767_225_600_000
    assert found["date_range"] == ["2025-12-19T00:00:00+01:00", "2025-12-25T00:59:59+01:00"]
    ended = compared(asker, question(), {"mode": "previous_period"})["meta"]["comparison"]
    assert not ended["to_same_time"]


@pytest.mark.req("D11")
@pytest.mark.parametrize(
    ("dimensions", "filters"),
    [
        (["visit:country", "visit:browser"], []),
        (["visit:browser"], [["is", "visit:country", ["a"]]]),
        (["time:hour", "visit:browser"], []),
        (["time:hour"], [["is", "visit:country", ["a"]]]),
        (["visit:country_name", "visit:city"], []),
    ],
    ids=str,
)
def test_two_attributes_of_few_people_are_not_told(
    asker: Asker, world: World, dimensions: list[str], filters: list[Any]
) -> None:
    """Nobody's browser is told beside their country or the hour of their visit: from k people on alone."""
    site = world.sites["zurich.example"]
    wanted = question(dimensions=dimensions, filters=filters, metrics=["visitors"])
    found = asker.statistics.answer(parse(wanted), replace(site, k=5))
    shown = [row for row in found["results"] if "(other)" not in row["dimensions"]]
    assert all(row["metrics"][0] >= 5 or row["metrics"][0] == 0 for row in shown)
    counted = answer(wanted, world.events, site)
    assert any(0 < numbers[0] < 5 for numbers in counted.values()), "there was something to hide"
