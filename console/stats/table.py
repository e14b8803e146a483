"""An answer as comma-separated values (RFC 4180), which a spreadsheet opens without taking a text for a formula."""

import csv
import io
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell begins with that a spreadsheet works out (OWASP, CSV injection); the last four are the wide forms of the
first, which some locales read as these."""


def as_csv(answer: Any) -> str:
    """A line of names, then one for each row: its dimensions and metrics, and those of an earlier range."""
    query, rows = answer["query"], answer["results"]
    names = [*query["dimensions"], *query["metrics"]]
    if "comparison" in answer["meta"]:
        names += [f"{name} (before)" for name in query["metrics"]] + [f"{name} (change)" for name in query["metrics"]]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(harmless, names))
    for row in rows:
        before = row.get("comparison", {"metrics": [], "change": []})
        numbers = [*row["metrics"], *before["metrics"], *before["change"]]
        writer.writerow([*map(harmless, row["dimensions"]), *map(_number, numbers)])
    return text.getvalue()


def _number(value: Any) -> Any:
    """A number as a cell; money with its currency behind it."""
    if isinstance(value, dict):
        return f"{value['value']} {value['currency']}"
    return "" if value is None else value


def harmless(text: str) -> str:
    """The text with an apostrophe before what would be a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
