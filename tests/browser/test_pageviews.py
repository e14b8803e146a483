"""What counts as a page view, and what a page view tells."""

import time
from typing import Any, Final

import pytest

from tests.browser import snippet
from tests.browser.web import Collector, Page, Site

pytestmark = pytest.mark.req("C6")

WITHOUT_NAVIGATION_API: Final = "Object.defineProperty(window, 'navigation', {value: undefined})"
ELEMENT_INSTEAD: Final = """
Object.defineProperty(window, 'navigation', {get: () => document.querySelector('p')})
"""
"""As in browsers without the interface, where a page has an element with that id."""
QUIET_S: Final = 0.7
"""Longer than the snippet gathers events."""


@pytest.fixture(params=["", WITHOUT_NAVIGATION_API, ELEMENT_INSTEAD], ids=["navigation", "history", "element"])
def any_browser(request: pytest.FixtureRequest, page: Any) -> Any:
    """A tab in a browser with the Navigation API, and in browsers without."""
    page.add_init_script(request.param)
    return page


def paths(collector: Collector, site: Site) -> list[str]:
    """Addresses of the counted views, without the host."""
    start = len(site.address(""))
    return [event["beacon"]["url"][start:] for event in collector.events("pageview")]


@pytest.mark.req("C4", "C21")
def test_a_page_view_tells_what_the_wire_format_names_and_nothing_else(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Time zone, language, window and screen come from the browser; the fragment stays in it."""
    install()
    site.pages["/from"] = Page(f'<!doctype html><a href="{site.address("/a?utm_source=x#secret")}">on</a>')
    page.goto(site.address("/from", host="search.example"))
    before = time.time() * 1000
    page.click("a")
    (event,) = collector.wait_for("pageview")
    beacon = event.pop("beacon")
    assert set(event) == {"name", "at"}
    assert before - 100 <= event["at"] <= beacon["sent"] <= time.time() * 1000 + 100
    for key in ("id", "page"):
        assert len(beacon.pop(key)) == 32
    assert 0 <= beacon.pop("sent") - event["at"] < 10_000
    assert beacon.pop("events") == [{"name": "pageview", "at": event["at"]}]
    assert beacon == {
        "v": 1,
        "site": snippet.SITE,
        "build": snippet.manifest()["build"],
        "gpc": False,
        "url": site.address("/a?utm_source=x"),
        "referrer": site.address("/", host="search.example"),
        "title": "Page /a",
        "tz": "Europe/Zurich",
        "screen": [1440, 900],
        "viewport": [1200, 700],
    }


STEPS: Final = [
    ("history.pushState({}, '', '/b')", "/b"),
    ("history.pushState({}, '', '/b')", None),
    ("history.pushState({}, '', '/b#part')", None),
    ("history.pushState({}, '', '/b?utm_source=x')", None),
    ("history.pushState({}, '', '/b?q=shoes')", "/b?q=shoes"),
    ("history.replaceState({}, '', '/b?q=boots')", None),
    ("history.replaceState({}, '', '/c')", "/c"),
    ("history.replaceState({}, '')", None),
    ("history.back()", "/b?utm_source=x"),
    ("history.back()", None),
    ("history.forward()", None),
    ("history.forward()", "/c"),
    ("location.hash = 'part'", None),
]
"""What a single-page app does, and the view that it makes."""


def test_a_view_counts_when_path_or_kept_query_differ_and_replacing_only_with_another_path(
    any_browser: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Routers push, go back, and replace the address on their own."""
    install()
    any_browser.goto(site.address("/a"))
    expected = ["/a"]
    collector.wait_for("pageview")
    for step, view in STEPS:
        any_browser.evaluate(step)
        if view is not None:
            expected.append(view)
            collector.wait_for("pageview", len(expected))
        else:
            any_browser.wait_for_timeout(50)
        assert paths(collector, site) == expected, step
    time.sleep(QUIET_S)
    assert paths(collector, site) == expected
    assert len({event["beacon"]["page"] for event in collector.events("pageview")}) == len(expected)


@pytest.mark.parametrize("delay_ms", [0, 30, 150])
def test_the_title_is_the_one_that_the_app_sets_after_the_address(
    page: Any, install: Any, site: Site, collector: Collector, delay_ms: int
) -> None:
    """Single-page apps change the address first; the view that is left keeps its own title and names no referrer."""
    install()
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.evaluate(
        "delay => { history.pushState({}, '', '/b'); setTimeout(() => { document.title = 'Second' }, delay) }", delay_ms
    )
    first, second = collector.wait_for("pageview", 2)
    assert (first["beacon"]["title"], second["beacon"]["title"]) == ("Page /a", "Second")
    assert second["beacon"]["referrer"] == site.address("/a")


def test_two_views_in_one_moment_count_each_with_its_own_address(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """A route that redirects at once was a page all the same."""
    install()
    page.goto(site.address("/a"))
    page.evaluate("history.pushState({}, '', '/b'); history.pushState({}, '', '/c')")
    collector.wait_for("pageview", 3)
    # Each has a beacon of its own; the two may overtake each other on their way.
    assert sorted(paths(collector, site)) == ["/a", "/b", "/c"]


def test_a_link_to_another_page_counts_even_when_it_is_left_at_once(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """What is gathered is sent when the page goes, not lost."""
    install()
    site.pages["/hop"] = Page(snippet.document('<script>onload = () => { location.href = "/b" }</script>'))
    page.goto(site.address("/hop"))
    collector.wait_for("pageview", 2)
    assert sorted(paths(collector, site)) == ["/b", "/hop"]


@pytest.mark.parametrize(("routes", "expected"), [(True, ["/", "/#/a", "/#/b?x=1", "/#/a"]), (False, ["/"])])
def test_hash_routes_are_pages_where_the_site_says_so(
    any_browser: Any, install: Any, site: Site, collector: Collector, routes: bool, expected: list[str]
) -> None:
    """Otherwise they are places on one page, and their text stays in the browser."""
    install(hash=routes)
    any_browser.goto(site.address("/"))
    collector.wait_for("pageview")
    # As routers do when they start.
    any_browser.evaluate("history.replaceState({}, '', '/#/')")
    for step in ("location.hash = '/a'", "location.hash = '/b?x=1'", "history.back()"):
        any_browser.evaluate(step)
        any_browser.wait_for_timeout(400)
    time.sleep(QUIET_S)
    assert paths(collector, site) == expected


def test_a_page_restored_by_back_counts_again(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """The back/forward cache brings back a page whose script does not start again."""
    install()
    listener = "<script>addEventListener('pageshow', event => { window.restored = event.persisted })</script>"
    site.pages["/a"] = Page(snippet.document(listener, title="Page /a"))
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.goto(site.address("/b"))
    collector.wait_for("pageview", 2)
    page.evaluate("history.back()")
    first, second, third = collector.wait_for("pageview", 3)
    assert page.evaluate("window.restored") is True
    assert paths(collector, site) == ["/a", "/b", "/a"]
    assert third["beacon"]["page"] != first["beacon"]["page"]
    assert third["beacon"]["referrer"] == site.address("/a"), "its own site: no source of a new visit"
    assert second["beacon"]["referrer"] == ""


PRERENDER: Final = """
<script type="speculationrules">{"prerender": [{"urls": ["/a", "/b"], "eagerness": "immediate"}]}</script>
<script>
  const timer = setInterval(async () => {
    if ((await fetch("/go")).ok) { clearInterval(timer); location.href = "/a" }
  }, 100)
</script>
"""


def test_a_prerendered_page_counts_when_it_is_shown_and_never_before(
    chromium: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Two pages are prerendered, one of them is opened: it counts from then on, the other does not."""
    install()
    told = "<script>window.early = document.prerendering; fetch('/told?' + early)</script>"
    for path in ("/a", "/b"):
        site.pages[path] = Page(snippet.document(told, title=f"Page {path}"))
    site.pages["/start"] = Page(snippet.document(PRERENDER, script=""))
    chromium(site.address("/start"))
    collector.wait(lambda: site.asked.count("/told?true") == 2, "both pages prerendered")
    time.sleep(QUIET_S)
    assert collector.tries == []
    prerendered = time.time() * 1000
    site.pages["/go"] = Page("go")
    (event,) = collector.wait_for("pageview")
    time.sleep(QUIET_S)
    assert paths(collector, site) == ["/a"]
    assert event["at"] > prerendered
    assert site.asked.count("/a") == 1, "the prerendered page itself was shown"


def test_a_page_opened_in_the_background_counts_when_it_is_seen(
    chromium: Any, install: Any, site: Site, collector: Collector
) -> None:
    """It moves on while another tab covers it; only what comes to the front counts."""
    install()
    cover = """<script>
      const after = (ms, run) => setTimeout(run, ms)
      addEventListener("load", () => { after(500, () => open("/cover")); after(1500, () => { location.href = "/b" }) })
    </script>"""
    site.pages["/a"] = Page(snippet.document(cover, title="Page /a"))
    site.pages["/cover"] = Page(snippet.document("<script>setTimeout(close, 4000)</script>", script=""))
    chromium(site.address("/a"))
    collector.wait(lambda: "/b" in site.asked, "the covered tab moved on")
    moved = time.time() * 1000
    collector.wait_for("pageview", 2)
    assert paths(collector, site) == ["/a", "/b"]
    assert collector.events("pageview")[1]["at"] > moved + 500


@pytest.mark.parametrize(("allow", "expected"), [([], ["/"]), (["iframe"], ["/", "/a"])])
def test_inside_a_frame_nothing_counts_unless_the_site_says_so(
    page: Any, install: Any, site: Site, collector: Collector, allow: list[str], expected: list[str]
) -> None:
    """A widget would count its host's visitors."""
    install(allow=allow)
    site.pages["/"] = Page(snippet.document('<iframe src="/a"></iframe>'))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(site.address("/"))
    collector.wait_for("pageview", len(expected))
    time.sleep(QUIET_S)
    page.wait_for_timeout(1)
    assert sorted(paths(collector, site)) == expected
    assert said == ([] if allow else ["footfall: not counted: iframe (?footfall=debug)"])
