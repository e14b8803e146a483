"""What lies in a spool, read by SQLite alone, without the code under test."""

import sqlite3
from pathlib import Path
from typing import Any


def raw_records(directory: Path) -> list[tuple[int, int, int, int, int, bytes]]:
    """(seq, kind, received, events, total, body) of all segments, in the order of their names."""
    found: list[Any] = []
    for file in sorted(directory.glob("seg-*.db")):
        connection = sqlite3.connect(file)
        found += connection.execute("SELECT seq, kind, received, events, total, body FROM records ORDER BY seq")
        connection.close()
    return found


def segments(directory: Path) -> list[str]:
    """Names of the segment files, without their logs."""
    return sorted(file.name for file in directory.glob("seg-*.db"))
