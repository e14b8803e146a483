"""Purges: what each takes out, how far it is, and how many rows have gone by it. Rows that are gone still add up."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import sqlalchemy as sa

from control_store.tables import PURGED_ROWS, PURGES, SEALS, ControlStore

Method = Literal["drop", "rewrite", "ttl", "erase", "loss"]
"""A whole partition goes, the rows of some sites are taken out of it, the engine has deleted rows by itself, rows of
people are erased, or a disk was lost and no backup had them."""
State = Literal["intended", "gone", "done", "given_up"]
Why = Literal["purged", "erased", "lost"]
"""Their period was over, or somebody asked for it: an erasure, a deleted site. Or nobody wanted it."""


class Taken(NamedTuple):
    """The rows of one site that a purge takes out."""

    site: int
    rows: int
    bots: int
    """How many of them are machines'."""
    late: int
    """How many of them came after the seal, and are in none of its numbers."""
    why: Why = "purged"


class Purge(NamedTuple):
    """One purge of one partition (day, keep)."""

    number: int
    day: int
    keep: int
    method: Method
    began: int
    """When, ms UTC, by the clock."""
    upto: int
    """All its rows were received at this moment (ms UTC) or before."""
    blocks: int
    """The newest block of the partition of `events` that it means; what comes later is not its concern."""
    visit_blocks: int
    """The same for `visits`."""
    taken: tuple[Taken, ...]
    state: State = "intended"
    ended: int = 0
    remark: str = ""
    pick: str = ""
    """Of an erasure: which requests it carries out and what it leaves to a hold (retention/erase.py), as JSON."""

    @property
    def rows(self) -> int:
        """Rows of all sites."""
        return sum(one.rows for one in self.taken)


class Gone(NamedTuple):
    """Rows of a site's day that were stored and are there no more."""

    purged: int
    erased: int
    bots: int
    late: int
    lost: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.purged + self.erased + self.lost


NOTHING_GONE: Final = Gone(0, 0, 0, 0)


def save_purge(store: ControlStore, purge: Purge) -> None:
    """Remember what a purge means to do."""
    values = {name: value for name, value in purge._asdict().items() if name != "taken"}
    with store.engine.begin() as connection:
        connection.execute(sa.insert(PURGES).values(values))
        for one in purge.taken:
            connection.execute(sa.insert(PURGED_ROWS).values(purge=purge.number, day=purge.day, **one._asdict()))


def save_done(store: ControlStore, purge: Purge) -> None:
    """Write down what has gone already; no seal is touched."""
    save_purge(store, purge._replace(state="done", ended=purge.began))


def mark_gone(store: ControlStore, purge: Purge, *, now: int) -> None:
    """The rows are out of the warehouse: from now on they count as purged, and their days' raw rows as gone."""
    sites = [one.site for one in purge.taken]
    with store.engine.begin() as connection:
        connection.execute(sa.update(PURGES).where(PURGES.c.number == purge.number).values(state="gone"))
        if purge.method == "erase":
            return  # the others' rows of these days are still there
        mine = (SEALS.c.site.in_(sites), SEALS.c.day == purge.day, SEALS.c.purged == 0)
        connection.execute(sa.update(SEALS).where(*mine).values(purged=now))


def mark_done(store: ControlStore, purge: Purge, *, now: int) -> None:
    """Nothing of it lies on any disk, and the ledger says so."""
    with store.engine.begin() as connection:
        change = sa.update(PURGES).where(PURGES.c.number == purge.number)
        connection.execute(change.values(state="done", ended=now, remark=""))


def give_up(store: ControlStore, purge: Purge, left: Sequence[tuple[int, int, int]], reason: str, *, now: int) -> None:
    """The purge is not to be ended: `left` are (site, rows, bots) that are still there; what went before stays gone."""
    with store.engine.begin() as connection:
        change = sa.update(PURGES).where(PURGES.c.number == purge.number)
        connection.execute(change.values(state="given_up", ended=now, remark=reason[:300]))
        for site, rows, bots in left:
            mine = sa.and_(PURGED_ROWS.c.purge == purge.number, PURGED_ROWS.c.site == site)
            held = PURGED_ROWS.c
            fewer = {"rows": held.rows - rows, "bots": held.bots - bots}
            connection.execute(sa.update(PURGED_ROWS).where(mine).values(fewer))


def remark(store: ControlStore, purge: Purge, text: str) -> None:
    """Why a purge is not done yet."""
    with store.engine.begin() as connection:
        connection.execute(sa.update(PURGES).where(PURGES.c.number == purge.number).values(remark=text[:300]))


def open_purges(store: ControlStore) -> list[Purge]:
    """Purges that are not at their end, the oldest first."""
    return _purges(store, PURGES.c.state.in_(("intended", "gone")))


def ended_purges(store: ControlStore, since: int) -> list[Purge]:
    """Purges that ended at or after this moment (ms UTC), the oldest first."""
    return _purges(store, sa.and_(PURGES.c.state.in_(("done", "given_up")), PURGES.c.ended >= since))


def gone_rows(store: ControlStore) -> dict[tuple[int, int], Gone]:
    """What has gone, by (site, day)."""
    held, purges = PURGED_ROWS.c, PURGES.c
    sums = [sa.func.sum(column) for column in (held.rows, held.bots, held.late)]
    chosen = (
        sa.select(held.site, held.day, held.why, *sums)
        .join_from(PURGED_ROWS, PURGES, held.purge == purges.number)
        .where(purges.state != "intended")
        .group_by(held.site, held.day, held.why)
    )
    found: dict[tuple[int, int], Gone] = {}
    with store.engine.connect() as connection:
        for site, day, why, *numbers in connection.execute(chosen):
            before = found.get((site, day), NOTHING_GONE)
            rows, bots, late = map(int, numbers)
            more = {why: getattr(before, why) + rows, "bots": before.bots + bots, "late": before.late + late}
            found[site, day] = before._replace(**more)
    return found


def gone_by_partition(store: ControlStore) -> dict[tuple[int, int], int]:
    """How many rows were taken out of each partition (day, keep)."""
    purges = PURGES.c
    chosen = (
        sa.select(purges.day, purges.keep, sa.func.sum(PURGED_ROWS.c.rows))
        .join_from(PURGED_ROWS, PURGES, PURGED_ROWS.c.purge == purges.number)
        .where(purges.state != "intended")
        .group_by(purges.day, purges.keep)
    )
    with store.engine.connect() as connection:
        return {(day, keep): int(rows) for day, keep, rows in connection.execute(chosen)}


def _purges(store: ControlStore, chosen: sa.ColumnElement[bool]) -> list[Purge]:
    names = [name for name in Purge._fields if name != "taken"]
    columns = [PURGES.c[name] for name in names]
    parts = [PURGED_ROWS.c[name] for name in Taken._fields]
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).where(chosen).order_by(PURGES.c.number)).all()
        found = []
        for row in rows:
            mine = sa.select(*parts).where(PURGED_ROWS.c.purge == row.number).order_by(PURGED_ROWS.c.site)
            taken = tuple(Taken(*part) for part in connection.execute(mine))
            found.append(Purge(**dict(zip(names, row, strict=True)), taken=taken))
    return found
