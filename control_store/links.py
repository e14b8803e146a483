"""Links that an admin hands over: one makes an account, one gives a forgotten password anew. Each opens once.

There is no mail server to send them. Only digests of their tokens are kept.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa

from control_store.accounts import (
    BadAccount,
    User,
    add_user,
    check_email,
    check_password_strength,
    find_user,
    set_password,
    token_digest,
)
from control_store.people_tables import LINKS, USERS
from control_store.roles import Role, Roles, keep_link_roles, link_roles
from control_store.tables import ControlStore

LinkKind = Literal["invitation", "reset"]
_HOUR_MS: Final = 3_600_000
LASTS_MS: Final[dict[str, int]] = {"invitation": 7 * 24 * _HOUR_MS, "reset": 24 * _HOUR_MS}


class Link(NamedTuple):
    """What a link is for. `roles` are what an invitation gives, and for a reset those that there are."""

    kind: LinkKind
    email: str
    roles: Roles
    expires: int


def invite(store: ControlStore, email: str, role: Role | Roles, *, now: int) -> str:
    """The token of a link that makes this account; an earlier one for the address opens nothing any more.

    A single role is one for all sites.
    Raises BadAccount for what is no address, or somebody who is there already.
    """
    kept = check_email(email)
    with store.engine.connect() as connection:
        if connection.execute(sa.select(USERS.c.id).where(USERS.c.email == kept)).first():
            raise BadAccount("Somebody with this e-mail address exists already.")
    roles = role if isinstance(role, Roles) else Roles(role)
    return _make(store, Link("invitation", kept, roles, now + LASTS_MS["invitation"]))


def offer_reset(store: ControlStore, user: User, *, now: int) -> str:
    """The token of a link that gives this user another password."""
    return _make(store, Link("reset", user.email, user.roles, now + LASTS_MS["reset"]))


def find_link(store: ControlStore, token: str, *, now: int) -> Link | None:
    """What this token opens; None for nothing, or nothing any more."""
    wanted = sa.and_(LINKS.c.digest == token_digest(token), LINKS.c.expires > now)
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(*_LINK).where(wanted)).first()
        return _link(connection, row) if row else None


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
        return link.kind, add_user(store, link.email, link.roles, password, now=now)
    user = find_user(store, link.email)
    set_password(store, user, password)
    return link.kind, user


def open_links(store: ControlStore, *, now: int) -> list[Link]:
    """The links that still open something, by address."""
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(*_LINK).where(LINKS.c.expires > now).order_by(LINKS.c.email, LINKS.c.kind))
        return [_link(connection, row) for row in rows.all()]


def withdraw_links(store: ControlStore, email: str) -> None:
    """The links for this address open nothing any more."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(LINKS).where(LINKS.c.email == email))


def forget_links(store: ControlStore, *, now: int) -> int:
    """Delete the links whose time is over; how many they were."""
    with store.engine.begin() as connection:
        return int(connection.execute(sa.delete(LINKS).where(LINKS.c.expires <= now)).rowcount)


_LINK: Final = (LINKS.c.kind, LINKS.c.email, LINKS.c.role, LINKS.c.expires, LINKS.c.id)


def _link(connection: sa.Connection, row: Sequence[Any]) -> Link:
    kind, email, role, expires, number = row
    return Link(kind, email, Roles(role or None, link_roles(connection, number)), expires)


def _make(store: ControlStore, link: Link) -> str:
    token = secrets.token_urlsafe(32)
    with store.engine.begin() as connection:
        connection.execute(sa.delete(LINKS).where(LINKS.c.email == link.email, LINKS.c.kind == link.kind))
        told = {"kind": link.kind, "email": link.email, "expires": link.expires, "role": link.roles.everywhere or ""}
        made = connection.execute(sa.insert(LINKS).values(**told, digest=token_digest(token)))
        keep_link_roles(connection, made.inserted_primary_key[0], link.roles)  # type: ignore[index]  # one row has one
    return token
