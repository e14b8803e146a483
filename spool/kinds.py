"""What a record of the spool is, and the small tuples in which records go in and come out."""

from enum import IntEnum
from typing import NamedTuple


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


class Entry(NamedTuple):
    """A record on its way in."""

    kind: Kind
    events: int
    """How many events it accounts for."""
    body: bytes


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
