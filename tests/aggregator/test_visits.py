"""Visits that are kept up tick by tick are what a count over all rows gives, in whatever order these come."""

import multiprocessing
import random
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import strategies as st

from aggregator.visits import VISIT_POINTS, VisitTable
from control_store.marks import visit_marks
from control_store.tables import ControlStore
from tests.aggregator.visit_count import count_visits
from tests.console.stats.world import as_row, make_world
from tests.warehouse.engine import fresh_warehouse
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.settings import WarehouseSettings
from warehouse.visits import VISIT_COLUMNS

SPAWN = multiprocessing.get_context("spawn")
MINUTE = 60_000
EPOCH = date(1970, 1, 1)


def stored_visits(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Every visit that the table tells of, one by one."""
    names = list(VISIT_COLUMNS)
    rows = warehouse.select(f"SELECT {', '.join(names)} FROM visits FINAL", {}, "control")
    visits = []
    for row in rows:
        whole = dict(zip(names, row, strict=True))
        arrays = {name: value for name, value in whole.items() if isinstance(value, list)}
        assert len(set(map(len, arrays.values()))) == 1
        for place in range(len(arrays["began"])):
            keys = {name: whole[name] for name in ("site", "day", "visitor", "known")}
            visits.append(keys | {name: values[place] for name, values in arrays.items()})
    return visits


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Compare without regard to order."""

    def key(visit: dict[str, Any]) -> Any:
        return visit["site"], visit["day"], visit["visitor"], visit["began"]

    for one, other in zip(sorted(found, key=key), sorted(expected, key=key), strict=False):
        assert one == other
    assert len(found) == len(expected)


class Table:
    """Events that come in batches, and ticks between them."""

    def __init__(self, root: Path, warehouse: Warehouse) -> None:
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        self.warehouse = warehouse
        self.events = EventTable(warehouse)
        self.visits = VisitTable(warehouse, self.store, nullcontext, slice_rows=300)
        self.batch = 7 << 32

    def load(self, events: list[dict[str, Any]]) -> None:
        """One batch for each day."""
        for day in sorted({one["day"] for one in events}):
            self.batch += 1
            rows = [as_row(one, EPOCH) for one in events if one["day"] == day]
            self.events.insert(rows, batch=self.batch, token=str(self.batch))


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    warehouse = fresh_warehouse()
    made = Table(tmp_path, warehouse)
    yield made
    made.store.close()
    warehouse.close()


@pytest.mark.req("A1")
def test_the_worlds_visits_whatever_comes_when(table: Table) -> None:
    """Days of 23, 24 and 25 hours, hours that begin at a quarter, machines, nobody, equal times: in five ticks."""
    events = make_world().events
    random.Random(3).shuffle(events)
    for place in range(0, len(events), len(events) // 4):
        table.load(events[place : place + len(events) // 4])
        assert table.visits.tick()
    assert table.visits.tick() == 0
    same(stored_visits(table.warehouse), count_visits(events))


@pytest.mark.req("A1")
def test_a_late_event_joins_two_visits_and_leaves_no_phantom(table: Table) -> None:
    """Two visits 50 minutes apart are one as soon as the event between them has come."""
    midnight = int(datetime(2025, 6, 1, tzinfo=ZoneInfo("Europe/Zurich")).timestamp()) * 1000
    base = next(one for one in make_world().events if any(one["visitor"]) and not one["bot"])
    events = [
        base | {"day": date(2025, 6, 1), "at": midnight + minutes * MINUTE, "beacon": bytes([minutes]) * 16}
        for minutes in (0, 50, 25)
    ]
    table.load(events[:2])
    table.visits.tick()
    assert len(stored_visits(table.warehouse)) == 2
    table.load(events[2:])
    table.visits.tick()
    same(stored_visits(table.warehouse), count_visits(events))
    assert len(stored_visits(table.warehouse)) == 1


@pytest.mark.req("A1", "C12")
def test_how_a_visits_last_page_was_left_is_no_word_about_the_page_before(table: Table) -> None:
    """A reload closes the first page and is told by the second, whose own end is what counts, or not known."""
    midnight = int(datetime(2025, 6, 1, tzinfo=ZoneInfo("Europe/Zurich")).timestamp()) * 1000
    base = next(one for one in make_world().events if any(one["visitor"]) and not one["bot"])
    told = (("pageview", ""), ("exit", "close"), ("pageview", ""), ("exit", "reload"), ("exit", "link"))
    events = [
        base
        | {"day": date(2025, 6, 1), "at": midnight + second * 1000, "beacon": bytes([second]) * 16}
        | {"name": name, "method": method}
        | (SETTLES if method == "reload" else {"prop_keys": [], "prop_values": []})
        for second, (name, method) in enumerate(told)
    ]
    for known, method in (events[:4], ""), (events[4:], "link"):
        table.load(known)
        table.visits.tick()
        assert [visit["exit_method"] for visit in stored_visits(table.warehouse)] == [method]


@pytest.mark.req("C17", "P2")
def test_a_source_that_was_lost_before_consent_is_unknown_and_only_that_one(table: Table) -> None:
    """Its first visit of the day begins on a page of the site's own: nobody knows from where. Who had come from search
    did come from search; a second visit after a pause comes from nowhere, as with every other policy."""
    midnight = int(datetime(2025, 6, 1, tzinfo=ZoneInfo("Europe/Zurich")).timestamp()) * 1000
    base = next(one for one in make_world().events if any(one["visitor"]) and not one["bot"])
    inside = {"source_kind": "unknown", "channel": "unknown (before consent)", "source": "", "referrer": ""}
    search = {"source_kind": "search", "channel": "Organic Search", "source": "Google", "referrer": "google.com"}
    nowhere = inside | {"source_kind": "direct", "channel": "Direct"}
    lost = inside | {"source": "unknown (before consent)", "referrer": "unknown (before consent)"}
    # Visitor, minutes, what the event says, what its visit says if it begins one.
    told = (
        (1, ((0, inside, lost), (1, search, {}), (50, inside, nowhere), (90, search, search))),
        (2, ((0, search, search), (1, inside, {}), (40, inside, nowhere))),
        (3, ((0, nowhere, nowhere), (1, inside, {}))),
    )
    events, expected = [], []
    for person, moments in told:
        for minutes, source, visit in moments:
            at = midnight + minutes * MINUTE
            one = {"day": date(2025, 6, 1), "at": at, "beacon": bytes([person, minutes]) * 8, "name": "pageview"}
            events.append(base | one | source | {"visitor": bytes([person]) * 16})
            expected += [(person, minutes, visit)] if visit else []
    table.load(events)
    table.visits.tick()
    found = [
        (one["visitor"][0], (one["began"] - midnight) // MINUTE, {name: one[name] for name in inside})
        for one in stored_visits(table.warehouse)
    ]
    assert sorted(found, key=lambda one: one[:2]) == expected


@pytest.mark.req("A1")
def test_only_visitors_with_new_rows_are_counted_again(table: Table) -> None:
    """The work of a tick follows what is new."""
    events = [one for one in make_world().events if any(one["visitor"])]
    table.load(events)
    table.visits.tick()
    person = next(one for one in events if not one["bot"])
    table.load([person | {"beacon": b"n" * 16}])
    assert table.visits.tick() == 1
    newest = table.warehouse.select(
        "SELECT count() FROM visits WHERE tick = (SELECT max(tick) FROM visits)", {}, "control"
    )
    assert newest == [(1,)]


@pytest.mark.req("A1")
def test_a_journal_that_was_lost_is_followed_by_another(table: Table) -> None:
    """Numbers of a new journal may lie below those of the old one; each journal has a mark of its own."""
    events = [one for one in make_world().events if any(one["visitor"])]
    table.load(events[::2])
    table.visits.tick()
    table.batch = 3 << 32
    table.load(events[1::2])
    assert table.visits.tick() == len(events[1::2])
    assert set(visit_marks(table.store)) == {3, 7}
    same(stored_visits(table.warehouse), count_visits(events))


ZONES = ("Europe/Zurich", "America/New_York", "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Cairo", "UTC")
DAYS = (date(2025, 3, 30), date(2025, 10, 26), date(2018, 11, 4), date(2024, 4, 26), date(2025, 6, 1))
EDGE = 30 * MINUTE
GAPS = st.one_of(st.sampled_from([0, 1, EDGE - 1, EDGE, EDGE + 1]), st.integers(0, 4 * EDGE))
NAMES = st.sampled_from(["pageview", "pageview", "engagement", "click", "signup", "purchase", "exit", "vitals"])


@st.composite
def traffics(draw: st.DrawFn, people: int = 3) -> tuple[list[dict[str, Any]], list[int]]:
    """Events of a few people in an order in which they come in, and where ticks fall between them."""
    zone, day = ZoneInfo(draw(st.sampled_from(ZONES))), draw(st.sampled_from(DAYS))
    begins = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000
    after = day + timedelta(days=1)
    ends = int(datetime(after.year, after.month, after.day, tzinfo=zone).timestamp()) * 1000
    events: list[dict[str, Any]] = []
    for person in range(draw(st.integers(1, people))):
        at = begins + draw(st.integers(0, ends - begins - 1))
        for gap in draw(st.lists(GAPS, max_size=7)):
            events.append(_event(draw, person, day, min(at, ends - 1), len(events)))
            at += gap
    order = draw(st.permutations(events))
    return list(order), draw(st.lists(st.integers(0, len(events)), max_size=3))


def _event(draw: st.DrawFn, person: int, day: date, at: int, number: int) -> dict[str, Any]:
    base = dict.fromkeys(TEXTS, "")
    name = draw(NAMES)
    return base | {
        "site": draw(st.just(person % 2 + 1)),
        "day": day,
        "at": at,
        "visitor": bytes([person]) * 16,
        "beacon": bytes([draw(st.integers(0, 255)), 100 + number]) * 8,  # never the id of a person: both are random
        "idx": 0,
        "name": name,
        "bot": draw(st.sampled_from(["", "", "", "", "headless"])),
        "path": draw(st.sampled_from(["/", "/a", "/b"])),
        "hostname": draw(st.sampled_from(["a.example", "b.example"])),
        "source": draw(st.sampled_from(["", "", "Google"])),
        "country": draw(st.sampled_from(["", "CH"])),
        "city": draw(st.sampled_from(["", "Bern"])),
        "city_id": draw(st.sampled_from([0, 7])),
        "method": draw(st.sampled_from(["close", "link"])) if name == "exit" else "",
        **(draw(st.sampled_from([{}, SETTLES])) if name == "exit" else {}),
        "engaged_ms": draw(st.sampled_from([0, 9_999, 10_000])) if name == "engagement" else 0,
        "revenue": draw(st.integers(-500, 500)) if name == "purchase" else 0,
        "currency": draw(st.sampled_from(["EUR", "CHF"])) if name == "purchase" else "",
    }


SETTLES = {"prop_keys": ["settles"], "prop_values": ["true"]}
TEXTS = (
    "referrer source_kind channel click_network utm_source utm_medium utm_campaign utm_term utm_content utm_id "
    "utm_source_platform utm_creative_format utm_marketing_tactic region language timezone browser browser_version "
    "engine os os_version device platform screen_class viewport_class screen build title"
).split()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    warehouse = fresh_warehouse()
    made = Table(tmp_path_factory.mktemp("visits"), warehouse)
    yield made
    made.store.close()
    warehouse.close()


@pytest.mark.req("A1")
@hypothesis.given(traffic=traffics())
def test_any_traffic_in_any_order(shared: Table, traffic: tuple[list[dict[str, Any]], list[int]]) -> None:
    """Late, reordered and simultaneous events, ticks anywhere between them, days of the clock's change."""
    events, cuts = traffic
    shared.warehouse.command("TRUNCATE TABLE events")
    shared.warehouse.command("TRUNCATE TABLE visits")
    places = [0, *sorted(cuts), len(events)]
    for begin, end in pairwise(places):
        shared.load(events[begin:end])
        shared.visits.tick()
    same(stored_visits(shared.warehouse), count_visits(events))


def _tick_and_die(root: Path, point: str) -> None:
    """One tick over the directory's warehouse that ends by SIGKILL at the point."""
    from spool.crash import KillAt

    warehouse = Warehouse(WarehouseSettings(f"chdb://{root}/warehouse"))
    store = ControlStore.in_directory(root)
    VisitTable(warehouse, store, nullcontext, crash=KillAt(point), slice_rows=200).tick()


def _fill(root: Path) -> None:
    from warehouse.migrate import migrate

    warehouse = Warehouse(WarehouseSettings(f"chdb://{root}/warehouse"))
    migrate(warehouse)
    Table(root, warehouse).load(make_world().events)


def _look(root: Path, answer: Any) -> None:
    warehouse = Warehouse(WarehouseSettings(f"chdb://{root}/warehouse"))
    store = ControlStore.in_directory(root)
    VisitTable(warehouse, store, nullcontext).tick()
    answer.put(stored_visits(warehouse))


def _run(work: Any, *arguments: Any) -> int | None:
    """The exit code of a process of its own: one engine a process."""
    process = SPAWN.Process(target=work, args=arguments)
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.req("A1", "O3")
def test_a_tick_that_was_killed_is_made_up_for(tmp_path: Path) -> None:
    """Killed at each step in turn, the next tick gives what one undisturbed tick would have."""
    assert _run(_fill, tmp_path) == 0
    for point in VISIT_POINTS[:-1]:
        assert _run(_tick_and_die, tmp_path, point) == -signal.SIGKILL
    answer = SPAWN.SimpleQueue()
    process = SPAWN.Process(target=_look, args=(tmp_path, answer))
    process.start()
    found = answer.get()
    process.join()
    same(found, count_visits(make_world().events))
