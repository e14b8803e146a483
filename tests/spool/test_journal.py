"""The journal fixes a cut whole or not at all, and never gives a batch number twice."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from spool.accounts import closed_batches, read_journal
from spool.cuts import CutPlan, DeadLetter, PlannedBatch, Range
from spool.errors import SpoolBroken, SpoolBusy
from spool.journal import Journal
from spool.kinds import Mark

pytestmark = pytest.mark.req("O3", "C23")
LETTER = DeadLetter("rejected", 1, 20_000, 1, "w", 3, 1, 500, b"body")
WEEK_MS = 7 * 86_400_000


def plan(after: int = 0, end: int = 10, batches: int = 2, beacon: bytes = b"b" * 16) -> CutPlan:
    """A cut of one spool's records."""
    return CutPlan(
        ranges=(Range("w", after, Mark(end, end * 100, end * 3)),),
        batches=tuple(PlannedBatch(20_000 + n, 35, 0, 5, f"digest{n}") for n in range(batches)),
        left_out=(("w", after + 1), ("w", after + 2)),
        tallies={(1, 20_000, "received", ""): 3 * (end - after), (1, 20_000, "stored", ""): 3 * (end - after)},
        dead=(LETTER,),
        beacons={0: [beacon]},
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal that knows the spool `w`."""
    journal = Journal(tmp_path, lambda: 1_000)
    journal.positions(["w"])
    return journal


def test_an_open_cut_is_found_as_it_was_fixed(tmp_path: Path, journal: Journal) -> None:
    """After a restart the cut, its batches' numbers and what it leaves out are the same; nothing counts as loaded."""
    fixed = journal.fix(plan())
    journal.close()
    again = Journal(tmp_path, lambda: 1_000)
    assert again.open_cut() == fixed
    assert again.positions()["w"].loaded == Mark()
    assert again.outcomes() == {}
    assert again.beacons.seen([b"b" * 16], 0) == {b"b" * 16}
    assert again.dead_letters() == 1
    again.close()


def test_a_closed_cut_moves_the_position_and_adds_up(tmp_path: Path, journal: Journal) -> None:
    """Closing is one step: position, totals and batches change together, and no cut is open any more."""
    for after in (0, 10, 20):
        journal.close_cut(journal.fix(plan(after, after + 10, beacon=bytes([after]) * 16)))
    assert journal.open_cut() is None
    assert journal.positions()["w"].loaded == Mark(30, 3_000, 90)
    assert journal.positions()["w"].watermark == 2_999
    assert journal.outcomes() == {"received": 90, "stored": 90}
    assert [(b.day, b.rows) for b in closed_batches(tmp_path)] == [(20_000, 5), (20_001, 5)] * 3
    view = read_journal(tmp_path)
    assert (view.open_batches, view.received, view.dead_letters) == (0, 90, {(1, 20_000): 3})
    journal.close()


@pytest.mark.req("P7")
def test_what_was_denied_is_counted_by_the_hour_until_its_day_is_over(tmp_path: Path, journal: Journal) -> None:
    """Added up over cuts; of days gone by, only hours with as many events as the site's smallest group are told apart."""
    hours = {(1, 20_000, "gpc", 9): 2, (1, 20_000, "gpc", 10): 3, (2, 20_000, "dnt", 9): 3, (1, 20_001, "gpc", 9): 1}
    for after in (0, 10):
        cut = replace(plan(after, after + 10, beacon=bytes([after]) * 16), hours=hours)
        fixed = journal.fix(cut)
        assert len(read_journal(tmp_path).hours) == (4 if after else 0)
        journal.close_cut(fixed)
    journal.forget_small_hours({1: 5, 2: 7}.__getitem__, before_day=20_001)
    assert read_journal(tmp_path).hours == [(1, 20_000, "gpc", 10, 6), (1, 20_001, "gpc", 9, 2)]
    assert journal.outcomes() == {"received": 60, "stored": 60}
    journal.close()


def test_a_number_is_never_used_twice(tmp_path: Path, journal: Journal) -> None:
    """Not after a restart, not after a batch was split, not when every row of the table has gone."""
    used: list[int] = []
    for after in range(0, 50, 10):
        cut = journal.fix(plan(after, after + 10, beacon=bytes([after]) * 16))
        halves = journal.split(cut, cut.batches[0], [PlannedBatch(1, 35, 0, 2, "x"), PlannedBatch(1, 35, 2, 5, "y")])
        journal.bury(halves[0], LETTER)
        used += [batch.number for batch in (*cut.batches, *halves)]
        journal.close_cut(cut)
        journal.close()
        connection = sqlite3.connect(tmp_path / "journal.db")
        connection.execute("DELETE FROM batches")
        connection.commit()
        connection.close()
        journal = Journal(tmp_path, lambda: 1_000)
    assert len(used) == len(set(used)) == 20
    assert used == sorted(used)
    journal.close()


def test_two_journals_share_no_number(tmp_path: Path) -> None:
    """Two hosts load into one warehouse, and a lost journal is followed by a new one: their numbers lie far apart."""
    firsts = []
    for name in "abcd":
        journal = Journal(tmp_path / name, lambda: 1_000)
        firsts.append(journal.fix(plan()).batches[0].number)
        journal.close()
    assert len({number >> 32 for number in firsts}) == 4
    assert all(0 < number < 2**63 for number in firsts)


def test_what_takes_the_place_of_a_rejected_batch(tmp_path: Path, journal: Journal) -> None:
    """A split batch is gone and its halves are open; a buried one is gone and its row a dead letter; in one step."""
    cut = journal.fix(plan(batches=1))
    halves = journal.split(cut, cut.batches[0], [PlannedBatch(1, 35, 0, 1, "x"), PlannedBatch(1, 35, 1, 5, "y")])
    found = journal.open_cut()
    assert found is not None
    assert found.batches == halves
    journal.bury(halves[0], LETTER)
    found = journal.open_cut()
    assert found is not None
    assert found.batches == halves[1:]
    assert journal.dead_letters() == 2
    journal.close()


def test_fixing_is_all_or_nothing(tmp_path: Path, journal: Journal) -> None:
    """A fix that fails in the middle leaves no cut, no batch, no dead letter and no remembered beacon."""
    broken = plan()
    broken.beacons[1] = [b"x" * 16, None]  # type: ignore[index,list-item]
    with pytest.raises(TypeError):
        journal.fix(broken)
    assert journal.open_cut() is None
    assert journal.dead_letters() == 0
    assert journal.beacons.seen([b"b" * 16, b"x" * 16], 0) == set()
    journal.fix(plan())
    journal.close()


def test_one_loader_a_root(tmp_path: Path, journal: Journal) -> None:
    """A second loader is refused by lock, with a sentence, until the first has closed."""
    with pytest.raises(SpoolBusy, match="Another loader"):
        Journal(tmp_path, lambda: 1_000)
    journal.close()
    Journal(tmp_path, lambda: 1_000).close()


def test_closed_batches_are_remembered_for_a_week(tmp_path: Path) -> None:
    """Long enough to compare them with the warehouse, and then the journal does not grow."""
    now = [1_000]
    journal = Journal(tmp_path, lambda: now[0])
    journal.positions(["w"])
    journal.close_cut(journal.fix(plan(batches=1)))
    now[0] += WEEK_MS - 1
    journal.close_cut(journal.fix(plan(10, 20, batches=1, beacon=b"c" * 16)))
    assert len(closed_batches(tmp_path)) == 2
    now[0] += 1
    journal.close_cut(journal.fix(plan(20, 30, batches=1, beacon=b"d" * 16)))
    assert len(closed_batches(tmp_path)) == 2
    journal.close()


def test_a_retired_spool_counts_and_its_name_begins_anew(tmp_path: Path, journal: Journal) -> None:
    """Its events stay in the sum of what was received; a new spool of the same name starts at its beginning."""
    journal.close_cut(journal.fix(plan()))
    journal.retire("w")
    assert "w" not in journal.positions()
    assert journal.positions(["w"])["w"].loaded == Mark()
    journal.close_cut(journal.fix(plan(0, 5, beacon=b"c" * 16)))
    view = read_journal(tmp_path)
    assert view.received == 30 + 15
    assert [spool.name for spool in view.spools] == ["w"]
    journal.close()


def test_a_journal_of_another_release_is_refused(tmp_path: Path, journal: Journal) -> None:
    """A schema that this release does not know is not guessed at."""
    journal.close()
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SpoolBroken, match="schema version 99"):
        Journal(tmp_path, lambda: 1_000)
