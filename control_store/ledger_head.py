"""The head of the ledger, kept apart from it: a chain alone can't show that its end is missing."""

import sqlalchemy as sa

from control_store.tables import LEDGER_HEAD, ControlStore


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
