"""A crash point does nothing, unless a test has asked for a death there."""

import subprocess
import sys

import pytest

from spool.crash import WRITER_POINTS, CrashPoints, KillAt, crash_points


def test_by_default_nothing_happens() -> None:
    """Every point may be passed any number of times."""
    for text in ("", "other", "other:2"):
        for _ in range(3):
            crash_points(text)("spool.commit.begun")


def test_what_a_text_asks_for() -> None:
    """A name alone is the first passing; a bad number is an error."""
    assert type(crash_points("")) is CrashPoints
    assert type(crash_points("a.b:3")) is KillAt
    with pytest.raises(ValueError, match="x"):
        crash_points("a.b:x")


@pytest.mark.parametrize(("asked", "passed"), [("a.b", 0), ("a.b:1", 0), ("a.b:3", 2)])
def test_death_comes_at_the_passing_that_was_asked_for(asked: str, passed: int) -> None:
    """kill -9, without a flush, exactly there."""
    script = (
        "import os; from spool.crash import crash_points\n"
        f"crash = crash_points({asked!r})\n"
        "for n in range(9):\n    crash('a.other'); crash('a.b'); os.write(1, b'.')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-9, b"." * passed)


def test_names_are_unique_and_tell_their_room() -> None:
    """A test that goes through all points goes through each once."""
    assert len(set(WRITER_POINTS)) == len(WRITER_POINTS)
    assert {point.split(".")[0] for point in WRITER_POINTS} == {"spool"}
