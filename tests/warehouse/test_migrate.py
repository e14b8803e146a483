"""Migrations: from nothing to the catalogue, once, never silently different."""

import re

import pytest

from event_catalogue.fields import FIELDS, KEEP_CLASSES
from tests.warehouse.conftest import SettingsMaker
from warehouse.client import Warehouse
from warehouse.errors import Broken, TryLater
from warehouse.migrate import migrate, released
from warehouse.tables import check_columns


@pytest.mark.req("O6")
def test_from_nothing_to_the_catalogue(make_settings: SettingsMaker) -> None:
    """An empty database gets exactly the catalogue's columns, in its order; a second run does nothing."""
    warehouse = Warehouse(make_settings())
    names = [migration.name for migration in released()]
    assert migrate(warehouse) == names
    described = warehouse.select("DESCRIBE TABLE events", {}, "control")
    assert [(row[0], row[1]) for row in described] == [(field.name, field.column) for field in FIELDS]
    check_columns(warehouse)
    assert migrate(warehouse) == []
    recorded = warehouse.select("SELECT name FROM schema_migrations ORDER BY number", {}, "control")
    assert [row[0] for row in recorded] == names
    warehouse.close()


@pytest.mark.req("O6", "O3")
def test_a_kill_before_the_record_repeats_the_file(warehouse: Warehouse) -> None:
    """Without its record a migration runs again, without harm to what it made before."""
    warehouse.command(
        "INSERT INTO events (site, day, keep, batch, stored_on) VALUES (1, '2025-01-01', 35, 1, '2100-01-01')"
    )
    warehouse.command("TRUNCATE TABLE schema_migrations")
    assert migrate(warehouse) == [migration.name for migration in released()]
    assert warehouse.select("SELECT count() FROM events", {}, "control") == [(1,)]


def test_every_statement_can_be_repeated() -> None:
    """DDL has no transactions here: each statement says IF EXISTS or IF NOT EXISTS, or is a macro that does."""
    for migration in released():
        for statement in migration.statements:
            assert statement.startswith("@distributed(") or re.search(r"\bIF (NOT )?EXISTS\b", statement), statement


@pytest.mark.req("O6")
def test_a_changed_migration_is_refused(warehouse: Warehouse) -> None:
    """A file that no longer is what was applied stops the start, by name."""
    warehouse.command("TRUNCATE TABLE schema_migrations")
    warehouse.command("INSERT INTO schema_migrations (number, name, checksum) VALUES (1, '0001_events.sql', 'other')")
    with pytest.raises(Broken, match=r"0001_events\.sql was changed"):
        migrate(warehouse)


@pytest.mark.req("O6")
def test_a_newer_warehouse_is_refused(warehouse: Warehouse) -> None:
    """An older release does not touch what a newer one made."""
    warehouse.command("INSERT INTO schema_migrations (number, name, checksum) VALUES (9999, '9999_later.sql', 'x')")
    with pytest.raises(Broken, match=r"newer release \(9999_later\.sql\)"):
        migrate(warehouse)


@pytest.mark.req("O6")
def test_two_processes_do_not_migrate_a_server_at_once(make_settings: SettingsMaker) -> None:
    """While another process holds a server's lock table, migrating is put off, and it is said how to end that."""
    warehouse = Warehouse(make_settings())
    warehouse.command("CREATE TABLE schema_migrations_lock (held UInt8) ENGINE = Memory")
    if warehouse.directory is not None:
        assert migrate(warehouse)  # an embedded directory belongs to one process as it is
    else:
        with pytest.raises(TryLater, match="DROP TABLE schema_migrations_lock"):
            migrate(warehouse)
        warehouse.command("DROP TABLE schema_migrations_lock")
        assert migrate(warehouse)
        gone = warehouse.select("EXISTS TABLE schema_migrations_lock", {}, "control")
        assert gone == [(0,)]
    warehouse.close()


@pytest.mark.req("O3", "R1", "R2")
def test_the_table_keeps_what_the_design_promises(warehouse: Warehouse) -> None:
    """Partitions by day and class, the legal maximum as TTL from the day of storing, durable inserts, quick removal."""
    text = warehouse.select(
        "SELECT create_table_query FROM system.tables WHERE name = 'events' AND database = currentDatabase()",
        {},
        "control",
    )[0][0]
    for promise in (
        "PARTITION BY (day, keep)",
        "TTL stored_on + toIntervalDay(395)",
        "fsync_after_insert = 1",
        "fsync_part_directory = 1",
        "old_parts_lifetime = 1",
        "non_replicated_deduplication_window = 10000",
        f"keep IN ({', '.join(map(str, KEEP_CLASSES))})",
        "INDEX batch_range batch TYPE minmax",
    ):
        assert promise in text, promise
    assert re.search(r"ORDER BY \(site, day, visitor, at\b", text)


DIFFERENCES = {
    "ALTER TABLE events DROP COLUMN title": "title is missing",
    "ALTER TABLE events ADD COLUMN address String": "address is not in the catalogue",
    "ALTER TABLE events MODIFY COLUMN title LowCardinality(String)": r"title is LowCardinality\(String\) instead",
    "ALTER TABLE events MODIFY COLUMN title String AFTER ad_quality": "another order",
}


@pytest.mark.req("O6", "C1")
@pytest.mark.parametrize(("change", "sentence"), DIFFERENCES.items())
def test_a_table_that_differs_is_refused_by_name(warehouse: Warehouse, change: str, sentence: str) -> None:
    """A column too many, too few, of another type or in another place: nothing is written, the difference is named."""
    warehouse.command(change)
    with pytest.raises(Broken, match=sentence):
        check_columns(warehouse)
