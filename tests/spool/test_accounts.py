"""What a journal says to those who only ask, with the loader running, stopped, or never started."""

import shutil
from pathlib import Path

import pytest

from spool.accounts import JournalView, read_journal
from spool.cuts import CutPlan, Range
from spool.journal import Journal
from spool.kinds import Kind
from spool.reader import SpoolReader
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter

pytestmark = pytest.mark.req("C23", "O5")


def test_where_nothing_is_there_is_nothing(tmp_path: Path) -> None:
    """No spool, no journal: zeros, and no file is made by asking."""
    assert read_journal(tmp_path / "none") == JournalView([], [], {}, 0, [], 0)
    assert read_journal(tmp_path) == JournalView([], [], {}, 0, [], 0)
    assert list(tmp_path.iterdir()) == []


def test_every_spool_is_listed_with_watermark_and_pending(tmp_path: Path) -> None:
    """Beside writer and loader: one that nobody has read, one that is read in part, one whose directory is lost."""
    writers = [SpoolWriter(tmp_path, name, SpoolSettings(tick_s=3600), lambda: 700) for name in ("lost", "new", "part")]
    for writer in writers:
        writer.append_many([(Kind.EVENTS, 3, b"x")] * 5)
    journal = Journal(tmp_path, lambda: 1)
    journal.positions(["lost", "part"])
    end = SpoolReader(tmp_path / "part").last()
    read = end._replace(seq=end.seq - 2, total=end.total - 6)
    journal.close_cut(journal.fix(CutPlan(ranges=(Range("part", 0, read), Range("lost", 0, end)))))
    writers[0].close()
    shutil.rmtree(tmp_path / "lost")
    view = read_journal(tmp_path)
    assert [tuple(spool) for spool in view.spools] == [("lost", 699, 0), ("new", -1, 15), ("part", 699, 6)]
    assert view.received == 15 + 9
    journal.close()
    for writer in writers[1:]:
        writer.close()
    assert read_journal(tmp_path) == view
