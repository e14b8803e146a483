"""What a record of the spool is, the small tuples in which records go in and come out, and the group they lie in.

Records that are committed together are one row, a group: one statement, one fsync, and the interpreter's lock is given
up once for all of them. With a row for each, the commit thread had to win it back after every row.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec


class Kind(IntEnum):
    """What a record's body holds. Numbers are on disk: they are added to, never changed."""

    TICK = 0
    """Nothing: it moves the watermark of an idle spool."""
    EVENTS = 1
    """One beacon's parcel."""
    COUNTS = 2
    """msgpack `[[key, n], …]`: what was counted and not stored."""
    CHOICE = 3
    """A visitor's choice, with its receipt."""
    CASE = 4
    """A visitor's request about their data."""
    HOST = 5
    """A host that sent a beacon for a site that is not its own."""


Entry = tuple[Kind, int, bytes]
"""A record on its way in: its kind, how many events it accounts for, its body. A plain tuple, made for every beacon."""


class Record(NamedTuple):
    """A record as it lies in the spool."""

    seq: int
    """Gapless from 1 over the life of the spool."""
    kind: int
    """A `Kind`; a number that this release does not know stays a plain number."""
    received: int
    """Milliseconds since 1970, UTC, taken at the commit; never smaller than that of the record before."""
    events: int
    total: int
    """Events of all records up to this one, itself included."""
    body: bytes


class Mark(NamedTuple):
    """A place in a spool: a record's number, time and running total of events."""

    seq: int = 0
    received: int = 0
    total: int = 0


class Group(NamedTuple):
    """Records that were committed together, as a segment holds them."""

    last: int
    first: int
    received: int
    total: int
    """Events of all records up to the last."""
    records: bytes


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[tuple[int, int, bytes]])


def make_group(entries: Sequence[Entry], end: Mark, received: int) -> Group:
    """The entries as the group that follows after `end`."""
    events = sum([events for _, events, _ in entries])
    return Group(end.seq + len(entries), end.seq + 1, received, end.total + events, _ENCODER.encode(entries))


def records_of(group: Group) -> Iterator[Record]:
    """The records of a group, in order. Raises msgspec.DecodeError where it does not hold what it promises."""
    entries = _DECODER.decode(group.records)
    if len(entries) != group.last - group.first + 1:
        raise msgspec.DecodeError("a group has another number of records than it says")
    total = group.total - sum([events for _, events, _ in entries])
    for seq, (kind, events, body) in enumerate(entries, group.first):
        total += events
        yield Record(seq, kind, group.received, events, total, body)
