"""Goals and their conversion rates, against a count by hand."""

from typing import Any

import pytest

from console.stats.query import BadQuery
from tests.console.stats.conftest import Asker
from tests.console.stats.counting import FUNNELS, GOALS, answer, reached
from tests.console.stats.test_run import ALL, RANGES, question
from tests.console.stats.world import DECLARED, World

BY_GOAL = {"dimensions": ["event:goal"]}
GROUPINGS = [["event:goal"], ["event:goal", "visit:source"], ["time:day", "event:goal"], ["event:page", "event:goal"]]
FILTERS: list[list[Any]] = [
    [["is", "event:goal", ["Prices"]]],
    [["is", "event:goal", ["signed UP", "Blog"], {"case_sensitive": False}]],
    [["is_not", "event:goal", ["Blog"]]],
    [["contains", "event:goal", ["lan"]]],
    [["matches_not", "event:goal", ["^Blog"]]],
    [["has_done", ["is", "event:goal", ["it's {x:String}"]]]],
    [["has_not_done", ["is", "event:goal", ["Signed up"]]], ["is", "event:page", ["/"]]],
    [["or", [["is", "event:goal", ["Half read"]], ["is", "visit:source", ["Google"]]]]],
]


def test_goals_are_declared_as_they_are_meant(world: World) -> None:
    """Every goal but one is reached in the world, some events reach several, and none is everything."""
    found = [reached(one) for one in world.events]
    assert {name for names in found for name in names} == GOALS.keys() - {"Never"}
    assert max(map(len, found)) > 2
    assert {goal.name for goal in DECLARED.goals} == GOALS.keys()


@pytest.mark.req("C16", "D3")
@pytest.mark.parametrize("dimensions", GROUPINGS, ids=str)
@pytest.mark.parametrize("metrics", [ALL, ["events", "visitors"]], ids=["visits", "rows"])
def test_an_event_counts_under_every_goal_that_it_reaches(
    asker: Asker, dimensions: list[str], metrics: list[str]
) -> None:
    """By name, property, page and depth, alone and beside other dimensions."""
    for site in RANGES:
        assert asker.check(question(site, dimensions=dimensions, metrics=metrics))


@pytest.mark.req("C16", "D3", "D5")
@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("dimensions", [[], ["visit:source"], ["event:goal"], ["time:day"]], ids=str)
def test_filters_by_goal(asker: Asker, filters: list[Any], dimensions: list[str]) -> None:
    """Every operator, nested and of another event of the visit."""
    asker.check(question(dimensions=dimensions, filters=filters))
    asker.check(question(dimensions=dimensions, filters=filters, metrics=["events", "visitors"]))


@pytest.mark.req("D3")
@pytest.mark.parametrize("funnel", FUNNELS)
@pytest.mark.parametrize("filters", [[], [["is", "visit:source", ["Google"]]], [["is", "event:page", ["/"]]]], ids=str)
def test_how_far_visits_come(asker: Asker, funnel: str, filters: list[Any]) -> None:
    """Loose and strict, a goal that comes twice, a step that nobody reaches; by day and by source too."""
    name = f"visit:funnel:{funnel}"
    for site in RANGES:
        found = asker.check(question(site, dimensions=[name], filters=filters))
        numbers = [found[key][ALL.index("visits")] for key in sorted(found)]
        assert numbers == sorted(numbers, reverse=True), "each step is part of the one before"
        assert not any(key[0].endswith("Never") for key in found)
    asker.check(question(dimensions=["time:day", name], filters=filters))
    asker.check(question(dimensions=[name, "visit:source"], metrics=["visitors"], filters=filters))


def rates(asker: Asker, world: World, *, group: bool, **more: Any) -> dict[tuple[str, ...], float]:
    """Conversion rates by hand: one question divided by the other."""
    asked = question(metrics=["visitors"], **more)
    site = world.sites["zurich.example"]
    shared = [
        place
        for place, name in enumerate(asked.get("dimensions", []))
        if name != "event:goal" and (group or name.startswith("time"))
    ]
    without = {
        "dimensions": [asked["dimensions"][place] for place in shared],
        "filters": [part for part in asked.get("filters", []) if part[1] != "event:goal"],
    }
    of = answer(asked | without, world.events, site)
    return {
        key: round(100 * found[0] / of[tuple(key[place] for place in shared)][0], 2) if found[0] else 0
        for key, found in answer(asked, world.events, site).items()
    }


@pytest.mark.req("D1", "D3")
@pytest.mark.parametrize(
    "more",
    [
        BY_GOAL,
        {"dimensions": ["time:day", "event:goal"]},
        {"dimensions": ["visit:source"], "filters": [["is", "event:goal", ["Prices"]]]},
        {"dimensions": [], "filters": [["is", "event:goal", ["Prices"]], ["is", "visit:source", ["Google"]]]},
    ],
    ids=str,
)
def test_conversion_rates(asker: Asker, world: World, more: dict[str, Any]) -> None:
    """Of all visitors, by time where it is cut so, and of the group."""
    both = asker.ask(question(metrics=["events", "conversion_rate", "group_conversion_rate"], **more))
    assert list(both["meta"]["quality"]) == ["events", "conversion_rate", "group_conversion_rate"]
    assert both["query"]["metrics"] == ["events", "conversion_rate", "group_conversion_rate"]
    assert both["results"]
    for place, group in ((1, False), (2, True)):
        expected = rates(asker, world, group=group, **more)
        assert {tuple(row["dimensions"]): row["metrics"][place] for row in both["results"]} == expected


@pytest.mark.req("D7")
def test_rates_sort_and_page(asker: Asker) -> None:
    """Sorted by the rate, pages join up."""
    base = question(metrics=["group_conversion_rate"], dimensions=["visit:source", "event:goal"])
    base["order_by"] = [["group_conversion_rate", "desc"], ["event:goal", "asc"]]
    whole = asker.ask(base)["results"]
    numbers = [row["metrics"][0] for row in whole]
    assert numbers == sorted(numbers, reverse=True)
    pages = [
        row
        for offset in range(0, len(whole), 4)
        for row in asker.ask(base | {"pagination": {"limit": 4, "offset": offset}})["results"]
    ]
    assert pages == whole
    assert len(whole) > 8


@pytest.mark.req("D7")
def test_what_is_no_goal_is_refused(asker: Asker) -> None:
    """A goal that does not exist, and a rate of nothing."""
    with pytest.raises(BadQuery, match="nearest is 'Prices'"):
        asker.ask(question(filters=[["is", "event:goal", ["Price"]]]))
    with pytest.raises(BadQuery, match="event:goal"):
        asker.ask(question(metrics=["conversion_rate"], dimensions=["visit:source"]))
    with pytest.raises(BadQuery, match="nearest is 'Twice'"):
        asker.ask(question(dimensions=["visit:funnel:Thrice"]))
    with pytest.raises(BadQuery, match="filter by the goal"):
        asker.ask(question(filters=[["is", "visit:funnel:Twice", ["1. Signed up"]]]))
    with pytest.raises(BadQuery, match="beside it go only"):
        asker.ask(question(dimensions=["visit:funnel:Twice", "event:page"]))
    mixed = ["or", [["is", "event:goal", ["Prices"]], ["is", "visit:source", ["Google"]]]]
    with pytest.raises(BadQuery, match="joined"):
        asker.ask(question(metrics=["conversion_rate"], filters=[mixed]))
