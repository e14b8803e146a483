"""The second factor against RFC 6238 itself, and what is kept of it."""

import base64
import hmac
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from control_store.accounts import BadAccount, User, add_user, delete_user
from control_store.people_tables import RECOVERY_CODES
from control_store.second_factor import (
    enrolment_address,
    is_on,
    new_secret,
    recovery_codes_left,
    renew_recovery_codes,
    turn_off,
    turn_on,
    use_code,
)
from control_store.tables import ControlStore

pytestmark = pytest.mark.req("D9")
NOW: Final = 1_764_000_000_000
STEP_MS: Final = 30_000


def code_at(secret: str, moment: int) -> str:
    """The six digits of RFC 6238 (SHA-1, 30 s) at a moment in ms, worked out from the RFC's own words."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", moment // STEP_MS), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def test_the_calculation_is_that_of_the_rfc() -> None:
    """RFC 6238, appendix B, cut to six digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert [code_at(secret, seconds * 1000) for seconds in (59, 1111111109, 20000000000)] == [
        "287082",
        "081804",
        "353130",
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    """A store on a real SQLite file."""
    opened = ControlStore.in_directory(tmp_path)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def ada(store: ControlStore) -> User:
    """Somebody."""
    return add_user(store, "ada@shop.example", "admin", "correct horse battery", now=NOW)


def test_it_is_turned_on_by_a_right_code_alone(store: ControlStore, ada: User) -> None:
    """And then asks for codes; a wrong one, or a secret that is none, changes nothing."""
    secret = new_secret()
    for wrong, code in ((secret, "000000"), (secret, ""), (secret, "١٢٣٤٥٦"), ("short", "123456"), ("", "")):
        with pytest.raises(BadAccount):
            turn_on(store, ada, wrong, code if code != code_at(secret, NOW) else "111111", now=NOW)
    assert not is_on(store, ada)
    codes = turn_on(store, ada, secret, code_at(secret, NOW), now=NOW)
    assert is_on(store, ada)
    assert len(set(codes)) == recovery_codes_left(store, ada) == 10
    with pytest.raises(BadAccount, match="on already"):
        turn_on(store, ada, secret, code_at(secret, NOW + STEP_MS), now=NOW + STEP_MS)


def test_a_code_opens_once_and_only_around_its_time(store: ControlStore, ada: User) -> None:
    """One step of 30 s early or late is taken; nothing at or before the last one that was."""
    secret = new_secret()
    turn_on(store, ada, secret, code_at(secret, NOW), now=NOW)
    assert not use_code(store, ada, code_at(secret, NOW), now=NOW), "the one that turned it on"
    later = NOW + 10 * STEP_MS
    for far in (-2, 2, 3, 100):
        assert not use_code(store, ada, code_at(secret, later + far * STEP_MS), now=later)
    assert use_code(store, ada, f" {code_at(secret, later)[:3]} {code_at(secret, later)[3:]} ", now=later)
    assert not use_code(store, ada, code_at(secret, later), now=later)
    assert not use_code(store, ada, code_at(secret, later - STEP_MS), now=later)
    assert use_code(store, ada, code_at(secret, later + STEP_MS), now=later)


def test_recovery_codes_open_once_each(store: ControlStore, ada: User) -> None:
    """However they are typed; of another person's, or after others were made, none does."""
    secret = new_secret()
    codes = turn_on(store, ada, secret, code_at(secret, NOW), now=NOW)
    bob = add_user(store, "bob@shop.example", "viewer", "another long one", now=NOW)
    assert not use_code(store, bob, codes[0], now=NOW)
    assert use_code(store, ada, codes[0], now=NOW)
    assert not use_code(store, ada, codes[0], now=NOW)
    assert use_code(store, ada, f"{codes[1][:4]}-{codes[1][4:8]} {codes[1][8:]}".upper(), now=NOW)
    assert recovery_codes_left(store, ada) == 8
    others = renew_recovery_codes(store, ada)
    assert not use_code(store, ada, codes[2], now=NOW)
    assert use_code(store, ada, others[0], now=NOW)
    for nothing in ("", " ", "0" * 12, "x" * 10_000, "\ud800"):
        assert not use_code(store, ada, nothing, now=NOW)


def test_turned_off_nothing_of_it_is_kept(store: ControlStore, ada: User, tmp_path: Path) -> None:
    """Neither the secret nor a code; nor of somebody who was deleted."""
    secret = new_secret()
    codes = turn_on(store, ada, secret, code_at(secret, NOW), now=NOW)
    assert not any(code.encode() in (tmp_path / "control.db").read_bytes() for code in codes)
    turn_off(store, ada)
    assert (is_on(store, ada), recovery_codes_left(store, ada)) == (False, 0)
    assert not use_code(store, ada, codes[0], now=NOW)
    add_user(store, "eve@shop.example", "admin", "correct horse battery", now=NOW)
    turn_on(store, ada, secret, code_at(secret, NOW), now=NOW)
    delete_user(store, ada)
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(RECOVERY_CODES)).scalar_one() == 0


def test_an_authenticator_reads_whose_it_is(ada: User) -> None:
    """The address names product and person."""
    address = enrolment_address(ada, "A" * 32)
    assert address.startswith("otpauth://totp/footfall:ada%40shop.example?")
    assert "secret=" + "A" * 32 in address
    assert "issuer=footfall" in address
