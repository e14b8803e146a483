"""A dead letter can be read, and when it is deleted its bytes leave the disk."""

from pathlib import Path

import pytest

from spool.cuts import CutPlan, DeadLetter
from spool.errors import SpoolBroken
from spool.journal import Journal
from spool.quarantine import Quarantine

pytestmark = pytest.mark.req("O3", "R2", "R6")


def letter(number: int) -> DeadLetter:
    """A letter with bytes that can be looked for."""
    return DeadLetter("rejected", 1, 20_000, 1, "w", number, 1, 500, f"needle-{number}-".encode() * 300)


def on_disk(root: Path, needle: bytes) -> bool:
    """Whether the bytes lie in any file under the root."""
    return any(needle in path.read_bytes() for path in root.rglob("*") if path.is_file())


def test_letters_are_read_in_order_and_deleted_physically(tmp_path: Path) -> None:
    """Beside a running loader: those asked for go, overwritten in file and log; the others stay."""
    journal = Journal(tmp_path, lambda: 1)
    journal.close_cut(journal.fix(CutPlan(ranges=(), dead=tuple(letter(number) for number in range(250)))))
    with Quarantine(tmp_path) as quarantine:
        found = list(quarantine.letters())
        assert [one.letter for one in found] == [letter(number) for number in range(250)]
        assert on_disk(tmp_path, b"needle-7-")
        assert quarantine.delete([one.number for one in found if one.letter.seq % 2]) == 125
        assert [one.letter.seq for one in quarantine.letters()] == list(range(0, 250, 2))
        assert quarantine.delete([]) == 0
    assert not any(on_disk(tmp_path, f"needle-{number}-".encode()) for number in range(1, 250, 2))
    assert on_disk(tmp_path, b"needle-8-")
    assert journal.dead_letters() == 125
    journal.close()


def test_nothing_is_made_where_there_is_no_journal(tmp_path: Path) -> None:
    """Looking at dead letters before anything was loaded is told, and leaves no file behind."""
    with pytest.raises(SpoolBroken):
        Quarantine(tmp_path)
    assert list(tmp_path.iterdir()) == []
