"""A console for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from control_store.tables import ControlStore
from tests.console.desk import Desk, counting_desk
from tests.warehouse.engine import fresh_warehouse
from warehouse.client import Warehouse


@pytest.fixture(scope="session")
def empty_warehouse() -> Iterator[Warehouse]:
    """A warehouse without rows, for tests that need none."""
    warehouse = fresh_warehouse()
    yield warehouse
    warehouse.close()


@pytest.fixture
def desk(tmp_path: Path, empty_warehouse: Warehouse) -> Iterator[Desk]:
    """A console with nobody and nothing in it."""
    store = ControlStore.in_directory(tmp_path)
    store.migrate()
    made = Desk(store, empty_warehouse)
    yield made
    made.close()
    store.close()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Desk]:
    """A console with a warehouse of its own, and an admin who is logged in."""
    with counting_desk(tmp_path) as made:
        yield made
