"""Receipts, counts and withdrawals are taken from the spool once, and what they hold says nothing about a person."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import pytest

from control_store.choices import (
    choice_counts,
    close_withdrawal,
    forget_choice_counts,
    forget_receipts,
    open_withdrawals,
    receipt,
    take_choices,
)
from control_store.refused_hosts import KEPT_DAYS, forget_hosts, refused_hosts, settle_host, take_host
from control_store.sites import NewSite, add_site, delete_site
from control_store.tables import ControlStore
from control_store.taking import Place
from event_catalogue.choice import ChoiceRecord, encode_choices
from footfall.takers import takers
from loader.loop import Unusable
from spool.kinds import Kind, Record

NOW: Final = 1_764_000_000_000
DAY: Final = NOW // 86_400_000
NUMBER: Final = UUID("7e57ab1e-0000-4000-8000-00000000feed")
PERSON: Final = bytes(range(16))
GRANT: Final = ChoiceRecord(7, "grant", NOW, "3", True, False, None, "DE", "banner", NUMBER.bytes)
REFUSAL: Final = ChoiceRecord(7, "refusal", DAY * 86_400_000, "3")
WITHDRAWAL: Final = ChoiceRecord(
    7, "withdrawal", NOW + 60_000, statistics=True, ads=True, receipt=NUMBER.bytes, returning=PERSON
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    """A store on a real SQLite file."""
    opened = ControlStore.in_directory(tmp_path)
    opened.migrate()
    yield opened
    opened.close()


def record(seq: int, kind: Kind, body: bytes) -> Record:
    """A record as the loader hands it over."""
    return Record(seq, kind, NOW, 0, 0, body)


@pytest.mark.req("P4", "O3")
def test_every_record_is_taken_once(store: ControlStore) -> None:
    """Handed over again after a kill, in any stretch from the first that is not released, it changes nothing."""
    take = takers(store)[Kind.CHOICE]
    sent = [record(seq, Kind.CHOICE, encode_choices([one])) for seq, one in enumerate([GRANT, REFUSAL, REFUSAL], 1)]
    for stretch in (sent[:1], sent[:2], sent, sent[1:], sent):
        for one in stretch:
            take("w0", one)
    assert choice_counts(store, 7) == {(DAY, "refusal"): 2}
    take("w1", record(1, Kind.CHOICE, encode_choices([REFUSAL])))
    assert choice_counts(store, 7) == {(DAY, "refusal"): 3}
    assert choice_counts(store, 8) == {}


@pytest.mark.req("P4")
def test_a_receipt_is_found_by_its_number_alone(store: ControlStore) -> None:
    """It says when, for which notice and purposes, from where and how; and whether it still holds."""
    take_choices(store, Place("w0", 1), [GRANT])
    found = receipt(store, NUMBER)
    assert found == (7, NOW, "3", True, False, None, "DE", "banner", 0)
    assert receipt(store, UUID(int=0)) is None
    take_choices(store, Place("w0", 2), [WITHDRAWAL])
    ended = receipt(store, NUMBER)
    assert ended is not None
    assert ended.withdrawn == NOW + 60_000


@pytest.mark.req("P4", "R5")
def test_a_withdrawal_waits_for_erasure_and_is_forgotten_after_it(store: ControlStore) -> None:
    """With the hash of the rows, until they are gone; printed it does not tell the hash."""
    take_choices(store, Place("w0", 1), [GRANT])
    take_choices(store, Place("w0", 2), [ChoiceRecord(7, "refusal", 0), WITHDRAWAL])
    (waiting,) = open_withdrawals(store)
    assert waiting[1:] == (7, PERSON, True, True, NOW + 60_000)
    assert PERSON.hex() not in repr(waiting)
    close_withdrawal(store, waiting)
    assert open_withdrawals(store) == []


@pytest.mark.req("P4")
@pytest.mark.parametrize(
    ("withdrawal", "ends"),
    [
        (WITHDRAWAL, True),
        (msgspec.structs.replace(WITHDRAWAL, statistics=False), False),
        (msgspec.structs.replace(WITHDRAWAL, site=8), False),
    ],
    ids=["statistics", "ads alone, which it did not open", "another site"],
)
def test_only_what_was_granted_here_is_withdrawn(store: ControlStore, withdrawal: ChoiceRecord, ends: bool) -> None:
    """A receipt ends when something that it opened is refused on its own site; the first time counts."""
    take_choices(store, Place("w0", 1), [GRANT])
    take_choices(store, Place("w0", 2), [withdrawal])
    take_choices(store, Place("w0", 3), [msgspec.structs.replace(withdrawal, minute=NOW + 600_000)])
    found = receipt(store, NUMBER)
    assert found is not None
    assert found.withdrawn == (NOW + 60_000 if ends else 0)


@pytest.mark.parametrize("kind", [Kind.CHOICE, Kind.HOST])
@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x91\x01", msgspec.msgpack.encode([[7, "bribe", 0]])])
def test_what_can_never_be_taken_says_so(store: ControlStore, kind: Kind, body: bytes) -> None:
    """It becomes a dead letter, and the records after it are taken."""
    take = takers(store)
    with pytest.raises(Unusable):
        take[kind]("w0", record(1, kind, body))
    take[Kind.CHOICE]("w0", record(2, Kind.CHOICE, encode_choices([REFUSAL])))
    assert choice_counts(store, 7) == {(DAY, "refusal"): 1}


@pytest.mark.req("C22")
def test_refused_hosts_are_a_short_list_of_the_newest(store: ControlStore) -> None:
    """Fifty of a site; a host that comes again is one entry; each site has its own."""
    take = takers(store)[Kind.HOST]
    site = add_site(store, NewSite("shop.example"), now=NOW)
    for seq in range(1, 61):
        body = msgspec.msgpack.encode((site.id, f"h{seq}.example"))
        take("w0", Record(seq, Kind.HOST, NOW + seq, 0, 0, body))
    take_host(store, Place("w0", 61), site.id, "h60.example", at=NOW + 100)
    take_host(store, Place("w0", 61), site.id, "h60.example", at=NOW + 200)
    take_host(store, Place("w0", 62), 8, "other.example", at=NOW)
    found = refused_hosts(store, site.id)
    assert [one.hostname for one in found] == [f"h{n}.example" for n in range(60, 10, -1)]
    assert found[0] == ("h60.example", NOW + 60, NOW + 100, 2)
    settled = settle_host(store, site, "H60.example", "allowed")
    settled = settle_host(store, settled, "*.h59.example", "ignored")
    assert (settled.settings.hostnames, settled.settings.ignored_hostnames) == (("h60.example",), ("*.h59.example",))
    assert len(refused_hosts(store, site.id)) == 49
    assert [one.hostname for one in refused_hosts(store, 8)] == ["other.example"]


@pytest.mark.req("R4", "P4")
def test_a_receipt_is_kept_for_a_period_after_its_grant_has_ended(store: ControlStore) -> None:
    """Withdrawn, from the withdrawal on; else from the day on which the device's id ends, 13 months after the grant."""
    other = UUID(int=7)
    take_choices(store, Place("w0", 1), [GRANT, msgspec.structs.replace(GRANT, receipt=other.bytes)])
    take_choices(store, Place("w0", 2), [WITHDRAWAL])
    ends = {NUMBER: WITHDRAWAL.minute + 100 * 86_400_000, other: NOW + (395 + 100) * 86_400_000}
    for number, end in ends.items():
        assert forget_receipts(store, now=end, days=100) == 0
        assert receipt(store, number) is not None
        assert forget_receipts(store, now=end + 1, days=100) == 1
        assert receipt(store, number) is None


@pytest.mark.req("R4")
def test_counts_of_choices_and_refused_hosts_have_periods_too(store: ControlStore) -> None:
    """Counts of a site by their day, hosts by when they were seen last; others stay."""
    take_choices(store, Place("w0", 1), [REFUSAL, msgspec.structs.replace(REFUSAL, site=8)])
    assert forget_choice_counts(store, 7, before_day=DAY) == 0
    assert forget_choice_counts(store, 7, before_day=DAY + 1) == 1
    assert (choice_counts(store, 7), choice_counts(store, 8)) == ({}, {(DAY, "refusal"): 1})
    take_host(store, Place("w0", 2), 7, "stage.example", at=NOW)
    period = KEPT_DAYS * 86_400_000
    assert forget_hosts(store, now=NOW + period) == 0
    assert forget_hosts(store, now=NOW + period + 1) == 1
    assert refused_hosts(store, 7) == []


@pytest.mark.req("C22")
def test_a_deleted_site_has_no_list(store: ControlStore) -> None:
    """Its hosts go with it."""
    site = add_site(store, NewSite("shop.example"), now=NOW)
    take_host(store, Place("w0", 1), site.id, "stage.example", at=NOW)
    delete_site(store, site, now=1)
    assert refused_hosts(store, site.id) == []
