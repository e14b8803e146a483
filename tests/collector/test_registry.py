"""Sites as requests name them: by the published snapshot alone, read anew when it changes, kept when it does not."""

import os
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from collector.registry import Registry, ServedSite
from control_store.snapshot import ApiKey, Scope, Site, Snapshot, key_digest
from tests.collector.world import site

KEY: Final = "ff_events_" + "k" * 43


def publish(path: Path, *sites: Site, keys: list[ApiKey] | None = None, revision: int = 1) -> None:
    """Write a snapshot as the core does: a new file in the place of the old one."""
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.msgpack.encode(Snapshot(revision, list(sites), keys or [])))
    draft.replace(path)


@pytest.mark.req("C22")
@pytest.mark.parametrize(
    ("hostnames", "host", "owned"),
    [
        ((), "shop.example", True),
        ((), "www.shop.example", True),
        ((), "blog.shop.example", False),
        ((), "shop.example.evil.example", False),
        ((), "evilshop.example", False),
        ((), "", False),
        ((), "example", False),
        (("*.shop.example",), "blog.shop.example", True),
        (("*.shop.example",), "a.b.shop.example", True),
        (("*.shop.example",), "shop.example", True),
        (("*.shop.example",), "evilshop.example", False),
        (("*.other.example",), "other.example", False),
        (("other.example",), "other.example", True),
        (("other.example",), "www.other.example", False),
    ],
)
def test_a_page_belongs_to_a_site_by_its_host(hostnames: tuple[str, ...], host: str, owned: bool) -> None:
    """The domain, `www.` of it, and what the site added; a wildcard stands for one label or more, never for none."""
    assert ServedSite(site(hostnames=hostnames)).owns(host) is owned


@pytest.mark.req("C22")
@pytest.mark.parametrize(
    ("settings", "host", "left_out"),
    [
        ({}, "localhost", True),
        ({}, "127.0.0.1", True),
        ({}, "[::1]", True),
        ({}, "shop.example", False),
        ({"localhost": True}, "localhost", False),
        ({"hostnames": ("localhost",)}, "localhost", False),
    ],
)
def test_a_developers_machine_is_told_apart(settings: dict[str, Any], host: str, left_out: bool) -> None:
    """Unless the site counts it, or is it."""
    assert ServedSite(site(**settings)).is_local(host) is left_out


def test_sites_are_found_by_key_and_in_paths_by_id_too(tmp_path: Path) -> None:
    """Any other name finds nothing, and none is an error, however long or odd."""
    publish(tmp_path / "snapshot", site(7), site(8))
    registry = Registry(tmp_path / "snapshot")
    assert registry.refresh()
    for name in (f"{7:016x}", "7"):
        found = registry.in_path(name)
        assert found is not None
        assert found.site.id == 7
    for name in ("", "9", "07", "-7", "٧", "7\n", "9" * 5000, "\udc80", "shop.example"):
        assert registry.in_path(name) is None
    assert "7" not in registry.by_key
    assert registry.by_id(9) is None


def test_a_snapshot_is_read_when_it_is_published_anew(tmp_path: Path) -> None:
    """Not before there is one, once for each, and a site that is gone is not served."""
    path = tmp_path / "snapshot"
    registry = Registry(path)
    assert (registry.refresh(), registry.ready) == (False, False)
    publish(path, site(1), site(2))
    assert (registry.refresh(), registry.ready, registry.refresh()) == (True, True, False)
    publish(path, site(2, policy="opt_in"))
    assert registry.refresh()
    assert (registry.by_id(1), list(registry.by_key)) == (None, [f"{2:016x}"])
    assert registry.by_key[f"{2:016x}"].settings.policy == "opt_in"


@pytest.mark.req("O3")
@pytest.mark.parametrize("content", [None, b"", b"\xc1rubbish", b"\x93\x01"])
def test_the_last_good_snapshot_stays_when_there_is_no_other(tmp_path: Path, content: bytes | None) -> None:
    """The collector goes on with what it knows; the next good one is read."""
    path = tmp_path / "snapshot"
    publish(path, site(1))
    registry = Registry(path)
    registry.refresh()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert not registry.refresh()
    assert (registry.ready, list(registry.by_key)) == (True, [f"{1:016x}"])
    publish(path, site(3))
    assert registry.refresh()
    assert list(registry.by_key) == [f"{3:016x}"]


def test_a_snapshot_of_the_same_size_and_second_is_told_apart(tmp_path: Path) -> None:
    """Two changes at the same tick of the file system are two files."""
    path = tmp_path / "snapshot"
    publish(path, site(1))
    os.utime(path, ns=(1, 1))
    registry = Registry(path)
    registry.refresh()
    publish(path, site(2))
    os.utime(path, ns=(1, 1))
    assert registry.refresh()
    assert list(registry.by_key) == [f"{2:016x}"]


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    ("header", "known"),
    [
        (f"Bearer {KEY}", True),
        (f"bearer {KEY}", True),
        (f"Bearer   {KEY} ", True),
        (KEY, False),
        (f"Basic {KEY}", False),
        ("Bearer", False),
        ("", False),
        (f"Bearer {KEY}x", False),
        (f"Bearer {KEY[:-1]}", False),
        ("Bearer \xff\xfe", False),
        ("Bearer " + "x" * 100_000, False),
    ],
)
def test_a_key_is_known_by_its_digest(tmp_path: Path, header: str, known: bool) -> None:
    """Whoever bears it whole; nothing else in the header raises."""
    scope: Scope = "events"
    publish(tmp_path / "snapshot", site(1), keys=[ApiKey(key_digest(KEY), 1, scope)])
    registry = Registry(tmp_path / "snapshot")
    registry.refresh()
    assert (registry.api_key(header) is not None) is known
