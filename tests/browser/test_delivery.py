"""What the snippet owes its events: each arrives once, or as long as the page lives it is tried again."""

import threading
import time
from typing import Any, Final

import pytest

from event_catalogue.decode import decode_beacon
from tests.browser import snippet
from tests.browser.web import Answer, Collector, Page, Site, Try

pytestmark = pytest.mark.req("C20")

WITHOUT_KEEPALIVE: Final = "delete Request.prototype.keepalive"
"""As Firefox before 133: a fetch there ends with its page."""
LEAVE: Final = "dispatchEvent(new Event('pagehide'))"


def of_view(collector: Collector) -> list[Try]:
    """Every try of the first page view, whatever became of it."""
    return [one for one in collector.tries if one.beacon["events"][0]["name"] == "pageview"]


@pytest.mark.parametrize("seconds", [1.5, pytest.param(10, marks=pytest.mark.long)])
def test_a_collector_that_was_down_gets_each_event_once(
    page: Any, install: Any, site: Site, collector: Collector, seconds: float
) -> None:
    """With the time when it happened, and the time when it was sent."""
    install()
    collector.stop()
    page.goto(site.address("/a"))
    page.evaluate("footfall('signup', {props: {plan: 'pro'}})")
    page.wait_for_timeout(seconds * 1000)
    collector.start()
    collector.wait(lambda: len(collector.events()) == 2, "view and event", patience_s=40)
    time.sleep(2.5)
    assert sorted(event["name"] for event in collector.events() if event["name"] != "engagement") == [
        "pageview",
        "signup",
    ]
    ids = [one.beacon["id"] for one in collector.tries]
    assert len(ids) == len(set(ids)), "what was acknowledged is not sent again"
    for name in ("pageview", "signup"):
        (event,) = collector.events(name)
        assert event["beacon"]["sent"] - event["at"] > (seconds - 0.3) * 1000


@pytest.mark.parametrize("status", [503, 429, *(pytest.param(one, marks=pytest.mark.long) for one in (500, 502))])
def test_a_beacon_is_sent_again_until_it_is_acknowledged_and_is_the_same_each_time(
    page: Any, install: Any, site: Site, collector: Collector, status: int
) -> None:
    """The same id and the same events after growing pauses; only the time of sending is new."""
    install()
    collector.answers += [Answer(status), Answer(status)]
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    first, second, third = of_view(collector)
    assert second.at - first.at > 0.95
    assert third.at - second.at > 1.95
    sent = [one.beacon.pop("sent") for one in (first, second, third)]
    beacons = [{**one.beacon, "sent": 0} for one in (first, second, third)]
    assert beacons[0] == beacons[1] == beacons[2]
    assert sorted(set(sent)) == sent or first.beacon["sent"] < second.beacon["sent"] < third.beacon["sent"]
    time.sleep(1)
    assert len(of_view(collector)) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_nothing_is_sent_before_the_time_that_the_server_asked_for(
    page: Any, install: Any, site: Site, collector: Collector, status: int
) -> None:
    """Not even when the page is hidden or something new happens; then everything arrives."""
    install()
    collector.answers += [Answer(status, headers={"Retry-After": "3"})]
    page.goto(site.address("/a"))
    collector.wait(lambda: collector.tries, "the first try")
    refused = collector.tries[0].at
    for _ in range(4):
        page.evaluate("footfall('more')")
        page.evaluate(LEAVE)
        page.wait_for_timeout(500)
    assert len(collector.tries) == 1
    collector.wait_for("more", 4)
    collector.wait_for("pageview")
    assert min(one.at for one in collector.tries[1:]) - refused > 2.95


HURRIED: Final = """(() => {
  window.pauses = []
  const later = window.setTimeout
  window.setTimeout = (run, ms, ...more) => {
    if (ms > 900) pauses.push(ms / 1000)
    return later(run, Math.min(ms, 300), ...more)
  }
})()"""
"""Pauses are noted, and are over soon."""
ASKED: Final[dict[str, float]] = {"7": 7, "99999999": 3600, "Wed, 21 Oct 2026 07:28:00 GMT": 4, "soon": 8}


def test_pauses_double_up_to_an_hour_and_are_never_shorter_than_asked_for(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Spread over up to twice of it. An hour is the most; a date is no number of seconds, and leaves the own pause."""
    install()
    collector.answers += [Answer(503), Answer(503)]
    collector.answers += [Answer(503, headers={"Retry-After": told}) for told in ASKED]
    collector.answers += [Answer(503)] * 10
    page.add_init_script(HURRIED)
    page.goto(site.address("/a"))
    collector.wait_for("pageview", patience_s=30)
    wanted = [1, 2, *ASKED.values(), *(2**n for n in range(4, 12)), 3600, 3600]
    pauses = page.evaluate("pauses")
    assert len(pauses) == len(wanted)
    assert all(least <= seen < 2 * least for seen, least in zip(pauses, wanted, strict=True)), (pauses, wanted)
    assert len({seen / least for seen, least in zip(pauses, wanted, strict=True)}) > 10, "spread"


@pytest.mark.parametrize("status", [400, 422, pytest.param(413, marks=pytest.mark.long)])
def test_what_the_server_refuses_is_not_sent_again(
    page: Any, install: Any, site: Site, collector: Collector, status: int
) -> None:
    """And it stands in no other event's way."""
    install()
    collector.answers += [Answer(status)]
    page.goto(site.address("/a"))
    collector.wait(lambda: collector.tries, "the first try")
    page.evaluate("footfall('later')")
    collector.wait_for("later")
    time.sleep(2.5)
    assert [one.answer.status for one in of_view(collector)] == [status]


@pytest.mark.req("C22")
@pytest.mark.parametrize("modules", [(), ("api",)], ids=["default", "api"])
def test_a_host_that_is_none_of_the_sites_is_told_once_and_then_left_alone(
    page: Any, install: Any, site: Site, collector: Collector, modules: tuple[str, ...]
) -> None:
    """By the server's word, since its list may have wildcards. In the console of whoever wonders why nothing arrives."""
    install(parts=snippet.parts(*modules) if modules else ())
    collector.usual = Answer(403)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "info" else None)
    page.goto(site.address("/a"))
    collector.wait(lambda: collector.tries, "the first try")
    page.wait_for_timeout(100)
    page.evaluate("footfall('later'); history.pushState({}, '', '/b')")
    page.wait_for_timeout(600)
    page.goto("about:blank")
    time.sleep(0.3)
    assert said == ["footfall: not counted: hostname (?footfall=debug)"]
    assert len(collector.tries) == 1


def test_204_is_an_acknowledgement(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """Honoured and not recorded: there is nothing to repeat."""
    install()
    collector.usual = Answer(204)
    page.goto(site.address("/a"))
    collector.wait(lambda: collector.tries, "the first try")
    time.sleep(2.5)
    assert len(collector.tries) == 1


def test_a_slow_collector_is_waited_for_and_holds_up_nobody(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Neither the page, nor what happens later, nor the way to the next page; nothing is sent twice."""
    install()
    answers = threading.Event()
    collector.usual = Answer(until=answers)
    page.goto(site.address("/a"))
    collector.wait(lambda: collector.tries, "the first try")
    page.evaluate("footfall('meanwhile')")
    collector.wait(lambda: len(collector.tries) == 2, "the second beacon")
    page.goto(site.address("/b"))
    assert page.evaluate("document.readyState") == "complete", "nothing has been answered yet, and the page is there"
    collector.wait(lambda: len(collector.events("pageview")) == 2, "both views")
    time.sleep(2)
    answers.set()
    time.sleep(1)
    ids = [one.beacon["id"] for one in collector.tries]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("seconds", [4, pytest.param(10, marks=pytest.mark.long)])
def test_an_offline_browser_keeps_its_events_and_sends_them_when_it_is_back(
    page: Any, context: Any, install: Any, site: Site, collector: Collector, seconds: float
) -> None:
    """At once, however long the pause between the tries has become."""
    install()
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    context.set_offline(True)
    for path in ("/b", "/c"):
        page.evaluate("path => history.pushState({}, '', path)", path)
        page.wait_for_timeout(seconds * 500)
    assert len(collector.events("pageview")) == 1
    # By now the pause between two tries is longer than a second; the browser's word ends it.
    page.evaluate("addEventListener('online', () => { window.back = performance.now() })")
    context.set_offline(False)
    collector.wait_for("pageview", 3)
    views = sorted(collector.events("pageview"), key=lambda event: int(event["at"]))
    assert [event["beacon"]["url"] for event in views] == [site.address(path) for path in ("/a", "/b", "/c")]
    collector.wait_for("engagement", 2)


def test_a_page_that_is_left_during_a_pause_tries_once_more(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """It may be the last chance."""
    install()
    collector.answers += [Answer(500), Answer(500), Answer(500)]
    page.goto(site.address("/a"))
    collector.wait(lambda: len(collector.tries) == 3, "three tries")
    page.goto(site.address("/b"))
    # The page is gone: what was not tried as it went would never arrive.
    events = collector.wait_for("pageview", 2)
    assert sorted(event["beacon"]["url"] for event in events) == [site.address("/a"), site.address("/b")]


@pytest.mark.req("C10", "C21")
def test_a_browser_whose_fetch_ends_with_its_page_uses_the_beacon_call(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Nothing is lost on leaving there either."""
    install()
    page.add_init_script(WITHOUT_KEEPALIVE)
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.goto(site.address("/b"))
    collector.wait_for("pageview", 2)
    collector.wait_for("engagement")
    ids = [one.beacon["id"] for one in collector.tries]
    assert len(ids) == len(set(ids)) == 3


@pytest.mark.req("P2")
@pytest.mark.parametrize("browser_script", ["", WITHOUT_KEEPALIVE], ids=["fetch", "beacon"])
def test_beacons_need_no_preflight(
    page: Any, install: Any, site: Site, collector: Collector, browser_script: str
) -> None:
    """One request, readable by any proxy as text."""
    install()
    page.add_init_script(browser_script)
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    assert collector.preflights == 0
    assert collector.tries[0].headers["Content-Type"].startswith("text/plain")


@pytest.mark.req("P2")
def test_no_cookie_goes_with_a_beacon(page: Any, context: Any, install: Any, site: Site, collector: Collector) -> None:
    """Not even one that the collector's own host has set."""
    install()
    context.add_cookies([{"name": "login", "value": "1", "domain": "stats.shop.example", "path": "/"}])
    endpoint = collector.endpoint.replace("stats.example", "stats.shop.example")
    site.pages["/js/site.js"] = Page(snippet.compose(endpoint), content_type="text/javascript")
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.goto(site.address("/b"))
    collector.wait_for("engagement")
    assert all("Cookie" not in one.headers for one in collector.tries)


def test_beacons_stay_under_sixty_kilobytes_and_nothing_too_large_blocks_the_rest(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """The fixture measures each of them; an event that the wire could not take is not recorded."""
    install()
    page.goto(site.address(f"/a?{'x' * 8000}"))
    page.evaluate("""() => {
        const full = {}
        for (let i = 0; i < 32; i++) full['k' + i] = '\\u4e2d'.repeat(300)
        for (let i = 0; i < 3; i++) footfall('full', {props: full})
        footfall('huge', {props: {text: 'x'.repeat(70000)}})
        footfall('after')
    }""")
    collector.wait_for("after")
    collector.wait_for("full", 3)
    time.sleep(1)
    assert collector.events("huge") == []
    assert max(len(one.body) for one in collector.tries) > 30_000


def test_what_waits_is_bounded(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """A page that goes on for days without its collector keeps a hundred beacons."""
    install()
    collector.stop()
    page.goto(site.address("/a"))
    page.evaluate("for (let i = 0; i < 300; i++) footfall('many', {props: {i}})")
    page.wait_for_timeout(500)
    collector.start()
    page.evaluate("dispatchEvent(new Event('online'))")
    collector.wait_for("many", 99)
    time.sleep(1)
    # What is under way while the limit is reached comes on top.
    assert 100 <= len(collector.beacons) <= 102
    assert len(collector.events("pageview")) == 1


def test_what_is_given_up_is_the_least_worth_and_is_told(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Views and times stay; the oldest other events go, and the next time in front tells how many."""
    install(parts=snippet.parts("print"))
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    collector.stop()
    page.evaluate("""() => {
        history.pushState({}, '', '/b')
        for (let i = 0; i < 120; i++) footfall('many', {props: {i}})
        history.pushState({}, '', '/c')
    }""")
    collector.start()
    page.wait_for_timeout(300)
    page.evaluate("dispatchEvent(new Event('online'))")
    collector.wait_for("pageview", 3)
    collector.wait(lambda: lost(collector), "an event that tells what was given up")
    # Where that one took the place of another, the next one tells it.
    page.wait_for_timeout(300)
    page.evaluate("dispatchEvent(new Event('online'))")
    # The browser lets 64 KiB be under way at once; the rest goes a moment later.
    collector.wait(lambda: len(collector.events("many")) + lost(collector) == 120, "all that was not given up", 30)
    kept = sorted(event["props"]["i"] for event in collector.events("many"))
    assert kept == list(range(120 - len(kept), 120)), "the oldest go first"


def lost(collector: Collector) -> int:
    """How many events the browser says that it gave up."""
    return sum(event["props"].get("dropped_client", 0) for event in collector.events("engagement"))


def test_events_do_not_change_after_they_happened(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """The page may use its object again before the beacon goes."""
    install()
    page.goto(site.address("/a"))
    page.evaluate("const props = {step: 1}; footfall('step', {props}); props.step = 2; footfall('step', {props})")
    assert sorted(event["props"]["step"] for event in collector.wait_for("step", 2)) == [1, 2]


def test_half_an_emoji_loses_no_page_view(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """Texts are cut in the middle of a character by pages and by us; the server leaves out the half."""
    install()
    title = "document.title = 'Half: \\ud83d and a backslash: \\\\ud83d and a whole one: \\ud83d\\ude00'"
    site.pages["/a"] = Page(snippet.document(f"<script>{title}</script>"))
    page.goto(site.address("/a"))
    page.evaluate("footfall('half', {props: {text: '\\ude00x'}})")
    collector.wait_for("half")
    collector.wait_for("pageview")
    beacons = [decode_beacon(one.body)[0] for one in collector.tries]
    assert {one.title for one in beacons} == {"Half:  and a backslash: \\ud83d and a whole one: \U0001f600"}
    assert [event.props for one in beacons for event in one.events if event.name == "half"] == [{"text": "x"}]
