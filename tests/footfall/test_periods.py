"""Every store has a period, and something that ends it."""

import re

import pytest

from control_store.seals import Seal, all_seals, save_seals
from control_store.sites import NewSite, add_site
from footfall.assembly import clock
from footfall.jobs import Rooms, forget_stores, jobs
from footfall.periods import PERIODS
from spool.cuts import CutPlan, DeadLetter
from spool.journal import Journal
from spool.quarantine import Quarantine

pytestmark = pytest.mark.req("R4")


def test_every_job_that_ends_a_period_is_there(rooms: Rooms) -> None:
    """The table names no job that does not run."""
    named = {name for one in PERIODS for name in re.findall(r"`([a-z]+\.[a-z]+)`", one.ended_by)}
    assert {"days.purge", "salts.destroy", "people.forget", "choices.forget"} <= named
    assert named <= {job.name for job in jobs(rooms)}
    assert len({one.store for one in PERIODS}) == len(PERIODS)


def test_aggregates_and_dead_letters_go_after_their_period(rooms: Rooms) -> None:
    """Seals after `aggregate_months` once their raw rows are gone; letters with the raw rows of their day."""
    site = add_site(rooms.store, NewSite("shop.example"), now=1).id
    today = clock() // 86_400_000
    old = today - 25 * 31 - 1
    seals = [
        Seal(site, old, 1, 1, 5, 5, 9, 3, "a" * 64, purged=7),
        Seal(site, old - 9, 1, 2, 5, 5, 9, 3, "b" * 64),
        Seal(site, old + 1, 1, 3, 5, 5, 9, 3, "c" * 64, purged=7),
    ]
    save_seals(rooms.store, seals)
    journal = Journal(rooms.environment.spool, clock)
    days = [(site, today - 38), (site, today - 37), (0, today - 38), (0, today - 36)]
    letters = [DeadLetter("unreadable", of, day, 1, "w", n, 1, 5, b"x") for n, (of, day) in enumerate(days)]
    journal.close_cut(journal.fix(CutPlan(ranges=(), dead=tuple(letters))))
    journal.close()
    assert forget_stores(rooms) == "1 seals, 2 dead letters"
    assert {seal.run for seal in all_seals(rooms.store)} == {2, 3}
    with Quarantine(rooms.environment.spool) as quarantine:
        assert [one.letter.seq for one in quarantine.letters()] == [1, 3]
    assert forget_stores(rooms) == ""
