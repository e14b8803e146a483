"""Checks what the ledger claims with the stores of this installation: `footfall ledger verify`."""

from typing import Any

from control_store.salts import SaltFile
from control_store.tables import ControlStore
from footfall.assembly import clock
from footfall.books import open_ledger
from footfall.environment import Environment
from retention.claims import Claims
from retention.purge import Stores
from warehouse.client import Warehouse


def check_claims(environment: Environment, store: ControlStore, warehouse: Warehouse) -> dict[str, Any]:
    """How many claims were compared, and what does not agree. Raises TryLater, Broken."""
    ledger = open_ledger(environment, store)
    salts = SaltFile(environment.salts, clock)
    try:
        there = salts.there()
    finally:
        salts.close()
    found = Claims(Stores(warehouse, store, ledger, environment.spool), there).check(list(ledger.entries()))
    return {**found.counts, "faults": list(found.faults)}
