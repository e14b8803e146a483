"""`footfall reconcile`: what adds up, and every way in which it may not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.product import command

_TAMPER = """
import sys
from warehouse.client import Warehouse
from warehouse.settings import WarehouseSettings
warehouse = Warehouse(WarehouseSettings(f"chdb://{sys.argv[1]}/warehouse", memory_bytes=1 << 30))
warehouse.command(sys.argv[2])
warehouse.close()
"""


def _reconciled(data: Path) -> tuple[int, dict[str, Any]]:
    done = command(data, "reconcile", "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def _tamper(data: Path, statement: str) -> None:
    subprocess.run([sys.executable, "-c", _TAMPER, str(data), statement], check=True, timeout=60)


@pytest.mark.req("C23", "R1")
def test_lost_and_doubled_rows_are_named(tmp_path: Path) -> None:
    """It agrees after loading and after a purge; a row less, and a row twice, are named with exit code 1."""
    command(tmp_path, "demo", "generate", "--visitors", "10", "--days", "2", "--until", "2025-12-02")
    code, told = _reconciled(tmp_path)
    assert (code, told["faults"], told["acknowledged"] > 50) == (0, [], True)
    command(tmp_path, "seal", "--final")
    command(tmp_path, "purge", "--as-of", "2026-01-06T12:00:00Z")
    code, after = _reconciled(tmp_path)
    assert (code, after["faults"]) == (0, [])
    assert [(day["day"], day["purged"] > 0, day["balanced"]) for day in after["days"]] == [
        ("2025-12-01", True, True),
        ("2025-12-02", False, True),
    ]
    assert (after["purged"] > 0, after["purged"] + after["in_warehouse"]) == (True, told["in_warehouse"])
    _tamper(
        tmp_path,
        "ALTER TABLE events DELETE WHERE (batch, beacon, idx) IN (SELECT batch, beacon, idx FROM events LIMIT 1)",
    )
    code, lost = _reconciled(tmp_path)
    assert code == 1
    assert any("stored, and" in fault for fault in lost["faults"])
    assert [day["balanced"] for day in lost["days"]] == [True, False]
    assert any(fault.startswith("1 rows of 2025-12-02") for fault in lost["faults"])
    _tamper(tmp_path, "INSERT INTO events SELECT * FROM events LIMIT 2 SETTINGS insert_deduplicate = 0")
    code, doubled = _reconciled(tmp_path)
    assert code == 1
    assert any(fault.startswith("Batch ") for fault in doubled["faults"]) or "stored, and" in doubled["faults"][0]
