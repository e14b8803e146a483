"""Dead letters: rows that the warehouse will not take and records that cannot be read, with a reason word.

They lie in the journal's file, because a row must leave its batch and become a dead letter in one transaction. What is
deleted is overwritten on the disk, and so is the log that held it.
"""

import sqlite3
from collections.abc import Iterable

from spool.cuts import DeadLetter

_BURY = (
    "INSERT INTO dead_letters (reason, site, day, events, spool, seq, kind, received, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def bury(connection: sqlite3.Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep the letters. Part of the caller's transaction."""
    rows = [
        (one.reason, one.site, one.day, one.events, one.spool, one.seq, one.kind, one.received, one.body)
        for one in letters
    ]
    connection.executemany(_BURY, rows)
