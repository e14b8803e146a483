"""Where every received event went, as the loaders publish it: absolute totals, so publishing twice changes nothing."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from control_store.tables import ACCOUNTING, SPOOLS, ControlStore


class Account(NamedTuple):
    """How many events of a site and day ended this way."""

    site: int
    day: int
    outcome: str
    reason: str
    events: int


class SpoolState(NamedTuple):
    """How far one spool is loaded: all received ≤ watermark (ms UTC) lies in the warehouse; `pending` events do not."""

    name: str
    watermark: int
    pending: int


def publish_accounts(store: ControlStore, loader: str, accounts: Sequence[Account]) -> None:
    """Replace what this loader has said so far, in one transaction."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(ACCOUNTING).where(ACCOUNTING.c.loader == loader))
        if accounts:
            connection.execute(sa.insert(ACCOUNTING), [{"loader": loader, **account._asdict()} for account in accounts])


def publish_spools(store: ControlStore, loader: str, spools: Sequence[SpoolState], *, now: int) -> None:
    """Replace what this loader has said of its spools."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(SPOOLS).where(SPOOLS.c.loader == loader))
        if spools:
            connection.execute(
                sa.insert(SPOOLS), [{"loader": loader, "seen": now, **spool._asdict()} for spool in spools]
            )


def published_spools(store: ControlStore) -> list[SpoolState]:
    """How far each spool is loaded, as its loader last said."""
    columns = [SPOOLS.c[name] for name in SpoolState._fields]
    with store.engine.connect() as connection:
        return [SpoolState(*row) for row in connection.execute(sa.select(*columns).order_by(SPOOLS.c.name))]


def published_accounts(store: ControlStore) -> Mapping[tuple[int, int, str, str], int]:
    """Events by (site, day, outcome, reason), over all loaders."""
    columns = (ACCOUNTING.c.site, ACCOUNTING.c.day, ACCOUNTING.c.outcome, ACCOUNTING.c.reason)
    with store.engine.connect() as connection:
        events = sa.select(*columns, sa.func.sum(ACCOUNTING.c.events)).where(ACCOUNTING.c.loader != _WAREHOUSE)
        return {(row[0], row[1], row[2], row[3]): int(row[4]) for row in connection.execute(events.group_by(*columns))}


_WAREHOUSE = "warehouse"


def publish_rows(store: ControlStore, rows: Mapping[tuple[int, int], tuple[int, int]]) -> None:
    """Replace what the warehouse was last counted to hold: rows, and bots among them, by (site, day)."""
    both = [
        Account(site, day, word, "", n)
        for (site, day), pair in rows.items()
        for word, n in zip(_WORDS, pair, strict=True)
    ]
    publish_accounts(store, _WAREHOUSE, both)


def published_rows(store: ControlStore) -> dict[tuple[int, int], tuple[int, int]]:
    """What `publish_rows` published last."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    with store.engine.connect() as connection:
        for row in connection.execute(sa.select(ACCOUNTING).where(ACCOUNTING.c.loader == _WAREHOUSE)):
            rows, bots = found.get((row.site, row.day), (0, 0))
            found[row.site, row.day] = (row.events, bots) if row.outcome == _WORDS[0] else (rows, row.events)
    return found


_WORDS = ("rows", "bots")
