"""A clock that may be wrong deletes nothing, until a person says that it is right; to look ahead says nothing."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from control_store.salts import SaltFile
from control_store.seals import all_seals, save_seals
from footfall import jobs
from footfall.assembly import make_directories
from footfall.environment import read_environment
from footfall.jobs import Rooms
from footfall.purging import PurgeWish, Purging
from footfall.sealing import ClockJump, Sealing, Wish
from retention.backup import Backups
from spool.crash import crash_points
from tests.retention.place import DAY, DAY_MS, SOON, Place
from tests.warehouse.engine import fresh_warehouse

pytestmark = pytest.mark.req("R1", "R4")
LOOKS: tuple[Callable[["Clocked"], object], ...] = (
    lambda one: one.purging.fulfil(PurgeWish(one.place.now, 0, -1, dry_run=True)),
    lambda one: one.sealing.fulfil(Wish(one.place.now, False, 0, -1, dry_run=True), lambda _: None),
)
"""Ways to look ahead."""


class Clocked:
    """A place whose first day is sealed and not due yet, and whose jobs have run."""

    def __init__(self, root: Path) -> None:
        self.warehouse = fresh_warehouse()
        self.place = Place(root, self.warehouse)
        self.place.fill(1)
        self.place.seal()
        self.environment = read_environment({"data": root, "backup_dir": str(root / "backups")}, {})
        make_directories(self.environment)
        place = self.place
        self.sealing = Sealing(
            self.warehouse, place.store, nullcontext, place.clock, crash_points(""), spools=place.spools
        )
        self.purging = Purging(self.environment, place.store, self.warehouse, self.sealing)
        self.salts = SaltFile(self.environment.salts, place.clock)
        self.rooms = Rooms(self.environment, place.store, self.salts, self.warehouse, place.events, nullcontext)
        assert self.purging.run() == ""

    def close(self) -> None:
        """Give back what is open."""
        self.salts.close()
        self.place.store.close()
        self.warehouse.close()


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clocked]:
    """One of them."""
    made = Clocked(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("look", LOOKS, ids=("purge", "seal"))
def test_a_clock_that_jumps_purges_nothing_until_it_is_confirmed(
    clocked: Clocked, look: Callable[[Clocked], object]
) -> None:
    """Refused again and again, also after a look ahead; a step back changes nothing; who asks in earnest is obeyed."""
    place, rows = clocked.place, clocked.place.rows()
    before = place.now
    for now in (SOON, before, SOON):
        place.now = now
        assert ("days beyond" in clocked.purging.run()) == (now == SOON)
        look(clocked)
    with pytest.raises(ClockJump):
        clocked.purging.fulfil(PurgeWish(0, 0, -1, dry_run=False))
    assert place.rows() == rows
    told = clocked.purging.fulfil(PurgeWish(SOON, 0, -1, dry_run=False), patience_s=30)
    assert [one["day"] for one in told["purged"]] == [one["day"] for one in told["due"]] != []
    assert {key for key in rows if key not in place.rows()} == {(1, DAY), (2, DAY)}
    assert "days beyond" not in clocked.purging.run()


def test_a_seal_of_another_moment_confirms_the_clock_and_not_that_moment(clocked: Clocked) -> None:
    """Asked for a moment far ahead; when the clock says it, it is refused all the same."""
    clocked.sealing.fulfil(Wish(SOON + 400 * DAY_MS, False, 0, -1, dry_run=False), lambda _: None)
    clocked.place.now = SOON
    assert "days beyond" in clocked.purging.run()


def test_a_clock_years_ahead_ends_neither_aggregates_nor_backups(
    clocked: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What forgets does nothing and says why; by a clock that is confirmed it does what is due."""
    place = clocked.place
    monkeypatch.setattr(jobs, "clock", place.clock)
    monkeypatch.setattr("footfall.backing_up.clock", place.clock)
    kept = jobs.Aggregating(clocked.rooms)
    assert "made" in kept.back_up()
    backups = Backups(Path(clocked.environment.backup_dir))
    save_seals(place.store, [one._replace(purged=one.sealed) for one in all_seals(place.store)])
    seals = len(all_seals(place.store))
    assert seals == 2
    place.now += 3 * 366 * DAY_MS
    for forget in (jobs.forget_stores, jobs.forget_people, jobs.forget_choices):
        assert "days beyond" in jobs.by_a_sure_clock(clocked.rooms, forget)
    assert "days beyond" in kept.back_up()
    assert (len(all_seals(place.store)), len(backups.list())) == (seals, 1)
    clocked.sealing.confirm_clock(place.now)
    assert jobs.by_a_sure_clock(clocked.rooms, jobs.forget_stores) == "2 seals"
    assert "destroyed" in kept.back_up()
    assert all_seals(place.store) == []


def test_every_job_that_forgets_asks_for_a_sure_clock(clocked: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of jobs, as it runs: none of them works by a clock that jumped."""
    place = clocked.place
    monkeypatch.setattr(jobs, "clock", place.clock)
    place.now += 3 * 366 * DAY_MS
    by_name = {job.name: job for job in jobs.jobs(clocked.rooms)}
    for name in ("stores.forget", "people.forget", "choices.forget", "backups.keep"):
        assert "days beyond" in by_name[name].work(), name
