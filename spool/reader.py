"""Reading a spool from another process: records in order, each once, and the release of what has been loaded.

Promises: what is returned is durable and has no gap; a segment goes only when a later record exists in a newer one.
Refuses to guess: a missing number, or a spool that ends before where it was read to, is SpoolGap.
"""

import itertools
import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from spool.errors import SpoolGap, translated
from spool.kinds import Group, Mark, Record, records_of
from spool.segment import (
    Segment,
    harden_log,
    last_mark,
    list_segments,
    open_to_read,
    remove,
    segment_path,
    sync_file,
)

# From the group before the wanted one, so that a spool that was set back is noticed. Its records are not read.
_READ: Final = (
    "SELECT last, first, received, total, CASE WHEN last > :after THEN records ELSE x'' END FROM groups "
    "WHERE last >= :after AND last < :end ORDER BY last"
)
_END_OF_TIME: Final = (1 << 63) - 1
_RETRY_SECONDS: Final = 1


class SpoolReader:
    """Reads one spool's directory. Used by one thread at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._segments: list[Segment] = []
        self._open: tuple[Segment, sqlite3.Connection] | None = None

    @property
    def name(self) -> str:
        """The spool's name."""
        return self._directory.name

    def read(self, after: int, *, max_events: int, max_bytes: int) -> list[Record]:
        """Records after number `after`, in order, at least one if there is one, about as many as the bounds say.

        Every record counts as one event at least. Raises SpoolGap, SpoolBroken.
        """
        with translated(f"Reading the spool {self.name}", _RETRY_SECONDS):
            return self._read(after, max_events, max_bytes)

    def last(self) -> Mark:
        """The last record; a mark of zeros while there is none. Raises SpoolBroken."""
        with translated(f"Reading the spool {self.name}", _RETRY_SECONDS):
            return self._last()

    def first(self) -> int:
        """The number of the first record that a file of the spool still holds; 1 without one."""
        segments = list_segments(self._directory)
        return segments[0].first if segments else 1

    def pending(self, after: Mark) -> int:
        """Events beyond a mark: exact, and as quick for a million records as for one. Raises SpoolBroken."""
        return self.last().total - after.total

    def release(self, upto: int) -> int:
        """Unlink the segments whose records are all loaded (numbers up to `upto`); how many went. Raises SpoolBroken.

        The segment of the last record stays, so that the numbers always go on.
        """
        with translated(f"Releasing the spool {self.name}", _RETRY_SECONDS):
            return self._release(upto)

    def close(self) -> None:
        """Close the segment that is open."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def _read(self, after: int, max_events: int, max_bytes: int) -> list[Record]:
        records: list[Record] = []
        while max_events > 0 and max_bytes > 0:
            segment, end = self._segment_of(after + 1)
            if segment is None:
                break
            found, size = self._records(segment, after, end, max_events, max_bytes)
            if found:
                after = found[-1].seq
                max_events -= _weight(found)
                max_bytes -= size
                records += found
                continue
            if records or end in (_END_OF_TIME, after + 1):
                break  # what lies before a gap is whole; the next read meets it
            raise SpoolGap(f"The spool {self.name} lacks the records {after + 1} to {end - 1}.")
        return records

    def _last(self) -> Mark:
        self._segments = list_segments(self._directory)
        for segment in reversed(self._segments):
            mark = last_mark(self._connection(segment))
            if mark is not None:
                return mark
        return Mark()

    def _release(self, upto: int) -> int:
        segments = list_segments(self._directory)
        last = self._last().seq
        done = [
            segment
            for segment, newer in itertools.pairwise(segments)
            if newer.first - 1 <= upto and newer.first <= last
        ]
        if not done:
            return 0
        for segment in done:
            if self._open is not None and self._open[0] == segment:
                self.close()
            remove(segment.path)
        sync_file(self._directory)
        self._segments = segments[len(done) :]
        return len(done)

    def _segment_of(self, seq: int) -> tuple[Segment | None, int]:
        """The segment in which record `seq` lies or would lie, and the number at which the next segment begins."""
        newest = self._segments[-1] if self._segments else None
        if newest is None or (newest.first < seq and segment_path(self._directory, seq).exists()):
            self._segments = list_segments(self._directory)
        end = _END_OF_TIME
        for segment in reversed(self._segments):
            if segment.first <= seq:
                return segment, end
            end = segment.first
        if self._segments:
            raise SpoolGap(
                f"The spool {self.name} begins with record {self._segments[0].first}, but {seq} is not loaded yet: "
                "segments were removed by hand, or the loader's journal is not theirs."
            )
        return None, end

    def _records(
        self, segment: Segment, after: int, end: int, max_events: int, max_bytes: int
    ) -> tuple[list[Record], int]:
        """The next records of one segment, whole groups, and the bytes of their bodies."""
        cursor = self._connection(segment).execute(_READ, {"after": after, "end": end})
        groups = map(Group._make, cursor)
        found: list[Record] = []
        size = 0
        if after >= segment.first:
            self._check_read(next(groups, None), after)
        for group in groups:
            if group.first != (found[-1].seq if found else after) + 1:
                raise SpoolGap(f"The spool {self.name} lacks a record before {group.first}.")
            found += self._unfolded(group)
            size += len(group.records)
            if size >= max_bytes or _weight(found) >= max_events:
                break
        cursor.close()
        if found:
            harden_log(segment.path)
        return found, size

    def _check_read(self, group: Group | None, after: int) -> None:
        if group is None or group.last != after:
            raise SpoolGap(f"The spool {self.name} ends before record {after}, which was read from it once.")

    def _unfolded(self, group: Group) -> list[Record]:
        try:
            return list(records_of(group))
        except msgspec.DecodeError:
            raise SpoolGap(
                f"The spool {self.name} does not hold the records {group.first} to {group.last} any more: its file is "
                "damaged. Look at the disk, and keep the file."
            ) from None

    def _connection(self, segment: Segment) -> sqlite3.Connection:
        if self._open is not None and self._open[0] == segment:
            return self._open[1]
        self.close()
        self._open = (segment, open_to_read(segment.path))
        return self._open[1]


def _weight(records: list[Record]) -> int:
    """Events of consecutive records; one that has none counts as one."""
    first = records[0]
    return max(len(records), records[-1].total - first.total + first.events)
