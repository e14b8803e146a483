"""Heads of the ledger, the last and one a day, kept apart from it: a chain alone can't show that its end is missing."""

from typing import NamedTuple

import sqlalchemy as sa

from control_store.tables import LEDGER_DAYS, LEDGER_HEAD, ControlStore


class DayHead(NamedTuple):
    """Where the ledger ended when a day (UTC) was over."""

    day: int
    """Days since 1970-01-01."""
    number: int
    hash: str


def read_ledger_head(store: ControlStore) -> tuple[int, str] | None:
    """Number and hash of the last entry; None before the first."""
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(LEDGER_HEAD.c.number, LEDGER_HEAD.c.hash)).first()
    return (row.number, row.hash) if row else None


def write_ledger_head(store: ControlStore, number: int, hash_: str) -> None:
    """Remember the last entry. A head never goes back."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(LEDGER_HEAD).where(LEDGER_HEAD.c.number < number))
        if connection.execute(sa.select(LEDGER_HEAD.c.number)).first() is None:
            connection.execute(sa.insert(LEDGER_HEAD).values(id=1, number=number, hash=hash_))


def close_day(store: ControlStore, day: int) -> DayHead | None:
    """Note the head for a day that is over, once; None where it is noted, or where there is no entry."""
    head = read_ledger_head(store)
    if head is None:
        return None
    with store.engine.begin() as connection:
        if connection.execute(sa.select(LEDGER_DAYS.c.day).where(LEDGER_DAYS.c.day >= day)).first():
            return None
        connection.execute(sa.insert(LEDGER_DAYS).values(day=day, number=head[0], hash=head[1]))
    return DayHead(day, *head)


def day_heads(store: ControlStore) -> list[DayHead]:
    """Every day's head, the oldest first."""
    columns = [LEDGER_DAYS.c[name] for name in DayHead._fields]
    with store.engine.connect() as connection:
        return [DayHead(*row) for row in connection.execute(sa.select(*columns).order_by(LEDGER_DAYS.c.day))]
