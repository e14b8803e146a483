"""A batch is stored once, as a whole, or it can be told that it is not."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from event_catalogue.fields import FIELDS, POSITION
from tests.warehouse.engine import Server
from tests.warehouse.rows import DAY, event
from warehouse.client import Warehouse
from warehouse.errors import Broken, Rejected, TryLater
from warehouse.events import MAX_BLOCK, EventTable
from warehouse.migrate import migrate

FULL: dict[str, Any] = {
    "site": 4_000_000_000,
    "day": DAY,
    "keep": 395,
    "beacon": bytes(range(16)),
    "idx": 255,
    "page": b"\0" * 15 + b"\xff",
    "name": "ünï\tcode\\'\n",
    "at": 1_763_999_999_123,
    "visitor": b"\xfe" * 16,
    "returning": b"\x01" * 16,
    "plugins": ["PDF Viewer/1", "b'"],
    "prop_keys": ["k"],
    "prop_values": ["v\\"],
    "search_results": -1,
    "revenue": -(2**62),
    "engaged_ms": 2**32 - 1,
    "scroll": 100,
    "status": 65_535,
}


@pytest.mark.req("O3")
def test_what_goes_in_comes_out(warehouse: Warehouse) -> None:
    """Every column keeps the value of the row to the bit; `batch` is the table's own; columns left at defaults too."""
    table = EventTable(warehouse)
    row = event(**FULL)
    table.insert([row, event(keep=395)], batch=7, token="7-a")
    columns = ", ".join(
        f"toUnixTimestamp64Milli(`{field.name}`)" if field.column.startswith("DateTime") else f"`{field.name}`"
        for field in FIELDS
    )
    columns = columns.replace("`day`", "toUInt16(day)").replace("`stored_on`", "toUInt16(stored_on)")
    stored = warehouse.select(f"SELECT {columns} FROM events WHERE idx = 255", {}, "control")
    row[POSITION["batch"]] = 7
    assert [list(one) for one in stored] == [row]
    assert table.count(day=DAY, keep=395, batch=7) == 2


@pytest.mark.req("O3")
def test_a_batch_is_one_part(warehouse: Warehouse) -> None:
    """The largest batch goes in as one block, whatever its bytes: all or nothing."""
    rows = [event(path="/" + "p" * 400)] * MAX_BLOCK
    EventTable(warehouse).insert(rows, batch=1, token="1-a")
    parts = warehouse.select(
        "SELECT sum(rows), max(level) FROM system.parts "
        "WHERE database = currentDatabase() AND table = 'events' AND active",
        {},
        "control",
    )
    assert parts == [(MAX_BLOCK, 0)]  # level 0: never merged, so one part from the start
    names = warehouse.select(
        "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'events'", {}, "control"
    )
    assert names == [(1,)]


@pytest.mark.req("O3")
def test_the_second_belt_holds(warehouse: Warehouse) -> None:
    """The same batch under the same token is stored once even if nobody counted."""
    table = EventTable(warehouse)
    rows = [event(), event()]
    for _ in range(3):
        table.insert(rows, batch=3, token="3-digest")
    assert table.count(day=DAY, keep=35, batch=3) == 2


def test_batches_are_counted_apart(warehouse: Warehouse) -> None:
    """A count sees its own partition and batch only; the accounting sees sites and days."""
    table = EventTable(warehouse)
    table.insert([event(), event(site=2)], batch=1, token="1")
    table.insert([event(day=DAY + 1)], batch=2, token="2")
    table.insert([event(keep=7)], batch=3, token="3")
    counts = [
        table.count(day=day, keep=keep, batch=batch)
        for day, keep, batch in [(DAY, 35, 1), (DAY, 35, 2), (DAY + 1, 35, 2), (DAY, 7, 3), (DAY, 7, 1), (DAY, 35, 9)]
    ]
    assert counts == [2, 0, 1, 1, 0, 0]
    assert table.partition_counts() == {(1, DAY): 2, (2, DAY): 1, (1, DAY + 1): 1}


POISON = {
    "a number too large": {"engaged_ms": 2**32},
    "a negative number": {"scroll": -1},
    "a text for a number": {"status": "abc"},
    "nothing at all": {"path": None},
    "half a character": {"path": "\ud800"},
    "a constraint": {"site": 0},
    "a class that does not exist": {"keep": 36},
    "an id of another length": {"visitor": b"x" * 17},
}


@pytest.mark.req("O3", "C1")
@pytest.mark.parametrize("fields", POISON.values(), ids=POISON.keys())
def test_a_poison_row_refuses_the_batch_and_is_not_quoted(
    shared: Warehouse, fields: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Rows that will never be taken are told apart from trouble; none is stored, and nothing is said of them."""
    table = EventTable(shared)
    rows = [
        event(title="secret-title", **fields),
        event(title="secret-other", **({"keep": 36} if "keep" in fields else {})),
    ]
    with pytest.raises(Rejected) as caught:
        table.insert(rows, batch=5, token="5")
    assert table.count(day=DAY, keep=rows[0][POSITION["keep"]], batch=5) == 0
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "secret" not in str(caught.value) + caplog.text


def test_a_row_of_another_width_is_refused(shared: Warehouse) -> None:
    """A row that does not fit the catalogue can't be shifted into its neighbours' columns."""
    with pytest.raises(Rejected):
        EventTable(shared).insert([event(), event()[:-1]], batch=1, token="1")


FAULTS: dict[str, tuple[list[Any], str]] = {
    "no rows": ([], "1"),
    "two days": ([event(), event(day=DAY + 1)], "1"),
    "two classes": ([event(), event(keep=7)], "1"),
    "a token that would leave its quotes": ([event()], "1', async_insert = '1"),
}


@pytest.mark.parametrize(("rows", "token"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_of_the_loader_are_loud(shared: Warehouse, rows: list[Any], token: str) -> None:
    """What would not be one block of one partition is never sent."""
    with pytest.raises(Broken):
        EventTable(shared).insert(rows, batch=1, token=token)


@pytest.mark.req("O3")
def test_counting_waits_for_an_insert_that_is_still_at_work(shared: Warehouse) -> None:
    """A batch whose insert has not ended is not counted as missing."""
    table = EventTable(shared)
    slow = threading.Thread(
        target=shared.select,
        args=("SELECT sum(sleepEachRow(0.2)) FROM numbers(4) SETTINGS max_block_size = 1", {}, "seal"),
        kwargs={"query_id": "footfall-batch-11-1"},
    )
    slow.start()
    time.sleep(0.25)
    begun = time.monotonic()
    assert table.count(day=DAY, keep=35, batch=1) == 0  # batch 1 does not wait for batch 11
    other = time.monotonic() - begun
    assert table.count(day=DAY, keep=35, batch=11) == 0
    waited = time.monotonic() - begun
    slow.join()
    assert other < 0.3 < waited < 5


@pytest.fixture(scope="module")
def remote(server: Server) -> Any:
    """A warehouse behind HTTP whose next statements can be made to fail."""
    warehouse = Warehouse(server.settings())
    migrate(warehouse)
    yield warehouse
    warehouse.close()


_BATCHES = itertools.count(100)
TROUBLES: dict[str, tuple[dict[str, Any], int]] = {
    "cut after executing": ({"cut": True}, 2),
    "cut before executing": ({"refuse": True}, 0),
    "a proxy without its server": ({"unavailable": True}, 0),
    "read only for a moment": ({"reject": 242}, 0),
}


@pytest.mark.req("O3")
@pytest.mark.parametrize(("trouble", "stored"), TROUBLES.values(), ids=TROUBLES.keys())
def test_doubt_is_told_and_can_be_counted_away(
    server: Server, remote: Warehouse, trouble: dict[str, Any], stored: int
) -> None:
    """The driver never sends rows again by itself: one trouble, one TryLater, and the count says how it ended."""
    table = EventTable(remote)
    batch = next(_BATCHES)
    server.trouble(only="INSERT INTO events", **trouble)
    with pytest.raises(TryLater):
        table.insert([event(), event()], batch=batch, token=f"{batch}")
    assert table.count(day=DAY, keep=35, batch=batch) == stored
    if not stored:
        table.insert([event(), event()], batch=batch, token=f"{batch}")
        assert table.count(day=DAY, keep=35, batch=batch) == 2


@pytest.mark.req("O3")
def test_a_server_that_is_away_is_waited_for(server: Server, make_settings: Callable[..., Any]) -> None:
    """No connection at all is a reason to try later, not to stop."""
    closed = Warehouse(type(server.settings())("http://127.0.0.1:9"))
    with pytest.raises(TryLater):
        EventTable(closed).insert([event()], batch=1, token="1")
    closed.close()
