"""What the warehouse needs to be told, filled in by the front door and passed to `Warehouse`."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """Where the warehouse is and how much it may take. 0 means: choose from the machine."""

    dsn: str = field(repr=False)
    """`chdb:///directory` for the embedded engine, `http(s)://user:password@host:port/database` for a server."""
    cluster: str = ""
    """Name of the ClickHouse cluster (letters, digits, _); empty for one machine."""
    memory_bytes: int = 0
    """Memory of the embedded engine; 0: half of what the machine or its cgroup has."""
    query_memory_bytes: int = 0
    """Memory of one statement; 0: half of the above."""
    console_seconds: int = 30
    """Longest run of one console query."""
    seal_seconds: int = 900
    """Longest run of one query of the seal."""
    insert_seconds: int = 120
    """Longest run of one insert or of a count by the loader."""
    wait_seconds: float = 10.0
    """How long a statement waits for its turn in its slot before it is told to come later."""
    threads: int = 0
    """Cores that one statement may use; 0: all."""
