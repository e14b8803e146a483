"""Brings an installation back from a backup, and keeps everybody out until purges and erasures are done again."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from control_store.copying import close_raw, settle_in
from control_store.purges import gone_rows
from control_store.sites import delete_site, list_sites
from control_store.tables import ControlStore
from control_store.targets import add_target
from footfall.assembly import RESTORING, SetUpError, clock, make_directories
from footfall.balance import PLACES, Held, by_day
from footfall.books import open_ledger
from footfall.core import open_control, open_warehouse
from footfall.environment import Environment
from retention.backup import CONTROL, TABLES, Backups, BadBackup, Manifest, digest_of
from retention.ledger import Head, Ledger
from retention.purge import Stores
from retention.restore import Restorer, deleted_since, last_purge
from retention.tombstones import Tombstones
from spool.accounts import JOURNAL, read_journal
from spool.journal import Journal
from warehouse.client import COPIES, Warehouse

_OURS: Final = ("control.db", "control.db-wal", "control.db-shm", "warehouse", "ledger", "spool")
"""What a restore makes, and removes when it begins anew."""
_MUST_BE_ABSENT: Final = ("control.db", "warehouse", "ledger/ledger.jsonl", f"spool/{JOURNAL}")


def restore(
    environment: Environment, root: Path, name: str, head: Head | None, crash: Callable[[str], None]
) -> dict[str, Any]:
    """Restore a backup (the newest without a name); what came back, and what did not. Only while no core runs.

    Raises BadBackup, SetUpError, TryLater, Broken, LedgerBroken, SpoolError.
    """
    backups = Backups(root)
    manifest = _chosen(backups, name)
    if faults := backups.target.check(head):
        raise BadBackup(
            f"{root} can't be restored from: {faults[0]} Without them nobody knows what was purged and erased since."
        )
    if digest_of(root / manifest.name / CONTROL) != manifest.control:
        raise BadBackup(f"The control store in the backup {manifest.name} is not as it was written.")
    _begin(environment)
    crash("restore.marked")
    data = environment.data
    _copy(root / manifest.name / CONTROL, data / "control.db")
    store = open_control(environment)
    crash("restore.control")
    try:
        told = _fill(environment, store, backups, manifest, crash)
    finally:
        store.close()
    (data / RESTORING).unlink()
    crash("restore.opened")
    return told


def _fill(
    environment: Environment,
    store: ControlStore,
    backups: Backups,
    manifest: Manifest,
    crash: Callable[[str], None],
) -> dict[str, Any]:
    now, target = clock(), backups.target
    (environment.data / "ledger").mkdir(mode=0o700, exist_ok=True)
    _copy(target.ledger, environment.data / "ledger" / "ledger.jsonl")
    entries = list(Ledger(target.ledger, lambda: Head(0, ""), lambda _: None).entries())
    settle_in(store, last_purge=last_purge(entries), head=(entries[-1].number, entries[-1].hash))
    _begin_journal(environment, manifest)
    ledger = open_ledger(environment, store)
    add_target(store, str(backups.root), now=now)
    if not manifest.on_disk:
        _copy_tables(environment, backups.root / manifest.name / TABLES)
    warehouse = open_warehouse(environment)
    try:
        stores = Stores(warehouse, store, ledger, environment.spool)
        restorer = Restorer(stores, target, manifest, now=now)
        holds = restorer.holds()
        for site in list_sites(store):
            if site.id in deleted_since(entries):
                delete_site(store, site, now=now)
        crash("restore.books")
        restorer.aggregates()
        crash("restore.aggregates")
        purged, erased = restorer.raw()
        crash("restore.raw")
        told: dict[str, Any] = {
            "backup": manifest.name,
            "holds": holds,
            "purged again": restorer.note(purged, "purged"),
            "erased again": restorer.note(erased, "erased"),
        }
        rows = restorer.rows()
        told["lost"] = restorer.note_losses(_missing(environment, store, rows))
        told["sealed days without raw rows"] = close_raw(store, rows.keys(), now=now)
        told["raw rows"] = sum(found for found, _ in rows.values())
        crash("restore.noted")
        _sweep(environment, warehouse)
        restorer.check()
        crash("restore.checked")
        ledger.append("restore.completed", told, now=now)
        Tombstones(store, ledger).mirror()
    finally:
        warehouse.close()
    return told


def _chosen(backups: Backups, name: str) -> Manifest:
    found = [one for one in backups.list() if name in ("", one.name)]
    if not found:
        raise BadBackup(
            f"There is no backup {name or ''} in {backups.root}; `footfall backup list` shows those there are."
        )
    return found[-1]


def _begin(environment: Environment) -> None:
    """Mark the directory, or begin anew where a restore was cut short."""
    data = environment.data
    mark = data / RESTORING
    if not mark.exists():
        for name in _MUST_BE_ABSENT:
            if (data / name).exists():
                raise SetUpError(
                    f"{data} holds an installation; restore into an empty directory, chosen with --data, and move it."
                )
        make_directories(environment)
        mark.write_text("A backup is being restored; run `footfall backup restore` again if it was cut short.\n")
        _fsync(data)
    for name in _OURS:
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _begin_journal(environment: Environment, manifest: Manifest) -> None:
    environment.spool.mkdir(mode=0o700, exist_ok=True)
    journal = Journal(environment.spool, clock)
    journal.go_on_from(manifest.totals, manifest.ends, manifest.numbers)
    journal.close()


def _missing(
    environment: Environment, store: ControlStore, rows: dict[tuple[int, int], tuple[int, int]]
) -> dict[tuple[int, int], int]:
    """Stored events that are nowhere, by site and day."""
    days = by_day(read_journal(environment.spool), Held(rows, gone_rows(store)))
    missing = {key: counts["stored"] - sum(counts[place] for place in PLACES) for key, counts in days.items()}
    return {key: count for key, count in missing.items() if count > 0}


def _copy_tables(environment: Environment, tables: Path) -> None:
    place = environment.data / "warehouse" / COPIES
    place.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.copytree(tables, place)


def _sweep(environment: Environment, warehouse: Warehouse) -> None:
    if warehouse.directory:
        shutil.rmtree(environment.data / "warehouse" / COPIES, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    _fsync(target)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
