"""The other ways in: pixel, opened mail, server-side calls, imports and previews, with the same privacy as a beacon."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from event_catalogue.event import decode_parcel
from spool.kinds import Kind
from spool.reader import SpoolReader
from tests.collector.test_steps import MARKED
from tests.collector.world import AGENT, NOW, World, beacon, body, named, world

TODAY: Final = NOW // 86_400_000
DAY_MS: Final = 86_400_000
PAGE: Final = "https://shop.example/kestrel?utm_campaign=condor"


class Door:
    """A running collector, asked one request after the other on one loop."""

    def __init__(self, made: World) -> None:
        self.made = made
        self.loop = asyncio.new_event_loop()

    def ask(self, method: str, path: str, peer: str = "203.0.113.77", **options: Any) -> httpx.Response:
        """One request."""

        async def one() -> httpx.Response:
            async with self.made.client(peer) as client:
                return await client.request(method, path, **options)

        return self.loop.run_until_complete(one())

    def call(self, objects: list[Any], key: str = "", *, preview: bool = False) -> httpx.Response:
        """A server-side call with this key."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        path = "/api/v1/events" + ("?preview=true" if preview else "")
        return self.ask("POST", path, content=body(objects), headers=headers)

    def preview(self, content: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
        """The entries of a preview without a key."""
        answer = self.ask("POST", "/api/v1/events?preview=true", content=body(content), **options)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["events"])

    def rows(self) -> list[dict[str, Any]]:
        """Every row that lies in the spool now."""
        reader = SpoolReader(self.made.root / "spool" / "w0")
        records = reader.read(0, max_events=10**6, max_bytes=10**9)
        reader.close()
        parcels = [decode_parcel(record.body) for record in records if record.kind == Kind.EVENTS]
        return [named(row) for parcel in parcels for row in parcel.rows]

    def refresh(self) -> None:
        """Let the application read the snapshot: what its own tick does twice a second."""
        assert self.made.app.intake.registry.refresh()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A collector of its own."""
    with world(tmp_path) as made:
        one = Door(made)
        yield one
        one.loop.close()


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One collector for all tests in which nothing is to be stored."""
    with world(tmp_path_factory.mktemp("idle")) as made:
        one = Door(made)
        yield one
        one.loop.close()


def keyed(door: Door, scope: str) -> str:
    """A new key that the collector knows."""
    key = door.made.key(scope)  # type: ignore[arg-type]  # the words of SCOPES
    door.refresh()
    return key


def objects(door: Door, count: int = 2, **fields: Any) -> list[dict[str, Any]]:
    """So many objects of a call, each with an id of its own."""
    return [
        {**beacon(door.made.site.key), "id": f"{n:032x}", "ip": f"198.51.100.{n}", "user_agent": AGENT, **fields}
        for n in range(count)
    ]


@pytest.mark.req("C19")
def test_the_pixel_is_a_page_view_without_a_script(door: Door) -> None:
    """An image that is never cached; URL, referrer and title from the query, or the page from the Referer."""
    key = door.made.site.key
    query = {"site": key, "url": PAGE, "referrer": "https://heron.example/x", "title": "Platypus"}
    first = door.ask("GET", "/e.gif", params=query, headers={"accept-language": "de-CH"})
    second = door.ask("GET", "/e.gif", params={"site": str(door.made.site.id)}, headers={"referer": PAGE})
    third = door.ask("GET", "/e.gif", params={"site": key})
    for answer in (first, second, third):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(b"GIF89a")
        assert int(answer.headers["content-length"]) == len(answer.content)
    rows = door.rows()
    assert [row["path"] for row in rows] == ["/kestrel", "/kestrel", "/"]
    assert {row["name"] for row in rows} == {"pageview"}
    assert (rows[0]["title"], rows[0]["source"], rows[0]["language"]) == ("Platypus", "heron.example", "de-CH")
    assert (rows[0]["utm_campaign"], rows[0]["browser"]) == ("condor", "Firefox")
    assert len({row["visitor"] for row in rows}) == 1
    assert len({row["beacon"] for row in rows}) == 3


@pytest.mark.req("C19", "P3")
def test_the_pixel_obeys_the_signal_and_shows_the_same_image(door: Door) -> None:
    """Nobody can tell from the image whether they were counted; a look at its size is nobody's view."""
    query = {"site": door.made.site.key, "url": PAGE}
    shown = door.ask("GET", "/e.gif", params=query)
    signalled = door.ask("GET", "/e.gif", params=query, headers={"sec-gpc": "1"})
    assert (signalled.status_code, signalled.content, signalled.headers) == (200, shown.content, shown.headers)
    head = door.ask("HEAD", "/e.gif", params=query)
    assert (head.status_code, head.content) == (200, b"")
    spooled = door.made.spooled()
    assert len(spooled.parcels) == 1
    assert spooled.counts == {(1, TODAY, "not_recorded", "gpc"): 1}


@pytest.mark.req("C19")
def test_an_opened_mail_keeps_its_campaign_alone(door: Door) -> None:
    """No visitor, place, agent or page, and never the page of the web mailer from its Referer."""
    query = {"site": door.made.site.key, "event": "open", "url": PAGE, "title": "Platypus"}
    headers = {"referer": "https://mail.example/inbox/77", "accept-language": "de-CH"}
    assert door.ask("GET", "/e.gif", params=query, headers=headers).status_code == 200
    bare = {name: query[name] for name in ("site", "event")}
    assert door.ask("GET", "/e.gif", params=bare, headers=headers).status_code == 200
    for row in door.rows():
        assert (row["name"], row["visitor"], row["beacon"] != bytes(16)) == ("open", bytes(16), True)
        told = (row["browser"], row["country"], row["language"], row["path"], row["title"], row["referrer"])
        assert told == ("",) * 6
    assert door.rows()[0]["utm_campaign"] == "condor"
    assert b"mail.example" not in door.made.spooled().raw


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 403),
        ({"site": "nobody"}, 403),
        ({"site": "9" * 5000}, 403),
        ({"site": "1", "url": "https://evil.example/"}, 403),
        ({"site": "1", "url": "about:blank"}, 422),
        ({"site": "1", "url": "https://shop.example/" + "x" * 4096}, 422),
        ({"site": "1", "title": "x" * 4097}, 422),
        ({"site": "1", "referrer": "x" * 4097}, 422),
        ({"site": "1", "url": "\udcff\0%ff%00"}, 422),
    ],
)
def test_a_pixel_that_is_wrong_says_what(idle: Door, query: dict[str, str], status: int) -> None:
    """In the form of every problem; and nothing is stored."""
    text = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogateescape'))}" for name, value in query.items())
    answer = idle.ask("GET", f"/e.gif?{text}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert idle.rows() == []


@pytest.mark.req("O4")
def test_pixels_of_one_network_are_limited_as_its_beacons(tmp_path: Path) -> None:
    """429 with Retry-After, from the same bucket, before anybody looks whose site it is."""
    with world(tmp_path, network_rate=1.0) as made:
        door = Door(made)
        query = {"site": made.site.key, "url": PAGE}
        statuses = [door.ask("GET", "/e.gif", params=query).status_code for _ in range(3)]
        limited = door.ask("POST", "/e", content=body(beacon(made.site.key)))
        others = door.ask("GET", "/e.gif", peer="198.51.100.9", params=query)
        door.loop.close()
    assert statuses == [200, 200, 429]
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "1")
    assert others.status_code == 200


@pytest.mark.req("C19", "C13")
def test_a_server_sends_for_its_visitors(door: Door) -> None:
    """Address and agent of the visitor make place and visitor and are dropped; the server's own make nothing."""
    key = keyed(door, "events")
    call = {"name": "call", "at": NOW, "props": {"dialled": "+41445550188", "caller_area": "+4233"}}
    answer = door.call([*objects(door, 2), *objects(door, 1, id="f" * 32, events=[call], site="1")], key)
    assert (answer.status_code, answer.json()) == (202, {"stored": 3, "not_recorded": 0})
    rows = door.rows()
    assert [row["name"] for row in rows] == ["pageview", "pageview", "call"]
    assert len({row["visitor"] for row in rows[:2]}) == 2
    assert rows[2]["visitor"] == rows[0]["visitor"]
    assert {(row["browser"], row["import_id"]) for row in rows} == {("Firefox", 0)}
    raw = door.made.spooled().raw
    assert b"198.51.100" not in raw
    assert bytes([198, 51, 100, 1]) not in raw
    assert AGENT.encode() not in raw


@pytest.mark.req("C19", "P3")
def test_a_visitors_signals_hold_for_who_speaks_for_them(door: Door) -> None:
    """The objects say gpc, optout and consent; nothing stored is 200 with the count."""
    key = keyed(door, "events")
    answer = door.call(objects(door, 2, gpc=True) + objects(door, 1, optout=True), key)
    assert (answer.status_code, answer.json()) == (200, {"stored": 0, "not_recorded": 3})
    assert door.rows() == []


@pytest.mark.req("D7", "C23")
@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 401), ("Bearer nonsense", 401), ("Basic abc", 401), ("Bearer ", 401), ("stats", 403)],
)
def test_a_call_needs_a_key_that_opens_events(door: Door, header: str | None, status: int) -> None:
    """Missing or wrong: 401; of another scope: 403. Counted, and nothing stored."""
    headers = {"authorization": f"Bearer {keyed(door, 'stats')}" if header == "stats" else header} if header else {}
    answer = door.ask("POST", "/api/v1/events", content=body(objects(door)), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert door.made.spooled().counts == {(0, TODAY, "rejected", "key"): 1}


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        (lambda call: call[1].update(v=2), 422, "[1].v"),
        (lambda call: call[1].update(ip="300.1.1.1"), 422, "[1].ip"),
        (lambda call: call[1].update(events=[{"name": "search", "at": NOW}]), 422, "[1].events[0].props.term"),
        (lambda call: call[1].update(url="https://evil.example/"), 403, "[1].url"),
        (lambda call: call[1].update(url="nothing"), 422, "[1].url"),
        (lambda call: call[1].update(site="nobody"), 403, "site"),
        (lambda call: call.extend(call[:1] * 999), 422, "$"),
        (lambda call: call.clear(), 422, "$"),
    ],
)
@pytest.mark.req("C19", "C20")
def test_a_call_is_atomic_and_names_the_place_of_the_fault(idle: Door, change: Any, status: int, field: str) -> None:
    """By object, event and property; with a preview in the same words."""
    key = keyed(idle, "events")
    call = objects(idle, 2)
    change(call)
    for preview in (True, False):
        answer = idle.call(call, key, preview=preview)
        assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert idle.rows() == []


@pytest.mark.req("O4")
def test_a_call_has_a_megabyte_at_most_and_its_key_a_rate(tmp_path: Path) -> None:
    """413 beyond the limit. A key that sends too much waits; the site's visitors do not."""
    with world(tmp_path, site_rate=2.0) as made:
        door = Door(made)
        key = keyed(door, "events")
        headers = {"authorization": f"Bearer {key}"}
        large = door.ask("POST", "/api/v1/events", content=b" " * (1024 * 1024 + 1), headers=headers)
        statuses = [door.call(objects(door, 4), key).status_code for _ in range(2)]
        waiting = door.call(objects(door, 4), key)
        visitor = door.ask("POST", "/e", content=body(beacon(made.site.key)))
        door.loop.close()
    assert (large.status_code, statuses) == (413, [202, 429])
    assert waiting.headers["retry-after"] == "2"
    assert visitor.status_code == 202


@pytest.mark.req("O8", "C19")
def test_an_import_keeps_its_times_and_is_one_session(door: Door) -> None:
    """A key of the scope `import`: the event's own time, however old; one number for all requests, another after a
    minute; its visitors are not the live ones."""
    key = keyed(door, "import")
    old = NOW - 400 * DAY_MS
    event = {"name": "pageview", "at": old, "props": {}}
    for _ in range(2):
        assert door.call(objects(door, 1, events=[event], sent=old + 9), key).status_code == 202
        door.made.clock.now += 30_000
    door.made.clock.now += 60_000
    assert door.call(objects(door, 1, events=[event]), key).status_code == 202
    rows = door.rows()
    assert {(row["at"], row["day"]) for row in rows} == {(old, old // DAY_MS)}
    assert [row["import_id"] == rows[0]["import_id"] for row in rows] == [True, True, False]
    assert [row["visitor"] == rows[0]["visitor"] for row in rows] == [True, True, False]


@pytest.mark.req("P16", "P7")
def test_a_preview_shows_each_event_in_the_order_sent_and_stores_nothing(door: Door) -> None:
    """What would be kept, field by field, or why not; for the caller's own connection, without a key."""
    plain = door.preview(MARKED | {"site": door.made.site.key})
    names = [event["name"] for event in MARKED["events"]]
    stored = [entry["stored"] for entry in plain]
    assert stored == [name not in ("hover", "form_abandon", "copy", "ad_impression") for name in names]
    assert [entry["reason"] for entry in plain if not entry["stored"]] == ["consent", "consent", "consent", "ads"]
    first = plain[0]
    assert (first["tier"], first["fields"]["path"], first["fields"]["title"]) == ("cookieless", "/kestrel", "Platypus")
    assert [entry["fields"]["name"] for entry in plain if entry["stored"]] == [
        n for n, s in zip(names, stored, strict=True) if s
    ]
    agreed = door.preview(MARKED | {"site": door.made.site.key, "consent": {"statistics": True, "ads": True}})
    assert {entry["stored"] for entry in agreed} == {True}
    assert {entry["tier"] for entry in agreed} == {"consented"}
    assert agreed[0]["fields"]["screen"] == "1441x907"
    spooled = door.made.spooled()
    assert (spooled.parcels, spooled.counts) == ([], {})


@pytest.mark.req("P16", "P3")
@pytest.mark.parametrize(
    ("change", "headers", "reason"),
    [
        ({"gpc": True}, {}, "gpc"),
        ({}, {"sec-gpc": "1"}, "gpc"),
        ({}, {"dnt": "1"}, "dnt"),
        ({"optout": True}, {}, "objection"),
        ({"url": "https://localhost/"}, {}, "localhost"),
        ({"events": [{"name": "pageview", "at": 0}] * 2}, {}, "too_old"),
    ],
)
def test_a_preview_says_why_an_event_would_not_be_stored(
    idle: Door, change: dict[str, Any], headers: dict[str, str], reason: str
) -> None:
    """One entry for each event, also where the whole beacon is left out."""
    content = beacon(idle.made.site.key, {"name": "pageview"}, {"name": "print"}) | change
    assert idle.preview(content, headers=headers) == [{"stored": False, "reason": reason}] * 2


@pytest.mark.req("P16")
def test_a_preview_does_not_tell_the_hash_that_would_be_stored(door: Door) -> None:
    """Nor the same twice: nobody can find a visitor by asking for everybody's preview."""
    content = beacon(door.made.site.key)
    door.ask("POST", "/e", content=body(content))
    hashes = {entry["fields"]["visitor"] for _ in range(2) for entry in door.preview(content)}
    assert len(hashes) == 2
    assert door.rows()[0]["visitor"].hex() not in hashes


def test_a_preview_of_a_list_needs_a_key_unless_it_is_of_one(door: Door) -> None:
    """One beacon alone or in a list; another address or agent than the caller's own is not looked at."""
    foreign = beacon(door.made.site.key) | {"user_agent": "Mozilla/5.0 Chrome/142.0", "ip": "198.51.100.1"}
    (entry,) = door.preview([foreign])  # type: ignore[arg-type]  # a list of one
    assert entry["fields"]["browser"] == "Firefox"
    two = door.ask("POST", "/api/v1/events?preview=true", content=body([foreign, foreign]))
    assert two.status_code == 422
    key = keyed(door, "events")
    answer = door.call(objects(door, 2), key, preview=True)
    assert [entry["stored"] for entry in answer.json()["events"]] == [True, True]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"rubbish", 400), (b"[]", 422), (body({"v": 2}), 422), (body(beacon("nobody")), 403), (b" " * 65_537, 413)],
)
def test_a_preview_of_what_would_be_refused_is_the_refusal(idle: Door, content: bytes, status: int) -> None:
    """With the same status."""
    answer = idle.ask("POST", "/api/v1/events?preview=1", content=content)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.req("O4")
def test_previews_of_one_network_are_limited(tmp_path: Path) -> None:
    """429 with Retry-After; they take from the network's own bucket."""
    with world(tmp_path, network_rate=1.0) as made:
        door = Door(made)
        content = body(beacon(made.site.key))
        answers = [door.ask("POST", "/api/v1/events?preview=true", content=content) for _ in range(3)]
        door.loop.close()
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"


def test_a_preview_with_an_import_key_opens_no_session(door: Door) -> None:
    """Asking leaves no trace among the salts."""
    key = keyed(door, "import")
    before = (door.made.root / "salts").read_bytes()
    assert door.call(objects(door), key, preview=True).status_code == 200
    assert (door.made.root / "salts").read_bytes() == before


@pytest.mark.req("O5")
def test_alive_and_ready_are_two_questions(tmp_path: Path) -> None:
    """Alive as soon as it answers; ready when it knows its sites and can write its spool, else what is missing."""
    with world(tmp_path) as made:
        door = Door(made)
        assert [door.ask("GET", path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        assert json.loads(door.ask("GET", "/readyz").content) == {"status": "ready"}
        door.loop.close()


def test_a_collector_without_a_snapshot_is_alive_and_not_ready(tmp_path: Path) -> None:
    """It says what to start."""
    with world(tmp_path) as made:
        made.snapshot.unlink()
        door = Door(made)
        made.app.intake.registry._stamp = None  # as it is before the first snapshot
        answer = door.ask("GET", "/readyz")
        assert door.ask("GET", "/healthz").status_code == 200
        door.loop.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "footfall core" in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 404), ("GET", "/e/", 404), ("PUT", "/e.gif", 405)])
def test_what_is_not_served_is_a_problem_too(idle: Door, method: str, path: str, status: int) -> None:
    """In the form of every other."""
    answer = idle.ask(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert ("allow" in answer.headers) is (status == 405)
