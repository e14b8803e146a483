"""The table `events`, as the loader uses it: one batch in, one batch counted.

A batch is one partition and one block, so an insert is there as a whole or not at all. After any doubt the loader
counts (partition, batch); the deduplication token is a second belt and never asked about.
"""

import re
import time
from collections.abc import Sequence
from itertools import chain
from typing import Final

from event_catalogue.event import Row
from event_catalogue.fields import FIELDS, RECORD
from warehouse.client import Warehouse
from warehouse.errors import Broken, Rejected, TryLater
from warehouse.tables import EVENT_COLUMNS, EVENTS

MAX_BLOCK: Final = 100_000
"""Rows of one batch. Far below the engine's own block limits, so it never splits one."""

_INSERT_SETTINGS: Final = (
    # fsync is a setting of the table, so it holds for whatever writes (migrations/0001_events.sql).
    "async_insert = 0, "
    # One block in, one part out: nothing may cut it, and a Native stream is not read in parallel.
    "max_insert_block_size = 1000000, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0, "
    "max_insert_threads = 1, input_format_parallel_parsing = 0, max_partitions_per_insert_block = 1, "
    "insert_deduplicate = 1, insert_deduplication_token = '{token}'"
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_WAIT_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.1


class EventTable:
    """Inserts and counts batches of rows in catalogue order."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._tries: dict[int, int] = {}

    def insert(self, rows: Sequence[Row], *, batch: int, token: str) -> None:
        """Store `rows` (1–100,000, one (day, keep)) under `batch`, durably, as one block.

        The column `batch` is set here. Raises TryLater (nothing is known: count before you try again), Rejected (these
        rows will never be taken: find the one), Broken.
        """
        if not 0 < len(rows) <= MAX_BLOCK or not _TOKEN.fullmatch(token):
            raise Broken(f"Batch {batch} has {len(rows)} rows or a malformed token: this is a fault of the loader.")
        columns = _columns(rows, batch)
        attempt = self._tries[batch] = self._tries.get(batch, 0) + 1
        self._warehouse.insert(
            EVENTS,
            {name: EVENT_COLUMNS[name] for name in columns},
            list(columns.values()),
            settings=_INSERT_SETTINGS.format(token=token),
            query_id=f"{_prefix(batch)}{attempt}",
        )
        del self._tries[batch]

    def count(self, *, day: int, keep: int, batch: int) -> int:
        """Rows of `batch` in the partition (day, keep), once no insert of it is running any more.

        Raises TryLater when one still runs after 20 s, or the warehouse does not answer; Broken.
        """
        deadline = time.monotonic() + _WAIT_SECONDS
        while self._running(batch):
            if time.monotonic() > deadline:
                raise TryLater(f"An insert of batch {batch} is still running; it can be counted when it has ended.")
            time.sleep(_POLL_SECONDS)
        params = {"day": day, "keep": keep, "batch": batch}
        return int(self._warehouse.query("warehouse.count_batch", params, "loader")[0][0])

    def partition_counts(self) -> dict[tuple[int, int], int]:
        """Rows of every (site, day), bots included, for the accounting. Raises TryLater, Broken."""
        rows = self._warehouse.query("warehouse.partition_counts", {}, "control")
        return {(int(site), int(day)): int(count) for site, day, count in rows}

    def day_counts(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Rows of every (site, day), and how many of them are bots'. Raises TryLater, Broken."""
        rows = self._warehouse.query("warehouse.day_counts", {}, "control")
        return {(int(site), int(day)): (int(count), int(bots)) for site, day, count, bots in rows}

    def batch_counts(self, first: int, last: int) -> dict[int, int]:
        """Rows of every batch between two numbers. Raises TryLater, Broken."""
        rows = self._warehouse.query("warehouse.batch_counts", {"first": first, "last": last}, "control")
        return {int(batch): int(count) for batch, count in rows}

    def newest(self) -> int:
        """When the newest row arrived (ms UTC); 0 without rows. Raises TryLater, Broken."""
        return int(self._warehouse.query("warehouse.newest", {}, "control")[0][0])

    def _running(self, batch: int) -> bool:
        rows = self._warehouse.query("warehouse.running_inserts", {"prefix": _prefix(batch)}, "control")
        return bool(rows[0][0])


def _columns(rows: Sequence[Row], batch: int) -> dict[str, list[object]]:
    """The columns in which any value differs from the default; the engine fills in the rest at half the cost."""
    width = len(FIELDS)
    if set(map(len, rows)) != {width}:
        raise Rejected(f"Batch {batch}: a row does not have one value for each column.")
    flat = list(chain.from_iterable(rows))
    columns = {field.name: flat[place::width] for place, field in enumerate(FIELDS)}
    if len(set(zip(columns["day"], columns["keep"], strict=True))) != 1:
        raise Broken(f"Batch {batch} spans more than one partition: this is a fault of the loader.")
    columns["batch"] = [batch] * len(rows)
    return {
        field.name: columns[field.name]
        for field in FIELDS
        if field in RECORD or any(columns[field.name])  # outside RECORD every default is falsy
    }


def _prefix(batch: int) -> str:
    return f"footfall-batch-{batch}-"
