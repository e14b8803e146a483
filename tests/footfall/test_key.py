"""Keys by the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from control_store.key_sites import sites_of_keys
from control_store.snapshot import key_digest
from control_store.tables import ControlStore
from footfall.__main__ import main


@pytest.mark.req("D7", "D12")
def test_a_key_of_several_sites_is_made_listed_and_closed_by_each(tmp_path: Path) -> None:
    """Both sites see it; the guest's number closes that site alone, and only questions are asked of several sites."""

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, [*words, "--data", str(tmp_path)])
        return done.exit_code, done.output

    for name in ("shop.example", "blog.example"):
        assert run("site", "add", name)[0] == 0
    opened = ("key", "add", "--site", "shop.example", "--also", "blog.example")
    assert run(*opened, "--scope", "events")[0] == 2
    assert run(*opened, "--also", "none.example", "--scope", "stats")[0] == 1
    assert run("key", "list", "--site", "shop.example")[1].startswith("There is none")
    code, printed = run(*opened, "--scope", "stats", "--json")
    assert code == 0
    key = json.loads(printed)["key"]
    store = ControlStore.in_directory(tmp_path)
    assert sites_of_keys(store) == {key_digest(key): frozenset({2})}
    number, scope, hint, _used = run("key", "list", "--site", "shop.example")[1].strip().split("\t")
    assert (scope, hint) == ("stats", f"…{key[-4:]}")
    assert run("key", "list", "--site", "blog.example")[1] == f"{number}\tstats\t…{key[-4:]}\tof shop.example\n"
    assert run("key", "revoke", number, "--site", "blog.example") == (0, "Revoked.\n")
    assert sites_of_keys(store) == {}
    assert run("key", "revoke", number, "--site", "blog.example")[0] == 1
    assert run("key", "revoke", number, "--site", "shop.example")[0] == 0
    assert run("key", "list", "--site", "shop.example")[1].startswith("There is none")
    store.close()
