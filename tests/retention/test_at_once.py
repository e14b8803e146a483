"""Who asks is hidden at once, whatever else is under way: a long rewrite, another's request that is being closed."""

import threading

import pytest

from control_store.erasures import ask_erasure, open_erasures
from tests.retention.test_erase import Devices, _eraser
from tests.retention.test_erase import devices as devices
from warehouse.errors import WarehouseError

pytestmark = pytest.mark.req("R6")
SLOW = "SELECT sum(sleepEachRow(0.1)) FROM numbers(400) SETTINGS max_block_size = 1"


def _said(devices: Devices) -> list[int]:
    """The requests whose ids stand in the warehouse."""
    found = devices.place.warehouse.select("SELECT DISTINCT request FROM erasing ORDER BY request", {}, "control")
    return [int(request) for (request,) in found]


def test_who_asks_during_a_long_rewrite_is_hidden_before_it_ends(devices: Devices) -> None:
    """What rewrites has one statement at a time; hiding does not wait for its turn."""
    place = devices.place
    rewrite = threading.Thread(target=_run, args=(devices, "a rewrite"))
    rewrite.start()
    for device in devices.devices[:2]:  # none is said yet, then one is
        ask_erasure(place.store, "returning", 1, device, now=place.now)
        assert devices.eraser.hide() == 1
    assert rewrite.is_alive(), "it was waited for"
    assert len(_said(devices)) == 2
    place.warehouse.cancel("a rewrite")
    rewrite.join(30)


def _run(devices: Devices, name: str) -> None:
    try:
        devices.place.warehouse.select(SLOW, {}, "seal", query_id=name)
    except WarehouseError:  # cancelled
        return


def test_who_asks_while_another_request_is_closed_is_hidden_at_once(devices: Devices) -> None:
    """Closing waits until no file knows the other's ids; meanwhile the new one's are said, and stay said."""
    place = devices.place
    hidden: list[int] = []

    def ask_and_hide() -> None:
        ask_erasure(place.store, "returning", 1, devices.devices[1], now=place.now)
        hidden.append(devices.eraser.hide())

    def on_step(point: str) -> None:
        if point == "erase.forgotten" and not hidden:
            asking = threading.Thread(target=ask_and_hide, daemon=True)
            asking.start()
            asking.join(30)
            assert hidden == [1], "it waits for the other to be closed"

    devices.eraser = _eraser(place, crash=on_step)
    ask_erasure(place.store, "returning", 1, devices.devices[0], now=place.now)
    assert devices.eraser.run() > 0
    (before,) = _said(devices)
    assert devices.close() == 1
    (after,) = _said(devices)
    assert after != before
    assert len(open_erasures(place.store)) == 1
    assert devices.eraser.run() > 0
    assert devices.close() == 1
    assert _said(devices) == []
    assert open_erasures(place.store) == []
