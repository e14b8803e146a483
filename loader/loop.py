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

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from loader.batch import Contents, Part, Partition, dead_record, plan_batches
from loader.bisect import replace_rejected
from loader.settings import LoaderSettings
from loader.state import Health, LoaderState, Progress, SpoolProgress
from loader.table import EventTable
from spool.beacons import generation_of
from spool.crash import CrashPoints
from spool.cuts import Batch, CutPlan, DeadLetter, OpenCut, Position, Range
from spool.errors import SpoolGap, SpoolRefusal
from spool.journal import Journal
from spool.kinds import Mark, Record
from spool.reader import SpoolReader, list_spools
from warehouse.errors import Broken, Rejected, TryLater

LOADER_POINTS: Final = (
    "loader.claimed",
    "loader.fixed",
    "loader.inserted",
    "loader.counted",
    "loader.split",
    "loader.taken",
    "loader.closed",
    "loader.released",
)
"""Every point at which a test may kill the loader, in the order of a round."""

Clock = Callable[[], int]
Taker = Callable[[str, Record], None]
"""Handles one record of a spool, of a kind that is not the loader's. It may be called again with the same (spool,
number). Raises Unusable for a record that can never be taken; anything else means: try again later."""

_logger = logging.getLogger(__name__)


class Unusable(Exception):
    """Raised by a taker: this record can never be taken, it goes to the dead letters."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the loader calls."""

    takers: Mapping[int, Taker] = field(default_factory=dict)
    """By kind."""
    publish: Callable[[LoaderState], None] = lambda _: None
    """Called with each new state, on the loader's thread."""
    crash: CrashPoints = field(default_factory=CrashPoints)


class Loader:
    """Loads all spools under `root` into one table. Used by one thread; `state` may be read by any."""

    def __init__(self, root: Path, table: EventTable, *, settings: LoaderSettings, clock: Clock, hooks: Hooks) -> None:
        """Take the journal. Raises SpoolBusy when another loader has it, SpoolFull, SpoolBroken."""
        self._root = root
        self._table = table
        self._settings = settings
        self._hooks = hooks
        self._crash = hooks.crash
        self._journal = Journal(root, clock)
        self._readers: dict[str, SpoolReader] = {}
        self._positions: dict[str, Position] = {}
        self._ends: dict[str, Mark] = {}
        self._in_doubt = True
        self._noticed: float | None = None
        self._turn = threading.Lock()
        self._state = LoaderState()

    @property
    def state(self) -> LoaderState:
        """How it is; a snapshot."""
        return self._state

    def step(self) -> Progress:
        """One round, at once. Raises TryLater, SpoolRefusal (later again), Broken, SpoolGap (a person has to look)."""
        with self._turn:
            try:
                progress = self._round()
            except BaseException:
                self._in_doubt = True
                raise
        return progress

    def run(self, stop: threading.Event) -> None:
        """Rounds until `stop` is set, or until something contradicts itself: then the state says `stopped`."""
        wait = 0.0
        while not stop.is_set():
            pause = self._settings.poll_s
            try:
                if self._in_doubt or self._due():
                    progress = self.step()
                    pause = 0.0 if progress.more else pause
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

    def close(self) -> None:
        """Give the journal back. An open cut stays open and is finished at the next start."""
        for reader in self._readers.values():
            reader.close()
        self._journal.close()

    def _round(self) -> Progress:
        self._look()
        cut = self._journal.open_cut() if self._in_doubt else None
        if cut is not None:
            contents, parts = self._rebuilt(cut)
        else:
            claimed = self._claim()
            if claimed is None:
                self._in_doubt = False
                return Progress()
            contents, parts, cut = self._fix(*claimed)
            self._in_doubt = False
        rows = sum(batch.rows for batch in cut.batches)
        self._update(open_batches=len(cut.batches))
        self._store(cut, parts, doubt=self._in_doubt)
        unusable = self._hand_over(contents)
        self._close(cut, unusable)
        self._release(cut)
        self._in_doubt = False
        records = sum(part.end.seq - part.after for part in cut.ranges)
        return Progress(records, rows, more=self._pending() >= self._settings.enough_events)

    def _look(self) -> None:
        """Find new spools, and where all of them end."""
        for name in list_spools(self._root):
            if name not in self._readers:
                self._readers[name] = SpoolReader(self._root / name)
        if self._in_doubt or self._readers.keys() - self._positions.keys():
            self._positions = self._journal.positions(self._readers)
        self._ends = {name: reader.last() for name, reader in self._readers.items()}

    def _due(self) -> bool:
        """Whether there is enough to load, or something that has waited long enough."""
        self._look()
        if all(self._ends[name].seq == self._positions[name].loaded.seq for name in self._ends):
            self._noticed = None
            return False
        now = time.monotonic()
        if self._noticed is None:
            self._noticed = now
        if self._pending() < self._settings.enough_events and now - self._noticed < self._settings.gather_s:
            return False
        self._noticed = None
        return True

    def _pending(self) -> int:
        return sum(end.total - self._positions[name].loaded.total for name, end in self._ends.items())

    def _claim(self) -> tuple[tuple[Range, ...], dict[str, list[Record]]] | None:
        """Read the next records of all spools, those that are furthest behind first."""
        events, size = self._settings.cut_events, self._settings.cut_bytes
        claimed: dict[str, list[Record]] = {}
        for position in sorted(self._positions.values(), key=lambda one: one.loaded.received):
            reader = self._readers.get(position.spool)
            if reader is None or position.retired or events <= 0 or size <= 0:
                continue
            records = reader.read(position.loaded.seq, max_events=events, max_bytes=size)
            if records:
                claimed[position.spool] = records
                events -= sum(record.events or 1 for record in records)
                size -= sum(len(record.body) for record in records)
        if not claimed:
            return None
        self._crash("loader.claimed")
        claimed = dict(sorted(claimed.items()))
        return tuple(self._range(name, records) for name, records in claimed.items()), claimed

    def _range(self, name: str, records: list[Record]) -> Range:
        loaded, last = self._positions[name].loaded, records[-1]
        if loaded.total + sum(record.events for record in records) != last.total:
            raise SpoolGap(f"The events of the spool {name} up to record {last.seq} do not add up.")
        return Range(name, loaded.seq, Mark(last.seq, last.received, last.total))

    def _fix(
        self, ranges: tuple[Range, ...], claimed: dict[str, list[Record]]
    ) -> tuple[Contents, dict[Partition, Part], OpenCut]:
        contents = Contents()
        for name, records in claimed.items():
            contents.add(name, records)
        contents.leave_untaken(self._hooks.takers)
        repeated, beacons = self._repeated(contents)
        parts = contents.parts(repeated)
        plan = CutPlan(
            ranges=ranges,
            batches=plan_batches(parts, self._settings.batch_rows),
            left_out=(*repeated, *((letter.spool, letter.seq) for letter in contents.dead)),
            tallies=contents.tallies,
            dead=tuple(contents.dead),
            beacons=beacons,
        )
        cut = self._journal.fix(plan)
        if plan.dead:
            _logger.error("%d records could not be read and are dead letters now (`footfall status`).", len(plan.dead))
        self._crash("loader.fixed")
        return contents, parts, cut

    def _repeated(self, contents: Contents) -> tuple[set[tuple[str, int]], dict[int, list[bytes]]]:
        """Which beacons were received before, in the journal's memory or earlier in this cut; and the new ones."""
        asked: dict[int, list[bytes]] = {}
        for _, record, parcel in contents.parcels:
            asked.setdefault(generation_of(record.received), []).append(parcel.beacon)
        known = set().union(*(self._journal.beacons.seen(ids, number) for number, ids in asked.items()))
        repeated: set[tuple[str, int]] = set()
        fresh: dict[int, list[bytes]] = {}
        for spool, record, parcel in contents.parcels:
            if parcel.beacon in known:
                repeated.add((spool, record.seq))
                continue
            known.add(parcel.beacon)
            fresh.setdefault(generation_of(record.received), []).append(parcel.beacon)
        return repeated, fresh

    def _rebuilt(self, cut: OpenCut) -> tuple[Contents, dict[Partition, Part]]:
        """The rows of an open cut once more, from the segments. Raises Broken if they are not the same."""
        contents = Contents()
        for part in cut.ranges:
            records: list[Record] = []
            while (after := records[-1].seq if records else part.after) < part.end.seq:
                records += self._readers[part.spool].read(after, max_events=part.end.seq - after, max_bytes=1 << 62)
            contents.add(part.spool, records[: part.end.seq - part.after], cut.left_out)
        parts = contents.parts()
        for batch in cut.batches:
            plan = batch.plan
            found = parts.get(Partition(plan.day, plan.keep))
            if contents.dead or found is None or found.digest(plan.start, plan.stop) != plan.digest:
                raise Broken(
                    f"Batch {batch.number} cannot be built again: the spool is not what it was. Delete nothing, look "
                    "at the disk's health and run `footfall doctor`."
                )
        return contents, parts

    def _store(self, cut: OpenCut, parts: Mapping[Partition, Part], *, doubt: bool) -> None:
        """Bring every batch of the cut into the warehouse, exactly once."""
        waiting = list(cut.batches)
        while waiting:
            batch = waiting.pop(0)
            if doubt and self._is_there(batch):
                continue
            part = parts[Partition(batch.plan.day, batch.plan.keep)]
            try:
                self._table.insert(part.rows[batch.plan.start : batch.plan.stop], batch=batch.number, token=batch.token)
            except Rejected:
                if self._is_there(batch):
                    continue
                waiting[:0] = replace_rejected(self._journal, cut, batch, part)
                self._crash("loader.split")
                continue
            self._crash("loader.inserted")
            if not self._is_there(batch):
                raise TryLater(f"Batch {batch.number} was inserted and is not there; it will be tried again.")
            self._crash("loader.counted")

    def _is_there(self, batch: Batch) -> bool:
        """Whether the batch lies in the warehouse. Raises Broken if only a part of it does."""
        found = self._table.count(day=batch.plan.day, keep=batch.plan.keep, batch=batch.number)
        if found not in (0, batch.rows):
            raise Broken(
                f"Batch {batch.number} has {batch.rows} rows, the warehouse has {found} of them: the loader stops "
                "before it loses or doubles one. Look for a rewrite of the partition and run `footfall doctor`."
            )
        return found == batch.rows

    def _hand_over(self, contents: Contents) -> list[DeadLetter]:
        """Give the records of other kinds to their takers; those that can never be taken become dead letters."""
        unusable = []
        for spool, record in contents.others:
            taker = self._hooks.takers.get(record.kind)
            if taker is None:
                unusable.append(dead_record("no_taker", spool, record))
                continue
            try:
                taker(spool, record)
            except Unusable:
                unusable.append(dead_record("unusable", spool, record))
            except Exception as error:  # A taker may fail in any way of its store; its record must not be lost by it.
                raise TryLater(
                    f"A record of kind {record.kind} could not be taken ({type(error).__name__})."
                ) from error
        self._crash("loader.taken")
        return unusable

    def _close(self, cut: OpenCut, unusable: list[DeadLetter]) -> None:
        moved = {part.spool: part.end for part in cut.ranges}
        positions = {
            name: replace(position, loaded=moved.get(name, position.loaded))
            for name, position in self._positions.items()
        }
        self._journal.close_cut(cut, dead=unusable, forget_before=self._horizon(positions))
        self._positions = positions
        self._crash("loader.closed")

    def _horizon(self, positions: Mapping[str, Position]) -> int:
        """A moment before which no record to come was received: what lags behind counts, what is read up does not."""
        newest = max(position.loaded.received for position in positions.values())
        return min(
            [newest]
            + [
                position.loaded.received
                for name, position in positions.items()
                if name in self._ends and self._ends[name].seq > position.loaded.seq
            ]
        )

    def _release(self, cut: OpenCut) -> None:
        for part in cut.ranges:
            self._readers[part.spool].release(part.end.seq)
        self._crash("loader.released")

    def _tell(self, health: Health, error: str) -> None:
        """Publish a change of state, and log a change of health once."""
        if health != self._state.health:
            level = {"stopped": logging.CRITICAL, "waiting": logging.WARNING}.get(health, logging.INFO)
            _logger.log(level, "The loader is %s. %s", health, error)
        self._update(health=health, error=error, open_batches=0 if health == "working" else self._state.open_batches)

    def _update(self, **changes: object) -> None:
        spools = tuple(
            SpoolProgress(name, position.watermark, self._behind(name), position.retired)
            for name, position in sorted(self._positions.items())
        )
        state = replace(self._state, spools=spools, **changes)  # type: ignore[arg-type]
        if state != self._state:
            self._state = state
            self._hooks.publish(state)

    def _behind(self, name: str) -> int:
        end = self._ends.get(name)
        return end.total - self._positions[name].loaded.total if end else 0
