"""The second factor of a login: codes of an authenticator (TOTP, RFC 6238), and recovery codes for when it is lost.

A code is taken once: the step of the last one is kept, and nothing at or before it opens again. Of recovery codes only
digests are kept; each opens once.
"""

import secrets
from datetime import UTC, datetime
from typing import Final

import pyotp
import sqlalchemy as sa
from pyotp import TOTP

from control_store.accounts import BadAccount, User, token_digest
from control_store.people_tables import RECOVERY_CODES, USERS
from control_store.tables import ControlStore

STEP_S: Final = 30
RECOVERY_CODES_EACH: Final = 10
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH: Final = 12
"""Signs of a recovery code: 59 random bits, so that its plain digest can't be turned back."""


def new_secret() -> str:
    """A secret for an authenticator, in base 32; 160 random bits (RFC 4226 § 4 asks for them)."""
    return pyotp.random_base32()


def enrolment_address(user: User, secret: str) -> str:
    """What an authenticator reads from the picture: an otpauth:// address."""
    return TOTP(secret).provisioning_uri(name=user.email, issuer_name="footfall")


def is_on(store: ControlStore, user: User) -> bool:
    """Whether this user's login asks for a code."""
    return bool(_secret(store, user))


def turn_on(store: ControlStore, user: User, secret: str, code: str, *, now: int) -> list[str]:
    """Ask for codes of this secret from now on; the recovery codes, seen this once. Raises BadAccount.

    The code proves that the authenticator has the secret.
    """
    if not is_secret(secret):
        raise BadAccount("This form is not complete; open the page again.")
    step = _step_of(secret, code, now)
    if step is None:
        raise BadAccount("This code is not right. Is the authenticator's clock right? Take its newest code.")
    codes = _new_codes()
    with store.engine.begin() as connection:
        change = sa.update(USERS).where(USERS.c.id == user.id, USERS.c.totp == "")
        if not connection.execute(change.values(totp=secret, totp_step=step)).rowcount:
            raise BadAccount("A second factor is on already; turn it off first.")
        _replace_codes(connection, user, codes)
    return codes


def turn_off(store: ControlStore, user: User) -> None:
    """A password is enough again; recovery codes are forgotten."""
    with store.engine.begin() as connection:
        connection.execute(sa.update(USERS).where(USERS.c.id == user.id).values(totp="", totp_step=0))
        connection.execute(sa.delete(RECOVERY_CODES).where(RECOVERY_CODES.c.user == user.id))


def renew_recovery_codes(store: ControlStore, user: User) -> list[str]:
    """Other recovery codes, seen this once; the old ones open nothing any more."""
    codes = _new_codes()
    with store.engine.begin() as connection:
        _replace_codes(connection, user, codes)
    return codes


def recovery_codes_left(store: ControlStore, user: User) -> int:
    """How many recovery codes are unused."""
    counted = sa.select(sa.func.count()).select_from(RECOVERY_CODES).where(RECOVERY_CODES.c.user == user.id)
    with store.engine.connect() as connection:
        return int(connection.execute(counted).scalar_one())


def use_code(store: ControlStore, user: User, code: str, *, now: int) -> bool:
    """Whether this code opens: the authenticator's of now, the one before or after, or a recovery code; each once."""
    plain = "".join(code.split()).replace("-", "").lower()
    step = _step_of(_secret(store, user), plain, now)
    with store.engine.begin() as connection:
        if step is not None:
            later = sa.update(USERS).where(USERS.c.id == user.id, USERS.c.totp_step < step)
            return bool(connection.execute(later.values(totp_step=step)).rowcount)
        mine = sa.and_(RECOVERY_CODES.c.user == user.id, RECOVERY_CODES.c.digest == token_digest(plain))
        return bool(connection.execute(sa.delete(RECOVERY_CODES).where(mine)).rowcount)


def _step_of(secret: str, code: str, now: int) -> int | None:
    """The time step whose code this is, of those around now."""
    if not secret or len(code) != 6 or not code.isascii() or not code.isdigit():
        return None
    for step in (now // 1000 // STEP_S + shift for shift in (0, -1, 1)):
        if TOTP(secret).verify(code, for_time=datetime.fromtimestamp(step * STEP_S, UTC)):
            return step
    return None


def _secret(store: ControlStore, user: User) -> str:
    with store.engine.connect() as connection:
        return connection.execute(sa.select(USERS.c.totp).where(USERS.c.id == user.id)).scalar_one_or_none() or ""


def is_secret(text: str) -> bool:
    """Whether this is in the form of `new_secret`."""
    return len(text) == 32 and all(sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for sign in text)


def _new_codes() -> list[str]:
    return ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(RECOVERY_CODES_EACH)]


def _replace_codes(connection: sa.Connection, user: User, codes: list[str]) -> None:
    connection.execute(sa.delete(RECOVERY_CODES).where(RECOVERY_CODES.c.user == user.id))
    rows = [{"user": user.id, "digest": token_digest(code)} for code in codes]
    connection.execute(sa.insert(RECOVERY_CODES), rows)
