"""People, passwords and sessions: nothing that is kept opens anything, and the set-up link opens once."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from control_store.accounts import (
    BadAccount,
    User,
    add_user,
    check_password,
    delete_user,
    end_session,
    find_session,
    find_user,
    forget_sessions,
    has_users,
    is_setup_token,
    list_sessions,
    list_users,
    set_password,
    setup_token,
    start_session,
    use_setup_token,
)
from control_store.people_tables import USERS
from control_store.roles import ROLES, Roles
from control_store.tables import ControlStore

NOW: Final = 1_764_000_000_000
HOUR: Final = 3_600_000
PASSWORD: Final = "correct horse battery"

pytestmark = pytest.mark.req("D9")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    """A store on a real SQLite file."""
    opened = ControlStore.in_directory(tmp_path)
    opened.migrate()
    yield opened
    opened.close()


def test_a_user_is_found_by_address_however_it_is_written(store: ControlStore) -> None:
    """Case and blanks around do not matter, and the password opens for that user alone."""
    ada = add_user(store, " Ada@Shop.example ", "admin", PASSWORD, now=NOW)
    bob = add_user(store, "bob@shop.example", "viewer", "another long one", now=NOW)
    assert ada == User(ada.id, "ada@shop.example", Roles("admin"), NOW)
    assert list_users(store) == [ada, bob]
    assert find_user(store, "ADA@shop.example") == ada
    assert check_password(store, "ada@SHOP.example", PASSWORD) == ada
    assert check_password(store, "bob@shop.example", PASSWORD) is None
    assert check_password(store, "carl@shop.example", PASSWORD) is None


@pytest.mark.parametrize("role", ROLES)
def test_every_role_can_be_given(store: ControlStore, role: str) -> None:
    """And is kept as it was given."""
    add_user(store, "a@shop.example", role, PASSWORD, now=NOW)  # type: ignore[arg-type]  # a role by its name
    assert list_users(store)[0].roles.everywhere == role


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada", PASSWORD),
        ("@shop.example", PASSWORD),
        ("ada@", PASSWORD),
        ("a@b@c", PASSWORD),
        ("a b@shop.example", PASSWORD),
        ("a\x00@shop.example", PASSWORD),
        ("a" * 250 + "@shop.example", PASSWORD),
        ("ada@shop.example", "brief pwd"),
        ("ada@shop.example", "x1y" + "0123456789abcdef" * 8),
        ("ada@shop.example", "Football2024!"),
        ("ada@shop.example", "PassWord123456"),
        ("ada@shop.example", "trustno1trustno1"),
        ("ada@shop.example", "qwertyuiopas"),
        ("ada@shop.example", "aaaaaaaaaaaa"),
        ("ada@shop.example", "Ada@shop.example"),
    ],
)
def test_what_is_no_account_is_refused_with_a_sentence(store: ControlStore, email: str, password: str) -> None:
    """And nobody is added."""
    with pytest.raises(BadAccount) as refusal:
        add_user(store, email, "viewer", password, now=NOW)
    assert str(refusal.value).endswith(".")
    assert password not in str(refusal.value)
    assert not has_users(store)


def test_an_address_is_taken_once(store: ControlStore) -> None:
    """Also in another case."""
    add_user(store, "ada@shop.example", "admin", PASSWORD, now=NOW)
    with pytest.raises(BadAccount, match="exists already"):
        add_user(store, "ADA@shop.example", "viewer", PASSWORD, now=NOW)


def test_passwords_are_kept_as_argon2id(store: ControlStore, tmp_path: Path) -> None:
    """With 64 MiB and a salt each, and the password lies in no file."""
    for name in ("ada", "bob"):
        add_user(store, f"{name}@shop.example", "viewer", PASSWORD, now=NOW)
    with store.engine.connect() as connection:
        kept = list(connection.execute(sa.select(USERS.c.password)).scalars())
    assert all(text.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for text in kept)
    assert len(set(kept)) == 2
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]


def test_looks_alike_opens_alike(store: ControlStore) -> None:
    """A letter with its accent apart is the same password; another case or a blank behind is not."""
    add_user(store, "ada@shop.example", "viewer", "Caf\u00e9 au lait!", now=NOW)
    assert check_password(store, "ada@shop.example", "Cafe\u0301 au lait!")
    assert not check_password(store, "ada@shop.example", "caf\u00e9 au lait!")
    assert not check_password(store, "ada@shop.example", "Caf\u00e9 au lait! ")
    assert not check_password(store, "ada@shop.example", "\ud800" + "x" * 20)


def test_an_unknown_address_takes_as_long_as_a_wrong_password(store: ControlStore) -> None:
    """So the clock tells nobody who exists: the shortest times are within a factor of two."""
    add_user(store, "ada@shop.example", "viewer", PASSWORD, now=NOW)
    shortest = []
    for email in ("ada@shop.example", "nobody@shop.example"):
        taken = []
        for _ in range(7):
            began = time.perf_counter()
            check_password(store, email, "a wrong password")
            taken.append(time.perf_counter() - began)
        shortest.append(min(taken))
    assert max(shortest) < 2 * min(shortest)


def test_a_session_opens_until_its_time_is_over(store: ControlStore, tmp_path: Path) -> None:
    """The token is in no file, and opens nothing at the moment at which it expires."""
    ada = add_user(store, "ada@shop.example", "admin", PASSWORD, now=NOW)
    token = start_session(store, ada, now=NOW, lasts_ms=48 * HOUR)
    found = find_session(store, token, now=NOW + 48 * HOUR - 1)
    assert found is not None
    assert (found.user, found.created, found.expires) == (ada, NOW, NOW + 48 * HOUR)
    assert find_session(store, token, now=NOW + 48 * HOUR) is None
    assert find_session(store, token + "x", now=NOW) is None
    assert find_session(store, "", now=NOW) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]


def test_ended_and_overdue_sessions_are_gone(store: ControlStore) -> None:
    """One at a time, all of a user with a new password, and the overdue ones by the job."""
    ada = add_user(store, "ada@shop.example", "admin", PASSWORD, now=NOW)
    tokens = [start_session(store, ada, now=NOW, lasts_ms=hours * HOUR) for hours in (1, 2, 3, 4)]
    first = find_session(store, tokens[3], now=NOW)
    assert first is not None
    assert len(list_sessions(store, ada, now=NOW)) == 4
    end_session(store, first)
    assert find_session(store, tokens[3], now=NOW) is None
    assert forget_sessions(store, now=NOW + 2 * HOUR) == 2
    assert [one.expires for one in list_sessions(store, ada, now=NOW)] == [NOW + 3 * HOUR]
    set_password(store, ada, "a new and longer one")
    assert list_sessions(store, ada, now=NOW) == []
    assert check_password(store, "ada@shop.example", PASSWORD) is None
    assert check_password(store, "ada@shop.example", "a new and longer one") == ada


def test_a_deleted_user_is_out_at_once_and_the_last_admin_stays(store: ControlStore) -> None:
    """Nobody can lock everybody out."""
    ada = add_user(store, "ada@shop.example", "admin", PASSWORD, now=NOW)
    bob = add_user(store, "bob@shop.example", "viewer", PASSWORD, now=NOW)
    token = start_session(store, bob, now=NOW, lasts_ms=HOUR)
    delete_user(store, bob)
    assert find_session(store, token, now=NOW) is None
    with pytest.raises(BadAccount, match="last admin"):
        delete_user(store, ada)
    with pytest.raises(BadAccount, match="Nobody"):
        find_user(store, "bob@shop.example")


def test_the_setup_link_stays_the_same_until_it_is_used(store: ControlStore, tmp_path: Path) -> None:
    """Across restarts; it makes one admin, once, and then there is none any more."""
    token = setup_token(store, NOW)
    assert len(token) >= 40
    again = ControlStore.in_directory(tmp_path)
    assert setup_token(again, NOW + HOUR) == token
    again.close()
    assert is_setup_token(store, token)
    assert not is_setup_token(store, token[:-1])
    assert use_setup_token(store, "wrong", "eve@shop.example", PASSWORD, now=NOW) is None
    with pytest.raises(BadAccount):
        use_setup_token(store, token, "ada@shop.example", "short", now=NOW)
    ada = use_setup_token(store, token, "ada@shop.example", PASSWORD, now=NOW)
    assert ada is not None
    assert ada.roles.everywhere == "admin"
    assert use_setup_token(store, token, "eve@shop.example", PASSWORD, now=NOW) is None
    assert setup_token(store, NOW) == ""
    assert not is_setup_token(store, token)
    assert list_users(store) == [ada]


def test_two_who_open_the_setup_link_at_once_make_one_admin(store: ControlStore) -> None:
    """The token burns in the transaction that makes the user."""
    token = setup_token(store, NOW)
    made: list[User | None] = []
    gate = threading.Barrier(4)

    def use(number: int) -> None:
        gate.wait()
        made.append(use_setup_token(store, token, f"a{number}@shop.example", PASSWORD, now=NOW))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in made if one]) == 1
    assert len(list_users(store)) == 1


def test_a_user_made_by_command_closes_the_setup_link(store: ControlStore) -> None:
    """Whoever finds the old link in a terminal's history gets nothing."""
    token = setup_token(store, NOW)
    add_user(store, "ada@shop.example", "viewer", PASSWORD, now=NOW)
    assert use_setup_token(store, token, "eve@shop.example", PASSWORD, now=NOW) is None


@pytest.mark.parametrize(
    "password", ["x1 " + "long and longer " * 7, "ünïcödé pàsswörd", "  blanks around it  ", "Tr0ub4dor&3xyz"]
)
def test_a_password_may_be_long_and_hold_any_sign(store: ControlStore, password: str) -> None:
    """Up to 128 characters, none cut off, trimmed or forbidden; no kind of sign is asked for."""
    add_user(store, "ada@shop.example", "viewer", password, now=NOW)
    assert check_password(store, "ada@shop.example", password) is not None
    for other in (
        password[:-1],
        password + "x",
        password.strip() if password != password.strip() else password.upper(),
    ):
        assert check_password(store, "ada@shop.example", other) is None
    assert check_password(store, "ada@shop.example", password + "x" * 5000) is None
