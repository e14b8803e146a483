"""Seals: which days' aggregates count, and what they were when they were made. A day without a seal has none."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import sqlalchemy as sa

from control_store.tables import SEAL_FAULTS, SEALS, ControlStore

_NUMBERS: Final = re.compile(r"([A-Za-z0-9_-]+#\d+):(\d+)-(\d+)=(\d+)")


class Seal(NamedTuple):
    """One sealed day of a site."""

    site: int
    day: int
    """Days since 1970-01-01."""
    generation: int
    run: int
    """Which rows of `rollups` are meant: this number is in no other seal."""
    sealed: int
    """When, ms UTC."""
    k: int
    raw_rows: int
    """Rows of the day that were counted, machines' included."""
    rollup_rows: int
    digest: str
    """SHA-256 of the day's aggregates in their order, 64 hex digits."""
    late: int = 0
    """Rows that came after the seal and are in none of its numbers."""
    purged: int = 0
    """When the raw rows went (ms UTC); 0 while they are there."""
    verified: int = 1
    """0: the legal maximum came before the aggregates could be proven, or they are not any more what was sealed."""
    counted_bots: str = ""
    """The bot rules whose finds are counted in it, in their order, separated by commas."""
    numbers: str = ""
    """With which records of which spools its events had come; see `numbers_text`."""


class Numbers(NamedTuple):
    """With which records of a spool the events of a site and day came: a spool numbers them without a gap."""

    spool: str
    """Its name and which of the spools of this name it was: `collector-0#3`."""
    first: int
    last: int
    events: int


class Fault(NamedTuple):
    """A day that could not be sealed: it is never purged before it is."""

    site: int
    day: int
    since: int
    reason: str


def numbers_text(found: Iterable[Numbers]) -> str:
    """As a seal carries them: `collector-0#3:17-2040=5120`, separated by commas."""
    return ",".join(f"{spool}:{first}-{last}={events}" for spool, first, last, events in sorted(found))


def read_numbers(text: str) -> list[Numbers]:
    """What a seal carries."""
    found = (_NUMBERS.fullmatch(part) for part in text.split(",") if part)
    return [Numbers(part[1], int(part[2]), int(part[3]), int(part[4])) for part in found if part]


def save_seals(store: ControlStore, seals: Collection[Seal]) -> None:
    """Make these seals count from now on, all or none. A fault of such a day is over."""
    with store.engine.begin() as connection:
        for seal in seals:
            for table in (SEALS, SEAL_FAULTS):
                connection.execute(sa.delete(table).where(table.c.site == seal.site, table.c.day == seal.day))
            connection.execute(sa.insert(SEALS).values(seal._asdict()))


def seals_of(store: ControlStore, site: int, first: int, last: int) -> dict[int, Seal]:
    """The seals of a site's days from `first` to `last`, by day."""
    columns = [SEALS.c[name] for name in Seal._fields]
    chosen = sa.select(*columns).where(SEALS.c.site == site, SEALS.c.day.between(first, last))
    with store.engine.connect() as connection:
        seals = [Seal(*row) for row in connection.execute(chosen).all()]
    return {seal.day: seal for seal in seals}


def last_purge(store: ControlStore, site: int) -> tuple[int, int]:
    """The latest day of a site whose raw rows are gone, and when they went (ms UTC); zeros if none is."""
    asked = sa.select(SEALS.c.day, SEALS.c.purged).where(SEALS.c.site == site, SEALS.c.purged > 0)
    with store.engine.connect() as connection:
        row = connection.execute(asked.order_by(SEALS.c.day.desc()).limit(1)).one_or_none()
    return (row.day, row.purged) if row else (0, 0)


def all_seals(store: ControlStore) -> list[Seal]:
    """Every seal, by site and day."""
    columns = [SEALS.c[name] for name in Seal._fields]
    with store.engine.connect() as connection:
        return [Seal(*row) for row in connection.execute(sa.select(*columns).order_by(SEALS.c.site, SEALS.c.day))]


def forget_seals(store: ControlStore, site: int, *, before_day: int) -> int:
    """Delete the seals of a site's days before this one whose raw rows are gone; how many.

    Their aggregates belong to no seal then, and the next sweep removes them.
    """
    old = sa.and_(SEALS.c.site == site, SEALS.c.day < before_day, SEALS.c.purged > 0)
    with store.engine.begin() as connection:
        return int(connection.execute(sa.delete(SEALS).where(old)).rowcount)


def doubt_seal(store: ControlStore, site: int, day: int) -> None:
    """The numbers of a sealed day are not proven."""
    with store.engine.begin() as connection:
        connection.execute(sa.update(SEALS).where(SEALS.c.site == site, SEALS.c.day == day).values(verified=0))


def save_late(store: ControlStore, late: Mapping[tuple[int, int], int]) -> None:
    """How many rows have come after the seals of (site, day)."""
    with store.engine.begin() as connection:
        for (site, day), rows in late.items():
            connection.execute(sa.update(SEALS).where(SEALS.c.site == site, SEALS.c.day == day).values(late=rows))


def save_fault(store: ControlStore, fault: Fault) -> None:
    """Remember that a day could not be sealed; the first time of it stays."""
    with store.engine.begin() as connection:
        same = (SEAL_FAULTS.c.site == fault.site, SEAL_FAULTS.c.day == fault.day)
        changed = connection.execute(sa.update(SEAL_FAULTS).where(*same).values(reason=fault.reason))
        if changed.rowcount == 0:
            connection.execute(sa.insert(SEAL_FAULTS).values(fault._asdict()))


def seal_faults(store: ControlStore) -> list[Fault]:
    """The days that could not be sealed, by site and day."""
    chosen = sa.select(SEAL_FAULTS).order_by(SEAL_FAULTS.c.site, SEAL_FAULTS.c.day)
    with store.engine.connect() as connection:
        return [Fault(*row) for row in connection.execute(chosen)]
