"""The legal maximum, holds, and a clock that jumps."""

from pathlib import Path
from typing import Any

import pytest

from control_store.accounts import User
from control_store.holds import BadHold, Scope, ask_hold, confirm_hold, end_hold
from control_store.purges import open_purges
from control_store.roles import Roles
from control_store.seals import all_seals, save_seals
from control_store.site_settings import SiteSettings
from control_store.sites import list_sites, save_settings
from event_catalogue.fields import POSITION
from retention.policy import LEGAL_MS, MARGIN_MS, WARNING_MS
from retention.purge import Choice
from tests.retention.place import DAY, DAY_MS, DUE_AT, SOON, Place, invented
from warehouse.client import Warehouse

_STORED = POSITION["stored_on"]
TODAY = 20_782
"""The day on which these rows are stored: the engine's own clock deletes what is older."""


@pytest.fixture
def place(tmp_path: Path, warehouse: Warehouse) -> Any:
    made = Place(tmp_path, warehouse)
    made.fill(2)
    yield made
    made.store.close()


def _people() -> tuple[User, User, User]:
    return (
        User(1, "anna@x.example", Roles("admin"), 1),
        User(2, "ben@x.example", Roles("privacy_officer"), 1),
        User(3, "cleo@x.example", Roles("analyst"), 1),
    )


@pytest.mark.req("R8")
def test_a_hold_is_a_matter_of_two_people(place: Place) -> None:
    """Asked by one, confirmed by another, of the right roles, with a reason and an end that can be."""
    anna, ben, cleo = _people()
    scope = Scope(1, DAY, DAY, place.now // DAY_MS + 100, "a claim")
    for wrong, who in (
        (scope, cleo),
        (scope._replace(reason=" "), anna),
        (scope._replace(first=DAY + 1), anna),
        (scope._replace(until=place.now // DAY_MS - 1), anna),
        (scope._replace(until=place.now // DAY_MS + 396), anna),
    ):
        with pytest.raises(BadHold):
            ask_hold(place.store, wrong, who, now=place.now)
    hold = ask_hold(place.store, scope, anna, now=place.now)
    assert not hold.keeps(1, DAY, DAY)
    for who in (anna, cleo):
        with pytest.raises(BadHold):
            confirm_hold(place.store, hold.id, who, now=place.now)
    confirmed = confirm_hold(place.store, hold.id, ben, now=place.now)
    assert (confirmed.asked_by, confirmed.confirmed_by) == (anna.email, ben.email)
    with pytest.raises(BadHold):
        confirm_hold(place.store, hold.id, ben, now=place.now)


@pytest.mark.req("R8", "R1")
def test_held_rows_stay_until_the_hold_ends(place: Place) -> None:
    """Those of its site and days, and no others; it ends by itself on its day, or when somebody ends it."""
    anna, ben, _ = _people()
    place.seal(days=(DAY, DAY + 1))
    until = DUE_AT // DAY_MS + 2
    hold = ask_hold(place.store, Scope(1, DAY, DAY, until, "a claim"), anna, now=place.now)
    assert place.purger.decide(Choice(SOON))[0].held == ()
    confirm_hold(place.store, hold.id, ben, now=place.now)
    waited = DUE_AT + 2 * DAY_MS
    held = place.purge(waited, day=DAY)
    assert [site for site, _ in held] == [1]
    assert "legal hold 1" in held[0][1]
    assert {key for key in place.rows() if key[1] == DAY} == {(1, DAY)}
    over = [one for one in place.purger.decide(Choice((until + 1) * DAY_MS)) if one.sites]
    assert [one.partition.day for one in over if one.partition.day == DAY] == [DAY]
    end_hold(place.store, hold.id, anna, now=waited)
    assert place.purge(waited, day=DAY) == []
    assert (1, DAY) not in place.rows()


def _expiring(place: Place) -> int:
    """Rows of two sites on a day of their own; when the engine deletes them (ms UTC)."""
    rows = [row for site in (1, 2) for row in invented(site, TODAY, 2)]
    for row in rows:
        row[_STORED] = TODAY
    place.insert(rows, 2000, keep=395)
    expiry = place.partitions.expiries()
    return next(at for one, at in expiry.items() if one.day == TODAY)


@pytest.mark.req("R1")
def test_at_the_legal_maximum_rows_go_proven_or_not(place: Place) -> None:
    """Told from 14 days before; a day before the engine deletes them they go, and the day is marked."""
    expiry = _expiring(place)
    for site in list_sites(place.store):
        save_settings(place.store, site, SiteSettings(raw_days=395))
    assert expiry == TODAY * DAY_MS + LEGAL_MS
    place.seal(sites=(1,), days=(TODAY,))

    def decided(now: int) -> Any:
        return next((one for one in place.purger.decide(Choice(now, day=TODAY))), None)

    assert decided(expiry - WARNING_MS - 1) is None
    warned = decided(expiry - WARNING_MS)
    assert warned.sites == ()
    assert [(held.site, "legal maximum deletes its rows on" in held.reason) for held in warned.held] == [(2, True)]
    assert decided(expiry - MARGIN_MS - 1).sites == ()
    now = expiry - MARGIN_MS
    last = decided(now)
    assert (last.method, [one.site for one in last.sites]) == ("drop", [1, 2])
    assert [held.site for held in last.unproven] == [2]
    anna, ben, _ = _people()
    hold = ask_hold(place.store, Scope(1, TODAY, TODAY, now // DAY_MS + 5, "a claim"), anna, now=now)
    confirm_hold(place.store, hold.id, ben, now=now)
    assert decided(now).sites == last.sites, "no hold outlasts the legal maximum"
    save_seals(place.store, [all_seals(place.store)[0]._replace(site=2, run=99, digest="0" * 64)])
    place.purge(now, day=TODAY)
    assert {key for key in place.rows() if key[1] == TODAY} == set()
    assert {(seal.site, seal.verified) for seal in all_seals(place.store)} == {(1, 1), (2, 0)}
    told = [(one["site"], one["verified"]) for one in place.entries()[0][1]["sites"]]
    assert told == [(1, True), (2, False)]


@pytest.mark.req("R1", "R3", "C23")
def test_what_the_engine_deleted_is_written_down_by_the_next_run(place: Place) -> None:
    """Rows that a seal has counted and that are not there after the legal maximum: expired, and accounted for."""
    place.seal()
    seals = all_seals(place.store)
    place.warehouse.command("ALTER TABLE events DELETE WHERE toUInt16(day) = 20423 AND site = 1")
    place.now = seals[0].sealed + LEGAL_MS - 1
    assert place.purger.expire() == 0
    place.now += 1
    assert place.purger.expire() == seals[0].raw_rows
    assert place.purger.expire() == 0
    assert place.gone()[1, DAY].purged == seals[0].raw_rows
    content = {"purge": 1, "day": "2025-12-01", "site": 1, "rows": seals[0].raw_rows}
    assert place.entries() == [("raw.expired", content)]
    assert place.purged_days() == [(1, DAY)]
    assert open_purges(place.store) == []


@pytest.mark.req("R1")
def test_the_legal_maximum_is_that_of_the_tables() -> None:
    """One number, in two languages."""
    for name in ("0001_events", "0002_visits"):
        text = (Path(__file__).parents[2] / "warehouse" / "migrations" / f"{name}.sql").read_text()
        assert f"TTL stored_on + INTERVAL {LEGAL_MS // DAY_MS} DAY DELETE" in text
