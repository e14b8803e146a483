"""The same script in Gecko and WebKit, driven by the page itself: these browsers are not the driver's own builds."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from control_store.snippet_settings import MODULES
from tests.browser import snippet
from tests.browser.web import Collector, Event, Page, Site

pytestmark = pytest.mark.req("C21")

VISIT: Final = """
<a href="http://other.example/out">out</a><a href="tel:+41441234567">call</a>
<script>
  addEventListener("click", event => event.preventDefault())
  const after = ms => new Promise(resolve => setTimeout(resolve, ms))
  addEventListener("load", async () => {
    await after(400)
    for (const link of document.querySelectorAll("a")) link.click()
    footfall("signup", {props: {plan: "pro"}})
    await after(400)
    history.pushState({}, "", "/b")
    document.title = "Second"
    await after(600)
    history.back()
    await after(800)
    location.href = "/end"
  })
</script>
"""
WEBKIT: Final = tuple(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))


def _firefox(profile: Path) -> list[str]:
    return ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile)]


def _webkit(_profile: Path) -> list[str]:
    return ["xvfb-run", "-a", str(WEBKIT[0]), "--private"]


ENGINES: Final[dict[str, tuple[bool, str, Callable[[Path], list[str]]]]] = {
    "firefox": (bool(shutil.which("firefox-esr")), "firefox-esr is missing", _firefox),
    "webkit": (bool(WEBKIT and shutil.which("xvfb-run")), "WebKitGTK's MiniBrowser or xvfb is missing", _webkit),
}


@pytest.fixture(params=ENGINES)
def open_in(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Opens an address in the engine."""
    there, missing, command = ENGINES[request.param]
    if not there:
        pytest.skip(missing)
    profile = tmp_path / "profile"
    profile.mkdir()
    running: list[subprocess.Popen[bytes]] = []

    def run(address: str) -> None:
        told = [*command(profile), address]
        # A group of its own: a screen and helper processes come with it, and go with it.
        running.append(
            subprocess.Popen(told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        )

    yield run
    for process in running:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@pytest.mark.req("C6", "C10", "C14", "C16")
def test_views_events_links_and_time_arrive_from_other_engines(
    open_in: Callable[[str], None], site: Site, collector: Collector
) -> None:
    """A single-page visit with two clicks, an event and a way back."""
    endpoint = collector.endpoint.replace("stats.example", "127.0.0.1")
    script = snippet.compose(endpoint, allow=["localhost"])
    site.pages["/js/site.js"] = Page(script, content_type="text/javascript")
    site.pages["/a"] = Page(snippet.document(VISIT, title="First"))
    site.pages["/end"] = Page(snippet.document(script=""))
    started = time.monotonic()
    open_in(site.address("/a", host="127.0.0.1"))
    collector.wait(lambda: "/end" in site.asked, "the visit", 60)
    wall = (time.monotonic() - started) * 1000
    collector.wait_for("engagement", 3)
    collector.wait(lambda: len(without_time(collector)) == 6, "three views, two clicks, one event")
    views = [(event["beacon"]["url"].rpartition("/")[2], event["beacon"]["title"]) for event in _in_time(collector)]
    assert views == [("a", "First"), ("b", "Second"), ("a", "Second")]
    assert [event["props"] for event in collector.events("signup")] == [{"plan": "pro"}]
    assert len(collector.events("outbound")) == len(collector.events("tel")) == 1
    assert 1000 < sum(event["props"]["ms"] for event in collector.events("engagement")) <= wall
    ids = [one.beacon["id"] for one in collector.tries]
    assert len(ids) == len(set(ids))


def without_time(collector: Collector) -> list[Event]:
    """What arrived but times in front: a page that takes long to go tells two of them."""
    return [event for event in collector.events() if event["name"] != "engagement"]


EVERYTHING: Final = """
<main><button id="click">Add to basket</button><form aria-label="Order" onsubmit="return false"><input name="name">
<button>Send</button></form><p data-footfall-event="offer_seen" data-footfall-on="visible">Offer</p>
<p data-footfall-hover="offer" id="hover">Rest here</p><img src="/gone.png"></main>
<script>
  const after = ms => new Promise(resolve => setTimeout(resolve, ms))
  const on = (selector, event) => document.querySelector(selector).dispatchEvent(event)
  const bubbling = {bubbles: true, cancelable: true}
  addEventListener("load", async () => {
    await after(400)
    footfall.consent({statistics: true, ads: true})
    document.querySelector("#click").click()
    on("form", new Event("submit", bubbling))
    on("input", new Event("input", bubbling))
    on("#hover", new Event("mouseover", bubbling))
    setTimeout(() => { throw new Error("Basket is empty") })
    await after(700)
    on("main", new Event("mouseover", bubbling))
    on("main", new Event("copy", bubbling))
    footfall.page()
    await after(400)
    location.href = "/end"
  })
</script>
"""


@pytest.mark.req("C9", "C11", "C12", "C14", "C16", "C8")
def test_every_module_works_in_other_engines(open_in: Callable[[str], None], site: Site, collector: Collector) -> None:
    """Clicks, forms, rests, copies, tagged events, errors, broken files, exits, times."""
    endpoint = collector.endpoint.replace("stats.example", "127.0.0.1")
    parts = snippet.parts("api", *(one for one in MODULES if one != "calls"))
    script = snippet.compose(endpoint, allow=["localhost"], parts=parts, version="1")
    site.pages["/js/site.js"] = Page(script, content_type="text/javascript")
    site.pages["/a"] = Page(snippet.document(EVERYTHING, title="First"))
    site.pages["/end"] = Page(snippet.document(script=""))
    open_in(site.address("/a", host="127.0.0.1"))
    collector.wait(lambda: "/end" in site.asked, "the visit", 40)
    collector.wait_for("vitals")
    collector.wait_for("exit", 2)
    told = {event["name"]: event.get("props", {}) for event in collector.events()}
    assert told["click"]["target"] == "Add to basket"
    assert told["form_submit"]["target"] == told["form_abandon"]["target"] == "Order"
    assert told["hover"]["target"] == "offer"
    assert told["copy"]["role"] == "main"
    assert told["js_error"]["message"] == "Basket is empty"
    assert told["load_error"]["resource"].endswith("/gone.png")
    assert told["vitals"]["load"] >= told["vitals"]["dom_ready"] > 0
    assert len(collector.events("pageview")) == 2
    assert len(collector.events("offer_seen")) == 1
    methods = [event["props"]["method"] for event in sorted(collector.events("exit"), key=lambda one: int(one["at"]))]
    assert methods[0] == "form", "the last act before a view that was counted by hand"
    assert methods[1] in ("link", "other"), "the Navigation API's word, where there is one"


def _in_time(collector: Collector) -> list[Event]:
    return sorted(collector.events("pageview"), key=lambda event: int(event["at"]))
