"""Refused hosts are told once an hour, few of them, and nothing that could be about a person."""

import json
from pathlib import Path

import msgspec
import pytest

from collector.foreign_hosts import ForeignHosts
from collector.registry import ServedSite
from spool.kinds import Kind
from spool.reader import SpoolReader
from tests.collector.test_endpoints import Door
from tests.collector.world import NOW, beacon, site, world

SERVED = ServedSite(site(ignored_hostnames=("mirror.example", "*.cdn.example")))
HOUR = 3_600_000


def told(hosts: ForeignHosts, host: str, now: int = NOW, served: ServedSite = SERVED) -> tuple[int, str] | None:
    """What is told of a beacon from a page of this host."""
    body = hosts.to_tell(served, f"https://{host}/private/page?x=1", now)
    return None if body is None else msgspec.msgpack.decode(body, type=tuple[int, str])


@pytest.mark.req("C22")
def test_a_host_is_told_once_an_hour() -> None:
    """In one spelling, without port, credentials, path."""
    hosts = ForeignHosts()
    assert told(hosts, "User:pw@Stage.Shop.example:8080") == (1, "stage.shop.example")
    assert told(hosts, "stage.shop.example", NOW + 1000) is None
    assert told(hosts, "stage.shop.example", NOW + HOUR) == (1, "stage.shop.example")


@pytest.mark.req("C22", "C1", "P8")
@pytest.mark.parametrize(
    "host",
    [
        *("192.0.2.1", "[2001:db8::1]", "ip-192-0-2-1.example", "", "a b", "under_score.example", "x" * 300),
        "d41d8cd98f00b204e9800998ecf8427e.example",
        "mirror.example",
        "a.cdn.example",
    ],
)
def test_what_is_not_told(host: str) -> None:
    """Addresses, tokens, what is no host name, and what the owner ignores."""
    assert told(ForeignHosts(), host) is None


@pytest.mark.req("C22", "O4")
def test_made_up_hosts_fill_no_disk() -> None:
    """Twenty of a site in an hour, a thousand of all sites; another site is not starved by the first."""
    hosts = ForeignHosts()
    assert sum(told(hosts, f"a{n}.example") is not None for n in range(500)) == 20
    others = [ServedSite(site(number)) for number in range(2, 100)]
    assert told(hosts, "b.example", served=others[0]) == (2, "b.example")
    assert sum(told(hosts, f"a{n}.example", served=one) is not None for one in others for n in range(30)) == 1000 - 21


@pytest.mark.req("C22", "C23")
def test_a_refused_beacon_is_counted_and_its_host_told(tmp_path: Path) -> None:
    """403, one count, and one record with the host for the owner's list."""
    with world(tmp_path) as made:
        there = Door(made)
        for _ in range(3):
            content = beacon(made.site.key, url="https://stage.example/secret")
            assert there.ask("POST", "/e", content=json.dumps(content).encode()).status_code == 403
        there.loop.close()
        spooled = made.spooled()
        reader = SpoolReader(tmp_path / "spool" / "w0")
        records = reader.read(0, max_events=100, max_bytes=10**6)
        reader.close()
    assert spooled.counts == {(made.site.id, NOW // 86_400_000, "rejected", "hostname"): 3}
    bodies = [msgspec.msgpack.decode(record.body) for record in records if record.kind == Kind.HOST]
    assert bodies == [[made.site.id, "stage.example"]]
    assert b"secret" not in spooled.raw
