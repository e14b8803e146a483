"""What a collector remembers of senders is bounded: strangers without end take no more memory than the first of them."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.req("O4")


def resident(*marks: int) -> list[float]:
    """MiB after so many beacons of strangers."""
    command = [sys.executable, "-m", "tests.collector.remembering", *map(str, marks)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def test_strangers_leave_nothing_behind() -> None:
    """From where every memory is full on: 10,000 agents and addresses, 4,096 of smaller things."""
    full, later = resident(10_500, 13_000)
    assert later - full < 4


@pytest.mark.long
def test_a_million_strangers_leave_nothing_behind() -> None:
    """The same over a million, to see what creeps."""
    empty, full, later = resident(1, 120_000, 1_000_000)
    assert full - empty < 100
    assert later - full < 8
