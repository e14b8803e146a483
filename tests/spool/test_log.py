"""The log behind a writer goes on after any failure, at any step, with no record lost and no number given twice."""

import asyncio
import errno
import itertools
import logging
from collections import Counter
from pathlib import Path

import pytest

from spool.crash import WRITER_POINTS, CrashPoints
from spool.errors import SpoolRefusal
from spool.kinds import Kind
from spool.reader import SpoolReader
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from tests.spool.reading import raw_records, segments

pytestmark = pytest.mark.req("O3")
SMALL = SpoolSettings(segment_bytes=30_000, tick_s=3600)


class FailAt(CrashPoints):
    """Lets the system fail at one point, a few times."""

    def __init__(self, point: str, error: int) -> None:
        self.point = point
        self.error = error
        self.passings: Counter[str] = Counter()

    def __call__(self, point: str) -> None:
        self.passings[point] += 1
        if point == self.point and self.passings[point] in (2, 3, 5):
            raise OSError(self.error, "as asked")


POINTS = [point for point in WRITER_POINTS if not point.startswith("spool.open") and point != "spool.commit.woken"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize("point", POINTS)
def test_a_failure_at_any_step_mends_itself(
    tmp_path: Path, point: str, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of the failed group are refused and try again; in the end every number is there, gapless, and readable."""
    caplog.set_level(logging.CRITICAL)
    crash = FailAt(point, error)

    async def send() -> set[int]:
        acknowledged: set[int] = set()
        with SpoolWriter(tmp_path, "w", SMALL, itertools.count(1).__next__, crash) as writer:
            for number in range(60):
                while True:
                    try:
                        await writer.append(Kind.EVENTS, 1, number.to_bytes(8, "big") * 100)
                    except SpoolRefusal:
                        await asyncio.sleep(0.01)
                        continue
                    acknowledged.add(number)
                    break
                await asyncio.sleep(0.004)  # time for the next segment to be made
        return acknowledged

    acknowledged = asyncio.run(send())
    assert crash.passings[point] >= 2
    records = raw_records(tmp_path / "w")
    assert [record[0] for record in records] == list(range(1, len(records) + 1))
    assert [record[4] for record in records] == list(itertools.accumulate(record[3] for record in records))
    read = SpoolReader(tmp_path / "w").read(0, max_events=10**9, max_bytes=10**9)
    assert [tuple(record) for record in read] == records
    found = {int.from_bytes(record[5][:8], "big") for record in records if record[1] == Kind.EVENTS}
    assert found == acknowledged == set(range(60))
    assert len(segments(tmp_path / "w")) > 2
