"""What several tests of the front door stand on."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from control_store.salts import SaltFile
from control_store.tables import ControlStore
from footfall.assembly import clock, make_directories
from footfall.environment import read_environment
from footfall.jobs import Rooms


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    """Stores of an installation; these jobs need no warehouse."""
    environment = read_environment({"data": tmp_path}, {})
    make_directories(environment)
    store = ControlStore.in_directory(tmp_path)
    store.migrate()
    salts = SaltFile(environment.salts, clock)
    yield Rooms(environment, store, salts, cast("Any", None), cast("Any", None), nullcontext)
    salts.close()
    store.close()
