"""Whatever anybody sends, no process dies, no memory grows, no answer is a fault of ours, and good beacons go on.

A storm is some thousand requests of hostile.py, each on a connection of its own; the long form has tens of thousands.
An answer of 500 and more fails the test, 503 too: nothing here is full or slow.
"""

import gzip
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.product import AGENT, Product, beacon, command, running
from tests.whole.furnished import DOMAIN, Furnished, furnish
from tests.whole.hostile import Hostile, Shot, fire, request

pytestmark = pytest.mark.req("O4", "C23")

MIB = 1024 * 1024
SHORT_GROWTH = {"collector": 8 * MIB, "core": 96 * MIB}
"""How much larger a process may be after a storm than before it. The engine of the core warms up for some thousand
questions and merges: measured 400 MiB after 4,000 requests, 440 after 20,000, and 440 after 40,000."""
LONG_GROWTH = {"collector": 6 * MIB, "core": 32 * MIB}
"""After a warm-up of 20,000. Measured: the collector 121 MiB after 4,000 requests, 125.0 after 28,000, 125.4 after 40,000."""


FIELDS = (
    "",
    "v",
    "site",
    "id",
    "page",
    "url",
    "sent",
    "events",
    "event",
    "props",
    "consent",
    "visitor",
    "referrer",
    "screen",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


class World(NamedTuple):
    """A running installation that is attacked."""

    product: Product
    furnished: Furnished

    def port(self, name: str) -> int:
        """The collector's or the console's."""
        return self.product.collector if name == "collector" else self.product.console

    def processes(self) -> dict[str, tuple[int, float]]:
        """Who runs: pid and time of birth by role, so that a number used again is told apart."""
        return {name: (process.pid, process.create_time()) for name, process in self.product.processes().items()}

    def memory(self) -> dict[str, int]:
        """Resident bytes by role."""
        found = self.product.processes().items()
        return {"core" if name == "core" else name.split()[0]: process.memory_info().rss for name, process in found}

    def well(self) -> None:
        """Fail unless a good beacon is recorded within a second, and the log holds no fault of ours."""
        began = time.monotonic()
        assert self.product.send(beacon(self.furnished.site), {"User-Agent": AGENT}) == 202
        assert time.monotonic() - began < 1
        lines = [line for line in self.product.log.read_text().splitlines() if line.startswith("{")]
        assert [line for line in lines if json.loads(line)["level"] in ("error", "critical")] == []


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One installation for the tests of this module."""
    data = tmp_path_factory.mktemp("bad") / "data"
    furnished = furnish(data)
    with running(data, query_rate="0") as product:
        yield World(product, furnished)


def _storm(world: World, seed: str, count: int) -> Counter[tuple[str, int]]:
    """Fire that many shots from four threads; the statuses by kind. Fails at the first answer that may not be."""
    seen: Counter[tuple[str, int]] = Counter()
    wrong: list[tuple[Any, ...]] = []

    def volley(number: int) -> None:
        hostile = Hostile(random.Random(f"{seed} {number}"), world.furnished)
        for place in range(count // 4):
            shot = hostile.shot()
            answers = fire(world.port(shot.port), shot, reset=place % 7 == 0)
            seen.update((shot.kind, status) for status in answers.statuses)
            if any((status >= 300 and status < 400) or status >= 500 for status in answers.statuses) or (
                shot.whole and not answers.statuses
            ):
                wrong.append((seed, number, place, shot, answers))
                return

    threads = [threading.Thread(target=volley, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]
    return seen


def _weather(world: World, warm_up: int, count: int, growth: dict[str, int]) -> Counter[tuple[str, int]]:
    """A storm, and a storm after it that must leave the processes the same and hardly larger than they were."""
    before = world.processes()
    _storm(world, "warm-up", warm_up)
    memory = world.memory()
    seen = _storm(world, "storm", count)
    grown = {name: size - memory[name] for name, size in world.memory().items() if name in growth}
    assert world.processes() == before
    assert {name: size for name, size in grown.items() if size > growth[name]} == {}, grown
    return seen


def test_a_storm_of_bad_requests_changes_nothing(world):
    """Some 3,000 hostile requests: same processes, same memory, no fault, and every event accounted for."""
    seen = _weather(world, warm_up=1_000, count=2_000, growth=SHORT_GROWTH)
    kinds = {kind: {status for name, status in seen if name == kind} for kind, _ in seen}
    assert {202, 400, 403, 413, 422} <= kinds["beacon"] | kinds["headers"]
    assert {200, 400, 401, 403, 422} <= kinds["call"]
    assert {200, 403, 422} <= kinds["image"]
    assert {200, 400} <= kinds["question"]
    assert {400, 404, 405} <= kinds["address"]
    assert {400, 431} <= kinds["broken"]
    world.well()
    _accounted(world)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_long_storm_of_bad_requests_changes_nothing(world):
    """The long form, 60,000: a leak of some hundred bytes for each request would show."""
    _weather(world, warm_up=20_000, count=40_000, growth=LONG_GROWTH)
    world.well()
    _accounted(world)


def test_any_json_is_answered(world):
    """Hypothesis looks for a JSON value, whole or as a field of a beacon, that meets a fault."""

    @settings(max_examples=5 * settings.default.max_examples)
    @given(field=st.sampled_from(FIELDS), value=JSON, path=st.sampled_from(("/e", "/api/v1/events?preview=true")))
    def look(field: str, value: Any, path: str) -> None:
        whole = beacon(world.furnished.site)
        if field == "props":
            whole["events"][0] |= {"name": "own", "props": value}
        elif field == "event":
            whole["events"][0] = value
        elif field:
            whole[field] = value
        body = json.dumps(whole if field else value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        status, _, answer = world.product.request(world.product.collector, "POST", path, body, {"User-Agent": AGENT})
        assert status in (200, 202, 204, 400, 403, 413, 422)
        assert status < 400 or json.loads(answer)["status"] == status

    look()
    world.well()


def test_any_bytes_are_answered(world):
    """Hypothesis looks for a body, right but for some bytes, that meets a fault."""

    @settings(max_examples=5 * settings.default.max_examples)
    @given(cut=st.integers(0, 400), inserted=st.binary(max_size=20), drop=st.integers(0, 20))
    def look(cut: int, inserted: bytes, drop: int) -> None:
        whole = json.dumps(beacon(world.furnished.site)).encode()
        status = world.product.send(whole[:cut] + inserted + whole[cut + drop :])
        assert status in (202, 204, 400, 403, 413, 422)

    look()
    world.well()


def _raw(text: str, instead_of: str = "null") -> Callable[[str], bytes]:
    """A beacon with this text as the value of an own property, or instead of another text."""

    def make(site: str) -> bytes:
        whole = beacon(site, {"name": "own", "props": {"a": None}})
        return json.dumps(whole).replace(instead_of, text).encode("utf-8", "surrogatepass")

    return make


@pytest.mark.parametrize(
    ("make", "status"),
    [
        pytest.param(_raw("null"), 202, id="as it should be"),
        pytest.param(_raw("NaN"), 400, id="NaN"),
        pytest.param(_raw("-Infinity"), 400, id="infinity"),
        pytest.param(_raw("1e400"), 422, id="1e400"),
        pytest.param(_raw("9223372036854775808"), 422, id="2^63 as a property"),
        pytest.param(_raw('"v": 9223372036854775808', '"v": 1'), 422, id="2^63 as a version"),
        pytest.param(_raw("1" + "0" * 5000), 422, id="5,001 digits"),
        pytest.param(_raw('"\\ud800"'), 202, id="a lone surrogate, escaped: a text cut in the middle of a sign"),
        pytest.param(_raw('"\ud800"'), 400, id="a lone surrogate, as bytes"),
        pytest.param(_raw('"v": 2, "v": 1', '"v": 1'), 422, id="two versions"),
        pytest.param(_raw("[" * 600 + "]" * 600), 422, id="nested 600 deep"),
        pytest.param(_raw("[" * 9000 + "]" * 9000), 400, id="nested 9,000 deep"),
        pytest.param(_raw('"__proto__": 1, "constructor": {}, "v": 1', '"v": 1'), 202, id="names of prototypes"),
        pytest.param(_raw('"__proto__": "x", "hasOwnProperty": "y", "a": null', '"a": null'), 202, id="as properties"),
        pytest.param(lambda site: gzip.compress(_raw("null")(site)), 400, id="gzip"),
        pytest.param(lambda site: b"\xef\xbb\xbf" + _raw("null")(site), 400, id="a byte order mark"),
        pytest.param(lambda site: _raw("null")(site).decode().encode("utf-16"), 400, id="UTF-16"),
        pytest.param(lambda site: _raw("null")(site) + b" " * 65_536, 413, id="too many blanks"),
        pytest.param(lambda _site: b"", 400, id="nothing"),
        pytest.param(lambda _site: b"[]", 400, id="a list"),
    ],
)
def test_a_bad_body_is_refused_for_what_it_is(world, make, status):
    """400 for what is no JSON object in UTF-8, 413 for too much, 422 for a value that does not fit."""
    headers = {"User-Agent": AGENT, "Content-Encoding": "gzip", "Content-Type": "nonsense; charset=none"}
    assert world.product.send(make(world.furnished.site), headers) == status


def test_a_pipeline_of_beacons_is_answered_in_order(world):
    """Thirty beacons at once on one connection, every third one wrong: each has its answer, in its place."""
    whole = json.dumps(beacon(world.furnished.site)).encode()
    bodies = [b"{" if place % 3 == 2 else whole for place in range(30)]
    shots = [request("POST", "/e", body) for body in bodies]
    content = b"".join([*(shot.replace(b"Connection: close\r\n", b"") for shot in shots[:-1]), shots[-1]])
    answers = fire(world.product.collector, Shot("pipeline", "collector", content, whole=False), patience=5)
    assert answers.statuses == [202, 202, 400] * 10


def test_who_leaves_before_the_end_is_no_fault_and_no_event(world):
    """A body that never came whole is not counted, and a client that does not wait for its answer leaves no error."""
    before = _accounted(world)
    keys = world.furnished.keys
    asked = json.dumps({"site_id": DOMAIN, "metrics": ["visits"], "date_range": "all"}).encode()
    for path, key in (("/e", ""), ("/api/v1/events", keys["events"]), ("/api/v1/events?preview=true", "")):
        whole = request("POST", path, b"[" + b" " * 99, {"Authorization": f"Bearer {key}"} if key else {})
        _leave(world.product.collector, whole[:-50], 0.05)
    head = {"Authorization": f"Bearer {keys['stats']}"}
    for pause in (0, 0.001, 0.01):
        _leave(world.product.console, request("POST", "/api/v1/query", asked, head), pause)
    _leave(world.product.console, request("POST", "/api/v1/query", asked, head)[:-5], 0.05)
    time.sleep(0.3)
    assert _accounted(world) == before
    world.well()


def _leave(port: int, content: bytes, pause: float) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(content)
        time.sleep(pause)


def test_slow_clients_do_not_keep_others_waiting(world):
    """300 clients that dawdle over head or body hold up nobody, and cost little memory."""
    memory = world.memory()["collector"]
    slow = [_dawdle(world, place) for place in range(300)]
    try:
        for _ in range(20):
            world.well()
        assert world.memory()["collector"] - memory < 16 * MIB
    finally:
        for sock in slow:
            sock.close()


@pytest.mark.long
def test_slow_clients_are_cut_off(world):
    """Who needs more than 10 seconds for a head, or 60 for a request, is cut off; looked at every 10 seconds."""
    slow = [_dawdle(world, place) for place in range(30)]
    time.sleep(21)
    assert [place for place, sock in enumerate(slow) if place % 3 != 2 and not _cut(sock)] == []
    time.sleep(50)
    assert [place for place, sock in enumerate(slow) if not _cut(sock)] == []
    for sock in slow:
        sock.close()


def _dawdle(world: World, place: int) -> socket.socket:
    """A client that begins and does not go on: after nothing, in the head, or in the body."""
    sock = socket.create_connection(("127.0.0.1", world.product.collector), timeout=5)
    sock.sendall((b"", b"POST /e HT", b"POST /e HTTP/1.1\r\nContent-Length: 50\r\n\r\n{")[place % 3])
    return sock


def _cut(sock: socket.socket) -> bool:
    sock.settimeout(0.01)
    try:
        return sock.recv(10) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def _accounted(world: World) -> int:
    """Wait until everything received is loaded and accounted for to the unit; how much that is."""
    end = time.monotonic() + 20
    while True:
        report = json.loads(command(world.product.data, "status", "--json").stdout)
        if report["pending"] == 0 and report["balanced"]:
            return int(report["received"])
        assert time.monotonic() < end, report
        time.sleep(0.5)
