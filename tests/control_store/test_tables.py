"""The control store opens and migrates whole: killed anywhere, or met by several processes at once."""

import multiprocessing
import os
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from control_store.sites import NewSite, add_site, list_sites, publish_snapshot
from control_store.snapshot import read_snapshot
from control_store.tables import METADATA, ControlStore

NOW: Final = 1_764_000_000_000
SPAWN: Final = multiprocessing.get_context("spawn")


def opened(data: Path) -> ControlStore:
    """A store, migrated."""
    store = ControlStore.in_directory(data)
    store.migrate()
    return store


def migrate_until(data: Path, statements: int) -> None:
    """Migrate, and die at once after so many statements, as kill -9 would have it."""
    store = ControlStore.in_directory(data)
    passed = 0

    @sa.event.listens_for(store.engine, "after_cursor_execute")
    def die(*_arguments: object) -> None:
        nonlocal passed
        passed += 1
        if passed == statements:
            os._exit(9)

    store.migrate()


def add_from_another_process(data: Path, name: str) -> None:
    """What `footfall site add` does."""
    store = opened(data)
    add_site(store, NewSite(name), now=NOW)
    publish_snapshot(store, data / "snapshot")
    store.close()


def test_migrations_make_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    """Every declared column exists with its type and nullability, and nothing else does but Alembic's own table."""
    store = opened(tmp_path)
    made = sa.MetaData()
    made.reflect(store.engine)
    found = {
        name: {(column.name, str(column.type), column.nullable) for column in table.columns}
        for name, table in made.tables.items()
        if name != "alembic_version"
    }
    assert found == {
        name: {(column.name, str(column.type), column.nullable) for column in table.columns}
        for name, table in METADATA.tables.items()
    }
    store.close()


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    """A store that is up to date stays byte for byte what it was."""
    store = opened(tmp_path)
    add_site(store, NewSite("shop.example"), now=NOW)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (tmp_path / "control.db").read_bytes()
    store.migrate()
    store.close()
    assert (tmp_path / "control.db").read_bytes() == before


@pytest.mark.req("O3", "O6")
@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
def test_a_migration_that_was_killed_is_made_up_for(tmp_path: Path, step: int) -> None:
    """After a kill behind any statement the next start finds nothing, or everything; never half of the tables."""
    for statements in range(1, 400, step):
        data = tmp_path / str(statements)
        data.mkdir()
        child = os.fork()
        if child == 0:
            migrate_until(data, statements)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        store = opened(data)
        assert list_sites(store) == []
        store.close()
        if code == 0:
            break
    assert 10 < statements < 300


@pytest.mark.req("O3")
def test_processes_that_meet_on_a_fresh_store_all_succeed(tmp_path: Path) -> None:
    """Four commands that start at once on an empty directory each do what they were asked."""
    names = [f"shop{number}.example" for number in range(4)]
    children = [SPAWN.Process(target=add_from_another_process, args=(tmp_path, name)) for name in names]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4
    store = opened(tmp_path)
    assert sorted(site.domain for site in list_sites(store)) == names
    assert read_snapshot(tmp_path / "snapshot").sites
    store.close()


def test_what_was_acknowledged_survives_a_power_cut_and_what_was_deleted_is_gone(tmp_path: Path) -> None:
    """Commits are fsynced, keys fall with their site, and deleted bytes are overwritten: the connection says so."""
    store = opened(tmp_path)
    with store.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    store.close()
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 10_000,
    }


@pytest.mark.req("C1")
def test_no_column_can_hold_an_address_an_agent_or_a_salt() -> None:
    """The store knows sites and counts, not visitors."""
    columns = {column.name for table in METADATA.tables.values() for column in table.columns}
    assert not columns & {"ip", "address", "user_agent", "agent", "salt", "visitor", "device_id"}
