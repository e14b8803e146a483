"""The Stats API under questions that are meant to break it: injected, forged, too many, endless, and left."""

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from spool.accounts import read_journal
from tests.product import AGENT, Product, beacon, running
from tests.whole.furnished import DOMAIN, Furnished, furnish, more_keys
from tests.whole.hostile import WORDS, request

pytestmark = pytest.mark.req("D7", "D11", "O4")

REPOSITORY = Path(__file__).parents[2]
ROWS = 2_000_000
SECONDS = 4
"""How long a question may take here."""
RATE = 150
"""Questions a minute and key here."""
RUNAWAY = {
    "metrics": ["visits", "bounce_rate", "visit_duration", "views_per_visit"],
    "date_range": "7d",
    "dimensions": ["event:page", "visit:entry_page", "visit:exit_page", "visit:source", "time:hour"],
    "filters": [["or", [["matches", "event:page", [f"(a|b|c)+.*{n}.*(d|e|f)+.*{n}$"]] for n in range(60)]]],
}
"""A question about every visit of the crowd that takes minutes."""


class World(NamedTuple):
    """A running installation with a crowd of yesterday and a few visitors of today."""

    product: Product
    site: Furnished
    other: Furnished
    keys: list[str]
    """Stats keys of the site; each test takes its own, because questions are counted by key."""

    def ask(self, key: str, path: str = "/api/v1/query", **query: Any) -> tuple[int, dict[str, str], Any]:
        """Status, headers and decoded answer of one question."""
        status, heads, answer = self.product.request(self.product.console, "POST", path, question(**query), bearer(key))
        return status, heads, json.loads(answer)

    def pageviews(self, key: str, **query: Any) -> int:
        """The page views of an answer that must come."""
        status, _, answer = self.ask(key, **query)
        assert status == 200, answer
        return int(answer["results"][0]["metrics"][0])


def question(**query: Any) -> bytes:
    """The body of a question: page views of today unless something else is said."""
    return json.dumps({"site_id": DOMAIN, "metrics": ["pageviews"], "date_range": "day", **query}).encode()


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One installation for the tests of this module."""
    data = tmp_path_factory.mktemp("questions") / "data"
    site, other = furnish(data), furnish(data, "other.example")
    keys = more_keys(data, 12)
    call = [sys.executable, "-m", "tests.whole.crowd", str(data), "1", str(ROWS)]
    subprocess.run(call, check=True, cwd=REPOSITORY, timeout=120)
    with running(data, query_seconds=str(SECONDS), query_rate=str(RATE)) as product:
        yield World(product, site, other, keys)


@pytest.fixture
def key(world):
    """A key that no other test uses."""
    return world.keys.pop()


def _loaded(product: Product, seconds: float = 3.0) -> None:
    """Fail unless everything acknowledged is loaded within so many seconds."""
    end = time.monotonic() + seconds
    while any(spool.pending for spool in read_journal(product.data / "spool").spools):
        assert time.monotonic() < end, "acknowledged events wait for the loader"
        time.sleep(0.05)


def test_what_is_injected_is_a_value_and_nothing_else(world, key):
    """Quotes, comments, braces and control characters are compared as they are; no table, row or answer changes."""
    words = [word for word in WORDS if len(word) <= 2000]
    before = world.pageviews(key, date_range="7d")
    assert before >= ROWS
    for word in words:
        filters = [["is", "event:page", [word]], ["is_not", "visit:source", [word]]]
        status, _, answer = world.ask(key, filters=filters)
        assert status == 200, answer
        assert answer["results"][0]["metrics"] == [0]
        status, _, answer = world.ask(
            key, dimensions=[f"event:props:{word}"], site_id=DOMAIN, order_by=[["pageviews", "asc"]]
        )
        assert status in (200, 400), answer
    assert world.pageviews(key, date_range="7d") == before


def test_a_hostile_value_comes_back_as_it_was_sent(world, key):
    """A property with quotes and comments is stored, grouped by, shown and filtered like any other."""
    note = "it's \"a\"; DROP TABLE events; -- {x:String} \\' %s"
    event = {"name": "note", "props": {"it's \"; --": note}}
    assert world.product.send(beacon(world.site.site, event), {"User-Agent": AGENT}) == 202
    _loaded(world.product)
    dimension = "event:props:it's \"; --"
    asked = {"metrics": ["events"], "dimensions": [dimension]}
    status, _, answer = world.ask(key, filters=[["is", dimension, [note]]], **asked)
    assert (status, answer["results"]) == (200, [{"metrics": [1], "dimensions": [note]}])
    status, _, answer = world.ask(key, filters=[["contains", dimension, ["DROP TABLE"]]], **asked)
    assert (status, answer["results"]) == (200, [{"metrics": [1], "dimensions": [note]}])


@pytest.mark.parametrize("path", ["/api/v1/query", "/api/v2/query"])
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer nonsense", 401),
        ("Bearer {key}x", 401),
        ("Bearer {KEY}", 401),
        ("Basic {key}", 401),
        ("{key}", 401),
        ("Bearer {key}, Bearer {key}", 401),
        ("Bearer {events}", 403),
        ("Bearer {import}", 403),
        ("Bearer {other}", 403),
        ("bearer {key}", 200),
    ],
)
def test_only_a_stats_key_of_the_site_opens_it(world, header, status, path):
    """Nobody else is answered, and who is not told nothing about the site."""
    stats = world.site.keys["stats"]
    words = {
        "key": stats,
        "KEY": stats.upper(),
        "other": world.other.keys["stats"],
        **{k: world.site.keys[k] for k in ("events", "import")},
    }
    headers = {} if header is None else {"Authorization": header.format(**words)}
    found, heads, body = world.product.request(world.product.console, "POST", path, question(), headers)
    assert found == status
    assert DOMAIN not in body.decode() or status == 200
    assert heads["content-type"] == ("application/json" if status == 200 else "application/problem+json")


def test_another_site_and_none_at_all_are_told_alike(world):
    """A key learns from no answer which other sites there are, by domain, public key or id."""
    key = world.site.keys["stats"]
    answers = [
        world.ask(key, site_id=name)
        for name in ("other.example", world.other.site, 2, "2", "none.example", 99, "0x2", "²")
    ]
    assert {status for status, _, _ in answers} == {403}
    assert len({json.dumps(answer) for _, _, answer in answers}) == 1
    assert {world.ask(key, site_id=name)[0] for name in (DOMAIN, world.site.site, 1, "1")} == {200}


def test_a_key_that_asks_too_much_is_told_when_to_come_back(world, key):
    """429 with Retry-After of at most a minute, for this key alone; bad questions count too."""
    for number in range(RATE):
        assert world.ask(key, metrics=["none"] if number % 2 else ["pageviews"])[0] == (400 if number % 2 else 200)
    status, heads, answer = world.ask(key)
    assert (status, answer["status"]) == (429, 429)
    assert 1 <= int(heads["retry-after"]) <= 60
    assert world.ask(world.keys.pop())[0] == 200


def test_an_endless_question_is_cut_while_everything_else_goes_on(world, key):
    """It is answered with 503 soon after its time is over; meanwhile beacons are acknowledged at once and loaded."""
    answers: list[tuple[int, dict[str, str], float]] = []

    def ask(number: int) -> None:
        began = time.monotonic()
        status, heads, _ = world.ask(key, **RUNAWAY, pagination={"limit": number})
        answers.append((status, heads, time.monotonic() - began))

    runaways = [threading.Thread(target=ask, args=(number,)) for number in (1, 2)]
    for thread in runaways:
        thread.start()
    time.sleep(0.3)
    acknowledged = 0
    while any(thread.is_alive() for thread in runaways):
        began = time.monotonic()
        assert world.product.send(beacon(world.site.site), {"User-Agent": AGENT}) == 202
        assert time.monotonic() - began < 1
        _loaded(world.product)
        assert world.product.status(world.product.console, "/readyz") == 200
        acknowledged += 1
    assert acknowledged >= 2, "not one beacon was answered and loaded meanwhile"
    for status, heads, seconds in answers:
        assert status == 503
        assert int(heads["retry-after"]) >= 1
        assert SECONDS - 1 < seconds < SECONDS + 5
    assert world.pageviews(key, date_range=["2020-01-01", "2020-01-02"]) == 0


def test_who_leaves_stops_their_question(world, key):
    """Both places for questions are free again at once when the two who asked have left, long before time is over."""
    for number in (3, 4):
        body = question(**RUNAWAY, pagination={"limit": number})
        _ask_and_leave(world.product.console, request("POST", "/api/v1/query", body, bearer(key)))
    began = time.monotonic()
    assert world.pageviews(key, filters=[["is", "event:page", ["/nobody"]]]) == 0
    assert time.monotonic() - began < SECONDS / 2


def test_equal_questions_share_a_run_and_one_who_leaves_does_not_stop_it(world, key):
    """Of two who ask the same the one that stays gets the answer."""
    asked = {"date_range": "7d", "dimensions": ["event:page"], "pagination": {"limit": 5}, "metrics": ["visits"]}
    for _ in range(5):  # a machine that is busy may say so, and then both come again
        _ask_and_leave(world.product.console, request("POST", "/api/v1/query", question(**asked), bearer(key)), pause=0)
        status, _, answer = world.ask(key, **asked)
        if status == 200:
            break
        time.sleep(1)
    assert status == 200, answer
    assert len(answer["results"]) == 5


def _ask_and_leave(port: int, content: bytes, pause: float = 0.5) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(content)
        time.sleep(pause)
