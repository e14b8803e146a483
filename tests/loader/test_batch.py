"""The same records always give the same rows in the same batches, and what cannot be read harms no other record."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_catalogue.event import SCHEMA_VERSION, Parcel, Tally, encode_parcel
from event_catalogue.fields import POSITION
from loader.batch import Contents, plan_batches
from spool.kinds import Kind, Record
from tests.loader.world import DAY_MS, beacon_id, count_key
from tests.warehouse.rows import DAY, event

pytestmark = pytest.mark.req("C23")
RECEIVED = DAY * DAY_MS + 5


def records(*bodies: tuple[Kind, int, bytes]) -> list[Record]:
    """Records as a reader gives them."""
    total = 0
    found = []
    for seq, (kind, events, body) in enumerate(bodies, 1):
        total += events
        found.append(Record(seq, kind, RECEIVED, events, total, body))
    return found


def beacon(number: int, *rows: Any, left_out: tuple[Tally, ...] = ()) -> tuple[Kind, int, bytes]:
    """A beacon's record."""
    parcel = Parcel(SCHEMA_VERSION, 1, beacon_id(number), RECEIVED, list(rows), list(left_out))
    return Kind.EVENTS, parcel.events, encode_parcel(parcel)


ROWS = st.lists(st.tuples(st.integers(DAY, DAY + 2), st.sampled_from([7, 35]), st.text(max_size=5)), max_size=4)


@given(st.lists(ROWS, max_size=12), st.sets(st.integers(1, 12)), st.integers(1, 5))
def test_a_second_building_is_the_same(parcels: list[Any], left_out: set[int], most: int) -> None:
    """Left-out records apart, every row is in exactly one batch of its own partition, in order, and a second building
    from the same bytes gives the same plan; one from other bytes does not."""
    bodies = [
        beacon(
            number,
            *(event(day=day, keep=keep, title=title, idx=place) for place, (day, keep, title) in enumerate(rows)),
        )
        for number, rows in enumerate(parcels)
    ]
    skipped = {("w", seq) for seq in left_out}
    built = []
    for _ in range(2):
        contents = Contents()
        contents.add("w", records(*bodies), skipped)
        parts = contents.parts()
        built.append((parts, plan_batches(parts, most)))
    (parts, plan), (_, again) = built
    assert plan == again
    assert all(0 < one.stop - one.start <= most for one in plan)
    assert len({one.digest for one in plan}) == len(plan)
    got = Counter(
        (one.day, one.keep, row[POSITION["title"]], row[POSITION["idx"]])
        for one in plan
        for row in parts[one.day, one.keep].rows[one.start : one.stop]
    )
    expected = Counter(
        (day, keep, title, place)
        for seq, rows in enumerate(parcels, 1)
        if seq not in left_out
        for place, (day, keep, title) in enumerate(rows)
    )
    assert got == expected
    changed = Contents()
    changed.add(
        "w", [record._replace(seq=record.seq + 1) for record in records(*bodies)], {("w", n + 1) for n in left_out}
    )
    assert not plan or plan_batches(changed.parts(), most) != plan


def test_every_event_is_accounted_for() -> None:
    """Rows are stored, what the collector left out keeps its reason, a repeated beacon is repeated as a whole."""
    denied = Tally(1, DAY, "not_recorded", "gpc", 2)
    contents = Contents()
    contents.add(
        "w",
        records(
            beacon(1, event(), event(day=DAY + 1), left_out=(denied,)),
            beacon(2, event(), event(), left_out=(denied,)),
            (Kind.COUNTS, 5, msgspec.msgpack.encode([[count_key("policy"), 3], [count_key("gpc", site=2), 2]])),
            (Kind.TICK, 0, b""),
        ),
    )
    parts = contents.parts({("w", 2)})
    assert {partition: len(part.rows) for partition, part in parts.items()} == {(DAY, 35): 1, (DAY + 1, 35): 1}
    assert contents.tallies == {
        (1, DAY, "received", ""): 1 + 2 + 4 + 3,
        (1, DAY + 1, "received", ""): 1,
        (1, DAY, "stored", ""): 1,
        (1, DAY + 1, "stored", ""): 1,
        (1, DAY, "not_recorded", "gpc"): 2,
        (1, DAY, "repeated", ""): 4,
        (1, DAY, "not_recorded", "policy"): 3,
        (2, DAY, "received", ""): 2,
        (2, DAY, "not_recorded", "gpc"): 2,
    }
    assert contents.outcomes() == {"received": 13, "stored": 2, "not_recorded": 7, "repeated": 4}


JUNK = {
    "no msgpack": (Kind.EVENTS, 3, b"\xc1junk"),
    "nothing": (Kind.EVENTS, 3, b""),
    "a short id": (Kind.EVENTS, 3, encode_parcel(Parcel(SCHEMA_VERSION, 1, b"short", 0, [event()]))),
    "a day that is a text": (Kind.EVENTS, 3, encode_parcel(Parcel(1, 1, beacon_id(9), 0, [event(day="today")]))),
    "a day in the far future": (Kind.EVENTS, 3, encode_parcel(Parcel(1, 1, beacon_id(9), 0, [event(day=65_536)]))),
    "a class below zero": (Kind.EVENTS, 3, encode_parcel(Parcel(1, 1, beacon_id(9), 0, [event(keep=-1)]))),
    "counts that are none": (Kind.COUNTS, 3, b"\x01"),
    "a key that is no tally": (Kind.COUNTS, 3, msgspec.msgpack.encode([[b"key", 3]])),
    "a key of two tallies": (Kind.COUNTS, 3, msgspec.msgpack.encode([[count_key("a")[:0] + b"\x90", 3]])),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_what_cannot_be_read_is_a_dead_letter_as_a_whole(junk: tuple[Kind, int, bytes]) -> None:
    """Its events count as stored on the day of receipt, site unknown; its bytes are kept; the others load."""
    contents = Contents()
    contents.add("w", records(beacon(1, event()), junk, beacon(2, event())))
    parts = contents.parts()
    assert len(parts[DAY, 35].rows) == 2
    (letter,) = contents.dead
    assert (letter.reason, letter.site, letter.day, letter.events) == ("unreadable", 0, DAY, 3)
    assert (letter.spool, letter.seq, letter.kind, letter.received, letter.body) == ("w", 2, junk[0], RECEIVED, junk[2])
    assert contents.tallies[0, DAY, "stored", ""] == contents.tallies[0, DAY, "received", ""] == 3


def test_records_of_other_kinds_are_set_apart() -> None:
    """They are for their takers; those that nobody takes are dead letters, for a later release to find."""
    contents = Contents()
    contents.add("w", records((Kind.CHOICE, 0, b"choice"), (Kind.CASE, 0, b"case")))
    contents.leave_untaken({Kind.CHOICE})
    assert [(spool, record.body) for spool, record in contents.others] == [("w", b"choice")]
    assert [(letter.reason, letter.body) for letter in contents.dead] == [("no_taker", b"case")]
