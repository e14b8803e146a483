"""Sites and keys, and the snapshot by which collectors know them: whole, private, and never a key itself."""

import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from control_store.setting_items import BadSetting
from control_store.site_settings import SiteSettings
from control_store.sites import (
    NewSite,
    add_key,
    add_site,
    current_revision,
    delete_site,
    find_site,
    list_sites,
    publish_snapshot,
    save_settings,
    save_timezone,
    take_snapshot,
)
from control_store.snapshot import SCOPES, UnknownSite, key_digest, read_snapshot
from control_store.tables import ControlStore

NOW: Final = 1_764_000_000_000
NO_DOMAINS: Final = (
    *("", "-", "https://shop.example", "shop.example/x", "shop.example:80", "shop.example\n.x", "a b", "a..b"),
    *("a_b.example", "\udcff", "x" * 64, ".".join(["x" * 60] * 5)),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    """A store on a real SQLite file."""
    opened = ControlStore.in_directory(tmp_path)
    opened.migrate()
    yield opened
    opened.close()


def test_a_site_is_found_by_id_key_and_domain(store: ControlStore) -> None:
    """However it is spelt, and only that one."""
    other = add_site(store, NewSite("other.example"), now=NOW)
    site = add_site(store, NewSite(" Shop.Example. ", "Europe/Zurich"), now=NOW)
    assert (site.domain, site.timezone, site.settings) == ("shop.example", "Europe/Zurich", SiteSettings())
    for name in ("shop.example", "SHOP.example", site.key, site.key.upper(), str(site.id)):
        assert find_site(store, name) == site
    assert list_sites(store) == [other, site]
    assert add_site(store, NewSite("bücher.example"), now=NOW) == find_site(store, "xn--bcher-kva.example")


def test_keys_of_sites_cannot_be_guessed(store: ControlStore) -> None:
    """64 random bits as hex, and a secret of 256 for `returning`, other for each site."""
    sites = [add_site(store, NewSite(f"s{number}.example"), now=NOW) for number in range(5)]
    assert len({site.key for site in sites}) == len({site.returning_key for site in sites}) == 5
    assert all(len(bytes.fromhex(site.key)) == 8 and len(site.returning_key) == 32 for site in sites)


@pytest.mark.parametrize("domain", NO_DOMAINS)
def test_a_domain_is_a_host_name(store: ControlStore, domain: str) -> None:
    """Anything else is refused with a sentence that shows how to write it, and nothing is added."""
    with pytest.raises(BadSetting, match=r"is not a host name; write it like shop\.example"):
        add_site(store, NewSite(domain), now=NOW)
    assert list_sites(store) == []


@pytest.mark.parametrize(
    "zone", ["", "Zurich", "europe/zurich", "CEST", "../UTC", "/etc/localtime", "Factory", "localtime", "x\0y"]
)
def test_a_time_zone_is_an_iana_name(store: ControlStore, zone: str) -> None:
    """Files that happen to lie beside the zones are none, and no path leads out of them."""
    with pytest.raises(BadSetting, match="is no time zone; use an IANA name like Europe/Zurich"):
        add_site(store, NewSite("shop.example", zone), now=NOW)


def test_a_domain_is_added_once(store: ControlStore) -> None:
    """Also when two hands add it at the same moment: one adds it, the others are told how to change it."""
    outcomes: list[str] = []

    def add() -> None:
        try:
            add_site(store, NewSite("shop.example"), now=NOW)
            outcomes.append("added")
        except BadSetting as bad:
            outcomes.append(str(bad))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sentence = "The site shop.example exists already; change it with `footfall site set shop.example key=value`."
    assert sorted(outcomes) == [sentence] * 3 + ["added"]


def test_an_unknown_site_is_said_to_be_unknown(store: ControlStore) -> None:
    """One sentence that names what was asked for and where to look."""
    with pytest.raises(UnknownSite, match=r"There is no site 'x'; `footfall site list` shows those there are\."):
        find_site(store, "x")


def test_settings_are_replaced_whole(store: ControlStore) -> None:
    """What is saved is read back, by commands and by collectors."""
    site = add_site(store, NewSite("shop.example"), now=NOW)
    settings = SiteSettings(policy="opt_in", hostnames=("*.shop.example",), k=9, search_keys=())
    save_settings(store, site, settings)
    assert find_site(store, site.key).settings == settings
    assert take_snapshot(store).sites[0].settings == settings


def test_a_new_time_zone_holds_from_the_moment_it_is_given(store: ControlStore) -> None:
    """Earlier days stay cut as they were; a second change before the first one holds replaces it."""
    site = add_site(store, NewSite("shop.example", "Europe/Zurich"), now=NOW)
    save_timezone(store, site, "Asia/Tokyo", holds_from=NOW)
    changed = find_site(store, site.key)
    assert [changed.timezone_at(at) for at in (0, NOW - 1, NOW, NOW + 1)] == ["Europe/Zurich"] * 2 + ["Asia/Tokyo"] * 2
    save_timezone(store, changed, "America/Lima", holds_from=NOW)
    again = find_site(store, site.key)
    assert [again.timezone_at(at) for at in (NOW - 1, NOW)] == ["Europe/Zurich", "America/Lima"]
    save_timezone(store, again, "UTC", holds_from=NOW + 10)
    last = find_site(store, site.key)
    assert [last.timezone_at(at) for at in (NOW, NOW + 9, NOW + 10)] == ["America/Lima", "America/Lima", "UTC"]
    with pytest.raises(BadSetting):
        save_timezone(store, last, "Nowhere", holds_from=NOW + 20)
    assert find_site(store, site.key) == last


@pytest.mark.req("O3")
def test_every_change_that_collectors_must_see_raises_the_revision(store: ControlStore) -> None:
    """Each step alone, so that the core's tick publishes it; reading raises nothing."""
    revisions = [current_revision(store)]
    site = add_site(store, NewSite("shop.example"), now=NOW)
    revisions.append(current_revision(store))
    save_settings(store, site, SiteSettings(k=7))
    revisions.append(current_revision(store))
    save_timezone(store, site, "UTC", holds_from=NOW)
    revisions.append(current_revision(store))
    add_key(store, site, "events", now=NOW)
    revisions.append(current_revision(store))
    delete_site(store, site, now=1)
    revisions.append(current_revision(store))
    assert revisions == list(range(revisions[0], revisions[0] + 6))
    take_snapshot(store)
    list_sites(store)
    assert current_revision(store) == revisions[-1] == take_snapshot(store).revision


@pytest.mark.req("D7")
@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_is_shown_once_and_kept_as_a_digest(store: ControlStore, tmp_path: Path, scope: str) -> None:
    """No byte of a key but its last four characters lies in the database, its log or the snapshot."""
    site = add_site(store, NewSite("shop.example"), now=NOW)
    key = add_key(store, site, scope, now=NOW)  # type: ignore[arg-type]  # the words of SCOPES
    publish_snapshot(store, tmp_path / "snapshot")
    assert key.startswith(f"ff_{scope}_")
    assert len(key) > 40
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    random = key.removeprefix(f"ff_{scope}_").encode()
    assert not [
        random[start : start + 8] for start in range(len(random) - 7) if random[start : start + 8] in everything
    ]
    (published,) = read_snapshot(tmp_path / "snapshot").keys
    assert (published.digest, published.site, published.scope) == (key_digest(key), site.id, scope)
    assert key_digest(key[:-1]) != published.digest


def test_a_deleted_site_takes_its_keys_along_and_its_id_is_never_used_again(
    store: ControlStore, tmp_path: Path
) -> None:
    """Rows of the old site can't become the new one's, and its secrets leave the file."""
    site = add_site(store, NewSite("shop.example"), now=NOW)
    add_key(store, site, "stats", now=NOW)
    delete_site(store, site, now=1)
    snapshot = take_snapshot(store)
    assert (snapshot.sites, snapshot.keys) == ([], [])
    assert add_site(store, NewSite("shop.example"), now=NOW).id > site.id
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert site.returning_key not in (tmp_path / "control.db").read_bytes()


def test_the_snapshot_says_what_the_store_says(store: ControlStore, tmp_path: Path) -> None:
    """What is published is read back as it was; the file is its owner's alone and no draft is left beside it."""
    add_site(store, NewSite("shop.example", "Asia/Tokyo", SiteSettings(policy="opt_out")), now=NOW)
    path = tmp_path / "deep" / "er" / "snapshot"
    publish_snapshot(store, path)
    assert read_snapshot(path) == take_snapshot(store)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.req("O3")
def test_a_reader_never_meets_half_a_snapshot(store: ControlStore, tmp_path: Path) -> None:
    """While it is published again and again, each read gives one whole revision, never an older one than before."""
    path = tmp_path / "snapshot"
    add_site(store, NewSite("first.example"), now=NOW)
    publish_snapshot(store, path)
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            snapshot = read_snapshot(path)
            assert len(snapshot.sites) == snapshot.revision - first
            seen.append(snapshot.revision)

    first = read_snapshot(path).revision - 1
    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20):
        add_site(store, NewSite(f"s{number}.example"), now=NOW)
        publish_snapshot(store, path)
    done.set()
    reader.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 1


@pytest.mark.parametrize("content", [b"", b"x", b"\xc1", msgspec.msgpack.encode({"revision": 1})])
def test_another_file_is_no_snapshot(tmp_path: Path, content: bytes) -> None:
    """One error that the collector knows, whatever lies there; a missing file is told apart."""
    with pytest.raises(FileNotFoundError):
        read_snapshot(tmp_path / "snapshot")
    (tmp_path / "snapshot").write_bytes(content)
    with pytest.raises(msgspec.DecodeError):
        read_snapshot(tmp_path / "snapshot")


def test_a_site_is_printed_without_its_secret(store: ControlStore) -> None:
    """The key of `returning` is in no log line."""
    site = add_site(store, NewSite("shop.example"), now=NOW)
    for text in (repr(site), f"{site}", repr([take_snapshot(store)])):
        assert "shop.example" in text
        assert repr(site.returning_key) not in text
