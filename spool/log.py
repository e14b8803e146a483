"""The durable log behind a writer: gapless records in segment files, one row and one fsync for a group.

Rotation, step by step, and what a kill leaves after each:
  1 the spare is renamed to seg-<next number>, the directory fsynced: an empty newest segment; the next start uses it.
  2 it is opened and its first record, a tick, committed: two whole segments; the older one still has its log.
  3 the older one's log is moved into its file (checkpoint): the same records, found in another place.
  4 the older one is closed, its log removed: done.
  5 a new spare is made: a half-made one is removed at the next start.
Steps 3 to 5 run in a thread of their own, so that no acknowledgement waits for them. Until 5 is done there is no
rotation; the segment just grows a little longer.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from spool.crash import CrashPoints
from spool.errors import SpoolBroken, SpoolRefusal, error_word, translated
from spool.kinds import Entry, Group, Kind, Mark, make_group
from spool.segment import (
    SPARE,
    Segment,
    checkpoint_gently,
    checkpoint_whole,
    disk_bytes,
    last_mark,
    list_segments,
    make_blank,
    open_to_write,
    remove_orphans,
    segment_path,
    sync_file,
)
from spool.settings import SpoolSettings

Clock = Callable[[], int]
"""Milliseconds since 1970-01-01, UTC."""

TICK: Final[Entry] = (Kind.TICK, 0, b"")
ROTATE: Final = "rotate"
"""A file of this name in a spool's directory asks for a new segment: what the old one holds is to leave the disk."""
_SPARE_RETRY_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.05
_LOOKS: Final = 64
"""So many for each segment, and more by the clock: three system calls after every commit cost a tenth of it."""
_INSERT: Final = "INSERT INTO groups (last, first, received, total, records) VALUES (?, ?, ?, ?, ?)"

_logger = logging.getLogger(__name__)


class SegmentLog:
    """The segments of one spool. Used by one thread at a time, in a directory that its process owns."""

    def __init__(self, directory: Path, settings: SpoolSettings, clock: Clock, crash: CrashPoints) -> None:
        """Open the newest segment, or make the first. Raises SpoolFull or SpoolBroken."""
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._crash = crash
        self._connection: sqlite3.Connection | None = None
        self._segment = Segment(0, directory)
        self._segment_since: float | None = None
        self._spare_ready = False
        self._spare_tried = float("-inf")
        self._retiring: threading.Thread | None = None
        self._looked = float("-inf")
        self._unseen = 0
        """Bytes that were written since the last look."""
        self._hurry = threading.Event()
        """Set when the process is about to end."""
        self.last = Mark()
        """The last durable record."""
        self._guarded("Opening the spool", self._open)

    def write(self, entries: Sequence[Entry]) -> int:
        """Commit the entries as one durable group; the number of the first. Raises SpoolFull or SpoolBroken.

        All or nothing; after a failure the next number is the one it would have been.
        """
        if self._connection is None:
            self._guarded("Recovering the spool", self._open)
        group = self._grouped(entries)
        self._guarded("Writing to the spool", lambda: self._commit(group))
        self._unseen += len(group.records)
        if self._segment_since is None and any(events for _, events, _ in entries):
            self._segment_since = time.monotonic()
        return group.first

    def rotate_if_due(self) -> bool:
        """Begin a new segment when this one is large, its oldest event old, or somebody asks for it.

        Raises SpoolFull or SpoolBroken.
        """
        if self._connection is None or not self._due():
            return False
        if self._retiring is not None and self._retiring.is_alive():
            return False
        if not self._spare_ready:
            if time.monotonic() - self._spare_tried >= _SPARE_RETRY_SECONDS:
                self._retire()
            return False
        try:
            self._guarded("Rotating the spool", self._rotate)
        except SpoolRefusal:
            # The new segment may have its name by now: nothing must go to the old one any more. Reopening finds out.
            self._drop_connection()
            raise
        return True

    def close(self) -> None:
        """Close the files; what is in them stays for the reader."""
        self._hurry.set()
        if self._retiring is not None:
            self._retiring.join()
        self._drop_connection()

    def _open(self) -> None:
        """Open the newest segment and make all that is visible in it durable.

        A commit that a killed predecessor, or a failed fsync, left in the kernel's memory only is rewritten into the
        file by the checkpoint: otherwise it could vanish in a power cut after a reader has used it.
        """
        if self._retiring is not None:
            self._retiring.join()  # it may be making the spare that is swept up here
        remove_orphans(self._directory)
        segments = list_segments(self._directory)
        if not segments:
            make_blank(self._directory / SPARE)
            segments = [self._name_spare(1)]
            self._crash("spool.open.first_segment_made")
        self._segment = segments[-1]
        connection = open_to_write(self._segment.path)
        try:
            checkpoint_whole(connection)
            end = last_mark(connection)
            self.last = end or _end_of_previous(segments)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._segment_since = time.monotonic() if end else None
        self._spare_ready = False
        self._retire()

    def _grouped(self, entries: Sequence[Entry]) -> Group:
        return make_group(entries, self.last, max(self._clock(), self.last.received))

    def _commit(self, group: Group) -> None:
        """One statement that commits itself: it is there as a whole or not at all, and fsynced when it returns."""
        connection = self._connection
        if connection is None:
            raise SpoolBroken("Writing to the spool: it is not open; it will be tried again.", 1)
        self._crash("spool.commit.begun")
        connection.execute(_INSERT, group)
        self._crash("spool.commit.durable")
        self.last = Mark(group.last, group.received, group.total)

    def _due(self) -> bool:
        now = time.monotonic()
        if self._unseen * _LOOKS < self._settings.segment_bytes and now - self._looked < _LOOK_SECONDS:
            return False
        self._looked, self._unseen = now, 0
        return self._large() or self._old() or self._asked()

    def _large(self) -> bool:
        return disk_bytes(self._segment.path) >= self._settings.segment_bytes

    def _old(self) -> bool:
        since = self._segment_since
        return since is not None and time.monotonic() - since >= self._settings.segment_age_s

    def _asked(self) -> bool:
        return (self._directory / ROTATE).exists()

    def _rotate(self) -> None:
        old, old_path = self._connection, self._segment.path
        segment = self._name_spare(self.last.seq + 1)
        self._spare_ready = False
        self._crash("spool.rotate.named")
        self._connection, self._segment = open_to_write(segment.path), segment
        self._segment_since = None
        self._retire(old, old_path)
        self._commit(self._grouped([TICK]))
        (self._directory / ROTATE).unlink(missing_ok=True)
        self._crash("spool.rotate.opened")
        _logger.debug("spool %s: %s is closed", self._directory.name, old_path.name)

    def _name_spare(self, first: int) -> Segment:
        path = segment_path(self._directory, first)
        (self._directory / SPARE).rename(path)
        sync_file(self._directory)
        return Segment(first, path)

    def _retire(self, old: sqlite3.Connection | None = None, path: Path = Path()) -> None:
        """Close the old segment and make the next spare, off the path of the acknowledgements."""
        self._spare_tried = time.monotonic()
        self._retiring = threading.Thread(target=self._retire_now, args=(old, path), name="spool-retire", daemon=True)
        self._retiring.start()

    def _retire_now(self, old: sqlite3.Connection | None, path: Path) -> None:
        try:
            if old is not None:
                with closing(old):
                    checkpoint_gently(old, path, self._hurry)  # a reader in the way is no harm: it reads the log
                    self._crash("spool.rotate.checkpointed")
                self._crash("spool.rotate.closed")
            make_blank(self._directory / SPARE)
            self._spare_ready = True
            self._crash("spool.rotate.spare_made")
        except (sqlite3.Error, OSError) as error:
            # No room for a spare: this segment grows on, and a later write that finds it large tries again.
            _logger.warning(
                "spool %s: the next segment could not be made (%s)", self._directory.name, error_word(error)
            )

    def _guarded(self, step: str, work: Callable[[], None]) -> None:
        """Do it, and say what went wrong in the room's words. On a full disk the statement has undone itself."""
        try:
            with translated(f"{step} {self._directory.name}", self._settings.retry_after_s):
                work()
        except SpoolBroken:
            # After a failed fsync the kernel may call pages clean that never reached the disk. Reopening rewrites them.
            self._drop_connection()
            raise

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.close()
        except sqlite3.Error as error:
            _logger.warning("spool %s: closing failed (%s)", self._directory.name, error_word(error))


def _end_of_previous(segments: Sequence[Segment]) -> Mark:
    """Where an empty newest segment goes on: the end of the one before, which is kept until it has a record."""
    if len(segments) < 2:
        return Mark()
    connection = open_to_write(segments[-2].path)
    try:
        mark = last_mark(connection)
    finally:
        connection.close()
    if mark is None or mark.seq + 1 != segments[-1].first:
        raise SpoolBroken(f"The segment before {segments[-1].path.name} does not end where it begins.", 60)
    return mark
