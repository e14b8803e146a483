"""What visitors chose: receipts of grants, counts of refusals, and withdrawals that erasure has still to carry out.

No table holds an address, an agent or a device id. A receipt's number is random; who shows it finds the receipt, and
nobody else does. A withdrawal names its rows by their keyed hash and is deleted when they are gone.
"""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from control_store.tables import CHOICE_COUNTS, RECEIPTS, WITHDRAWALS, ControlStore
from control_store.taking import Place, taking
from event_catalogue.choice import COOKIE, ChoiceRecord
from event_catalogue.days import DAY_MS


class Receipt(NamedTuple):
    """A grant as its visitor can see it."""

    site: int
    minute: int
    """ms UTC, cut to the minute."""
    version: str
    statistics: bool
    ads: bool
    sale: bool | None
    region: str
    how: str
    withdrawn: int
    """The minute at which it was withdrawn, 0 if it holds."""


class Withdrawal(NamedTuple):
    """What erasure has to take out of raw rows, from `asked` (ms UTC) back."""

    id: int
    site: int
    pseudonym: bytes
    """The keyed hash in the rows' field `returning`."""
    statistics: bool
    """Whether the device's id and all that consent opened goes; rows that only consent allowed go whole."""
    ads: bool
    asked: int

    def __repr__(self) -> str:
        return f"<withdrawal {self.id}>"


def take_choices(store: ControlStore, place: Place, records: list[ChoiceRecord]) -> None:
    """Keep what one choice left in the spool; once, however often it is handed over."""
    with taking(store, place) as connection:
        if connection is None:
            return
        for record in records:
            _TAKERS[record.what](connection, record)


def receipt(store: ControlStore, number: UUID) -> Receipt | None:
    """The receipt with this number."""
    columns = [RECEIPTS.c[name] for name in Receipt._fields]
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(*columns).where(RECEIPTS.c.id == number.bytes)).one_or_none()
    return Receipt(*row) if row else None


def choice_counts(store: ControlStore, site: int) -> dict[tuple[int, str], int]:
    """How many refused, objected or opted out of sale on this site, by (day in UTC, what)."""
    table = CHOICE_COUNTS.c
    asked = sa.select(table.day, table.what, sa.func.sum(table.n)).where(table.site == site)
    with store.engine.connect() as connection:
        rows = connection.execute(asked.group_by(table.day, table.what))
        return {(row[0], row[1]): int(row[2]) for row in rows}


def forget_receipts(store: ControlStore, *, now: int, days: int) -> int:
    """Delete receipts `days` after their grant has ended: by withdrawal, else with the device's id. How many they were.

    Until then they prove that what was recorded was agreed to (GDPR 7(1)).
    """
    table, over = RECEIPTS.c, now - days * DAY_MS
    ended = sa.or_(
        sa.and_(table.withdrawn > 0, table.withdrawn < over),
        sa.and_(table.withdrawn == 0, table.minute < over - COOKIE["ff_id"].days * DAY_MS),
    )
    with store.engine.begin() as connection:
        return int(connection.execute(sa.delete(RECEIPTS).where(ended)).rowcount)


def forget_choice_counts(store: ControlStore, site: int, *, before_day: int) -> int:
    """Delete the counts of a site's choices of days (UTC) before this one; how many they were."""
    old = sa.and_(CHOICE_COUNTS.c.site == site, CHOICE_COUNTS.c.day < before_day)
    with store.engine.begin() as connection:
        return int(connection.execute(sa.delete(CHOICE_COUNTS).where(old)).rowcount)


def open_withdrawals(store: ControlStore) -> list[Withdrawal]:
    """What is to be erased still, oldest first."""
    columns = [WITHDRAWALS.c[name] for name in Withdrawal._fields]
    with store.engine.connect() as connection:
        return [Withdrawal(*row) for row in connection.execute(sa.select(*columns).order_by(WITHDRAWALS.c.id))]


def close_withdrawal(store: ControlStore, withdrawal: Withdrawal) -> None:
    """Forget a withdrawal whose rows are gone, and the hash that named them with it."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(WITHDRAWALS).where(WITHDRAWALS.c.id == withdrawal.id))


def _grant(connection: sa.Connection, record: ChoiceRecord) -> None:
    values = {
        "id": record.receipt,
        "site": record.site,
        "minute": record.minute,
        "version": record.version,
        "statistics": bool(record.statistics),
        "ads": bool(record.ads),
        "sale": record.sale,
        "region": record.region,
        "how": record.how,
        "withdrawn": 0,
    }
    connection.execute(sa.insert(RECEIPTS).values(values))


def _count(connection: sa.Connection, record: ChoiceRecord) -> None:
    table = CHOICE_COUNTS.c
    key = {"site": record.site, "day": record.minute // DAY_MS, "what": record.what, "version": record.version}
    one = sa.and_(*(table[name] == value for name, value in key.items()))
    if connection.execute(sa.update(CHOICE_COUNTS).where(one).values(n=table.n + 1)).rowcount == 0:
        connection.execute(sa.insert(CHOICE_COUNTS).values(**key, n=1))


def _withdraw(connection: sa.Connection, record: ChoiceRecord) -> None:
    """End the receipt, if its statistics or advertising is refused, and ask for the rows that it opened."""
    if record.receipt:
        mine = sa.and_(RECEIPTS.c.id == record.receipt, RECEIPTS.c.site == record.site, RECEIPTS.c.withdrawn == 0)
        ended = sa.or_(RECEIPTS.c.ads, sa.literal(bool(record.statistics)))
        connection.execute(sa.update(RECEIPTS).where(mine, ended).values(withdrawn=record.minute))
    if record.returning:
        values = {
            "site": record.site,
            "pseudonym": record.returning,
            "statistics": bool(record.statistics),
            "ads": bool(record.ads),
            "asked": record.minute,
        }
        connection.execute(sa.insert(WITHDRAWALS).values(values))


_TAKERS = {
    "grant": _grant,
    "refusal": _count,
    "objection": _count,
    "sale_optout": _count,
    "withdrawal": _withdraw,
}
