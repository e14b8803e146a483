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


def accounts(store: ControlStore) -> Mapping[tuple[int, int, str, str], int]:
    """Events by (site, day, outcome, reason), over all loaders."""
    columns = (ACCOUNTING.c.site, ACCOUNTING.c.day, ACCOUNTING.c.outcome, ACCOUNTING.c.reason)
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(*columns, sa.func.sum(ACCOUNTING.c.events)).group_by(*columns))
        return {(row[0], row[1], row[2], row[3]): int(row[4]) for row in rows}
