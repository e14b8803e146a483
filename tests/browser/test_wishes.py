"""What the visitor decides, what is never touched, and where nothing is counted."""

import json
import re
import time
from pathlib import Path
from typing import Any, Final

import pytest

from control_store.snippet_settings import MODULES
from tests.browser import snippet
from tests.browser.web import Collector, Page, Site

QUIET_S: Final = 0.8


def set_signal(page: Any, name: str, value: object) -> None:
    """As a browser or an extension sets it."""
    page.add_init_script(f"Object.defineProperty(Navigator.prototype, {name!r}, {{get: () => {json.dumps(value)}}})")


def live(page: Any, site: Site) -> None:
    """Everything that a counted page would send."""
    page.goto(site.address("/a"))
    page.evaluate("window.footfall('signup'); history.pushState({}, '', '/b'); dispatchEvent(new Event('online'))")
    page.wait_for_timeout(QUIET_S * 1000)
    page.goto("about:blank")
    time.sleep(0.3)


@pytest.mark.req("P3")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("globalPrivacyControl", True, "GPC"),
        ("globalPrivacyControl", False, ""),
        ("globalPrivacyControl", "1", ""),
        ("globalPrivacyControl", None, ""),
        ("doNotTrack", "1", "DNT"),
        ("doNotTrack", "yes", "DNT"),
        ("doNotTrack", "0", ""),
        ("doNotTrack", "unspecified", ""),
        ("doNotTrack", None, ""),
    ],
)
def test_a_signal_means_that_nothing_is_sent_at_all(
    page: Any, install: Any, site: Site, collector: Collector, name: str, value: object, reason: str
) -> None:
    """And the console says so once; other values are no signal."""
    install()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    set_signal(page, name, value)
    live(page, site)
    assert bool(collector.tries) == (not reason)
    assert said == ([f"info: footfall: not counted: {reason} (?footfall=debug)"] if reason else [])


@pytest.mark.req("P3")
def test_where_a_signal_only_limits_what_is_kept_it_goes_with_the_beacon(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """The server decides by it, whatever else the body says."""
    install(allow=["GPC", "DNT"])
    set_signal(page, "globalPrivacyControl", True)
    set_signal(page, "doNotTrack", "1")
    page.goto(site.address("/a"))
    (event,) = collector.wait_for("pageview")
    assert event["beacon"]["gpc"] is True


@pytest.mark.req("P3")
def test_an_objection_that_the_site_knows_before_means_that_nothing_is_sent(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Set on the stub, before the snippet comes."""
    install()
    site.pages["/a"] = Page(snippet.document(head=f"<script>{snippet.STUB}footfall.optout = true</script>"))
    live(page, site)
    assert collector.tries == []


@pytest.mark.req("P3")
def test_an_objection_in_mid_visit_drops_what_waits_and_stops_the_rest(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Also what would be tried again."""
    install()
    collector.stop()
    page.goto(site.address("/a"))
    page.wait_for_timeout(600)
    page.evaluate("footfall.optout = true")
    collector.start()
    page.evaluate("footfall('signup')")
    page.wait_for_timeout(3500)
    page.goto("about:blank")
    time.sleep(0.3)
    assert collector.tries == []


@pytest.mark.req("C22")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "app.localhost"])
@pytest.mark.parametrize("allow", [[], ["localhost"]])
def test_a_developers_machine_is_not_counted_by_default_and_the_console_says_so_once(
    page: Any, install: Any, site: Site, collector: Collector, host: str, allow: list[str]
) -> None:
    """Else a developer sees nothing and leaves."""
    install(allow=allow)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(site.address("/a", host=host))
    page.evaluate("window.footfall('signup'); history.pushState({}, '', '/b')")
    page.wait_for_timeout(QUIET_S * 1000)
    assert bool(collector.tries) == bool(allow)
    assert said == ([] if allow else ["footfall: not counted: localhost (?footfall=debug)"])


@pytest.mark.req("C22")
def test_a_quiet_site_keeps_the_console_silent(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """Not counted all the same."""
    install(quiet=True)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    live_at = site.address("/a", host="localhost")
    page.goto(live_at)
    page.wait_for_timeout(QUIET_S * 1000)
    assert (said, collector.tries) == ([], [])


@pytest.mark.req("C22")
def test_a_page_from_a_file_is_not_counted(page: Any, collector: Collector, tmp_path: Path) -> None:
    """It belongs to no host."""
    (tmp_path / "site.js").write_text(snippet.compose(collector.endpoint))
    (tmp_path / "page.html").write_text(snippet.document(script="site.js"))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_timeout(QUIET_S * 1000)
    assert said == ["footfall: not counted: localhost (?footfall=debug)"]
    assert collector.tries == []


WATCH: Final = """
window.touched = new Set()
const watch = (owner, name) => {
  for (const key of Object.getOwnPropertyNames(owner)) {
    const told = Object.getOwnPropertyDescriptor(owner, key)
    if (key === "constructor" || !told.configurable) continue
    const note = () => window.watching && touched.add(name + "." + key)
    const wrap = run => function (...args) { note(); return run.apply(this, args) }
    const put = told.set && function (value) { if (window.watching) touched.add(name + "." + key + "="); told.set.call(this, value) }
    if (told.get) Object.defineProperty(owner, key, {...told, get: wrap(told.get), set: put})
    else if (typeof told.value === "function") Object.defineProperty(owner, key, {...told, value: wrap(told.value)})
  }
}
for (const name of %s) if (window[name]) watch(window[name].prototype, name)
for (const key of ["localStorage", "sessionStorage", "indexedDB", "caches", "cookieStore", "speechSynthesis",
    "devicePixelRatio", "matchMedia", "getComputedStyle", "queryLocalFonts", "outerWidth", "outerHeight",
    "screenX", "screenY", "visualViewport", "chrome", "openDatabase", "showOpenFilePicker", "name", "external"]) {
  const told = Object.getOwnPropertyDescriptor(window, key)
  if (!told || !told.configurable) continue
  const read = told.get || (() => told.value)
  Object.defineProperty(window, key, {configurable: true, get() {
    if (window.watching) touched.add("window." + key)
    return read.call(window)
  }})
}
const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie")
for (const name of ["WebGLRenderingContext", "OffscreenCanvas", "AudioContext", "OfflineAudioContext", "FontFace",
    "RTCPeerConnection", "PerformanceObserver", "Worker", "SharedWorker", "WebSocket", "EventSource", "XMLHttpRequest",
    "Image", "MutationObserver", "IntersectionObserver"]) {
  const made = window[name]
  if (made) window[name] = new Proxy(made, {construct: (target, args) => {
    if (window.watching) touched.add("new " + name)
    return new target(...args)
  }})
}
window.watching = true
"""
INTERFACES: Final = [
    "Navigator", "Screen", "Document", "HTMLCanvasElement", "CanvasRenderingContext2D", "Storage", "Performance",
    "History", "Element", "HTMLElement", "IDBFactory", "CacheStorage", "FontFaceSet", "MediaDevices", "Permissions",
    "NavigatorUAData", "NetworkInformation", "ServiceWorkerContainer", "StorageManager", "HTMLScriptElement",
]  # fmt: skip
ALLOWED: Final = {
    "Navigator.doNotTrack",
    "Document.cookie",
    "Screen.width",
    "Screen.height",
    "Document.hidden",
    "Document.hasFocus",
    "Document.title",
    "Document.referrer",
    "Document.documentElement",
    "Element.scrollHeight",
    "Element.hasAttribute",
    "Performance.now",
}


@pytest.mark.req("P2", "P12")
def test_the_snippet_reads_what_it_sends_and_touches_nothing_else(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """No canvas, fonts, audio, hardware, plug-ins, client hints or storage; not even its own script element. Of cookies
    one question: whether somebody asked not to be counted here."""
    install()
    site.pages["/a"] = Page(snippet.document('<a href="http://other.example/" onclick="return false">out</a>'))
    page.add_init_script(WATCH % json.dumps(INTERFACES))
    page.goto(site.address("/a"))
    page.evaluate("footfall('signup')")
    page.evaluate(
        "() => document.querySelector('a').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))"
    )
    page.wait_for_timeout(200)
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    collector.wait_for("engagement")
    # The test's own reading of the page: what a second look adds to the first is not the snippet's.
    touched = set(page.evaluate("[...touched]"))
    own = {"Document.querySelector", "Element.onclick", "HTMLElement.onclick"}
    assert touched - own <= ALLOWED
    assert touched >= {"Navigator.doNotTrack", "Screen.width", "Document.title"}, "the watch sees what is read"


FORBIDDEN: Final = re.compile(
    r"Canvas|WebGL|Audio|Font|IDB|Cache|cookie=|Permissions|MediaDevices|NetworkInformation|UAData|ServiceWorker|Storage\."
    r"|Navigator\.(?!doNotTrack$|sendBeacon$)|window\.|RTC|Worker|XMLHttp"
)
"""What tells one device from another, or keeps something on it."""


@pytest.mark.req("P2", "P12")
def test_with_every_module_no_device_is_told_from_another_and_nothing_is_kept(
    page: Any, context: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Before a choice: but for one question, whether somebody asked not to be counted here."""
    install(parts=snippet.parts("api", *(one for one in MODULES if one != "calls")))
    body = '<a href="/b" onclick="return false">out</a><form onsubmit="return false"><input><button>Go</button></form>'
    body += '<p data-footfall-hover="x" data-footfall-ad="y" data-footfall-event="z">Text</p><video></video>'
    site.pages["/a"] = Page(snippet.document(body))
    page.add_init_script(WATCH % json.dumps(INTERFACES))
    page.goto(site.address("/a"))
    for selector in ("a", "button", "p"):
        page.click(selector)
    page.fill("input", "text")
    page.wait_for_timeout(700)
    touched = set(page.evaluate("[...touched]"))
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    collector.wait_for("exit")
    assert {one for one in touched if FORBIDDEN.search(one)} == set()
    assert "Document.cookie" in touched, "the watch sees what is read"
    page.evaluate("watching = false")
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    assert context.cookies() == []


@pytest.mark.req("P2")
def test_nothing_is_stored_on_the_device(
    page: Any, context: Any, install: Any, site: Site, collector: Collector
) -> None:
    """No cookie, no storage of any kind, after views, events and leaving."""
    install()
    page.goto(site.address("/a"))
    page.evaluate("footfall('signup')")
    collector.wait_for("signup")
    stored = """async () => [
        document.cookie, localStorage.length, sessionStorage.length, history.state, window.name,
        (await indexedDB.databases()).length, self.caches ? (await caches.keys()).length : 0,
    ]"""
    assert page.evaluate(stored) == ["", 0, 0, None, "", 0, 0]
    page.goto(site.address("/b"))
    collector.wait_for("pageview", 2)
    assert page.evaluate(stored) == ["", 0, 0, None, "", 0, 0]
    assert context.cookies() == []


@pytest.mark.req("P12")
def test_requests_go_to_the_page_and_to_the_collector_only(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """One script, then beacons; no other file, frame or image."""
    install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.evaluate("footfall('signup')")
    collector.wait_for("signup")
    page.wait_for_timeout(50)
    assert [one for one in asked if "favicon" not in one] == [
        f"GET {site.address('/a')}",
        f"GET {site.address('/js/site.js')}",
        f"POST {collector.endpoint}",
        f"POST {collector.endpoint}",
    ]
