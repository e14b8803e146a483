"""Choices on the site, in a real browser, on a whole installation: each path a visitor can take, and what is on the
device after it. Wording and equal weight are what UX asks for; cookies are compared with the catalogue's list."""

import importlib.util
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import brotli
import pytest

from collector.texts import LANGUAGES, read_texts
from event_catalogue.choice import COOKIE
from tests.browser import snippet
from tests.browser.choosers import LINK, MARKED, PANEL, TALL, Visitor, Web, visiting
from tests.browser.marionette import PROGRAM, Marionette
from tests.browser.snippet import DIST
from tests.browser.web import Page, Passage, Site
from tests.product import Product

pytestmark = [pytest.mark.timeout(300)]

DAY_S: Final = 86_400
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LARGEST: Final = 7 * 1024


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """An installation with sites that ask."""
    site = Site()
    product = Product(tmp_path_factory.mktemp("choices") / "data")
    product.settings["public_url"] = f"http://stats.example:{product.collector}"
    made = Web(product, site)
    try:
        product.start()
        yield made
    finally:
        product.kill()
        site.close()


def expected(*names: str) -> set[str]:
    """Cookies of the catalogue, so that a name that it lacks is no expectation."""
    return {COOKIE[name].name for name in names}


def check_lives(visitor: Visitor) -> None:
    """Every cookie is one of the catalogue, for as many days as it says, and of the page's own host alone."""
    now = time.time()
    for name, cookie in visitor.cookies().items():
        days = (cookie["expires"] - now) / DAY_S
        assert COOKIE[name].days - 0.1 < days <= COOKIE[name].days, name
        assert (cookie["sameSite"], cookie["path"], cookie["domain"][0]) == ("Lax", "/", cookie["domain"][0].strip("."))
    assert visitor.stored() == [0, 0, 0]


@pytest.mark.req("P1", "P2", "P4")
def test_accept_then_come_back_then_withdraw(web: Web, browser: Any) -> None:
    """Nothing is sent or stored before; what waited goes with its own time; the choice is remembered and not prolonged;
    withdrawing takes one click and leaves the refusal alone."""
    address = web.put("optin.example", "/accept", MARKED + PANEL)
    with visiting(browser) as visitor:
        visitor.page.goto(address)
        visitor.bar.wait_for()
        visitor.page.wait_for_timeout(700)
        assert (visitor.sent, visitor.cookies(), visitor.stored()) == ([], {}, [0, 0, 0])
        began = visitor.page.evaluate("Math.round(performance.timeOrigin)")
        visitor.button("Accept").click()
        visitor.until(visitor.events, "the view that waited")
        (view,) = visitor.events()
        assert view["at"] - began < (view["beacon"]["sent"] - began) - 500, "its own time, not the choice's"
        cookies = visitor.cookies()
        assert cookies.keys() == expected("ff_id", "ff_receipt")
        assert view["beacon"]["visitor"] == cookies["ff_id"]["value"]
        assert view["beacon"]["consent"] == {"statistics": True, "ads": True, "version": "1"}
        number, version, day, purposes = cookies["ff_receipt"]["value"].split(":")
        assert (len(number), version, int(day), purposes) == (36, "1", int(time.time()) // DAY_S, "sa")
        check_lives(visitor)
        panel = visitor.page.locator("footfall-choices")
        assert number in panel.evaluate("(one) => one.shadowRoot.textContent")

        visitor.page.reload()
        visitor.until(lambda: len(visitor.events()) == 2, "the view of the second load")
        assert visitor.events()[1]["beacon"]["visitor"] == cookies["ff_id"]["value"]
        panel.get_by_role("button", name="Withdraw consent").wait_for()
        assert visitor.bar.count() == 0, "who has chosen is not asked"
        again = visitor.cookies()
        assert {name: one["expires"] for name, one in again.items()} == {
            name: one["expires"] for name, one in cookies.items()
        }
        panel.get_by_role("button", name="Withdraw consent").click()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_choice"), "only the refusal is left")
        assert visitor.chosen[-1] | {"statistics": False, "ads": False} == visitor.chosen[-1]
        assert (visitor.chosen[-1]["visitor"], visitor.chosen[-1]["receipt"]) == (cookies["ff_id"]["value"], number)
        assert visitor.cookies()["ff_choice"]["value"] == f"d:1:{int(time.time()) // DAY_S}"
        check_lives(visitor)
        before = len(visitor.sent)
        visitor.page.reload()
        panel.get_by_text("You declined on").wait_for()
        visitor.page.wait_for_timeout(600)
        assert (len(visitor.sent), visitor.bar.count()) == (before, 0)


@pytest.mark.req("P1", "P2")
def test_decline_object_and_change_ones_mind(web: Web, browser: Any) -> None:
    """A refusal drops what waited; an objection stops everything; both can be taken back where the choices stand."""
    address = web.put("optin.example", "/decline", MARKED + LINK)
    with visiting(browser) as visitor:
        visitor.page.goto(address)
        visitor.button("Decline").click()
        visitor.bar.get_by_text("it holds no identifier").wait_for()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_choice"), "the refusal")
        check_lives(visitor)
        visitor.button("OK").click()
        visitor.page.wait_for_timeout(600)
        assert visitor.sent == []
        refused = visitor.cookies()
        visitor.page.reload()
        visitor.page.wait_for_timeout(600)
        assert visitor.cookies() == refused, "neither changed nor prolonged by a visit"
        loaded = [url for url in visitor.asked if url.endswith(".choices.js")]
        assert len(loaded) == 1, "who has answered, on a page with a link, loads nothing more"

        visitor.page.get_by_role("link", name="Privacy choices").click()
        visitor.page.get_by_role("dialog").wait_for()
        visitor.page.get_by_label("Don't count me").check()
        assert visitor.page.get_by_label("Statistics: recognise this browser").is_disabled()
        visitor.button("Save choices").click()
        visitor.until(lambda: "ff_optout" in visitor.cookies(), "the objection")
        check_lives(visitor)
        assert visitor.chosen[-1]["optout"] is True
        objected = visitor.cookies()
        visitor.page.reload()
        visitor.page.evaluate("footfall('signup')")
        assert visitor.cookies() == objected
        visitor.page.get_by_role("link", name="Privacy choices").click()
        visitor.page.get_by_label("Don't count me").uncheck()
        visitor.page.get_by_label("Statistics: recognise this browser").check()
        visitor.button("Save choices").click()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_id", "ff_receipt"), "a grant of one purpose")
        assert visitor.cookies()["ff_receipt"]["value"].endswith(":s")
        assert visitor.sent == [], "nothing of a page on which the visitor objected"


@pytest.mark.req("P1")
def test_the_keyboard_alone_and_equal_weight(web: Web, browser: Any) -> None:
    """Decline then Accept in the order of tabs, neither focused before; the same in everything but the words; targets of
    44 px; the preferences keep the focus and give it back; Escape there changes nothing, in the banner it declines."""
    address = web.put("optin.example", "/keys", MARKED + LINK)
    with visiting(browser) as visitor:
        page = visitor.page
        page.goto(address)
        visitor.bar.wait_for()
        assert page.evaluate("document.activeElement === document.body")
        assert visitor.bar.get_attribute("role") == "region"
        looks = [look(visitor.button(name)) for name in ("Decline", "Accept")]
        assert looks[0]["style"] == looks[1]["style"]
        assert abs(looks[0]["width"] - looks[1]["width"]) <= 2
        assert abs(looks[0]["height"] - looks[1]["height"]) <= 2
        assert looks[0]["parent"] is looks[1]["parent"] is True
        small = page.evaluate(
            """[...document.querySelector('footfall-banner').shadowRoot.querySelectorAll('button,a,label')]
            .filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.textContent)"""
        )
        assert small == []

        names = []
        for _ in range(8):
            page.keyboard.press("Tab")
            names.append(focused(page))
        assert names == [
            *("Next page", "Last", "Privacy choices", "Decline", "Accept"),
            *("Preferences", "Don't count me at all", "What exactly?"),
        ]
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        assert focused(page) == "Your choices"
        inside = set()
        for _ in range(14):
            page.keyboard.press("Tab")
            inside.add(focused(page))
        assert "Next page" not in inside
        assert {"Save choices", "Decline", "Accept", "Close without change"} <= inside
        page.keyboard.press("Escape")
        assert (page.get_by_role("dialog").count(), focused(page)) == (0, "Preferences")
        assert (visitor.chosen, visitor.cookies()) == ([], {})
        page.keyboard.press("Escape")
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_choice"), "Escape in the banner declines")
        told = "document.querySelector('footfall-banner').shadowRoot.activeElement?.getAttribute('role')"
        visitor.until(lambda: page.evaluate(told) == "status", "the keyboard is led to what was said")
        page.keyboard.press("Tab")
        assert focused(page) == "OK"
        page.keyboard.press("Enter")
        assert focused(page) == "Privacy choices", "and back to where it was before the banner"


@pytest.mark.req("P1")
def test_what_a_page_says_of_everything_says_nothing_of_the_banner(web: Web, browser: Any) -> None:
    """Styles of the page for all its elements make neither answer smaller, paler or other than its neighbour; on paper
    there is no banner."""
    script = f"{web.stats}/js/{web.keys['optin.example']}.js"
    loud = (
        "<style>*,:hover{font-size:7px!important;color:#eee!important;text-transform:uppercase!important;"
        "letter-spacing:-2px!important;direction:rtl!important;opacity:.2!important}button:first-child,"
        "footfall-banner .big:first-child{background:#fff!important;font-weight:100!important}</style>"
    )
    web.site.pages["/loud"] = Page(snippet.document(MARKED + LINK, head=loud, script=script))
    with visiting(browser) as visitor:
        page = visitor.page
        looks = []
        for address in (web.put("optin.example", "/plain-look"), web.site.address("/loud", "optin.example")):
            page.goto(address)
            visitor.bar.wait_for()
            looks += [look(visitor.button(name)) for name in ("Decline", "Accept")]
            assert page.locator("footfall-banner").evaluate("(one) => getComputedStyle(one).opacity") == "1"
        assert [one["style"] for one in looks] == [looks[0]["style"]] * 4
        assert {round(one["width"]) for one in looks} == {round(looks[0]["width"])}
        page.emulate_media(media="print")
        assert not visitor.bar.is_visible()


def look(button: Any) -> dict[str, Any]:
    """What makes a button's weight."""
    script = """(one) => {
        const style = getComputedStyle(one);
        const names = ["fontSize", "fontWeight", "fontFamily", "color", "backgroundColor", "borderColor", "borderWidth",
          "borderRadius", "textDecoration", "opacity", "padding", "boxShadow", "textTransform"];
        const { width, height } = one.getBoundingClientRect();
        return { width, height, style: names.map((name) => style[name]).concat(one.localName),
          parent: one.parentElement.matches(".pair") };
    }"""
    return dict(button.evaluate(script))


def focused(page: Any) -> str:
    """The words of the element with the focus, in whatever root."""
    script = """(() => { let one = document.activeElement;
      while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
      return one?.textContent.trim() || one?.labels?.[0]?.textContent || one?.localName })()"""
    return str(page.evaluate(script))


@pytest.mark.req("P1")
def test_nothing_is_covered_nothing_moves_and_axe_finds_nothing(web: Web, browser: Any) -> None:
    """The banner gives way to what has the focus; no layout shift; axe over banner, preferences, panel; a phone too."""
    axe = rules()
    address = web.put(
        "us.example",
        "/covered",
        f"{MARKED}<footer><p>{'long<br>' * 60}</p>{PANEL}<p>The <a href=/z>End</a> of it.</p></footer>",
    )
    phone = {"width": 320, "height": 640}
    for options in ({"viewport": phone, "bypass_csp": True}, {"color_scheme": "dark", "bypass_csp": True}):
        with visiting(browser, **options) as visitor:
            page = visitor.page
            page.add_init_script(
                """window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((one) => {
                shift += one.value })).observe({ type: "layout-shift", buffered: true })"""
            )
            page.goto(address)
            visitor.bar.wait_for()
            page.evaluate(axe)
            assert violations(page) == []
            assert page.evaluate("shift") == 0
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.evaluate("document.documentElement.style.scrollBehavior = 'smooth'")
            page.evaluate("document.querySelector('a[href=\"/z\"]').focus()")
            page.wait_for_timeout(100)
            assert page.evaluate(
                """(() => { const [a, b] = [document.querySelector('a[href="/z"]'),
                document.querySelector('footfall-banner').shadowRoot.querySelector('.bar')].map((x) =>
                x.getBoundingClientRect()); return a.bottom <= b.top || a.top >= b.bottom })()"""
            )
            visitor.button("Preferences").click()
            page.get_by_role("dialog").wait_for()
            assert violations(page) == []


@pytest.mark.req("P1", "D10")
@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_of_ours_moves(web: Web, browser: Any, motion: str) -> None:
    """Neither for who asked for less motion nor for anybody else: no animation runs, and no style could start one."""
    moving = """(() => { const roots = [...document.querySelectorAll('footfall-banner,footfall-choices,footfall-embed')]
        .map((one) => one.shadowRoot).filter(Boolean)
      const styles = roots.flatMap((root) => [root.host, ...root.querySelectorAll('*')]).map((one) => getComputedStyle(one))
      return { seen: styles.length, running: document.getAnimations().length + roots.flatMap((root) =>
          [...root.querySelectorAll('*')].flatMap((one) => one.getAnimations())).length,
        could: styles.filter((one) => one.animationName !== 'none' || /[1-9]/.test(one.transitionDuration) ||
          one.scrollBehavior === 'smooth').length } })()"""
    with visiting(browser, reduced_motion=motion) as visitor:
        page = visitor.page
        page.goto(web.put("optin.example", "/still", MARKED + PANEL + '<footfall-embed src="/film"></footfall-embed>'))
        visitor.bar.wait_for()
        seen = [page.evaluate(moving)]
        visitor.button("Preferences").click()
        page.get_by_role("dialog").wait_for()
        page.locator("summary").first.click()
        seen.append(page.evaluate(moving))
        page.keyboard.press("Escape")
        visitor.button("Accept").click()
        visitor.bar.get_by_text("Saved.").wait_for()
        seen.append(page.evaluate(moving))
        assert min(one["seen"] for one in seen) > 10
        assert [(one["running"], one["could"]) for one in seen] == [(0, 0)] * 3


def rules() -> str:
    """The script of axe."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("the rules of axe are missing (pip install axe-playwright-python)")
    return Path(found.origin).with_name("axe.min.js").read_text()


def violations(page: Any) -> list[Any]:
    """What axe finds, in short."""
    told = page.evaluate("tags => axe.run(document, {runOnly: tags})", RULES)
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in told["violations"]]


@pytest.mark.req("P1", "P3", "P6")
def test_do_not_sell_children_and_signals(web: Web, browser: Any) -> None:
    """Where the site shares, the opt-out stands in the preferences and does not lapse; a page for children asks nothing;
    a signal is said to be honoured, and what it did."""
    with visiting(browser) as visitor:
        visitor.page.goto(web.put("us.example", "/us"))
        visitor.until(visitor.events, "opt_out counts before a choice")
        assert "visitor" not in visitor.events()[0]["beacon"]
        assert visitor.cookies() == {}
        visitor.button("Preferences").click()
        visitor.page.get_by_label("Do Not Sell or Share My Personal Information").check()
        visitor.page.get_by_label("Statistics: recognise this browser").check()
        visitor.button("Save choices").click()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_id", "ff_receipt", "ff_sale"), "all kept")
        check_lives(visitor)
        assert visitor.chosen[-1]["sale"] is False
        visitor.page.reload()
        visitor.until(lambda: len(visitor.events()) > 1, "the next view")
        assert visitor.events()[-1]["beacon"]["consent"]["sale"] is False
    with visiting(browser) as visitor:
        visitor.page.goto(web.put("us.example", "/us-no"))
        visitor.button("Decline").click()
        # Two cookies: it is not said that there is one.
        visitor.bar.get_by_text("The only cookies are those that remember these answers").wait_for()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_choice", "ff_sale"), "refusal and opt-out")
        check_lives(visitor)
    with visiting(browser) as visitor:
        visitor.page.goto(web.put("kids.example", "/kids", MARKED + PANEL))
        visitor.page.locator("footfall-choices").get_by_text("for children").wait_for()
        assert visitor.bar.count() == 0
    signal = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    for host, said in (("plain.example", "did not record this visit"), ("mild.example", "without recognising you")):
        with visiting(browser, extra_http_headers={"Sec-GPC": "1"}) as visitor:
            visitor.page.add_init_script(signal)
            visitor.page.goto(web.put(host, "/gpc"))
            visitor.button("Opt-Out Request Honored").click()
            dialog = visitor.page.get_by_role("dialog")
            dialog.get_by_text(said).wait_for()
            assert "nothing is sold or shared" in dialog.inner_text()
            assert dialog.get_by_role("button", name="Accept").count() == 0
            if host == "mild.example":
                visitor.until(visitor.events, "counted, and not recognised")
            assert bool(visitor.sent) == (host == "mild.example")
            assert (visitor.bar.count(), visitor.cookies()) == (0, {})


@pytest.mark.req("P1", "P2", "P6", "C6", "C22")
def test_pages_that_change_without_a_load_ask_where_one_is_to_be_asked(web: Web, browser: Any) -> None:
    """The question stays with its focus from route to route; not on a page for children nor on one that is not counted;
    it outlives a body that is replaced. What waits keeps its own address and time, and goes or is dropped as a whole."""
    address = web.put("app.example", "/app")
    routes = ["/app/two", "/kids/a", "/left-out/x", "/app/three"]

    def at(one: Visitor, path: str, *, asked: bool) -> None:
        one.page.evaluate("(path) => history.pushState(null, '', path)", path)
        one.until(lambda: (one.bar.count() == 1) is asked, f"at {path} the question is there: {asked}")

    with visiting(browser) as visitor:
        page = visitor.page
        page.goto(address)
        visitor.button("Accept").focus()
        at(visitor, routes[0], asked=True)
        page.wait_for_timeout(700)
        assert focused(page) == "Accept", "the same question: nobody is thrown out of it"
        at(visitor, routes[1], asked=False)
        visitor.button("Privacy choices").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("for children").wait_for()
        assert dialog.get_by_role("button", name="Accept").count() == 0
        page.keyboard.press("Escape")
        at(visitor, routes[2], asked=False)
        at(visitor, routes[3], asked=True)
        page.evaluate("document.body.replaceWith(Object.assign(document.createElement('body'), {id: 'new'}))")
        visitor.until(lambda: visitor.bar.count() == 1, "the question is in the new body")
        assert page.locator("#new > footfall-banner").count() == 1
        assert (visitor.sent, visitor.cookies()) == ([], {})
        visitor.button("Accept").click()
        visitor.until(lambda: len(visitor.events()) == 5, "what waited")
        views = visitor.events()
        assert [urlsplit(one["beacon"]["url"]).path for one in views] == ["/app", *routes]
        chosen = views[0]["beacon"]["sent"]
        assert sorted(times := [one["at"] for one in views]) == times
        assert times[-1] < chosen - 100, "its own time, not the choice's"
        assert len({one["beacon"]["visitor"] for one in views}) == 1
        visitor.button("OK").click()
        at(visitor, "/app/four", asked=False)
        visitor.until(lambda: len(visitor.events()) == 6, "a page after the choice")
    with visiting(browser) as visitor:
        visitor.page.goto(address)
        at(visitor, "/app/two", asked=True)
        visitor.button("Decline").click()
        visitor.bar.get_by_text("Saved.").wait_for()
        visitor.page.evaluate("history.pushState(null, '', '/app/three')")
        visitor.page.wait_for_timeout(700)
        assert visitor.bar.get_by_text("Saved.").is_visible(), "what was said can be read on the next page too"
        visitor.button("OK").click()
        assert (visitor.sent, visitor.bar.count()) == ([], 0)


MANAGERS: Final = """
window.__tcfapi = (command, version, callback) => { window.tcf = (consents) =>
  callback({eventStatus: "useractioncomplete", gdprApplies: true, purpose: {consents}}, true) }
window.__gpp = (command, callback) => { window.gpp = (value) =>
  callback({pingData: {signalStatus: "ready", parsedSections: {usnat: {SaleOptOut: value}}}}, true); gpp(2) }
"""


@pytest.mark.req("P10", "P2", "P4")
def test_who_goes_before_whom(web: Web, browser: Any) -> None:
    """A manager's grant opens the fields of consent and makes neither id nor receipt nor cookie; an opt-out that it tells
    goes before its own grant; what is chosen on this site goes before the manager; an objection before everything."""
    script = f"{web.stats}/js/{web.keys['managed.example']}.js"
    text = snippet.document(MARKED + LINK, head=f"<script>{MANAGERS}</script>", script=script)
    web.site.pages["/managed"] = Page(text)
    address = web.site.address("/managed", "managed.example")
    with visiting(browser) as visitor:
        page = visitor.page
        answers: list[int] = []
        page.on("response", lambda one: answers.append(one.status) if one.url.endswith("/e") else None)
        page.goto(address)
        visitor.bar.wait_for()
        page.wait_for_function("!!(window.tcf && window.gpp)")
        assert visitor.sent == []
        page.evaluate("tcf({1: true, 8: true})")
        visitor.until(lambda: answers == [202], "granted by the manager")
        assert visitor.sent[0]["consent"] | {"statistics": True} == visitor.sent[0]["consent"]
        assert "visitor" not in visitor.sent[0]
        assert (visitor.cookies(), visitor.chosen, visitor.stored()) == ({}, [], [0, 0, 0])

        page.evaluate("gpp(1); footfall('after_the_opt_out')")
        visitor.until(lambda: answers == [202, 204], "the opt-out goes before the grant")
        page.evaluate("gpp(2)")
        visitor.button("Decline").click()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_choice"), "declined on this site")
        page.evaluate("tcf({1: true, 8: true}); footfall('after_the_refusal')")
        page.wait_for_timeout(500)
        assert len(visitor.sent) == 2
        visitor.button("OK").click()
        page.get_by_role("link", name="Privacy choices").click()
        page.get_by_role("dialog").get_by_role("button", name="Accept").click()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_id", "ff_receipt"), "accepted on this site")
        page.evaluate("tcf({1: false}); footfall('after_the_grant')")
        visitor.until(lambda: answers[2:] == [202], "the visitor's own grant goes before the manager's refusal")
        assert visitor.sent[-1]["visitor"] == visitor.cookies()["ff_id"]["value"]
        visitor.button("OK").click()
        page.get_by_role("link", name="Privacy choices").click()
        page.get_by_label("Don't count me").check()
        visitor.button("Save choices").click()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_optout"), "the objection")
        page.evaluate("tcf({1: true, 8: true}); footfall('after_the_objection')")
        page.wait_for_timeout(500)
        assert len(visitor.sent) == 3


@pytest.mark.req("P1")
def test_each_language_is_whole(web: Web, browser: Any) -> None:
    """The page's language before the browser's; banner and preferences say everything in it."""
    with visiting(browser, locale="tr-TR") as visitor:
        for language, words in read_texts().items():
            visitor.page.goto(web.put("plain.example", f"/in-{language}", MARKED + TALL, lang=language))
            visitor.bar.get_by_role("heading", name=words["ask.cookieless.title"]).wait_for()
            assert visitor.page.locator("footfall-banner").get_attribute("lang") == language
            assert "{" not in visitor.bar.inner_text()
            visitor.button(words["words.preferences"]).click()
            dialog = visitor.page.get_by_role("dialog")
            dialog.get_by_text(words["purpose.statistics.label"]).wait_for()
            assert "{" not in (dialog.text_content() or "")
            assert words["topics.returning"] in (dialog.text_content() or "")


@pytest.mark.req("P1")
def test_long_texts_and_right_to_left_pages(web: Web, browser: Any) -> None:
    """Texts longer by half, on the smallest phone, in a page that reads from the right: nothing runs out, and the two
    answers stay equal."""
    address = web.put("optin.example", "/long", MARKED + PANEL, attributes='dir="rtl"')

    def lengthen(route: Any) -> None:
        parts = urlsplit(route.request.url)
        path = f"{parts.path}?{parts.query}"
        told = json.dumps(longer(json.loads(web.product.request(web.product.collector, "GET", path)[2])))
        route.fulfill(body=told, headers={"Access-Control-Allow-Origin": "*", "Content-Type": "application/json"})

    with visiting(browser, viewport={"width": 320, "height": 640}) as visitor:
        visitor.page.route("**/texts?*", lengthen)
        visitor.page.goto(address)
        visitor.bar.wait_for()
        fits = "document.documentElement.scrollWidth <= innerWidth"
        assert visitor.page.evaluate(fits)
        pair = visitor.bar.locator(".pair button")
        looks = [look(pair.nth(place)) for place in (0, 1)]
        assert looks[0]["style"] == looks[1]["style"]
        assert abs(looks[0]["width"] - looks[1]["width"]) <= 2
        assert abs(looks[0]["height"] - looks[1]["height"]) <= 2
        visitor.bar.locator(".rest button").first.click()
        dialog = visitor.page.get_by_role("dialog")
        dialog.wait_for()
        assert visitor.page.evaluate(fits)
        assert dialog.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def longer(content: Any) -> Any:
    """Every text but keys and words of the policy half as long again."""
    if isinstance(content, dict):
        kept = ("lang", "policy")
        return {key: one if key in kept else longer(one) for key, one in content.items()}
    if isinstance(content, list):
        return [one if one in ("statistics", "ads", "sale") else longer(one) for one in content]
    return f"{content} {content[: len(content) // 2]}" if isinstance(content, str) else content


@pytest.mark.req("P17")
def test_the_page_is_the_same_whatever_is_chosen(web: Web, browser: Any) -> None:
    """Accept, decline, Global Privacy Control and a blocked script: status, bytes, document and picture are equal, the
    banner apart."""
    address = web.put("optin.example", "/same", MARKED + LINK)
    gpc = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    seen: dict[str, tuple[Any, ...]] = {}
    for path in ("first", "Accept", "Decline", "gpc", "blocked"):
        with visiting(browser, extra_http_headers={"Sec-GPC": "1"} if path == "gpc" else {}) as visitor:
            page = visitor.page
            if path == "gpc":
                page.add_init_script(gpc)
            if path == "blocked":
                page.route("**/js/**", lambda route: route.abort())
            page.goto(address)
            if path in ("Accept", "Decline"):
                visitor.button(path).click()
                visitor.until(visitor.cookies, "a choice")
            answer = page.goto(address)
            page.wait_for_timeout(400)
            page.evaluate("document.querySelectorAll('footfall-banner').forEach((one) => one.remove())")
            document = page.evaluate("document.documentElement.outerHTML")
            headers = {name: one for name, one in answer.all_headers().items() if name != "date"}
            seen[path] = (answer.status, answer.body(), headers, document, page.screenshot())
            if path == "blocked":
                visitor.told.clear()
    for path, one in seen.items():
        assert one == seen["first"], path


@pytest.mark.req("P1", "P4", "P9")
def test_without_javascript_the_notice_takes_the_choice(web: Web, browser: Any) -> None:
    """On the site's own address; pages with scripts honour it. The notice passes axe on a phone and in the dark."""
    host = "us.example"
    notice = f"http://{host}:{web.product.collector}/privacy/{web.keys[host]}"
    address = web.put(host, "/after", MARKED + LINK)
    with visiting(browser, java_script_enabled=False) as visitor:
        for name, cookies in (
            ("Do Not Sell or Share My Personal Information", {"ff_sale"}),
            ("Accept", {"ff_sale", "ff_id", "ff_receipt"}),
            ("Decline", {"ff_sale", "ff_choice"}),
        ):
            visitor.page.goto(notice)
            visitor.page.get_by_role("button", name=name).click()
            visitor.page.get_by_text("Your choice is recorded.").wait_for()
            assert visitor.cookies().keys() == expected(*cookies)
        visitor.page.goto(notice)
        visitor.page.get_by_text("You declined on").wait_for()
        kept = visitor.context.cookies()
    with visiting(browser) as visitor:
        visitor.context.add_cookies(kept)
        visitor.page.goto(address)
        visitor.page.wait_for_timeout(600)
        assert visitor.bar.count() == 0
        assert [one["consent"]["statistics"] for one in visitor.sent] == [False], "the server counts a refusal by it"
    axe = rules()
    for options in ({"viewport": {"width": 320, "height": 640}}, {"color_scheme": "dark"}):
        with visiting(browser, bypass_csp=True, **options) as visitor:
            visitor.page.goto(f"{notice}?lang=de")
            visitor.page.evaluate(axe)
            assert violations(visitor.page) == []
            assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with visiting(browser, viewport={"width": 360, "height": 740}) as visitor:
        for language in LANGUAGES:
            visitor.page.goto(f"{notice}?lang={language}")
            assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), language
            cells = visitor.page.locator("td").evaluate_all("(all) => all.map((one) => one.clientWidth)")
            assert min(cells) > 180, (language, "a cookie's text has the room to be read on a phone")
    # On a path of the site, as a web server in front makes it; the answer is in the visitor's language.
    web.site.passages.append(Passage("/stats/", web.product.collector))
    with visiting(browser, java_script_enabled=False, locale="fr-FR") as visitor:
        visitor.page.goto(f"{web.site.address('/stats/privacy/', host)}{web.keys[host]}")
        visitor.page.get_by_role("button", name="Refuser").click()
        visitor.page.get_by_role("heading", name="Votre choix est enregistré.").wait_for()
        assert visitor.cookies().keys() == expected("ff_choice", "ff_sale")
        visitor.page.get_by_role("link").click()
        visitor.page.get_by_text("Vous avez refusé le").wait_for()


@pytest.mark.req("P3")
def test_firefox_with_global_privacy_control(web: Web, tmp_path: Path) -> None:
    """The browser's own signal, as it sends it: nothing is recorded, nothing asked, and it is said."""
    if PROGRAM is None:
        pytest.skip("firefox-esr is missing (Debian: apt-get install firefox-esr)")
    firefox = Marionette(
        tmp_path / "profile",
        privacy__globalprivacycontrol__enabled=True,
        privacy__globalprivacycontrol__functionality__enabled=True,
        network__dns__localDomains="stats.example,plain.example",
    )
    try:
        firefox.go(web.put("plain.example", "/firefox", MARKED + PANEL))
        shown = "document.querySelector('footfall-choices').shadowRoot?.textContent ?? ''"
        end = time.monotonic() + 30
        while "Opt-Out Request Honored" not in (said := firefox.run(shown)):
            assert time.monotonic() < end, said
            time.sleep(0.1)
        assert "did not record this visit" in said
        assert firefox.run("navigator.globalPrivacyControl") is True
        assert firefox.run("document.cookie") == ""
        assert firefox.run("document.querySelector('footfall-banner').shadowRoot.querySelector('.bar')") is None
        asked = firefox.run("performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)")
        assert "/e" not in asked
    finally:
        firefox.close()


@pytest.mark.req("P11")
def test_embedded_content_comes_after_a_click_and_not_before(web: Web, browser: Any) -> None:
    """The other host is named and asked for nothing; elements that come later are filled too; no script can be a source."""
    other = f"http://video.example:{web.site.port}"
    web.site.pages["/film"] = Page("<title>A film</title><p>Film")
    body = (
        f'{MARKED}{LINK}<footfall-embed src="{other}/film" title="Our film"><a href="{other}/film">Film</a></footfall-embed>'
        '<footfall-embed id="bad" src="javascript:alert(1)"></footfall-embed>'
    )
    address = web.put("plain.example", "/embed", body)
    page_policy = web.site.pages["/embed"].headers["Content-Security-Policy"]
    headers = {"Content-Security-Policy": f"{page_policy}; frame-src {other}"}
    web.site.pages["/embed"] = Page(web.site.pages["/embed"].body, headers)
    with visiting(browser) as visitor:
        visitor.page.goto(address)
        placeholder = visitor.page.locator("footfall-embed").first
        placeholder.get_by_text(f"This content comes from video.example:{web.site.port}").wait_for()
        assert not [url for url in visitor.asked if url.startswith(other)]
        placeholder.get_by_role("button", name="Load content").click()
        visitor.page.frame_locator("footfall-embed iframe").get_by_text("Film").wait_for()
        assert placeholder.locator("iframe").get_attribute("title") == "Our film"
        assert visitor.page.evaluate("document.querySelector('#bad').shadowRoot") is None
        script = """([src]) => { const one = document.createElement("footfall-embed"); one.setAttribute("src", src);
          document.body.append(one) }"""
        visitor.page.evaluate(script, [f"{other}/film?2"])
        visitor.page.locator("footfall-embed").last.get_by_role("button", name="Load content").wait_for()
        assert visitor.cookies() == {}


@pytest.mark.req("P14", "P1")
def test_a_refusal_holds_without_the_collector_and_a_new_version_asks_again(web: Web, browser: Any) -> None:
    """Offline a withdrawal ends everything at once, and its ids wait for the collector; a grant for an older version
    counts as none until it is asked again, and keeps its id."""
    address = web.put("optin.example", "/again", MARKED + PANEL)
    with visiting(browser) as visitor:
        page = visitor.page
        page.goto(address)
        visitor.button("Accept").click()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_id", "ff_receipt"), "a grant")
        visitor.button("OK").click()
        device = visitor.cookies()["ff_id"]["value"]
        page.route("**/c/*", lambda route: route.abort())
        page.locator("footfall-choices").get_by_role("button", name="Withdraw consent").click()
        visitor.bar.get_by_text("could not be recorded").wait_for()
        assert visitor.cookies().keys() == expected("ff_id", "ff_receipt", "ff_choice")
        before = len(visitor.sent)
        page.evaluate("footfall('more')")
        page.wait_for_timeout(500)
        assert len(visitor.sent) == before
        page.unroute("**/c/*")
        visitor.told.clear()
        page.reload()
        visitor.until(lambda: visitor.cookies().keys() == expected("ff_choice"), "the withdrawal is made up for")
        assert visitor.chosen[-1]["visitor"] == device
        assert visitor.chosen[-1]["statistics"] is False

        day = int(time.time()) // DAY_S
        old = {"ff_id": device, "ff_receipt": f"7e57ab1e-0000-4000-8000-00000000feed:0:{day}:sa"}
        visitor.context.clear_cookies()
        visitor.context.add_cookies(
            [{"name": name, "value": value, "domain": "optin.example", "path": "/"} for name, value in old.items()]
        )
        before = len(visitor.sent)
        page.reload()
        visitor.bar.wait_for()
        page.wait_for_timeout(500)
        assert len(visitor.sent) == before, "an older consent does not cover what is new"
        visitor.button("Accept").click()
        visitor.until(lambda: len(visitor.sent) > before, "the view")
        assert visitor.sent[-1]["visitor"] == device
        assert visitor.cookies()["ff_receipt"]["value"].endswith(f":1:{day}:sa")


@pytest.mark.req("P1", "C21")
def test_all_of_it_is_seven_kilobytes_beside_the_snippet(web: Web) -> None:
    """Both scripts and the longest texts, as they go over the wire."""
    scripts = [(DIST / f"tool.{name}.js").read_bytes() for name in ("asking", "choices")]
    sizes = {}
    for language in LANGUAGES:
        path = f"/c/{web.keys['optin.example']}/texts?lang={language}"
        status, _, body = web.product.request(web.product.collector, "GET", path)
        assert status == 200
        sizes[language] = sum(len(brotli.compress(one, mode=brotli.MODE_TEXT)) for one in (*scripts, body))
    print(sizes)
    assert max(sizes.values()) <= LARGEST, sizes
