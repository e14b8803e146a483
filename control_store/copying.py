"""Copies of the control store for backups, and what such a copy must not bring back."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from control_store.holds import Hold
from control_store.ledger_head import write_ledger_head
from control_store.people_tables import LINKS, SESSIONS
from control_store.tables import (
    ACCOUNTING,
    COUNTERS,
    DEVICE_LINKS,
    ERASURES,
    HOLDS,
    JOB_RUNS,
    REQUESTS,
    SEALS,
    SPOOLS,
    TAKEN,
    VISIT_MARKS,
    WITHDRAWALS,
    ControlStore,
    touch,
)

_LEFT_OUT: Final = (SESSIONS, LINKS, DEVICE_LINKS, REQUESTS, WITHDRAWALS, ERASURES, JOB_RUNS)
"""Logins and links would open doors that were shut; whom a request means stands in the tombstones, as a keyed hash."""
_OF_A_MACHINE: Final = (ACCOUNTING, SPOOLS, TAKEN, VISIT_MARKS)
"""What is true of spools and a journal that are not there any more."""


class NoCopy(Exception):
    """This control store can't be copied from here. One sentence."""


def copy_to(store: ControlStore, path: Path) -> None:
    """Write a copy of the store, durably, without logins, links and requests. Raises NoCopy."""
    if store.engine.dialect.name != "sqlite":
        raise NoCopy(
            "The control store is a Postgres database, which footfall does not back up: use pg_dump for it and "
            "ClickHouse's BACKUP for the warehouse, and leave the setting backup_dir empty. After bringing them back "
            "run `footfall ledger verify`, which names purged rows that came back; erasures since then have to be "
            "asked for again."
        )
    with store.engine.connect() as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(path),))
    copy = ControlStore(f"sqlite:///{path}")
    with copy.engine.begin() as connection:
        for table in _LEFT_OUT:
            connection.execute(sa.delete(table))
    with copy.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    copy.close()
    path.chmod(0o600)
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def settle_in(store: ControlStore, *, last_purge: int, head: tuple[int, str]) -> None:
    """Make a restored copy the store of a new machine: no spool is known, no batch counted; numbers go on behind those
    that were given out since, and the ledger ends where it ended."""
    write_ledger_head(store, *head)
    with store.engine.begin() as connection:
        for table in (*_LEFT_OUT, *_OF_A_MACHINE):
            connection.execute(sa.delete(table))
        mine = COUNTERS.c.name == "purge"
        given = connection.execute(sa.select(COUNTERS.c.number).where(mine)).scalar() or 0
        connection.execute(sa.delete(COUNTERS).where(mine))
        connection.execute(sa.insert(COUNTERS).values(name="purge", number=max(given, last_purge)))
        touch(connection)


def restore_holds(store: ControlStore, holds: Sequence[Hold]) -> None:
    """Put holds back as they are told elsewhere; who asked for those that are known here stays."""
    with store.engine.begin() as connection:
        for hold in holds:
            mine = HOLDS.c.id == hold.id
            state = {"confirmed": hold.confirmed, "ended": hold.ended, "confirmed_by": hold.confirmed_by}
            if connection.execute(sa.select(HOLDS.c.id).where(mine)).first() is None:
                connection.execute(sa.insert(HOLDS).values(hold._asdict()))
            else:
                connection.execute(sa.update(HOLDS).where(mine, HOLDS.c.confirmed == 0).values(state))
                connection.execute(sa.update(HOLDS).where(mine).values(ended=hold.ended))


def close_raw(store: ControlStore, there: Collection[tuple[int, int]], *, now: int) -> int:
    """Of sealed days without a raw row say that these are gone; `there`: the (site, day) that have some. How many."""
    closed = 0
    with store.engine.begin() as connection:
        open_ = connection.execute(sa.select(SEALS.c.site, SEALS.c.day).where(SEALS.c.purged == 0)).all()
        for site, day in open_:
            if (site, day) not in there:
                mine = (SEALS.c.site == site, SEALS.c.day == day)
                connection.execute(sa.update(SEALS).where(*mine).values(purged=now))
                closed += 1
    return closed
