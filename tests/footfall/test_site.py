"""Sites by the command line, as an operator types it: the signal's statement, refused hosts, settings."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from control_store.device_links import use_device_link
from control_store.refused_hosts import take_host
from control_store.site_settings import SETTINGS
from control_store.sites import NewSite, add_site, find_site
from control_store.tables import ControlStore
from control_store.taking import Place
from footfall.__main__ import main
from tests.product import command


@pytest.mark.req("P3")
def test_the_statement_for_the_sites_own_origin(tmp_path: Path) -> None:
    """Standard output is the file as it is to be served; where, is said beside it."""
    command(tmp_path, "site", "add", "shop.example")
    done = command(tmp_path, "site", "gpc", "shop.example")
    assert json.loads(done.stdout).keys() == {"gpc", "lastUpdate"}
    assert "https://shop.example/.well-known/gpc.json" in done.stderr
    unknown = command(tmp_path, "site", "gpc", "other.example", check=False)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "There is no site 'other.example'" in unknown.stderr


@pytest.mark.req("C22")
def test_refused_hosts_are_allowed_or_ignored(tmp_path: Path) -> None:
    """Both take a host off the list; the one is counted from now on, the other is not listed again."""
    command(tmp_path, "site", "add", "shop.example", "--set", "hostnames=a.example")
    store = ControlStore.in_directory(tmp_path)
    for seq, host in enumerate(("stage.shop.example", "mirror.example", "third.example"), 1):
        take_host(store, Place("w0", seq), 1, host, at=1_764_000_000_000 + seq)
    store.close()
    assert command(tmp_path, "site", "hosts", "shop.example").stdout.split("\t")[0] == "third.example"
    command(tmp_path, "site", "hosts", "shop.example", "--allow", "Stage.shop.example")
    left = command(tmp_path, "site", "hosts", "shop.example", "--ignore", "mirror.example").stdout
    assert [line.split("\t")[0] for line in left.splitlines()] == ["third.example"]
    (site,) = json.loads(command(tmp_path, "site", "list", "--json").stdout)
    assert site["settings"]["hostnames"] == ["a.example", "stage.shop.example"]
    assert site["settings"]["ignored_hostnames"] == ["mirror.example"]
    assert command(tmp_path, "site", "hosts", "shop.example", "--allow", "https://x", check=False).returncode == 1


@pytest.mark.req("C22")
def test_a_link_for_an_own_device_is_printed(tmp_path: Path) -> None:
    """To the console's address; the server may be stopped."""
    command(tmp_path, "site", "add", "shop.example")
    link = command(tmp_path, "site", "not-me", "shop.example").stdout.strip()
    assert link.startswith("http://127.0.0.1:8421/not-me?token=")
    store = ControlStore.in_directory(tmp_path)
    site = use_device_link(store, link.partition("token=")[2], now=1)
    store.close()
    assert site is not None
    assert site.settings.modules == ("api",)


@pytest.mark.req("P6")
def test_a_bad_setting_gets_one_sentence(tmp_path: Path) -> None:
    """The sentence says what would be good, and nothing was changed."""
    done = command(tmp_path, "site", "add", "shop.example", "--set", "region_policies=EEA=opt_out", check=False)
    assert done.returncode == 1
    assert "opt_out is not for EEA" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "no site yet" in command(tmp_path, "site", "list").stdout


@pytest.mark.req("C18")
def test_bot_rules_are_counted_and_left_out_again(tmp_path: Path) -> None:
    """Listed as they count; what is no rule, or does not count, changes nothing and gets one sentence."""
    command(tmp_path, "site", "add", "shop.example")
    assert command(tmp_path, "site", "bots", "shop.example").stdout == "shop.example counts no bots.\n"
    done = command(tmp_path, "site", "bots", "shop.example", "--count", "network:datacentre", "--count", "headless:*")
    assert done.stdout.splitlines() == ["network:datacentre", "headless:*"]
    for wrong in (("--count", "?!"), ("--leave-out", "ai:gptbot")):
        refused = command(tmp_path, "site", "bots", "shop.example", *wrong, check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
    done = command(tmp_path, "site", "bots", "shop.example", "--leave-out", "network:datacentre")
    assert done.stdout.splitlines() == ["headless:*"]
    (site,) = json.loads(command(tmp_path, "site", "list", "--json").stdout)
    assert site["settings"]["counted_bots"] == ["headless:*"]


WRONG = {
    "policy_version": "x" * 33,
    **dict.fromkeys(("query_keys", "search_keys", "hostnames", "exclude_hostnames", "ignored_hostnames"), "a b,!"),
    **dict.fromkeys(("download_extensions", "counted_bots"), "?!"),
}
"""A wrong value of settings that take nearly every word; others have a wrong one in common."""


@pytest.mark.req("P6", "P7")
@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_refuses_what_it_is_not(tmp_path: Path, name: str) -> None:
    """One sentence that names it or says what is possible, exit code 1, and nothing has changed."""
    store = ControlStore.in_directory(tmp_path)
    store.migrate()
    added = add_site(store, NewSite("shop.example"), now=1)
    environment = {"FOOTFALL_DATA": str(tmp_path)}
    texts = [WRONG.get(name, "\N{SNOWMAN}" * 5000), "\udcff", "a\x1bb"]
    for text in texts:
        done = CliRunner().invoke(main, ["site", "set", "shop.example", f"{name}={text}"], env=environment)
        assert (done.exit_code, done.stdout) == (1, ""), text[:20]
        (sentence,) = done.stderr.strip().splitlines()
        assert sentence.startswith("Error: ")
        assert sentence.endswith(".")
        assert len(sentence) < 400
    assert find_site(store, "shop.example") == added
    store.close()
