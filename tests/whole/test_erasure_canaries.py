"""One visitor among many is erased: no byte of them is left, in no file, and none comes back with a backup; all others are
as they were. A destroyed salt is nowhere either."""

import json
import shutil
import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from control_store.erasures import ask_erasure, open_erasures
from control_store.salts import SaltFile
from control_store.tables import ControlStore
from footfall.environment import read_environment
from tests.product import AGENT, beacon, command
from tests.whole.test_purge_canaries import HIDDEN, PLACES, World, _found, _until

DAY_MS = 86_400_000


def _crowd(site: str, number: int, now: int) -> list[dict[str, Any]]:
    """A thousand visitors at most, each from an address of their own."""
    return [
        {
            **beacon(site, now=now, url=f"https://mine.example/crowd/{one % 500}", title=f"Crowd {one}"),
            "ip": f"100.64.{one // 250}.{one % 250}",
            "user_agent": AGENT,
        }
        for one in range(number, number + 1_000)
    ]


def _fill(world: World, visitors: int) -> dict[str, list[dict[str, Any]]]:
    """The marked visitor among so many; every row of the warehouse."""
    product, site = world.product, world.sites["mine.example"]["key"]
    product.start()
    key, stats = product.key("events", site="mine.example"), product.key(site="mine.example")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for number in range(0, visitors - 1, 1_000):
        body = json.dumps(_crowd(site, number, world.now)[: visitors - 1 - number]).encode()
        status, end = 401, time.monotonic() + 15
        while status == 401 and time.monotonic() < end:  # the collectors hear of a new key within a second or two
            status = product.request(product.collector, "POST", "/api/v1/events", body, headers)[0]
            time.sleep(0.1)
        assert status in (200, 202)
    mark = world.marks["mine"]
    agent = {"User-Agent": f"{AGENT} {mark.words['agent']}"}
    assert product.send(mark.beacon(site, "mine.example", world.now), agent) == 202
    _until(lambda: product.numbers(stats, "visitors", site_id="mine.example") == [visitors])
    product.stop()
    return world.dump("before")


def _sorted(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """In one order: the engine gives them as its parts lie."""
    return sorted(rows, key=lambda row: (row["beacon"], row["idx"]))


def _ask(data: Path, row: dict[str, Any], day: int) -> None:
    """Ask for the erasure of a row's visitor as if it had been a minute ago: it ends once nothing can come any more."""
    store = ControlStore.in_directory(data)
    ask_erasure(store, "visitor", 1, row["visitor"], day=day, now=int(time.time() * 1000) - 61_000)
    store.close()


def _is_done(data: Path) -> bool:
    store = ControlStore.in_directory(data)
    try:
        return not open_erasures(store)
    finally:
        store.close()


@pytest.mark.req("R2", "R4", "R6", "C1")
@pytest.mark.parametrize(
    ("visitors", "and_restore"), [(300, False), pytest.param(10_000, True, marks=pytest.mark.long)]
)
def test_no_byte_of_one_who_was_erased_among_many_is_left(tmp_path: Path, visitors: int, and_restore: bool) -> None:
    """Within a minute, in every file as it lies there and in every decoded row; after a total loss and a restore of a
    backup that held them too."""
    world = World(tmp_path)
    product, mark = world.product, world.marks["mine"]
    product.settings["backup_dir"] = str(tmp_path / "backups")
    try:
        before = _fill(world, visitors)
        rows = before["default.events"]
        theirs = [row for row in rows if row["path"] == f"/{mark.words['path']}"]
        assert (len(theirs), len({row["visitor"] for row in rows})) == (5, visitors)
        assert {trace.what for trace in mark.hunt().in_value(before, "x")} >= set(PLACES) - set(HIDDEN)
        secrets = [row[name] for row in theirs for name in ("visitor", "returning", "page")]
        assert _found(product.data, secrets)
        day = (date.fromisoformat(theirs[0]["day"]) - date(1970, 1, 1)).days
        if and_restore:
            command(product.data, "backup", "create", "--raw", env=product.environ())
        product.start()
        began = time.monotonic()
        _ask(product.data, theirs[0], day)
        _until(lambda: _is_done(product.data))
        _until(lambda: not world.traces("mine"))
        _until(lambda: not _found(product.data, secrets))
        assert time.monotonic() - began < 60
        product.stop()
        rest = _sorted(row for row in rows if row not in theirs)
        after = world.dump("after")
        assert _sorted(after["default.events"]) == rest
        assert mark.hunt().in_value(after, "warehouse") == []
        told = json.loads(command(product.data, "status", "--json").stdout)
        assert (told["balanced"], sum(one["erased"] for one in told["days"])) == (True, 5)
        _destroy_salts(product.data, day)
        if not and_restore:
            return
        shutil.rmtree(product.data)
        command(product.data, "backup", "restore", env=product.environ())
        assert world.traces("mine") == set()
        assert not _found(product.data, secrets)
        restored = world.dump("restored")
        assert _sorted(restored["default.events"]) == rest
        assert mark.hunt().in_value(restored, "warehouse") == []
        assert json.loads(command(product.data, "status", "--json").stdout)["balanced"] is True
    finally:
        product.kill()


def _destroy_salts(data: Path, day: int) -> None:
    """The day's salt is in its one file alone, and days later in none."""
    path, now = read_environment({"data": data}, {}).salts, int(time.time() * 1000)
    file = SaltFile(path, lambda: now)
    secret = file.salt(1, day, destroy_at=now + DAY_MS)
    file.close()
    assert _found(data, [secret]) == [str(path)]
    SaltFile(path, lambda: now + 4 * DAY_MS).close()
    assert _found(data, [secret]) == []
