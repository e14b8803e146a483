"""What a loader's journal says to those who only ask: totals, positions, dead letters. Never waits for the loader.

The journal is read through a connection that can't write, so a status command can't disturb the process that loads.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from spool.reader import SpoolReader, list_spools


class Total(NamedTuple):
    """Events of one site and day that ended the same way."""

    site: int
    day: int
    outcome: str
    reason: str
    events: int


class SpoolAccount(NamedTuple):
    """How far one spool is loaded, and how many of its acknowledged events are not."""

    name: str
    watermark: int
    pending: int


class JournalView(NamedTuple):
    """One moment of a journal."""

    totals: list[Total]
    spools: list[SpoolAccount]
    dead_letters: dict[tuple[int, int], int]
    """Events in dead letters by (site, day)."""
    open_batches: int
    received: int
    """Events of every record that was loaded, counted by the spools themselves and not by what became of them."""


def read_journal(root: Path) -> JournalView:
    """Totals, spools and dead letters under a spool root; empty where nothing was loaded yet."""
    path = root / "journal.db"
    positions: dict[str, tuple[int, int, int]] = {}
    totals: list[Total] = []
    dead: dict[tuple[int, int], int] = {}
    batches = 0
    if path.is_file():
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as journal, journal:
            journal.execute("BEGIN")
            totals = [Total(*row) for row in journal.execute("SELECT site, day, outcome, reason, n FROM totals")]
            dead = {
                (s, d): n
                for s, d, n in journal.execute("SELECT site, day, sum(events) FROM dead_letters GROUP BY 1, 2")
            }
            rows = journal.execute("SELECT name, seq, received, total FROM spools")
            positions = {name: (seq, received, total) for name, seq, received, total in rows}
            batches = int(journal.execute("SELECT count(*) FROM batches WHERE closed = 0").fetchone()[0])
    spools = [_account(root, name, positions.get(name, (0, -1, 0))) for name in list_spools(root)]
    return JournalView(totals, spools, dead, batches, sum(total for _, _, total in positions.values()))


def _account(root: Path, name: str, position: tuple[int, int, int]) -> SpoolAccount:
    _seq, received, total = position
    reader = SpoolReader(root / name)
    try:
        return SpoolAccount(name, received, max(0, reader.last().total - total))
    finally:
        reader.close()
