"""Classes of devices by what their makers and series call themselves.

Promises: a class of tables/devices.toml, or "" where no rule speaks, so that the caller asks the user-agents library.
Refuses: to tell brand or model; neither is stored.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Literal

import ua_parser_rs

if TYPE_CHECKING:
    from pathlib import Path


class DeviceRules:
    """The table of device classes, compiled. ua-parser's Rust engine takes 400 patterns in one pass of some 10 µs."""

    def __init__(self, table: Path) -> None:
        classes = tomllib.loads(table.read_text(encoding="utf-8"))["class"]
        rows: list[tuple[str, Literal["i"] | None, str | None, str | None, str | None]] = [
            (f"({pattern})", "i", row["name"], "", "") for row in classes for pattern in row["patterns"]
        ]
        self._extractor = ua_parser_rs.DeviceExtractor(rows)

    def kind(self, text: str) -> str:
        """Class of the first matching rule, in the table's order; "" if none matches."""
        found = self._extractor.extract(text)
        return str(found.family) if found is not None else ""
