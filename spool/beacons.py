"""The ids of beacons received in the last 26 hours, so that one that comes twice is counted once.

Kept in tables of 13 hours each, in the journal's own file: remembering and fixing a batch are one transaction, and
forgetting is a DROP. An id is looked for in its own 13 hours and the two before, so for 26 to 39 hours.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

GENERATION_MS: Final = 13 * 3600 * 1000
_LOOK_BACK: Final = 2


def generation_of(received: int) -> int:
    """The 13 hours in which a moment (ms since 1970) lies."""
    return received // GENERATION_MS


class BeaconMemory:
    """Remembered ids. Works inside the transactions of the journal whose connection it shares."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._connection.execute("CREATE TEMP TABLE asked (id BLOB PRIMARY KEY) WITHOUT ROWID")
        self._known = {row[0] for row in connection.execute("SELECT generation FROM generations")}

    def seen(self, ids: Sequence[bytes], generation: int) -> set[bytes]:
        """Which of the ids were remembered in `generation` or the 26 hours before."""
        tables = [number for number in self._known if generation - _LOOK_BACK <= number <= generation]
        if not tables or not ids:
            return set()
        execute = self._connection.execute
        execute("DELETE FROM temp.asked")
        self._connection.executemany("INSERT OR IGNORE INTO temp.asked VALUES (?)", [(id_,) for id_ in ids])
        found: set[bytes] = set()
        for number in tables:
            rows = execute(f"SELECT id FROM temp.asked JOIN beacons_{number:d} USING (id)")  # noqa: S608
            found.update(row[0] for row in rows)
        return found

    def remember(self, beacons: Mapping[int, Sequence[bytes]]) -> None:
        """Keep ids, by generation. Part of the caller's transaction."""
        for number, ids in beacons.items():
            if number not in self._known:
                self._begin(number)
            self._connection.executemany(
                f"INSERT OR IGNORE INTO beacons_{number:d} VALUES (?)",  # noqa: S608
                [(id_,) for id_ in sorted(ids)],
            )

    def forget(self, before: int) -> int:
        """Drop the ids that no beacon received at or after `before` (ms) can repeat; how many tables went."""
        gone = [number for number in self._known if number < generation_of(before) - _LOOK_BACK]
        for number in gone:
            self._connection.execute(f"DROP TABLE beacons_{number:d}")
            self._connection.execute("DELETE FROM generations WHERE generation = ?", (number,))
            self._known.discard(number)
        return len(gone)

    def reload(self) -> None:
        """Look again which tables there are, after a transaction was undone."""
        self._known = {row[0] for row in self._connection.execute("SELECT generation FROM generations")}

    def _begin(self, number: int) -> None:
        self._connection.execute(f"CREATE TABLE beacons_{number:d} (id BLOB PRIMARY KEY) WITHOUT ROWID")
        self._connection.execute("INSERT INTO generations VALUES (?)", (number,))
        self._known.add(number)
