"""One segment file: how it is named, made, opened, hardened and removed.

A segment holds the records from the number in its name up to the one before the next segment's. It is SQLite in WAL
mode with synchronous=FULL, so a commit that has returned is on the disk. It is made under another name and renamed
when it is whole: two processes that switch a fresh file to WAL at once lock each other out whatever the timeout.
"""

import os
import re
import sqlite3
import threading
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from spool.errors import SpoolBroken
from spool.kinds import Mark

SCHEMA_VERSION: Final = 2
SPARE: Final = "spare.tmp"
"""The next segment, made ahead so that no acknowledgement waits for it."""

_NAME: Final = re.compile(r"seg-(\d{20})\.db")
_BUSY_SECONDS: Final = 5.0
_COMPANIONS: Final = ("-shm", "-wal")
_PIECE: Final = 1 << 20
_PIECE_SECONDS: Final = 0.02
"""1 MiB every 20 ms: 50 MB/s, faster than a worker takes events in, and no disk's whole attention."""


class Segment(NamedTuple):
    """A segment file and the number of its first record."""

    first: int
    path: Path


def segment_path(directory: Path, first: int) -> Path:
    """Where the segment that starts with record `first` lies."""
    return directory / f"seg-{first:020}.db"


def list_segments(directory: Path) -> list[Segment]:
    """All segments of a spool, oldest first."""
    names = (_NAME.fullmatch(entry.name) for entry in os.scandir(directory))
    return sorted(Segment(int(name[1]), directory / name[0]) for name in names if name)


def make_blank(path: Path) -> None:
    """Make an empty segment at `path`, durable but for its name: WAL, schema and version set, closed, fsynced."""
    remove(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript((resources.files("spool") / "schema.sql").read_text(encoding="utf-8"))
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    finally:
        connection.close()
    sync_file(path)


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection for the owner of the spool. Commits are durable; nothing is checkpointed behind its back."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    _check_version(connection, path)
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection for another process. It can recover a log that a killed owner left, and changes no record."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # a loader's thread reads, the one that started it closes
    )
    _check_version(connection, path)
    return connection


def last_mark(connection: sqlite3.Connection) -> Mark | None:
    """The last record of the segment, None if it is empty."""
    row = connection.execute("SELECT last, received, total FROM groups ORDER BY last DESC LIMIT 1").fetchone()
    return Mark(*row) if row else None


def checkpoint(connection: sqlite3.Connection) -> bool:
    """Move the log into the file, fsync both and empty the log. False: a reader was in the way."""
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def checkpoint_gently(connection: sqlite3.Connection, path: Path, hurry: threading.Event) -> None:
    """The same for a segment that is written no more, spread over a second or two (less when `hurry` is set).

    An fsync of 64 MiB at once held up the commits beside it for 200 ms. Here the pages are copied without one while the
    log stays as it is, go to the disk a piece at a time, and only then is the log emptied: a power cut in between finds
    the log whole.
    """
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if hasattr(os, "posix_fadvise"):  # on Linux it begins to write what is dirty
            for start in range(0, os.fstat(descriptor).st_size - _PIECE, _PIECE):
                os.posix_fadvise(descriptor, start, _PIECE, os.POSIX_FADV_DONTNEED)
                hurry.wait(_PIECE_SECONDS)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    connection.execute("PRAGMA synchronous=FULL")
    checkpoint(connection)


def checkpoint_whole(connection: sqlite3.Connection) -> None:
    """The same, and nothing less. Raises SpoolBroken when a reader was in the way."""
    if not checkpoint(connection):
        raise SpoolBroken("Opening the spool: a reader holds the log; it will be tried again.", retry_after_s=1)


def harden_log(path: Path) -> None:
    """Fsync the segment's log.

    A killed owner may leave a commit that was written and not yet fsynced. It lives in the kernel's memory, so a reader
    sees it; loaded and then lost in a power cut, its number would be given to another record, and that one skipped.
    """
    try:
        sync_file(path.with_name(path.name + "-wal"))
    except FileNotFoundError:
        return  # checkpointed and closed: the file itself is durable


def disk_bytes(path: Path) -> int:
    """Bytes of the segment and its log."""
    return sum(_size(path.with_name(path.name + suffix)) for suffix in ("", "-wal"))


def remove(path: Path) -> None:
    """Unlink the segment and what belongs to it. The file goes first: a log without a file is nothing to anyone."""
    for suffix in ("", *_COMPANIONS):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def remove_orphans(directory: Path) -> None:
    """Unlink what a kill left half made or half removed: spares, and logs without their file."""
    for entry in list(os.scandir(directory)):
        path = Path(entry.path)
        for suffix in _COMPANIONS:
            if entry.name.endswith(suffix) and not path.with_name(entry.name.removesuffix(suffix)).exists():
                path.unlink(missing_ok=True)
        if entry.name == SPARE:
            remove(path)


def sync_file(path: Path) -> None:
    """Fsync one file, or a directory's entries."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        connection.close()
        raise SpoolBroken(
            f"The segment {path.name} has schema version {version}, this release knows {SCHEMA_VERSION}: "
            "start the release that wrote it.",
            retry_after_s=60,
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
