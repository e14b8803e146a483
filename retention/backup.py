"""Backups: aggregates, control store and ledger; raw rows only when asked for, and then for days.

A backup is a directory that appears as a whole, with a manifest last. It holds no login, no link, no salt and no name
of anybody who asked to be erased. Its period is in its manifest; when it is over the backup is destroyed, and the
ledger says so. Beside the backups lies what a restore needs (retention/tombstones.py): without that none is opened.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from control_store.copying import copy_to
from control_store.tables import ControlStore
from control_store.targets import add_target, drop_target, list_targets
from event_catalogue.days import DAY_MS
from retention.erase import meant_by_requests
from retention.ledger import Ledger
from retention.purge import Stores
from retention.tombstones import Target, TargetLost, Tombstones
from spool.accounts import DayNumbers, SpoolEnd, Total, read_journal
from warehouse.copies import Copies
from warehouse.seals import ROLLUPS
from warehouse.tables import EVENTS

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
CONTROL: Final = "control.db"
TABLES: Final = "tables"
_NEW: Final = ".new"


class BadBackup(Exception):
    """A backup that can't be made or used. One sentence."""


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds."""

    name: str
    made: int
    """ms UTC."""
    until: int
    """When its period is over and it is destroyed, ms UTC."""
    format: int
    database: str
    """The warehouse's database, as its copies name it."""
    tables: tuple[str, ...]
    rows: Mapping[str, int]
    on_disk: str
    """The server's disk with the copies of tables; "": they lie in the backup."""
    control: str
    """SHA-256 of the copy of the control store."""
    totals: tuple[Total, ...]
    """What became of every event, as the loader had counted it."""
    ends: tuple[SpoolEnd, ...]
    numbers: tuple[DayNumbers, ...]
    """With which records of its spools the events of each day came."""

    @property
    def has_raw(self) -> bool:
        """Whether it holds rows of visitors."""
        return EVENTS in self.tables


class Periods(msgspec.Struct, frozen=True):
    """How long backups are kept, in days."""

    days: int
    raw_days: int


class Backups:
    """The backups in one directory."""

    def __init__(self, root: Path) -> None:
        self.target = Target(root)
        self.root = root

    def list(self) -> list[Manifest]:
        """Every whole backup, the oldest first."""
        found = [read_manifest(path.parent) for path in self.root.glob(f"*/{MANIFEST}") if path.parent.suffix != _NEW]
        return sorted(found, key=lambda one: (one.made, one.name))

    def make(self, stores: Stores, periods: Periods, *, disk: str, raw: bool, now: int) -> Manifest:
        """Make a backup. Only while nothing is sealed, purged or erased.

        Raises BadBackup, NoCopy, TargetLost, TryLater, Broken, LedgerBroken.
        """
        self.target.make()
        add_target(stores.store, str(self.root), now=now)
        tombstones = Tombstones(stores.store, stores.ledger)
        tombstones.tell(meant_by_requests(stores.store), now=now)  # no copy of the control store names them
        kind = "raw" if raw else "aggregates"
        name = f"{datetime.fromtimestamp(now / 1000, UTC):%Y%m%dT%H%M%SZ}-{kind}"
        tables = (ROLLUPS, EVENTS) if raw else (ROLLUPS,)
        draft = self.root / f"{name}{_NEW}"
        with _written(draft, self.root / name):
            copy_to(stores.store, draft / CONTROL)
            copies = Copies(stores.warehouse, disk)
            rows = _save(copies, stores, tables, draft, name)
            view = read_journal(stores.spools)
            manifest = Manifest(
                name=name,
                made=now,
                until=now + DAY_MS * (periods.raw_days if raw else periods.days),
                format=FORMAT,
                database=copies.database,
                tables=tables,
                rows=rows,
                on_disk="" if copies.root else disk,
                control=digest_of(draft / CONTROL),
                totals=tuple(view.totals),
                ends=view.ends,
                numbers=view.numbers,
            )
            (draft / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        stores.ledger.append("backup.made", {"backup": name, "target": self.target.id, "rows": dict(rows)}, now=now)
        tombstones.mirror()
        return manifest

    def prune(self, store: ControlStore, ledger: Ledger, *, now: int) -> Sequence[str]:
        """Destroy backups whose period is over, and what a kill has left of one; which.

        Raises TargetLost, LedgerBroken.
        """
        gone: list[str] = []
        if not self.root.is_dir():
            return gone
        for draft in self.root.glob(f"*{_NEW}"):
            if draft.is_dir():
                shutil.rmtree(draft)
        for one in self.list():
            if one.until <= now:
                shutil.rmtree(self.root / one.name)
                ledger.append("backup.destroyed", {"backup": one.name, "target": self.target.id}, now=now)
                gone.append(one.name)
        if gone:
            Tombstones(store, ledger).mirror()
        return gone


def give_up_target(store: ControlStore, ledger: Ledger, root: Path, *, now: int) -> None:
    """Take a place for lost, with all its backups: nobody waits any more for it to hear. Raises BadBackup."""
    if not drop_target(store, str(root)):
        known = ", ".join(list_targets(store)) or "none"
        raise BadBackup(f"No backup of this installation lies in {root}; known places: {known}.")
    ledger.append("backup.target_lost", {"target": Target(root).id if Target(root).is_there else ""}, now=now)


def read_manifest(directory: Path) -> Manifest:
    """What a backup holds. Raises BadBackup."""
    try:
        found = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        raise BadBackup(f"{directory} holds no backup that this release can read.") from None
    if found.format != FORMAT:
        raise BadBackup(f"The backup {found.name} has format {found.format}, this release knows {FORMAT}.")
    return found


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _save(copies: Copies, stores: Stores, tables: Sequence[str], draft: Path, name: str) -> dict[str, int]:
    rows = {}
    copies.sweep()
    try:
        for table in tables:
            found = stores.warehouse.select(f"SELECT count() FROM {table}", {}, "seal")  # noqa: S608  # a name of ours
            rows[table] = int(found[0][0])
            copies.save(table, f"{name}-{table}")
        if copies.root:
            shutil.copytree(copies.root, draft / TABLES)
    finally:
        copies.sweep()
    return rows


@contextmanager
def _written(draft: Path, whole: Path) -> Iterator[None]:
    """A directory that is there whole, on the disk, or not at all."""
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        yield
        for path in (*draft.rglob("*"), draft):
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        draft.rename(whole)
    except OSError as error:
        raise TargetLost(f"The directory for backups {draft.parent} can't be written ({error.strerror}).") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
