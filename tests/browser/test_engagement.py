"""How long a page was in front, and how far it was read."""

import time
from typing import Any, Final

import pytest

from tests.browser import snippet
from tests.browser.web import Collector, Page, Site

pytestmark = pytest.mark.req("C10")

TALL: Final = '<div style="height: {height}px"></div>'


TEN_SECONDS: Final = """
<script src="/js/site.js"></script>
<script>
  const start = Date.now()
  let visible = 0
  let since = start
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) visible += Date.now() - since
    else since = Date.now()
  })
  setTimeout(() => open("/cover"), 3000)
  setTimeout(() => {
    visible += document.hidden ? 0 : Date.now() - since
    location.href = `/end?${visible},${Date.now() - start}`
  }, 10000)
</script>"""
"""A page that another tab covers for five seconds of its ten, and that keeps its own account: machines can be slow."""


def engaged(collector: Collector, path: str = "") -> int:
    """Milliseconds in front, as a site would add them up."""
    return sum(event["props"]["ms"] for event in collector.events("engagement") if path in event["beacon"]["url"])


def deepest(collector: Collector) -> int:
    """The depth of the one page that was left; on a slow machine leaving takes long enough for two events."""
    return max(int(event["props"]["scroll"]) for event in collector.wait_for("engagement"))


def last_heard(collector: Collector) -> float:
    """When the last beacon came, in seconds: a page may be told that it is left after the driver has gone on."""
    return max(tried.at for tried in collector.tries)


def test_of_ten_seconds_half_of_them_behind_another_tab_five_count(
    chromium: Any, install: Any, site: Site, collector: Collector
) -> None:
    """A real tab in front of the page, in a browser without a test driver's hands on it."""
    install()
    site.pages["/a"] = Page(snippet.document(TEN_SECONDS, script=""))
    site.pages["/cover"] = Page(snippet.document("<script>setTimeout(close, 5000)</script>", script=""))
    site.pages["/end"] = Page(snippet.document(script=""))
    chromium(site.address("/a"))
    collector.wait(lambda: any(asked.startswith("/end") for asked in site.asked), "the page was left", 30)
    collector.wait_for("engagement", 2)
    time.sleep(0.5)
    (told,) = (asked for asked in site.asked if asked.startswith("/end"))
    visible, wall = (int(number) for number in told.partition("?")[2].split(","))
    assert wall >= 10_000
    assert visible <= wall - 4900, "the other tab was in front for five seconds"
    assert engaged(collector) == pytest.approx(visible, abs=500)


def test_time_without_the_focus_does_not_count(
    page: Any, context: Any, install: Any, site: Site, collector: Collector
) -> None:
    """The page is visible beside another window that has the focus."""
    install()
    started = time.monotonic()
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    context.new_cdp_session(page).send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    other = context.new_page()
    other.bring_to_front()
    blurred = time.monotonic()
    assert page.evaluate("[document.hidden, document.hasFocus()]") == [False, False]
    time.sleep(1.5)
    page.goto(site.address("/b"))
    collector.wait_for("engagement")
    assert engaged(collector, "/a") <= (blurred - started) * 1000 + 200


def test_a_view_never_has_more_time_than_the_clock_on_the_wall(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """However often the page is hidden, shown, left and restored."""
    install()
    started = time.monotonic()
    page.goto(site.address("/a"))
    for _ in range(3):
        page.wait_for_timeout(150)
        page.evaluate("for (const type of ['pagehide', 'freeze', 'visibilitychange']) dispatchEvent(new Event(type))")
    page.goto(site.address("/b"))
    collector.wait_for("pageview", 2)
    page.wait_for_timeout(150)
    page.evaluate("history.back()")
    collector.wait_for("pageview", 3)
    page.wait_for_timeout(300)
    page.goto("about:blank")
    collector.wait_for("engagement", 5)
    wall = (last_heard(collector) - started) * 1000
    assert 700 < engaged(collector) <= wall
    by_view: dict[str, int] = {}
    for event in collector.events("engagement"):
        view = event["beacon"]["page"]
        by_view[view] = by_view.get(view, 0) + event["props"]["ms"]
    assert len(by_view) == 3, "the restored page is a view of its own"


def test_each_view_of_a_single_page_app_has_its_own_time_and_depth(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """What was read before the route changed belongs to the route before; scrolling begins anew."""
    install()
    site.pages["/a"] = Page(snippet.document(TALL.format(height=3400)))
    started = time.monotonic()
    page.goto(site.address("/a"))
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_timeout(600)
    moving = time.monotonic()
    page.evaluate("history.pushState({}, '', '/b'); scrollTo(0, 0)")
    moved = time.monotonic()
    page.wait_for_timeout(300)
    page.goto("about:blank")
    first, second = collector.wait_for("engagement", 2)
    ended = last_heard(collector)
    views = [event["beacon"]["page"] for event in collector.wait_for("pageview", 2)]
    assert [first["beacon"]["page"], second["beacon"]["page"]] == views
    assert first["props"]["scroll"] == 100
    assert second["props"]["scroll"] == pytest.approx(20, abs=2)
    assert 590 <= first["props"]["ms"] <= (moved - started) * 1000
    assert 290 <= second["props"]["ms"] <= (ended - moving) * 1000


@pytest.mark.req("C11")
@pytest.mark.parametrize(
    ("height", "steps", "expected"),
    [
        (100, [], 100),
        (2800 - 50, [], 25),
        (2800 - 50, [700], 50),
        (2800 - 50, [700, 0], 50),
        (2800 - 50, [1400, 100, 700], 75),
        (2800 - 50, [9999], 100),
    ],
)
def test_the_depth_is_the_deepest_point_that_was_on_the_screen(
    page: Any, install: Any, site: Site, collector: Collector, height: int, steps: list[int], expected: int
) -> None:
    """In percent of the page: the window is 700 pixels high, the page four times that."""
    install()
    site.pages["/tall"] = Page(snippet.document(TALL.format(height=height)))
    page.goto(site.address("/tall"))
    page.wait_for_timeout(150)
    for step in steps:
        page.evaluate("top => scrollTo(0, top)", step)
        page.wait_for_timeout(60)
    page.goto("about:blank")
    assert deepest(collector) == pytest.approx(expected, abs=2)


@pytest.mark.req("C11")
def test_a_page_that_grows_while_it_loads_was_not_read_to_its_end(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """An empty first screen is all of an empty page, and a tenth of the page that it becomes."""
    install()
    page.goto(site.address("/a"))
    page.wait_for_timeout(300)
    page.evaluate("document.body.style.height = '7000px'")
    page.wait_for_timeout(150)
    page.goto("about:blank")
    assert deepest(collector) == pytest.approx(10, abs=1)


def test_the_heart_beats_while_the_page_is_in_front_and_only_then(
    page: Any, context: Any, install: Any, site: Site, collector: Collector
) -> None:
    """So a crash takes half a minute at most; a page that nobody looks at sends nothing. The clock is the test's."""
    install()
    page.clock.install()
    page.goto(site.address("/a"))
    page.clock.run_for(1000)
    collector.wait_for("pageview")
    page.clock.run_for(91_000)
    collector.wait_for("engagement", 3)
    assert [event["props"]["ms"] for event in collector.events("engagement")] == pytest.approx([30_000] * 3, abs=5000)
    context.new_cdp_session(page).send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    other = context.new_page()
    other.bring_to_front()
    count = len(collector.tries)
    page.clock.run_for(300_000)
    time.sleep(0.3)
    assert len(collector.tries) == count


def test_a_sleeping_machine_does_not_read(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """The lid is closed for an hour over a page that was in front."""
    install()
    page.clock.install()
    page.goto(site.address("/a"))
    page.clock.run_for(2000)
    collector.wait_for("pageview")
    page.clock.fast_forward(3_600_000)
    page.clock.resume()
    page.goto("about:blank")
    collector.wait_for("engagement")
    assert 2000 <= engaged(collector) <= 15_000
