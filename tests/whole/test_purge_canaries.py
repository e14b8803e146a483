"""Marks in every text that a visitor brings are nowhere on the disk once their day is purged; all else is as it was.

Before the purge every mark is found in the warehouse. After it every byte of every file of the data directory is searched
while the product runs, and once more everything that can be decoded: all rows of all tables, all records of the spools.
"""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.product import AGENT, Product, beacon, command
from tests.whole.canaries import Hunt

REPOSITORY = Path(__file__).parents[2]
PLACES = ("path", "title", "prop", "key", "referrer", "search", "event", "label", "campaign", "agent", "device", "host")
HIDDEN = ("agent", "device")
"""What no table ever holds."""
COLUMNS: Final = ("visitor", "returning", "page")
"""Bytes that tell visitors and their pages apart. A beacon's number is random, and remembered for 26 hours against
repetitions."""


def _word(place: str, who: str) -> str:
    """A made-up word that no scrubber takes for anything."""
    letters = "bdfgklmnprstvz"
    number = sum(ord(sign) * 31**n for n, sign in enumerate(f"{place} {who}"))
    return "".join(letters[number // len(letters) ** n % len(letters)] + "aeiou"[number // 5**n % 5] for n in range(6))


class Mark:
    """A visitor whose every text is a mark."""

    def __init__(self, who: str) -> None:
        self.words = {place: _word(place, who) for place in PLACES}
        self.device = uuid.uuid4()
        self.words["device"] = str(self.device)

    def beacon(self, site: str, domain: str, at: int) -> dict[str, Any]:
        """Everything that this visitor tells."""
        word = self.words
        url = f"https://{domain}/{word['path']}?utm_campaign={word['campaign']}"
        events = [
            {"name": "pageview", "at": at, "props": {}},
            {"name": "search", "at": at + 1, "props": {"term": word["search"], "results": 2}},
            {"name": word["event"], "at": at + 2, "props": {word["key"]: word["prop"]}},
            {"name": "click", "at": at + 3, "props": {"label": word["label"], "role": "button"}},
            {"name": "outbound", "at": at + 4, "props": {"url": f"https://{word['host']}.example/"}},
        ]
        return beacon(
            site,
            *events,
            now=at,
            url=url,
            title=word["title"],
            referrer=f"https://{word['referrer']}.example/",
            sent=int(time.time() * 1000),
            visitor=str(self.device),
            consent={"statistics": True, "ads": False, "sale": False, "version": "1"},
        )

    def hunt(self) -> Hunt:
        """Looks for all of it."""
        return Hunt([], {**self.words, "device plain": self.device.hex})


class World:
    """Two sites with marked visitors yesterday, one of them with others today."""

    def __init__(self, root: Path) -> None:
        self.product = Product(root / "data")
        self.outside = root / "outside"
        self.outside.mkdir()
        now = datetime.now(UTC)
        zone = f"Etc/GMT{now.hour - 14:+d}"  # where it is two in the afternoon
        self.marks = {who: Mark(who) for who in ("mine", "other site", "other day")}
        self.now = int(now.timestamp() * 1000)
        self.sites = {name: self.product.site(name, "--timezone", zone) for name in ("mine.example", "other.example")}

    def send(self) -> None:
        """Everybody visits; yesterday was twenty hours ago."""
        yesterday = self.now - 20 * 3_600_000
        for who, domain, at in (
            ("mine", "mine.example", yesterday),
            ("other site", "other.example", yesterday),
            ("other day", "mine.example", self.now),
        ):
            mark = self.marks[who]
            headers = {"User-Agent": f"{AGENT} {mark.words['agent']}"}
            body = mark.beacon(self.sites[domain]["key"], domain, at)
            assert self.product.send(body, headers) == 202

    def dump(self, name: str) -> dict[str, list[dict[str, Any]]]:
        """Every row of the warehouse of the stopped product."""
        out = self.outside / name
        call = [sys.executable, "-m", "tests.whole.dump", str(self.product.data), str(out)]
        subprocess.run(call, check=True, cwd=REPOSITORY, timeout=60)
        return dict(msgspec.msgpack.decode(out.read_bytes()))

    def purge(self, *options: str) -> float:
        """Purge as of long after, through the running core; the seconds until it was called done."""
        began = time.monotonic()
        later = datetime.fromtimestamp(self.now / 1000, UTC) + timedelta(days=60)
        command(self.product.data, "purge", "--as-of", later.isoformat(), *options)
        return time.monotonic() - began

    def traces(self, who: str) -> set[str]:
        """What of a visitor is found in any file."""
        hunt = self.marks[who].hunt()
        return {trace.what for path, content in _files(self.product.data) for trace in hunt.in_bytes(content, path)}


@pytest.fixture
def world(tmp_path: Path) -> Any:
    made = World(tmp_path)
    yield made
    made.product.kill()


@pytest.mark.req("R1", "R2", "C1")
def test_no_byte_of_a_purged_day_is_left(world: World) -> None:
    """Of one site out of a shared day first, by a rewrite; then of the whole day, by a drop."""
    product = world.product
    product.start()
    world.send()
    key = product.key(site="mine.example")
    _until(lambda: product.numbers(key, "pageviews", site_id="mine.example", date_range="7d") == [2])
    product.stop()
    command(product.data, "seal", "--final")
    before = world.dump("before")
    rows = before["default.events"]
    assert {row["site"] for row in rows} == {1, 2}
    yesterday = min(row["day"] for row in rows)
    for who, mark in world.marks.items():
        found = {trace.what for trace in mark.hunt().in_value(before, "warehouse")}
        assert found >= set(PLACES) - set(HIDDEN), who
        assert found.isdisjoint(HIDDEN)
    product.start()
    assert world.purge("--day", str(yesterday), "--site", "mine.example") < 60
    assert world.traces("mine") == set()
    secrets = [row[name] for row in rows if row["site"] == 1 and row["day"] == yesterday for name in COLUMNS]
    assert not _found(world.product.data, secrets)
    assert world.purge("--day", str(yesterday)) < 60
    assert world.traces("other site") == set()
    product.stop()
    after = world.dump("after")
    for who in ("mine", "other site"):
        assert world.traces(who) == set()
        assert world.marks[who].hunt().in_value(after, "warehouse") == []
    assert after["default.events"] == [row for row in rows if row["day"] != yesterday]
    assert len(after["default.events"]) == 5
    assert after["default.rollups"] == before["default.rollups"]
    assert command(product.data, "status").returncode == 0


def _found(root: Path, secrets: list[bytes]) -> list[str]:
    """Files with any of these bytes."""
    wanted = {one for one in secrets if any(one)}
    assert wanted
    return [path for path, content in _files(root) if any(one in content for one in wanted)]


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file; what goes away meanwhile holds nothing."""
    for path in root.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                yield str(path), path.read_bytes()


@pytest.mark.req("P4", "R6", "C1")
@pytest.mark.long
@pytest.mark.parametrize("and_the_hash", [False, True])
def test_no_byte_of_somebody_who_withdrew_is_left(world: World, and_the_hash: bool) -> None:
    """One visitor of two, on a site that counts nobody without consent: within a minute nothing tells of them.

    The hash that named their rows goes a minute later, when nothing that it means can come any more.
    """
    product = world.product
    command(product.data, "site", "set", "mine.example", "policy=opt_in")
    product.start()
    site = world.sites["mine.example"]["key"]
    for who in ("mine", "other day"):
        agent = {"User-Agent": f"{AGENT} {who}"}  # else both are one visitor
        assert product.send(world.marks[who].beacon(site, "mine.example", world.now), agent) == 202
    key = product.key(site="mine.example")
    _until(lambda: product.numbers(key, "pageviews", site_id="mine.example") == [2])
    product.stop()
    before = world.dump("before")
    path = world.marks["mine"].words["path"]
    secrets = _secrets(before, path, "visitor", "page")
    product.start()
    choice = {"statistics": False, "ads": False, "visitor": str(world.marks["mine"].device), "version": "1"}
    began = time.monotonic()
    assert product.request(product.collector, "POST", f"/c/{site}", json.dumps(choice).encode())[0] in (200, 202)
    _until(lambda: product.numbers(key, "pageviews", site_id="mine.example") == [1])
    _until(lambda: not world.traces("mine"))
    _until(lambda: not _found(product.data, secrets))
    assert time.monotonic() - began < 60
    if and_the_hash:
        _until(lambda: not _found(product.data, _secrets(before, path, "returning")), seconds=180)
    product.stop()
    after = world.dump("after")
    assert world.traces("mine") == set()
    assert world.marks["mine"].hunt().in_value(after, "warehouse") == []
    rest = [row for row in before["default.events"] if row["path"] != f"/{path}"]
    assert after["default.events"] == rest
    assert len(rest) == 5
    told = json.loads(command(product.data, "status", "--json").stdout)
    assert (told["balanced"], sum(day["erased"] for day in told["days"])) == (True, 5)


def _secrets(tables: dict[str, list[dict[str, Any]]], path: str, *columns: str) -> list[bytes]:
    """What tells apart the visitors of a page."""
    return [row[name] for row in tables["default.events"] if row["path"] == f"/{path}" for name in columns]


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never did"
        time.sleep(0.2)
