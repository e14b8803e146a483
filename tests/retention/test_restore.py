"""Tombstones and restores, in one process: what comes back is what was there, without whom and what was destroyed since."""

import json
import shutil
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from control_store.copying import NoCopy, copy_to
from control_store.erasures import ask_erasure
from control_store.seals import Seal, save_seals
from control_store.spans import Span, forget_spans, save_span
from control_store.tables import ControlStore
from control_store.targets import list_targets
from event_catalogue.days import day_text
from event_catalogue.fields import FIELDS, POSITION
from retention.backup import Backups, BadBackup, Periods, give_up_target
from retention.ledger import parse_head
from retention.purge import Stores
from retention.restore import Restorer, last_purge
from retention.tombstones import TargetLost, Tombstones
from tests.retention.place import DAY, DAY_MS, SOON, Place
from tests.retention.test_erase import Devices
from tests.retention.test_erase import devices as devices
from tests.warehouse.engine import fresh_warehouse
from warehouse.copies import Copies
from warehouse.dialect import Dialect
from warehouse.erasing import Erasing
from warehouse.errors import Broken
from warehouse.rollup_rows import Rollup
from warehouse.seals import digest

pytestmark = pytest.mark.req("R4", "R6")
NAMES = ", ".join(field.name for field in FIELDS)
RETURNING, VISITOR = POSITION["returning"], POSITION["visitor"]
NULL = bytes(16)


def _stores(place: Place) -> Stores:
    return Stores(place.warehouse, place.store, place.ledger, place.spools)


def _rows(place: Place) -> Counter[str]:
    found = place.warehouse.select(f"SELECT {NAMES} FROM events", {}, "control")
    return Counter(map(str, found))


def test_what_went_since_the_backup_stays_gone(devices: Devices, tmp_path: Path) -> None:
    """A purge, an erasure, a withdrawal and a later purge that was given up, against the rows of the place itself."""
    place, root = devices.place, tmp_path / "backups"
    place.seal(days=(DAY, DAY + 1))
    aggregates = Counter(map(str, place.warehouse.select("SELECT * FROM rollups", {}, "control")))
    manifest = Backups(root).make(_stores(place), Periods(35, 3), disk="", raw=True, now=place.now)
    assert (manifest.rows["events"], manifest.until) == (sum(place.rows().values()), place.now + 3 * DAY_MS)
    assert list_targets(place.store) == [str(root)]
    assert not (Copies(place.warehouse).root or root).exists()
    device, withdrawn = devices.devices[0], devices.devices[1]
    ask_erasure(place.store, "returning", 1, device, now=place.now)
    devices.withdraw(1, withdrawn)
    assert devices.eraser.run() > 0
    assert devices.close() == 2
    assert place.purge(to_the_end=True) == []
    place.ledger.append(
        "purge.intended", {"purge": 99, "day": day_text(DAY + 2), "keep": 35, "sites": [{"site": 1}]}, now=1
    )
    place.ledger.append("purge.given_up", {"purge": 99, "reason": "a test"}, now=1)
    Tombstones(place.store, place.ledger).mirror()
    texts = b"".join(path.read_bytes() for path in root.glob("*.jsonl"))
    for somebody in (device, withdrawn):
        assert somebody.hex().encode() not in texts.lower()
    target = Backups(root).target
    assert target.check(None) == []
    other = fresh_warehouse()
    (tmp_path / "new").mkdir()
    new = Place(tmp_path / "new", other)
    shutil.copyfile(target.ledger, tmp_path / "new" / "ledger.jsonl")
    copies = Copies(other)
    assert copies.root
    shutil.copytree(root / manifest.name / "tables", copies.root)
    stores = _stores(new)
    restorer = Restorer(stores, target, manifest, now=SOON)
    assert last_purge(new.ledger.entries()) == 99
    restorer.aggregates()
    purged, erased = restorer.raw()
    copies.sweep()
    assert _rows(new) == _rows(place)
    assert sum(_rows(new).values()) < manifest.rows["events"] - 20
    assert Counter(map(str, other.select("SELECT * FROM rollups", {}, "control"))) == aggregates
    restorer.note(purged, "purged")
    restorer.note(erased, "erased")
    assert sum(one.rows for one in new.gone().values()) == manifest.rows["events"] - sum(new.rows().values())
    assert sum(one.erased for one in new.gone().values()) > 0 < sum(one.purged for one in new.gone().values())
    restorer.check()
    assert Erasing(other).said() == {}
    row = Rollup(1, "path", "/a", "", tuple(range(10)))
    new.rollups.write({(1, DAY): 77_777}, [(DAY, row)])
    span = Span(1, DAY, DAY + 6, 77_777, 1, 5, {}, (), frozenset(["path"]), 1, digest([row]))
    save_span(new.store, span._replace(days={DAY: 5}, digest="1" * 64))
    restorer.check()  # of a seal that is not here: it does not count
    forget_spans(new.store, 1, before_day=DAY + 1)
    seal = Seal(1, DAY, 1, 77_778, 1, 5, 0, 0, digest([]))
    save_seals(new.store, [seal])
    for found, refused in ((span, False), (span._replace(digest="1" * 64), True)):
        save_span(new.store, found._replace(days={DAY: seal.run}))
        with pytest.raises(BadBackup, match="weeks and months") if refused else nullcontext():
            restorer.check()
        forget_spans(new.store, 1, before_day=DAY + 1)
    new.store.close()
    other.close()


def test_a_place_whose_tombstones_or_ledger_are_not_whole_is_found_out(devices: Devices, tmp_path: Path) -> None:
    """Missing, cut, changed; and a ledger without its newest entry by a head that was noted elsewhere."""
    place, root = devices.place, tmp_path / "backups"
    target = Backups(root).target
    target.make()
    Backups(root).make(_stores(place), Periods(35, 3), disk="", raw=False, now=place.now)
    for device in devices.devices[:2]:
        ask_erasure(place.store, "returning", 1, device, now=place.now)
        devices.eraser.hide()
    assert target.check(None) == []
    assert len(target.erasures()) == 2
    devices.withdraw(1, devices.devices[3])
    Backups(root).make(_stores(place), Periods(35, 3), disk="", raw=False, now=place.now + 1_000)
    assert len(target.erasures()) == 4, "a copy names nobody: what is open is told before it is made"
    kept = tmp_path / "kept"
    shutil.copytree(root, kept)
    lines = (root / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    stones = (root / "tombstones.jsonl").read_bytes().splitlines(keepends=True)
    head = parse_head(f"{len(lines)}:{json.loads(lines[-1])['hash']}")
    changes: list[tuple[str, bytes | None]] = [
        *((name, None) for name in ("ledger.jsonl", "tombstones.jsonl", "tombstones.key")),
        ("tombstones.jsonl", b""),
        ("tombstones.jsonl", stones[0]),
        ("tombstones.jsonl", stones[1]),
        ("tombstones.jsonl", stones[0] + stones[1].replace(b'"site":1', b'"site":2')),
        ("ledger.jsonl", b"".join(lines[1:])),
    ]
    for name, content in changes:
        (root / name).unlink() if content is None else (root / name).write_bytes(content)
        assert target.check(None) != [], (name, content)
        shutil.rmtree(root)
        shutil.copytree(kept, root)
    upto = next(place for place, line in enumerate(lines) if b'"head":"2:' in line)
    (root / "ledger.jsonl").write_bytes(b"".join(lines[: upto + 1]))
    (root / "tombstones.jsonl").write_bytes(b"".join(stones[:2]))
    assert target.check(None) == [], "both ends are missing: undecidable without a head"
    assert target.check(head) != []


def test_an_erasure_is_not_done_before_every_place_has_heard(devices: Devices, tmp_path: Path) -> None:
    """A place that is not mounted keeps requests open, though hidden and erased; given up for lost, it keeps nobody."""
    place, root = devices.place, tmp_path / "backups"
    Backups(root).make(_stores(place), Periods(35, 3), disk="", raw=False, now=place.now)
    away = tmp_path / "away"
    root.rename(away)
    ask_erasure(place.store, "returning", 1, devices.devices[0], now=place.now)
    assert devices.eraser.run() > 0
    place.now += 120_000
    waiting = place.purger.finish(4)
    assert [one.method for one in waiting] == ["erase"] * len(waiting)
    assert "is not there" in waiting[0].remark
    assert devices.eraser.close() == 0
    away.rename(root)
    assert devices.close() == 1
    assert len(Backups(root).target.erasures()) == 1
    root.rename(away)
    with pytest.raises(TargetLost):
        Tombstones(place.store, place.ledger).mirror()
    give_up_target(place.store, place.ledger, root, now=place.now)
    Tombstones(place.store, place.ledger).mirror()
    with pytest.raises(BadBackup):
        give_up_target(place.store, place.ledger, root, now=place.now)


def test_a_backup_is_destroyed_when_its_period_is_over(devices: Devices, tmp_path: Path) -> None:
    """Those with raw rows first; the ledger says so, and what a kill left of one goes too."""
    place, backups = devices.place, Backups(tmp_path / "backups")
    made: list[Any] = []
    for raw in (True, False):
        place.now += 1_000
        made.append(backups.make(_stores(place), Periods(35, 3), disk="", raw=raw, now=place.now))
    (backups.root / "half.new").mkdir()
    assert list(backups.prune(place.store, place.ledger, now=place.now)) == []
    assert list(backups.prune(place.store, place.ledger, now=place.now + 4 * DAY_MS)) == [made[0].name]
    assert [one.name for one in backups.list()] == [made[1].name]
    assert not (backups.root / "half.new").exists()
    assert not list(backups.root.rglob("*events*"))
    assert [kind for kind, _ in place.entries()][-1] == "backup.destroyed"


def test_what_can_not_be_copied_whole_is_refused_with_a_way_on(tmp_path: Path) -> None:
    """One machine of a cluster holds a part, and Postgres has its own tools: one sentence says what to do instead."""
    warehouse = fresh_warehouse()
    warehouse.dialect = Dialect("three")
    with pytest.raises(Broken, match="BACKUP ON CLUSTER and leave backup_dir empty"):
        Copies(warehouse, "backups")
    warehouse.close()
    store = ControlStore("sqlite://")
    store.engine.dialect.name = "postgresql"
    with pytest.raises(NoCopy, match="use pg_dump for it and ClickHouse's BACKUP"):
        copy_to(store, tmp_path / "copy")
    store.close()
