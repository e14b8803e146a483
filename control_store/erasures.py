"""Erasures that people have asked for: whose raw rows are to go. A request is deleted when they have gone."""

from typing import Literal, NamedTuple

import sqlalchemy as sa

from control_store.tables import ERASURES, ControlStore


class Erasure(NamedTuple):
    """One request."""

    id: int
    what: Literal["returning", "visitor"]
    """All rows of a device, by the keyed hash that they carry; or all rows of a visitor of one day."""
    site: int
    pseudonym: bytes
    day: int
    """For a visitor of one day (days since 1970-01-01); 0 for a device."""
    asked: int
    """ms UTC: rows that were received later are not meant."""

    def __repr__(self) -> str:
        return f"<erasure {self.id}>"


def ask_erasure(
    store: ControlStore, what: Literal["returning", "visitor"], site: int, pseudonym: bytes, *, day: int = 0, now: int
) -> int:
    """Ask for an erasure, durably; its number."""
    values = {"what": what, "site": site, "pseudonym": pseudonym, "day": day, "asked": now}
    with store.engine.begin() as connection:
        return int(connection.execute(sa.insert(ERASURES).values(values)).inserted_primary_key[0])  # type: ignore[index]


def open_erasures(store: ControlStore) -> list[Erasure]:
    """What is not done yet, the oldest first."""
    columns = [ERASURES.c[name] for name in Erasure._fields]
    with store.engine.connect() as connection:
        return [Erasure(*row) for row in connection.execute(sa.select(*columns).order_by(ERASURES.c.id))]


def close_erasure(store: ControlStore, erasure: Erasure) -> None:
    """Forget a request whose rows are gone, and the hash that named them with it."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(ERASURES).where(ERASURES.c.id == erasure.id))
