"""Copies of tables for backups (BACKUP, RESTORE): taken whole, brought back through a table of their own.

The embedded engine writes a copy into a directory of its own, from where it is moved; a server writes to a disk that
its configuration names. What is restored goes by INSERT from the copied table into the real one: so an older copy fits
newer columns, and what must not come back is left out before anything can ask for it.
"""

# ruff: noqa: S608  the text is made of names of tables and columns

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from warehouse.client import COPIES, Warehouse
from warehouse.errors import Broken

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Copies:
    """Writes and reads copies of tables. Raises TryLater, Broken."""

    def __init__(self, warehouse: Warehouse, disk: str = "") -> None:
        """`disk`: the name of a server's disk for backups."""
        if warehouse.directory is None and not _NAME.fullmatch(disk):
            raise Broken("A ClickHouse server writes backups to a disk of its own: name it by the setting backup_disk.")
        if warehouse.dialect.cluster:
            raise Broken(
                "The warehouse is a cluster, of which one machine's copy would be a part: back it up by ClickHouse's "
                "own BACKUP ON CLUSTER and leave backup_dir empty. After bringing such a copy back run `footfall "
                "ledger verify`, which names purged rows that came back; erasures since have to be asked for again."
            )
        self._warehouse = warehouse
        self._disk = disk
        self.database = str(warehouse.select("SELECT currentDatabase()", {}, "control")[0][0])

    @property
    def root(self) -> Path | None:
        """Where copies of the embedded engine lie; None with a server, whose copies stay on its disk."""
        directory = self._warehouse.directory
        return directory / COPIES if directory else None

    def sweep(self) -> None:
        """Remove copies that a kill has left here."""
        sweep_copies(self._warehouse)

    def save(self, table: str, name: str) -> None:
        """Write a copy of a table."""
        if self.root:
            self.root.mkdir(mode=0o700, exist_ok=True)
        local = self._warehouse.dialect.local(table)
        self._warehouse.command(f"BACKUP TABLE {local} TO {self._place(name)}", slot="seal")

    def open(self, table: str, name: str, database: str) -> str:
        """Bring a copy back as a table of its own, and say its name."""
        opened, local = f"{table}_restored", self._warehouse.dialect.local(table)
        self.close(table)
        source = f"`{_checked(database)}`.{local}"
        target = f"`{_checked(self.database)}`.{opened}"
        self._warehouse.command(f"RESTORE TABLE {source} AS {target} FROM {self._place(name)}", slot="seal")
        return opened

    def fill(self, table: str, where: str = "1", changed: Mapping[str, str] | None = None) -> None:
        """Put the rows of an opened copy into the table; `changed`: other values of some columns."""
        opened = f"{table}_restored"
        here, there = (
            {str(name) for (name, _) in self._warehouse.query("warehouse.columns", {"table": one}, "control")}
            for one in (table, opened)
        )
        names = sorted(here & there)
        values = ", ".join((changed or {}).get(name, f"`{name}`") for name in names)
        self._warehouse.command(
            f"INSERT INTO {table} ({', '.join(f'`{name}`' for name in names)}) SELECT {values} FROM {opened} "
            f"WHERE {where} SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0",
            slot="seal",
        )

    def close(self, table: str) -> None:
        """Remove an opened copy; its files go at once."""
        self._warehouse.command(f"DROP TABLE IF EXISTS {table}_restored SYNC", slot="seal")

    def empty(self, table: str) -> None:
        """Empty a table: what an earlier try has put into it."""
        dialect = self._warehouse.dialect
        self._warehouse.command(f"TRUNCATE TABLE {dialect.local(table)} {dialect.on_cluster} SYNC", slot="seal")

    def _place(self, name: str) -> str:
        if self.root:
            return f"File('{self.root / _checked(name)}')"
        return f"Disk('{self._disk}', '{_checked(name)}')"


def sweep_copies(warehouse: Warehouse) -> None:
    """Remove copies that a kill has left in the embedded engine's directory. Only while no backup is made."""
    if warehouse.directory:
        shutil.rmtree(warehouse.directory / COPIES, ignore_errors=True)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Broken("The name of a backup has letters, digits, _ and - only.")
    return name
