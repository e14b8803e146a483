"""The console in a real browser, against a running installation: the first minute, live numbers, keyboard, axe."""

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from control_store.accounts import setup_token
from control_store.sites import find_site
from control_store.tables import ControlStore
from tests.product import Product, beacon, running

EMAIL: Final = "ada@shop.example"
PASSWORD: Final = "correct horse battery"
MAC: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15"
LIVE_S: Final = 3.0
TRIES: Final = 8
"""One that is in time is enough: other work on the machine makes a page later, nothing makes it sooner."""
PAGES: Final = (
    *("/sites", "/sites/new", "/sites/shop.example?range=today", "/sites/shop.example?range=7d&compare=previous"),
    *("/sites/shop.example?range=today&f=is,browser,Firefox&metric=bounce_rate", "/sites/shop.example/by/path"),
    *(
        "/sites/empty.example",
        "/sites/shop.example/install",
        "/sites/shop.example/settings",
        "/sites/shop.example/bots",
        "/account",
        "/people",
    ),
    *("/account/second-factor", "/audit", "/kept", "/sites/shop.example/keys"),
    *("/how-counted", "/sites/none.example"),
)
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

OPEN_AND_LOOK: Final = """([opened, rules]) => {
  const folds = [...document.querySelectorAll("details")]
  folds.forEach((one, at) => { one.open = at === opened })
  return axe.run(folds[opened] ?? document, {runOnly: rules, resultTypes: ["violations"]})
}"""
"""The page with every fold closed, or one of the folds, opened."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An installation that nobody has set up."""
    with running(tmp_path_factory.mktemp("console") / "data") as one:
        yield one


@pytest.fixture(scope="module")
def origin(product: Product) -> str:
    """Where the console is."""
    return f"http://127.0.0.1:{product.console}"


@pytest.fixture(scope="module")
def visited(product: Product, origin: str, browser: Any) -> Product:
    """The installation after its first minute, in which everything is done in the browser, with visits of ten people."""
    context = browser.new_context(timezone_id="Europe/Zurich", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    first_minute(page, product, origin)
    context.close()
    for number in range(10):
        visit(product, f"/page-{number % 4}", person=number, agent=MAC if number % 3 else "")
    product.site("empty.example")
    return product


def visit(product: Product, path: str, *, person: int, agent: str = "", **fields: Any) -> None:
    """One page view, acknowledged."""
    store = ControlStore.in_directory(product.data)
    key = find_site(store, "shop.example").key
    store.close()
    headers = {"X-Forwarded-For": f"198.51.100.{person}", **({"User-Agent": agent} if agent else {})}
    sent = beacon(key, url=f"https://shop.example{path}", tz="Europe/Zurich", **fields)
    end = time.monotonic() + 10
    while (status := product.send(sent, headers)) == 403 and time.monotonic() < end:
        time.sleep(0.1)  # a site that was just added is known within two seconds
    assert status == 202


def first_minute(page: Any, product: Product, origin: str) -> None:
    """From the set-up link to the first event, as UX §3 tells it. Every step without reloading by hand."""
    store = ControlStore.in_directory(product.data)
    token = setup_token(store, 0)
    store.close()
    page.goto(f"{origin}/setup?token={token}")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Domain").fill("shop.example")
    assert page.get_by_label("Time zone").input_value() == "Europe/Zurich", "taken from the browser"
    page.get_by_role("button", name="Add the site").click()
    page.get_by_text("No event has arrived yet").wait_for()
    assert f"/js/{find_key(product)}.js" in page.locator("#line").inner_text()
    visit(product, "/welcome", person=1)
    page.get_by_text("An event has arrived").wait_for(timeout=LIVE_S * 1000 * 2)
    arrived = page.locator("#arrived").inner_text()
    assert "Page · Host" in arrived
    assert "/welcome" not in arrived, "no page shows one visitor's row"
    page.get_by_role("link", name="To the dashboard").click()
    page.locator("#tile-visitors .tile-value", has_text="1").wait_for()


def find_key(product: Product) -> str:
    """The key of the site under test."""
    store = ControlStore.in_directory(product.data)
    key = find_site(store, "shop.example").key
    store.close()
    return key


@pytest.fixture
def page(visited: Product, origin: str, browser: Any) -> Iterator[Any]:
    """A page of somebody who is logged in. Whatever the test is about: nothing is blocked, nothing fails, and nothing is
    asked of another origin."""
    with_errors: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    context.on("console", lambda told: with_errors.append(told.text) if told.type == "error" else None)
    context.on("weberror", lambda error: with_errors.append(str(error.error)))
    context.on("request", lambda asked: asked.url.startswith(origin) or with_errors.append(asked.url))
    opened = context.new_page()
    log_in(opened, origin)
    yield opened
    context.close()
    assert [text for text in with_errors if "404" not in text] == []


def log_in(page: Any, origin: str) -> None:
    """By the form."""
    page.goto(f"{origin}/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)


@pytest.mark.req("D9", "D14", "O1")
def test_the_first_minute_happens_in_the_browser(visited: Product, page: Any, origin: str) -> None:
    """Set-up link, site, line, first event, dashboard: done by the fixture; its site is there afterwards."""
    page.goto(f"{origin}/sites/shop.example")
    assert int(page.locator("#tile-visitors .tile-value").inner_text()) >= 11


@pytest.mark.req("D1")
def test_a_visit_is_on_the_open_page_within_three_seconds(visited: Product, page: Any, origin: str) -> None:
    """Acknowledged, loaded, counted, drawn; the page was not reloaded, and what has the focus keeps it."""
    page.goto(f"{origin}/sites/shop.example?range=today")
    before = int(page.locator("#tile-pageviews .tile-value").inner_text())
    page.evaluate("window.notReloaded = true")
    page.locator("#tab-pages-entry_page").focus()
    took = []
    for number in range(TRIES):
        visit(visited, f"/live-{number}", person=50 + number)
        began = time.monotonic()
        page.wait_for_function(
            "n => document.querySelector('#tile-pageviews .tile-value').textContent === String(n)",
            arg=before + number + 1,
            timeout=20_000,
        )
        took.append(time.monotonic() - began)
        if took[-1] < LIVE_S:
            break
    assert took[-1] < LIVE_S, took  # what else the machine does is no delay of the page
    assert page.evaluate("window.notReloaded")
    assert page.evaluate("document.activeElement.id") == "tab-pages-entry_page"
    assert "Last event" in page.locator(".state").inner_text()


@pytest.mark.req("D10")
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (390, "dark"),
        pytest.param(1280, "dark", marks=pytest.mark.long),
        pytest.param(390, "light", marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing(page: Any, origin: str, scheme: str, width: int) -> None:
    """On every page and in every menu and fold, wide and narrow, light and dark."""
    rules = importlib.util.find_spec("axe_playwright_python")
    if rules is None or rules.origin is None:
        pytest.skip("the rules of axe are missing (pip install axe-playwright-python)")
    axe = Path(rules.origin).with_name("axe.min.js").read_text()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    found: list[str] = []
    for address in PAGES:
        page.goto(origin + address)
        page.evaluate(axe)
        menus = page.locator("details").count() if "compare" in address or "install" in address else 0
        for opened in range(-1, menus):
            told = page.evaluate(OPEN_AND_LOOK, [opened, RULES])
            found += [f"{address}, {opened}: {one['id']} {one['nodes'][0]['html'][:200]}" for one in told["violations"]]
    assert not found, "\n".join(found)


@pytest.mark.req("D10")
@pytest.mark.parametrize(("width", "scale"), [(390, 2), (640, 2), (1920, 1)])
def test_no_page_scrolls_sideways(page: Any, origin: str, width: int, scale: int) -> None:
    """On a phone; at 200 % zoom of a 1,280 px window, which is one of 640; on a wide screen."""
    page.set_viewport_size({"width": width, "height": 900 // scale})
    for address in PAGES:
        page.goto(origin + address)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{address} is {wide} px too wide"


@pytest.mark.req("D10")
def test_the_keyboard_leads_from_the_login_to_a_filtered_table(visited: Product, origin: str, browser: Any) -> None:
    """Tab and Enter alone; whatever has the focus is seen to have it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{origin}/login?next=/sites/shop.example%3Frange%3Dtoday")
    tab_to(page, "#field-email")
    page.keyboard.type(EMAIL)
    tab_to(page, "#field-password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sites/shop.example?range=today")
    page.wait_for_load_state()
    tab_to(page, "#panel-technology .bar-name")
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.locator(".chip").wait_for()
    assert f"Browser is {name}" in page.locator(".chip").first.inner_text()
    assert page.evaluate("document.activeElement !== document.body"), "the focus is not lost"
    page.wait_for_function("() => document.getElementById('announce').textContent.includes('shop.example')")
    tab_to(page, "#panel-pages .more")
    page.keyboard.press("Enter")
    page.wait_for_url("**/by/path**")
    assert f"Browser is {name}" in page.locator(".chip").first.inner_text()
    assert page.locator(".bars tbody tr").count() > 0
    context.close()


def tab_to(page: Any, selector: str) -> None:
    """Press Tab until the first such element has the focus, and look that the focus can be seen."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement === document.querySelector(s)", selector):
            style = "getComputedStyle(document.activeElement)"
            assert page.evaluate(f"{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'"), selector
            return
    raise AssertionError(f"{selector} can't be reached by Tab")


@pytest.mark.req("D10")
def test_a_menu_closes_with_escape_and_gives_the_focus_back(page: Any, origin: str) -> None:
    """And is not renewed away while it is open."""
    page.goto(f"{origin}/sites/shop.example?range=today")
    page.locator("#menu-range summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#menu-range").get_attribute("open") is not None
    page.wait_for_timeout(2_500)
    assert page.locator("#menu-range").get_attribute("open") is not None
    page.keyboard.press("Escape")
    assert page.locator("#menu-range").get_attribute("open") is None
    assert page.evaluate("document.activeElement.parentElement.id") == "menu-range"


@pytest.mark.req("D1", "D5")
def test_ranges_tabs_and_filters_change_the_page_and_its_address(page: Any, origin: str) -> None:
    """Without a reload; the way back is the browser's."""
    page.goto(f"{origin}/sites/shop.example?range=today")
    page.evaluate("window.notReloaded = true")
    page.locator("#menu-range summary").click()
    page.locator("#range-7d").click()
    page.locator("#tile-visitors", has_text="Daily visitors, added up").wait_for()
    assert "range=7d" in page.url
    page.locator("#tab-technology-os").click()
    page.wait_for_url("**technology=os**")
    page.locator("#panel-places .bar-name", has_text="Switzerland").click()
    page.locator(".chip", has_text="Country is Switzerland").wait_for()
    assert "technology=os" in page.url
    assert page.evaluate("window.notReloaded")
    page.go_back()
    page.locator(".chip").wait_for(state="detached")
    page.locator("#menu-range summary").click()
    page.get_by_label("From", exact=True).fill("2020-01-01")
    page.get_by_label("To", exact=True).fill("2020-01-31")
    page.get_by_role("button", name="Show these days").click()
    page.get_by_text("No visits in this range.").wait_for()
    page.get_by_role("link", name="show them").click()
    page.locator("#panel-pages .bar-name").first.wait_for()


@pytest.mark.req("D10")
def test_everything_is_there_without_a_script(visited: Product, origin: str, browser: Any) -> None:
    """Log in, read, choose a range, filter by a row and by the form, switch the colours, log out."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    log_in(page, origin)
    page.goto(f"{origin}/sites/shop.example?range=today")
    assert int(page.locator("#tile-visitors .tile-value").inner_text()) >= 10
    page.locator("#menu-range summary").click()
    page.locator("#range-7d").click()
    assert "range=7d" in page.url
    page.locator("#panel-pages .bar-name").first.click()
    assert page.locator(".chip").count() == 1
    page.locator("#menu-filter summary").click()
    page.get_by_label("What", exact=True).select_option("country")
    page.get_by_label("Value", exact=True).fill("FR")
    page.get_by_role("button", name="Add filter").click()
    assert page.get_by_text("Nothing matches.").first.is_visible()
    page.locator("#menu-person summary").click()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator("#menu-person summary").click()
    page.get_by_role("button", name="Log out").click()
    assert page.url == f"{origin}/login"
    context.close()


@pytest.mark.req("D10")
def test_a_dashboard_is_painted_within_a_second(page: Any, origin: str) -> None:
    """Largest contentful paint on this machine, in one of a few visits."""
    took = []
    for _ in range(TRIES):
        page.goto(f"{origin}/sites/shop.example?range=today")
        took.append(
            page.evaluate(
                "new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))"
                ".observe({type: 'largest-contentful-paint', buffered: true}))"
            )
        )
        if took[-1] < 1_000:
            break
    assert took[-1] < 1_000, took


@pytest.mark.req("D9")
def test_cookies_are_gone_after_logging_out(visited: Product, origin: str, browser: Any) -> None:
    """In the browser's own list of cookies; before, the test cookie is one of the browser's session."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{origin}/login")
    assert [(one["name"], one["value"], one["expires"]) for one in context.cookies()] == [("footfall_test", "", -1)]
    log_in(page, origin)
    assert {one["name"]: one["httpOnly"] for one in context.cookies()} == {"footfall_login": True}
    page.goto(f"{origin}/account")
    page.locator("#menu-person summary").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{origin}/login")
    assert {one["name"] for one in context.cookies()} <= {"footfall_test"}
    page.goto(f"{origin}/account")
    assert "/login" in page.url
    context.close()
