"""Every row once, whatever happens between the spool and the warehouse."""

import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from event_catalogue.event import SCHEMA_VERSION, Parcel, encode_parcel
from loader.loop import Hooks, Loader, Unusable
from loader.settings import LoaderSettings
from loader.state import LoaderState
from spool.accounts import read_journal
from spool.crash import CrashPoints
from spool.errors import SpoolBusy, SpoolGap
from spool.kinds import Kind, Record
from spool.quarantine import Quarantine
from spool.reader import SpoolReader
from spool.registry import mark_complete
from spool.writer import SpoolWriter
from tests.loader.world import (
    HASTY,
    SMALL,
    balanced,
    beacon_id,
    clock,
    drain,
    new_loader,
    parcel,
    spooled,
    stored_numbers,
    without_second_belt,
)
from tests.warehouse.engine import Server, fresh_warehouse
from tests.warehouse.rows import DAY, event
from warehouse.client import Warehouse
from warehouse.errors import Broken, TryLater
from warehouse.events import EventTable
from warehouse.migrate import migrate

pytestmark = pytest.mark.req("O3", "C23")


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    """A migrated warehouse without rows."""
    opened = fresh_warehouse()
    yield opened
    opened.close()


@pytest.fixture
def open_loader(tmp_path: Path) -> Iterator[Callable[..., Loader]]:
    """Opens loaders over the test's spools, one after the other; closes the last."""
    opened: list[Loader] = []

    def open_one(table: EventTable, **options: Any) -> Loader:
        if opened:
            opened.pop().close()
        opened.append(new_loader(tmp_path, table, **options))
        return opened[-1]

    yield open_one
    for loader in opened:
        loader.close()


class Stop(Exception):
    """What a test raises at a crash point."""


class StopAt(CrashPoints):
    """Raises at one point once: what any exception in a round does."""

    def __init__(self, point: str) -> None:
        self.point = point

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.point = ""
            raise Stop


def test_rows_of_all_spools_and_partitions_are_stored_once(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]
) -> None:
    """Two spools, three partitions, two sites: the accounting agrees to the unit, the spools are released."""
    for name, numbers in (("a", range(100)), ("b", range(100, 200))):
        for start in numbers[::20]:
            spooled(tmp_path, name, *map(parcel, range(start, start + 20)))
    assert all(len(list((tmp_path / name).glob("seg-*.db"))) > 1 for name in ("a", "b"))
    seqs, ends = {}, {}
    for name in ("a", "b"):
        found = SpoolReader(tmp_path / name).read(0, max_events=1_000, max_bytes=1 << 24)
        seqs[name] = [one.seq for one in found if one.kind == Kind.EVENTS]  # between them are ticks
        ends[name] = found[-1].seq
    loader = open_loader(EventTable(warehouse))
    assert drain(loader) == 200
    assert stored_numbers(warehouse) == Counter(range(200))
    view = read_journal(tmp_path)
    balanced(view, stored=200)
    assert {total[:4]: total.events for total in view.totals if total.outcome == "stored"} == {
        (site, DAY + day, "stored", ""): sum(n % 2 == site - 1 and n % 3 == day for n in range(200))
        for site in (1, 2)
        for day in range(3)
    }
    expected = []
    for day, site, spool in itertools.product(range(3), (1, 2), range(2)):
        mine = [n for n in range(100 * spool, 100 * spool + 100) if (n % 2, n % 3) == (site - 1, day)]
        records = [seqs["ab"[spool]][n % 100] for n in (mine[0], mine[-1])]
        expected.append((f"{'ab'[spool]}#{spool + 1}", site, DAY + day, *records, len(mine)))
    assert [tuple(one) for one in view.numbers] == expected
    assert view.ends == (("a#1", ends["a"], 100), ("b#2", ends["b"], 100))
    state = loader.state
    assert state.totals == {"received": 200, "stored": 200}
    assert (state.pending, state.open_batches, state.dead_letters) == (0, 0, 0)
    assert [spool.watermark for spool in state.spools] == [
        SpoolReader(tmp_path / name).last().received - 1 for name in ("a", "b")
    ]
    assert all(len(list((tmp_path / name).glob("seg-*.db"))) == 1 for name in ("a", "b"))


def test_a_repeated_beacon_counts_once(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]
) -> None:
    """In the same spool or another, in the same round or a later one, before a restart or after."""
    twice = encode_parcel(Parcel(SCHEMA_VERSION, 1, beacon_id(7), 0, [event(path="/7"), event(path="/8", idx=1)]))
    spooled(tmp_path, "a", twice, parcel(1), twice, events=2)
    spooled(tmp_path, "b", parcel(1), twice, events=2)
    drain(open_loader(EventTable(warehouse)))
    spooled(tmp_path, "c", twice, parcel(2), events=2)
    drain(open_loader(EventTable(warehouse)))
    assert stored_numbers(warehouse) == Counter([1, 2, 7, 8])
    view = read_journal(tmp_path)
    assert sum(total.events for total in view.totals if total.outcome == "repeated") == 3 * 2 + 1


@pytest.mark.parametrize("way", ["gone", "there", "partly there"])
def test_a_doubt_is_counted_away(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader], way: str
) -> None:
    """After an insert whose end nobody saw: rows that are there are not inserted again, by their count alone; rows that
    have gone are, though the warehouse's own log says that it has them; when only some are there the loader stops."""
    spooled(tmp_path, "a", *(parcel(number, day=DAY) for number in range(50)))
    loader = open_loader(EventTable(warehouse), crash=StopAt("loader.inserted"))
    with pytest.raises(Stop):
        loader.step()
    condition = {"gone": "1", "there": "0", "partly there": "path = '/3'"}[way]
    warehouse.command(f"ALTER TABLE events DELETE WHERE {condition} SETTINGS mutations_sync = 2")
    if way == "there":
        without_second_belt(warehouse)
    again = open_loader(EventTable(warehouse))
    if way == "partly there":
        with pytest.raises(Broken, match="has 49 of them"):
            again.step()
        return
    for _ in range(2 if way == "gone" else 0):
        try:
            again.step()
        except TryLater:
            continue
        break
    assert drain(again) in (0, 50)
    assert stored_numbers(warehouse) == Counter(range(50))
    balanced(read_journal(tmp_path), stored=50)


@pytest.mark.parametrize("fault", [1, 500, 1000])
def test_a_poison_row_is_found_among_a_thousand(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader], fault: int, caplog: Any
) -> None:
    """A row that the table refuses becomes a dead letter with its reason; the other 999 are stored, quickly."""
    warehouse.command("ALTER TABLE events ADD CONSTRAINT sane CHECK title != 'poison-needle'")
    bodies = [parcel(n, day=DAY, title="poison-needle" if n == fault else "") for n in range(1, 1001)]
    spooled(tmp_path, "a", *bodies)
    loader = open_loader(EventTable(warehouse))
    drain(loader)
    assert stored_numbers(warehouse) == Counter(set(range(1, 1001)) - {fault})
    assert loader.state.dead_letters == 1
    with Quarantine(tmp_path) as quarantine:
        (found,) = quarantine.letters()
    assert (found.letter.reason, found.letter.site, found.letter.day) == ("rejected", 1 + fault % 2, DAY)
    assert b"poison-needle" in found.letter.body
    assert "needle" not in caplog.text + repr(found)
    view = read_journal(tmp_path)
    balanced(view, stored=999)
    assert view.dead_letters == {(1 + fault % 2, DAY): 1}


def test_a_record_that_cannot_be_read_blocks_nothing(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]
) -> None:
    """It is a dead letter with its events; what comes before and after is stored."""
    spooled(tmp_path, "a", parcel(1), b"\xc1junk", parcel(2))
    loader = open_loader(EventTable(warehouse))
    drain(loader)
    assert stored_numbers(warehouse) == Counter([1, 2])
    assert loader.state.dead_letters == 1
    balanced(read_journal(tmp_path), stored=2)


def test_one_loader_at_a_time(tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]) -> None:
    """A second loader on the same spools is refused by lock."""
    open_loader(EventTable(warehouse))
    with pytest.raises(SpoolBusy, match="Another loader"):
        new_loader(tmp_path, EventTable(warehouse))


def test_a_gap_stops_the_loader_loudly(tmp_path: Path, warehouse: Warehouse) -> None:
    """Acknowledged records that have gone are no end of the spool: it stops, says so, and touches nothing."""
    spooled(tmp_path, "a", *map(parcel, range(60)))
    segments = sorted((tmp_path / "a").glob("seg-*.db"))
    spooled(tmp_path, "a", *map(parcel, range(60, 90)))
    for file in (tmp_path / "a").glob(f"{segments[0].name}*"):
        file.rename(tmp_path / file.name)
    states: list[LoaderState] = []
    hooks = Hooks(publish=states.append)
    loader = Loader(tmp_path, EventTable(warehouse), settings=HASTY, clock=clock, hooks=hooks)
    (tmp_path / "a" / "seg-00000000000000000500.db").write_bytes((tmp_path / segments[0].name).read_bytes())
    loader.run(threading.Event())  # it returns by itself
    loader.close()
    assert states[-1].health == "stopped"
    assert "record" in states[-1].error
    assert stored_numbers(warehouse) == Counter()


class Choices:
    """A taker that remembers, and fails as told."""

    def __init__(self, *troubles: Exception) -> None:
        self.taken: list[tuple[str, int, bytes]] = []
        self.troubles = list(troubles)

    def __call__(self, spool: str, record: Record) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken.append((spool, record.seq, record.body))


def test_other_kinds_go_to_their_takers_after_the_rows(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]
) -> None:
    """A taker sees the rows of its cut stored; failing, it is asked again with the same number; nothing is skipped."""
    spooled(tmp_path, "a", parcel(1))
    spooled(tmp_path, "a", b"yes", b"no", kind=Kind.CHOICE, events=0)
    taker = Choices(OSError("away"))
    seen: list[int] = []

    def look_and_take(spool: str, record: Record) -> None:
        seen.append(stored_numbers(warehouse)[1])
        taker(spool, record)

    loader = open_loader(EventTable(warehouse), takers={Kind.CHOICE: look_and_take})
    with pytest.raises(TryLater, match="OSError"):
        loader.step()
    drain(loader)
    assert [(spool, body) for spool, _, body in taker.taken] == [("a", b"yes"), ("a", b"no")]
    assert seen == [1, 1, 1]
    assert stored_numbers(warehouse) == Counter([1])
    assert loader.state.dead_letters == 0


def test_a_record_that_nobody_can_use_is_a_dead_letter(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]
) -> None:
    """Refused by its taker for good, or without a taker: it is kept aside with the reason, and loading goes on."""
    spooled(tmp_path, "a", b"bad", b"good", kind=Kind.CHOICE, events=0)
    spooled(tmp_path, "a", b"whose", kind=Kind.CASE, events=0)
    taker = Choices(Unusable())
    drain(open_loader(EventTable(warehouse), takers={Kind.CHOICE: taker}))
    assert [body for _, _, body in taker.taken] == [b"good"]
    with Quarantine(tmp_path) as quarantine:
        letters = {(one.letter.reason, one.letter.body) for one in quarantine.letters()}
    assert letters == {("unusable", b"bad"), ("no_taker", b"whose")}


def test_a_complete_spool_ends_by_itself(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]
) -> None:
    """An import's spool goes when all of it is loaded, so that it holds up no seal; its events stay in the sum."""
    spooled(tmp_path, "import-1", parcel(1), parcel(2))
    spooled(tmp_path, "a", parcel(3))
    loader = open_loader(EventTable(warehouse))
    drain(loader)
    mark_complete(tmp_path / "import-1")
    drain(loader)
    assert not (tmp_path / "import-1").exists()
    assert [spool.name for spool in loader.state.spools] == ["a"]
    view = read_journal(tmp_path)
    assert view.received == 3
    balanced(view, stored=3)


def test_retiring_a_spool(tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]) -> None:
    """A living spool cannot be retired; a dead one that is loaded goes, one that is not is set aside."""
    loader = open_loader(EventTable(warehouse))
    with SpoolWriter(tmp_path, "a", SMALL, clock), pytest.raises(SpoolBusy):
        loader.retire("a")
    drain(loader)
    assert loader.retire("a") is None
    assert not (tmp_path / "a").exists()
    spooled(tmp_path, "a", parcel(1))
    assert loader.retire("a") == tmp_path / "a.retired.1"
    assert loader.state.spools == ()


def test_at_rest_no_batch_is_in_doubt(tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]) -> None:
    """Whoever rewrites partitions is let in between rounds, and not while a batch may or may not be stored."""
    spooled(tmp_path, "a", parcel(1))
    loader = open_loader(EventTable(warehouse), crash=StopAt("loader.inserted"))
    with pytest.raises(Stop):
        loader.step()
    with pytest.raises(TryLater), loader.at_rest():
        pass
    drain(loader)
    with loader.at_rest():
        rounds = threading.Thread(target=loader.step)
        rounds.start()
        rounds.join(0.2)
        assert rounds.is_alive()
    rounds.join(10)
    assert not rounds.is_alive()


def test_a_lost_directory_is_seen_to_stand_still(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]
) -> None:
    """A spool whose directory has gone stays in the list with its old watermark, and the rest loads."""
    spooled(tmp_path, "a", parcel(1))
    spooled(tmp_path, "b", parcel(2))
    loader = open_loader(EventTable(warehouse))
    drain(loader)
    watermark = {spool.name: spool.watermark for spool in loader.state.spools}["a"]
    (tmp_path / "a").rename(tmp_path / "lost.a")
    spooled(tmp_path, "b", parcel(3))
    drain(loader)
    assert {spool.name: spool.watermark for spool in loader.state.spools}["a"] == watermark
    assert stored_numbers(warehouse) == Counter([1, 2, 3])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A warehouse behind HTTP whose statements can be made to fail."""
    front = Server(tmp_path_factory.mktemp("front"))
    yield front
    front.stop()


TROUBLES: dict[str, dict[str, Any]] = {
    "cut after executing": {"cut": True, "only": "INSERT INTO events"},
    "cut before executing": {"refuse": True, "only": "INSERT INTO events"},
    "no answer at all": {"unavailable": True},
    "read only for a moment": {"reject": 242, "only": "INSERT INTO events"},
    "the count is cut": {"cut": True, "only": "SELECT count()"},
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_a_warehouse_that_is_away_is_waited_for(
    tmp_path: Path, server: Server, trouble: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It waits, says so once, goes on by itself when the warehouse answers, and stores every row once."""
    caplog.set_level(logging.INFO, "loader")
    warehouse = Warehouse(server.settings())
    migrate(warehouse)
    spooled(tmp_path, "a", *map(parcel, range(30)))
    states: list[LoaderState] = []
    loader = Loader(tmp_path, EventTable(warehouse), settings=HASTY, clock=clock, hooks=Hooks(publish=states.append))
    server.trouble(**{"times": 4, **trouble})
    stop = threading.Event()
    thread = threading.Thread(target=loader.run, args=(stop,))
    thread.start()
    _until(lambda: loader.state.health == "working" and loader.state.totals.get("stored") == 30)
    stop.set()
    thread.join(10)
    loader.close()
    found = stored_numbers(warehouse)
    warehouse.close()
    assert found == Counter(range(30))
    assert "waiting" in [state.health for state in states]
    assert caplog.text.count("The loader is waiting") == 1
    assert states[-1].error == ""


def _until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)


def test_a_row_is_visible_within_two_seconds(tmp_path: Path, warehouse: Warehouse) -> None:
    """At low load, with the settings of the product; and a handful of beacons is one batch, not one each."""
    loader = Loader(tmp_path, EventTable(warehouse), settings=LoaderSettings(), clock=clock, hooks=Hooks())
    stop = threading.Event()
    thread = threading.Thread(target=loader.run, args=(stop,))
    thread.start()
    waits = []
    with SpoolWriter(tmp_path, "a", SMALL, clock) as writer:
        for number in range(0, 30, 10):
            for one in range(10):
                writer.append_many([(Kind.EVENTS, 1, parcel(number + one, day=DAY))])
            begun = time.monotonic()
            _until(lambda: sum(stored_numbers(warehouse).values()) == number + 10)  # noqa: B023
            waits.append(time.monotonic() - begun)
    stop.set()
    thread.join(10)
    loader.close()
    assert max(waits) < 2
    batches = warehouse.select("SELECT uniqExact(batch) FROM events", {}, "control")
    assert batches[0][0] <= 6


def test_a_spool_without_a_journal_of_its_own_is_refused(
    tmp_path: Path, warehouse: Warehouse, open_loader: Callable[..., Loader]
) -> None:
    """With the journal lost and segments released, what was loaded is not known: it stops instead of guessing."""
    for start in range(0, 120, 10):
        spooled(tmp_path, "a", *map(parcel, range(start, start + 10)))
    loader = new_loader(tmp_path, EventTable(warehouse))
    drain(loader)
    loader.close()
    (tmp_path / "journal.db").rename(tmp_path / "gone")
    with pytest.raises(SpoolGap, match="begins with record"):
        open_loader(EventTable(warehouse)).step()
