"""Segments, annotations, goals and funnels by the API: kept, seen by whom they are for, and used in questions."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple

import httpx
import pytest
import sqlalchemy as sa

from aggregator.visits import VisitTable
from control_store.asking_tables import ANNOTATIONS, SEGMENTS
from control_store.audit import entries
from control_store.goals import add_funnel, add_goal
from control_store.key_sites import open_also
from control_store.segments import MOST_SEGMENTS, Draft, add_segment
from control_store.sites import add_key
from control_store.snapshot import Site, key_digest
from event_catalogue.goals import Funnel, Goal
from tests.console.desk import TODAY, Desk, counting_desk

MINUTE = 60_000
NOON = TODAY * 86_400_000 + 36_000_000
WAY: list[tuple[int, list[tuple[str, str]], dict[str, str]]] = [
    (6, [("pageview", "/"), ("pageview", "/prices"), ("signup", "/prices")], {"country": "DE", "browser": "Firefox"}),
    (7, [("pageview", "/"), ("pageview", "/prices")], {"country": "DE", "browser": "Chrome"}),
    (8, [("pageview", "/"), ("signup", "/")], {"country": "CH", "browser": "Firefox"}),
]
"""How many visitors do what, and what they have."""


class World(NamedTuple):
    """A site with visitors, goals and a funnel, another one, and two keys of the first."""

    desk: Desk
    site: Site
    key: str
    colleague: str

    def call(self, method: str, path: str, *, key: str = "", params: Any = None, **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.key}"}
        client, loop = self.desk.browser._client, self.desk.browser._loop
        content = {"json": {"site_id": "shop.example", **body}} if method in ("POST", "PUT") else {}
        asked = {"site_id": "shop.example", **(params or {})} if method in ("GET", "DELETE") else None
        made = client.request(method, f"/api/v1/{path}", headers=headers, params=asked, **content)  # type: ignore[arg-type]  # JSON
        return loop.run_until_complete(made)

    def visitors(self, *filters: Any, key: str = "", **more: Any) -> float:
        """Of today, under these filters."""
        asked = {"metrics": ["visitors"], "date_range": "day", "filters": list(filters), **more}
        answer = self.call("POST", "query", key=key, **asked)
        assert answer.status_code == 200, answer.text
        return float(answer.json()["results"][0]["metrics"][0])


@pytest.fixture
def world(furnished: World) -> World:
    """The site as it is at first: nothing is kept beside it."""
    with furnished.desk.store.engine.begin() as connection:
        for table in (SEGMENTS, ANNOTATIONS):
            connection.execute(sa.delete(table))
    return furnished


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Twenty-one visitors of today."""
    with counting_desk(tmp_path_factory.mktemp("beside")) as desk:
        site, _other = desk.site("shop.example"), desk.site("other.example")
        rows, who = [], 0
        for many, acts, shared in WAY:
            for _ in range(many):
                who += 1
                rows += [
                    {"visitor": bytes([who]) * 16, "name": name, "path": path, "at": NOON + place * MINUTE, **shared}
                    for place, (name, path) in enumerate(acts)
                ]
        desk.store_rows(site, *rows)
        add_goal(desk.store, site, Goal("Prices", page="/prices"), now=1)
        add_goal(desk.store, site, Goal("Signup", event="signup"), now=1)
        add_goal(desk.store, site, Goal("Plus", event="signup", prop="plan", value="plus"), now=1)
        add_funnel(desk.store, site, Funnel("Way", ("Prices", "Signup", "Plus")), now=1)
        keys = [add_key(desk.store, site, "stats", now=desk.now) for _ in range(2)]
        yield World(desk, site, *keys)


GERMANS = [["is", "visit:country", ["DE"]]]
PRICED = [["or", [["is", "event:page", ["/prices"]], ["is", "event:name", ["signup"]]]]]


@pytest.mark.req("D6", "D7")
def test_a_segment_is_made_read_changed_and_removed(world: World) -> None:
    """By its number, with everything that was put in; what changed it is in the audit log."""
    made = world.call("POST", "segments", name="Germans", filters=GERMANS)
    assert made.status_code == 201
    told = made.json()
    expected = {"id": told["id"], "name": "Germans", "type": "personal", "filters": GERMANS, "created": world.desk.now}
    assert told == expected | {"changed": world.desk.now}
    assert world.call("GET", f"segments/{told['id']}").json() == told
    world.desk.now += 5_000
    changed = world.call("PUT", f"segments/{told['id']}", type="site", name="From Germany")
    assert changed.json() == told | {"name": "From Germany", "type": "site", "changed": world.desk.now}
    assert world.call("GET", "segments").json() == {"segments": [changed.json()]}
    assert world.call("DELETE", f"segments/{told['id']}").status_code == 204
    assert world.call("DELETE", f"segments/{told['id']}").status_code == 404
    assert world.call("GET", "segments").json() == {"segments": []}
    notes = [one.subject for one in entries(world.desk.store, limit=20)[0] if one.action == "settings"]
    assert notes[:3] == ["segment From Germany", "segment From Germany", "segment Germans"]


@pytest.mark.req("D6", "D9")
def test_a_personal_segment_is_its_keys_alone(world: World) -> None:
    """Another key neither sees, uses, changes nor removes it; one of the site is everybody's."""
    mine = world.call("POST", "segments", name="Mine", filters=GERMANS).json()["id"]
    ours = world.call("POST", "segments", name="Ours", filters=PRICED, type="site").json()["id"]
    their = world.colleague
    assert [one["name"] for one in world.call("GET", "segments").json()["segments"]] == ["Mine", "Ours"]
    assert [one["name"] for one in world.call("GET", "segments", key=their).json()["segments"]] == ["Ours"]
    for method in ("GET", "PUT", "DELETE"):
        assert world.call(method, f"segments/{mine}", key=their).status_code == 404
    asked = {"metrics": ["visitors"], "date_range": "day"}
    for name in (mine, "Mine", "none"):
        answer = world.call("POST", "query", key=their, filters=[["is", "segment", [name]]], **asked)
        assert (answer.status_code, answer.json()["field"]) == (400, "filters")
    assert world.visitors(["is", "segment", [ours]], key=their) == 21
    # Two of one name: mine goes before everybody's.
    world.call("POST", "segments", name="Mine", filters=[["is", "visit:country", ["CH"]]], type="site")
    assert (world.visitors(["is", "segment", ["Mine"]]), world.visitors(["is", "segment", ["Mine"]], key=their)) == (
        13,
        8,
    )


@pytest.mark.req("D5", "D6")
def test_a_segment_stands_for_its_filters(world: World) -> None:
    """By name and number, several of them, denied, and beside other filters; the answer repeats what was asked."""
    for name, filters in (("Germans", GERMANS), ("Priced", PRICED), ("Foxes", [["is", "visit:browser", ["Firefox"]]])):
        world.call("POST", "segments", name=name, filters=filters)
    number = world.call("GET", "segments").json()["segments"][1]["id"]
    assert world.visitors(["is", "segment", ["Germans"]]) == 13
    assert world.visitors(["is", "segment", [number]]) == 13
    assert world.visitors(["is", "segment", [str(number)]]) == 13
    assert world.visitors(["is_not", "segment", ["Germans"]]) == 8
    assert world.visitors(["is", "segment", ["Germans", "Foxes"]]) == 21
    assert world.visitors(["is", "segment", ["Germans"]], ["is", "segment", ["Foxes"]]) == 6
    assert world.visitors(["is_not", "segment", ["Germans"]], ["is", "event:name", ["signup"]]) == 8
    assert world.visitors(["or", [["is", "segment", ["Priced"]], ["is", "visit:country", ["FR"]]]]) == 21
    asked = {"metrics": ["visitors"], "date_range": "day", "filters": [["is", "segment", ["Germans"]]]}
    assert world.call("POST", "query", **asked).json()["query"]["filters"] == asked["filters"]
    # One condition is asked for as if it was written out, so that sealed days can answer it too.
    VisitTable(world.desk.warehouse, world.desk.store, nullcontext).tick()
    kept = world.call("POST", "query", **asked, include={"kept": True})
    assert (kept.status_code, kept.json()["results"][0]["metrics"]) == (200, [13])


@pytest.mark.req("D6", "D12")
def test_a_segment_of_the_first_of_several_sites_is_meant(world: World) -> None:
    """It narrows them all."""
    world.desk.store_rows(world.desk.site("blog.example"), {"visitor": b"b" * 16, "country": "DE"})
    open_also(world.desk.store, world.key, [_site(world, "blog.example")])
    world.desk.now += 3_000
    world.call("POST", "segments", name="Germans", filters=GERMANS, type="site")
    both = ["shop.example", "blog.example"]
    assert world.visitors(["is", "segment", ["Germans"]], site_id=both) == 14
    asked = {"metrics": ["visitors"], "date_range": "day", "filters": [["is", "segment", ["Germans"]]]}
    assert world.call("POST", "query", **asked, site_id=both[::-1]).status_code == 400


def _site(world: World, domain: str) -> Site:
    from control_store.sites import find_site

    return find_site(world.desk.store, domain)


@pytest.mark.req("D6", "O4")
@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "filters"),
        ({"name": "a"}, "filters"),
        ({"filters": GERMANS}, "body"),
        ({"name": "", "filters": GERMANS}, "body"),
        ({"name": "12", "filters": GERMANS}, "body"),
        ({"name": "a\u202eb", "filters": GERMANS}, "body"),
        ({"name": "a\x00", "filters": GERMANS}, "body"),
        ({"name": "a" * 65, "filters": GERMANS}, "body"),
        ({"name": 1, "filters": GERMANS}, "name"),
        ({"name": "a", "filters": [["is", "visit:county", ["DE"]]]}, "filters"),
        ({"name": "a", "filters": [["is", "segment", ["a"]]]}, "filters"),
        ({"name": "a", "filters": []}, "filters"),
        ({"name": "a", "filters": GERMANS, "type": "public"}, "type"),
        ({"name": "a", "filters": GERMANS, "owner": "me"}, "'owner'"),
        ({"name": "a", "filters": GERMANS * 101}, "filters"),
        ({"name": "Taken", "filters": GERMANS, "type": "site"}, "body"),
    ],
    ids=str,
)
def test_what_is_no_segment_is_named(world: World, sent: dict[str, Any], field: str) -> None:
    """With the part that is wrong, and nothing is kept."""
    world.call("POST", "segments", name="Taken", filters=GERMANS, type="site")
    answer = world.call("POST", "segments", **sent)
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert len(world.call("GET", "segments").json()["segments"]) == 1


@pytest.mark.req("D6", "O4")
@pytest.mark.parametrize(
    "filters",
    [
        [["contains", "segment", ["a"]]],
        [["is", "segment", ["Big"], {"case_sensitive": False}]],
        [["has_done", ["is", "segment", ["Big"]]]],
        [["is", "segment", ["Big"]], ["is_not", "segment", ["Big"]]],
        [["is", "segment", ["Big"] * 11]],
        [["is", "segment", []]],
    ],
    ids=str,
)
def test_how_segments_can_not_be_asked_for(world: World, filters: list[Any]) -> None:
    """Patterns, parts of has_done, more than a hundred conditions in all."""
    big = [["or", [["is", "visit:country", [f"{n}"]] for n in range(60)]]]
    assert world.call("POST", "segments", name="Big", filters=big).status_code == 201
    answer = world.call("POST", "query", metrics=["visitors"], date_range="day", filters=filters)
    assert (answer.status_code, answer.json()["field"]) == (400, "filters")


@pytest.mark.req("D6", "O4")
def test_a_site_has_no_endless_number_of_segments(world: World) -> None:
    """The next one is refused with the reason."""
    for number in range(MOST_SEGMENTS):
        draft = Draft(f"s{number}", GERMANS, is_personal=False)
        add_segment(world.desk.store, world.site.id, key_digest(world.key), draft, now=1)
    answer = world.call("POST", "segments", name="one more", filters=GERMANS)
    assert (answer.status_code, str(MOST_SEGMENTS) in answer.json()["detail"]) == (400, True)


@pytest.mark.req("D6")
def test_an_annotation_stands_beside_the_days_of_a_series(world: World) -> None:
    """Made, listed by day, changed, removed; in the meta of an answer cut by time whose range it lies in."""
    made = world.call("POST", "annotations", date="2025-11-24", text="Letter <b>sent</b>")
    assert (made.status_code, made.json()["text"]) == (201, "Letter <b>sent</b>")
    early = world.call("POST", "annotations", date="2025-11-02", text="New shop").json()
    listed = world.call("GET", "annotations").json()["annotations"]
    assert [one["text"] for one in listed] == ["New shop", "Letter <b>sent</b>"]
    some = world.call("GET", "annotations", params={"from": "2025-11-03", "to": "2025-11-24"}).json()["annotations"]
    assert some == [made.json()]

    def beside(date_range: Any, dimension: str) -> list[Any]:
        asked = {"metrics": ["visits"], "date_range": date_range, "dimensions": [dimension]}
        return list(world.call("POST", "query", **asked).json()["meta"].get("annotations", []))

    note = {"id": made.json()["id"], "date": "2025-11-24", "text": "Letter <b>sent</b>"}
    assert beside("7d", "time:day") == beside("day", "time:hour") == [note]
    assert [one["text"] for one in beside("30d", "time:week")] == ["New shop", "Letter <b>sent</b>"]
    assert beside("30d", "visit:source") == []
    moved = world.call("PUT", f"annotations/{early['id']}", date="2025-11-23")
    assert moved.json() == early | {"date": "2025-11-23"}
    assert [one["date"] for one in beside("7d", "time:day")] == ["2025-11-23", "2025-11-24"]
    several = world.call("POST", "query", metrics=["visits"], date_range="day", dimensions=["time"], site_id="*")
    assert several.json()["meta"]["annotations"] == [note | {"site_id": "shop.example"}]
    assert world.call("DELETE", f"annotations/{early['id']}").status_code == 204
    assert world.call("GET", f"annotations/{early['id']}").status_code == 404
    assert beside("7d", "time:day") == [note]


@pytest.mark.req("D6", "O4")
@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"text": "a"}, "date"),
        ({"date": "2025-11-24"}, "text"),
        ({"date": "2025-02-30", "text": "a"}, "date"),
        ({"date": "20251124", "text": "a"}, "date"),
        ({"date": "1969-12-31", "text": "a"}, "date"),
        ({"date": "2025-11-24", "text": " "}, "body"),
        ({"date": "2025-11-24", "text": "a\nb"}, "body"),
        ({"date": "2025-11-24", "text": "\u202e"}, "body"),
        ({"date": "2025-11-24", "text": "a" * 301}, "body"),
        ({"date": "2025-11-24", "text": "a", "color": "red"}, "'color'"),
    ],
    ids=str,
)
def test_what_is_no_annotation_is_named(world: World, sent: dict[str, Any], field: str) -> None:
    """With the part that is wrong."""
    answer = world.call("POST", "annotations", **sent)
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text


PATHS = [
    ("GET", "goals"),
    ("GET", "funnels"),
    ("POST", "funnel"),
    *((method, kind) for kind in ("segments", "annotations") for method in ("GET", "POST")),
    *((method, f"{kind}/1") for kind in ("segments", "annotations") for method in ("GET", "PUT", "DELETE")),
]


@pytest.mark.req("D7", "D9", "D11")
@pytest.mark.parametrize(("method", "path"), PATHS, ids=str)
def test_who_may_not_ask_is_refused(world: World, method: str, path: str) -> None:
    """Without a key, with one of another scope, and of a site that the key does not open; nothing has changed then."""
    sent = {"name": "x", "filters": GERMANS} if "segments" in path else {"date": "2025-11-24", "text": "x"}
    sent = {"funnel": "Way"} if path == "funnel" else sent
    world.call("POST", "segments", name="kept", filters=GERMANS, type="site")
    world.call("POST", "annotations", date="2025-11-24", text="kept")
    events = add_key(world.desk.store, world.site, "events", now=world.desk.now)
    world.desk.now += 3_000
    other = {"site_id": "other.example"}
    assert world.call(method, path, key="nonsense").status_code == 401
    assert world.call(method, path, key=events).status_code == 403
    assert (
        world.call(method, path, params=other, **other, **{} if method in ("GET", "DELETE") else sent).status_code
        == 403
    )
    if path.endswith("/1"):
        own = add_key(world.desk.store, _site(world, "other.example"), "stats", now=world.desk.now)
        world.desk.now += 3_000
        assert world.call(method, path, key=own, params=other, **other).status_code == 404
    assert [one["name"] for one in world.call("GET", "segments").json()["segments"]] == ["kept"]
    assert [one["text"] for one in world.call("GET", "annotations").json()["annotations"]] == ["kept"]


@pytest.mark.req("C16", "D3", "D7")
def test_goals_and_funnels_are_listed_as_declared(world: World) -> None:
    """With what reaches each."""
    assert world.call("GET", "goals").json() == {
        "goals": [
            {"name": "Plus", "event": "signup", "property": "plan", "value": "plus"},
            {"name": "Prices", "page": "/prices"},
            {"name": "Signup", "event": "signup"},
        ]
    }
    assert world.call("GET", "funnels").json() == {
        "funnels": [{"name": "Way", "steps": ["Prices", "Signup", "Plus"], "strict": False}]
    }


@pytest.mark.req("D3", "D7")
def test_a_funnels_steps_in_one_answer(world: World) -> None:
    """Of all visits how many come to each step, and which share of the first and of the one before that is."""
    told = world.call("POST", "funnel", funnel="Way", date_range="day").json()
    assert told["visits"] == 21
    assert told["funnel"] == {"name": "Way", "strict": False}
    assert [tuple(step.values()) for step in told["steps"]] == [
        (1, "Prices", 13, 13, 100, 100),
        (2, "Signup", 6, 6, 46.15, 46.15),
        (3, "Plus", 0, 0, 0, 0),
    ]
    world.call("POST", "segments", name="Foxes", filters=[["is", "visit:browser", ["Firefox"]]])
    foxes = world.call("POST", "funnel", funnel="Way", date_range="day", filters=[["is", "segment", ["Foxes"]]]).json()
    assert (foxes["visits"], [step["visits"] for step in foxes["steps"]]) == (14, [6, 6, 0])
    for wrong, field in (
        ({}, "funnel"),
        ({"funnel": "None"}, "funnel"),
        ({"funnel": "Way", "metrics": ["visits"]}, "'metrics'"),
        ({"funnel": "Way", "site_id": "*"}, "site_id"),
        ({"funnel": "Way", "date_range": "7"}, "date_range"),
    ):
        answer = world.call("POST", "funnel", **wrong)
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
