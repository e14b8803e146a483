"""Links that leave the site, files, phone numbers and mail addresses."""

import time
from typing import Any, Final

import pytest

from tests.browser import snippet
from tests.browser.web import Collector, Page, Site

pytestmark = pytest.mark.req("C14")

LINKS: Final = """
<a id="outbound" href="http://other.example/path?token=secret#part">out</a>
<a id="nested" href="http://other.example/nested"><b><i>deep</i></b></a>
<a id="stopped" href="http://other.example/stopped" onclick="event.stopPropagation(); event.preventDefault()">stopped</a>
<a id="download" href="/price.pdf?x=1">price</a>
<a id="capital" href="/PRICE.PDF">price</a>
<a id="attribute" href="/report" download="r.csv">report</a>
<a id="tel" href="tel:+41441234567">call</a>
<a id="mailto" href="mailto:info@shop.example?subject=secret">mail</a>
<map name="m"><area id="area" href="http://other.example/area" shape="default"></map><img usemap="#m" alt="">
<a id="inside" href="/b">inside</a>
<a id="www" href="http://www.shop.example/b">inside too</a>
<a id="anchor" href="#part">part</a>
<a id="script" href="javascript:void 0">script</a>
<a id="none">no link</a>
<button id="button">button</button>
<svg width="9" height="9"><a id="svg" href="http://other.example/svg"><rect width="9" height="9"></rect></a></svg>
<div id="host"></div>
<script>
  document.querySelector("#host").attachShadow({mode: "open"}).innerHTML =
    '<a id="shadow" href="http://other.example/shadow">shadow</a>'
  addEventListener("click", event => event.preventDefault())
</script>
"""
OTHER: Final = "http://other.example/"

CASES: Final = [
    ("#outbound", "outbound", f"{OTHER}path"),
    ("#nested i", "outbound", f"{OTHER}nested"),
    ("#stopped", "outbound", f"{OTHER}stopped"),
    ("#area", "outbound", f"{OTHER}area"),
    ("#download", "download", "/price.pdf"),
    ("#capital", "download", "/PRICE.PDF"),
    ("#attribute", "download", "/report"),
    ("#tel", "tel", "tel:+41441234567"),
    ("#mailto", "mailto", "mailto:info@shop.example"),
    ("#inside", None, ""),
    ("#www", None, ""),
    ("#anchor", None, ""),
    ("#script", None, ""),
    ("#none", None, ""),
    ("#button", None, ""),
    ("#svg", None, ""),
]


@pytest.mark.req("C13")
def test_a_click_on_a_link_is_told_by_what_following_it_means(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """Scheme, host, extension and download attribute decide; query and fragment stay in the browser."""
    install()
    site.pages["/a"] = Page(snippet.document(LINKS))
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    expected = []
    for selector, name, url in CASES:
        page.evaluate(
            "selector => document.querySelector(selector).dispatchEvent("
            "new MouseEvent('click', {bubbles: true, composed: true, cancelable: true}))",
            selector,
        )
        if name is not None:
            expected.append((name, {"url": site.address(url) if url.startswith("/") else url}))
    page.evaluate("document.querySelector('#host').shadowRoot.querySelector('a').click()")
    expected.append(("outbound", {"url": f"{OTHER}shadow"}))
    collector.wait(lambda: len(collector.events()) > len(expected), "all clicks")
    time.sleep(0.5)
    assert [(event["name"], event["props"]) for event in collector.events()[1:]] == expected


@pytest.mark.parametrize(("button", "counts"), [("left", True), ("middle", True), ("right", False)])
def test_a_real_click_counts_with_the_left_and_the_middle_button(
    page: Any, install: Any, site: Site, collector: Collector, button: str, counts: bool
) -> None:
    """The right one opens a menu. The left one leaves the page at once, and nothing is lost by it."""
    install()
    site.pages["/out"] = Page(snippet.document(script=""))
    site.pages["/a"] = Page(snippet.document(f'<a href="{site.address("/out", host="other.example")}">out</a>'))
    page.goto(site.address("/a"))
    collector.wait_for("pageview")
    page.click("a", button=button)
    if counts:
        (event,) = collector.wait_for("outbound")
        assert event["props"]["url"].startswith("http://other.example:")
    time.sleep(0.5)
    assert len(collector.events("outbound")) == counts


def test_the_extensions_of_downloads_are_the_sites(page: Any, install: Any, site: Site, collector: Collector) -> None:
    """Its list replaces the usual one."""
    install(download="dwg|step")
    links = '<a href="/plan.dwg" id="plan">plan</a><a href="/price.pdf" id="price">price</a>'
    cancel = "<script>addEventListener('click', event => event.preventDefault())</script>"
    site.pages["/a"] = Page(snippet.document(links + cancel))
    page.goto(site.address("/a"))
    page.click("#price")
    page.click("#plan")
    (event,) = collector.wait_for("download")
    time.sleep(0.5)
    assert [one["props"]["url"] for one in collector.events("download")] == [event["props"]["url"]]
    assert event["props"]["url"] == site.address("/plan.dwg")


def test_an_address_longer_than_the_wire_takes_is_cut(
    page: Any, install: Any, site: Site, collector: Collector
) -> None:
    """The click counts all the same."""
    install()
    link = f'<a href="http://other.example/{"x" * 500}" onclick="return false">out</a>'
    site.pages["/a"] = Page(snippet.document(link))
    page.goto(site.address("/a"))
    page.click("a")
    (event,) = collector.wait_for("outbound")
    assert len(event["props"]["url"]) == 300
