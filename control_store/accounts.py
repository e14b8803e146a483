"""People: who may log in to the console, in which roles (roles.py), and the sessions in which they do.

Kept are argon2id hashes of passwords and SHA-256 digests of session tokens: neither can be turned back. The set-up
token alone is kept as it is, because every start prints the same link until it is used; it opens nothing once there
is a user, and its row is deleted with the first one.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from control_store.passwords import BadPassword, check_strength
from control_store.people_tables import SESSIONS, SETUP, USERS
from control_store.roles import Role, Roles, keep_site_roles, site_roles
from control_store.tables import ControlStore, touch

LONGEST_EMAIL: Final = 254

_LONGEST_TYPED: Final = 500
"""What is longer was never taken, and is not worth the hashing."""
_HASHER: Final = PasswordHasher()
"""argon2id with the library's defaults: the second recommendation of RFC 9106 (64 MiB, 3 passes, 4 lanes)."""


class User(NamedTuple):
    """Somebody who may log in; nothing secret."""

    id: int
    email: str
    roles: Roles
    created: int


class Session(NamedTuple):
    """One login that has not ended; times in ms UTC."""

    id: int
    created: int
    expires: int
    confirmed: int
    """When the password was given last."""
    user: User


class BadAccount(ValueError):
    """An account that can't be made or changed; the text is one sentence for a person."""


def add_user(store: ControlStore, email: str, role: Role | Roles, password: str, *, now: int) -> User:
    """Make a user; a single role is one for all sites. No set-up link opens anything any more. Raises BadAccount."""
    roles = role if isinstance(role, Roles) else Roles(role)
    values = _new_user(email, roles, password, now)
    with store.engine.begin() as connection:
        added = _insert(connection, values, roles)
        connection.execute(sa.delete(SETUP))
    return added


def setup_token(store: ControlStore, now: int) -> str:
    """The token of the set-up link: the same at every call until it is used; empty as soon as there is a user."""
    if has_users(store):
        return ""
    values = {"id": 1, "token": secrets.token_urlsafe(32), "created": now}
    try:
        with store.engine.begin() as connection:
            connection.execute(sa.insert(SETUP).values(values))
    except sa.exc.IntegrityError:
        pass  # it was made before, or by another process in this moment
    with store.engine.connect() as connection:
        return connection.execute(sa.select(SETUP.c.token)).scalar_one_or_none() or ""


def is_setup_token(store: ControlStore, token: str) -> bool:
    """Whether this token would make the first user."""
    with store.engine.connect() as connection:
        kept = connection.execute(sa.select(SETUP.c.token)).scalar_one_or_none()
    return kept is not None and secrets.compare_digest(kept.encode(), token.encode("utf-8", "replace"))


def use_setup_token(store: ControlStore, token: str, email: str, password: str, *, now: int) -> User | None:
    """Make the first user, an admin, and burn the token, in one transaction; None if it opens nothing.

    Raises BadAccount, and then the token stays.
    """
    if not is_setup_token(store, token):
        return None
    roles = Roles("admin")
    values = _new_user(email, roles, password, now)
    with store.engine.begin() as connection:
        if not connection.execute(sa.delete(SETUP).where(SETUP.c.token == token)).rowcount:
            return None
        return _insert(connection, values, roles)


def has_users(store: ControlStore) -> bool:
    """Whether anybody can log in."""
    with store.engine.connect() as connection:
        return connection.execute(sa.select(USERS.c.id).limit(1)).first() is not None


def list_users(store: ControlStore) -> list[User]:
    """Everybody who may log in, by e-mail."""
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(*_USER).order_by(USERS.c.email)).all()
        return [_user(connection, row) for row in rows]


def find_user(store: ControlStore, email: str) -> User:
    """The user with this address. Raises BadAccount."""
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(*_USER).where(USERS.c.email == _as_kept(email))).first()
        if row is None:
            raise BadAccount("Nobody has this e-mail address; `footfall user list` shows who there is.")
        return _user(connection, row)


def change_roles(store: ControlStore, user: User, roles: Roles) -> User:
    """Give a user other roles, from their next request on; the user as they are now.

    Keys that they made and might not make any more open nothing (makers.py). Raises BadAccount for the last
    admin of all sites.
    """
    with store.engine.begin() as connection:
        change = sa.update(USERS).where(USERS.c.id == user.id)
        if roles.everywhere != "admin":
            change = change.where(_not_the_last_admin())
        if not connection.execute(change.values(role=roles.everywhere or "")).rowcount:
            raise BadAccount("This is the last admin of all sites; make another one first.")
        keep_site_roles(connection, user.id, roles)
        touch(connection)
    return find_user(store, user.email)


def delete_user(store: ControlStore, user: User) -> None:
    """Forget a user; their sessions end at once, and keys that they made open nothing any more.

    Raises BadAccount for the last admin of all sites.
    """
    with store.engine.begin() as connection:
        gone = sa.delete(USERS).where(USERS.c.id == user.id, _not_the_last_admin())
        if not connection.execute(gone).rowcount:
            raise BadAccount("This is the last admin of all sites; make another one first.")
        touch(connection)


def set_password(store: ControlStore, user: User, password: str) -> None:
    """Give a user another password; every session of theirs ends. Raises BadAccount."""
    check_password_strength(password, user.email)
    encoded = _HASHER.hash(_normal(password))
    with store.engine.begin() as connection:
        connection.execute(sa.update(USERS).where(USERS.c.id == user.id).values(password=encoded))
        connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.user == user.id))


def check_password(store: ControlStore, email: str, password: str) -> User | None:
    """The user if the password is right. An unknown address costs the same time as a wrong password."""
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(*_USER, USERS.c.password).where(USERS.c.email == _as_kept(email))).first()
    nobody = _nobody()  # made at the first call, whoever is asked for
    encoded = row.password if row is not None else nobody
    try:
        _HASHER.verify(encoded if len(password) <= _LONGEST_TYPED else nobody, _normal(password[:_LONGEST_TYPED]))
    except (VerifyMismatchError, InvalidHashError):
        return None
    if row is None:
        return None
    if _HASHER.check_needs_rehash(encoded):
        with store.engine.begin() as connection:
            stronger = _HASHER.hash(_normal(password))
            connection.execute(sa.update(USERS).where(USERS.c.id == row.id).values(password=stronger))
    with store.engine.connect() as connection:
        return _user(connection, row)


def start_session(store: ControlStore, user: User, *, now: int, lasts_ms: int) -> str:
    """Begin a session and give its token, which is seen this once."""
    token = secrets.token_urlsafe(32)
    values = {"user": user.id, "digest": token_digest(token), "created": now}
    values |= {"expires": now + lasts_ms, "confirmed": now}
    with store.engine.begin() as connection:
        connection.execute(sa.insert(SESSIONS).values(values))
    return token


def find_session(store: ControlStore, token: str, *, now: int) -> Session | None:
    """The session of this token, unless it has ended."""
    columns = (SESSIONS.c.id, SESSIONS.c.created, SESSIONS.c.expires, SESSIONS.c.confirmed, *_USER)
    wanted = sa.and_(SESSIONS.c.digest == token_digest(token), SESSIONS.c.expires > now)
    joined = SESSIONS.join(USERS, SESSIONS.c.user == USERS.c.id)
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(*columns).select_from(joined).where(wanted)).first()
        return None if row is None else Session(*row[:4], _user(connection, row[4:]))


def list_sessions(store: ControlStore, user: User, *, now: int) -> list[Session]:
    """The sessions of a user that have not ended, newest first."""
    wanted = sa.and_(SESSIONS.c.user == user.id, SESSIONS.c.expires > now)
    columns = (SESSIONS.c.id, SESSIONS.c.created, SESSIONS.c.expires, SESSIONS.c.confirmed)
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).where(wanted).order_by(SESSIONS.c.id.desc()))
        return [Session(*row, user) for row in rows]


def end_session(store: ControlStore, session: Session) -> None:
    """End one session: its token opens nothing any more."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.id == session.id))


def forget_sessions(store: ControlStore, *, now: int) -> int:
    """Delete the sessions whose time is over; how many they were."""
    with store.engine.begin() as connection:
        return int(connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires <= now)).rowcount)


def check_password_strength(password: str, email: str) -> None:
    """Raise BadAccount unless a password is one that is taken (passwords.py)."""
    try:
        check_strength(password, email)
    except BadPassword as error:
        raise BadAccount(str(error)) from None


def check_email(email: str) -> str:
    """The address as it is kept. Raises BadAccount for what is none."""
    kept = _as_kept(email)
    name, at, host = kept.partition("@")
    if not (name and at and host) or "@" in host or len(kept) > LONGEST_EMAIL or not kept.isprintable() or " " in kept:
        raise BadAccount("That is no e-mail address; write it like ada@shop.example.")
    return kept


def token_digest(token: str) -> bytes:
    """What is kept of a token; it has so many random bits that a plain hash can't be turned back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


_USER: Final = (USERS.c.id, USERS.c.email, USERS.c.role, USERS.c.created)


def _user(connection: sa.Connection, row: Sequence[Any]) -> User:
    """From the columns _USER, and the roles for single sites."""
    number, email, role, created = row[:4]
    return User(number, email, Roles(role or None, site_roles(connection, number)), created)


def _new_user(email: str, roles: Roles, password: str, now: int) -> dict[str, object]:
    kept = check_email(email)
    check_password_strength(password, kept)
    return {"email": kept, "role": roles.everywhere or "", "password": _HASHER.hash(_normal(password)), "created": now}


def _insert(connection: sa.Connection, values: dict[str, object], roles: Roles) -> User:
    try:
        connection.execute(sa.insert(USERS).values(values))
    except sa.exc.IntegrityError:
        raise BadAccount("Somebody with this e-mail address exists already.") from None
    row = connection.execute(sa.select(*_USER).where(USERS.c.email == values["email"])).one()
    keep_site_roles(connection, row.id, roles)
    return _user(connection, row)


def _not_the_last_admin() -> sa.ColumnElement[bool]:
    """Part of the statement itself, so that two admins who remove each other at once leave one."""
    others = USERS.alias()
    admins = sa.select(sa.func.count()).select_from(others).where(others.c.role == "admin").scalar_subquery()
    return sa.or_(USERS.c.role != "admin", admins > 1)


def _as_kept(email: str) -> str:
    return unicodedata.normalize("NFC", email).strip().lower()


def _normal(password: str) -> str:
    """One spelling for what looks the same, as RFC 8265 wants; never trimmed, never lowered."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace").decode()


@cache
def _nobody() -> str:
    """A hash to compare with when there is no such user, so that the answer takes as long."""
    return _HASHER.hash(secrets.token_urlsafe(32))
