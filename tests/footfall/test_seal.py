"""`footfall seal`, with and without a running core: the same days, the same digests, the same words."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.product import command, running

UNTIL = "2025-12-02"
GENERATE = ("demo", "generate", "--visitors", "20", "--days", "2", "--until", UNTIL)


_SPOIL = """
import sys
from footfall.core import open_warehouse
from footfall.environment import read_environment
warehouse = open_warehouse(read_environment({"data": sys.argv[1]}))
warehouse.command("ALTER TABLE rollups UPDATE visitors = 2 WHERE dimension = 'path' AND key = '(other)'")
warehouse.close()
"""
"""In a process of its own: one can hold one embedded directory."""


def _seal(data: Path, *options: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(command(data, "seal", "--json", *options).stdout)
    return answer


def _attack(data: Path, *options: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(command(data, "attack", "--json", *options).stdout)
    return answer


@pytest.mark.req("A2", "A3", "A6")
def test_by_hand_and_through_the_core_alike(tmp_path: Path) -> None:
    """One installation seals with its core stopped, the other asks the running one."""
    alone, served = tmp_path / "alone", tmp_path / "served"
    for data in (alone, served):
        command(data, *GENERATE)
    assert _seal(alone) == {"due": [], "sealed": []}  # its rows have just come
    due = _seal(alone, "--final", "--dry-run")
    assert ([one["day"] for one in due["due"]], due["sealed"]) == (["2025-12-01", UNTIL], [])
    first = _seal(alone, "--final", "--day", "2025-12-01")
    rest = _seal(alone, "--final")
    assert [one["day"] for one in (*first["sealed"], *rest["sealed"])] == ["2025-12-01", UNTIL]
    with running(served):
        asked = _seal(served, "--final")
        for _ in range(40):
            if asked["sealed"]:
                break
            time.sleep(0.5)  # nothing is due before the running loader has told that all is loaded
            asked = _seal(served, "--final")
        assert _seal(served, "--final") == {"due": [], "sealed": []}
        assert _attack(served) == {"days": 2, "weeks_and_months": 0, "found": []}
    assert _attack(alone, "--site", "1") == {"days": 2, "weeks_and_months": 0, "found": []}
    assert asked["sealed"] == [*first["sealed"], *rest["sealed"]]
    assert all(one["sealed"] and one["rows"] > 50 for one in asked["sealed"])


@pytest.mark.req("A2")
@pytest.mark.parametrize(
    ("options", "said"),
    [(("--day", "yesterday"), "is no day"), (("--as-of", "soon"), "is no time"), (("--site", "x"), "no site")],
)
def test_what_is_not_understood_is_said(tmp_path: Path, options: tuple[str, str], said: str) -> None:
    """One sentence, and nothing sealed."""
    done = command(tmp_path, "seal", *options, check=False)
    assert done.returncode in (1, 2)
    assert said in done.stderr


@pytest.mark.req("A3")
def test_an_attack_that_finds_something_fails(tmp_path: Path) -> None:
    """Aggregates that were changed behind the seal are named with their day, and the exit code is 1."""
    command(tmp_path, *GENERATE)
    _seal(tmp_path, "--final", "--day", UNTIL)
    subprocess.run([sys.executable, "-c", _SPOIL, str(tmp_path)], check=True)
    done = command(tmp_path, "attack", check=False)
    assert done.returncode == 1
    assert f"{UNTIL}\t" in done.stdout
    assert "path: a value shows 2 people" in done.stdout
    assert "not those that were sealed" in done.stdout
