"""docs/asvs.md names every item of the levels 1 and 2, and tests that exist, or the reason why there is none."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
ITEMS: Final = {
    "2.1": 12,
    "2.2": 3,
    "2.3": 3,
    "2.4": 5,
    "2.5": 7,
    "2.6": 3,
    "2.7": 6,
    "2.8": 7,
    "2.9": 3,
    "2.10": 4,
    "3.1": 1,
    "3.2": 4,
    "3.3": 4,
    "3.4": 5,
    "3.5": 3,
    "3.7": 1,
    "4.1": 5,
    "4.2": 2,
    "4.3": 3,
    "5.1": 5,
    "5.2": 8,
    "5.3": 10,
    "5.4": 3,
    "5.5": 4,
}
"""How many items of the levels 1 and 2 each section of version 4.0.3 has; 4.1.4 was taken out of it."""
TEST: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROWS: Final = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in (ROOT / "docs/asvs.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]


@cache
def defined_in(path: str) -> set[str]:
    """The tests that a file defines."""
    return {one.name for one in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(one, ast.FunctionDef)}


def test_every_item_has_one_row() -> None:
    """No more and no fewer."""
    wanted = [f"{section}.{number}" for section, most in ITEMS.items() for number in range(1, most + 1)]
    assert [row[0] for row in ROWS] == [item for item in wanted if item != "4.1.4"]


@pytest.mark.req("D9")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_an_item_is_shown_by_a_test_that_exists_or_says_why_not(row: tuple[str, str, str]) -> None:
    """A reason is a sentence; a test is one that runs."""
    _, asks, shown = row
    assert len(asks) > 10
    found = TEST.findall(shown)
    if not found:
        assert re.match(r"(Does not apply|Not met): .{8,}", shown)
    for path, name in found:
        assert name.startswith("test_")
        assert name in defined_in(path), f"{path} has no {name}"
