"""Rewrites that lie and rewrites that fail: told, gone on with, and never called done before."""

from pathlib import Path

import pytest

from control_store.erasures import ask_erasure, open_erasures
from control_store.purges import open_purges
from tests.retention.place import DAY, SOON, Place
from tests.retention.test_erase import Devices
from tests.retention.test_erase import devices as devices
from tests.warehouse.engine import fresh_warehouse
from warehouse.errors import Broken

pytestmark = pytest.mark.req("R2", "R6")


def test_a_rewrite_whose_ids_have_vanished_is_not_called_done(
    devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine says that it is done; the sums say that the rows are there. The next run erases them, once."""
    place = devices.place
    device = devices.devices[0]
    meant = sum(row["site"] == 1 and row["returning"] == device for row in devices.left())
    rows = sum(place.rows().values())
    ask_erasure(place.store, "returning", 1, device, now=place.now)
    erasing = devices.eraser._erasing
    rewrite = erasing._alter

    def lose_ids(table: str, change: str) -> None:
        if table == "events":
            place.warehouse.command("TRUNCATE TABLE erasing")
        rewrite(table, change)

    monkeypatch.setattr(erasing, "_alter", lose_ids)
    with pytest.raises(Broken, match="still there"):
        devices.eraser.run()
    assert sum(place.rows().values()) == rows
    assert [one.state for one in open_purges(place.store)] == ["intended"]
    assert "erase.completed" not in {kind for kind, _ in place.entries()}
    monkeypatch.undo()
    assert devices.eraser.run() == meant
    assert sum(place.rows().values()) == rows - meant
    assert sum(one.erased for one in place.gone().values()) == meant
    assert devices.close() == 1
    assert open_erasures(place.store) == []


def test_a_rewrite_that_fails_is_told_and_gone_on_with(tmp_path: Path) -> None:
    """One that an operator began and that can never end: the purge says so, and is done when it has gone."""
    warehouse = fresh_warehouse(seal_seconds=4)
    place = Place(tmp_path, warehouse)
    place.fill(3)
    place.seal()
    warehouse.command("ALTER TABLE events UPDATE title = toString(throwIf(1)) WHERE 1 SETTINGS mutations_sync = 0")
    assert place.purge(SOON) == []
    waiting = place.purger.finish(4)
    assert [(one.day, "a rewrite that" in one.remark) for one in waiting] == [(DAY, True)]
    ask_erasure(place.store, "visitor", 1, bytes([1]) * 16, day=DAY + 1, now=place.now)
    assert "purge.completed" not in {kind for kind, _ in place.entries()}
    warehouse.command("KILL MUTATION WHERE database = currentDatabase() SYNC")
    place.purger.settle()
    assert place.purger.finish(30) == []
    assert [kind for kind, _ in place.entries()] == ["purge.intended", "purge.completed"]
    place.store.close()
    warehouse.close()
