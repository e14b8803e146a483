"""What can go wrong with a spool, told apart by what to do next."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class SpoolError(Exception):
    """Root of the room's errors."""


class SpoolRefusal(SpoolError):
    """Nothing was done; try again after `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def again(self) -> "SpoolRefusal":
        """The same refusal for another sender; one exception object must not be raised twice."""
        return type(self)(str(self), self.retry_after_s)


class SpoolFull(SpoolRefusal):
    """The spool has reached its bound, or the disk is nearly full."""


class SpoolBroken(SpoolRefusal):
    """The disk or the file does not do what it should; the spool tries to recover by itself."""


class SpoolBusy(SpoolError):
    """Another process owns this spool, or this journal."""


class SpoolGap(SpoolError):
    """Records that were acknowledged have gone, or a journal is not this spool's. Stop and be loud."""


_FULL: Final = ("SQLITE_FULL", "ENOSPC", "EDQUOT")


def error_word(error: sqlite3.Error | OSError) -> str:
    """The symbolic name of an error: never a text that may quote a value."""
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0, "unknown error")
    return str(getattr(error, "sqlite_errorname", None) or type(error).__name__)


def refusal(step: str, error: sqlite3.Error | OSError, retry_after_s: int) -> SpoolRefusal:
    """What a failed `step` means in the room's words."""
    word = error_word(error)
    if word in _FULL:
        return SpoolFull(f"{step}: the disk is full ({word}); free some room.", retry_after_s)
    return SpoolBroken(f"{step}: {word}; look at the disk.", retry_after_s)


@contextmanager
def translated(step: str, retry_after_s: int) -> Iterator[None]:
    """Raise what goes wrong inside as SpoolFull or SpoolBroken."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise refusal(step, error, retry_after_s) from None
