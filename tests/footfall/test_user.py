"""People by the command line, with the server stopped, as an operator types it."""

import json
from pathlib import Path

import pytest

from control_store.accounts import check_password
from control_store.tables import ControlStore
from tests.product import command

pytestmark = pytest.mark.req("D9")
FIRST = "a long enough password"


def test_somebody_is_added_listed_given_another_password_and_deleted(tmp_path: Path) -> None:
    """Each command does what it says; the password comes by standard input and is shown nowhere."""
    data = tmp_path / "data"
    added = command(data, "user", "add", "Ada@shop.example", "--role", "admin", "--password-stdin", input=f"{FIRST}\n")
    assert json.loads(added.stdout) == {"id": 1, "email": "ada@shop.example", "role": "admin"}
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
