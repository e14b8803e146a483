"""`footfall hold`: asked for by one, confirmed by another, in the ledger without their names."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from control_store.accounts import add_user
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from event_catalogue.days import day_text
from footfall.__main__ import main
from footfall.assembly import clock


@pytest.mark.req("R8", "R3")
def test_a_hold_from_the_command_line(tmp_path: Path) -> None:
    """Every refusal is a sentence with exit code 1; the list and the ledger say what holds."""
    store = ControlStore.in_directory(tmp_path)
    store.migrate()
    add_site(store, NewSite("shop.example"), now=1)
    for name, role in (("anna", "admin"), ("ben", "privacy_officer")):
        add_user(store, f"{name}@x.example", role, "correct horse battery", now=1)
    store.close()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["hold", *arguments, "--data", str(tmp_path)])

    until = day_text(clock() // 86_400_000 + 30)
    asked = ("add", "--site", "shop.example", "--from", "2025-12-01", "--to", "2025-12-03", "--reason", "a claim")
    assert run(*asked, "--until", until, "--by", "nobody@x.example").exit_code == 1
    assert run(*asked, "--until", "2025-12-05", "--by", "anna@x.example").exit_code == 1
    assert run(*asked, "--until", until, "--by", "anna@x.example").exit_code == 0
    alone = run("confirm", "1", "--by", "anna@x.example")
    assert (alone.exit_code, "another person" in alone.output) == (1, True)
    assert "not confirmed" in run("list").output
    assert run("confirm", "1", "--by", "ben@x.example").exit_code == 0
    assert json.loads(run("list", "--json").output)[0]["state"] == f"until {until}"
    assert run("end", "1", "--by", "anna@x.example").exit_code == 0
    assert run("end", "1", "--by", "anna@x.example").exit_code == 1
    lines = [json.loads(line) for line in (tmp_path / "ledger" / "ledger.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["hold.begun", "hold.ended"]
    scope = {"hold": 1, "site": 1, "first": "2025-12-01", "last": "2025-12-03", "until": until, "reason": "a claim"}
    assert [line["content"] for line in lines] == [scope, scope]
    assert b"anna" not in (tmp_path / "ledger" / "ledger.jsonl").read_bytes()
