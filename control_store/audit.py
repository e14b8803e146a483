"""The audit log: who changed or asked what, and when. It has a period of its own, and never names a visitor.

Somebody who looks at the statistics of a site is noted once a day for it, and so is a key: what matters is that they
did, not how often.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

import sqlalchemy as sa

from control_store.people_tables import AUDIT
from control_store.tables import ControlStore

KEPT_DAYS: Final = 400
"""A year and a month: who looks into it once a year finds the whole year."""


class Entry(NamedTuple):
    """One thing that somebody did."""

    at: int
    """ms UTC."""
    who: str
    """E-mail address, "key …abcd", or "command line"."""
    action: str
    """One of ACTIONS."""
    site: str
    """Domain, or empty."""
    subject: str
    """What it was done to; never a visitor, a password or a token."""


ACTIONS: Final[dict[str, str]] = {
    "login": "logged in",
    "login_failed": "failed to log in",
    "logout": "logged out",
    "confirm": "gave the password again",
    "password": "took another password",
    "factor_on": "turned the second factor on",
    "factor_off": "turned the second factor off",
    "recovery": "made other recovery codes",
    "invite": "invited",
    "change_roles": "changed the roles of",
    "join": "joined",
    "reset": "made a link for another password",
    "remove_person": "removed",
    "withdraw": "withdrew the links of",
    "end_login": "ended a login",
    "read": "looked at statistics",
    "query": "asked the Stats API",
    "export": "exported",
    "add_person": "added",
    "add_site": "added a site",
    "delete_site": "deleted a site",
    "ask_hold": "asked for a legal hold",
    "confirm_hold": "confirmed a legal hold",
    "end_hold": "ended a legal hold",
    "create_backup": "made a backup",
    "lose_backups": "gave backups up for destroyed",
    "settings": "changed settings",
    "device_link": "made a link for a device that is not counted",
    "add_key": "made a key",
    "revoke_key": "revoked a key",
    "take_key": "took a key over",
}


def note(store: ControlStore, entry: Entry) -> None:
    """Add an entry, durably. Raises KeyError for an action that is none."""
    if entry.action not in ACTIONS:
        raise KeyError(entry.action)
    with store.engine.begin() as connection:
        connection.execute(sa.insert(AUDIT).values(**entry._replace(subject=entry.subject[:300])._asdict()))


def entries(
    store: ControlStore, *, limit: int, offset: int = 0, sites: Collection[str] | None = None
) -> tuple[list[Entry], int]:
    """A page of the log, newest first, and how many entries there are; `sites`: only what is about these domains."""
    columns = [AUDIT.c[name] for name in Entry._fields]
    wanted = sa.true() if sites is None else AUDIT.c.site.in_(sorted(sites))
    with store.engine.connect() as connection:
        total = int(connection.execute(sa.select(sa.func.count()).select_from(AUDIT).where(wanted)).scalar_one())
        found = sa.select(*columns).where(wanted).order_by(AUDIT.c.id.desc())
        rows = connection.execute(found.limit(limit).offset(offset))
        return [Entry(*row) for row in rows], total


OF_LOGINS: Final = frozenset(
    "login login_failed join password reset factor_on factor_off recovery end_login change_roles".split()
)


def about_login(store: ControlStore, email: str, *, limit: int) -> list[Entry]:
    """What was done to somebody's login, by themselves or by others, newest first: so that they notice what was not
    theirs."""
    columns = [AUDIT.c[name] for name in Entry._fields]
    about = sa.or_(
        sa.and_(AUDIT.c.who == email, AUDIT.c.subject == ""),
        AUDIT.c.subject == email,
        AUDIT.c.subject.startswith(f"{email}: ", autoescape=True),
    )
    wanted = sa.select(*columns).where(AUDIT.c.action.in_(sorted(OF_LOGINS)), about)
    with store.engine.connect() as connection:
        return [Entry(*row) for row in connection.execute(wanted.order_by(AUDIT.c.id.desc()).limit(limit))]


def forget_entries(store: ControlStore, *, now: int) -> int:
    """Delete what is older than the log's period; how many they were."""
    with store.engine.begin() as connection:
        gone = connection.execute(sa.delete(AUDIT).where(AUDIT.c.at < now - KEPT_DAYS * 86_400_000))
        return int(gone.rowcount)
