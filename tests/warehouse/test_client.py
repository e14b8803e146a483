"""The door to ClickHouse: slots, limits, cancelling, silence about values."""

import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.engine import directory
from tests.warehouse.rows import event
from warehouse.client import Warehouse
from warehouse.errors import Broken, TryLater, WarehouseError
from warehouse.events import EventTable
from warehouse.settings import WarehouseSettings
from warehouse.slots import Slot

SLEEP = "SELECT sum(sleepEachRow(0.1)) FROM numbers({tenths:UInt32}) SETTINGS max_block_size = 1"


class Asking:
    """A statement in a thread of its own; it sleeps, unless told otherwise."""

    def __init__(self, warehouse: Warehouse, slot: Slot, tenths: int, name: str = "", sql: str = SLEEP) -> None:
        self.error: WarehouseError | None = None
        self.ended = time.monotonic()
        self.thread = threading.Thread(target=self._run, args=(warehouse, slot, tenths, name, sql))
        self.thread.start()

    def _run(self, warehouse: Warehouse, slot: Slot, tenths: int, name: str, sql: str) -> None:
        try:
            warehouse.select(sql, {"tenths": tenths}, slot, query_id=name)
        except WarehouseError as error:
            self.error = error
        self.ended = time.monotonic()

    def end(self) -> WarehouseError | None:
        """What went wrong, once it has ended."""
        self.thread.join(20)
        return self.error


@pytest.mark.parametrize(
    "value",
    ["", "a'b", "a\\b", "a\tb\nc\r", "{x:String}", "\\N", "ü€😀", "\0z", "%s %(a)s", "'; DROP TABLE events; --", "`"],
)
@pytest.mark.req("D5")
def test_a_value_arrives_as_it_is(shared: Warehouse, value: str) -> None:
    """Whatever a text holds, it is a value: alone, in a list, and never part of the statement."""
    params = {"v": value, "l": (value, "z")}
    assert shared.select("SELECT {v:String}, {l:Array(String)}", params, "console") == [(value, [value, "z"])]


@pytest.mark.req("O4")
def test_the_console_has_two_places_and_no_more(open_warehouse: Callable[..., Warehouse]) -> None:
    """Two questions run at once; a third waits for its limit and is told to come later; other slots go on meanwhile."""
    warehouse = open_warehouse(wait_seconds=0.3)
    running = [Asking(warehouse, "console", 20), Asking(warehouse, "console", 20)]
    time.sleep(0.2)
    with pytest.raises(TryLater, match="console is busy"):
        warehouse.select("SELECT 1", {}, "console")
    for slot in ("loader", "seal", "control"):
        warehouse.select("SELECT 1", {}, slot)
    assert all(one.thread.is_alive() for one in running), "the other slots waited for the console"
    assert [one.end() for one in running] == [None, None]
    assert abs(running[0].ended - running[1].ended) < 1.5, "one question waited for the other"
    assert warehouse.select("SELECT 1", {}, "console") == [(1,)]


@pytest.mark.req("O4")
def test_a_cancelled_question_ends_and_others_go_on(shared: Warehouse) -> None:
    """Cancelling by name stops that statement alone; its caller learns that it may ask again."""
    victim, other = Asking(shared, "console", 80, "question-1"), Asking(shared, "console", 8, "question-11")
    time.sleep(0.3)
    begun = time.monotonic()
    shared.cancel("question-1")
    error = victim.end()
    assert time.monotonic() - begun < 3
    assert isinstance(error, TryLater)
    assert error.code == 394
    assert other.end() is None
    shared.cancel("question-1")  # nothing of that name runs: nothing happens
    bystander = Asking(shared, "console", 3)
    time.sleep(0.1)
    shared.cancel("x' OR 1 OR '")
    shared.cancel("")
    assert bystander.end() is None


MUCH = 128 * 1024 * 1024


@pytest.mark.req("O4")
def test_a_cancelled_question_gives_its_memory_back(shared: Warehouse) -> None:
    """What it held when it was given up, hundreds of megabytes, the engine has again within seconds; again and again."""

    def tracked() -> int:
        """Bytes that the engine counts as taken."""
        rows = shared.select("SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'", {}, "control")
        return int(rows[0][0])

    before, most = tracked(), 0
    for turn in range(3):
        name = f"question-much-{turn}"
        greedy = Asking(
            shared, "console", 0, name, "SELECT uniqExact(number + {tenths:UInt32}) FROM numbers(4000000000)"
        )
        end = time.monotonic() + 60
        while (held := tracked() - before) < MUCH and time.monotonic() < end:
            time.sleep(0.02)
        most = max(most, held)
        shared.cancel(name)
        assert isinstance(greedy.end(), TryLater)
        end = time.monotonic() + 10
        while (left := tracked() - before) > MUCH / 8 and time.monotonic() < end:
            time.sleep(0.05)
        assert left <= MUCH / 8, f"{left:,} bytes are still held after question {turn}"
    assert most >= MUCH, "no question ever held as much as this test is about"


@pytest.mark.req("O4")
def test_a_question_that_waits_can_be_cancelled(shared: Warehouse) -> None:
    """A question that is given up before its turn never runs, and costs the engine nothing."""
    running = [Asking(shared, "console", 5), Asking(shared, "console", 5)]
    time.sleep(0.2)
    waiting = Asking(shared, "console", 100, "question-2")
    time.sleep(0.1)
    shared.cancel("question-2")
    begun = time.monotonic()
    error = waiting.end()
    assert time.monotonic() - begun < 3
    assert isinstance(error, TryLater)
    assert error.code == 394
    assert [one.end() for one in running] == [None, None]


@pytest.mark.req("O4")
def test_a_question_is_cancelled_in_the_moment_it_starts(shared: Warehouse) -> None:
    """However close to its beginning a question is given up, it does not run to its end."""
    for delay in (0, 0.001, 0.003, 0.01):
        one = Asking(shared, "console", 60, f"question-{delay}")
        time.sleep(delay)
        begun = time.monotonic()
        while not shared._named._statements:  # until it is under way
            time.sleep(0.0005)
        shared.cancel(f"question-{delay}")
        assert isinstance(one.end(), TryLater)
        assert time.monotonic() - begun < 3


@pytest.mark.req("O4")
def test_a_question_that_takes_too_long_is_stopped(open_warehouse: Callable[..., Warehouse]) -> None:
    """The console's time limit ends a statement; the seal's is its own."""
    warehouse = open_warehouse(console_seconds=1, seal_seconds=77)
    with pytest.raises(TryLater) as caught:
        warehouse.select(SLEEP, {"tenths": 40}, "console")
    assert caught.value.code == 159
    assert [
        tuple(map(int, row)) for row in warehouse.select("SELECT getSetting('max_execution_time')", {}, "seal")
    ] == [(77,)]


@pytest.mark.req("O4")
def test_a_question_that_takes_too_much_memory_is_stopped(open_warehouse: Callable[..., Warehouse]) -> None:
    """One statement can't take the memory of the rest."""
    warehouse = open_warehouse(query_memory_bytes=50 << 20)
    with pytest.raises(TryLater) as caught:
        warehouse.select("SELECT length(groupArray(number)) FROM numbers(20000000)", {}, "console")
    assert caught.value.code == 241
    assert warehouse.select("SELECT length(groupArray(number)) FROM numbers(1000)", {}, "console") == [(1000,)]


@pytest.mark.req("C1", "R2")
def test_statements_are_not_logged(shared: Warehouse) -> None:
    """The engine keeps no log of statements, whose text would outlive the rows it speaks of."""
    values = shared.select(
        "SELECT getSetting('log_queries'), getSetting('query_profiler_real_time_period_ns')", {}, "seal"
    )
    assert [tuple(map(int, row)) for row in values] == [(0, 0)]
    logs = shared.select(
        "SELECT count() FROM system.tables WHERE database = 'system' AND name IN "
        "('query_log', 'trace_log', 'text_log', 'metric_log', 'query_thread_log', 'processors_profile_log')",
        {},
        "control",
    )
    assert logs == [(0,)]


FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "a value of the wrong type": ("SELECT {v:UInt8}", {"v": "secret-value"}),
    "an error that quotes data": ("SELECT toUInt8({v:String})", {"v": "secret-value"}),
    "an error in the middle of the answer": (
        "SELECT throwIf(number = 300000, concat('', 'secret-value')) FROM numbers(400000)",
        {},
    ),
    "half a character": ("SELECT {v:String}", {"v": "secret-value\ud800"}),
}


@pytest.mark.req("C1", "O5")
@pytest.mark.parametrize(("sql", "params"), FAILURES.values(), ids=FAILURES.keys())
def test_an_error_shows_no_value(
    shared: Warehouse, sql: str, params: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the message nor the traceback nor a log line repeats what was asked with."""
    with pytest.raises(WarehouseError) as caught:
        shared.select(sql, params, "console")
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "secret-value" not in told.replace('"secret-value', "")  # this file's own line is quoted by the traceback
    assert caught.value.__context__ is None


@pytest.mark.req("C1", "R2")
def test_rows_on_their_way_touch_no_file(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows go in without a temporary file, which a kill would leave behind: there is no directory for one."""
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    EventTable(warehouse).insert([event()], batch=1, token="1")
    assert EventTable(warehouse).partition_counts() == {(1, 20_400): 1}


@pytest.mark.req("O5")
def test_a_directory_that_is_open_elsewhere_is_one_sentence() -> None:
    """A second process is told what is wrong, with what, and what to do."""
    code = (
        "from warehouse.client import Warehouse\n"
        "from warehouse.settings import WarehouseSettings\n"
        "from warehouse.errors import Broken\n"
        f"try: Warehouse(WarehouseSettings('chdb://{directory()}', memory_bytes=1 << 30))\n"
        "except Broken as error: print(error.code, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(
        f"36 The warehouse in {directory()} is open in another process ({os.getpid()}): stop "
    )
    assert done.stderr == "", "the engine itself says nothing"


@pytest.mark.parametrize(
    "dsn",
    ["", "chdb:data", "chdb://host/data", "ftp://x", "chdb:///d?database=a b", "chdb:///d?option=1", "postgres://x/y"],
)
def test_an_address_that_means_nothing_is_refused(dsn: str, tmp_path: Path) -> None:
    """Anything but the two forms is named as wrong before a file is made."""
    with pytest.raises(Broken):
        Warehouse(WarehouseSettings(dsn))


def test_a_password_does_not_show() -> None:
    """Settings can be printed."""
    assert "hunter2" not in repr(WarehouseSettings("http://user:hunter2@localhost/db"))


def test_closing_waits_for_what_runs(open_warehouse: Callable[..., Warehouse]) -> None:
    """A statement that runs when the warehouse is closed ends properly."""
    warehouse = open_warehouse()
    running = Asking(warehouse, "seal", 5)
    time.sleep(0.2)
    warehouse.close()
    assert not running.thread.is_alive() or running.end() is None
    assert running.end() is None
