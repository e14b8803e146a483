"""Real builds of frameworks, embedded by the recipes of docs/recipes.md: every route counts once, by its own title.

The builds are made of the sources in `frameworks/` and what npm has today; without npm or its registry they are skipped.
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
from tests.browser.web import Collector, Page, Site
from tests.product import free_port

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


def walk(page: Any, collector: Collector, origin: str, *, replaces: bool) -> None:
    """To the second route and back, in one document; a route that is replaced by itself is no view."""
    page.goto(f"{origin}/")
    collector.wait_for("pageview")
    page.wait_for_load_state("networkidle")
    page.evaluate("window.kept = true")
    if replaces:
        page.click("#same")
        page.wait_for_timeout(500)
    page.click("#two")
    collector.wait_for("pageview", 2)
    page.go_back()
    collector.wait_for("pageview", 3)
    page.wait_for_timeout(700)
    assert page.evaluate("window.kept"), "the framework changed routes without loading a page"
    views = sorted(collector.events("pageview"), key=lambda event: int(event["at"]))
    told = [(event["beacon"]["url"].removeprefix(origin).rstrip("/"), event["beacon"]["title"]) for event in views]
    assert told == [("", "First"), ("/two", "Second"), ("", "First")]
    assert views[1]["beacon"]["referrer"] == f"{origin}/"


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_counts_every_route_once(
    page: Any, install: Any, site: Site, collector: Collector, tmp_path: Path, name: str
) -> None:
    """By the recipe alone: no hook, no effect, no plug-in."""
    made = installed(name, tmp_path)
    command, folder, replaces = BUILDS[name]
    done = subprocess.run(command, cwd=made, env=ENVIRON, check=False, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2000:]
    serve(site, made / folder)
    install()
    walk(page, collector, site.address("").rstrip("/"), replaces=replaces)


@pytest.fixture
def developing(tmp_path: Path, collector: Collector) -> Iterator[str]:
    """Next's development server, where React runs every effect twice."""
    made = installed("next", tmp_path)
    script = made / "public" / "js" / "site.js"
    script.parent.mkdir(parents=True)
    script.write_text(snippet.compose(collector.endpoint))
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


def test_effects_that_run_twice_count_once(page: Any, developing: str, collector: Collector) -> None:
    """React's StrictMode: the first page's effect replaces the address by itself, twice."""
    page.goto(f"{developing}/")
    page.wait_for_function("window.effects === 2", timeout=60_000)
    collector.wait_for("pageview")
    page.click("#two")
    collector.wait_for("pageview", 2, patience_s=60)
    page.wait_for_timeout(700)
    views = [event["beacon"]["url"].removeprefix(developing) for event in collector.events("pageview")]
    assert sorted(views) == ["/", "/two"]


HTMX: Final = '<main id="main"><a id="two" href="/two" hx-get="/two" hx-push-url="true" hx-target="body">Two</a></main>'
TURBO: Final = '<main><a id="two" href="/two">Two</a></main>'


@pytest.mark.parametrize(
    ("file", "body"),
    [("htmx.org/dist/htmx.js", HTMX), ("@hotwired/turbo/dist/turbo.es2017-umd.js", TURBO)],
    ids=["htmx", "turbo"],
)
def test_pages_that_are_put_in_place_count_once(
    page: Any, install: Any, site: Site, collector: Collector, tmp_path: Path, file: str, body: str
) -> None:
    """htmx with `hx-push-url` and Turbo fetch the next page and change the address."""
    made = installed("plain", tmp_path)
    install()
    script = (made / "node_modules" / file).read_text()
    site.pages["/place.js"] = Page(script, content_type="text/javascript; charset=utf-8")
    head = '<script src="/place.js"></script>'
    site.pages["/"] = Page(snippet.document(body, title="First", head=head))
    site.pages["/two"] = Page(snippet.document('<a id="one" href="/">One</a>', title="Second", head=head))
    walk(page, collector, site.address("").rstrip("/"), replaces=False)
