"""Processes are killed at every step of their work; every acknowledged event is in the warehouse exactly once."""

import random
import time
from pathlib import Path

import pytest

from loader.loop import LOADER_POINTS
from spool.crash import WRITER_POINTS
from spool.kinds import Kind
from spool.writer import SpoolWriter
from tests.loader.world import POISON, SMALL, World, balanced, clock, died, parcel
from tests.spool.reading import raw_records
from tests.warehouse.rows import DAY

pytestmark = pytest.mark.req("O3", "C23")


def test_a_loader_killed_after_each_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Each loader finishes what the one before was killed at, and is killed one step later."""
    world = World(tmp_path)
    sent = 0
    for point in LOADER_POINTS:
        for name in ("a", "b"):
            assert world.write(name, range(sent, sent + 80)) == 0
            sent += 40  # half of them reach the other worker too
        poisoned = point == "loader.split"
        if poisoned:
            _poison(world)
        passing = 2 if point == "loader.inserted" else 1  # with one batch of the cut stored and another not
        done = world.load(f"{point}:{passing}", *["--poison"] * poisoned)
        assert died(done.returncode), (point, done.stderr)
    assert world.load("", "--poison").returncode == 0
    found = world.numbers()
    assert set(found) == world.acknowledged == set(range(sent + 40))
    assert set(found.values()) == {1}
    view = world.view()
    assert (view.open_batches, sum(spool.pending for spool in view.spools)) == (0, 0)
    assert view.dead_letters == {(1, DAY): 1}
    balanced(view, stored=sent + 40)


@pytest.mark.long
def test_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    """Writer and loader run side by side and are killed whenever; not only where we thought of it."""
    world = World(tmp_path)
    moment = random.Random(4)
    numbers = 0
    for _ in range(25):
        loader = world.start("load")
        for name in ("a", "b"):
            writer = world.start("write", name, ",".join(map(str, range(numbers, numbers + 400))))
            time.sleep(moment.uniform(0.3, 0.9))
            world.kill(writer)
            numbers += 200
        time.sleep(moment.uniform(0, 2.5))
        world.kill(loader)
    assert world.load().returncode == 0
    found = world.numbers()
    assert len(world.acknowledged) > 1_000
    assert world.acknowledged <= set(found)
    assert set(found.values()) == {1}
    balanced(world.view(), stored=len(found))


def _poison(world: World) -> None:
    with SpoolWriter(world.spools, "a", SMALL, clock) as writer:
        writer.append_many([(Kind.EVENTS, 1, parcel(10**6, path=f"/{POISON}", day=DAY, site=1))])


@pytest.mark.parametrize("point", WRITER_POINTS)
def test_a_writer_killed_at_each_step_keeps_what_it_acknowledged(tmp_path: Path, point: str) -> None:
    """What was acknowledged is there; what was not may be, and is sent again: the spool stays whole and gapless."""
    world = World(tmp_path)
    numbers = range(400)  # segments change when the next one is ready, on a busy machine later
    passing = {"spool.open": 1, "spool.commit": 7, "spool.rotate": 1}[point.rpartition(".")[0]]
    if point == "spool.rotate.spare_made":
        passing = 2  # the first spare is made at the start
    assert died(world.write("a", numbers, f"{point}:{passing}"))
    acknowledged = frozenset(world.acknowledged)
    assert (len(acknowledged) > 0) == (not point.startswith("spool.open"))
    assert acknowledged < set(numbers)
    kept = _kept(world)
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    assert world.write("a", sorted(set(numbers) - acknowledged)) == 0
    assert set(_kept(world)) == set(numbers)


def _kept(world: World) -> list[int]:
    """The numbers in the segment files, read by SQLite itself; the records' numbers are gapless."""
    directory = world.spools / "a"
    records = raw_records(directory) if directory.is_dir() else []
    assert [record[0] for record in records] == list(range(1, len(records) + 1))
    bodies = [body for _, kind, _, _, _, body in records if kind == Kind.EVENTS]
    return [int.from_bytes(body[body.index(b"beacon--") + 8 :][:8], "big") for body in bodies]
