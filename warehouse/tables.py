"""Columns of the tables as the catalogue declares them, and the check that the tables have no others."""

from typing import Final

from event_catalogue.fields import FIELDS
from warehouse.client import Warehouse
from warehouse.errors import Broken
from warehouse.seals import ROLLUP_COLUMNS, ROLLUPS
from warehouse.visits import VISIT_COLUMNS, VISITS

EVENTS: Final = "events"
EVENT_COLUMNS: Final[dict[str, str]] = {field.name: field.column for field in FIELDS}
"""Name → ClickHouse type, in the order of a row."""


def check_columns(warehouse: Warehouse) -> None:
    """Compare the tables with the catalogue. Raises Broken, naming every difference, before a row is written."""
    for table, columns in ((EVENTS, EVENT_COLUMNS), (VISITS, VISIT_COLUMNS), (ROLLUPS, ROLLUP_COLUMNS)):
        differences = _differences(warehouse, table, columns)
        if differences:
            raise Broken(
                f"The table {table} differs from the catalogue: {'; '.join(differences)}. "
                "Run the release that made it, or restore a backup; nothing was written."
            )


def _differences(warehouse: Warehouse, table: str, columns: dict[str, str]) -> list[str]:
    rows = warehouse.query("warehouse.columns", {"table": table}, "control")
    found = {str(name): str(kind) for name, kind in rows}
    differences = [f"{name} is missing" for name in columns if name not in found]
    differences += [f"{name} is not in the catalogue" for name in found if name not in columns]
    differences += [
        f"{name} is {found[name]} instead of {kind}"
        for name, kind in columns.items()
        if name in found and found[name] != kind
    ]
    if not differences and list(found) != list(columns):
        differences = ["the columns stand in another order"]
    return differences
