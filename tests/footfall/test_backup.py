"""`footfall backup`: after a total loss what was purged or erased does not come back, and what was held stays held."""

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from control_store.accounts import add_user, find_user
from control_store.erasures import ask_erasure, open_erasures
from control_store.holds import Scope, ask_hold, confirm_hold, list_holds
from control_store.tables import ERASURES, ControlStore
from footfall.assembly import clock
from footfall.books import open_ledger
from footfall.environment import read_environment
from retention.restore import RESTORE_POINTS
from tests.product import Product, command

DAYS = ("2025-11-30", "2025-12-01", "2025-12-02")
GENERATE = ("demo", "generate", "--visitors", "15", "--days", "3", "--until", DAYS[2])
DUE = "2026-01-05T12:00:00Z"
"""The first day has been kept for 35 days, the others not yet."""
KILLS = 200
REPOSITORY = Path(__file__).parents[2]
EPOCH = date(1970, 1, 1)


class Installation:
    """One that loses its disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.places = root / "backups"
        self.environ = Product(self.data, {"backup_dir": str(self.places)}).environ()

    def run(self, *arguments: str, data: Path | None = None, check: bool = True, **more: str) -> Any:
        """One command."""
        return command(data or self.data, *arguments, check=check, env=self.environ | more)

    def dump(self, name: str, data: Path | None = None) -> dict[str, list[dict[str, Any]]]:
        """Every row of the warehouse."""
        out = self.root / name
        call = [sys.executable, "-m", "tests.whole.dump", str(data or self.data), str(out)]
        subprocess.run(call, check=True, cwd=REPOSITORY, timeout=60)
        return dict(msgspec.msgpack.decode(out.read_bytes()))

    def with_store(self, work: Callable[[ControlStore], Any], data: Path | None = None) -> Any:
        """Work with the control store."""
        store = ControlStore.in_directory(data or self.data)
        try:
            return work(store)
        finally:
            store.close()

    def hold(self, day: str) -> None:
        """Two people hold a day."""

        def work(store: ControlStore) -> None:
            for name in ("anna", "ben"):
                add_user(store, f"{name}@x.example", "admin", "correct horse battery", now=1)
            number, today = _day(day), clock() // 86_400_000
            one = ask_hold(
                store, Scope(1, number, number, today + 30, "a claim"), find_user(store, "anna@x.example"), now=clock()
            )
            held = confirm_hold(store, one.id, find_user(store, "ben@x.example"), now=clock())
            days = {"first": day, "last": day, "until": str(date.fromordinal(EPOCH.toordinal() + held.until))}
            content = {"hold": held.id, "site": 1, **days, "reason": "a claim"}
            open_ledger(read_environment({"data": self.data}, {}), store).append("hold.begun", content, now=clock())

        self.with_store(work)


def _as_if_a_minute_had_passed(store: ControlStore) -> None:
    with store.engine.begin() as connection:
        connection.execute(ERASURES.update().values(asked=ERASURES.c.asked - 60_000))


def _day(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


def _holding(root: Path, secrets: list[bytes]) -> list[str]:
    """Files with any of these bytes."""
    found = []
    for path in root.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and any(one in path.read_bytes() for one in secrets):
                found.append(str(path))
    return found


def _lost(root: Path) -> tuple[Installation, list[dict[str, Any]], list[bytes]]:
    """Backup with raw rows, then a purge, an erasure and a hold, then the disk is gone; the rows that were left, and
    bytes that may be nowhere."""
    one = Installation(root)
    one.run(*GENERATE)
    one.run("seal", "--final")
    rows = one.dump("before")["default.events"]
    made = json.loads(one.run("backup", "create", "--raw", "--json").stdout)
    assert (made["rows"]["events"], made["raw"]) == (len(rows), True)
    somebody = next(row["visitor"] for row in rows if str(row["day"]) == DAYS[1] and any(row["visitor"]))
    one.with_store(lambda store: ask_erasure(store, "visitor", 1, somebody, day=_day(DAYS[1]), now=clock()))
    one.hold(DAYS[2])
    one.run("purge", "--as-of", DUE)
    one.with_store(_as_if_a_minute_had_passed)
    for _ in range(5):
        if not one.with_store(open_erasures):
            break
        one.run("seal", "--final")  # what works alone on the warehouse erases first
    assert not one.with_store(open_erasures)
    left = one.dump("after")["default.events"]
    assert {str(row["day"]) for row in left} == set(DAYS[1:])
    secrets = [row["visitor"] for row in rows if str(row["day"]) == DAYS[0] and any(row["visitor"])]
    theirs = [row for row in rows if row["visitor"] == somebody or str(row["day"]) == DAYS[0]]
    assert len(rows) - len(theirs) == len(left) < len(rows) - 5
    assert not _holding(one.data, [*secrets, somebody])
    shutil.rmtree(one.data)
    return one, left, [*secrets, somebody]


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("R4", "R6", "R8", "C23")
def test_nothing_that_was_destroyed_survives_a_restore(tmp_path: Path) -> None:
    """Backup, purge and erasure, total loss, restore, killed once on the way: rows, holds and accounts are as they were."""
    one, left, secrets = _lost(tmp_path)
    killed = one.run("backup", "restore", check=False, FOOTFALL_CRASH="restore.raw")
    assert killed.returncode == -signal.SIGKILL
    refused = one.run("status", check=False)
    assert (refused.returncode, "was cut short" in refused.stderr) == (1, True)
    told = json.loads(one.run("backup", "restore", "--json").stdout)
    assert not _holding(one.data, secrets)
    assert one.dump("restored")["default.events"] == left
    assert told["raw rows"] == len(left)
    assert told["purged again"] > 0 < told["erased again"]
    assert told["lost"] == 0
    holds = one.with_store(list_holds)
    assert [(hold.site, hold.first, hold.reason, hold.ended) for hold in holds] == [(1, _day(DAYS[2]), "a claim", 0)]
    assert holds[0].keeps(1, _day(DAYS[2]), clock() // 86_400_000)
    status = json.loads(one.run("status", "--json").stdout)
    assert status["balanced"] is True
    assert sum(day["in_warehouse"] for day in status["days"]) == len(left)
    assert one.run("ledger", "verify").returncode == 0
    held = one.run("purge", "--as-of", "2026-01-20T00:00:00Z", "--json", check=False)
    assert [entry["hold"] for entry in json.loads(held.stdout)["held"]] == [1]
    again = one.run("backup", "restore", check=False)
    assert (again.returncode, "holds an installation" in again.stderr) == (1, True)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("R4", "O3")
def test_a_restore_that_is_killed_at_any_step_begins_anew(tmp_path: Path) -> None:
    """kill -9 at each numbered step: nothing opens meanwhile, and the next restore ends as if there had been none."""
    one, left, secrets = _lost(tmp_path)
    for point in RESTORE_POINTS[:-1]:
        killed = one.run("backup", "restore", check=False, FOOTFALL_CRASH=point)
        assert killed.returncode == -signal.SIGKILL, point
        assert one.run("status", check=False).returncode == 1, point
    one.run("backup", "restore")
    assert not _holding(one.data, secrets)
    assert one.dump("restored")["default.events"] == left
    assert json.loads(one.run("status", "--json").stdout)["balanced"] is True


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("R4", "O3")
def test_two_hundred_kills_while_a_backup_is_restored(tmp_path: Path) -> None:
    """Killed at random, over and over: nothing opens before a restore has come to its end, and then all is as it was."""
    one, left, secrets = _lost(tmp_path)
    rng, kills, ended = random.Random(3), 0, 0
    while kills < KILLS or not ended:
        call = [sys.executable, "-m", "footfall", "backup", "restore", "--data", str(one.data)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(call, env=one.environ, cwd=REPOSITORY, **quiet) as process:
            try:
                process.wait(rng.uniform(0.5, 6) if kills < KILLS else None)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
                continue
        # 1: there is an installation, for the one before was killed after its last step.
        assert process.returncode in (0, 1)
        ended += 1
        assert not _holding(one.data, secrets)
        assert one.dump("restored")["default.events"] == left
        assert json.loads(one.run("status", "--json").stdout)["balanced"] is True
        shutil.rmtree(one.data)


@pytest.mark.req("R4")
def test_a_backup_of_aggregates_alone_brings_numbers_back_and_says_what_is_lost(tmp_path: Path) -> None:
    """No raw row is in it; sealed days answer as before, and the accounts say how many rows are lost."""
    one = Installation(tmp_path)
    one.run(*GENERATE)
    one.run("seal", "--final")
    before = one.dump("before")
    name = json.loads(one.run("backup", "create", "--json").stdout)["backup"]
    assert name in one.run("backup", "list").stdout
    assert "No backup is over" in one.run("backup", "prune").stdout
    assert not _holding(one.places, [row["visitor"] for row in before["default.events"] if any(row["visitor"])])
    shutil.rmtree(one.data)
    (one.places / "tombstones.jsonl").rename(tmp_path / "kept")
    refused = one.run("backup", "restore", check=False)
    assert (refused.returncode, "can't be restored from" in refused.stderr) == (1, True)
    assert not (one.data / "control.db").exists()
    (tmp_path / "kept").rename(one.places / "tombstones.jsonl")
    told = json.loads(one.run("backup", "restore", name, "--json").stdout)
    assert (told["raw rows"], told["lost"]) == (0, len(before["default.events"]))
    assert told["sealed days without raw rows"] == 3
    assert one.dump("after")["default.rollups"] == before["default.rollups"]
    status = json.loads(one.run("status", "--json").stdout)
    assert (status["balanced"], sum(day["lost"] for day in status["days"])) == (True, len(before["default.events"]))
