"""Reconciles: that every acknowledged event is where it is said to be, by the numbers of spools, batches and rows."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from control_store.purges import gone_by_partition, gone_rows
from control_store.seals import all_seals
from control_store.tables import ControlStore
from event_catalogue.days import day_text
from footfall.balance import Held, Key, by_day, faults, is_balanced, number_faults
from spool.accounts import JOURNAL, closed_batches, read_journal
from spool.errors import SpoolGap
from spool.reader import SpoolReader
from spool.registry import list_spools
from warehouse.client import Warehouse
from warehouse.events import EventTable

AtRest = Callable[[], AbstractContextManager[None]]
_READ_EVENTS = 10_000
_READ_BYTES = 1 << 24


def reconcile(warehouse: Warehouse, store: ControlStore, spools: Path, at_rest: AtRest) -> dict[str, Any]:
    """Count everything at one moment; the sums, and every contradiction as a sentence.

    Raises TryLater while a batch is in doubt, Broken, SpoolBroken.
    """
    table = EventTable(warehouse)
    with at_rest():
        view = read_journal(spools)
        days = by_day(view, Held(table.day_counts(), gone_rows(store)))
        numbered = list(number_faults(view, days, all_seals(store)))
        found = [*faults(view, days), *(fault for _, fault in numbered), *_batches(table, store, spools)]
    found += _gaps(spools)
    pending = sum(spool.pending for spool in view.spools)
    sums = {name: sum(counts[name] for counts in days.values()) for name in _SUMS}
    return {
        "acknowledged": view.received + pending,
        "pending": pending,
        **sums,
        "days": [_day(key, counts, {key for key, _ in numbered}) for key, counts in sorted(days.items())],
        "faults": found,
    }


def _day(key: Key, counts: dict[str, Any], contradicted: Collection[Key | None]) -> dict[str, Any]:
    """The accounts of one site and day. `contradicted`: the days whose records say something else."""
    numbers = {name: counts[name] for name in ("received", *_SUMS)}
    return {
        "site": key[0],
        "day": day_text(key[1]),
        **numbers,
        "records": [one._asdict() for one in counts["numbers"]],
        "balanced": is_balanced(counts) and key not in contradicted,
    }


def said(report: dict[str, Any]) -> str:
    """A report in one line."""
    if report["faults"]:
        return f"{len(report['faults'])} contradictions; the first: {report['faults'][0]}"
    return f"{report['acknowledged']} events are where they are said to be"


_SUMS = (
    "stored",
    "repeated",
    "not_recorded",
    "excluded",
    "rejected",
    "in_warehouse",
    "dead_letters",
    "purged",
    "erased",
    "lost",
)


def _batches(table: EventTable, store: ControlStore, spools: Path) -> Iterator[str]:
    """Batches of the last week: every row is there or was taken out of its partition, and none is there twice."""
    if not (spools / JOURNAL).is_file():
        return
    batches = closed_batches(spools)
    if not batches:
        return
    rows = table.batch_counts(batches[0].number, batches[-1].number)
    gone = gone_by_partition(store)
    missing: Counter[tuple[int, int]] = Counter()
    for batch in batches:
        here = rows.get(batch.number, 0)
        if here > batch.rows:
            yield f"Batch {batch.number} has {batch.rows} rows, and {here} are there."
        missing[batch.day, batch.keep] += max(0, batch.rows - here)
    for (day, keep), lost in sorted(missing.items()):
        if lost > (taken := gone.get((day, keep), 0)):
            yield f"{lost} rows of {day_text(day)}, kept for {keep} days, are missing; {taken} were taken out."


def _gaps(spools: Path) -> Iterator[str]:
    """Numbers that are missing among what is not loaded yet."""
    for name in list_spools(spools):
        reader = SpoolReader(spools / name)
        try:
            after = reader.first() - 1
            while records := reader.read(after, max_events=_READ_EVENTS, max_bytes=_READ_BYTES):
                after = records[-1].seq
        except SpoolGap as gap:
            yield str(gap)
        finally:
            reader.close()
