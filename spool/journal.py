"""The loader's journal: one SQLite file beside the spools of a host, owned by one loader.

Promises: a batch has its number before the warehouse hears of it, and no number is ever used twice, by no journal
(numbers begin at a random place) and not after a loss of all rows; fixing a cut (ranges, batches, what is left out,
remembered beacons, tallies, dead letters) is one transaction, closing it another. Refuses a second loader.

At most one cut is open. After a kill it is found by `open_cut` and built again from the spools' segments, which are
released only when it is closed.
"""

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final

from spool.accounts import JOURNAL, DayNumbers, SpoolEnd, Total
from spool.beacons import BeaconMemory
from spool.cuts import Batch, CutPlan, DeadLetter, OpenCut, PlannedBatch, Position, Range
from spool.errors import SpoolBroken, SpoolBusy, translated
from spool.kinds import Mark
from spool.quarantine import bury
from spool.segment import harden_log, sync_file

_LOCK: Final = "journal.lock"
_SCHEMA_VERSION: Final = 3
_RETRY_SECONDS: Final = 1
_BATCHES_KEPT_MS: Final = 7 * 86_400_000
"""Closed batches are remembered for a week, for whoever wants to compare them with the warehouse."""


class Journal:
    """The journal under `root`, from construction to `close`. Used by one thread at a time."""

    def __init__(self, root: Path, clock: Callable[[], int]) -> None:
        """Open it, or make it. Raises SpoolBusy when another loader has it, SpoolFull, SpoolBroken."""
        self._clock = clock
        self._held = _hold(root)
        try:
            with translated("Opening the loader's journal", _RETRY_SECONDS):
                self._connection = _open(root / JOURNAL)
                self.beacons = BeaconMemory(self._connection)
        except BaseException:
            os.close(self._held)
            raise

    def positions(self, names: Iterable[str] = ()) -> dict[str, Position]:
        """How far every living spool is loaded; `names` that are new begin at their beginning."""
        rows = self._all("SELECT name, seq, received, total FROM spools WHERE NOT retired")
        known = {name: Position(name, Mark(*loaded)) for name, *loaded in rows}
        fresh = sorted(set(names) - known.keys())
        if fresh:
            with self._transaction() as connection:
                connection.executemany("INSERT INTO spools (name) VALUES (?)", [(name,) for name in fresh])
            known.update((name, Position(name, Mark())) for name in fresh)
        return known

    def retire(self, name: str) -> None:
        """Wait for this spool no longer. Its events stay in the sum; a spool of the same name begins anew."""
        with self._transaction() as connection:
            connection.execute("UPDATE spools SET retired = 1 WHERE name = ? AND NOT retired", (name,))

    def go_on_from(
        self, totals: Sequence[Total], ends: Sequence[SpoolEnd] = (), numbers: Sequence[DayNumbers] = ()
    ) -> None:
        """Begin with what another journal had counted, whose machine is lost: its spools are never waited for.

        Only when nothing was counted here; the same again is not added again.
        """
        with self._transaction() as connection:
            for table in ("totals", "spools", "numbers"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608  # names from this line
            connection.executemany(
                "INSERT INTO totals (site, day, outcome, reason, n) VALUES (?, ?, ?, ?, ?)", map(tuple, totals)
            )
            connection.executemany(
                "INSERT INTO spools (name, spool, seq, total, retired) VALUES (?, ?, ?, ?, 1)",
                [(*one.spool.split("#"), one.seq, one.total) for one in ends],
            )
            connection.executemany(
                "INSERT INTO numbers VALUES (0, ?, ?, ?, ?, ?, ?)",
                [(one.spool.split("#")[1], *one[1:]) for one in numbers],
            )

    def outcomes(self) -> dict[str, int]:
        """Events by outcome since the journal began; `received` is the sum of the others."""
        return dict(self._all("SELECT outcome, sum(n) FROM totals GROUP BY outcome"))

    def dead_letters(self) -> int:
        """Events in dead letters."""
        return int(self._all("SELECT coalesce(sum(events), 0) FROM dead_letters")[0][0])

    def open_cut(self) -> OpenCut | None:
        """The cut that a kill or a doubt has left open."""
        row = self._all("SELECT max(cut) FROM ranges")[0]
        if row[0] is None:
            return None
        number = int(row[0])
        ranges = self._all("SELECT spool, after, seq, received, total FROM ranges WHERE cut = ? ORDER BY spool", number)
        left_out = self._all("SELECT spool, seq FROM left_out WHERE cut = ?", number)
        return OpenCut(
            number,
            tuple(Range(spool, after, Mark(*end)) for spool, after, *end in ranges),
            self._open_batches(number),
            frozenset(left_out),
        )

    def fix(self, plan: CutPlan) -> OpenCut:
        """Make the plan a fact, in one transaction. Only when no cut is open."""
        with self._transaction() as connection:
            number = int(connection.execute("INSERT INTO cuts DEFAULT VALUES RETURNING cut").fetchone()[0])
            connection.executemany(
                "INSERT INTO ranges VALUES (?, ?, ?, ?, ?, ?)",
                [(number, part.spool, part.after, *part.end) for part in plan.ranges],
            )
            connection.executemany("INSERT INTO left_out VALUES (?, ?, ?)", [(number, *out) for out in plan.left_out])
            connection.executemany(
                "INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?)", [(number, *key, n) for key, n in plan.tallies.items()]
            )
            connection.executemany(
                "INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?)", [(number, *key, n) for key, n in plan.hours.items()]
            )
            living = dict(connection.execute("SELECT name, spool FROM spools WHERE NOT retired"))
            connection.executemany(
                "INSERT INTO numbers VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(number, living[spool], *key, *found) for (spool, *key), found in plan.numbers.items()],
            )
            batches = _insert_batches(connection, number, plan.batches)
            bury(connection, plan.dead)
            self.beacons.remember(plan.beacons)
        return OpenCut(number, plan.ranges, batches, frozenset(plan.left_out))

    def split(self, cut: OpenCut, batch: Batch, halves: Sequence[PlannedBatch]) -> tuple[Batch, ...]:
        """Replace a batch that lies nowhere by parts of it, under new numbers."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM batches WHERE batch = ?", (batch.number,))
            return _insert_batches(connection, cut.number, halves)

    def bury(self, batch: Batch, letter: DeadLetter) -> None:
        """Replace a batch of one row, that lies nowhere, by a dead letter."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM batches WHERE batch = ?", (batch.number,))
            bury(connection, [letter])

    def close_cut(self, cut: OpenCut, *, dead: Iterable[DeadLetter] = (), forget_before: int = 0) -> None:
        """All batches of the cut have been counted in the warehouse: move the positions, add up the tallies.

        `dead`: records of other kinds that nobody can use. Beacon ids that nothing received at or after
        `forget_before` (ms) can repeat are forgotten.
        """
        now = self._clock()
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE spools SET seq = ?, received = ?, total = ? WHERE name = ? AND NOT retired",
                [(*part.end, part.spool) for part in cut.ranges],
            )
            bury(connection, dead)
            for statement in _ADD_UP:
                connection.execute(statement, (cut.number,))
            connection.execute("UPDATE batches SET closed = ? WHERE cut = ? AND closed = 0", (now, cut.number))
            connection.execute("DELETE FROM batches WHERE closed BETWEEN 1 AND ?", (now - _BATCHES_KEPT_MS,))
            for statement in _CLEAR:
                connection.execute(statement, (cut.number,))
            self.beacons.forget(forget_before)

    def forget_small_hours(self, smallest: Callable[[int], int], *, before_day: int) -> None:
        """Of days before this one, hours with fewer events than is the smallest group of their site are not told apart
        from the rest of their day any more: the day's count holds them all."""
        sites = self._all("SELECT DISTINCT site FROM hours WHERE cut = 0 AND day < ?", before_day)
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM hours WHERE cut = 0 AND day < ? AND site = ? AND n < ?",
                [(before_day, site, smallest(site)) for (site,) in sites],
            )

    def close(self) -> None:
        """Close the file and let another loader in."""
        self._connection.close()
        os.close(self._held)

    def _open_batches(self, cut: int) -> tuple[Batch, ...]:
        rows = self._all(
            "SELECT batch, day, keep, start, stop, digest FROM batches WHERE cut = ? AND closed = 0 ORDER BY batch", cut
        )
        return tuple(Batch(number, PlannedBatch(*plan)) for number, *plan in rows)

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with translated("Reading the loader's journal", _RETRY_SECONDS):
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with translated("Writing the loader's journal", _RETRY_SECONDS):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self.beacons.reload()
                raise


_ADD_UP: Final = (
    (
        "INSERT INTO totals SELECT site, day, outcome, reason, n FROM tallies WHERE cut = ? "
        "ON CONFLICT DO UPDATE SET n = totals.n + excluded.n"
    ),
    (
        "INSERT INTO hours SELECT 0, site, day, reason, hour, n FROM hours WHERE cut = ? "
        "ON CONFLICT DO UPDATE SET n = hours.n + excluded.n"
    ),
    (
        "INSERT INTO numbers SELECT 0, spool, site, day, first, last, events FROM numbers WHERE cut = ? "
        "ON CONFLICT DO UPDATE SET first = min(numbers.first, excluded.first), "
        "last = max(numbers.last, excluded.last), events = numbers.events + excluded.events"
    ),
)

_CLEAR: Final = tuple(
    f"DELETE FROM {table} WHERE cut = ?"  # noqa: S608  # names from this line
    for table in ("ranges", "left_out", "tallies", "hours", "numbers", "cuts")
)


def _insert_batches(connection: sqlite3.Connection, cut: int, plans: Sequence[PlannedBatch]) -> tuple[Batch, ...]:
    batches = []
    for plan in plans:
        row = connection.execute(
            "INSERT INTO batches (cut, day, keep, start, stop, digest) VALUES (?, ?, ?, ?, ?, ?) RETURNING batch",
            (cut, plan.day, plan.keep, plan.start, plan.stop, plan.digest),
        ).fetchone()
        batches.append(Batch(int(row[0]), plan))
    return tuple(batches)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        _create(connection)
        sync_file(path.parent)
    # A killed loader may have left a cut that is written and not fsynced: used, then lost, it would be cut again.
    harden_log(path)
    if version not in (0, _SCHEMA_VERSION):
        connection.close()
        raise SpoolBroken(
            f"The loader's journal has schema version {version}, this release knows {_SCHEMA_VERSION}: "
            "start the release that wrote it.",
            60,
        )
    return connection


def _create(connection: sqlite3.Connection) -> None:
    """Schema, version and a random first batch number, in one transaction.

    Several hosts load into one warehouse, and a lost journal is followed by a new one: the upper 31 bits are random, so
    that the numbers of two journals never meet; the lower 32 count 136 years of one batch a second.
    """
    first = secrets.randbits(31) << 32
    schema = (resources.files("spool") / "journal.sql").read_text(encoding="utf-8")
    connection.executescript(f"BEGIN;{schema}")
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('batches', ?)", (first,))
    connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION:d}")
    connection.execute("COMMIT")


def _hold(root: Path) -> int:
    if not root.is_dir():
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_file(root.parent)
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SpoolBusy(f"Another loader works on {root}: one is enough, stop one of them.") from None
    return descriptor
