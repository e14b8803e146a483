"""The reader hands out every record once, in order, and is loud when one is missing."""

import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from spool.errors import SpoolBroken, SpoolGap
from spool.kinds import Kind, Mark, Record
from spool.reader import SpoolReader
from spool.segment import SPARE, segment_path
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from tests.spool.reading import raw_records, segments

pytestmark = pytest.mark.req("O3")
SMALL = SpoolSettings(segment_bytes=20_000, tick_s=3600, segment_age_s=3600)
NO_LIMIT = {"max_events": 10**9, "max_bytes": 10**9}


def filled(root: Path, records: int = 60, events: int = 2, size: int = 900) -> Path:
    """A spool of several segments."""
    with SpoolWriter(root, "w", SMALL, itertools.count(1_000).__next__) as writer:
        for number in range(records):
            writer.append_many([(Kind.EVENTS, events, number.to_bytes(4, "big") * (size // 4))])
            _wait_for_spare(writer)
    assert len(segments(root / "w")) > 3
    return root / "w"


def _wait_for_spare(writer: SpoolWriter) -> None:
    """Let the next segment be made, so that the next record can find it."""
    if writer._log._retiring:
        writer._log._retiring.join()


def test_reading_goes_on_across_segments(tmp_path: Path) -> None:
    """In pieces of any size, the records come once each, in order, as they were written."""
    directory = filled(tmp_path)
    expected = raw_records(directory)
    for most in (1, 7, 1_000):
        reader = SpoolReader(directory)
        found: list[Record] = []
        while piece := reader.read(found[-1].seq if found else 0, max_events=most, max_bytes=10**9):
            found += piece
        reader.close()
        assert [tuple(record) for record in found] == expected


def test_bounds_are_kept_roughly_and_progress_always(tmp_path: Path) -> None:
    """A read gives about as much as asked for, and one record even if it is larger than that."""
    reader = SpoolReader(filled(tmp_path, records=400, events=3, size=100))
    by_events = reader.read(0, max_events=300, max_bytes=10**9)
    by_bytes = reader.read(0, max_events=10**9, max_bytes=10_000)
    assert 300 <= sum(record.events or 1 for record in by_events) <= 300 + 3 * 128
    assert 9_000 <= sum(len(record.body) for record in by_bytes) <= 10_000 + 128 * 100
    assert len(reader.read(0, max_events=1, max_bytes=1)) >= 1
    reader.close()


def test_the_end_and_what_lies_beyond_a_mark(tmp_path: Path) -> None:
    """`last` is the last record; `pending` is the exact number of events after a mark."""
    directory = filled(tmp_path)
    records = raw_records(directory)
    reader = SpoolReader(directory)
    assert reader.last() == Mark(records[-1][0], records[-1][2], records[-1][4])
    for seq, _, received, _, total, _ in records:
        expected = sum(record[3] for record in records if record[0] > seq)
        assert reader.pending(Mark(seq, received, total)) == expected
    assert reader.pending(Mark()) == sum(record[3] for record in records)
    reader.close()


def test_an_empty_spool_is_empty(tmp_path: Path) -> None:
    """A registered spool whose writer died before its first segment has nothing, and that is no error."""
    reader = SpoolReader(tmp_path)
    assert reader.read(0, **NO_LIMIT) == []
    assert reader.last() == Mark()
    assert reader.release(100) == 0


def test_a_missing_segment_is_loud(tmp_path: Path) -> None:
    """Segments that somebody removed are a gap, not the end; what lies before it is still handed out."""
    directory = filled(tmp_path)
    names = segments(directory)
    (directory / names[1]).unlink()
    first, third = (int(names[place][4:24]) for place in (1, 2))
    reader = SpoolReader(directory)
    assert [record.seq for record in reader.read(0, **NO_LIMIT)] == list(range(1, first))
    with pytest.raises(SpoolGap, match=f"{first} to {third - 1}"):
        reader.read(first - 1, **NO_LIMIT)
    reader.close()


def test_a_journal_that_is_not_theirs_is_loud(tmp_path: Path) -> None:
    """Reading from a number that lies before the first kept segment is refused."""
    directory = filled(tmp_path)
    reader = SpoolReader(directory)
    reader.release(30)
    with pytest.raises(SpoolGap, match="begins with record"):
        reader.read(0, **NO_LIMIT)
    reader.close()


def test_a_missing_record_is_loud(tmp_path: Path) -> None:
    """A hole within a segment is noticed."""
    with SpoolWriter(tmp_path, "w", SMALL, lambda: 1) as writer:
        for _ in range(10):
            writer.append_many([(Kind.EVENTS, 1, b"x")] * 3)
    for name in segments(tmp_path / "w"):  # where one ends depends on when the next is ready
        _sql(tmp_path / "w" / name, "DELETE FROM groups WHERE first <= 13 AND last >= 13")
    reader, after = SpoolReader(tmp_path / "w"), 0
    with pytest.raises(SpoolGap, match=r"lacks (a record before 1[3-9]|the records 1)"):  # noqa: PT012  # read to the end
        while records := reader.read(after, **NO_LIMIT):
            after = records[-1].seq


@pytest.mark.parametrize("damage", ["substr(records, 2)", "x'90'", "x''"])
def test_a_group_that_is_damaged_is_loud(tmp_path: Path, damage: str) -> None:
    """What does not hold as many records as it says, or none that can be read, is no end and no empty group."""
    with SpoolWriter(tmp_path, "w", SMALL, lambda: 1) as writer:
        writer.append_many([(Kind.EVENTS, 1, b"x")] * 4)
    _sql(tmp_path / "w" / segments(tmp_path / "w")[0], f"UPDATE groups SET records = {damage} WHERE last > 1")
    with pytest.raises(SpoolGap, match="does not hold the records 2 to 5"):
        SpoolReader(tmp_path / "w").read(0, **NO_LIMIT)


def test_a_spool_that_was_set_back_is_loud(tmp_path: Path) -> None:
    """A spool that ends before where it was read to has lost records, or is another one under the same name."""
    directory = filled(tmp_path)
    last = raw_records(directory)[-1][0]
    reader = SpoolReader(directory)
    assert reader.read(last, **NO_LIMIT) == []
    reader.close()
    _sql(directory / segments(directory)[-1], f"DELETE FROM groups WHERE last = {last}")
    with pytest.raises(SpoolGap, match=f"ends before record {last}"):
        SpoolReader(directory).read(last, **NO_LIMIT)


def _sql(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_release_unlinks_what_is_loaded_and_nothing_else(tmp_path: Path) -> None:
    """A segment goes with its log when its last record is loaded; the one with the last record of all stays."""
    directory = filled(tmp_path)
    names = segments(directory)
    starts = [int(name[4:24]) for name in names]
    last = raw_records(directory)[-1][0]
    reader = SpoolReader(directory)
    assert reader.read(0, **NO_LIMIT)
    assert reader.release(starts[1] - 2) == 0
    assert reader.release(starts[1] - 1) == 1
    assert segments(directory) == names[1:]
    assert reader.release(last) == len(names) - 2
    assert segments(directory) == names[-1:]
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in directory.iterdir()} <= {
        "lock",
        SPARE,
        names[-1],
    }
    assert reader.last().seq == last
    reader.close()


def test_an_empty_newest_segment_keeps_its_predecessor(tmp_path: Path) -> None:
    """Killed between naming a segment and its first record: the older one knows number and time, so it stays."""
    directory = filled(tmp_path)
    last = raw_records(directory)[-1]
    shutil.copy(directory / SPARE, segment_path(directory, last[0] + 1))
    reader = SpoolReader(directory)
    reader.release(last[0])
    assert len(segments(directory)) == 2
    assert reader.last() == Mark(last[0], last[2], last[4])
    reader.close()
    with SpoolWriter(tmp_path, "w", SMALL, lambda: 0) as writer:
        assert writer.append_many([(Kind.EVENTS, 1, b"x")]) > last[0]
    assert [record[0] for record in raw_records(directory)][-1] > last[0]
    assert min(record[2] for record in raw_records(directory) if record[0] > last[0]) == last[2]


def test_what_a_killed_writer_left_is_read_and_made_durable(tmp_path: Path) -> None:
    """A log that nobody closed, a half-made spare, a log without a file: the records are read, the rest is ignored."""
    script = (
        "import os, sys; from pathlib import Path; from spool.writer import SpoolWriter; "
        "from spool.settings import SpoolSettings; from spool.kinds import Kind\n"
        f"w = SpoolWriter(Path({str(tmp_path)!r}), 'w', SpoolSettings(tick_s=3600), lambda: 77)\n"
        "[w.append_many([(Kind.EVENTS, 1, b'x')]) for _ in range(50)]\n"
        "os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=Path.cwd(), check=False).returncode == -9
    directory = tmp_path / "w"
    (directory / SPARE).write_bytes(b"SQLite format 3\0 half")
    (directory / "seg-00000000000000000000.db-wal").write_bytes(b"left")
    reader = SpoolReader(directory)
    assert sum(record.events for record in reader.read(0, **NO_LIMIT)) == 50
    reader.close()
    with SpoolWriter(tmp_path, "w", SMALL, lambda: 78) as writer:
        writer.append_many([(Kind.EVENTS, 1, b"y")])
    assert not (directory / "seg-00000000000000000000.db-wal").exists()
    assert [record[0] for record in raw_records(directory)] == list(range(1, len(raw_records(directory)) + 1))


def test_records_written_meanwhile_are_found(tmp_path: Path) -> None:
    """A reader that has reached the end goes on when there is more, in the same segment and in the next."""
    reader = SpoolReader(tmp_path / "w")
    with SpoolWriter(tmp_path, "w", SMALL, itertools.count(1).__next__) as writer:
        seen = 0
        for number in range(100):
            writer.append_many([(Kind.EVENTS, 1, b"x" * 1000)])
            _wait_for_spare(writer)
            records = reader.read(seen, **NO_LIMIT)
            assert [record.seq for record in records] == list(range(seen + 1, writer.state.last.seq + 1)), number
            seen = records[-1].seq
            assert reader.read(seen, **NO_LIMIT) == []
    assert len(segments(tmp_path / "w")) > 3
    reader.close()


def test_a_segment_of_another_release_is_refused(tmp_path: Path) -> None:
    """A schema that this release does not know is not guessed at, by neither side."""
    directory = filled(tmp_path)
    _sql(directory / segments(directory)[-1], "PRAGMA user_version = 99")
    with pytest.raises(SpoolBroken, match="schema version 99"):
        SpoolReader(directory).last()
    with pytest.raises(SpoolBroken, match="schema version 99"):
        SpoolWriter(tmp_path, "w", SMALL, lambda: 0)


def test_reading_costs_nothing_when_idle(tmp_path: Path) -> None:
    """A look at a spool without news is two system calls and a lookup, whatever lies in it: far below 0.1 ms."""
    directory = filled(tmp_path)
    reader = SpoolReader(directory)
    last = reader.last().seq
    reader.read(last, **NO_LIMIT)
    begun = os.times()
    for _ in range(1_000):
        reader.read(last, **NO_LIMIT)
    ended = os.times()
    reader.close()
    assert (ended.user + ended.system) - (begun.user + begun.system) < 0.1
