"""What is beyond a rate is refused before it is read: from a network by its head alone, for a site before it is decoded."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from collector.connection import Connection
from collector.fast_lane import REST_S
from collector.intake import Intake
from collector.limits import Limits
from collector.registry import Registry
from tests.collector.test_beacons import served
from tests.collector.test_intake import TODAY, elsewhere, run
from tests.collector.world import World, beacon, body, tools, world

pytestmark = pytest.mark.req("O4")

HEAD: Final = b"POST /e HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.%d.7\r\nContent-Length: %d\r\n%s\r\n"


@pytest.fixture(params=["connection", "application"])
def ported(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, World]]:
    """A server of either kind that takes two beacons of a network and no more for seconds."""
    with (
        world(tmp_path, network_rate=1.0) as made,
        served(made, None if request.param == "connection" else Connection) as port,
    ):
        yield port, made


def status(sock: socket.socket) -> int:
    """The status of the next answer, read to its end."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += sock.recv(1)
    length = next((int(line[15:]) for line in text.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while length:
        length -= len(sock.recv(length))
    return int(text.split()[1])


def test_a_network_beyond_its_rate_is_answered_before_its_body_has_come(ported: tuple[int, World]) -> None:
    """The connection stays usable: what still comes of the body is passed over, and another network is served on it."""
    port, made = ported
    content = body(beacon(made.site.key))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        for _ in range(2):
            sock.sendall(HEAD % (1, len(content), b"") + content)
            assert status(sock) == 202
        sock.sendall(HEAD % (1, len(content), b""))
        assert status(sock) == 429
        sock.sendall(content[:40])
        sock.sendall(content[40:] + HEAD % (2, len(content), b"") + content)
        assert status(sock) == 202


def test_a_client_that_waits_for_a_word_is_not_asked_for_its_body(ported: tuple[int, World]) -> None:
    """429 instead of 100, and the connection ends: nobody knows whether the body still comes."""
    port, made = ported
    content = body(beacon(made.site.key))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        for _ in range(2):
            sock.sendall(HEAD % (1, len(content), b"") + content)
            assert status(sock) == 202
        sock.sendall(HEAD % (1, len(content), b"Expect: 100-continue\r\n"))
        assert status(sock) == 429


def test_a_flooded_site_is_refused_unread_and_the_others_are_not(tmp_path: Path) -> None:
    """Bytes that are no JSON any more tell what was not decoded; when the bucket fills the site is served again."""
    with world(tmp_path) as made:
        other = made.add("other.example")
        registry = Registry(made.snapshot)
        registry.refresh()
        intake = Intake(
            registry, tools(), made.spool, Limits(network_rate=0, site_rate=2, clock=made.clock), made.clock
        )
        good, broken = body(beacon(made.site.key)), body(beacon(made.site.key))[:-1]
        (facts,) = elsewhere(1)

        async def statuses() -> list[int]:
            found = [(await intake.beacon(good, facts).given()).status for _ in range(5)]
            found.append((await intake.beacon(broken, facts).given()).status)
            foreign = body(beacon(other.key, url="https://other.example/"))
            found.append((await intake.beacon(foreign, facts).given()).status)
            made.clock.now += 1000
            found.append((await intake.beacon(broken, facts).given()).status)
            found += [(await intake.beacon(good, facts).given()).status for _ in range(3)]
            return found

        assert run(statuses()) == [202, 202, 202, 202, 429, 429, 202, 400, 202, 202, 429]
        counts = made.spooled().counts
        assert counts[made.site.id, TODAY, "rejected", "rate"] == 3


def test_refusals_that_nobody_waits_for_are_counted_all_the_same(tmp_path: Path) -> None:
    """Every one, within a moment, without a commit for each."""
    with world(tmp_path, network_rate=1.0) as made:
        content = body(beacon(made.site.key))
        with served(made) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            seen = []
            for _ in range(200):
                sock.sendall(HEAD % (1, len(content), b"") + content)
                seen.append(status(sock))
        assert seen == [202, 202] + [429] * 198
        assert made.spooled().counts[0, TODAY, "rejected", "rate"] == 198


def test_who_sends_too_much_without_a_proxy_is_not_read_for_a_second(tmp_path: Path) -> None:
    """A client that waits as it was told notices nothing; one that goes on is held up, and others are not."""
    with world(tmp_path, network_rate=1.0, trusted_proxies=()) as made, served(made) as port:
        content = body(beacon(made.site.key))
        request = HEAD % (1, len(content), b"") + content
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            for wanted in (202, 202, 429):
                sock.sendall(request)
                assert status(sock) == wanted
            began = time.monotonic()
            sock.sendall(request)
            with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=("127.0.1.1", 0)) as other:
                other.sendall(request)
                assert status(other) == 202
            assert time.monotonic() - began < REST_S
            assert status(sock) == 429
            assert time.monotonic() - began >= REST_S * 0.9
