"""Every row of every table of a stopped installation's warehouse, as one msgpack file.

A process of its own, because an embedded engine serves one directory in its life: `python -m tests.whole.dump DATA FILE`.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from warehouse.client import Warehouse
from warehouse.settings import WarehouseSettings

_TABLES = (
    "SELECT database, name FROM system.tables "
    "WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') "
    "OR (database = 'system' AND engine LIKE '%MergeTree') ORDER BY database, name"
)


def main(data: str, out: str) -> None:
    """Write `{table: [row as {column: value}]}`."""
    warehouse = Warehouse(WarehouseSettings(f"chdb://{Path(data) / 'warehouse'}", memory_bytes=1 << 30))
    try:
        tables = {
            f"{database}.{name}": _rows(warehouse, database, name)
            for database, name in warehouse.select(_TABLES, {}, "seal")
        }
    finally:
        warehouse.close()
    Path(out).write_bytes(msgspec.msgpack.encode(tables))


def _rows(warehouse: Warehouse, database: str, table: str) -> list[dict[str, Any]]:
    sql = "SELECT name FROM system.columns WHERE database = {d:String} AND table = {t:String} ORDER BY position"
    columns = [str(name) for (name,) in warehouse.select(sql, {"d": database, "t": table}, "seal")]
    named = ", ".join(f"`{column}`" for column in columns)
    rows = warehouse.select(f"SELECT {named} FROM `{database}`.`{table}`", {}, "seal")
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, int | float | str | bytes) else str(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
