"""A site with a single visitor: whatever is asked, by whom and where, no answer joins two things that are true of them.

One thing by itself is told (live numbers of one attribute are provisional, not merged). An answer is one table of a page
or one answer of the API; where a page or a question holds a filter, the filter's value is the first thing.
"""

import html
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from starlette.routing import Route

from console.pages.view import DIMENSION_TITLES
from control_store.accounts import add_user, start_session
from control_store.goals import add_goal
from control_store.roles import ROLES, Role
from control_store.sites import add_key
from event_catalogue.dimensions import DIMENSION, DIMENSIONS, NONE, OTHER
from event_catalogue.goals import Goal
from tests.console.desk import TODAY, Browser, Desk, counting_desk

pytestmark = pytest.mark.req("D11")

ROW: Final[dict[str, Any]] = {
    "path": "/mark-path",
    "hostname": "mark-host.example",
    "title": "mark-title",
    "referrer": "mark-referrer.example/x",
    "source": "mark-source",
    "source_kind": "social",
    "channel": "mark-channel",
    "utm_source": "mark-utm-source",
    "utm_medium": "mark-utm-medium",
    "utm_campaign": "mark-utm-campaign",
    "country": "LI",
    "region": "mark-region",
    "city": "mark-city",
    "city_id": 3042030,
    "language": "rm",
    "timezone": "Europe/Vaduz",
    "browser": "mark-browser",
    "browser_version": "mark-browser-version",
    "engine": "mark-engine",
    "os": "mark-os",
    "os_version": "mark-os-version",
    "device": "tablet",
    "platform": "mark-platform",
    "screen_class": "mark-screen",
    "prop_keys": ["plan"],
    "prop_values": ["mark-plan"],
}
"""What is true of the one visitor; nothing else in the console has such words."""
MARKS: Final = {
    "path": "/mark-path",
    "hostname": "mark-host.example",
    "title": "mark-title",
    "source": "mark-source",
    "channel": "mark-channel",
    "referrer": "mark-referrer",
    "utm_source": "mark-utm-source",
    "utm_medium": "mark-utm-medium",
    "utm_campaign": "mark-utm-campaign",
    "country": "Liechtenstein",
    "region": "mark-region",
    "city": "mark-city",
    "browser": "mark-browser",
    "browser_version": "mark-browser-version",
    "engine": "mark-engine",
    "os": "mark-os",
    "os_version": "mark-os-version",
    "platform": "mark-platform",
    "screen_class": "mark-screen",
}
"""How a page would show them."""
API: Final = {name: DIMENSION[name].aliases[0] for name in DIMENSION if name in ROW} | {
    "props": "event:props:plan",
    "goal": "event:goal",
    "entry_page": "visit:entry_page",
    "exit_page": "visit:exit_page",
}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A site whose only visitor came today, with somebody in every role and a key; and an empty site beside it."""
    with counting_desk(tmp_path_factory.mktemp("one")) as desk:
        site, _ = desk.site(), desk.site("empty.example")
        add_goal(desk.store, site, Goal("mark-goal", page="/mark-path"), now=desk.now)
        noon = TODAY * 86_400_000 + 36_000_000
        desk.store_rows(site, {"visitor": b"v" * 16, "at": noon, "received": noon, **ROW})
        yield desk


@pytest.fixture(scope="module")
def key(one: Desk) -> str:
    """A key that asks the Stats API."""
    return add_key(one.store, one.site_of("shop.example"), "stats", now=one.now)


@pytest.fixture(
    scope="module",
    params=[pytest.param(role, marks=() if role in ("admin", "viewer") else pytest.mark.long) for role in ROLES],
)
def reader(request: pytest.FixtureRequest, one: Desk) -> Browser:
    """Somebody of each role."""
    role: Role = request.param
    user = add_user(one.store, f"{role}@x.example", role, "correct horse battery", now=one.now)
    browser = one.another()
    token = start_session(one.store, user, now=one.now, lasts_ms=1_000_000)
    browser.cookies.set("footfall_login", token, domain="console.example")
    return browser


def marks_in(text: str) -> set[str]:
    """The attributes whose values stand in a text; of values that begin alike the longest."""
    plain, found = html.unescape(text), set()
    for name, mark in sorted(MARKS.items(), key=lambda item: -len(item[1])):
        if re.search(rf"{re.escape(mark)}(?![\w-])", plain):
            found.add(name)
    return found


def parts_of(page: str) -> list[str]:
    """The tables of a page, and what is left without them: its answers. Links that lead to a filter are no answer."""
    body = re.sub(r"<title>.*?</title>", "", page.partition("<main")[2], flags=re.DOTALL)
    body = re.sub(r'\b(href|value|title|hx-get)="[^"]*"', "", body)
    tables = re.findall(r"<table.*?</table>", body, re.DOTALL)
    return [*tables, re.sub(r"<table.*?</table>", "", body, flags=re.DOTALL)]


def pages(desk: Desk) -> list[str]:
    """Every page of the application that is read, with every dimension that a page knows."""
    found = []
    for route in desk.app.routes:
        if not (isinstance(route, Route) and "GET" in (route.methods or ())) or route.path.startswith("/static"):
            continue
        path = route.path.replace("{site}", "shop.example")
        found += [path.replace("{dimension}", name) for name in DIMENSION_TITLES] if "{dimension}" in path else [path]
    return found


def test_no_page_joins_two_of_them(one: Desk, reader: Browser) -> None:
    """Of any address, for any role: no table, and no text outside of tables, holds two."""
    told = set()
    for path in pages(one):
        answer = reader.get(path, params={"range": "today"})
        for part in parts_of(answer.text):
            marks = marks_in(part)
            assert len(marks) <= 1, (path, marks)
            told |= marks
    assert told >= {"path", "browser", "country", "source"}, "one by itself is told, or this test sees nothing"


def test_a_filtered_page_tells_nothing_beside_the_filter(one: Desk, reader: Browser) -> None:
    """The filter's own value is on it, and no other; with two filters not even whether there is such a visitor."""
    told = ("install", "goals")  # they heed no filter; what a site declares as a goal is nothing of a visitor's
    sites = [path for path in pages(one) if path.startswith("/sites/shop.example") and not path.endswith(told)]
    for name in ("browser", "country", "path"):
        value = ROW[name]
        for path in sites:
            for operator in ("is", "contains"):
                page = reader.get(path, params={"range": "today", "f": f"{operator},{name},{value}"}).text
                assert marks_in("".join(parts_of(page))) <= {name}, (path, name)
    query = {"range": "today", "f": [f"is,{name},{ROW[name]}" for name in ("browser", "country")]}
    page = reader.get("/sites/shop.example", params=query).text
    tiles = re.findall(r'class="tile-value"[^>]*>([^<]+)<', page)
    assert len(tiles) == 7
    assert {tile.strip() for tile in tiles} <= {"0", "0%", "0s", "0.0"}
    compared = reader.get("/sites/shop.example", params={**query, "compare": "previous"}).text
    assert {tile.strip() for tile in re.findall(r'class="tile-value"[^>]*>([^<]+)<', compared)} <= {
        "0",
        "0%",
        "0s",
        "0.0",
    }


def asked(one: Desk, key: str, dimensions: list[str], filters: list[Any], *, csv: bool = False, **more: Any) -> Any:
    """The rows that an API answers."""
    question = {"site_id": "shop.example", "metrics": ["visitors", "events"], "date_range": "day"}
    headers = {"authorization": f"Bearer {key}"} | ({"accept": "text/csv"} if csv else {})
    question |= {"dimensions": dimensions, "filters": filters, **more}
    answer = one.browser.post("/api/v2/query", json=question, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text if csv else answer.json()["results"]


def value_of(one: Desk, key: str, dimension: str) -> str:
    """The one value of a dimension, which is told by itself."""
    [row] = [row for row in asked(one, key, [dimension], []) if row["dimensions"] != [NONE]]
    assert row["metrics"][0] == 1
    value: str = row["dimensions"][0]
    assert value != OTHER
    return value


@pytest.mark.parametrize("first", sorted(API))
def test_no_answer_of_the_api_joins_two_of_them(one: Desk, key: str, first: str) -> None:
    """Neither by two dimensions, nor by a filter and a dimension, in any form of filter."""
    one.now += 60_000  # the key's rate is not what is tested
    place = sorted(API).index(first)
    for second in sorted(API)[place + 1 :: 7]:
        names = [API[first], API[second]]
        assert asked(one, key, names, []) == []
        values = [value_of(one, key, name) for name in names]
        for (name, value), beside in zip(zip(names, values, strict=True), reversed(names), strict=True):
            for condition in (["is", name, [value]], ["not", ["is_not", name, [value]]]):
                assert asked(one, key, [beside], [condition]) == []
        both = [["is", name, [value]] for name, value in zip(names, values, strict=True)]
        for filters in (both, [["and", both]], [["not", ["or", [["not", leaf] for leaf in both]]]]):
            assert [row["metrics"] for row in asked(one, key, [], filters)] == [[0, 0]]


@pytest.mark.parametrize("name", ["browser", "country", "path", "source"])
def test_nor_by_comparisons_times_tables_several_sites_or_what_was_done(one: Desk, key: str, name: str) -> None:
    """Every other form of a question: with the hour, a range with times, the day before, as CSV, with another site."""
    condition = ["is", API[name], [value_of(one, key, API[name])]]
    beside = API["city"] if name != "city" else API["os"]
    compared = {"include": {"comparisons": {"mode": "previous_period"}, "total_rows": True, "time_labels": False}}
    assert asked(one, key, [beside], [condition], **compared) == []
    assert asked(one, key, ["time:hour"], [condition]) == []
    assert asked(one, key, [beside, "time:hour"], []) == []
    day = "2025-11-24"
    span = {"date_range": [f"{day}T00:00:00+00:00", f"{day}T11:59:00+00:00"]}
    assert [row["metrics"] for row in asked(one, key, [], [condition], **span)] == [[0, 0]]
    table = asked(one, key, [beside], [condition], csv=True)
    assert marks_in(table) == set()
    assert asked(one, key, [beside], [condition], site_id=["shop.example"]) == []
    assert asked(one, key, [beside], [condition], site_id="*") == []
    done = ["has_done", ["is", "event:page", ["/mark-path"]]]
    assert asked(one, key, [API["city"]], [done]) == []
    kept = asked(one, key, [beside], [], include={"kept": True})
    assert not marks_in(str(kept)), "as it will be kept one by itself is merged, too"


def test_every_dimension_is_asked() -> None:
    """Those of the row are all that a page shows; of those that only some events have, the path stands for all."""
    assert set(ROW) - {"prop_keys", "prop_values"} <= {one.name for one in DIMENSIONS}
    assert MARKS.keys() >= {name for name in DIMENSION_TITLES if name in ROW} - {
        "source_kind",
        "device",
        "language",
        "timezone",
    }
