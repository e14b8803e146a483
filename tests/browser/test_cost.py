"""What the snippet costs the page: on a slow device, before the page has loaded, and while it is scrolled."""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from control_store.snippet_settings import MODULES
from tests.browser import snippet
from tests.browser.web import Collector, Page, Site

pytestmark = pytest.mark.req("C21")

SLOWER: Final = 4
"""How much slower than this machine the page's processor is."""
MOST_MS: Final = 10.0
LONG_TASK_MS: Final = 50.0
TRIES: Final = 24
"""The best of so many at most: what else the machine does is no cost of the snippet."""
CATEGORIES: Final = ("devtools.timeline",)
"""More of them cost more than the snippet does."""
BODY: Final = "".join(f"<section><h2>Part {n}</h2><p>{'Words of a page. ' * 60}</p></section>" for n in range(40))
MOVING: Final = {"scroll", "mousemove", "pointermove", "mouseover", "mouseout", "wheel"}
SEEN: Final = {"scroll", "mouseover"}
RUNNING: Final = ("EvaluateScript", "FunctionCall", "v8.compile", "TimerFire", "EventDispatch")


def modules(name: str) -> tuple[str, ...]:
    """The parts of the default snippet, or of one with every module."""
    return () if name == "default" else snippet.parts("api", *(one for one in MODULES if one != "calls"))


def traced(browser: Any, context: Any, folder: Path, act: Any, address: str) -> list[dict[str, Any]]:
    """Events of the browser's own trace while a page is opened and something happens on it."""
    tab = context.new_page()
    path = folder / "trace.json"
    browser.start_tracing(page=tab, path=path, categories=list(CATEGORIES))
    try:
        tab.goto(address, wait_until="load")
        act(tab)
    finally:
        browser.stop_tracing()
    tab.close()
    read: list[dict[str, Any]] = json.loads(path.read_bytes())["traceEvents"]
    return read


def ours(events: list[dict[str, Any]], script: str) -> Iterator[dict[str, Any]]:
    """What the snippet's code did, outermost only."""
    end: dict[int, float] = {}
    for event in sorted(events, key=lambda one: one.get("ts", 0)):
        data = event.get("args", {}).get("data", {})
        if event.get("ph") != "X" or event["name"] not in RUNNING or script not in str(data.get("url", "")):
            continue
        if event["ts"] >= end.get(event["tid"], 0):
            end[event["tid"]] = event["ts"] + event["dur"]
            yield event


@pytest.mark.parametrize("name", ["default", "all"])
def test_until_the_page_has_loaded_it_takes_few_milliseconds_of_a_slow_processor(
    browser: Any, context: Any, install: Any, site: Site, collector: Collector, tmp_path: Path, name: str
) -> None:
    """Compiling, evaluating and every handler; no task is long because of it."""
    install(parts=modules(name))
    site.pages["/a"] = Page(snippet.document(BODY))
    best: list[float] = [1e9]
    for _ in range(TRIES):
        events = traced(browser, context, tmp_path, lambda tab: tab.wait_for_timeout(20), site.address("/a"))
        loaded = max(event["ts"] for event in events if event["name"] == "MarkLoad")
        # The thread's own time, times four. The browser's throttle stretches what others take from the processor too.
        spent = [SLOWER * one["tdur"] / 1000 for one in ours(events, "/js/site.js") if one["ts"] <= loaded]
        assert spent, "the trace sees the snippet"
        best = min(best, spent, key=sum)
        if sum(best) <= MOST_MS:
            break
    print(f"{name}: {sum(best):.1f} ms at {SLOWER} times slower")  # noqa: T201
    assert sum(best) <= MOST_MS
    assert max(best) < LONG_TASK_MS


@pytest.mark.req("C11")
def test_scrolling_and_moving_the_pointer_force_no_layout(
    browser: Any, context: Any, install: Any, site: Site, collector: Collector, tmp_path: Path
) -> None:
    """While the page changes at the same time, so that reading a size would have its price."""
    install(parts=modules("all"))
    dirty = """<script>setInterval(() => { document.body.append("x"); document.body.style.width =
      (900 + Math.random() * 9) + "px" }, 5)</script>"""
    site.pages["/a"] = Page(snippet.document(BODY + dirty))

    def act(tab: Any) -> None:
        for step in range(8):
            tab.mouse.move(100 + 40 * step, 200)
            tab.mouse.wheel(0, 300)
            tab.wait_for_timeout(30)

    events = traced(browser, context, tmp_path, act, site.address("/a"))
    handlers = [
        (event["tid"], event["ts"], event["ts"] + event["dur"])
        for event in events
        # One that was cut by the end of the trace has no length.
        if event["name"] == "EventDispatch" and "dur" in event and event["args"]["data"]["type"] in MOVING
    ]
    assert {type_ for event in events if (type_ := event.get("args", {}).get("data", {}).get("type")) in MOVING} >= SEEN
    forced = [
        event["name"]
        for event in events
        if event["name"] in ("Layout", "UpdateLayoutTree")
        and any(tid == event["tid"] and start <= event["ts"] <= end for tid, start, end in handlers)
    ]
    assert [event for event in events if event["name"] == "Layout"], "the trace sees layouts"
    assert forced == []


@pytest.mark.req("P12")
def test_a_plain_visit_is_one_script_and_two_beacons(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """One when it begins, one when it ends; a page that takes long to go tells of its last moments once more."""
    install(parts=modules("all"))
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.wait_for_timeout(400)
    assert len(collector.tries) == 1
    page.goto("about:blank")
    collector.wait_for("engagement")
    collector.wait_for("exit")
    page.wait_for_timeout(300)
    others = sorted(event["name"] for event in collector.events() if event["name"] != "engagement")
    assert others == ["exit", "pageview", "vitals"]
    assert len(collector.tries) <= 3
    assert site.asked.count("/js/site.js") == 1


@pytest.mark.long
def test_paint_shifts_and_answers_to_clicks_are_what_they_are_without_it(
    browser: Any, context: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Pairs of the same page with and without; the difference of the medians is within what pages differ anyway."""
    install(parts=modules("all"))
    button = "<button onclick=\"this.style.color = this.style.color ? '' : 'red'\">Answer</button>"
    site.pages["/with"] = Page(snippet.document(button + BODY))
    site.pages["/without"] = Page(snippet.document(button + BODY, script=""))
    watch = """window.told = {lcp: 0, cls: 0, inp: 0}
      const on = (type, note, more) => new PerformanceObserver(list => list.getEntries().forEach(note))
        .observe({type, buffered: true, ...more})
      on("largest-contentful-paint", one => { told.lcp = one.startTime })
      on("layout-shift", one => { told.cls += one.value })
      on("event", one => { told.inp = Math.max(told.inp, one.duration) }, {durationThreshold: 16})"""
    found: dict[str, dict[str, list[float]]] = {
        path: {"lcp": [], "inp": [], "cls": []} for path in ("/with", "/without")
    }
    for _ in range(15):
        for path, kept in found.items():
            tab = context.new_page()
            tab.add_init_script(watch)
            context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            tab.goto(site.address(path))
            tab.wait_for_timeout(300)
            for _ in range(3):
                tab.click("button")
            tab.wait_for_timeout(300)
            told = tab.evaluate("told")
            for name, values in kept.items():
                values.append(told[name])
            tab.close()
    for name, least in (("lcp", 16), ("inp", 16), ("cls", 0.0001)):
        with_it, without = (statistics.median(found[path][name]) for path in ("/with", "/without"))
        noise = statistics.pstdev(found["/without"][name])
        print(f"{name} {with_it:g} with, {without:g} without, ± {noise:g}")  # noqa: T201
        assert with_it - without <= max(2 * noise, least)
