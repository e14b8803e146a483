"""Real builds of frameworks, embedded by the recipes of docs/recipes.md: every route is one row, by its own title.

A whole installation counts them, and its warehouse is read when it has stopped. The builds are made of the sources in `frameworks/` and what npm has today; without npm or its registry they are skipped.
"""

import mimetypes
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.browser import snippet
from tests.browser.rough import AGENT
from tests.browser.stage import Row, loaded, rows_of
from tests.browser.web import Page, Site
from tests.product import Product, free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.req("C6", "C21")]

SOURCES: Final = Path(__file__).with_name("frameworks")
QUIET: Final = {"NEXT_TELEMETRY_DISABLED": "1", "ASTRO_TELEMETRY_DISABLED": "1", "CI": "1"}
ENVIRON: Final = os.environ | QUIET | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
"""Node may be one that a wheel brought."""
PATIENCE_S: Final = 300


class Build(NamedTuple):
    """How a framework is built, and where the plain files then lie."""

    command: tuple[str, ...]
    folder: str
    replaces: bool
    """Whether its first page has a button that replaces the route by itself."""


BUILDS: Final = {
    "next": Build(("npx", "next", "build"), "out", True),
    "sveltekit": Build(("npx", "vite", "build"), "build", True),
    "nuxt": Build(("npx", "nuxt", "generate"), ".output/public", True),
    "astro": Build(("npx", "astro", "build"), "dist", False),
}


def installed(name: str, folder: Path) -> Path:
    """A copy of a framework's sources with its packages; skips where they can't be had."""
    if shutil.which("npm", path=ENVIRON["PATH"]) is None:
        pytest.skip("npm is missing")
    made = folder / name
    shutil.copytree(SOURCES / name, made)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=made, env=ENVIRON, check=False, capture_output=True, timeout=PATIENCE_S)
    if done.returncode:
        pytest.skip(f"the packages of {name} can't be installed: {done.stderr.decode()[-300:]}")
    return made


def serve(site: Site, folder: Path) -> None:
    """Every text file of a build under its address, pages also without their `.html`."""
    for path in folder.rglob("*"):
        kind = mimetypes.guess_type(path.name)[0] or "text/plain"
        if path.is_file() and not kind.startswith(("image/", "font/")):
            name = "/" + path.relative_to(folder).as_posix()
            page = Page(path.read_text(), content_type=f"{kind}; charset=utf-8")
            for address in {name, name.removesuffix(".html"), name.removesuffix("index.html")}:
                site.pages[address] = page
            if name.endswith("/index.html"):
                site.pages[name.removesuffix("/index.html") or "/"] = page


class Counted:
    """An installation with one site, whose script lies at `/js/site.js` of the site itself."""

    def __init__(self, folder: Path, site: Site) -> None:
        self._product = Product(folder / "data")
        self._product.settings["public_url"] = f"http://stats.example:{self._product.collector}"
        self._site = self._product.site("shop.example")
        self._product.start()
        _, _, script = self._product.request(self._product.collector, "GET", f"/js/{self._site['key']}.js")
        self.script = script.decode()
        site.pages["/js/site.js"] = Page(self.script, content_type="text/javascript; charset=utf-8")

    def views(self, origin: str) -> list[Row]:
        """What was stored of page views, in the order of time. Nothing is counted from here on."""
        loaded(self._product)
        self.stop()
        rows = rows_of(self._product.data, {"shop.example": self._site})
        told = [
            row for row in rows if row["name"] == "pageview" and row["hostname"] == origin.split("/")[2].split(":")[0]
        ]
        return sorted(told, key=lambda row: (str(row["at"]), row["idx"]))

    def stop(self) -> None:
        """Stop the installation, once."""
        self._product.stop(30)


@pytest.fixture
def counted(tmp_path: Path, site: Site) -> Iterator[Counted]:
    """Counts what the page of a test does."""
    made = Counted(tmp_path, site)
    yield made
    made.stop()


@pytest.fixture
def person(browser: Any) -> Iterator[Any]:
    """A tab of a browser that is not taken for a robot; no error of any script is heard in it."""
    profile = browser.new_context(locale="de-CH", user_agent=AGENT)
    heard: list[str] = []
    profile.on("weberror", lambda error: heard.append(str(error.error)))
    tab = profile.new_page()
    yield tab
    tab.wait_for_timeout(1)
    profile.close()
    assert heard == []


def told_of(tab: Any, act: str, patience_ms: int = 20_000) -> None:
    """A click, or the way back, and the collector's acknowledgement of the view that it leads to."""
    with tab.expect_response(_is_view, timeout=patience_ms):
        tab.click(act) if act else tab.go_back()


def _is_view(answer: Any) -> bool:
    asked = answer.request
    return answer.status == 202 and asked.url.endswith("/e") and '"pageview"' in (asked.post_data or "")


def walk(tab: Any, origin: str, *, replaces: bool) -> None:
    """To the second route and back, in one document; a route that is replaced by itself is no view."""
    with tab.expect_response(_is_view):
        tab.goto(f"{origin}/")
    tab.wait_for_load_state("networkidle")
    tab.evaluate("window.kept = true")
    if replaces:
        tab.click("#same")
        tab.wait_for_timeout(500)
    told_of(tab, "#two")
    told_of(tab, "")
    tab.wait_for_timeout(700)
    assert tab.evaluate("window.kept"), "the framework changed routes without loading a page"
    tab.goto("about:blank")
    tab.wait_for_timeout(300)


def check(views: list[Row]) -> None:
    """The rows of a walk: three views with their titles, the second led to by the first, of one visitor."""
    assert [(row["path"].rstrip("/"), row["title"]) for row in views] == [
        ("", "First"),
        ("/two", "Second"),
        ("", "First"),
    ]
    assert len({row["page"] for row in views}) == 3
    assert len({row["visitor"] for row in views}) == 1
    assert {row["referrer"] for row in views} == {""}, "the site's own pages are no source"
    assert {row["bot"] for row in views} == {""}


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_counts_every_route_once(person: Any, counted: Counted, site: Site, tmp_path: Path, name: str) -> None:
    """By the recipe alone: no hook, no effect, no plug-in."""
    made = installed(name, tmp_path)
    command, folder, replaces = BUILDS[name]
    done = subprocess.run(command, cwd=made, env=ENVIRON, check=False, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2000:]
    serve(site, made / folder)
    site.pages["/js/site.js"] = Page(counted.script, content_type="text/javascript; charset=utf-8")
    origin = site.address("").rstrip("/")
    walk(person, origin, replaces=replaces)
    check(counted.views(origin))


@pytest.fixture
def developing(tmp_path: Path, counted: Counted) -> Iterator[str]:
    """Next's development server, where React runs every effect twice."""
    made = installed("next", tmp_path)
    script = made / "public" / "js" / "site.js"
    script.parent.mkdir(parents=True)
    script.write_text(counted.script)
    port = free_port()
    command = ["npx", "next", "dev", "--port", str(port), "--hostname", "127.0.0.1"]
    running = subprocess.Popen(
        command, cwd=made, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60).read()
                break
            except OSError:
                assert time.monotonic() < end, "Next's development server does not answer"
                time.sleep(0.5)
        yield f"http://shop.example:{port}"
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait()


def test_effects_that_run_twice_count_once(person: Any, developing: str, counted: Counted) -> None:
    """React's StrictMode: the first page's effect replaces the address by itself, twice."""
    with person.expect_response(_is_view, timeout=60_000):
        person.goto(f"{developing}/")
    person.wait_for_function("window.effects === 2", timeout=60_000)
    told_of(person, "#two", 60_000)
    person.wait_for_timeout(700)
    assert [row["path"] for row in counted.views(developing)] == ["/", "/two"]


HTMX: Final = '<main id="main"><a id="two" href="/two" hx-get="/two" hx-push-url="true" hx-target="body">Two</a></main>'
TURBO: Final = '<main><a id="two" href="/two">Two</a></main>'


@pytest.mark.parametrize(
    ("file", "body"),
    [("htmx.org/dist/htmx.js", HTMX), ("@hotwired/turbo/dist/turbo.es2017-umd.js", TURBO)],
    ids=["htmx", "turbo"],
)
def test_pages_that_are_put_in_place_count_once(
    person: Any, counted: Counted, site: Site, tmp_path: Path, file: str, body: str
) -> None:
    """htmx with `hx-push-url` and Turbo fetch the next page and change the address."""
    made = installed("plain", tmp_path)
    script = (made / "node_modules" / file).read_text()
    site.pages["/place.js"] = Page(script, content_type="text/javascript; charset=utf-8")
    head = '<script src="/place.js"></script>'
    site.pages["/"] = Page(snippet.document(body, title="First", head=head))
    site.pages["/two"] = Page(snippet.document('<a id="one" href="/">One</a>', title="Second", head=head))
    origin = site.address("").rstrip("/")
    walk(person, origin, replaces=False)
    check(counted.views(origin))
