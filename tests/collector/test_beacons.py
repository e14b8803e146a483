"""The door at /e over HTTP: statuses, headers and bodies as the wire format has them, and nothing else, ever."""

import asyncio
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from collector.beacons import read_body
from collector.connection import Connection
from collector.fast_lane import fast_lane
from footfall.collecting import server_config
from tests.collector.world import NOW, World, beacon, body, world

EVERY_ANSWER: Final = {
    "access-control-allow-origin": "*",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for the tests that only look at answers."""
    with world(tmp_path_factory.mktemp("beacons")) as one:
        yield one


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The one event loop that the world's spool lives on."""
    made_loop = asyncio.new_event_loop()
    yield made_loop
    made_loop.close()


def ask(
    made: World, loop: asyncio.AbstractEventLoop, method: str, path: str, content: bytes = b"", **options: Any
) -> httpx.Response:
    """One request."""

    async def one() -> httpx.Response:
        async with made.client() as client:
            return await client.request(method, path, content=content, **options)

    return loop.run_until_complete(one())


def check_problem(answer: httpx.Response) -> dict[str, Any]:
    """A problem+json with what RFC 9457 asks for; its members."""
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert set(content) <= {"type", "title", "status", "detail", "field"}
    assert content["status"] == answer.status_code
    assert content["detail"].endswith((".", "`.")) or "field" in content
    return dict(content)


@pytest.mark.req("C19", "O4")
@pytest.mark.parametrize(
    "kind", [None, "text/plain;charset=UTF-8", "application/json", "application/x-www-form-urlencoded"]
)
def test_a_beacon_is_taken_whatever_its_content_type(
    made: World, loop: asyncio.AbstractEventLoop, kind: str | None
) -> None:
    """202 without a body; no answer sets a cookie or asks for credentials."""
    headers = {"content-type": kind} if kind else {}
    answer = ask(made, loop, "POST", "/e", body(beacon(made.site.key)), headers={**headers, "cookie": "a=b"})
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (202, b"", "0")
    assert {name: answer.headers[name] for name in EVERY_ANSWER} == EVERY_ANSWER
    assert not {"set-cookie", "access-control-allow-credentials", "vary", "etag"} & set(answer.headers)


@pytest.mark.req("P3", "C23")
@pytest.mark.parametrize(
    ("change", "headers", "status", "field"),
    [
        ({}, {"sec-gpc": "1"}, 204, None),
        ({}, {"sec-gpc": "0"}, 202, None),
        ({}, {"dnt": "1"}, 204, None),
        ({"optout": True}, {}, 204, None),
        ({"url": "https://localhost/"}, {}, 204, None),
        ({"url": "https://evil.example/"}, {}, 403, "url"),
        ({"site": "nobody"}, {}, 403, "site"),
        ({"url": "about:blank"}, {}, 422, "url"),
        ({"id": "x"}, {}, 422, "id"),
        ({"events": []}, {}, 422, "events"),
        ({"events": [{"name": "pageview", "at": NOW}, {"name": "search", "at": NOW}]}, {}, 422, "events[1].props.term"),
    ],
)
def test_each_fault_has_its_status_and_names_its_field(
    made: World,
    loop: asyncio.AbstractEventLoop,
    change: dict[str, Any],
    headers: dict[str, str],
    status: int,
    field: str | None,
) -> None:
    """What is honoured and not recorded looks like nothing; what is wrong says where."""
    answer = ask(made, loop, "POST", "/e", body({**beacon(made.site.key), **change}), headers=headers)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in EVERY_ANSWER} == EVERY_ANSWER
    if status in (202, 204):
        assert answer.content == b""
    else:
        assert check_problem(answer).get("field") == field


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{", b"\xff", b"\0" * 100])
def test_what_is_no_beacon_is_400_without_a_field(made: World, loop: asyncio.AbstractEventLoop, content: bytes) -> None:
    """The whole body is at fault."""
    answer = ask(made, loop, "POST", "/e", content)
    assert answer.status_code == 400
    assert "field" not in check_problem(answer)


@pytest.mark.req("O4")
@pytest.mark.parametrize(("size", "status"), [(65_536, 202), (65_537, 413), (10_000_000, 413)])
def test_a_body_has_64_kib_at_most(made: World, loop: asyncio.AbstractEventLoop, size: int, status: int) -> None:
    """To the byte."""
    content = body(beacon(made.site.key))
    answer = ask(made, loop, "POST", "/e", content + b" " * (size - len(content)))
    assert answer.status_code == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_told_what_is_served(made: World, loop: asyncio.AbstractEventLoop, method: str) -> None:
    """405 with Allow, and where an image without scripts is to be had."""
    answer = ask(made, loop, method, "/e")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    if method != "HEAD":
        assert "/e.gif" in check_problem(answer)["detail"]


@pytest.mark.parametrize("path", ["/e", "/e.gif", "/api/v1/events", "/nothing"])
def test_preflights_are_open_everywhere_and_without_credentials(
    made: World, loop: asyncio.AbstractEventLoop, path: str
) -> None:
    """A page of any origin may send beacons and ask for a preview."""
    headers = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    answer = ask(made, loop, "OPTIONS", path, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "content-type, authorization"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.req("O4", "C23")
@given(content=st.binary(max_size=300), path=st.sampled_from(["/e", "/api/v1/events?preview=true"]))
def test_no_bytes_are_answered_by_an_error_of_ours(
    made: World, loop: asyncio.AbstractEventLoop, content: bytes, path: str
) -> None:
    """Never 500, whatever the bytes."""
    assert ask(made, loop, "POST", path, content).status_code in (400, 401, 403, 413, 422)


header_bytes = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60).map(
    lambda t: t.encode("latin-1")
)
HEADERS: Final = ["user-agent", "x-forwarded-for", "forwarded", "sec-ch-ua", "sec-ch-ua-platform-version", "referer"]


@pytest.mark.req("O4")
@given(st.dictionaries(st.sampled_from([*HEADERS, "accept-language", "authorization", "purpose"]), header_bytes))
def test_no_headers_are_answered_by_an_error_of_ours(
    made: World, loop: asyncio.AbstractEventLoop, headers: dict[str, bytes]
) -> None:
    """Whatever they hold, a good beacon is stored; from a trusted peer too."""

    async def both() -> list[int]:
        statuses = []
        for peer in ("203.0.113.77", "127.0.0.1"):
            async with made.client(peer) as client:
                statuses.append(
                    (await client.post("/e", content=body(beacon(made.site.key)), headers=headers)).status_code
                )
        return statuses

    assert loop.run_until_complete(both()) == [202, 202]


@pytest.mark.req("C1")
def test_nothing_of_a_request_is_logged(
    made: World, loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """Good, ignored and refused beacons leave no line at all."""
    caplog.set_level(logging.DEBUG, "footfall")
    caplog.set_level(logging.DEBUG, "spool")
    headers = {"user-agent": "Marked/1.0", "cookie": "marked=1", "x-forwarded-for": "203.0.113.99"}
    for content in (beacon(made.site.key), beacon(made.site.key, gpc=True), {"v": "marked"}):
        ask(made, loop, "POST", "/e", body(content), headers=headers)
    assert "arked" not in caplog.text
    assert "203.0.113" not in caplog.text


class Messages:
    """What an ASGI server hands over, message by message."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.left = list(messages)

    async def __call__(self) -> dict[str, Any]:
        return self.left.pop(0)


def part(content: bytes, *, more: bool = True) -> dict[str, Any]:
    """One part of a body."""
    return {"type": "http.request", "body": content, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "content", "left"),
    [
        ([part(b"ab", more=False)], b"ab", 0),
        ([part(b"ab"), part(b"cd", more=False)], b"abcd", 0),
        ([{"type": "http.request"}], b"", 0),
        ([part(b"abcdef"), part(b"gh"), part(b"ij", more=False)], b"abcdef", 2),
        ([part(b"abcd"), part(b"e"), part(b"ij", more=False)], b"abcde", 1),
        ([{"type": "http.disconnect"}], None, 0),
        ([part(b"ab"), {"type": "http.disconnect"}], None, 0),
    ],
)
def test_a_body_is_read_no_further_than_just_beyond_its_limit(
    messages: list[dict[str, Any]], content: bytes | None, left: int
) -> None:
    """What is too large is seen to be, without being kept; who goes away in the middle has sent nothing."""
    receive = Messages(*messages)
    assert asyncio.run(read_body(receive, 4)) == content
    assert len(receive.left) == left


@contextmanager
def served(made: World, connection: type[Connection] | None = None) -> Iterator[int]:
    """The application behind the real server, with the settings of a collector process; its port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(server_config(made.app, drain_s=1, connection=connection or fast_lane(made.app)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield int(sock.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def talk(port: int, *packets: bytes, leave: bool = False) -> bytes:
    """Send these packets on one connection, and everything that comes back until the server closes it."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        for packet in packets:
            sock.sendall(packet)
            time.sleep(0.02)
        if leave:
            sock.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
        return answer


START: Final = b"POST /e HTTP/1.1\r\nhost: x\r\nUser-Agent: Mozilla/5.0 (X11) Firefox/145.0\r\n"
LAST: Final = b"connection: close\r\n"


def conversations(content: bytes) -> dict[str, tuple[list[bytes], list[int]]]:
    """What a client sends, packet by packet, and the statuses that it is answered with."""
    length = b"Content-Length: %d\r\n" % len(content)
    head = START + LAST
    sized = head + length
    again = START + length + b"\r\n" + content
    whole = sized + b"\r\n" + content
    chunked = head + b"transfer-encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
    health = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    return {
        "whole": ([whole], [202]),
        "pieces": ([sized + b"\r\n", content[:50], content[50:]], [202]),
        "head in pieces": ([whole[:3], whole[3:30], whole[30:90], whole[90:]], [202]),
        "chunks": ([chunked, chunk], [202]),
        "several chunks": (
            [chunked, b"3\r\n%s\r\n" % content[:3], b"%x\r\n%s\r\n0\r\n\r\n" % (len(content) - 3, content[3:])],
            [202],
        ),
        "one after another": ([again, again, whole], [202, 202, 202]),
        "pipelined": ([again + again + whole], [202, 202, 202]),
        "pipelined with others": ([again + health + again + health + whole], [202, 200, 202, 200, 202]),
        "others first": ([health + again + health + whole], [200, 202, 200, 202]),
        "a query": ([whole.replace(b"/e ", b"/e?a=b ")], [202]),
        "encoded path": ([whole.replace(b"/e ", b"/%65 ")], [202]),
        "absolute address": ([whole.replace(b"/e ", b"http://x/e ")], [202]),
        "old protocol": ([START.replace(b"1.1", b"1.0") + length + b"\r\n" + content], [202]),
        "old and kept": (
            [START.replace(b"1.1", b"1.0") + length + b"connection: keep-alive\r\n\r\n" + content],
            [202],
        ),
        "waits": ([sized + b"Expect: 100-continue\r\n\r\n", content], [100, 202]),
        "waits with too much": ([head + b"Content-Length: 70000\r\nexpect: 100-continue\r\n\r\n"], [413]),
        "upgrade": ([sized + b"upgrade: websocket\r\n\r\n" + content], [202]),
        "signal": ([sized + b"sec-gpc: 0\r\nSec-GPC:  1 \r\n\r\n" + content], [204]),
        "signal, odd case": ([sized + b"sEC-gPC: 1\r\n\r\n" + content], [204]),
        "joined": ([sized + b"sec-gpc: 1, 1\r\n\r\n" + content], [202]),
        "announced": ([head + b"content-length: 70000\r\n\r\n"], [413]),
        "announced, then more": ([START + b"content-length: 70000\r\n\r\n" + b" " * 70_000 + whole], [413, 202]),
        "endless": ([chunked + b"11000\r\n" + b" " * 0x11000 + b"\r\n0\r\n\r\n"], [413]),
        "endless, then more": (
            [START + b"transfer-encoding: chunked\r\n\r\n11000\r\n" + b" " * 0x11000 + b"\r\n0\r\n\r\n" + whole],
            [413, 202],
        ),
        "rubbish, then more": ([START + b"content-length: 1\r\n\r\n{" + whole], [400, 202]),
        "empty": ([head + b"content-length: 0\r\n\r\n"], [400]),
        "no length": ([head + b"\r\n"], [400]),
        "other method": ([whole.replace(b"POST", b"PUT")], [405]),
        "odd path": ([b"GET /%ff%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"], [404]),
        "no HTTP": ([START + b": nothing\r\n\r\n"], [400]),
        "too long a head": ([START + b"a: " + b"a" * 40_000 + b"\r\n\r\n"], [431]),
        "length twice": ([sized + b"content-length: 7\r\n\r\n" + content], [400]),
    }


def statuses_of(answer: bytes) -> list[int]:
    """The statuses of everything that came back on a connection."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """Every conversation by both ways, `fast` and `application`."""
    found: dict[str, dict[str, bytes]] = {}
    for way, connection in (("fast", None), ("application", Connection)):
        with world(tmp_path_factory.mktemp(way)) as made, served(made, connection) as port:
            told = conversations(body(beacon(made.site.key)))
            found[way] = {name: talk(port, *packets) for name, (packets, _) in told.items()}
    return found


@pytest.mark.req("O4", "C1")
@pytest.mark.parametrize(("name", "expected"), [(name, told) for name, (_, told) in conversations(b"{}").items()])
def test_both_ways_answer_byte_for_byte_the_same(
    answers: dict[str, dict[str, bytes]], name: str, expected: list[int]
) -> None:
    """However a request is cut, joined, announced or spelt: in order, and without a line about server or date."""
    fast, application = answers["fast"][name], answers["application"][name]
    assert statuses_of(fast) == expected
    assert fast == application
    assert b"\r\nserver:" not in fast.lower()
    assert b"\r\ndate:" not in fast.lower()


LANES: Final = pytest.mark.parametrize("connection", [None, Connection], ids=["fast", "application"])


@LANES
@pytest.mark.req("C23")
def test_who_leaves_before_the_end_has_sent_nothing(tmp_path: Path, connection: type[Connection] | None) -> None:
    """Half a body is no event and no answer; the next connection is served."""
    with world(tmp_path) as made, served(made, connection) as port:
        content = body(beacon(made.site.key))
        head = START + b"content-length: %d\r\n\r\n" % len(content)
        assert talk(port, head, content[:50], leave=True) == b""
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(head + content[:50])
        assert statuses_of(talk(port, head.replace(b"\r\nhost", b"\r\nconnection: close\r\nhost") + content)) == [202]
    assert len(made.spooled().parcels) == 1


@LANES
@pytest.mark.req("O3")
def test_who_leaves_before_the_answer_costs_nobody_else_theirs(
    tmp_path: Path, connection: type[Connection] | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Sent whole and gone: the beacon is stored, nothing is logged, and those of the same group are answered."""
    with world(tmp_path) as made, served(made, connection) as port:
        content = body(beacon(made.site.key))
        whole = START + b"content-length: %d\r\n\r\n" % len(content) + content
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(whole)
        assert statuses_of(talk(port, whole.replace(b"\r\nhost", b"\r\nconnection: close\r\nhost"))) == [202]
    assert len(made.spooled().parcels) == 21
    assert caplog.records == []


@LANES
@pytest.mark.req("O1")
def test_a_server_that_stops_answers_what_it_has_taken(tmp_path: Path, connection: type[Connection] | None) -> None:
    """A beacon under way is answered with the connection's end; a connection that waits for nothing is closed."""
    with world(tmp_path) as made:
        content = body(beacon(made.site.key))
        whole = START + b"content-length: %d\r\n\r\n" % len(content) + content
        held = threading.Event()
        write = made.spool._write

        def slowly(*told: Any) -> int:
            held.wait(5)
            return write(*told)

        made.spool._write = slowly  # type: ignore[method-assign]  # a disk that takes its time
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            server = uvicorn.Server(server_config(made.app, drain_s=3, connection=connection or fast_lane(made.app)))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
            thread.start()
            while not server.started:
                time.sleep(0.01)
            with (
                socket.create_connection(sock.getsockname(), timeout=10) as idle,
                socket.create_connection(sock.getsockname(), timeout=10) as busy,
            ):
                busy.sendall(whole)
                time.sleep(0.1)
                server.should_exit = True
                assert idle.recv(100) == b""
                held.set()
                answer = b"".join(iter(lambda: busy.recv(65536), b""))
            thread.join(5)
    assert statuses_of(answer) == [202]
    assert b"connection: close" in answer


def test_a_connection_that_asks_no_more_is_closed(tmp_path: Path) -> None:
    """Without a timer for each answer; one that asks again in time is kept."""
    with world(tmp_path) as made:
        quick = type("Quick", (fast_lane(made.app),), {"look_s": 0.1})
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            config = server_config(made.app, drain_s=1, connection=quick)
            config.timeout_keep_alive = 1
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
            thread.start()
            while not server.started:
                time.sleep(0.01)
            content = body(beacon(made.site.key))
            whole = START + b"content-length: %d\r\n\r\n" % len(content) + content
            began = time.monotonic()
            answer = b""
            with socket.create_connection(sock.getsockname(), timeout=10) as asking:
                for _ in range(4):
                    asking.sendall(whole)
                    answer += asking.recv(65536)
                    time.sleep(0.5)
                assert asking.recv(65536) == b""
            took = time.monotonic() - began
            server.should_exit = True
            thread.join()
    assert statuses_of(answer) == [202] * 4
    assert 2.4 < took < 4


@LANES
@pytest.mark.req("C1")
def test_a_fault_of_ours_is_told_by_both_ways(
    tmp_path: Path, connection: type[Connection] | None, caplog: pytest.LogCaptureFixture
) -> None:
    """503 with Retry-After, and the log has the place and nothing of the request."""
    with world(tmp_path) as made, served(made, connection) as port:
        made.salts.close()
        made.salts.close = lambda: None  # type: ignore[method-assign]  # it is closed already
        content = body(beacon(made.site.key, title="Marked"))
        answer = talk(port, START + LAST + b"content-length: %d\r\n\r\n" % len(content) + content)
    assert statuses_of(answer) == [503]
    assert b"retry-after: 30" in answer
    assert "its sender was told to try again" in caplog.text
    assert "Marked" not in caplog.text
