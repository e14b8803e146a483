"""What somebody asked to be erased is in no answer from that moment on, long before the rewrite; a hold keeps its rows."""

import re
from contextlib import nullcontext
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.stats.parse import parse
from console.stats.query import SiteRef
from console.stats.run import Statistics
from control_store.accounts import add_user, find_user
from control_store.erasures import ask_erasure, open_erasures
from control_store.holds import Scope, ask_hold, confirm_hold, end_hold
from control_store.marks import visit_marks
from control_store.seals import seals_of
from event_catalogue.days import day_text
from event_catalogue.fields import POSITION
from footfall.environment import read_environment
from footfall.purging import Purging
from footfall.sealing import Sealing
from spool.crash import crash_points
from spool.cuts import CutPlan, DeadLetter
from spool.journal import Journal
from spool.quarantine import Quarantine
from tests.aggregator.test_rollups import as_events
from tests.console.stats.counting import answer
from tests.retention.place import DAY, DAY_MS, Place, invented
from tests.retention.test_erase import Devices
from tests.retention.test_erase import devices as devices
from warehouse.erasing import Erasing

SITE = SiteRef(1, "first.example", "Europe/Zurich")
VISITOR, RETURNING = POSITION["visitor"], POSITION["returning"]
VISITS = ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration"]
QUESTIONS: list[dict[str, Any]] = [
    {"metrics": VISITS},
    {"metrics": VISITS, "dimensions": ["visit:source"]},
    {"metrics": VISITS, "dimensions": ["event:page"]},
    {"metrics": ["visitors", "pageviews"], "dimensions": ["event:page"]},
    {"metrics": ["visitors", "visits"], "dimensions": ["visit:country", "time:day"]},
    {"metrics": ["pageviews", "events"], "dimensions": ["event:name"]},
]


def _given(place: Place, question: dict[str, Any]) -> dict[tuple[str, ...], list[float]]:
    """What the console answers."""
    marks = lambda *_: visit_marks(place.store).values()  # noqa: E731
    seals = lambda *site_days: seals_of(place.store, *site_days)  # noqa: E731
    statistics = Statistics(place.warehouse, place.clock, seals, marks)
    rows = statistics.answer(parse({"site_id": "x", **question, "pagination": {"limit": 10_000}}), SITE)["results"]
    return {tuple(row["dimensions"]): row["metrics"] for row in rows}


def _sent(devices: Devices) -> list[list[Any]]:
    """All rows of the site that answers are about: those of `fill`, and those with devices."""
    plain = [row for day in (DAY, DAY + 1, DAY + 2) for row in invented(1, day, 1)]
    return [*plain, *(row for row in devices.sent if row[0] == 1)]


@pytest.mark.req("P4", "R6")
def test_no_answer_knows_who_asked_to_be_erased(devices: Devices) -> None:
    """Equal to a count by hand without them: while they are hidden, when rows come for them, when they have gone."""
    place = devices.place
    span = {"date_range": [day_text(DAY), day_text(DAY + 2)]}
    device = devices.devices[1]
    visitor = next(
        row[VISITOR] for row in devices.sent if row[:2] == [1, DAY + 1] and row[RETURNING] not in (device, bytes(16))
    )

    def check(rows: list[list[Any]]) -> None:
        events = as_events(rows)
        for question in QUESTIONS:
            assert _given(place, span | question) == answer(span | question, events, SITE), question

    rows = _sent(devices)
    check(rows)
    ask_erasure(place.store, "returning", 1, device, now=place.now)
    ask_erasure(place.store, "visitor", 1, visitor, day=DAY + 1, now=place.now)
    assert devices.eraser.hide() == 2
    assert devices.eraser.hide() == 0
    rest = [row for row in rows if row[RETURNING] != device and row[VISITOR] != visitor]
    assert len(rows) - len(rest) > 5
    check(rest)
    late = [list(row) for row in rows if row[RETURNING] == device][:3]
    for number, row in enumerate(late):
        row[POSITION["beacon"]] = bytes([number]) * 16
    place.insert([row for row in late if row[1] == late[0][1]], 9_000)
    check(rest)
    place.visits.tick()
    check(rest)
    assert devices.eraser.run() > 0
    check(rest)
    assert devices.close() == 2
    assert Erasing(place.warehouse).said() == {}
    check(rest)


@pytest.mark.req("P4", "R6")
def test_what_will_be_kept_leaves_out_who_asked_to_be_erased(devices: Devices) -> None:
    """As it will be kept is, while they are hidden, what it is when they have gone: totals, and each dimension."""
    place = devices.place
    span = {"date_range": [day_text(DAY), day_text(DAY + 2)], "include": {"kept": True}}
    measures = ["visitors", "visits", "pageviews"]
    names = ("visit:source", "event:page", "visit:country", "event:name")
    asked = [{"metrics": measures}, *({"metrics": measures, "dimensions": [name]} for name in names)]
    before = [_given(place, span | question) for question in asked]
    ask_erasure(place.store, "returning", 1, devices.devices[1], now=place.now)
    ask_erasure(place.store, "returning", 1, devices.devices[2], now=place.now)
    assert devices.eraser.hide() == 2
    rest = [row for row in _sent(devices) if row[RETURNING] not in devices.devices[1:3]]
    hidden = [_given(place, span | question) for question in asked]
    assert hidden[0] == answer({"date_range": span["date_range"], "metrics": measures}, as_events(rest), SITE)
    assert all(one != other for one, other in zip(before, hidden, strict=True))
    assert devices.eraser.run() > 0
    assert [_given(place, span | question) for question in asked] == hidden


@pytest.mark.req("P4")
def test_every_query_that_answers_questions_leaves_hidden_rows_out() -> None:
    """A statement of the console over raw rows either names the condition or comes from the one place that does."""
    for file in (resources.files("warehouse") / "queries").iterdir():
        text = file.read_text()
        if file.name.startswith("console.") and re.search(r"FROM (events|visits)\b", text):
            assert "@shown" in text, file.name
    for path in Path("console").rglob("*.py"):
        assert not re.search(r"FROM events\b", path.read_text()), path


@pytest.mark.req("R8", "R6")
def test_a_hold_stops_an_erasure_and_says_so(devices: Devices) -> None:
    """Its rows and dead letters stay, hidden, and the request stays open; others go; all go when the hold has ended."""
    place = devices.place
    anna, ben = (f"{name}@x.example" for name in ("anna", "ben"))
    for email in (anna, ben):
        add_user(place.store, email, "admin", "correct horse battery", now=1)
    until = place.now // 86_400_000 + 30
    hold = ask_hold(place.store, Scope(1, DAY, DAY, until, "a claim"), find_user(place.store, anna), now=place.now)
    confirm_hold(place.store, hold.id, find_user(place.store, ben), now=place.now)
    held, free = devices.devices[0], devices.devices[2]
    mine = next(row for row in devices.sent if row[:2] == [1, DAY] and row[RETURNING] == held)
    journal = Journal(place.spools, lambda: 1)
    body = msgspec.msgpack.encode(mine)
    letter = DeadLetter("rejected", 1, DAY, 1, "w", 1, 1, 5, body)
    journal.close_cut(journal.fix(CutPlan(ranges=(), dead=(letter,))))
    journal.close()
    for site, device in ((1, held), (2, free)):
        ask_erasure(place.store, "returning", site, device, now=place.now)
    before = devices.left()

    def is_meant(row: dict[str, Any]) -> bool:
        return (row["site"], row["returning"]) in ((1, held), (2, free))

    def is_held(row: dict[str, Any]) -> bool:
        return is_meant(row) and row["site"] == 1 and row["day"].isoformat() == day_text(DAY)

    meant, kept = sum(map(is_meant, before)), sum(map(is_held, before))
    assert devices.eraser.run() == meant - kept
    assert kept > 0
    assert [one.id for one in devices.eraser.held_back()] == [hold.id]
    assert devices.eraser.run() == 0
    assert [row for row in devices.left() if is_meant(row)] == [row for row in devices.left() if is_held(row)]
    assert len([row for row in devices.left() if is_held(row)]) == kept
    with Quarantine(place.spools) as quarantine:
        assert len(list(quarantine.letters())) == 1
    assert devices.close() == 1
    assert [one.site for one in open_erasures(place.store)] == [1]
    span = {"date_range": [day_text(DAY), day_text(DAY)]}
    rest = [row for row in _sent(devices) if row[RETURNING] != held]
    assert _given(place, span | QUESTIONS[0]) == answer(span | QUESTIONS[0], as_events(rest), SITE)
    end_hold(place.store, hold.id, find_user(place.store, anna), now=place.now)
    assert devices.eraser.held_back() == []
    assert devices.eraser.run() == kept
    assert devices.close() == 1
    with Quarantine(place.spools) as quarantine:
        assert not list(quarantine.letters())
    assert not [row for row in devices.left() if is_meant(row)]


@pytest.mark.req("R6")
def test_large_rewrites_wait_for_the_night_and_small_ones_do_not(
    devices: Devices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hidden at once in any case; erased when it costs little, or at two o'clock by UTC."""
    place = devices.place
    environment = read_environment({"data": tmp_path}, {})
    sealing = Sealing(place.warehouse, place.store, nullcontext, place.clock, crash_points(""), spools=place.spools)
    purging = Purging(environment, place.store, place.warehouse, sealing)
    place.now = (DAY + 5) * DAY_MS + 3 * 3_600_000
    ask_erasure(place.store, "returning", 1, devices.devices[0], now=place.now)
    assert "rows erased" in purging.erase_in_time(), "nothing was done in this night"
    monkeypatch.setattr("footfall.purging._LITTLE_ROWS", 10)
    ask_erasure(place.store, "returning", 1, devices.devices[1], now=place.now)
    assert purging.hide() == "1 requests hidden"
    rows = place.rows()
    for _ in range(2):
        assert purging.erase_in_time() == ""
    assert place.rows() == rows
    place.now += DAY_MS - 2 * 3_600_000
    assert purging.erase_in_time() == "", "it is one o'clock"
    place.now += 3_600_000
    assert "rows erased" in purging.erase_in_time()
    monkeypatch.setattr("footfall.purging._LITTLE_ROWS", 1_000_000)
    ask_erasure(place.store, "returning", 1, devices.devices[2], now=place.now)
    assert "rows erased" in purging.erase_in_time()
