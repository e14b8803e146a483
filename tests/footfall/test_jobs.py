"""What runs by itself over salts and sites: made in time, destroyed in time, published when there is something new."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from control_store.choices import take_choices
from control_store.refused_hosts import refused_hosts, take_host
from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_site
from control_store.snapshot import read_snapshot
from control_store.taking import Place
from event_catalogue.choice import ChoiceRecord
from footfall.assembly import clock
from footfall.jobs import Rooms, destroy_salts, forget_choices, jobs, make_salts, publish_changes

DAY_MS: Final = 86_400_000
EPOCH: Final = date(1970, 1, 1)


def test_every_job_has_a_name_of_its_own_and_says_what_it_does(rooms: Rooms) -> None:
    """The table is what the docs and the status show."""
    table = jobs(rooms)
    assert len({job.name for job in table}) == len(table)
    assert all(job.meaning and job.every_s > 0 for job in table)


@pytest.mark.req("R2")
@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_salts_are_made_six_hours_before_their_day(rooms: Rooms, zone: str) -> None:
    """Today's, and six hours before midnight tomorrow's; each until 24 hours after its day, by the site's clock."""
    site = add_site(rooms.store, NewSite("shop.example", zone), now=clock())
    before = datetime.now(ZoneInfo(zone))
    assert make_salts(rooms) == ""
    wanted = {(moment.date() - EPOCH).days for moment in (before, before + timedelta(hours=6))}
    assert {(salt.site, salt.day) for salt in rooms.salts._known.values()} == {(site.id, day) for day in wanted}
    for salt in rooms.salts._known.values():
        midnight = datetime.combine(EPOCH + timedelta(days=salt.day + 1), datetime.min.time(), ZoneInfo(zone))
        assert salt.destroy_at == int(midnight.timestamp()) * 1000 + DAY_MS
    made = dict(rooms.salts._known)
    make_salts(rooms)
    assert made.items() <= rooms.salts._known.items()


@pytest.mark.req("R2", "R3")
def test_overdue_salts_are_destroyed_and_named_once(rooms: Rooms) -> None:
    """By their key ids, never by their bytes; the next run has nothing to say."""
    now = clock()
    secret = rooms.salts.salt(1, 5, destroy_at=now + 50)
    rooms.salts._clock = lambda: now + 50
    message = destroy_salts(rooms)
    assert message.startswith("1 destroyed: ")
    assert len(bytes.fromhex(message.rpartition(" ")[2])) == 8
    assert secret.hex()[:8] not in message
    assert secret not in rooms.environment.salts.read_bytes()
    assert destroy_salts(rooms) == ""


@pytest.mark.req("R4", "P4")
def test_what_visitors_chose_is_kept_for_its_periods(rooms: Rooms) -> None:
    """Receipts a year after their grants ended, counts with the site's statistics, hosts for 90 days; each told once."""
    site = add_site(rooms.store, NewSite("shop.example", settings=SiteSettings(aggregate_months=1)), now=clock())
    old = clock() - 800 * DAY_MS
    for seq, at in enumerate((old, clock()), 1):
        grant = ChoiceRecord(site.id, "grant", at, "1", True, receipt=bytes([seq]) * 16)
        take_choices(rooms.store, Place("w0", 2 * seq), [grant, ChoiceRecord(site.id, "refusal", at, "1")])
        take_host(rooms.store, Place("w0", 2 * seq + 1), site.id, f"h{seq}.example", at=at)
    assert forget_choices(rooms) == "1 receipts, 1 counts, 1 hosts"
    assert forget_choices(rooms) == ""
    assert [one.hostname for one in refused_hosts(rooms.store, site.id)] == ["h2.example"]


@pytest.mark.req("O3")
@pytest.mark.parametrize("broken", [None, b"", b"\xc1 of another release"])
def test_the_snapshot_is_published_when_it_is_not_the_newest(rooms: Rooms, broken: bytes | None) -> None:
    """When a site changed, and also when what lies there can't be read; not otherwise."""
    path = rooms.environment.snapshot
    assert (publish_changes(rooms), publish_changes(rooms)) == ("published", "")
    add_site(rooms.store, NewSite("shop.example"), now=clock())
    assert (publish_changes(rooms), publish_changes(rooms)) == ("published", "")
    path.unlink() if broken is None else path.write_bytes(broken)
    assert publish_changes(rooms) == "published"
    assert [site.domain for site in read_snapshot(path).sites] == ["shop.example"]
