"""What comes next from the spools, and what can no longer come."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.spools import Spools
from spool.cuts import CutPlan, Range
from spool.journal import Journal
from spool.kinds import Kind
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from tests.loader.world import parcel

pytestmark = pytest.mark.req("O3")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal of the test's spools."""
    opened = Journal(tmp_path, lambda: 1)
    yield opened
    opened.close()


def write(root: Path, name: str, received: int, numbers: range) -> None:
    """Records of one moment; the writer's first tick has it too."""
    with SpoolWriter(root, name, SpoolSettings(tick_s=3600), lambda: received) as writer:
        for number in numbers:
            writer.append_many([(Kind.EVENTS, 1, parcel(number))])


def load(journal: Journal, spools: Spools, ranges: tuple[Range, ...]) -> None:
    """Let the ranges be loaded."""
    journal.close_cut(journal.fix(CutPlan(ranges=ranges)))
    spools.advance(ranges)


def test_the_spool_that_is_furthest_behind_comes_first(tmp_path: Path, journal: Journal) -> None:
    """So that watermarks, and with them the sealing of days, move together."""
    write(tmp_path, "a", 1_000, range(5))
    write(tmp_path, "b", 500, range(5, 10))
    spools = Spools(tmp_path, journal)
    spools.look()
    load(journal, spools, tuple(spools.claim(10**9, 10**9)))
    write(tmp_path, "a", 2_000, range(10, 40))
    write(tmp_path, "b", 1_500, range(40, 70))
    spools.look()
    first = spools.claim(10, 10**9)
    assert [part.spool for part in first] == ["b"]
    both = spools.claim(50, 10**9)
    assert [part.spool for part in both] == ["a", "b"]
    assert spools.pending == 60
    assert list(spools.claim_again(both).values()) == list(both.values())
    spools.close()


def test_what_was_received_before_the_horizon_cannot_come_any_more(tmp_path: Path, journal: Journal) -> None:
    """A lagging spool counts with where it stands, one without a loaded record with the beginning of time; one that is
    read up does not count."""
    spools = Spools(tmp_path, journal)
    for name, received in (("a", 1_000), ("b", 500)):
        write(tmp_path, name, received, range(3))
    spools.look()
    everything = tuple(spools.claim(10**9, 10**9))
    assert [spools.horizon(part) for part in ((), everything[:1], everything)] == [0, 0, 1_000]
    load(journal, spools, everything)
    write(tmp_path, "b", 5_000, range(3, 6))
    spools.look()
    assert spools.horizon(()) == 500
    assert spools.horizon(tuple(spools.claim(10**9, 10**9))) == 5_000
    spools.close()
