"""A beacon's id is remembered for 26 hours at least, through restarts and undone transactions."""

import random
import sqlite3
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spool.beacons import GENERATION_MS, BeaconMemory, generation_of

pytestmark = pytest.mark.req("O3", "C20")
HOUR_MS = 3_600_000


def opened(path: Path | str) -> sqlite3.Connection:
    """A journal file with the memory's tables."""
    connection = sqlite3.connect(path, isolation_level=None)
    schema = (resources.files("spool") / "journal.sql").read_text(encoding="utf-8")
    connection.executescript(schema)
    return connection


def identity(number: int) -> bytes:
    """An id of 16 bytes, scattered like a real one."""
    return random.Random(number).randbytes(16)


CUTS = st.lists(
    st.tuples(st.integers(0, 90), st.lists(st.integers(0, 60), max_size=15), st.sampled_from(["", "reopen", "undo"])),
    max_size=25,
)


@given(CUTS)
def test_what_was_seen_within_26_hours_is_known(cuts: list[tuple[int, list[int], str]]) -> None:
    """Whatever the order of the cuts' times: an id seen within 26 hours is found, one not seen for 39 is not, nor is
    one whose transaction was undone; sorted in or not, after a restart or not."""
    connection = opened(":memory:")
    try:
        memory = BeaconMemory(connection, fresh_limit=20)  # so that sorting in happens at all
        seen: list[tuple[int, int]] = []
        for hour, numbers, after in cuts:
            ids = [identity(number) for number in numbers]
            found = memory.seen(ids, generation_of(hour * HOUR_MS))
            for number in numbers:
                distances = [abs(hour - then) for then, known in seen if known == number]
                if distances and min(distances) <= 26:
                    assert identity(number) in found
                if not distances or min(distances) >= 39:
                    assert identity(number) not in found
            connection.execute("BEGIN")
            memory.remember({generation_of(hour * HOUR_MS): ids})
            if after == "undo":
                connection.execute("ROLLBACK")
                memory.reload()
                continue
            connection.execute("COMMIT")
            seen += [(hour, number) for number in numbers]
            if after == "reopen":
                memory = BeaconMemory(connection, fresh_limit=20)
    finally:
        connection.close()


@pytest.mark.parametrize("fresh_limit", [0, 10**6], ids=["sorted in", "fresh"])
def test_old_ids_are_dropped_and_leave_nothing(fresh_limit: int) -> None:
    """When nothing can come any more that an id could be repeated by, its table goes; until then it stays."""
    connection = opened(":memory:")
    memory = BeaconMemory(connection, fresh_limit)
    start = 10 * GENERATION_MS
    for generation in range(10, 14):
        memory.remember({generation: [identity(generation)]})
    for before in (0, start, start + 26 * HOUR_MS, start + 39 * HOUR_MS - 1):
        memory.forget(before)
        assert memory.seen([identity(10)], 10), before
    memory.forget(start + 39 * HOUR_MS)
    assert not memory.seen([identity(10)], 10)
    assert memory.seen([identity(11)], 11)
    memory.forget(100 * GENERATION_MS)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'beacons%'").fetchall()
    left = connection.execute("SELECT (SELECT count(*) FROM generations), (SELECT count(*) FROM fresh_beacons)")
    assert (tables, left.fetchone()) == ([], (0, 0))
    connection.close()


def test_many_ids_are_asked_in_any_number(tmp_path: Path) -> None:
    """More ids than are asked at once, exactly as many, and none: each answer is complete."""
    connection = opened(tmp_path / "journal.db")
    memory = BeaconMemory(connection)
    known = [identity(number) for number in range(400_000)]
    connection.execute("BEGIN")
    memory.remember({5: known})  # more than are kept in memory
    connection.execute("COMMIT")
    for size in (0, 1, 99, 100, 101, 2_500):
        asked = known[:size] + [identity(10**6 + number) for number in range(50)]
        assert memory.seen(asked, 5) == set(known[:size])
    connection.close()
