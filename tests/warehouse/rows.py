"""Rows for tests, written by field name."""

import itertools
from typing import Any

from event_catalogue.event import DEFAULT_ROW, Row
from event_catalogue.fields import POSITION

_BEACONS = itertools.count(1)
DAY = 20_400
"""A day for rows whose day does not matter."""
STORED_ON = 30_000
"""Far enough in the future for no test's rows to reach the legal maximum."""


def event(**fields: Any) -> Row:
    """A row of the catalogue: defaults that the table accepts, and the given fields."""
    day = fields.get("day", DAY)
    values: dict[str, Any] = {
        "site": 1,
        "day": day,
        "keep": 35,
        "batch": 1,
        "beacon": next(_BEACONS).to_bytes(16, "big"),
        "name": "pageview",
        "at": day * 86_400_000,
        "received": day * 86_400_000,
        "stored_on": STORED_ON,
        "visitor": b"v" * 16,
        "path": "/",
    }
    row: Row = list(DEFAULT_ROW)
    for name, value in {**values, **fields}.items():
        row[POSITION[name]] = value
    return row
