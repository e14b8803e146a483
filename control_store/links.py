"""Links that an admin hands over: one makes an account, one gives a forgotten password anew. Each opens once.

There is no mail server to send them. Only digests of their tokens are kept.
"""

import secrets
from typing import Final, Literal, NamedTuple

import sqlalchemy as sa

from control_store.accounts import (
    BadAccount,
    Role,
    User,
    add_user,
    check_email,
    check_password_strength,
    find_user,
    set_password,
    token_digest,
)
from control_store.tables import LINKS, USERS, ControlStore

LinkKind = Literal["invitation", "reset"]
_HOUR_MS: Final = 3_600_000
LASTS_MS: Final[dict[str, int]] = {"invitation": 7 * 24 * _HOUR_MS, "reset": 24 * _HOUR_MS}


class Link(NamedTuple):
    """What a link is for. `role` is what an invitation gives, and for a reset the role that there is."""

    kind: LinkKind
    email: str
    role: Role
    expires: int


def invite(store: ControlStore, email: str, role: Role, *, now: int) -> str:
    """The token of a link that makes this account; an earlier one for the address opens nothing any more.

    Raises BadAccount for what is no address, or somebody who is there already.
    """
    kept = check_email(email)
    with store.engine.connect() as connection:
        if connection.execute(sa.select(USERS.c.id).where(USERS.c.email == kept)).first():
            raise BadAccount("Somebody with this e-mail address exists already.")
    return _make(store, Link("invitation", kept, role, now + LASTS_MS["invitation"]))


def offer_reset(store: ControlStore, user: User, *, now: int) -> str:
    """The token of a link that gives this user another password."""
    return _make(store, Link("reset", user.email, user.role, now + LASTS_MS["reset"]))


def find_link(store: ControlStore, token: str, *, now: int) -> Link | None:
    """What this token opens; None for nothing, or nothing any more."""
    wanted = sa.and_(LINKS.c.digest == token_digest(token), LINKS.c.expires > now)
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(*_LINK).where(wanted)).first()
    return Link(*row) if row else None


def use_link(store: ControlStore, token: str, password: str, *, now: int) -> tuple[LinkKind, User] | None:
    """Make the account, or give it this password and end its logins, and burn the link. None if it opens nothing.

    Raises BadAccount, and then the link stays.
    """
    link = find_link(store, token, now=now)
    if link is None:
        return None
    check_password_strength(password, link.email)
    with store.engine.begin() as connection:
        if not connection.execute(sa.delete(LINKS).where(LINKS.c.digest == token_digest(token))).rowcount:
            return None  # somebody was faster; burnt first, because a link that opens twice is worse than one lost
    if link.kind == "invitation":
        return link.kind, add_user(store, link.email, link.role, password, now=now)
    user = find_user(store, link.email)
    set_password(store, user, password)
    return link.kind, user


def open_links(store: ControlStore, *, now: int) -> list[Link]:
    """The links that still open something, by address."""
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(*_LINK).where(LINKS.c.expires > now).order_by(LINKS.c.email, LINKS.c.kind))
        return [Link(*row) for row in rows]


def withdraw_links(store: ControlStore, email: str) -> None:
    """The links for this address open nothing any more."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(LINKS).where(LINKS.c.email == email))


def forget_links(store: ControlStore, *, now: int) -> int:
    """Delete the links whose time is over; how many they were."""
    with store.engine.begin() as connection:
        return int(connection.execute(sa.delete(LINKS).where(LINKS.c.expires <= now)).rowcount)


_LINK: Final = (LINKS.c.kind, LINKS.c.email, LINKS.c.role, LINKS.c.expires)


def _make(store: ControlStore, link: Link) -> str:
    token = secrets.token_urlsafe(32)
    with store.engine.begin() as connection:
        connection.execute(sa.delete(LINKS).where(LINKS.c.email == link.email, LINKS.c.kind == link.kind))
        connection.execute(sa.insert(LINKS).values(**link._asdict(), digest=token_digest(token)))
    return token
