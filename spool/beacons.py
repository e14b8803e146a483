"""The ids of beacons received in the last 26 hours, so that one that comes twice is counted once.

They lie in the journal's own file: remembering and fixing a batch are one transaction. An id is looked for in its own
13 hours and in those 26 hours before and after, for spools are not read in step; forgetting is the DROP of a table.

Ids are random, so writing each into a large tree costs a page (15 µs an id at 3 million). New ones are therefore
written as one blob a cut (0.2 µs) and held in memory; every 300,000 of them are sorted into the tree at once (1.5 µs).
A sieve in memory tells which ids need no look into the tree: nearly all.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from spool.sieve import Sieve

GENERATION_MS: Final = 13 * 3600 * 1000
_WINDOW: Final = 2
"""Generations to either side: at least 26 hours."""
_ID_BYTES: Final = 16
_ASKED_AT_ONCE: Final = 100
_MARKS: Final = ",".join("?" * _ASKED_AT_ONCE)


def generation_of(received: int) -> int:
    """The 13 hours in which a moment (ms since 1970) lies."""
    return received // GENERATION_MS


class BeaconMemory:
    """Remembered ids, 16 bytes each. Works inside the transactions of the journal whose connection it shares."""

    def __init__(self, connection: sqlite3.Connection, fresh_limit: int = 300_000) -> None:
        """`fresh_limit`: ids held in memory, at some 100 bytes each, before they are sorted in."""
        self._connection = connection
        self._fresh_limit = fresh_limit
        self._tables: dict[int, Sieve] = {}
        self._fresh: dict[int, set[bytes]] = {}
        self.reload()

    def seen(self, ids: Sequence[bytes], generation: int) -> set[bytes]:
        """Which of the ids were remembered within 26 hours of `generation`."""
        found: set[bytes] = set()
        for number, fresh in self._fresh.items():
            if abs(number - generation) <= _WINDOW:
                found |= fresh.intersection(ids)
        for number, sieve in self._tables.items():
            if abs(number - generation) <= _WINDOW:
                found |= self._in_table(number, sieve.perhaps(ids))
        return found

    def remember(self, beacons: Mapping[int, Sequence[bytes]]) -> None:
        """Keep ids, by generation. Part of the caller's transaction."""
        for number, ids in beacons.items():
            self._connection.execute("INSERT INTO fresh_beacons VALUES (?, ?)", (number, b"".join(ids)))
            self._fresh.setdefault(number, set()).update(ids)
        if sum(map(len, self._fresh.values())) > self._fresh_limit:
            self._sort_in()

    def forget(self, before: int) -> int:
        """Drop the ids that no beacon received at or after `before` (ms) can repeat; how many tables went.

        Part of the caller's transaction.
        """
        oldest = generation_of(before) - _WINDOW
        gone = [number for number in self._tables if number < oldest]
        for number in gone:
            self._connection.execute(f"DROP TABLE beacons_{number:d}")
            self._connection.execute("DELETE FROM generations WHERE generation = ?", (number,))
            del self._tables[number]
        stale = [number for number in self._fresh if number < oldest]
        for number in stale:
            self._connection.execute("DELETE FROM fresh_beacons WHERE generation = ?", (number,))
            del self._fresh[number]
        return len(gone)

    def reload(self) -> None:
        """Take memory from the file, at the start (0.5 s a million ids) and after a transaction was undone."""
        numbers = [row[0] for row in self._connection.execute("SELECT generation FROM generations")]
        self._tables = {number: self._tables.get(number) or self._sifted(number) for number in numbers}
        self._fresh = {}
        for number, ids in self._connection.execute("SELECT generation, ids FROM fresh_beacons"):
            fresh = self._fresh.setdefault(number, set())
            fresh.update(ids[at : at + _ID_BYTES] for at in range(0, len(ids), _ID_BYTES))

    def _in_table(self, number: int, ids: Sequence[bytes]) -> set[bytes]:
        """Looked up in order, so that neighbours share pages: 0.8 to 2 µs an id."""
        ask = f"SELECT id FROM beacons_{number:d} WHERE id IN ({_MARKS})"  # noqa: S608  # a number and question marks
        ordered = sorted(ids)
        found: set[bytes] = set()
        for start in range(0, len(ordered), _ASKED_AT_ONCE):
            asked = ordered[start : start + _ASKED_AT_ONCE]
            asked += asked[:1] * (_ASKED_AT_ONCE - len(asked))  # one text, so that SQLite prepares it once
            found.update(row[0] for row in self._connection.execute(ask, asked))
        return found

    def _sifted(self, number: int) -> Sieve:
        """A sieve of a table, with room for as many ids again."""
        (held,) = self._connection.execute(f"SELECT count(*) FROM beacons_{number:d}").fetchone()  # noqa: S608
        ids = self._connection.execute(f"SELECT id FROM beacons_{number:d}")  # noqa: S608  # a number
        return Sieve.of((row[0] for row in ids), 2 * held)

    def _sort_in(self) -> None:
        for number, ids in self._fresh.items():
            if number not in self._tables:
                self._connection.execute(f"CREATE TABLE beacons_{number:d} (id BLOB PRIMARY KEY) WITHOUT ROWID")
                self._connection.execute("INSERT INTO generations VALUES (?)", (number,))
                self._tables[number] = Sieve(len(ids))
            keep = f"INSERT OR IGNORE INTO beacons_{number:d} VALUES (?)"  # noqa: S608  # a number
            self._connection.executemany(keep, zip(sorted(ids)))
            self._tables[number].add(ids)
            if self._tables[number].full:
                self._tables[number] = self._sifted(number)
        self._connection.execute("DELETE FROM fresh_beacons")
        self._fresh = {}
