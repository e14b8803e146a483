"""Opens stores and hands them to rooms. The one place that knows the wall clock, paths and the logging set-up."""

import fcntl
import json
import logging
import os
import re
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from footfall.environment import Environment
from spool.settings import SpoolSettings


class SetUpError(RuntimeError):
    """The installation can't be used as it is; the text is one sentence that says what to do."""


def clock() -> int:
    """Milliseconds since 1970-01-01, UTC."""
    return time.time_ns() // 1_000_000


def ticks() -> int:
    """Milliseconds that never go back, from some moment on."""
    return time.monotonic_ns() // 1_000_000


RESTORING: Final = "restoring"
"""A file of this name says that a restore is under way, or was cut short: nothing else opens the installation."""


def make_directories(environment: Environment) -> None:
    """Make the data directory and its parts, for the owner alone.

    Raises SetUpError when that can't be done, and while a restore is not at its end.
    """
    data = environment.data
    if (data / RESTORING).exists():
        raise SetUpError(
            f"A restore into {data} is under way or was cut short: what was purged and erased could come back. "
            "Wait for it, or run `footfall backup restore` again."
        )
    try:
        for path in (data, environment.snapshot.parent, environment.salts.parent, environment.spool, data / "geo"):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = data / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        what_next = "remove it" if data.is_file() else "give its owner the right to"
        why = "it is a file" if data.is_file() else error.strerror
        raise SetUpError(
            f"The data directory {data} can't be written ({why}); {what_next}, or choose another one with --data."
        ) from None


class _Lines(logging.Formatter):
    """One JSON object a line: time, level, part, text. Exceptions as type and place, never with their values."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "part": record.name,
            "text": _text(record),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _places(record)
        return json.dumps(line, ensure_ascii=False)


_ROOMS: Final = frozenset(
    "footfall collector loader aggregator retention console spool control_store warehouse event_catalogue".split()
)


def _text(record: logging.LogRecord) -> str:
    """Our own words as they are. Of a library's the first line before any object or argument: asyncio, for one, prints
    what a failed task was given, and a title or an address is as good an argument as any."""
    if record.name.partition(".")[0] in _ROOMS:
        return record.getMessage()
    return re.split(r"[\n<({]", str(record.msg), maxsplit=1)[0].strip()[:200] or record.name


def _places(record: logging.LogRecord) -> str:
    """File and line of each frame. The message of a foreign exception may hold a value, so it is not logged."""
    import traceback

    frames = traceback.extract_tb(record.exc_info[2] if record.exc_info else None)
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-8:])


def set_up_logging(environment: Environment) -> None:
    """Structured lines on standard error. Libraries speak from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("footfall").setLevel(environment.log_level.upper())
    # It warns of every request that is none: on a public port anybody could fill the disk with that.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)
    _take_last_words()


def _take_last_words() -> None:
    """What nobody catches is told in the same form: Python would print the text of the error, whatever stands in it."""

    def tell(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and issubclass(kind, Exception):
            logging.getLogger("footfall").critical("A fault that nobody caught.", exc_info=(kind, error, trace))

    sys.excepthook = tell
    sys.unraisablehook = lambda args: tell(args.exc_type, args.exc_value, args.exc_traceback)
    threading.excepthook = lambda args: tell(args.exc_type, args.exc_value, args.exc_traceback)


SWITCH_INTERVAL_S: Final = 0.0005
"""How long a thread holds the interpreter: the commit thread waits for it after each fsync. With Python's default of
5 ms the p99 of an answer at half load was 8 ms instead of 3 ms (measured)."""


def spool_settings(environment: Environment) -> SpoolSettings:
    """What a spool is told."""
    return SpoolSettings(
        max_bytes=environment.spool_max_mb * 1024 * 1024,
        min_free_bytes=environment.spool_min_free_mb * 1024 * 1024,
        segment_bytes=environment.spool_segment_kb * 1024,
    )


def hold_core(environment: Environment, *, patience_s: float) -> int | None:
    """The lock that says that a core runs on this data directory; None if another process keeps holding it."""
    lock = os.open(environment.data / "core.lock", os.O_RDWR | os.O_CREAT, 0o600)
    waited = 0.0
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waited >= patience_s:
                os.close(lock)
                return None
            waited += 0.25
            time.sleep(0.25)
        else:
            return lock
