"""The door to a spool for the process that owns it: append, group commit, acknowledge.

Promises: a receipt is settled only when its record is on the disk; records of one group share one fsync; a failing
commit fails exactly the receipts of its group; a sender that has gone takes nothing from the others; bounded in memory
and on the disk; when the disk is well again it goes on by itself. Refuses: a second owner, two event loops at a time.

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
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec

from spool.crash import CrashPoints
from spool.errors import SpoolBroken, SpoolRefusal
from spool.kinds import Entry, Kind, Mark
from spool.log import TICK, Clock, SegmentLog
from spool.receipt import Receipt
from spool.registry import hold, register
from spool.settings import SpoolSettings
from spool.space import Space

_FIRST_RETRY_SECONDS: Final = 0.1
_LONGEST_RETRY_SECONDS: Final = 5.0
_LOOKS: Final = 3
_FEW: Final = 12
_APART_SECONDS: Final = 0.002
"""Groups of few begin at least so far apart: each costs 0.2 ms of work, whatever its size."""
_TIMER_SECONDS: Final = 0.001
"""The event loop's timers know no shorter one; of 0 it would look again and again."""
_LATER_SECONDS: Final = 0.2

_COUNTS: Final = msgspec.msgpack.Encoder()
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WriterState:
    """What health checks and metrics may know of a writer."""

    last: Mark
    queued: int
    refusal: str
    """Why records are refused now; empty when they are taken."""
    bytes_used: int
    bytes_free: int


class _Batch(NamedTuple):
    """What the event loop hands to the commit thread."""

    work: Sequence[tuple[Entry, Receipt]]
    waiters: Sequence[Receipt]
    """Those who wait for the counts."""
    counts: Counter[bytes]

    @property
    def receipts(self) -> list[Receipt]:
        """Everybody who waits."""
        return [receipt for _, receipt in self.work] + list(self.waiters)


class SpoolWriter:
    """Owns the spool `root/name` from construction to `close`.

    The queue is the event loop's alone. Batches go to the commit thread one at a time, and how one ended comes back as
    a call on the loop; so nothing is locked but the log, which imports write to as well.
    """

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
        self._refusal: SpoolRefusal | None = None
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: list[tuple[Entry, Receipt]] = []
        self._queued_bytes = 0
        """Of the queue and of the batch that is under way."""
        self._counts: Counter[bytes] = Counter()
        self._count_waiters: list[Receipt] = []
        self._counting = False
        """Whether somebody looks at counts soon for which nobody waits."""
        self._offered = False
        """Whether the loop will look at the queue once it has done what it is at."""
        self._seen = self._looks = 0
        """How many were queued at the last look, and how many looks there were."""
        self._next = float("-inf")
        """From when on a group of few may begin."""
        self._busy = False
        """Whether a batch is under way."""
        self._batches: SimpleQueue[_Batch | None] = SimpleQueue()
        self._retry_s = _FIRST_RETRY_SECONDS
        self._last_write = float("-inf")
        self._thread = threading.Thread(target=self._run, name=f"spool-{name}", daemon=True)
        self._thread.start()

    def append(self, kind: Kind, events: int, body: bytes) -> Receipt:
        """Queue one record; the receipt gives its number once it is on the disk.

        Called on the event loop. Raises SpoolFull or SpoolBroken at once while the spool refuses; the receipt raises
        them if the commit fails.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move(loop)
        self._admit(len(body))
        receipt = Receipt()
        self._queue.append(((kind, events, body), receipt))
        self._offer(loop)
        return receipt

    def count(self, key: bytes, n: int) -> Receipt:
        """Add `n` to `key`; equal keys of a group become one record. The receipt gives that record's number.

        While the spool refuses, the receipt raises at once but `n` is kept and goes with the next good commit.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move(loop)
        receipt = Receipt()
        self._counts[key] += n
        if self._refusal is not None or self._closing:
            _fail(receipt, self._refusal or self._closed())
            return receipt
        self._count_waiters.append(receipt)
        self._offer(loop)
        return receipt

    def count_later(self, key: bytes, n: int) -> None:
        """Add `n` to `key` where nobody waits for it: it goes with the next commit, and one comes within a moment.

        A kill before that loses it. So a flood of what is refused costs no commits of its own.
        """
        self._counts[key] += n
        if not self._counting:
            self._counting = True
            asyncio.get_running_loop().call_later(_LATER_SECONDS, self._count_now)

    def append_many(self, records: Iterable[tuple[Kind, int, bytes]]) -> int:
        """Commit records as one group on the caller's thread, for imports; the number of the last.

        Raises SpoolFull or SpoolBroken, and then none of them is recorded.
        """
        entries: list[Entry] = list(records)
        if not entries:
            return self._log.last.seq
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
        """Commit what is queued, stop the thread, give the spool back. Idempotent. Not while the loop appends."""
        if self._closing:
            return
        self._closing = True
        if self._queue or self._counts:
            self._batches.put(self._take())
        self._batches.put(None)
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
        if self._queued_bytes + size > self._settings.queue_bytes and self._queued_bytes:
            raise SpoolBroken("The disk of the spool does not answer: too much waits for it.", 1)
        self._queued_bytes += size

    @staticmethod
    def _closed() -> SpoolBroken:
        return SpoolBroken("The spool is closed: this process is about to end.", 1)

    def _move(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another event loop goes on. What the one before has left is committed; nobody waits for it any more."""
        self._loop, self._offered, self._busy, self._counting = loop, False, False, False
        self._seen = self._looks = self._queued_bytes = 0
        self._queue = [(entry, Receipt()) for entry, _ in self._queue]
        self._count_waiters = []

    def _offer(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the queue when the loop has done what it is at now, so that all who come together are one batch.

        A batch is then as large as the load makes it, and nobody waits for company by the clock.
        """
        if not self._offered:
            self._offered = True
            loop.call_soon(self._hand_over)

    def _count_now(self) -> None:
        """See to it that what was counted without anybody waiting is committed."""
        loop = asyncio.get_running_loop()
        self._counting = False
        if loop is not self._loop:
            self._move(loop)
        if self._counts and self._refusal is None and not self._closing:
            self._offer(loop)

    def _hand_over(self) -> None:
        """Give what is queued to the commit thread, unless it has a batch: the end of that one looks here again.

        More that has come since the last look may be followed by still more: a few looks make batches twice as large,
        which saves 5 µs an event; they cost a lone sender some 10 µs. A few soon after the last batch wait for company:
        at half of what a core can bear that saves a sixth of its work. Who comes after a pause goes at once.
        """
        if len(self._queue) > self._seen and self._looks < _LOOKS and not self._busy:
            self._seen = len(self._queue)
            self._looks += 1
            asyncio.get_running_loop().call_soon(self._hand_over)
            return
        wait = self._next - time.monotonic()
        if wait > 0 and len(self._queue) < _FEW and not self._busy:
            asyncio.get_running_loop().call_later(max(wait, _TIMER_SECONDS), self._go)
        else:
            self._go()

    def _go(self) -> None:
        self._offered = False
        self._seen = self._looks = 0
        if not self._busy and (self._queue or self._counts):
            self._busy = True
            self._next = time.monotonic() + _APART_SECONDS
            self._batches.put(self._take())

    def _take(self) -> _Batch:
        batch = _Batch(self._queue, self._count_waiters, self._counts)
        self._queue, self._count_waiters, self._counts = [], [], Counter()
        return batch

    def _end(self, batch: _Batch) -> None:
        """On the loop: a batch is settled, and perhaps the next one is waiting."""
        self._queued_bytes -= _size([entry for entry, _ in batch.work])
        self._busy = False
        self._look()

    def _look(self) -> None:
        """On the loop: offer what waits. While the spool refuses, the commit thread tries again by the clock alone."""
        if self._queue or (self._counts and self._refusal is None):
            self._offer(asyncio.get_running_loop())

    def _run(self) -> None:
        """The commit thread: one batch, one row, one fsync, one wake-up."""
        while True:
            try:
                batch = self._batches.get(timeout=self._patience())
            except Empty:  # time for a tick, or for another try
                batch = _NOTHING
            if batch is None:
                return
            self._commit(batch)

    def _patience(self) -> float:
        """Seconds until the commit thread acts by itself."""
        if self._refusal is not None:
            return self._retry_s
        return max(0.0, self._last_write + self._settings.tick_s - time.monotonic())

    def _commit(self, batch: _Batch) -> None:
        entries = [entry for entry, _ in batch.work]
        if batch.counts:
            entries.append(_counts_entry(batch.counts))
        try:
            first = self._write(entries or [TICK])
        except SpoolRefusal as refusal:
            self._refuse(refusal, batch)
            return
        except Exception:  # The thread must outlive any fault: dead, it would leave every sender waiting for ever.
            _logger.exception("The commit thread of the spool %s met a fault of its own.", self._directory.name)
            self._refuse(SpoolBroken("A fault in the spool; see the log.", 1), batch)
            return
        if self._refusal is not None:
            _logger.warning("The spool %s takes records again.", self._directory.name)
            self._refusal = None
            self._on_loop(self._look)
        if batch is not _NOTHING:
            self._on_loop(lambda: self._resolve(batch, first))
        self._crash("spool.commit.woken")
        self._rotate()

    def _on_loop(self, call: Callable[[], None]) -> None:
        """Have the loop settle a batch."""
        loop = self._loop
        try:
            if loop is not None:
                loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more, and another one begins afresh

    def _resolve(self, batch: _Batch, first: int) -> None:
        for seq, (_, receipt) in enumerate(batch.work, first):
            if not receipt.done():  # cancelled by a client that has gone
                receipt.set_result(seq)
        for receipt in batch.waiters:
            if not receipt.done():
                receipt.set_result(first + len(batch.work))
        self._end(batch)

    def _refuse(self, refusal: SpoolRefusal, batch: _Batch) -> None:
        if self._refusal is None:
            _logger.error("%s", refusal)
            self._retry_s = _FIRST_RETRY_SECONDS
        else:
            self._retry_s = min(_LONGEST_RETRY_SECONDS, self._retry_s * 2)
        self._refusal = refusal
        self._on_loop(lambda: self._fail(refusal, batch))

    def _fail(self, refusal: SpoolRefusal, batch: _Batch) -> None:
        """On the loop: who waits is refused, the queue too; counts wait for a better commit."""
        late = self._take()
        self._counts = batch.counts + late.counts
        for receipt in batch.receipts + late.receipts:
            _fail(receipt, refusal)
        self._queued_bytes -= _size([entry for entry, _ in late.work])
        if batch is not _NOTHING:
            self._end(batch)

    def _write(self, entries: Sequence[Entry]) -> int:
        with self._disk:
            size = _size(entries)
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


_NOTHING: Final = _Batch((), (), Counter())


def _size(entries: Sequence[Entry]) -> int:
    return sum([len(body) for _, _, body in entries])


def _counts_entry(counts: Counter[bytes]) -> Entry:
    return Kind.COUNTS, counts.total(), _COUNTS.encode(list(counts.items()))


def _fail(receipt: Receipt, refusal: SpoolRefusal) -> None:
    if not receipt.done():
        receipt.set_exception(refusal.again())
