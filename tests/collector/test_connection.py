"""Bounds of one connection, against a real server with a real socket; times are shortened, sizes are the product's."""

import asyncio
import socket
import threading
import time

import pytest
import uvicorn

from collector.connection import Connection

pytestmark = pytest.mark.req("O4")


class Quick(Connection):
    """The same bounds, in tenths of seconds."""

    head_s = 0.5
    request_s = 1.5
    look_s = 0.1


async def _echo(scope, receive, send):
    """Answers with the body's length once it is whole; `/long` with 64 MiB, `/late` after a fifth of a second, `/soon` after 10 ms."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await asyncio.sleep({"/late": 0.2, "/soon": 0.01}.get(scope["path"], 0))
    body = b"x" * 2**26 if scope["path"] == "/long" else str(size).encode()
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port():
    """The port of a server whose connections are Quick."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(_echo, http=Quick, ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join(timeout=10)


def _talk(port: int, *pieces: bytes, pause: float = 0.0, wait: float = 5.0) -> bytes:
    """Send the pieces with pauses between them, and read until the other side closes or is silent for `wait`."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as sock:
        try:
            for piece in pieces:
                sock.sendall(piece)
                time.sleep(pause)
            while part := sock.recv(65536):
                got += part
        except TimeoutError:
            return got + b"<open>"
        except OSError:
            return got + b"<reset>"
    return got + b"<closed>"


def _head(size: int) -> bytes:
    """A whole request whose request line and headers count `size` bytes, as the bound counts them."""
    start = b"GET / HTTP/1.1\r\nHost: x\r\n"
    counted = len(b"/") + len(b"HostX") + 4 + len(b"A") + 4
    return start + b"A: " + b"a" * (size - counted) + b"\r\n\r\n"


def test_a_head_of_32_kib_passes_and_one_byte_more_is_answered_with_431(port):
    """The bound is exact for a head that comes whole, however it is cut into packets."""
    assert b"200 OK" in _talk(port, _head(32 * 1024), wait=0.3)
    assert _talk(port, _head(32 * 1024 + 1)).startswith(b"HTTP/1.1 431 ")
    half = _head(32 * 1024 + 1)
    assert _talk(port, half[:20_000], half[20_000:], pause=0.05).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "piece", [b"a" * 50_000, b"a: b\r\n" * 10_000, b"\r\n" * 20_000], ids=["value", "lines", "empty lines"]
)
def test_a_head_without_an_end_is_cut_off_before_it_fills_the_memory(port, piece):
    """A client that never ends its headers is refused after some packets, not after some gigabytes."""
    start = b"" if piece.startswith(b"\r\n") else b"GET / HTTP/1.1\r\nHost: x\r\nA: b"
    began = time.monotonic()
    answer = _talk(port, start, *[piece] * 200)
    assert answer.endswith((b"<closed>", b"<reset>"))
    assert time.monotonic() - began < 3


def test_a_body_of_any_size_after_a_small_head_is_not_taken_for_a_head(port):
    """Only request line and headers are bounded here; bodies have bounds of their own."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"
    assert b"\r\n\r\n300000" in _talk(port, head + b"x" * 300_000, wait=0.3)
    several = (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30_000) * 4
    assert _talk(port, several, wait=0.3).count(b"\r\n\r\n30000") == 4


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [
        pytest.param([b""], 0.5, id="says nothing"),
        pytest.param([b"GET / HT"], 0.5, id="half a request line"),
        pytest.param([b"GET / HTTP/1.1\r\nHost: x\r\n", *[b"a: b\r\n"] * 20], 0.5, id="a header every tenth"),
        pytest.param([b"\r\n"] * 20, 0.5, id="empty lines"),
        pytest.param([b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n", *[b"x"] * 20], 1.5, id="a byte every tenth"),
        pytest.param(
            [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"", b"", b"GET /", *[b"a"] * 20],
            0.8,
            id="slow after a first request",
        ),
    ],
)
def test_a_client_that_is_slow_to_ask_is_cut_off(port, pieces, seconds):
    """Head and request have their time; a byte now and then does not prolong it."""
    began = time.monotonic()
    answer = _talk(port, *pieces, pause=0.1)
    took = time.monotonic() - began
    assert answer.endswith((b"<closed>", b"<reset>"))
    assert seconds <= took + 0.05
    assert took < seconds + 2.5


def test_a_client_between_two_requests_is_left_alone(port):
    """Keep-alive is uvicorn's affair: no clock runs while nothing is asked."""
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert _talk(port, request, request, pause=1.2, wait=0.3).count(b"200 OK") == 2


def test_a_client_that_does_not_read_is_cut_off(port):
    """An answer that nobody takes does not keep its memory for ever."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.5)
        taken = 0
        try:
            while part := sock.recv(2**20):
                taken += len(part)
        except OSError:
            pass
        assert taken < 2**26


def test_what_is_no_http_is_answered_as_every_error_and_not_logged(port, caplog):
    """A problem in JSON, and not a line in the log beyond uvicorn's own warning, which the product silences."""
    answer = _talk(port, b"\x16\x03\x01\x00\xc8\x01")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert answer.endswith(b"}<closed>")
    assert [record.name for record in caplog.records] == ["uvicorn.error"]


def test_what_is_sent_ahead_is_not_read_before_its_turn(port):
    """Twice sixty requests: the second sixty lie in the socket until the first are answered, and all are answered."""
    request = b"GET /soon HTTP/1.1\r\nHost: x\r\n\r\n"
    assert _talk(port, request * 60, request * 60, pause=0.1, wait=1).count(b"200 OK") == 120


def test_who_asks_and_asks_and_waits_for_nothing_is_cut_off(port):
    """A hundred may wait; a thousand in one packet would be memory for nothing."""
    request = b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = _talk(port, request * 1000, wait=3)
    assert answer.count(b"200 OK") <= 1
    assert answer.endswith((b"<closed>", b"<reset>"))
    assert _talk(port, request, wait=0.5).count(b"200 OK") == 1


@pytest.mark.parametrize("how", ["closed", "broken"])
def test_a_pipeline_that_is_left_is_no_fault_of_ours(port, caplog, how):
    """Several requests at once, and nobody there when they are answered: nothing is sent, and no error is logged."""
    request = b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(request * 3)
        time.sleep(0.1)
        if how == "broken":
            sock.sendall(b"\0" * 10)
            time.sleep(0.3)
    time.sleep(0.5)
    assert [record.name for record in caplog.records if record.levelname != "WARNING"] == []
