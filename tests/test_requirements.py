"""The list of requirements is whole, and tests name only rows that exist."""

import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parent.parent
SHARED: Final = ROOT.parent / "shared" / "REQUIREMENTS.md"
ROWS_OF_A_LETTER: Final = {"C": 23, "P": 17, "A": 7, "R": 9, "D": 14, "O": 10}

SOURCE: Final = """
pytestmark = [pytest.mark.req("A1"), pytest.mark.long]
@pytest.mark.req("C1", "C2")
def test_one(): ...
@pytest.mark.parametrize("case", [pytest.param(1, marks=pytest.mark.req("C3"))])
async def test_two(case): ...
@mark.req("P1")
class TestThree:
    @pytest.mark.req("P1")
    def test_four(self): ...
    @pytest.mark.req("P2")
    def not_a_test(self): ...
@pytest.mark.skip("C9")
def test_five(): ...
"""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """What scripts/requirements.py defines."""
    return runpy.run_path(str(ROOT / "scripts" / "requirements.py"))


def test_marks_are_read_without_importing_a_test(script: dict[str, Any]) -> None:
    """A mark counts on functions, parameters, classes and modules; once for a test; nowhere else."""
    assert sorted(script["named_in"](SOURCE)) == sorted(
        [
            ("test_one", "A1"),
            ("test_one", "C1"),
            ("test_one", "C2"),
            ("test_two", "A1"),
            ("test_two", "C3"),
            ("TestThree.test_four", "A1"),
            ("TestThree.test_four", "P1"),
            ("test_five", "A1"),
        ]
    )


def test_the_list_has_every_row_once(script: dict[str, Any]) -> None:
    """Each letter's numbers run from 1 without a gap, and every row has a sentence."""
    lines = [line for line in (ROOT / "tests" / "requirements.txt").read_text().splitlines() if line]
    rows = script["read_list"]()
    assert len(rows) == len(lines)
    assert list(rows) == [f"{letter}{n}" for letter, last in ROWS_OF_A_LETTER.items() for n in range(1, last + 1)]
    assert all(rows.values())


def test_tests_name_rows_that_exist(script: dict[str, Any]) -> None:
    """A misspelt id would prove nothing."""
    unknown = [
        f"{path.relative_to(ROOT)} {test}: {name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for test, name in script["named_in"](path.read_text())
        if name not in script["read_list"]()
    ]
    assert not unknown, "\n".join(unknown)


def test_the_list_is_that_of_the_requirements(script: dict[str, Any]) -> None:
    """Ids equal those of the requirements page, where it lies beside the checkout."""
    if not SHARED.is_file():
        pytest.skip("../shared/REQUIREMENTS.md is not here to compare with")
    ids = re.findall(r"^\| ([CPARDO]\d+) \|", SHARED.read_text(), re.MULTILINE)
    assert list(script["read_list"]()) == ids


def test_the_command_prints_each_row_and_what_has_no_test(script: dict[str, Any]) -> None:
    """`make requirements` lists every row with its count, and afterwards exactly those that no test names."""
    call = [sys.executable, str(ROOT / "scripts" / "requirements.py")]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=ROOT)
    counts, _, without = done.stdout.partition("\n\n")
    printed = Counter({name: int(n) for name, n in (line.split() for line in counts.splitlines())})
    assert list(printed) == list(script["read_list"]())
    assert [line.split()[0] for line in without.splitlines()[1:]] == [name for name, n in printed.items() if n == 0]
