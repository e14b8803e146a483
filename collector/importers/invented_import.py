"""Brings invented traffic in by the way of every import: staged in a spool of its own, committed whole, loaded once.

The manifest's digest is that of what was asked for, so asking again for the same changes nothing.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from collector.importers.invented import Shape, invent_day
from collector.importers.staging import ImportSettings, Pending, chunks, hand_over
from control_store.imports import Manifest, abandon_import, begin_import, commit_import, committed_imports
from control_store.tables import ControlStore
from event_catalogue.event import SCHEMA_VERSION, Parcel, Row, Tally, encode_parcel, encode_tallies
from event_catalogue.fields import POSITION
from spool.kinds import Kind
from spool.registry import mark_complete
from spool.writer import SpoolWriter

KIND: Final = "invented"
_BEACON: Final = POSITION["beacon"]
_DAY_MS: Final = 86_400_000


def import_invented(
    store: ControlStore, settings: ImportSettings, shape: Shape, days: range, *, on_day: Callable[[int], None]
) -> int | None:
    """Invent these days and hand them to the loader; how many events, None if this was done before.

    Call it inside `importing`. `on_day` is told each day when it is staged. Raises SpoolFull, SpoolBroken.
    """
    digest = hashlib.sha256(repr((shape, days.start, days.stop)).encode()).hexdigest()
    if any((m.site, m.kind, m.digest) == (shape.site, KIND, digest) for m in committed_imports(store)):
        return None
    now = settings.clock()
    number = begin_import(store, shape.site, KIND, now=now)
    name = f"import-{number}"
    events = 0
    try:
        with SpoolWriter(settings.staging, name, settings.spool, settings.clock) as writer:
            for day in days:
                for chunk in chunks(_records(shape, day, now, number)):
                    writer.append_many(chunk)
                    events += sum(count for kind, count, _ in chunk if kind is Kind.EVENTS)
                    settings.crash("import.staged_chunk")
                on_day(day)
    except BaseException:  # a full disk, Ctrl-C: nothing of it may stay
        shutil.rmtree(settings.staging / name, ignore_errors=True)
        abandon_import(store, number)
        raise
    mark_complete(settings.staging / name)
    settings.crash("import.before_commit")
    commit_import(store, Manifest(number, shape.site, KIND, digest, 0, events, name, "committed"))
    settings.crash("import.after_commit")
    hand_over(settings, name)
    return events


def _records(shape: Shape, day: int, now: int, number: int) -> Iterator[Pending]:
    invented = invent_day(shape, day, stored_on=now // _DAY_MS, received=now, import_id=number)
    for rows in invented.visits:
        if rows:
            yield _record(shape.site, now, rows)
    if invented.not_recorded:
        tally = Tally(shape.site, day, "not_recorded", "gpc", 0)
        counts = msgspec.msgpack.encode([[encode_tallies([tally]), invented.not_recorded]])
        yield Kind.COUNTS, invented.not_recorded, counts


def _record(site: int, now: int, rows: list[Row]) -> Pending:
    return Kind.EVENTS, len(rows), encode_parcel(Parcel(SCHEMA_VERSION, site, rows[0][_BEACON], now, rows))
