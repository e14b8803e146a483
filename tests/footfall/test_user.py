"""People by the command line, with the server stopped, as an operator types it."""

import json
from pathlib import Path
from typing import Any

import pytest

from control_store.accounts import add_user, check_password, find_user
from control_store.sites import add_key, find_site, list_keys
from control_store.tables import ControlStore
from tests.product import command

pytestmark = pytest.mark.req("D9")
FIRST = "a long enough password"


def test_somebody_is_added_listed_given_another_password_and_deleted(tmp_path: Path) -> None:
    """Each command does what it says; the password comes by standard input and is shown nowhere."""
    data = tmp_path / "data"
    added = command(data, "user", "add", "Ada@shop.example", "--role", "admin", "--password-stdin", input=f"{FIRST}\n")
    assert json.loads(added.stdout) == {"id": 1, "email": "ada@shop.example", "role": "admin", "sites": {}}
    command(
        data, "user", "add", "eve@shop.example", "--role", "privacy-officer", "--password-stdin", input=f"{FIRST}\n"
    )
    told = json.loads(command(data, "user", "list", "--json").stdout)
    assert [(one["email"], one["role"]) for one in told] == [
        ("ada@shop.example", "admin"),
        ("eve@shop.example", "privacy_officer"),
    ]
    changed = command(data, "user", "password", "ada@shop.example", "--password-stdin", input="another long password\n")
    assert "another" not in changed.stdout + changed.stderr
    store = ControlStore.in_directory(data)
    try:
        assert check_password(store, "ada@shop.example", FIRST) is None
        assert check_password(store, "ada@shop.example", "another long password") is not None
    finally:
        store.close()
    command(data, "user", "delete", "eve@shop.example")
    assert "eve@" not in command(data, "user", "list").stdout


def test_roles_are_given_for_all_sites_and_for_single_ones(tmp_path: Path) -> None:
    """By name, key or id of the site; `none` takes a role away, and the last one stays."""
    data = tmp_path / "data"

    def roles(*arguments: str) -> Any:
        told = json.loads(command(data, "user", *arguments, input=f"{FIRST}\n").stdout)
        return told["role"], told["sites"]

    for domain in ("shop.example", "blog.example"):
        command(data, "site", "add", domain)
    added = ("add", "bob@shop.example", "--role", "viewer", "--site", "shop.example", "--password-stdin")
    assert roles(*added) == (None, {"shop.example": "viewer"})
    bob = ("role", "bob@shop.example")
    assert roles(*bob, "--role", "admin", "--site", "2") == (None, {"shop.example": "viewer", "blog.example": "admin"})
    assert roles(*bob, "--role", "analyst") == ("analyst", {"shop.example": "viewer", "blog.example": "admin"})
    assert "shop.example: viewer\tblog.example: admin" in command(data, "user", "list").stdout
    assert roles(*bob, "--role", "none", "--site", "shop.example") == ("analyst", {"blog.example": "admin"})
    assert roles(*bob, "--role", "none") == (None, {"blog.example": "admin"})
    refused = command(data, "user", *bob, "--role", "none", "--site", "blog.example", check=False)
    assert (refused.returncode, "Choose a role" in refused.stderr) == (1, True)
    command(data, "site", "delete", "blog.example", "--yes")
    assert json.loads(command(data, "user", "list", "--json").stdout)[0]["sites"] == {}


@pytest.mark.req("D7")
def test_keys_of_somebody_who_goes_are_revoked_or_kept_as_it_is_said(tmp_path: Path) -> None:
    """Without a word nobody goes; kept keys become the installation's."""
    data = tmp_path / "data"
    command(data, "site", "add", "shop.example")
    store = ControlStore.in_directory(data)
    site = find_site(store, "shop.example")
    for name in ("ada", "bob", "eve"):
        add_user(store, f"{name}@shop.example", "admin", FIRST, now=1)
    made = [
        add_key(store, site, "stats", now=1, maker=find_user(store, f"{name}@shop.example").id)
        for name in ("bob", "eve")
    ]
    refused = command(data, "user", "delete", "bob@shop.example", check=False)
    assert (refused.returncode, f"shop.example stats …{made[0][-4:]}" in refused.stderr) == (1, True)
    command(data, "user", "delete", "bob@shop.example", "--keys", "keep")
    assert command(data, "user", "role", "eve@shop.example", "--role", "viewer", check=False).returncode == 1
    command(data, "user", "role", "eve@shop.example", "--role", "viewer", "--keys", "revoke")
    assert [(key.hint, key.maker, key.opens) for key in list_keys(store, site)] == [(made[0][-4:], "", True)]
    store.close()


@pytest.mark.parametrize(
    ("arguments", "told", "code"),
    [
        (("add", "ada@shop.example", "--role", "boss", "--password-stdin"), "choose one of admin, analyst", 2),
        (("add", "no-address", "--role", "viewer", "--password-stdin"), "no e-mail address", 1),
        (("delete", "nobody@shop.example"), "Nobody has this e-mail address", 1),
        (("password", "nobody@shop.example", "--password-stdin"), "Nobody has this e-mail address", 1),
    ],
)
def test_what_cant_be_done_is_said_in_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], told: str, code: int
) -> None:
    """One sentence that says what to do, and the exit code."""
    done = command(tmp_path / "data", "user", *arguments, check=False, input=f"{FIRST}\n")
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
