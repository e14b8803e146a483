"""Warehouses for tests.

A process can hold one embedded directory, and opening it takes a second: all tests share one engine, and each has a
database of its own in it.
"""

import atexit
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

from warehouse.client import Warehouse
from warehouse.migrate import migrate
from warehouse.settings import WarehouseSettings

_NUMBERS = itertools.count(1)


@cache
def directory() -> Path:
    """The embedded directory of this process, held open until it ends."""
    path = Path(tempfile.mkdtemp(prefix="footfall-test-"))
    anchor = Warehouse(WarehouseSettings(f"chdb://{path}", memory_bytes=2 << 30))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    atexit.register(anchor.close)
    return path


def embedded_settings(**options: Any) -> WarehouseSettings:
    """Settings of a new, empty database in this process's engine."""
    options.setdefault("memory_bytes", 2 << 30)
    return WarehouseSettings(f"chdb://{directory()}?database=t{next(_NUMBERS)}", **options)


def fresh_warehouse(**options: Any) -> Warehouse:
    """A migrated warehouse without rows. The caller closes it."""
    warehouse = Warehouse(embedded_settings(**options))
    migrate(warehouse)
    return warehouse


class Server:
    """A ClickHouse front in a process of its own."""

    def __init__(self, path: Path) -> None:
        call = [sys.executable, str(Path(__file__).with_name("clickhouse_front.py")), str(path)]
        self.process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())

    def settings(self, **options: Any) -> WarehouseSettings:
        """Settings of a new, empty database on it."""
        name = f"t{next(_NUMBERS)}"
        maker = Warehouse(WarehouseSettings(f"http://127.0.0.1:{self.port}"))
        maker.command(f"CREATE DATABASE {name}")
        maker.close()
        return WarehouseSettings(f"http://127.0.0.1:{self.port}/{name}", **options)

    def trouble(self, **what: Any) -> None:
        """Make the next statements go wrong; see the front."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/front", json.dumps(what).encode(), method="POST"
        )
        urllib.request.urlopen(request, timeout=5).close()

    def stop(self) -> None:
        """End it."""
        self.process.communicate(timeout=20)
