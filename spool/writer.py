"""The door to a spool for the process that owns it: append, group commit, acknowledge.

Promises: a future resolves only when its record is on the disk; records of one group share one fsync; a failing commit
fails exactly the futures of its group; a sender that has gone takes nothing from the others; bounded in memory and on
the disk; when the disk is well again it goes on by itself. Refuses: a second owner, a second event loop at a time.

A record's life, and what a kill leaves after each step:
  1 queued in memory: nothing; the sender was promised nothing.
  2 in a transaction that is not committed: nothing; SQLite forgets it.
  3 committed, fsynced, not acknowledged: the record. The sender tries again and the loader drops the second one.
  4 acknowledged: the record.
Counts that came while the disk was full wait in memory and go with the next commit; a kill before that loses them,
and their senders have been refused.
"""

import asyncio
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from spool.crash import CrashPoints
from spool.errors import SpoolBroken, SpoolRefusal
from spool.kinds import Entry, Kind, Mark
from spool.log import TICK, Clock, SegmentLog
from spool.registry import hold, register
from spool.settings import SpoolSettings
from spool.space import Space

_FIRST_RETRY_SECONDS: Final = 0.1
_LONGEST_RETRY_SECONDS: Final = 5.0
_COMPANY: Final = range(2, 200)
"""Gathering pays when the last group had company, and not when groups are large anyway."""

_COUNTS: Final = msgspec.msgpack.Encoder()
_logger = logging.getLogger(__name__)

Future = asyncio.Future[int]


@dataclass(frozen=True, slots=True)
class WriterState:
    """What health checks and metrics may know of a writer."""

    last: Mark
    queued: int
    refusal: str
    """Why records are refused now; empty when they are taken."""
    bytes_used: int
    bytes_free: int


class SpoolWriter:
    """Owns the spool `root/name` from construction to `close`."""

    def __init__(
        self, root: Path, name: str, settings: SpoolSettings, clock: Clock, crash: CrashPoints | None = None
    ) -> None:
        """Take the spool over, register it, start its commit thread. Raises SpoolBusy, SpoolFull, SpoolBroken."""
        self._settings = settings
        self._crash = crash or CrashPoints()
        self._directory = register(root, name)
        self._crash("spool.open.directory_made")
        self._held = hold(self._directory, settings.lock_wait_s)
        try:
            self._log = SegmentLog(self._directory, settings, clock, self._crash)
        except BaseException:
            os.close(self._held)
            raise
        self._space = Space(self._directory, settings)
        self._disk = threading.Lock()
        self._ready = threading.Condition(threading.Lock())
        self._queue: list[tuple[Entry, Future]] = []
        self._queued_bytes = 0
        self._counts: Counter[bytes] = Counter()
        self._count_waiters: list[Future] = []
        self._refusal: SpoolRefusal | None = None
        self._waiting = False
        self._closing = False
        self._company = False
        self._retry_s = _FIRST_RETRY_SECONDS
        self._last_write = float("-inf")
        self._thread = threading.Thread(target=self._run, name=f"spool-{name}", daemon=True)
        self._thread.start()

    def append(self, kind: Kind, events: int, body: bytes) -> Future:
        """Queue one record; the future gives its number once it is on the disk.

        Called on the event loop. Raises SpoolFull or SpoolBroken at once while the spool refuses; the future raises
        them if the commit fails.
        """
        future: Future = asyncio.get_running_loop().create_future()
        with self._ready:
            self._admit(len(body))
            self._queue.append((Entry(kind, events, body), future))
            if self._waiting:
                self._ready.notify()
        return future

    def count(self, key: bytes, n: int) -> Future:
        """Add `n` to `key`; equal keys of a group become one record. The future gives that record's number.

        While the spool refuses, the future raises at once but `n` is kept and goes with the next good commit.
        """
        future: Future = asyncio.get_running_loop().create_future()
        with self._ready:
            self._counts[key] += n
            if self._refusal is not None or self._closing:
                _fail(future, self._refusal or self._closed())
                return future
            self._count_waiters.append(future)
            if self._waiting:
                self._ready.notify()
        return future

    def append_many(self, records: Iterable[tuple[Kind, int, bytes]]) -> int:
        """Commit records as one transaction on the caller's thread, for imports; the number of the last.

        Raises SpoolFull or SpoolBroken, and then none of them is recorded.
        """
        entries = [Entry(*record) for record in records]
        if not entries:
            return self._log.last.seq
        with self._ready:
            if self._closing:
                raise self._closed()
        last = self._write(entries) + len(entries) - 1
        self._rotate()
        return last

    @property
    def state(self) -> WriterState:
        """How the spool is."""
        refusal = self._refusal
        return WriterState(
            last=self._log.last,
            queued=len(self._queue),
            refusal=str(refusal) if refusal else "",
            bytes_used=self._space.used,
            bytes_free=self._space.free,
        )

    def close(self) -> None:
        """Commit what is queued, stop the thread, give the spool back. Idempotent."""
        with self._ready:
            if self._closing:
                return
            self._closing = True
            self._ready.notify()
        self._thread.join()
        with self._disk:
            self._log.close()
        os.close(self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _admit(self, size: int) -> None:
        if self._closing:
            raise self._closed()
        if self._refusal is not None:
            raise self._refusal.again()
        if self._queued_bytes + size > self._settings.queue_bytes and self._queue:
            raise SpoolBroken("The disk of the spool does not answer: too much waits for it.", 1)
        self._queued_bytes += size

    @staticmethod
    def _closed() -> SpoolBroken:
        return SpoolBroken("The spool is closed: this process is about to end.", 1)

    def _run(self) -> None:
        """The commit thread: take everything that is queued, one transaction, one wake-up."""
        while True:
            work, waiters, counts = self._take()
            if not work and not counts and self._closing:
                return
            self._commit(work, waiters, counts)
            if self._closing and self._refusal is not None:
                return

    def _take(self) -> tuple[list[tuple[Entry, Future]], list[Future], Counter[bytes]]:
        """Everything queued. Waits for work, for the next tick, or while refusing for the next try."""
        with self._ready:
            if not self._closing and (self._refusal is not None or not (self._queue or self._count_waiters)):
                self._waiting = True
                self._ready.wait(self._patience())
                self._waiting = False
        if self._company and not self._closing:
            time.sleep(self._settings.gather_s)
        with self._ready:
            work, self._queue = self._queue, []
            waiters, self._count_waiters = self._count_waiters, []
            counts, self._counts = self._counts, Counter()
            self._queued_bytes = 0
        return work, waiters, counts

    def _patience(self) -> float:
        if self._refusal is not None:
            return self._retry_s
        return max(0.0, self._last_write + self._settings.tick_s - time.monotonic())

    def _commit(self, work: list[tuple[Entry, Future]], waiters: list[Future], counts: Counter[bytes]) -> None:
        self._company = len(work) in _COMPANY
        entries = [entry for entry, _ in work]
        if counts:
            entries.append(_counts_entry(counts))
        if not entries:
            if self._refusal is None and self._patience() > 0:
                return
            entries = [TICK]
        futures = [future for _, future in work]
        try:
            first = self._write(entries)
        except SpoolRefusal as refusal:
            self._refuse(refusal, futures + waiters, counts)
            return
        except Exception:  # The thread must outlive any fault: dead, it would leave every sender waiting for ever.
            _logger.exception("The commit thread of the spool %s met a fault of its own.", self._directory.name)
            self._refuse(SpoolBroken("A fault in the spool; see the log.", 1), futures + waiters, counts)
            return
        self._recovered()
        _wake(futures, first, waiters, first + len(entries) - 1)
        self._crash("spool.commit.woken")
        self._rotate()

    def _write(self, entries: Sequence[Entry]) -> int:
        with self._disk:
            size = sum(len(entry.body) for entry in entries)
            self._space.admit(size)
            try:
                first = self._log.write(entries)
            except SpoolRefusal:
                self._space.refused(size)
                raise
            self._last_write = time.monotonic()
        return first

    def _rotate(self) -> None:
        with self._disk:
            try:
                self._log.rotate_if_due()
            except SpoolRefusal as refusal:
                _logger.warning("%s", refusal)  # nothing is lost: the next write reopens

    def _refuse(self, refusal: SpoolRefusal, futures: list[Future], counts: Counter[bytes]) -> None:
        if self._refusal is None:
            _logger.error("%s", refusal)
            self._retry_s = _FIRST_RETRY_SECONDS
        else:
            self._retry_s = min(_LONGEST_RETRY_SECONDS, self._retry_s * 2)
        with self._ready:
            self._refusal = refusal
            self._counts.update(counts)
            late = [future for _, future in self._queue] + self._count_waiters
            self._queue, self._count_waiters, self._queued_bytes = [], [], 0
        _fail_all(futures + late, refusal)

    def _recovered(self) -> None:
        if self._refusal is not None:
            _logger.warning("The spool %s takes records again.", self._directory.name)
            self._refusal = None


def _counts_entry(counts: Counter[bytes]) -> Entry:
    return Entry(Kind.COUNTS, counts.total(), _COUNTS.encode(list(counts.items())))


def _wake(futures: list[Future], first: int, waiters: list[Future], counted: int) -> None:
    """Resolve a group's futures on their loop, by one call for all of them."""

    def resolve() -> None:
        for seq, future in enumerate(futures, first):
            if not future.done():  # cancelled by a client that has gone: raising here would cost the others theirs
                future.set_result(seq)
        for future in waiters:
            if not future.done():
                future.set_result(counted)

    _on_loop(futures or waiters, resolve)


def _fail_all(futures: list[Future], refusal: SpoolRefusal) -> None:
    def fail() -> None:
        for future in futures:
            _fail(future, refusal)

    _on_loop(futures, fail)


def _fail(future: Future, refusal: SpoolRefusal) -> None:
    if not future.done():
        future.set_exception(refusal.again())
        future.exception()  # marks it as seen: a sender that has gone is no news


def _on_loop(futures: list[Future], call: Callable[[], None]) -> None:
    if not futures:
        return
    try:
        futures[0].get_loop().call_soon_threadsafe(call)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more
