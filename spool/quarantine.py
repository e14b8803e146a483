"""Dead letters: rows that the warehouse will not take and records that cannot be read, with a reason word.

They lie in the journal's file, because a row must leave its batch and become a dead letter in one transaction. What is
deleted is overwritten, and the log that held it is emptied, so that the bytes leave the disk.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from spool.accounts import JOURNAL
from spool.cuts import DeadLetter
from spool.errors import SpoolBroken, translated

_COLUMNS: Final = "reason, site, day, events, spool, seq, kind, received, body"
_BURY: Final = f"INSERT INTO dead_letters ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_READ: Final = f"SELECT letter, {_COLUMNS} FROM dead_letters WHERE letter > ? ORDER BY letter LIMIT 100"  # noqa: S608
_DELETE: Final = "DELETE FROM dead_letters WHERE letter = ? RETURNING site, day, events"
_COUNT: Final = (
    "INSERT INTO totals (site, day, outcome, reason, n) VALUES (?, ?, 'stored', ?, ?) "
    "ON CONFLICT DO UPDATE SET n = totals.n + excluded.n"
)
_RETRY_SECONDS: Final = 1
PURGED: Final = "purged"
"""The reason under which events of deleted dead letters stay in the sum of what was stored."""


class Buried(NamedTuple):
    """A dead letter and its number."""

    number: int
    letter: DeadLetter


def bury(connection: sqlite3.Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep the letters. Part of the journal's transaction."""
    rows = [
        (one.reason, one.site, one.day, one.events, one.spool, one.seq, one.kind, one.received, one.body)
        for one in letters
    ]
    connection.executemany(_BURY, rows)


class Quarantine:
    """The dead letters under a spool root, for those who look at them and those who must delete them.

    Beside a running loader: each deletion is one short transaction.
    """

    def __init__(self, root: Path) -> None:
        """Open the journal's file. Raises SpoolBroken where there is none."""
        with translated("Opening the dead letters", _RETRY_SECONDS):
            address = f"{(root / JOURNAL).absolute().as_uri()}?mode=rw"
            self._connection = sqlite3.connect(address, uri=True, timeout=10, isolation_level=None)
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA secure_delete=ON")

    def letters(self) -> Iterator[Buried]:
        """All dead letters, oldest first, a few at a time. Raises SpoolBroken."""
        after = 0
        while True:
            with translated("Reading the dead letters", _RETRY_SECONDS):
                rows = self._connection.execute(_READ, (after,)).fetchall()
            if not rows:
                return
            yield from (Buried(number, DeadLetter(*columns)) for number, *columns in rows)
            after = rows[-1][0]

    def delete(self, numbers: Iterable[int]) -> int:
        """Delete letters, physically; how many events of the sum they were, which counts as purged from now on.

        Raises SpoolBroken when the log could not be emptied: do it again.
        """
        purged = 0
        with translated("Deleting dead letters", _RETRY_SECONDS):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for number in numbers:
                    for site, day, events in self._connection.execute(_DELETE, (number,)).fetchall():
                        self._connection.execute(_COUNT, (site, day, "", -events))
                        self._connection.execute(_COUNT, (site, day, PURGED, events))
                        purged += events
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise SpoolBroken("Deleting dead letters: the journal's log is in use; try again.", _RETRY_SECONDS)
        return purged

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
