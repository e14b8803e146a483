"""What lies in a spool, read by SQLite alone, without the code under test."""

import sqlite3
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec


def raw_records(directory: Path) -> list[tuple[int, int, int, int, int, bytes]]:
    """(seq, kind, received, events, total, body) of all segments, in the order of their names."""
    found: list[Any] = []
    for file in sorted(directory.glob("seg-*.db")):
        connection = sqlite3.connect(file)
        for last, first, received, total, packed in connection.execute(
            "SELECT last, first, received, total, records FROM groups ORDER BY last"
        ):
            entries = msgspec.msgpack.decode(packed)
            assert len(entries) == last - first + 1
            totals = list(accumulate((events for _, events, _ in entries), initial=0))
            found += [
                (first + place, kind, received, events, total - totals[-1] + totals[place + 1], body)
                for place, (kind, events, body) in enumerate(entries)
            ]
        connection.close()
    return found


def segments(directory: Path) -> list[str]:
    """Names of the segment files, without their logs."""
    return sorted(file.name for file in directory.glob("seg-*.db"))
