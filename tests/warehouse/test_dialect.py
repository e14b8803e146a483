"""One text for one machine and for a cluster."""

import pytest

from tests.warehouse.engine import fresh_warehouse
from warehouse.dialect import Dialect
from warehouse.errors import Broken
from warehouse.migrate import released

CASES = [
    ("@engine", "MergeTree", "ReplicatedMergeTree('/clickhouse/tables/{shard}/{uuid}', '{replica}')"),
    (
        "@engine(Aggregating)",
        "AggregatingMergeTree",
        "ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{uuid}', '{replica}')",
    ),
    (
        "@engine(Replacing, tick)",
        "ReplacingMergeTree(tick)",
        "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{uuid}', '{replica}', tick)",
    ),
    ("@everywhere", "MergeTree", "ReplicatedMergeTree('/clickhouse/tables/{uuid}', '{shard}-{replica}')"),
    ("DROP TABLE @local(events) @on_cluster", "DROP TABLE events ", "DROP TABLE events_local ON CLUSTER two"),
    ("@system(parts)", "system.parts", "clusterAllReplicas('two', system.parts)"),
    ("@dedup(10)", "non_replicated_deduplication_window = 10", "replicated_deduplication_window = 10"),
    (
        "@distributed(events, batch)",
        "",
        (
            "CREATE TABLE IF NOT EXISTS events ON CLUSTER two AS events_local "
            "ENGINE = Distributed('two', currentDatabase(), 'events_local', intHash64(batch))"
        ),
    ),
    ("no macro: {a:String}", "no macro: {a:String}", "no macro: {a:String}"),
]


@pytest.mark.req("O2")
@pytest.mark.parametrize(("text", "single", "cluster"), CASES)
def test_macros(text: str, single: str, cluster: str) -> None:
    """A macro becomes plain SQL on one machine and its replicated form on a cluster."""
    assert (Dialect().render(text), Dialect("two").render(text)) == (single, cluster)


def test_an_unknown_macro_is_refused() -> None:
    """A misspelt macro does not reach the server."""
    with pytest.raises(Broken, match="@enginee"):
        Dialect().render("CREATE TABLE t (a UInt8) ENGINE = @enginee")


@pytest.mark.parametrize("name", ["a b", "x')", "é", "1a"])
def test_a_clusters_name_is_a_name(name: str) -> None:
    """The name is put into statements, so nothing but a name is taken."""
    with pytest.raises(Broken):
        Dialect(name)


@pytest.mark.req("O2")
@pytest.mark.parametrize("cluster", ["", "two"])
def test_every_migration_is_sql_in_both_dialects(cluster: str) -> None:
    """ClickHouse's own parser takes every statement of every migration, for one machine and for a cluster."""
    warehouse = fresh_warehouse()
    for migration in released():
        for statement in migration.statements:
            text = Dialect(cluster).render(statement).strip()
            if text:
                warehouse.select("SELECT formatQuery({text:String})", {"text": text}, "control")
    warehouse.close()
