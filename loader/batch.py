"""From records to rows: what a cut holds, partition by partition, always in the same order.

Promises: the same records and the same left-out numbers give the same rows in the same order, in another process and
after a restart; the digest says so. What cannot be read becomes a dead letter as a whole; no other record suffers.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import msgspec

from event_catalogue.event import Parcel, Row, Tally, decode_parcel, decode_tallies
from event_catalogue.fields import POSITION
from spool.cuts import DeadLetter, HourKey, NumberKey, Numbers, PlannedBatch, TallyKey
from spool.kinds import Kind, Record

_DAY: Final = POSITION["day"]
_KEEP: Final = POSITION["keep"]
_SITE: Final = POSITION["site"]
_DAY_MS: Final = 86_400_000
_LARGEST: Final = 65_535
"""Days and retention classes are UInt16 in the warehouse."""

_COUNTS: Final = msgspec.msgpack.Decoder(list[tuple[bytes, int]])
_ROW: Final = msgspec.msgpack.Encoder()


Partition = tuple[int, int]
"""Where rows lie in the warehouse: (day, keep)."""


Packed = tuple[str, Record, Parcel]
"""A parcel, the record that it came in, and that one's spool."""

_EVENTS: Final = int(Kind.EVENTS)
_BEACON_BYTES: Final = 16


class Unreadable(Exception):
    """A record whose body does not hold what its kind promises."""


@dataclass(slots=True)
class Part:
    """The rows of one partition, and which record each came from."""

    rows: list[Row] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    sources: list[tuple[str, Record]] = field(default_factory=list)

    def digest(self, partition: Partition, start: int, stop: int) -> str:
        """What rows [start, stop) are made from: the place and the bytes of every record behind them."""
        first, last = bisect_right(self.starts, start) - 1, bisect_right(self.starts, stop - 1)
        sources = self.sources[first:last]
        digest = blake2b(f"{partition}/{start}-{stop}".encode(), digest_size=16)
        digest.update(" ".join(f"{spool}/{record.seq}" for spool, record in sources).encode())
        digest.update(b"".join([record.body for _, record in sources]))
        return digest.hexdigest()

    def source(self, row: int) -> tuple[str, Record]:
        """The record that a row came from."""
        return self.sources[bisect_right(self.starts, row) - 1]

    def planned(self, partition: Partition, start: int, stop: int) -> PlannedBatch:
        """Rows [start, stop) as a batch to fix."""
        return PlannedBatch(*partition, start, stop, self.digest(partition, start, stop))


@dataclass(slots=True)
class Contents:
    """What the records of a cut hold, before it is known which beacons are repeated."""

    parcels: list[Packed] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    others: list[tuple[str, Record]] = field(default_factory=list)
    """Records of kinds that are not the loader's."""
    tallies: Counter[TallyKey] = field(default_factory=Counter)
    hours: Counter[HourKey] = field(default_factory=Counter)
    """Of what was denied, also counted by the hour."""
    numbers: dict[NumberKey, list[int]] = field(default_factory=dict)
    """With which records events came: first, last, and how many events."""

    def add(self, spool: str, records: Iterable[Record], left_out: Collection[tuple[str, int]] = ()) -> None:
        """Take in a spool's records, in order, but for those left out."""
        sound: set[Partition] = set()
        parcels = self.parcels
        for record in records:
            if left_out and (spool, record.seq) in left_out:
                continue
            try:
                if record.kind == _EVENTS:
                    parcels.append((spool, record, _parcel(record.body, sound)))
                else:
                    self._take(spool, record)
            except Unreadable:
                self.give_up(spool, record, "unreadable")

    def give_up(self, spool: str, record: Record, reason: str) -> None:
        """Make a dead letter of a whole record; its events count as stored, on the day it was received."""
        self.dead.append(dead_record(reason, spool, record))
        day = record.received // _DAY_MS
        self._account(0, day, "stored", "", record.events)
        self._number(spool, record.seq, 0, day, record.events)

    def leave_untaken(self, takers: Collection[int]) -> None:
        """Give up the records of kinds that nobody takes; a later release may find them among the dead letters."""
        untaken = [other for other in self.others if other[1].kind not in takers]
        self.others = [other for other in self.others if other[1].kind in takers]
        for spool, record in untaken:
            self.give_up(spool, record, "no_taker")

    def parts(self, repeated: Collection[tuple[str, int]] = ()) -> dict[Partition, Part]:
        """The rows by partition, in the order of the records; beacons that are repeated only count."""
        parts: dict[Partition, Part] = {}
        stored: Counter[tuple[int, int]] = Counter()
        for packed in self.parcels:
            spool, record, parcel = packed
            if repeated and (spool, record.seq) in repeated:
                self._account_repeated(packed)
                continue
            for partition, rows in _by_partition(parcel.rows):
                part = parts.get(partition)
                if part is None:
                    part = parts[partition] = Part()
                part.starts.append(len(part.rows))
                part.sources.append((spool, record))
                part.rows += rows
                stored[parcel.site, partition[0]] += len(rows)
                self._number(spool, record.seq, parcel.site, partition[0], len(rows))
            for tally in parcel.left_out:
                self._account(tally.site, tally.day, tally.outcome, tally.reason, tally.n)
                self._number(spool, record.seq, tally.site, tally.day, tally.n)
        for (site, day), n in stored.items():
            self._account(site, day, "stored", "", n)
        return dict(sorted(parts.items()))

    def ranges(self) -> dict[NumberKey, Numbers]:
        """With which records of each spool the events of each site and day came. After `parts`."""
        return {key: (first, last, events) for key, (first, last, events) in self.numbers.items()}

    def outcomes(self) -> dict[str, int]:
        """Events by outcome, over all sites and days."""
        sums: Counter[str] = Counter()
        for (_, _, outcome, _), n in self.tallies.items():
            sums[outcome] += n
        return dict(sums)

    def _take(self, spool: str, record: Record) -> None:
        match record.kind:
            case Kind.TICK:
                pass
            case Kind.COUNTS:
                for tally in _counts(record.body):
                    self._account(tally.site, tally.day, tally.outcome, tally.reason, tally.n)
                    self._number(spool, record.seq, tally.site, tally.day, tally.n)
                    if tally.hour >= 0 and tally.n:
                        self.hours[tally.site, tally.day, tally.reason, tally.hour] += tally.n
            case _:
                self.others.append((spool, record))
                if record.events:
                    day = record.received // _DAY_MS
                    self._account(0, day, "not_recorded", "other_kind", record.events)
                    self._number(spool, record.seq, 0, day, record.events)

    def _account(self, site: int, day: int, outcome: str, reason: str, n: int) -> None:
        if not n:
            return
        self.tallies[site, day, "received", ""] += n
        self.tallies[site, day, outcome, reason] += n

    def _account_repeated(self, packed: Packed) -> None:
        spool, record, parcel = packed
        for row in parcel.rows:
            self._account(parcel.site, row[_DAY], "repeated", "", 1)
            self._number(spool, record.seq, parcel.site, row[_DAY], 1)
        for tally in parcel.left_out:
            self._account(tally.site, tally.day, "repeated", "", tally.n)
            self._number(spool, record.seq, tally.site, tally.day, tally.n)

    def _number(self, spool: str, seq: int, site: int, day: int, n: int) -> None:
        if not n:
            return
        found = self.numbers.get((spool, site, day))
        if found is None:
            self.numbers[spool, site, day] = [seq, seq, n]
            return
        if seq > found[1]:
            found[1] = seq
        elif seq < found[0]:
            found[0] = seq
        found[2] += n


def dead_record(reason: str, spool: str, record: Record) -> DeadLetter:
    """A whole record as a dead letter; its site is not known."""
    day = record.received // _DAY_MS
    return DeadLetter(reason, 0, day, record.events, spool, record.seq, record.kind, record.received, record.body)


def dead_row(reason: str, spool: str, record: Record, row: Row) -> DeadLetter:
    """A single row as a dead letter."""
    return DeadLetter(
        reason, row[_SITE], row[_DAY], 1, spool, record.seq, record.kind, record.received, _ROW.encode(row)
    )


def plan_batches(parts: dict[Partition, Part], most_rows: int) -> tuple[PlannedBatch, ...]:
    """Every part cut into batches of at most `most_rows` rows."""
    return tuple(
        part.planned(partition, start, min(start + most_rows, len(part.rows)))
        for partition, part in parts.items()
        for start in range(0, len(part.rows), most_rows)
    )


def _parcel(body: bytes, sound: set[Partition]) -> Parcel:
    """A beacon's parcel, its partitions among the `sound` ones, which grow. Raises Unreadable."""
    try:
        parcel = decode_parcel(body)
        for row in parcel.rows:
            partition = (row[_DAY], row[_KEEP])
            if partition not in sound:
                _check(partition)
                sound.add(partition)
    except (msgspec.DecodeError, TypeError):  # TypeError: a partition of lists
        raise Unreadable from None
    if len(parcel.beacon) != _BEACON_BYTES:
        raise Unreadable
    return parcel


def _check(partition: tuple[object, object]) -> None:
    for value in partition:
        if type(value) is not int or not 0 <= value <= _LARGEST:
            raise Unreadable


def _counts(body: bytes) -> list[Tally]:
    """The counts of a record: a key is an encoded tally, its own `n` is not looked at."""
    try:
        pairs = [(decode_tallies(key), n) for key, n in _COUNTS.decode(body)]
    except msgspec.DecodeError:
        raise Unreadable from None
    if any(len(tallies) != 1 for tallies, _ in pairs):
        raise Unreadable
    return [tallies[0]._replace(n=n) for tallies, n in pairs]


def _by_partition(rows: list[Row]) -> Iterable[tuple[Partition, list[Row]]]:
    """A beacon's rows by partition; nearly always there is one."""
    if len(rows) == 1:
        return (((rows[0][_DAY], rows[0][_KEEP]), rows),)
    found: dict[Partition, list[Row]] = {}
    for row in rows:
        found.setdefault((row[_DAY], row[_KEEP]), []).append(row)
    return found.items()
