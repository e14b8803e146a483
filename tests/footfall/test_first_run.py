"""What goes wrong at a first start, as a terminal shows it: one sentence that says what to do next, and an exit code."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.product import Product, running

pytestmark = pytest.mark.req("O1", "O5")

HOLD: Final = """
import sys
from warehouse.client import Warehouse
from warehouse.settings import WarehouseSettings
one = Warehouse(WarehouseSettings("chdb://" + sys.argv[1], memory_bytes=1 << 30))
print("held", flush=True)
sys.stdin.read()
"""
SERVE: Final = ("serve", "--collector", "127.0.0.1:0", "--console", "127.0.0.1:0", "--demo", "127.0.0.1:0")


def fails(data: Path, *words: str, **settings: str) -> str:
    """The one sentence with which a command fails; nothing else may be printed, and its exit code is 1."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("FOOTFALL_")}
    environ |= {f"FOOTFALL_{name.upper()}": text for name, text in settings.items()} | {"FOOTFALL_DATA": str(data)}
    call = [sys.executable, "-m", "footfall", *words]
    done = subprocess.run(call, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert line.endswith(".")
    return line.removeprefix("Error: ")


@pytest.fixture
def busy() -> Iterator[str]:
    """An address that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("name", ["collector", "demo"])
def test_a_port_that_is_taken_is_named_with_its_option(tmp_path: Path, busy: str, name: str) -> None:
    """After a predecessor was given time to leave."""
    words = [busy if before == f"--{name}" else word for before, word in zip(("", *SERVE), SERVE, strict=False)]
    assert fails(tmp_path / "data", *words) == (
        f"The {name} can't listen on {busy} (Address already in use); stop what uses it, or choose another address with "
        f"--{name} HOST:PORT."
    )


@pytest.mark.parametrize(
    "words",
    [
        *(SERVE, ("collector", "--collector", "127.0.0.1:0"), ("core", "--console", "127.0.0.1:0")),
        *(("status",), ("site", "add", "shop.example"), ("user", "list")),
    ],
    ids=lambda words: words[0],
)
def test_a_data_directory_that_can_not_be_written_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    """By every command. A file in its place, since nothing else keeps root from writing."""
    data = tmp_path / "data"
    data.write_text("mine")
    assert fails(data, *words) == (
        f"The data directory {data} can't be written (it is a file); remove it, or choose another one with --data."
    )
    assert data.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_of_somebody_else_is_named(tmp_path: Path) -> None:
    """With the right that is missing."""
    tmp_path.chmod(0o500)
    assert "(Permission denied); give its owner the right to" in fails(tmp_path / "data", *SERVE)


def test_a_warehouse_that_another_process_holds_is_named_with_that_process(tmp_path: Path) -> None:
    """By its number. Nothing of the engine's own words is printed, and no second core touches the files."""
    data = tmp_path / "data"
    (data / "warehouse").mkdir(parents=True)
    call = [sys.executable, "-c", HOLD, str(data / "warehouse")]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for words in (("core", "--console", "127.0.0.1:0"), ("status",)):
            assert fails(data, *words) == (
                f"The warehouse in {data / 'warehouse'} is open in another process ({holder.pid}): stop that one, or "
                "choose another directory with --data."
            )
        holder.communicate(timeout=30)


def test_two_installations_on_one_directory_are_one_too_many(tmp_path: Path) -> None:
    """The second one ends before it has bound anything to the first one's files."""
    with running(tmp_path / "data") as first:
        assert fails(first.data, *SERVE) == (
            f"Another core works on {first.data}; stop it, or choose another directory with --data."
        )
        assert first.status(first.console) == 200


def test_without_a_city_database_it_starts_and_says_so(tmp_path: Path) -> None:
    """At the start, with what to do; the first login's link stands beside it, and works, and no other one does."""
    with running(tmp_path / "data") as product:
        said = wait_for(product, "Ready.")
        assert re.search(r"^Places from +time zones alone \(rough\); .* fetches a city database", said, re.MULTILINE)
        link = re.search(
            rf"^First login at +http://127.0.0.1:{product.console}(/setup\?token=\S+) \(once\)$", said, re.MULTILINE
        )
        assert link, said
        assert product.status(product.console, link[1]) == 200
        status, _, page = product.request(product.console, "GET", link[1][:-3] + "xyz")
        assert status == 403
        text = re.sub(r"\s+", " ", page.decode())
        assert "start footfall again: while there is no user it prints a working link" in text


def wait_for(product: Product, words: str) -> str:
    """What the installation has printed, once these words are in it."""
    end = time.monotonic() + 30
    while words not in (said := product.log.read_text()):
        assert time.monotonic() < end, said
        time.sleep(0.1)
    return said


def test_a_city_database_that_is_broken_is_named(tmp_path: Path) -> None:
    """Before anything starts."""
    (tmp_path / "broken.mmdb").write_text("no database")
    sentence = fails(tmp_path / "data", *SERVE, geo=str(tmp_path / "broken.mmdb"))
    assert re.fullmatch(
        r"\S+broken\.mmdb can't be read as a database of places or networks \(.*\); fetch it again or leave it out\.",
        sentence,
    )


@pytest.mark.req("O1", "R3")
@pytest.mark.parametrize("words", [("serve",), ("core",)])
def test_a_key_of_the_ledger_that_is_missing_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Nothing runs that could not write what it destroys."""
    said = fails(tmp_path / "data", *words, ledger_key=str(tmp_path / "none.pem"))
    assert re.search(r"none\.pem can't be read .*footfall ledger key", said)
