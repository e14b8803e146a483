"""What the loader asks of the warehouse: three methods, so that any table that keeps its word will do."""

from collections.abc import Sequence
from typing import Protocol

from event_catalogue.event import Row


class EventTable(Protocol):
    """Stores batches, each in one partition and one block, as a whole or not at all."""

    def insert(self, rows: Sequence[Row], *, batch: int, token: str) -> None:
        """Store the rows durably under `batch`. Raises TryLater (nothing is known), Rejected (the rows), Broken."""

    def count(self, *, day: int, keep: int, batch: int) -> int:
        """Rows of `batch` in the partition, once no statement of it is still running. Raises TryLater, Broken."""
        ...
