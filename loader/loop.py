"""The loader: claim → fix → insert → count → take → close → release, one cut at a time.

What a kill -9 after each step leaves, and who mends it:
  1 claimed: records were read and sorted into partitions. Nothing was written; the next start reads them again.
  2 fixed: one transaction of the journal holds the cut: its ranges, its numbered batches, the beacons it remembers,
    what it leaves out. The warehouse knows nothing. The next start builds the same rows from the spool's segments,
    checks their digests, counts every (partition, batch) = 0 and inserts.
  3 inserted: the warehouse has some of the batches, each whole or not at all, fsynced before it answered. The next
    start counts: those that are there are done, the others are inserted.
  4 counted: as 3. A batch that was inserted is counted too before anything is released: an answer is not a row.
  5 taken: records of other kinds have been handed to their takers. The next start hands them over again; a taker knows
    a record by (spool, number).
  6 closed: one transaction moved the positions and added up the tallies. Segments that are loaded are still there;
    nobody reads them again, the next release unlinks them.
  7 released: the segments have gone.
Any exception is treated like a kill: the cut in memory is dropped, and the next round starts from the journal. There is
one way back, not two. A count that is neither nothing nor everything, a digest that differs, a gap: the loader stops
and says so; nobody may guess.
"""

import gc
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from event_catalogue.days import DAY_MS
from loader.batch import dead_record
from loader.bisect import replace_rejected
from loader.cut import Cut, fix_cut, rebuild_cut
from loader.settings import LoaderSettings
from loader.spools import Spools
from loader.state import Health, LoaderState, Progress
from loader.table import EventTable
from spool.crash import CrashPoints
from spool.cuts import Batch, DeadLetter
from spool.errors import SpoolGap, SpoolRefusal
from spool.journal import Journal
from spool.kinds import Record
from warehouse.errors import Broken, Rejected, TryLater

LOADER_POINTS: Final = (
    "loader.claimed",
    "loader.fixed",
    "loader.inserted",
    "loader.split",
    "loader.counted",
    "loader.taken",
    "loader.closed",
    "loader.released",
)
"""Every point at which a test may kill the loader, in the order of a round."""

Clock = Callable[[], int]
Taker = Callable[[str, Record], None]
"""Handles one record of a spool, of a kind that is not the loader's. It may be called again with the same (spool,
number). Raises Unusable for a record that can never be taken; anything else means: try again later."""

_CLOSE_SECONDS: Final = 5.0

_logger = logging.getLogger(__name__)


class Unusable(Exception):
    """Raised by a taker: this record can never be taken, it goes to the dead letters."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the loader calls."""

    takers: Mapping[int, Taker] = field(default_factory=dict)
    """By kind. A taker is called after all rows of its cut have been counted in the warehouse."""
    smallest: Callable[[int], int] = lambda _: 0
    """The smallest group of a site that is told apart: smaller hours of the past are not kept."""
    publish: Callable[[LoaderState], None] = lambda _: None
    """Called with each new state, on the loader's thread."""
    crash: CrashPoints = field(default_factory=CrashPoints)


class Loader:
    """Loads all spools under `root` into one table. One thread runs it; any may read `state`, `retire`, `at_rest`."""

    def __init__(self, root: Path, table: EventTable, *, settings: LoaderSettings, clock: Clock, hooks: Hooks) -> None:
        """Take the journal. Raises SpoolBusy when another loader has it, SpoolFull, SpoolBroken."""
        self._table = table
        self._settings = settings
        self._clock = clock
        self._hooks = hooks
        self._crash = hooks.crash
        self._journal = Journal(root, clock)
        self._spools = Spools(root, self._journal)
        self._in_doubt = True
        self._rejected = False
        self._vanished: set[int] = set()
        self._noticed: float | None = None
        self._hours_forgotten = 0
        self._turn = threading.Lock()
        self._outcomes: Counter[str] = Counter(self._journal.outcomes())
        self._state = LoaderState(totals=dict(self._outcomes), dead_letters=self._journal.dead_letters())

    @property
    def state(self) -> LoaderState:
        """How it is; a snapshot."""
        return self._state

    def step(self) -> Progress:
        """One round, at once. Raises TryLater, SpoolRefusal (later again), Broken, SpoolGap (a person has to look)."""
        with self._turn:
            try:
                with _uncollected():
                    return self._round()
            except BaseException:
                self._in_doubt = True
                raise

    def run(self, stop: threading.Event) -> None:
        """Rounds until `stop` is set, or until something contradicts itself: then the state says `stopped`."""
        wait = 0.0
        while not stop.is_set():
            pause = self._settings.poll_s
            try:
                if self._due() and self.step().more:
                    pause = 0.0
                self._tell("working", "")
                wait = 0.0
            except (TryLater, SpoolRefusal) as error:
                self._tell("waiting", str(error))
                wait = min(self._settings.longest_wait_s, wait * 2 or self._settings.first_wait_s)
                pause = wait * random.uniform(0.75, 1.25)  # noqa: S311  # jitter
            except (Broken, SpoolGap) as error:
                self._tell("stopped", str(error))
                return
            except Exception as error:  # The last catch of this thread: a fault of ours must be seen, not vanish.
                _logger.exception("The loader met a fault of its own.")
                self._tell("stopped", f"A fault in the loader ({type(error).__name__}); see the log.")
                return
            stop.wait(pause)

    @property
    def in_doubt(self) -> bool:
        """Whether a batch is open: it is not known yet whether the warehouse has it."""
        with self._turn:
            return self._journal.open_cut() is not None

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """No batch is between insert and count inside: rewriting a partition, as erasure does, is safe here.

        Raises TryLater when a batch is in doubt and cannot be settled now.
        """
        with self._turn:
            if self._journal.open_cut() is not None:
                raise TryLater("A batch is not yet known to be stored or not; ask again when the warehouse answers.")
            yield

    def retire(self, name: str) -> Path | None:
        """Wait for a spool no longer; where what was not loaded lies now. Raises SpoolBusy while it has an owner."""
        with self.at_rest():
            aside = self._spools.retire(name)
            self._update()
        return aside

    def close(self) -> None:
        """Give the journal back. An open cut stays open and is finished at the next start.

        A round that does not end within some seconds keeps its files: the process is about to end, and may.
        """
        if not self._turn.acquire(timeout=_CLOSE_SECONDS):
            return
        try:
            self._in_doubt = True
            self._spools.close()
            self._journal.close()
        finally:
            self._turn.release()

    def _due(self) -> bool:
        """Whether there is enough to load, or something that has waited long enough."""
        if self._in_doubt:
            return True
        with self._turn:
            self._spools.look()
        if self._spools.all_read:
            self._noticed = None
            return False
        now = time.monotonic()
        if self._noticed is None:
            self._noticed = now
        return self._spools.pending >= self._settings.enough_events or now - self._noticed >= self._settings.gather_s

    def _round(self) -> Progress:
        self._spools.look(afresh=self._in_doubt)
        open_cut = self._journal.open_cut() if self._in_doubt else None
        if open_cut is not None:
            cut = rebuild_cut(open_cut, self._spools.claim_again(open_cut.ranges))
        else:
            claim = self._spools.claim(self._settings.cut_events, self._settings.cut_bytes)
            if not claim:
                self._settled()
                self._update()
                return Progress()
            self._crash("loader.claimed")
            cut = fix_cut(self._journal, claim, takers=self._hooks.takers, batch_rows=self._settings.batch_rows)
        self._crash("loader.fixed")
        self._update(open_batches=len(cut.fixed.batches))
        self._store(cut, doubt=open_cut is not None)
        self._close(cut, self._hand_over(cut))
        self._spools.release(cut.fixed.ranges)
        self._crash("loader.released")
        self._forget_hours()
        self._settled()
        return Progress(cut.records, cut.rows, more=self._spools.pending >= self._settings.enough_events)

    def _store(self, cut: Cut, *, doubt: bool) -> None:
        """Bring every batch of the cut into the warehouse, exactly once."""
        waiting = list(cut.fixed.batches)
        while waiting:
            batch = waiting.pop(0)
            if doubt and self._is_there(batch):
                continue
            part = cut.parts[batch.plan.day, batch.plan.keep]
            rows = part.rows[batch.plan.start : batch.plan.stop]
            try:
                self._table.insert(rows, batch=batch.number, token=self._token(batch))
            except Rejected:
                if self._is_there(batch):
                    continue
                self._rejected = True
                waiting[:0] = replace_rejected(self._journal, cut.fixed, batch, part)
                self._crash("loader.split")
                continue
            self._crash("loader.inserted")
            if not self._is_there(batch):
                self._vanished.add(batch.number)
                raise TryLater(f"Batch {batch.number} was inserted and is not there; it will be tried again.")
        self._crash("loader.counted")

    def _token(self, batch: Batch) -> str:
        """The same for every try, so that a first one that comes late is dropped by the warehouse.

        But its log may remember a part that has gone, and then it answers ok and stores nothing, for ever.
        A batch that was answered so, and was counted as absent twice, gets another token: the count is what holds.
        """
        return f"{batch.token}-{self._clock()}" if batch.number in self._vanished else batch.token

    def _is_there(self, batch: Batch) -> bool:
        """Whether the batch lies in the warehouse. Raises Broken if only a part of it does."""
        found = self._table.count(day=batch.plan.day, keep=batch.plan.keep, batch=batch.number)
        if found not in (0, batch.rows):
            raise Broken(
                f"Batch {batch.number} has {batch.rows} rows, the warehouse has {found} of them: the loader stops "
                "before it loses or doubles one. Look for a rewrite of the partition and run `footfall doctor`."
            )
        return found == batch.rows

    def _hand_over(self, cut: Cut) -> list[DeadLetter]:
        """Give the records of other kinds to their takers; those that can never be taken become dead letters."""
        unusable = []
        for spool, record in cut.others:
            taker = self._hooks.takers.get(record.kind)
            if taker is None:  # there was one when the cut was fixed
                unusable.append(dead_record("no_taker", spool, record))
                continue
            try:
                taker(spool, record)
            except Unusable:
                unusable.append(dead_record("unusable", spool, record))
            except Exception as error:  # A taker may fail in any way of its store; its record must not be lost by it.
                word = type(error).__name__
                raise TryLater(f"A record of kind {record.kind} could not be taken ({word}).") from error
        self._crash("loader.taken")
        return unusable

    def _close(self, cut: Cut, unusable: list[DeadLetter]) -> None:
        ranges = cut.fixed.ranges
        self._journal.close_cut(cut.fixed, dead=unusable, forget_before=self._spools.horizon(ranges))
        self._spools.advance(ranges)
        self._crash("loader.closed")
        if cut.outcomes is None:
            self._outcomes = Counter(self._journal.outcomes())
        else:
            self._outcomes.update(cut.outcomes)
        dead = self._state.dead_letters
        if cut.dead or unusable or self._rejected:
            dead, self._rejected = self._journal.dead_letters(), False
            _logger.error("Rows or records could not be used: %d events are dead letters now.", dead)
        self._update(open_batches=0, totals=dict(self._outcomes), dead_letters=dead)

    def _forget_hours(self) -> None:
        """Once a day. Two days later no event of the day can come any more, whatever the site's zone."""
        today = self._clock() // DAY_MS
        if today != self._hours_forgotten:
            self._journal.forget_small_hours(self._hooks.smallest, before_day=today - 2)
            self._hours_forgotten = today

    def _settled(self) -> None:
        """Nothing is open, and what is in memory is what is in the journal."""
        self._in_doubt = False
        self._vanished.clear()
        self._noticed = None

    def _tell(self, health: Health, error: str) -> None:
        """Publish a change of state, and log a change of health once."""
        if health != self._state.health:
            level = {"stopped": logging.CRITICAL, "waiting": logging.WARNING}.get(health, logging.INFO)
            _logger.log(level, "The loader is %s. %s", health, error)
        self._update(health=health, error=error)

    def _update(self, **changes: object) -> None:
        state = replace(self._state, spools=self._spools.progress, **changes)  # type: ignore[arg-type]
        if state != self._state:
            self._state = state
            self._hooks.publish(state)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cyclic garbage meanwhile: a round makes a list for every row and no cycles, and the collector would
    go through all of them again and again (11 instead of 5 µs a row to decode alone).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
