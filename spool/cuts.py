"""What the loader fixes in its journal before it touches the warehouse: a cut, its batches, what it leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spool.kinds import Mark


@dataclass(frozen=True, slots=True)
class Range:
    """The records of one spool that belong to a cut: after number `after`, up to and with `end`."""

    spool: str
    after: int
    end: Mark


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """Rows [start, stop) of a cut's rows of one partition, and the digest of what they are made from."""

    day: int
    keep: int
    start: int
    stop: int
    digest: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A planned batch with the number that every row of it will carry, and no other row ever."""

    number: int
    plan: PlannedBatch

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.plan.stop - self.plan.start

    @property
    def token(self) -> str:
        """The warehouse's second belt."""
        return f"{self.number}-{self.plan.digest}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that the warehouse will not take, or a record that could not be read, kept for the operator."""

    reason: str
    site: int
    day: int
    events: int
    spool: str
    seq: int
    kind: int
    received: int
    body: bytes = field(repr=False)


TallyKey = tuple[int, int, str, str]
"""(site, day, outcome, reason)."""
HourKey = tuple[int, int, str, int]
"""(site, day, reason, hour)."""
NumberKey = tuple[str, int, int]
"""(spool, site, day)."""
Numbers = tuple[int, int, int]
"""First and last record, and events."""


@dataclass(frozen=True, slots=True)
class CutPlan:
    """All that one transaction fixes."""

    ranges: tuple[Range, ...]
    batches: tuple[PlannedBatch, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    """(spool, number) of records that make no rows: repeated, or dead letters."""
    tallies: Mapping[TallyKey, int] = field(default_factory=dict)
    hours: Mapping[HourKey, int] = field(default_factory=dict)
    numbers: Mapping[NumberKey, Numbers] = field(default_factory=dict)
    """With which records the events came."""
    dead: tuple[DeadLetter, ...] = ()
    beacons: Mapping[int, list[bytes]] = field(default_factory=dict)
    """Ids to remember, by generation."""


@dataclass(frozen=True, slots=True)
class OpenCut:
    """A cut that is fixed and not yet known to lie in the warehouse whole."""

    number: int
    ranges: tuple[Range, ...]
    batches: tuple[Batch, ...]
    left_out: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Position:
    """How far one spool is loaded."""

    spool: str
    loaded: Mark

    @property
    def watermark(self) -> int:
        """All records received at or before this millisecond are loaded. -1 while there is none.

        One less than the last loaded record's time: another record of the same millisecond may still come.
        """
        return self.loaded.received - 1
