"""However a page embeds the snippet, and whatever the page does to its browser."""

import time
from typing import Any, Final

import pytest

from tests.browser import snippet
from tests.browser.web import Collector, Page, Site

pytestmark = pytest.mark.req("C21")

QUIET_S: Final = 0.7
SECOND: Final = "00000000000000ff"


def sites(collector: Collector, name: str) -> list[str]:
    """The site keys under which an event arrived."""
    return sorted(event["beacon"]["site"] for event in collector.events(name))


INJECTED: Final = """<script>
  const script = document.createElement("script")
  script.src = "/js/site.js"
  document.head.append(script)
</script>"""


@pytest.mark.parametrize(
    "head",
    [
        '<script src="/js/site.js"></script>',
        '<script async src="/js/site.js"></script>',
        '<script defer src="/js/site.js"></script>',
        '<script type="module" src="/js/site.js"></script>',
        '<script id="footfall" async src="/js/site.js"></script>',
        '<script>import("/js/site.js")</script>',
        INJECTED,
    ],
    ids=["plain", "async", "defer", "module", "id", "import", "injected"],
)
def test_it_counts_however_the_script_comes_into_the_page(
    page: Any, install: Any, site: Site, collector: Collector, head: str
) -> None:
    """Tag managers and optimisers move, delay and rewrite script elements; nothing of the element is read."""
    install()
    site.pages["/a"] = Page(snippet.document(head=head, script=""))
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.evaluate("footfall('signup')")
    collector.wait_for("signup")
    assert len(collector.events("pageview")) == 1


def test_it_counts_concatenated_with_scripts_that_lack_semicolons(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Optimisers join files as they are; the neighbours run too."""
    before = "window.before = function () { return 1 }"
    after = "(function () { window.after = window.before() + 1 })()"
    install(before=f"'use strict'\n{before}", after=after)
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    assert page.evaluate("window.after") == 2


def test_it_works_under_a_strict_content_security_policy_and_trusted_types(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """The two hosts are allowed, nothing else is, and no violation is reported."""
    install()
    policy = (
        f"default-src 'none'; script-src {site.address('')}; connect-src {collector.endpoint}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    site.pages["/watch.js"] = Page(
        "window.violations = []; document.addEventListener('securitypolicyviolation', event => "
        "violations.push(event.violatedDirective + ' ' + event.blockedURI))",
        content_type="text/javascript",
    )
    watch = '<link rel="icon" href="data:,"><script src="/watch.js"></script>'
    site.pages["/a"] = Page(snippet.document(head=watch), {"Content-Security-Policy": policy})
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.goto("about:blank")
    collector.wait_for("engagement")
    page.goto(site.address("/a"))
    collector.wait_for("pageview", 2)
    assert [one for one in page.evaluate("violations") if not one.startswith("img-src")] == []


def test_a_policy_that_forbids_the_collector_disturbs_nobody(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """The browser refuses each try; the page sees no error (its fixture would fail)."""
    install()
    site.pages["/a"] = Page(snippet.document(), {"Content-Security-Policy": "connect-src 'none'"})
    page.goto(site.address("/a"))
    page.wait_for_timeout(1800)
    page.goto("about:blank")
    assert collector.tries == []


def test_the_same_snippet_twice_counts_once(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """A theme and a plug-in both embed it, perhaps in two builds."""
    install()
    install("/js/again.js", build="ffffffff")
    site.pages["/a"] = Page(snippet.document(head='<script async src="/js/again.js"></script>'))
    page.goto(site.address("/a"))
    page.evaluate("footfall('signup'); history.pushState({}, '', '/b')")
    collector.wait_for("pageview", 2)
    page.goto("about:blank")
    time.sleep(QUIET_S)
    assert [len(collector.events(name)) for name in ("pageview", "signup")] == [2, 1]


@pytest.mark.parametrize("navigation", [True, False])
def test_two_sites_on_one_page_both_count(
    page: Any, install: Any, site: Site, collector: Collector, navigation: bool
) -> None:
    """Views, events, and calls from before either script was there."""
    if not navigation:
        page.add_init_script("Object.defineProperty(window, 'navigation', {value: undefined})")
    install()
    install("/js/second.js", site=SECOND)
    head = f"<script>{snippet.STUB}footfall('early')</script>" + '<script defer src="/js/second.js"></script>'
    site.pages["/a"] = Page(snippet.document(head=head))
    page.goto(site.address("/a"))
    page.evaluate("footfall('signup'); history.pushState({}, '', '/b')")
    collector.wait_for("pageview", 4)
    collector.wait_for("signup", 2)
    time.sleep(QUIET_S)
    both = sorted([snippet.SITE, SECOND])
    assert sites(collector, "pageview") == sorted(both * 2)
    assert sites(collector, "signup") == sites(collector, "early") == both


@pytest.mark.req("C16")
def test_calls_count_before_and_after_the_script_has_come(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Through the stub, through a function captured early, and with properties."""
    install()
    calls = f"<script>{snippet.STUB}window.kept = footfall; footfall('early', {{props: {{a: 1}}}})</script>"
    site.pages["/a"] = Page(snippet.document(head=calls))
    page.goto(site.address("/a"))
    collector.wait_for("early")
    page.evaluate("kept('captured'); footfall('late', {props: {text: 'x', number: 1.5, yes: true, none: null}})")
    collector.wait_for("captured")
    (late,) = collector.wait_for("late")
    (early,) = collector.events("early")
    assert early["props"] == {"a": 1}
    assert late["props"] == {"text": "x", "number": 1.5, "yes": True, "none": None}
    assert late["beacon"]["page"] == early["beacon"]["page"] == collector.events("pageview")[0]["beacon"]["page"]


@pytest.mark.req("C16")
def test_one_invalid_event_takes_no_other_with_it(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """A beacon is refused whole, so each event of the site's own has a beacon to itself."""
    install()
    page.goto(site.address("/a"))
    page.evaluate("footfall('one'); footfall('two')")
    collector.wait_for("two")
    collector.wait_for("pageview")
    assert sorted([event["name"] for event in beacon["events"]] for beacon in collector.beacons) == [
        ["one"],
        ["pageview"],
        ["two"],
    ]


def test_calls_that_make_no_sense_do_no_harm(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """No error (the page's fixture would fail), and what comes after counts."""
    install()
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.evaluate("""() => {
        const circle = {}
        circle.circle = circle
        footfall('x', {props: circle})
        footfall('x', {props: {big: 1n}})
        footfall.q.push()
        footfall.q.push(null)
        footfall.q.push(1)
        footfall('fine', null)
    }""")
    collector.wait_for("fine")
    time.sleep(QUIET_S)
    assert [event["name"] for event in collector.events()] == ["pageview", "fine"]


def test_the_page_has_one_more_global_and_it_is_footfall(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Nothing else leaks, and nothing of the page's own is replaced where the browser has the Navigation API."""
    install()
    before = """<script>
      window.names = Object.getOwnPropertyNames(window)
      window.own = [history.pushState, history.replaceState, fetch, addEventListener]
    </script>"""
    site.pages["/a"] = Page(snippet.document(head=before))
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    added = page.evaluate("Object.getOwnPropertyNames(window).filter(name => !names.includes(name))")
    assert set(added) - {"names", "own"} == {"footfall"}
    same = "[history.pushState, history.replaceState, fetch, addEventListener].every((it, i) => it === own[i])"
    assert page.evaluate(same)


HOSTILE: Final = {
    "frozen prototypes": "for (const it of [Object, Function, String, RegExp, Promise]) "
    "{ Object.freeze(it.prototype); Object.freeze(it) }",
    "extended Object.prototype": "Object.prototype.extra = function () {}; Array.prototype.more = () => 1",
    "fetch throws": "window.fetch = () => { throw new Error('page') }",
    "fetch answers nothing": "const real = window.fetch; window.fetch = (...args) => { real(...args) }",
    "fetch answers something else": "window.fetch = () => Promise.resolve(undefined)",
    "no fetch": "delete window.fetch",
    "frozen history": "Object.defineProperty(window, 'navigation', {value: undefined}); Object.freeze(history)",
    "footfall is an element's": "addEventListener('DOMContentLoaded', () => { document.body.id = 'footfall' })",
    "console is gone": "window.console = undefined",
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE.keys())
def test_it_counts_on_pages_that_change_their_browser(
    page: Any, install: Any, site: Site, collector: Collector, script: str
) -> None:
    """Freezing, patching and extending built-ins is common; no error may come of it."""
    install()
    head = f"<script>{script}</script>"
    site.pages["/a"] = Page(snippet.document(head=head, title="Page /a"))
    page.goto(site.address("/a"))
    if "undefined)" in script and "fetch" in script:
        page.wait_for_timeout(1500)
        assert collector.tries == []
    else:
        collector.wait_for("pageview")
        page.evaluate("footfall('signup')")
        collector.wait_for("signup")


def test_a_part_is_composed_with_the_snippet_and_one_that_fails_takes_nothing_with_it(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Parts come in place of the token after the configuration; each is called with the core."""
    install(parts=("() => { throw new Error('part') }", *snippet.parts("print", "api")), version="3")
    page.goto(site.address("/a"))
    page.evaluate("footfall.consent({statistics: true})")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    (printed,) = collector.wait_for("print")
    assert printed["beacon"]["consent"] == {"statistics": True, "version": "3"}


@pytest.mark.req("P2")
def test_events_wait_in_memory_until_a_choice_is_known(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """With the time when they happened; leaving sends nothing that was not allowed."""
    install(parts=snippet.parts("api"), unchosen="hold")
    page.goto(site.address("/a"))
    page.evaluate("dispatchEvent(new Event('pagehide')); history.pushState({}, '', '/b')")
    page.wait_for_timeout(QUIET_S * 1000)
    assert collector.tries == []
    page.evaluate("footfall.consent({statistics: true}); footfall('granted')")
    collector.wait_for("granted")
    # Each page's events are a beacon of their own; the two may overtake each other on their way.
    events = sorted(collector.wait_for("pageview", 2), key=lambda event: event["at"])
    assert [event["beacon"]["url"] for event in events] == [site.address("/a"), site.address("/b")]
    assert events[0]["beacon"]["sent"] - events[0]["at"] > QUIET_S * 1000
