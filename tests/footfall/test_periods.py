"""Every store has a period, and something that ends it."""

import re

import pytest

from control_store.accounts import add_user
from control_store.erasures import ask_erasure
from control_store.people_tables import SESSIONS
from control_store.seals import Seal, all_seals, save_seals
from control_store.sites import NewSite, add_site, delete_site
from control_store.spans import Span, all_spans, save_span
from footfall.assembly import clock
from footfall.jobs import Rooms, forget_stores, jobs
from footfall.keeping import keep_in_view
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


def test_every_store_is_looked_at_and_what_is_late_is_said(rooms: Rooms) -> None:
    """Every row of the table is counted, but what the loader alone knows; a login and a message that stayed are late."""
    store, now = rooms.store, clock()
    fresh = {one.store: one for one in keep_in_view(rooms.environment, store)}
    assert list(fresh) == [one.store for one in PERIODS]
    assert [name for name, one in fresh.items() if one.amount < 0] == ["remembered beacons"]
    assert not [name for name, one in fresh.items() if one.is_late or one.amount > 0]
    user = add_user(store, "anna@x.example", "admin", "correct horse battery", now=now)
    with store.engine.begin() as connection:
        for place, expires in enumerate((now + 1_000, now - 3 * 3_600_000)):
            values = {"user": user.id, "digest": bytes([place]) * 32, "created": 1, "expires": expires}
            connection.execute(SESSIONS.insert().values(values))
    rooms.salts.salt(1, now // 86_400_000, destroy_at=now + 1_000_000)
    ask_erasure(store, "returning", 1, bytes([1]) * 16, now=now - 50 * 3_600_000)
    seen = {one.store: one for one in keep_in_view(rooms.environment, store)}
    assert (seen["logins"].amount, seen["salts"].amount, seen["withdrawals, erasures"].amount) == (2, 1, 1)
    assert [name for name, one in seen.items() if one.is_late] == ["withdrawals, erasures", "logins"]


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
    for first, run in ((old - 3, 11), (old + 1, 12)):
        save_span(
            rooms.store, Span(site, first, first + 6, run, 5, 5, {first: 3}, (), frozenset({"path"}), 1, "d" * 64)
        )
    journal = Journal(rooms.environment.spool, clock)
    days = [(site, today - 38), (site, today - 37), (0, today - 38), (0, today - 36)]
    letters = [DeadLetter("unreadable", of, day, 1, "w", n, 1, 5, b"x") for n, (of, day) in enumerate(days)]
    journal.close_cut(journal.fix(CutPlan(ranges=(), dead=tuple(letters))))
    journal.close()
    assert forget_stores(rooms) == "2 seals, 2 dead letters"
    assert {seal.run for seal in all_seals(rooms.store)} == {2, 3}
    assert [span.run for span in all_spans(rooms.store)] == [12]
    with Quarantine(rooms.environment.spool) as quarantine:
        assert [one.letter.seq for one in quarantine.letters()] == [1, 3]
    assert forget_stores(rooms) == ""


def test_aggregates_of_a_deleted_site_go_with_its_rows(rooms: Rooms) -> None:
    """At once where these have gone; a day whose rows are still there waits for them. Other sites keep theirs."""
    sites = [add_site(rooms.store, NewSite(domain), now=1) for domain in ("a.example", "b.example")]
    today = clock() // 86_400_000
    for number, site in enumerate(sites):
        rows = [
            Seal(site.id, today - back, 1, 10 * number + back, 5, 5, 9, 3, "a" * 64, purged=back) for back in (0, 3)
        ]
        save_seals(rooms.store, rows)
        week = Span(site.id, today - 9, today - 3, 50 + number, 5, 5, {today - 3: 3}, (), frozenset(), 0, "d" * 64)
        save_span(rooms.store, week)
    delete_site(rooms.store, sites[0], now=2)
    assert forget_stores(rooms) == "2 seals"
    assert [(seal.site, today - seal.day) for seal in all_seals(rooms.store)] == [
        (sites[0].id, 0),
        (sites[1].id, 3),
        (sites[1].id, 0),
    ]
    assert [span.site for span in all_spans(rooms.store)] == [sites[1].id]
