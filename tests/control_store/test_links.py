"""Links that are handed over: each opens once, for its time, for its person."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from control_store.accounts import (
    BadAccount,
    add_user,
    check_password,
    find_session,
    list_users,
    start_session,
)
from control_store.audit import ACTIONS, KEPT_DAYS, Entry, entries, forget_entries, note
from control_store.links import (
    find_link,
    forget_links,
    invite,
    offer_reset,
    open_links,
    use_link,
    withdraw_links,
)
from control_store.roles import Roles
from control_store.tables import ControlStore

pytestmark = pytest.mark.req("D9")
NOW: Final = 1_764_000_000_000
DAY: Final = 86_400_000
PASSWORD: Final = "correct horse battery"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    """A store on a real SQLite file."""
    opened = ControlStore.in_directory(tmp_path)
    opened.migrate()
    yield opened
    opened.close()


def test_an_invitation_makes_the_account_once(store: ControlStore, tmp_path: Path) -> None:
    """In the role that was meant; a weak password leaves the link as it was; the token is not kept."""
    token = invite(store, " Bob@Shop.example", "analyst", now=NOW)
    found = find_link(store, token, now=NOW)
    assert found is not None
    assert found[:3] == ("invitation", "bob@shop.example", Roles("analyst"))
    with pytest.raises(BadAccount, match="too short"):
        use_link(store, token, "brief", now=NOW)
    used = use_link(store, token, PASSWORD, now=NOW)
    assert used is not None
    assert (used[0], used[1].email, used[1].roles.everywhere) == ("invitation", "bob@shop.example", "analyst")
    assert check_password(store, "bob@shop.example", PASSWORD) == used[1]
    assert use_link(store, token, PASSWORD, now=NOW) is None
    with pytest.raises(BadAccount, match="exists already"):
        invite(store, "bob@shop.example", "admin", now=NOW)
    dump = "\n".join(sqlite3.connect(tmp_path / "control.db").iterdump())
    assert token not in dump


def test_a_reset_gives_another_password_and_ends_every_login(store: ControlStore) -> None:
    """The old one opens nothing any more."""
    bob = add_user(store, "bob@shop.example", "viewer", PASSWORD, now=NOW)
    session = start_session(store, bob, now=NOW, lasts_ms=DAY)
    token = offer_reset(store, bob, now=NOW)
    assert find_session(store, session, now=NOW) is not None, "the link alone changes nothing"
    assert use_link(store, token, "another good one", now=NOW) == ("reset", bob)
    assert find_session(store, session, now=NOW) is None
    assert check_password(store, "bob@shop.example", PASSWORD) is None
    assert check_password(store, "bob@shop.example", "another good one") == bob


@pytest.mark.parametrize(("kind", "lasts"), [("invitation", 7 * DAY), ("reset", DAY)])
def test_a_link_ends(store: ControlStore, kind: str, lasts: int) -> None:
    """To the millisecond; then it is forgotten, too."""
    bob = add_user(store, "bob@shop.example", "viewer", PASSWORD, now=NOW)
    make = {"invitation": lambda: invite(store, "a@b.example", "viewer", now=NOW)}.get(
        kind, lambda: offer_reset(store, bob, now=NOW)
    )
    token = make()
    assert find_link(store, token, now=NOW + lasts - 1) is not None
    assert find_link(store, token, now=NOW + lasts) is None
    assert use_link(store, token, PASSWORD, now=NOW + lasts) is None
    assert forget_links(store, now=NOW + lasts - 1) == 0
    assert forget_links(store, now=NOW + lasts) == 1
    assert open_links(store, now=NOW) == []


def test_another_link_or_a_withdrawal_closes_the_earlier_one(store: ControlStore) -> None:
    """One for an address at a time."""
    first = invite(store, "a@b.example", "viewer", now=NOW)
    second = invite(store, "a@b.example", "admin", now=NOW)
    assert find_link(store, first, now=NOW) is None
    assert [link.roles.everywhere for link in open_links(store, now=NOW)] == ["admin"]
    withdraw_links(store, "a@b.example")
    assert use_link(store, second, PASSWORD, now=NOW) is None
    assert list_users(store) == []
    for nothing in ("", "x" * 10_000, "\ud800"):
        assert find_link(store, nothing, now=NOW) is None


def test_the_audit_log_is_newest_first_and_ends(store: ControlStore) -> None:
    """Every action has words; what is none is refused; after its period an entry is gone."""
    for place, action in enumerate(ACTIONS):
        note(store, Entry(NOW + place, "ada@shop.example", action, "shop.example", "x" * 400))
    found, total = entries(store, limit=5)
    assert total == len(ACTIONS)
    assert [one.action for one in found] == list(ACTIONS)[::-1][:5]
    assert {len(one.subject) for one in found} == {300}
    assert [one.action for one in entries(store, limit=5, offset=total - 1)[0]] == list(ACTIONS)[:1]
    with pytest.raises(KeyError):
        note(store, Entry(NOW, "ada@shop.example", "dance", "", ""))
    assert forget_entries(store, now=NOW + KEPT_DAYS * DAY) == 0
    assert forget_entries(store, now=NOW + KEPT_DAYS * DAY + 3) == 3
