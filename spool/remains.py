"""What the files of the spools still hold of records that were received long enough ago to have been loaded, and how
such files are made to go: the loader unlinks a segment once a newer one has begun.
"""

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from spool.crash import CrashPoints
from spool.errors import SpoolBroken, SpoolBusy, translated
from spool.kinds import Group, Kind, records_of
from spool.log import ROTATE, Clock, SegmentLog
from spool.registry import hold, is_complete, list_spools
from spool.segment import list_segments, open_to_read
from spool.settings import SpoolSettings

_READ: Final = "SELECT last, first, received, total, records FROM groups WHERE received <= ? ORDER BY last"
_RETRY_SECONDS: Final = 1
_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.01


def spools_that_hold(root: Path, upto: int) -> list[str]:
    """The spools with a file that holds anything received at or before `upto` (ms UTC). Raises SpoolBroken."""
    return [name for name in list_spools(root) if _holds(root / name, upto)]


def rotate(root: Path, name: str, clock: Clock) -> None:
    """Begin a new segment of a spool: by its owner, within a tick, or here where no process owns it.

    Raises SpoolFull, SpoolBroken.
    """
    directory = root / name
    if is_complete(directory):
        return  # it goes as a whole when it is loaded
    try:
        held = hold(directory, 0)
    except SpoolBusy:
        (directory / ROTATE).touch()
        return
    try:
        _rotate_now(directory, clock)
    finally:
        os.close(held)


def _rotate_now(directory: Path, clock: Clock) -> None:
    (directory / ROTATE).touch()
    log = SegmentLog(directory, SpoolSettings(), clock, CrashPoints())
    try:
        until = time.monotonic() + _PATIENCE_SECONDS
        while not log.rotate_if_due():
            if time.monotonic() > until:
                raise SpoolBroken(f"The spool {directory.name} can't begin a new segment.", _RETRY_SECONDS)
            time.sleep(_PAUSE_SECONDS)
    finally:
        log.close()


def _holds(directory: Path, upto: int) -> bool:
    """Whether a segment holds more than ticks up to that moment. What goes away meanwhile holds nothing."""
    for segment in list_segments(directory):
        try:
            with (
                translated(f"Looking into the spool {directory.name}", _RETRY_SECONDS),
                closing(open_to_read(segment.path)) as connection,
            ):
                groups = map(Group._make, connection.execute(_READ, (upto,)))
                if any(_is_content(group) for group in groups):
                    return True
        except SpoolBroken:
            if segment.path.exists():
                raise
    return False


def _is_content(group: Group) -> bool:
    try:
        return any(record.kind != Kind.TICK for record in records_of(group))
    except msgspec.DecodeError:
        return True
