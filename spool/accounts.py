"""What a loader's journal says to those who only ask: totals, positions, dead letters. Never waits for the loader.

The journal is read through a connection that can't write, so a status command can't disturb the process that loads.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from spool.errors import translated
from spool.reader import SpoolReader
from spool.registry import list_spools

JOURNAL: Final = "journal.db"


class Total(NamedTuple):
    """Events of one site and day that ended the same way."""

    site: int
    day: int
    outcome: str
    reason: str
    events: int


class HourTotal(NamedTuple):
    """Events of one site and day that were denied for the same reason in the same hour."""

    site: int
    day: int
    reason: str
    hour: int
    events: int


class SpoolAccount(NamedTuple):
    """How far one spool is loaded, and how many of its acknowledged events are not."""

    name: str
    watermark: int
    """All records received at or before this millisecond are loaded; -1: none is."""
    pending: int


class ClosedBatch(NamedTuple):
    """A batch that was counted in the warehouse."""

    number: int
    day: int
    keep: int
    rows: int


class DayNumbers(NamedTuple):
    """With which records of a spool the events of a site and day came."""

    spool: str
    """Its name and which of the spools of this name it was: `collector-0#3`."""
    site: int
    day: int
    first: int
    last: int
    events: int


class SpoolEnd(NamedTuple):
    """How far a spool was loaded, and how many events its writer had counted up to there."""

    spool: str
    """As in DayNumbers."""
    seq: int
    total: int


class JournalView(NamedTuple):
    """One moment of a journal."""

    totals: list[Total]
    spools: list[SpoolAccount]
    dead_letters: dict[tuple[int, int], int]
    """Events in dead letters by (site, day)."""
    open_batches: int
    hours: list[HourTotal]
    received: int
    """Events of every record that was loaded, counted by the spools themselves and not by what became of them."""
    ends: tuple[SpoolEnd, ...] = ()
    """Of every spool that there ever was."""
    numbers: tuple[DayNumbers, ...] = ()


def read_journal(root: Path) -> JournalView:
    """Totals, spools and dead letters under a spool root; empty where nothing was loaded yet. Raises SpoolBroken."""
    path = root / JOURNAL
    positions: dict[str, tuple[int, int]] = {}
    totals: list[Total] = []
    dead: dict[tuple[int, int], int] = {}
    hours: list[HourTotal] = []
    batches = received = 0
    ends: tuple[SpoolEnd, ...] = ()
    numbers: tuple[DayNumbers, ...] = ()
    if path.is_file():
        with translated("Reading the loader's journal", 1), closing(_connect(path)) as journal:
            journal.execute("BEGIN")
            totals = [Total(*row) for row in journal.execute("SELECT site, day, outcome, reason, n FROM totals")]
            by_hour = journal.execute("SELECT site, day, reason, hour, n FROM hours WHERE cut = 0")
            hours = [HourTotal(*row) for row in by_hour]
            letters = journal.execute("SELECT site, day, sum(events) FROM dead_letters GROUP BY 1, 2")
            dead = {(site, day): events for site, day, events in letters}
            rows = journal.execute("SELECT name, received, total FROM spools WHERE NOT retired")
            positions = {name: (received - 1, total) for name, received, total in rows}
            batches = journal.execute("SELECT count(*) FROM batches WHERE closed = 0").fetchone()[0]
            ends = tuple(SpoolEnd(*row) for row in journal.execute(_ENDS))
            numbers = tuple(DayNumbers(*row) for row in journal.execute(_NUMBERS))
            received = journal.execute("SELECT coalesce(sum(total), 0) FROM spools").fetchone()[0]
    names = sorted(positions.keys() | set(list_spools(root)))
    spools = [_account(root, name, *positions.get(name, (-1, 0))) for name in names]
    return JournalView(totals, spools, dead, batches, hours, received, ends, numbers)


_ENDS: Final = "SELECT name || '#' || spool, seq, total FROM spools ORDER BY spool"
_NUMBERS: Final = """
SELECT name || '#' || n.spool, site, day, first, last, events FROM numbers AS n JOIN spools USING (spool)
WHERE cut = 0 ORDER BY day, site, n.spool
"""


def numbers_of_day(root: Path, day: int) -> list[DayNumbers]:
    """With which records the events of a day came, whose cuts are closed. Raises SpoolBroken."""
    if not (root / JOURNAL).is_file():
        return []
    with translated("Reading the loader's journal", 1), closing(_connect(root / JOURNAL)) as journal:
        asked = _NUMBERS.replace("WHERE", "WHERE day = ? AND")
        return [DayNumbers(*row) for row in journal.execute(asked, (day,))]


def closed_batches(root: Path) -> list[ClosedBatch]:
    """The batches of the last seven days, for a comparison with the warehouse. Raises SpoolBroken."""
    with translated("Reading the loader's journal", 1), closing(_connect(root / JOURNAL)) as journal:
        rows = journal.execute("SELECT batch, day, keep, stop - start FROM batches WHERE closed > 0 ORDER BY batch")
        return [ClosedBatch(*row) for row in rows]


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10, isolation_level=None)


def _account(root: Path, name: str, watermark: int, total: int) -> SpoolAccount:
    if not (root / name).is_dir():
        return SpoolAccount(name, watermark, 0)  # its directory is lost: it blocks the seal until it is retired
    reader = SpoolReader(root / name)
    try:
        return SpoolAccount(name, watermark, max(0, reader.last().total - total))
    finally:
        reader.close()
