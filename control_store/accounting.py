"""Where every received event went, as the loaders publish it: absolute totals, so publishing twice changes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import sqlalchemy as sa

from control_store.purges import NOTHING_GONE, Gone
from control_store.tables import ACCOUNTING, DENIED_HOURS, SPOOLS, ControlStore


class Account(NamedTuple):
    """How many events of a site and day ended this way."""

    site: int
    day: int
    outcome: str
    reason: str
    events: int


class DeniedHour(NamedTuple):
    """How many events of a site and day were denied for this reason in one hour of the site's clock."""

    site: int
    day: int
    reason: str
    hour: int
    events: int


class SpoolState(NamedTuple):
    """How far one spool is loaded: all received ≤ watermark (ms UTC) lies in the warehouse; `pending` events do not."""

    name: str
    watermark: int
    pending: int


class Published(NamedTuple):
    """One moment of what was published: both were counted while no batch was between spool and warehouse."""

    accounts: Mapping[tuple[int, int, str, str], int]
    """Events by (site, day, outcome, reason), over all loaders."""
    rows: Mapping[tuple[int, int], tuple[int, int]]
    """Rows in the warehouse, and bots among them, by (site, day)."""
    gone: Mapping[tuple[int, int], Gone]
    """Rows that were in the warehouse and have been taken out of it."""


def publish_accounts(
    store: ControlStore,
    loader: str,
    accounts: Sequence[Account],
    rows: Mapping[tuple[int, int], tuple[int, int]],
    gone: Mapping[tuple[int, int], Gone] = MappingProxyType({}),
) -> None:
    """Replace what this loader has said so far, and what the warehouse held then, in one transaction: a reader sees
    both or neither."""
    counted = [
        Account(site, day, word, "", n)
        for words, counts in ((_WORDS, rows), (Gone._fields, gone))
        for (site, day), numbers in counts.items()
        for word, n in zip(words, numbers, strict=True)
    ]
    with store.engine.begin() as connection:
        connection.execute(sa.delete(ACCOUNTING).where(ACCOUNTING.c.loader.in_((loader, _WAREHOUSE))))
        for name, said in ((loader, accounts), (_WAREHOUSE, counted)):
            if said:
                connection.execute(sa.insert(ACCOUNTING), [{"loader": name, **one._asdict()} for one in said])


def publish_hours(store: ControlStore, loader: str, hours: Sequence[DeniedHour]) -> None:
    """Replace what this loader has said of hours. Groups that are too small are not told here at all."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(DENIED_HOURS).where(DENIED_HOURS.c.loader == loader))
        if hours:
            connection.execute(sa.insert(DENIED_HOURS), [{"loader": loader, **hour._asdict()} for hour in hours])


def denied_hours(store: ControlStore, site: int, day: int) -> dict[int, int]:
    """Events of a site's day that were not recorded at visitors' wish, by hour; small hours are in no hour's count."""
    table = DENIED_HOURS.c
    asked = sa.select(table.hour, sa.func.sum(table.events)).where(table.site == site, table.day == day)
    with store.engine.connect() as connection:
        return {hour: int(events) for hour, events in connection.execute(asked.group_by(table.hour))}


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


def published(store: ControlStore) -> Published:
    """What was published last."""
    accounts: Counter[tuple[int, int, str, str]] = Counter()
    rows: dict[tuple[int, int], tuple[int, int]] = {}
    gone: dict[tuple[int, int], Gone] = {}
    with store.engine.connect() as connection:
        for row in connection.execute(sa.select(ACCOUNTING)):
            if row.loader != _WAREHOUSE:
                accounts[row.site, row.day, row.outcome, row.reason] += row.events
                continue
            if row.outcome in Gone._fields:
                before = gone.get((row.site, row.day), NOTHING_GONE)
                gone[row.site, row.day] = before._replace(**{row.outcome: row.events})
                continue
            held, bots = rows.get((row.site, row.day), (0, 0))
            rows[row.site, row.day] = (row.events, bots) if row.outcome == _WORDS[0] else (held, row.events)
    return Published(accounts, rows, gone)


_WAREHOUSE: Final = "warehouse"
_WORDS: Final = ("rows", "machines")
