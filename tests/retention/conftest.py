"""A warehouse for the tests of this room."""

from collections.abc import Iterator

import pytest

from tests.warehouse.engine import fresh_warehouse
from warehouse.client import Warehouse


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    """Migrated, without rows."""
    made = fresh_warehouse()
    yield made
    made.close()
