"""`footfall reconcile`: what adds up, and every way in which it may not."""

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
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


def _change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount, statement


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


@pytest.mark.req("C23", "R1")
def test_a_seal_carries_the_numbers_of_its_records_and_tells_what_all_other_accounts_hide(tmp_path: Path) -> None:
    """Rows, totals, numbers and the spool's end can be forged together, and the seal contradicts them; so it does
    after a purge, when no row is left to be counted. `status` says it of the day."""
    command(tmp_path, "demo", "generate", "--visitors", "10", "--days", "2", "--until", "2025-12-02")
    first = _reconciled(tmp_path)[1]["days"]
    command(tmp_path, "seal", "--final")
    command(tmp_path, "purge", "--as-of", "2026-01-06T12:00:00Z")
    control, journal = tmp_path / "control.db", tmp_path / "spool" / "journal.db"
    with closing(sqlite3.connect(control)) as connection:
        carried = dict(connection.execute("SELECT date(day * 86400, 'unixepoch'), numbers FROM seals").fetchall())
    for day in first:
        assert day["records"]
        assert sum(one["events"] for one in day["records"]) == day["received"]
        told = (f"{one['spool']}:{one['first']}-{one['last']}={one['events']}" for one in day["records"])
        assert carried[day["day"]] == ",".join(sorted(told))
    assert _reconciled(tmp_path)[1]["days"][0]["balanced"], "it is purged"
    with closing(sqlite3.connect(control)) as connection, connection:
        connection.execute("INSERT INTO seal_faults (site, day, since, reason) VALUES (1, 20425, 1, 'a reason')")
    told = command(tmp_path, "status")
    assert re.search(r"Not sealed: \S+, 2025-12-03: a reason\.", told.stdout)
    assert [line.split("\t")[-1] for line in told.stdout.splitlines() if "\t2025-12" in line] == ["yes", "yes"]
    whole = journal.read_bytes()
    of_day = "day = (SELECT min(day) FROM totals)"
    _change(journal, f"UPDATE numbers SET last = last + 1 WHERE cut = 0 AND {of_day}")
    code, bent = _reconciled(tmp_path)
    assert (code, [day["balanced"] for day in bent["days"]]) == (1, [False, True])
    assert "2025-12-01: sealed with" in bent["faults"][0]
    journal.write_bytes(whole)
    _change(
        journal,
        f"UPDATE totals SET n = n - 1 WHERE {of_day} AND outcome IN ('received', 'stored')",
        f"UPDATE numbers SET events = events - 1, last = last - 1 WHERE cut = 0 AND {of_day}",
        "UPDATE spools SET total = total - 1",
        "DELETE FROM batches",  # as after a week
    )
    _change(control, "UPDATE purged_rows SET rows = rows - 1")
    code, hidden = _reconciled(tmp_path)
    assert code == 1
    assert [fault.partition(":")[2][:12] for fault in hidden["faults"]] == [" sealed with"], hidden["faults"]
    told = command(tmp_path, "status", check=False)
    assert (told.returncode, "sealed with" in told.stderr) == (1, True)
    assert [line.split("\t")[-1] for line in told.stdout.splitlines() if "\t2025-12" in line] == ["NO", "yes"]
