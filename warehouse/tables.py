"""The columns of `events` as the catalogue declares them, and the check that the table has exactly these."""

from typing import Final

from event_catalogue.fields import FIELDS
from warehouse.client import Warehouse
from warehouse.errors import Broken

EVENTS: Final = "events"
EVENT_COLUMNS: Final[dict[str, str]] = {field.name: field.column for field in FIELDS}
"""Name → ClickHouse type, in the order of a row."""


def check_columns(warehouse: Warehouse) -> None:
    """Compare the table with the catalogue. Raises Broken, naming every difference, before a row is written."""
    rows = warehouse.query("warehouse.columns", {"table": EVENTS}, "control")
    found = {str(name): str(kind) for name, kind in rows}
    differences = [f"{name} is missing" for name in EVENT_COLUMNS if name not in found]
    differences += [f"{name} is not in the catalogue" for name in found if name not in EVENT_COLUMNS]
    differences += [
        f"{name} is {found[name]} instead of {kind}"
        for name, kind in EVENT_COLUMNS.items()
        if name in found and found[name] != kind
    ]
    if not differences and list(found) != list(EVENT_COLUMNS):
        differences = ["the columns stand in another order"]
    if differences:
        raise Broken(
            f"The table {EVENTS} differs from the catalogue: {'; '.join(differences)}. "
            "Run the release that made it, or restore a backup; nothing was written."
        )
