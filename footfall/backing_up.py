"""Makes and destroys backups with the stores of this installation: the core's job, and `footfall backup`."""

from pathlib import Path
from typing import Any

from control_store.copying import NoCopy
from control_store.tables import ControlStore
from control_store.targets import list_targets
from event_catalogue.days import DAY_MS
from footfall.assembly import clock
from footfall.books import open_ledger
from footfall.environment import Environment
from retention.backup import Backups, BadBackup, Manifest, Periods
from retention.purge import Stores
from retention.tombstones import TargetLost
from warehouse.client import Warehouse

_LONGEST_RAW_DAYS = 14
FAULTS = (BadBackup, NoCopy, TargetLost)
"""What can be wrong with backups, each one sentence."""


def make_backup(environment: Environment, store: ControlStore, warehouse: Warehouse, *, raw: bool) -> dict[str, Any]:
    """Make a backup in the configured place; what it holds. Only while nothing is sealed, purged or erased."""
    if not environment.backup_dir:
        raise BadBackup("Nobody has said where backups go: set backup_dir, best to another machine's disk.")
    periods = Periods(environment.backup_days, min(_LONGEST_RAW_DAYS, environment.backup_raw_days))
    stores = Stores(warehouse, store, open_ledger(environment, store), environment.spool)
    backups = Backups(Path(environment.backup_dir))
    return described(backups.make(stores, periods, disk=environment.backup_disk, raw=raw, now=clock()))


def prune_backups(environment: Environment, store: ControlStore) -> list[str]:
    """Destroy backups whose period is over, in every place; their names."""
    ledger = open_ledger(environment, store)
    return [name for path in list_targets(store) for name in Backups(Path(path)).prune(store, ledger, now=clock())]


def keep_backups(environment: Environment, store: ControlStore, warehouse: Warehouse) -> str:
    """What the job does: destroy what is over, and make one a day where a place is set."""
    words = [f"{name} destroyed" for name in prune_backups(environment, store)]
    if environment.backup_dir:
        kept = [one for one in Backups(Path(environment.backup_dir)).list() if not one.has_raw]
        if not kept or kept[-1].made + DAY_MS <= clock():
            words.append(f"{make_backup(environment, store, warehouse, raw=False)['backup']} made")
    return ", ".join(words)


def described(one: Manifest) -> dict[str, Any]:
    """A backup in words."""
    return {
        "backup": one.name,
        "made": one.made,
        "until": one.until,
        "raw": one.has_raw,
        "rows": dict(one.rows),
    }
