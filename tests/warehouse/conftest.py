"""Both ways to a warehouse: embedded, and over HTTP to a front of another process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.warehouse.engine import Server, embedded_settings
from warehouse.client import Warehouse
from warehouse.migrate import migrate
from warehouse.settings import WarehouseSettings

SettingsMaker = Callable[..., WarehouseSettings]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A front that lives as long as the tests of this process."""
    front = Server(tmp_path_factory.mktemp("front"))
    yield front
    front.stop()


@pytest.fixture(params=["embedded", "http"])
def make_settings(request: pytest.FixtureRequest) -> SettingsMaker:
    """Settings of a new, empty database, on each of the backends."""
    if request.param == "embedded":
        return embedded_settings
    front: Server = request.getfixturevalue("server")
    return front.settings


@pytest.fixture
def open_warehouse(make_settings: SettingsMaker) -> Iterator[Callable[..., Warehouse]]:
    """Opens migrated warehouses with options, and closes them."""
    opened: list[Warehouse] = []

    def open_one(**options: Any) -> Warehouse:
        opened.append(Warehouse(make_settings(**options)))
        migrate(opened[-1])
        return opened[-1]

    yield open_one
    for warehouse in opened:
        warehouse.close()


@pytest.fixture(scope="module", params=["embedded", "http"])
def shared(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """A migrated warehouse for tests that do not mind each other's rows, on each of the backends."""
    maker = embedded_settings if request.param == "embedded" else request.getfixturevalue("server").settings
    warehouse = Warehouse(maker())
    migrate(warehouse)
    yield warehouse
    warehouse.close()


@pytest.fixture
def warehouse(open_warehouse: Callable[..., Warehouse]) -> Warehouse:
    """A migrated warehouse without rows."""
    return open_warehouse()
