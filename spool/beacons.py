"""The ids of beacons received in the last 26 hours, so that one that comes twice is counted once.

They lie in the journal's own file: remembering and fixing a batch are one transaction. An id is looked for in its own
13 hours and in those 26 hours before and after, for spools are not read in step; forgetting is the DROP of a table.

Ids are random, so writing each into a tree costs a page (15 µs an id at 3 million). New ones are therefore written as
one blob a cut (0.2 µs) and held in memory; every 300,000 of them are sorted and written once as a run of small pieces
(0.3 µs), which no later run touches. A sieve in memory tells which ids need no look into the runs: nearly all.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from spool.sieve import Sieve

GENERATION_MS: Final = 13 * 3600 * 1000
_WINDOW: Final = 2
"""Generations to either side: at least 26 hours."""
_ID_BYTES: Final = 16
_PIECE_BYTES: Final = 48 * _ID_BYTES
"""Four pieces share a page of the file."""


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
        self._runs: dict[int, int] = {}
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
                found |= self._in_runs(number, sieve.perhaps(ids))
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
            del self._tables[number], self._runs[number]
        stale = [number for number in self._fresh if number < oldest]
        for number in stale:
            self._connection.execute("DELETE FROM fresh_beacons WHERE generation = ?", (number,))
            del self._fresh[number]
        return len(gone)

    def reload(self) -> None:
        """Take memory from the file, at the start (0.2 s a million ids) and after a transaction was undone."""
        self._runs = dict(self._connection.execute("SELECT generation, runs FROM generations"))
        self._tables = {number: self._tables.get(number) or self._sifted(number) for number in self._runs}
        self._fresh = {}
        for number, ids in self._connection.execute("SELECT generation, ids FROM fresh_beacons"):
            self._fresh.setdefault(number, set()).update(_split(ids))

    def _in_runs(self, number: int, ids: Sequence[bytes]) -> set[bytes]:
        """A look costs some 3 µs an id and run."""
        ask = f"SELECT ids FROM beacons_{number:d} WHERE run = ? AND first <= ? ORDER BY first DESC LIMIT 1"  # noqa: S608
        found: set[bytes] = set()
        for run in range(self._runs[number]):
            for id_ in ids:
                for (piece,) in self._connection.execute(ask, (run, id_)):
                    if id_ in _split(piece):
                        found.add(id_)
        return found

    def _sifted(self, number: int) -> Sieve:
        """A sieve of a generation's runs, with room for as many ids again."""
        pieces = self._connection.execute(f"SELECT ids FROM beacons_{number:d}")  # noqa: S608  # a number
        ids = b"".join([piece for (piece,) in pieces])
        return Sieve.of(ids, 2 * len(ids) // _ID_BYTES)

    def _sort_in(self) -> None:
        for number, ids in self._fresh.items():
            if number not in self._tables:
                self._connection.execute(
                    f"CREATE TABLE beacons_{number:d} (run INTEGER NOT NULL, first BLOB NOT NULL, ids BLOB NOT NULL,"
                    " PRIMARY KEY (run, first)) WITHOUT ROWID"
                )
                self._connection.execute("INSERT INTO generations VALUES (?, 0)", (number,))
                self._tables[number], self._runs[number] = Sieve(len(ids)), 0
            run = np.sort(np.frombuffer(b"".join(ids), dtype=f"S{_ID_BYTES}")).tobytes()
            pieces = (run[at : at + _PIECE_BYTES] for at in range(0, len(run), _PIECE_BYTES))
            self._connection.executemany(
                f"INSERT INTO beacons_{number:d} VALUES ({self._runs[number]:d}, ?, ?)",  # noqa: S608  # numbers
                ((piece[:_ID_BYTES], piece) for piece in pieces),
            )
            self._runs[number] += 1
            self._connection.execute("UPDATE generations SET runs = runs + 1 WHERE generation = ?", (number,))
            self._tables[number].add(run)
            if self._tables[number].full:
                self._tables[number] = self._sifted(number)
        self._connection.execute("DELETE FROM fresh_beacons")
        self._fresh = {}


def _split(ids: bytes) -> list[bytes]:
    return [ids[at : at + _ID_BYTES] for at in range(0, len(ids), _ID_BYTES)]
