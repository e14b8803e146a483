"""Numbered .sql files, each applied once, in order, under a lock, with its checksum recorded.

ClickHouse has no transaction around DDL. So every statement can be repeated without harm (IF NOT EXISTS, IF EXISTS)
and the record is written last: killed between the two, the next start repeats the file. A file that was changed after
it was applied is refused, and so is a table made by a newer release.

The lock: an embedded directory is held by one process from the moment it is opened. On a server it is a table whose
creation fails when it is there; a process that died while holding it is named with the statement that frees it.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Final, NamedTuple

from warehouse.client import Warehouse
from warehouse.errors import Broken, TryLater, WarehouseError

_FILE: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_COMMENT: Final = re.compile(r"--[^\n]*")
_TABLE_EXISTS: Final = 57
_LOCK_TABLE: Final = "schema_migrations_lock"


class Migration(NamedTuple):
    """One file: its number, its name and its text as it was released."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """What is recorded, so that a later change is noticed."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements, without comments; macros not yet replaced."""
        bare = _COMMENT.sub("", self.text)
        return [statement.strip() for statement in bare.split(";") if statement.strip()]


def released() -> list[Migration]:
    """The migrations of this release, in order. Raises Broken on a gap or a wrong name."""
    found: list[Migration] = []
    for file in sorted((resources.files("warehouse") / "migrations").iterdir(), key=lambda file: file.name):
        match = _FILE.fullmatch(file.name)
        if not match or int(match[1]) != len(found) + 1:
            raise Broken(f"The migration {file.name} is out of line: this release is damaged, install it again.")
        found.append(Migration(int(match[1]), file.name, file.read_text(encoding="utf-8")))
    return found


def migrate(warehouse: Warehouse) -> list[str]:
    """Apply what is missing and name it. Raises Broken on a changed or unknown migration, TryLater when locked."""
    warehouse.command(
        warehouse.dialect.render(
            "CREATE TABLE IF NOT EXISTS schema_migrations @on_cluster "
            "(number UInt32, name String, checksum String, applied DateTime DEFAULT now()) "
            "ENGINE = @everywhere ORDER BY number"
        )
    )
    with _lock(warehouse):
        applied = _applied(warehouse)
        _compare(released(), applied)
        missing = [migration for migration in released() if migration.number not in applied]
        for migration in missing:
            _apply(warehouse, migration)
    return [migration.name for migration in missing]


def _applied(warehouse: Warehouse) -> dict[int, tuple[str, str]]:
    rows = warehouse.query("warehouse.migrations", {}, "control")
    return {int(number): (str(name), str(checksum)) for number, name, checksum in rows}


def _compare(known: list[Migration], applied: dict[int, tuple[str, str]]) -> None:
    by_number = {migration.number: migration for migration in known}
    for number, (name, checksum) in applied.items():
        migration = by_number.get(number)
        if migration is None:
            raise Broken(f"The warehouse was made by a newer release ({name}): install that release, or restore.")
        if migration.checksum != checksum:
            raise Broken(f"The migration {name} was changed after it was applied: install the original release.")


def _apply(warehouse: Warehouse, migration: Migration) -> None:
    """1. the statements, each repeatable; 2. the record. A kill before 2 repeats 1 at the next start."""
    for statement in migration.statements:
        rendered = warehouse.dialect.render(statement).strip()
        if rendered:
            warehouse.command(rendered)
    warehouse.command(
        "INSERT INTO schema_migrations (number, name, checksum) "
        "SELECT {number:UInt32}, {name:String}, {checksum:String}",
        {"number": migration.number, "name": migration.name, "checksum": migration.checksum},
    )


@contextmanager
def _lock(warehouse: Warehouse) -> Iterator[None]:
    if warehouse.directory is not None:
        yield  # the directory itself is held by this process
        return
    try:
        warehouse.command(f"CREATE TABLE {_LOCK_TABLE} {warehouse.dialect.on_cluster} (held UInt8) ENGINE = Memory")
    except WarehouseError as error:
        if error.code == _TABLE_EXISTS:
            raise TryLater(_held(warehouse), code=_TABLE_EXISTS) from None
        raise
    try:
        yield
    finally:
        warehouse.command(f"DROP TABLE IF EXISTS {_LOCK_TABLE} {warehouse.dialect.on_cluster} SYNC")


def _held(warehouse: Warehouse) -> str:
    rows = warehouse.query("warehouse.has_table", {"table": _LOCK_TABLE}, "control")
    seconds = int(rows[0][0]) if rows else 0
    return (
        f"Another process is migrating the warehouse, for {seconds} s. If it died, run "
        f"`DROP TABLE {_LOCK_TABLE}` on the server and start again."
    )
