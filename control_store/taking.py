"""Records of the spool that belong to the control store: each is taken once, however often it is handed over.

The loader hands a spool's records over in their order, and again after a kill. The number of the last one that was
taken is written in the same transaction as what it brought.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy as sa

from control_store.tables import TAKEN, ControlStore


class Place(NamedTuple):
    """Where a record lies: its spool and its number there."""

    spool: str
    seq: int


@contextmanager
def taking(store: ControlStore, place: Place) -> Iterator[sa.Connection | None]:
    """A transaction for what the record brings; None where it was taken before."""
    with store.engine.begin() as connection:
        at = sa.select(TAKEN.c.seq).where(TAKEN.c.spool == place.spool)
        last = connection.execute(at).scalar_one_or_none()
        if last is not None and last >= place.seq:
            yield None
            return
        if last is None:
            connection.execute(sa.insert(TAKEN).values(spool=place.spool, seq=place.seq))
        else:
            connection.execute(sa.update(TAKEN).where(TAKEN.c.spool == place.spool).values(seq=place.seq))
        yield connection
