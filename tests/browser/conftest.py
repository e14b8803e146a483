"""One browser per worker, one context per test, and the loopback web of each test."""

import fcntl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from event_catalogue.decode import check_props, decode_beacon
from tests.browser import snippet
from tests.browser.web import Collector, Page, Site

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")

SCRIPT: Final = "/js/site.js"
CHROMIUM: Final = Path("/usr/bin/chromium")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Every name of the tests' web leads to loopback, and nothing else leads anywhere.
    "--host-resolver-rules=MAP *.example 127.0.0.1,MAP *.localhost 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1,EXCLUDE localhost",
)

LARGEST_BEACON: Final = 60 * 1024
"""Browsers let all requests that outlive their page carry 64 KiB together."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Holds where this folder is named on the command line; elsewhere recordings are only compared."""
    parser.addoption("--write-beacons", action="store_true", help="record tests/contract/beacons anew")


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Callable[[Path], Any]], Any]:
    """What `make` answers for a new folder, made by whichever worker asks first, for all of them."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def ask(name: str, make: Callable[[Path], Any]) -> Any:
        kept = shared / f"{name}.kept"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                kept.write_bytes(msgspec.msgpack.encode(make(tmp_path_factory.mktemp(name))))
        return msgspec.msgpack.decode(kept.read_bytes())

    return ask


@pytest.fixture(autouse=True)
def _built() -> None:
    if not CHROMIUM.exists():
        pytest.skip("chromium is missing (Debian: apt-get install chromium)")
    if snippet.missing():
        pytest.skip(snippet.missing())


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """Playwright itself, once per worker."""
    with playwright.sync_playwright() as running:
        yield running


def launch(driver: Any) -> Any:
    """Debian's Chromium, with the back/forward cache that Playwright would turn off."""
    kept = ["--disable-back-forward-cache"]
    return driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS), ignore_default_args=kept)


@pytest.fixture(scope="session")
def browser(driver: Any) -> Iterator[Any]:
    """One for all tests of a worker."""
    if not CHROMIUM.exists():
        pytest.skip("chromium is missing (Debian: apt-get install chromium)")
    launched = launch(driver)
    yield launched
    launched.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """Where the pages lie."""
    served = Site()
    yield served
    served.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Where beacons arrive. Whatever the test is about, every one of them is what the real collector takes."""
    listening = Collector()
    yield listening
    listening.stop()
    for one in listening.tries:
        assert len(one.body) < LARGEST_BEACON
        beacon, unknown = decode_beacon(one.body)
        assert unknown == 0, "a key that the wire format does not know"
        for place, event in enumerate(beacon.events):
            check_props(event.name, event.props, place)


@pytest.fixture
def install(site: Site, collector: Collector) -> Callable[..., None]:
    """Puts the snippet at `/js/site.js` (or `path`), with settings and parts, and ordinary pages at /, /a, /b, /c."""

    def put(path: str = SCRIPT, *, before: str = "", after: str = "", **settings: Any) -> None:
        script = before + snippet.compose(collector.endpoint, **settings) + after
        site.pages[path] = Page(script, content_type="text/javascript; charset=utf-8")
        for name in ("/", "/a", "/b", "/c"):
            site.pages.setdefault(name, Page(snippet.document(title=f"Page {name}")))

    return put


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A fresh profile with a known place, language and window."""
    fresh = browser.new_context(
        locale="de-CH",
        timezone_id="Europe/Zurich",
        viewport={"width": 1200, "height": 700},
        screen={"width": 1440, "height": 900},
    )
    fresh.set_default_timeout(10_000)
    yield fresh
    fresh.close()


@pytest.fixture
def errors(context: Any) -> list[str]:
    """Uncaught errors and rejections of every page of the context."""
    seen: list[str] = []
    context.on("weberror", lambda error: seen.append(str(error.error)))
    return seen


@pytest.fixture
def page(context: Any, errors: list[str]) -> Iterator[Any]:
    """A tab. No error of the snippet ever reaches the page, so none may be seen in any test."""
    tab = context.new_page()
    yield tab
    # Lets Playwright hand over what it has heard.
    tab.wait_for_timeout(1)
    assert errors == []


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Chromium without Playwright, which keeps every tab visible and never prerenders; pages must act by themselves."""
    running: list[subprocess.Popen[bytes]] = []

    def open_at(address: str) -> None:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [
            str(CHROMIUM),
            "--headless",
            *FLAGS,
            "--disable-popup-blocking",
            "--remote-debugging-port=0",
            profile,
        ]
        running.append(subprocess.Popen([*command, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    yield open_at
    for process in running:
        process.terminate()
        process.wait()
