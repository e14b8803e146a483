"""Everything that the snippet records, played once in a real browser on a whole installation, to be read as rows.

Each act is a page (or a few) of its own: rows are told apart by their path. `play` runs all of them and answers with
what the warehouse then holds, and with what the pages saw. What the rows must be is in test_rows.py.
"""

import contextlib
import io
import json
import math
import struct
import subprocess
import sys
import time
import wave
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha384
from pathlib import Path
from typing import Any, Final

import msgspec
from playwright.sync_api import sync_playwright

from tests.browser import snippet
from tests.browser.conftest import launch
from tests.browser.rough import AGENT, Beside, blocked, prerendered, rewritten, rough
from tests.browser.web import Page, Site
from tests.product import Product, command, free_port

Row = dict[str, Any]

DEVICE: Final = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
SECRET: Final = "quietly-typed-by-anna"
ACCEPT: Final = f"footfall.consent({{statistics: true, ads: true, visitor: '{DEVICE}'}})"
NUMBERS: Final = "usual=+41 44 111 11 11,search=+41 44 222 22 22,campaign:spring=+41 44 333 33 33"
SITES: Final[dict[str, tuple[str, ...]]] = {
    "all.example": ("modules=all", f"call_numbers={NUMBERS}", "plugins=true"),
    "optin.example": ("modules=clicks,copy", "policy=opt_in"),
    "plain.example": ("hostnames=all.example",),
    "hash.example": ("hash_routes=true",),
    "open.example": ("modules=clicks,hover", "policy=opt_out"),
    "bare.example": (),
}
_GATHERED_MS: Final = 350
"""Longer than the snippet gathers events."""
_SEEN_MS: Final = 120
"""A few frames: what is seen is heard of, what is sent on leaving is under way."""


class Stage:
    """A browser, a web of pages, and an installation that counts them."""

    def __init__(self, browser: Any, site: Site, product: Product, keys: dict[str, dict[str, Any]]) -> None:
        self.browser = browser
        self.site = site
        self.product = product
        self.keys = keys
        self.seen: dict[str, Any] = {}
        """What a page answered, by the act's name."""

    def beside(self, browser: Any) -> "Stage":
        """The same stage for another browser."""
        other = Stage(browser, self.site, self.product, self.keys)
        other.seen = self.seen
        return other

    def script(self, host: str = "all.example") -> str:
        """Address of a site's snippet."""
        return f"http://stats.example:{self.product.collector}/js/{self.keys[host]['key']}.js"

    def address(self, path: str, host: str = "all.example") -> str:
        """A page's address."""
        return self.site.address(path, host)

    def put(self, path: str, body: str = "", host: str = "all.example", **options: Any) -> None:
        """A page that embeds the host's snippet as sites do."""
        headers = options.pop("headers", {})
        text = snippet.document(body, title=f"Title of {path}", script=self.script(host), **options)
        self.site.pages[path] = Page(text, headers)

    @contextlib.contextmanager
    def tab(self, path: str = "", host: str = "all.example", before: str = "", **context: Any) -> Any:
        """A tab of a fresh profile at this page; what is still gathered when it ends is waited for."""
        options = {"locale": "de-CH", "viewport": {"width": 1200, "height": 700}, "user_agent": AGENT, **context}
        profile = self.browser.new_context(**options)
        profile.set_default_timeout(10_000)
        try:
            page = profile.new_page()
            if before:
                page.add_init_script(before)
            if path:
                page.goto(self.address(path, host))
                if context.get("java_script_enabled", True):
                    page.wait_for_function("window.footfall && footfall.q")
            yield page
            if not page.is_closed():
                page.wait_for_timeout(_SEEN_MS)
                page.goto("about:blank")
                page.wait_for_timeout(2 * _SEEN_MS)
        finally:
            profile.close()

    def visit(self, path: str, body: str, act: Callable[[Any], object] | str = "", **options: Any) -> None:
        """One page and what happens on it."""
        told = {key: options.pop(key) for key in ("head", "headers") if key in options}
        self.put(path, body, options.get("host", "all.example"), **told)
        with self.tab(path, **options) as tab:
            if isinstance(act, str):
                tab.evaluate(act) if act else None
            else:
                act(tab)


def tone(seconds: float = 1.2) -> bytes:
    """A quiet sound as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(300 * math.sin(n / 5)) for n in range(int(8000 * seconds)))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def links(stage: Stage) -> None:
    """Links that lead to other sites, files, phones and mail programs."""
    body = """<nav aria-label="Partners"><a id="out" href="http://other.example/path?token=x">Our <b>partner</b></a></nav>
    <main><a id="file" href="/files/price.pdf?x=1">Price list</a><a id="tel" href="tel:+41447777777">Call us</a>
    <a id="mail" href="mailto:info@all.example?subject=x">Write</a></main>
    <script>addEventListener("click", event => event.preventDefault())</script>"""
    stage.visit("/links", body, lambda tab: [tab.click(f"#{one}") for one in ("out", "file", "tel", "mail")])


def clicks(stage: Stage) -> None:
    """What is clicked is called as people hear it; what they write and what is private is not read."""
    body = f"""<header><button id="text">Add <b>to</b> basket</button></header>
    <nav><a id="inside" href="#more">More</a></nav>
    <main><button id="aria" aria-label="Close the dialog">x</button>
    <span id="caption">Newest first</span><button id="by" aria-labelledby="caption">?</button>
    <button id="image"><img alt="Send the picture" src="data:,"></button>
    <label for="box">Yes, please</label><input id="box" type="checkbox">
    <input id="written" aria-label="Your name" value="{SECRET}">
    <button id="private" data-footfall-private>{SECRET}</button>
    <button id="part">Greet <i data-footfall-private>{SECRET}</i></button>
    <div contenteditable><button id="editable">{SECRET}</button></div>
    <section data-footfall-region="teaser"><button id="region">In a region</button></section>
    <div id="tab" role="button" tabindex="0">A tab</div><p id="plain">Not clickable</p></main>
    <div id="host"></div><script>
      document.querySelector("#host").attachShadow({{mode: "open"}}).innerHTML = "<footer><button>In the shadow</button></footer>"
    </script>"""
    ids = "text inside aria by image box written private part editable region tab plain".split()

    def act(tab: Any) -> None:
        for one in ids:
            tab.click(f"#{one}")
        tab.evaluate("document.querySelector('#host').shadowRoot.querySelector('button').click()")

    stage.visit("/clicks", body, act)


def angry(stage: Stage) -> None:
    """Three clicks in a second are rage, a click that changes nothing is dead; both need consent."""
    body = """<button id="dead">Dead</button><p id="rage">Nothing here</p>
    <button id="live" onclick="document.title += '.'; this.append('!')">Live</button>"""

    def act(tab: Any) -> None:
        tab.click("#dead")
        tab.click("#live")
        for _ in range(4):
            tab.click("#rage")
        tab.wait_for_timeout(100)

    def consented(tab: Any) -> None:
        tab.evaluate(ACCEPT)
        tab.click("#dead")
        tab.wait_for_timeout(1600)
        tab.click("#live")
        tab.wait_for_timeout(1600)
        for _ in range(4):
            tab.click("#rage")

    stage.visit("/calm", body, act)
    stage.visit("/angry", body, consented)


def many(stage: Stage) -> None:
    """A thousand clicks within seconds. What a browser lets outlive its page is 64 KiB at a time: the page stays until
    its beacons are acknowledged."""
    acknowledged: list[str] = []

    def note(answer: Any) -> None:
        if answer.status == 202:
            acknowledged.extend(event["name"] for event in answer.request.post_data_json["events"])

    def act(tab: Any) -> None:
        tab.on("response", note)
        tab.evaluate("""async () => {
          for (let n = 1; n <= 1000; n++) {
            document.querySelector("#one").click()
            if (n % 50 === 0) await new Promise(resolve => setTimeout(resolve, 50))
          }
        }""")
        end = time.monotonic() + 30
        while acknowledged.count("click") < 1000 and time.monotonic() < end:
            tab.wait_for_timeout(50)

    stage.visit("/thousand", '<button id="one">Again</button>', act)


def hover(stage: Stage) -> None:
    """The pointer rests on what is marked."""
    body = '<p id="marked" data-footfall-hover="offer">Offer</p><p id="plain">Plain</p><p id="far">Far</p>'

    def act(tab: Any) -> None:
        for one, ms in (("#plain", 600), ("#marked", 700), ("#far", 50), ("#marked", 100), ("#far", 50)):
            tab.hover(one)
            tab.wait_for_timeout(ms)

    stage.visit("/hover", body, lambda tab: (tab.evaluate(ACCEPT), act(tab)))
    stage.visit("/hover/unasked", body, act)


def forms(stage: Stage) -> None:
    """A form is sent, another is begun and left; what was written stays in the browser."""
    body = """<main><form id="order" aria-label="Order"><input name="name"><button>Send</button></form>
    <form name="newsletter"><input id="mail" name="mail"></form></main>
    <script>addEventListener("submit", event => event.preventDefault())</script>"""

    def act(tab: Any) -> None:
        tab.fill("#order input", SECRET)
        tab.click("#order button")
        tab.fill("#mail", SECRET)

    stage.visit("/forms", body, lambda tab: (tab.evaluate(ACCEPT), act(tab)))
    stage.visit("/forms/unasked", body, act)


def copies(stage: Stage) -> None:
    """Text is copied, the page is printed."""
    body = f'<article role="main"><p id="text">{SECRET}</p></article>'
    act = "document.querySelector('#text').dispatchEvent(new ClipboardEvent('copy', {bubbles: true}))"
    stage.visit("/copy", body, f"{ACCEPT}; {act}; dispatchEvent(new Event('beforeprint'))")
    stage.visit("/copy/unasked", body, act)


def media(stage: Stage) -> None:
    """A sound is played to its end."""
    sound = b64encode(tone()).decode()
    body = f'<audio id="sound" title="The jingle" src="data:audio/wav;base64,{sound}"></audio><button>Play</button>'
    body += "<script>document.querySelector('button').onclick = () => sound.play()</script>"

    def act(tab: Any) -> None:
        tab.click("button")
        tab.wait_for_function("sound.ended")

    stage.visit("/media", body, act)


def errors(stage: Stage) -> None:
    """Scripts fail, files are missing."""
    stage.site.pages["/shop.js"] = Page(
        "function fail(n) { throw new Error('Basket of anna@example.com is empty') }", content_type="text/javascript"
    )
    stage.site.pages["/foreign.js"] = Page("throw new Error('foreign')", content_type="text/javascript")
    foreign = stage.address("/foreign.js", "other.example")
    body = f"""<script src="/shop.js"></script><script>
      addEventListener("load", () => {{
        for (let n = 0; n < 3; n++) setTimeout(fail, 50)
        Promise.reject(new TypeError("No such rate"))
        setTimeout(() => {{
          const script = document.createElement("script")
          script.src = "{foreign}"
          document.body.append(script)
        }}, 60)
      }})</script>"""
    stage.visit("/errors", body, lambda tab: tab.wait_for_timeout(300))
    missing = """<img src="/gone/picture.png?token=x"><script src="/gone/code.js"></script>
    <link rel="stylesheet" href="/gone/look.css"><script>fetch("/gone/data.json"); fetch("/gone/data.json")
    const nobody = "http://gone.example:PORT/nobody.json"
    const gave = new AbortController()
    addEventListener("load", async () => {
      for (let n = 0; n < 2; n++) await fetch(nobody + "?n=" + n).catch(error => { window.heard = error.message })
      setTimeout(() => gave.abort(), 50)
      await fetch("/slow.json", {signal: gave.signal}).catch(() => {})
      await fetch("http://[").catch(() => {})
      await fetch("/later.json", {mode: "no-cors"})
      window.over = true
    })</script>""".replace("PORT", str(free_port()))
    stage.site.pages["/slow.json"] = Page("{}", delay_s=0.6)
    stage.site.pages["/later.json"] = Page("{}")

    def failing(tab: Any) -> None:
        tab.wait_for_function("window.over")
        stage.seen["fetch"] = tab.evaluate("window.heard")
        tab.wait_for_timeout(300)

    stage.visit("/broken", missing, failing)
    stage.site.pages["/slow.js"] = Page("", content_type="text/javascript", delay_s=1.1)
    slow = stage.address("/slow.js", "slow.example")
    stage.visit("/slow", f'<script src="/shop.js"></script><script src="{slow}"></script>')
    text = snippet.document("Nothing here", title="Gone", script=stage.script())
    stage.site.pages["/never-there"] = Page(text, status=404)
    with stage.tab("/never-there"):
        pass


def tags(stage: Stage) -> None:
    """Events that are tagged in HTML, with properties, money and a search without results."""
    body = """<button id="signup" data-footfall-event="signup" data-footfall-prop-plan="pro"
      data-footfall-prop-revenue="4900" data-footfall-prop-currency="EUR">Sign up</button>
    <form data-footfall-event="contact" onsubmit="return false"><button id="send">Send</button></form>
    <p data-footfall-event="offer_seen" data-footfall-on="visible">Offer</p>
    <p data-footfall-event="search" data-footfall-on="visible" data-footfall-prop-term="boots"
      data-footfall-prop-results="0">Nothing found</p>
    <div id="later"></div>
    <p style="margin-top: 5000px" data-footfall-event="never_seen" data-footfall-on="visible">Below</p>"""

    def act(tab: Any) -> None:
        tab.click("#signup")
        tab.click("#send")
        tab.evaluate("later.outerHTML = '<p data-footfall-event=late_seen data-footfall-on=visible>Late</p>'")
        tab.wait_for_timeout(400)

    stage.visit("/tags", body, act)
    stage.visit("/customs", "", "footfall('paid', {props: {plan: 'pro', revenue: 1250, currency: 'CHF', items: 2}})")
    with stage.tab("/customs?q=Red+Boots&utm_source=letter&secret=x"):
        pass


def _close(tab: Any) -> None:
    with tab.expect_event("close"):
        tab.close(run_before_unload=True)
    time.sleep(0.4)


def exits(stage: Stage) -> None:
    """Ways to leave a page."""
    out = stage.address("/elsewhere", "other.example")
    stage.site.pages["/elsewhere"] = Page("<title>Elsewhere</title>")
    body = f"""<a id="link" href="/inside">On</a><a id="out" href="{out}">Out</a>
    <form action="/inside"><button id="send">Send</button></form>"""
    ways: dict[str, Callable[[Any], object]] = {
        "link": lambda tab: tab.click("#link"),
        "outbound": lambda tab: tab.click("#out"),
        "form": lambda tab: tab.click("#send"),
        "reload": lambda tab: tab.reload(),
        "back": lambda tab: (tab.evaluate("history.back()"), tab.wait_for_timeout(300)),
        "typed": lambda tab: tab.goto(stage.address("/inside")),
        "route": lambda tab: tab.evaluate("history.pushState({}, '', '/inside')"),
        "close": _close,
    }
    for name, way in ways.items():
        stage.put(f"/exit/{name}", body)
        with stage.tab("/inside" if name == "back" else "") as tab:
            tab.goto(stage.address(f"/exit/{name}"))
            tab.wait_for_timeout(_GATHERED_MS)
            way(tab)


def routes(stage: Stage) -> None:
    """Single-page apps: routes, replaced addresses, ways back; a restored page; a page counted by hand."""
    stage.visit(
        "/app",
        "",
        """async () => {
          const step = () => new Promise(resolve => setTimeout(resolve, 60))
          history.pushState({}, "", "/app/one"); history.replaceState({}, "", "/app/one?x=1"); await step()
          history.replaceState({}, "", "/app/two"); await step()
          history.pushState({}, "", "/app/three"); history.pushState({}, "", "/app/three"); await step()
          history.back(); await step(); footfall.page(); await step()
        }""",
    )
    hashes = "for (const to of ['#/here', '#/here', '#/there']) location.hash = to"
    stage.visit("/hashes", "", hashes, host="hash.example")
    stage.visit("/places", "", hashes)
    stage.put("/restored")
    with stage.tab("/restored") as tab:
        tab.wait_for_timeout(_GATHERED_MS)
        tab.goto(stage.address("/inside"))
        tab.wait_for_timeout(_GATHERED_MS)
        tab.evaluate("history.back()")
        tab.wait_for_timeout(_GATHERED_MS)
    strict = (
        "addEventListener('load', () => { for (let n = 0; n < 2; n++) history.replaceState({}, '', location.href) })"
    )
    stage.visit("/strict-mode", f"<script>{strict}</script>")


def reading(stage: Stage) -> None:
    """Time in front and depth."""
    stage.visit(
        "/long",
        '<div style="height: 28000px"></div>',
        """async () => {
          for (let n = 1; n <= 20; n++) { scrollTo(0, n * 700); await new Promise(requestAnimationFrame) }
        }""",
    )
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, value: %s}); document.dispatchEvent(new Event('visibilitychange'))"

    def half(tab: Any) -> None:
        for hidden in ("true", "false", "true", "false"):
            tab.evaluate(hide % hidden)
            tab.wait_for_timeout(500)

    stage.visit("/half-hidden", "", half)


def choices(stage: Stage) -> None:
    """What visitors decide, and when it is obeyed."""
    optin = {"host": "optin.example"}
    button = '<button id="one">One</button>'
    stage.visit("/wait/never", button, lambda tab: tab.click("#one"), **optin)
    stage.visit(
        "/wait/granted",
        button,
        lambda tab: (tab.click("#one"), tab.wait_for_timeout(400), tab.evaluate(ACCEPT)),
        **optin,
    )
    refuse = "footfall.consent({statistics: false})"
    stage.visit("/wait/refused", button, lambda tab: (tab.click("#one"), tab.evaluate(refuse)), **optin)
    stage.visit(
        "/wait/later",
        button,
        lambda tab: (tab.evaluate(refuse), tab.click("#one"), tab.evaluate(ACCEPT), tab.evaluate("footfall('after')")),
        **optin,
    )
    early = f"<script>{snippet.STUB}footfall('$consent', {{statistics: true}}); footfall('early')</script>"
    stage.visit("/wait/early", "", host="optin.example", head=early)
    stage.visit(
        "/open",
        '<p data-footfall-hover="x" id="x">X</p>',
        lambda tab: tab.click("#x", click_count=3),
        host="open.example",
    )
    stage.visit(
        "/withdrawn", "", f"{ACCEPT}; footfall('with'); setTimeout(() => {{ {refuse}; footfall('without') }}, 10)"
    )

    def stop(tab: Any, name: str, host: str) -> None:
        said: list[str] = []
        tab.evaluate(f"footfall.{name}()")
        tab.evaluate("footfall('unsaid')")
        kept = tab.context.cookies()
        # This page may say it too, as it is left.
        tab.goto("about:blank")
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(stage.address(f"/stop/{name}/next", host))
        end = time.monotonic() + 10
        while not said and time.monotonic() < end:
            tab.wait_for_timeout(50)
        tab.evaluate("footfall('unsaid')")
        tab.evaluate("footfall.optOut(false)")
        stage.seen[f"{host} {name}"] = [said, kept, tab.context.cookies()]
        tab.goto(stage.address(f"/stop/{name}/again", host))
        tab.wait_for_timeout(_GATHERED_MS)

    for name, host in (("optOut", "all.example"), ("ignoreMe", "all.example"), ("optOut", "bare.example")):
        for page in ("", "/next", "/again"):
            stage.put(f"/stop/{name}{page}", host=host)
        with stage.tab(f"/stop/{name}", host) as tab:
            stop(tab, name, host)
    stage.put("/stop/link")
    with stage.tab("/stop/link?footfall=ignore") as tab:
        tab.goto(stage.address("/stop/link"))
    for signal, value in (("globalPrivacyControl", "true"), ("doNotTrack", "'1'")):
        define = f"Object.defineProperty(Navigator.prototype, '{signal}', {{get: () => {value}}})"
        stage.visit(f"/signal/{signal}", "", before=define)


def glass(stage: Stage) -> None:
    """What is shown to visitors and developers."""

    def show(tab: Any) -> None:
        tab.evaluate("footfall('paid', {props: {to: 'anna@example.com'}})")
        tab.wait_for_timeout(_GATHERED_MS)
        stage.seen["show"] = tab.evaluate("footfall.show()")

    stage.visit("/shown", "", show)
    for host, path in (("all.example", "/debug/all"), ("plain.example", "/debug/plain")):
        said: list[str] = []
        stage.put(path, host=host)
        with stage.tab() as tab:
            tab.on("console", lambda message, said=said: said.append(message.text))
            tab.goto(stage.address(f"{path}?footfall=debug", host))
            tab.wait_for_timeout(900)
        stage.seen[path] = said


def ads(stage: Stage) -> None:
    """Advertisements that can be seen, that can't, and that change."""
    size = "width: 300px; height: 250px; position: relative"
    body = f"""<div id="top" data-footfall-ad="top" data-footfall-creative="spring" style="{size}">Ad</div>
    <div data-footfall-ad="covered" style="{size}">Ad<div style="position: absolute; inset: 0; background: red"></div></div>
    <div style="height: 3000px"></div><div data-footfall-ad="deep" style="{size}">Ad</div>"""
    # What lies over it is no part of it.
    cover = """const [, slot] = document.querySelectorAll('[data-footfall-ad]'); const over = slot.firstElementChild
    document.body.append(over); const box = slot.getBoundingClientRect()
    over.style = `position: absolute; background: red; left: ${box.left}px; top: ${box.top}px; width: 300px; height: 250px`"""

    def act(tab: Any) -> None:
        tab.evaluate(f"() => {{ {cover} }}")
        tab.evaluate(ACCEPT)
        tab.wait_for_timeout(1300)
        tab.evaluate("top_ = document.querySelector('#top'); top_.dataset.footfallCreative = 'summer'")
        tab.wait_for_timeout(300)

    stage.visit("/ads", body, act)
    stage.visit("/ads/unasked", body, "footfall.consent({statistics: true})")


def numbers(stage: Stage) -> None:
    """Each channel is shown its own phone number."""
    body = """<a id="tel" href="tel:+41441111111" onclick="event.preventDefault()">+41 44 111 11 11</a>
    <b data-footfall-number>+41 44 111 11 11</b><a id="other" href="tel:+41449999999" onclick="return false">Other</a>"""

    def call(name: str) -> Callable[[Any], None]:
        def act(tab: Any) -> None:
            stage.seen[name] = [tab.inner_text("#tel"), tab.inner_text("b"), tab.get_attribute("#other", "href")]
            tab.click("#tel")

        return act

    stage.visit("/call/direct", body, call("direct"))
    stage.put("/call/search", body)
    stage.site.pages["/results"] = Page(f'<a href="{stage.address("/call/search")}">Found</a>')
    with stage.tab() as tab:
        tab.goto(stage.address("/results", "www.google.example"))
        tab.click("a")
        tab.wait_for_function("window.footfall && footfall.q")
        call("search")(tab)
    stage.put("/call/campaign", body)
    with stage.tab("/call/campaign?utm_campaign=spring") as tab:
        call("campaign")(tab)


def embeddings(stage: Stage) -> None:
    """However the page embeds it, whatever it does to its browser."""
    script = stage.script()
    origin = f"http://stats.example:{stage.product.collector}"
    name = stage.keys["all.example"]["key"]
    pinned = next((stage.product.data / "collector" / "js").glob(f"{name}.{'[0-9a-f]' * 16}.js"))
    text = pinned.read_text()
    integrity = f"sha384-{b64encode(sha384(text.encode()).digest()).decode()}"
    policy = (
        f"default-src 'none'; script-src {origin}; connect-src {origin}; img-src {origin}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    page = '<!doctype html><meta charset="utf-8"><title>Embedded</title><p>Text'
    injected = f"const s = document.createElement('script'); s.src = '{script}'; document.head.append(s)"
    stage.site.pages["/joined.js"] = Page(
        f"var before = function () {{ return 1 }}\n{text}\n(function () {{ window.after = before() }})()",
        content_type="text/javascript",
    )
    plain = stage.script("plain.example")
    documents = {
        "strict": Page(f'{page}<script async src="{script}"></script>', {"Content-Security-Policy": policy}),
        "integrity": Page(
            f'{page}<script async crossorigin="anonymous" integrity="{integrity}" src="{origin}/js/{pinned.name}"></script>'
        ),
        "twice": Page(f'{page}<script async src="{script}"></script><script async src="{script}"></script>'),
        "two-sites": Page(f'{page}<script async src="{script}"></script><script async src="{plain}"></script>'),
        "injected": Page(f"{page}<script>{injected}</script>"),
        "joined": Page(f'{page}<script src="/joined.js"></script>'),
        "framed": Page(f'{page}<iframe src="/embed/inner"></iframe><script async src="{script}"></script>'),
        "inner": Page(f'{page}<script async src="{script}"></script>'),
        "frozen": Page(
            f"{page}<script>for (const it of [Object, Function, String, Promise, EventTarget]) "
            f'Object.freeze(it.prototype)</script><script async src="{script}"></script>'
        ),
        "fetch-is-broken": Page(
            f"{page}<script>window.fetch = () => {{ throw new Error('mine') }}</script>"
            f'<script async src="{script}"></script>'
        ),
        "stub-file": Page(
            f'{page}<script src="{origin}/js/stub.js"></script><script src="/early.js"></script>'
            f'<script async src="{script}"></script>'
        ),
    }
    stage.site.pages["/early.js"] = Page(
        "footfall('early', {props: {n: 1}}); footfall.consent({statistics: true})", content_type="text/javascript"
    )
    for name, document in documents.items():
        stage.site.pages[f"/embed/{name}"] = document
    for name in documents:
        if name != "inner":
            with stage.tab(f"/embed/{name}") as tab:
                tab.evaluate("footfall('signup')")
    pixel = f"{origin}/e.gif?site={stage.keys['all.example']['key']}&amp;url={stage.address('/embed/no-script')}"
    stage.site.pages["/embed/no-script"] = Page(
        f'{page}<script async src="{script}"></script><noscript><img src="{pixel}" alt=""></noscript>'
    )
    for on in (False, True):
        with stage.tab("/embed/no-script", java_script_enabled=on):
            pass


def outages(stage: Stage) -> None:
    """A browser without a network keeps its events."""
    stage.put("/offline")
    with stage.tab("/offline") as tab:
        tab.wait_for_timeout(_GATHERED_MS)
        tab.context.set_offline(True)
        tab.evaluate("footfall('kept')")
        tab.evaluate("history.pushState({}, '', '/offline/next')")
        tab.wait_for_timeout(1500)
        tab.context.set_offline(False)
        tab.wait_for_timeout(400)


def down(stage: Stage) -> None:
    """The collector is gone for ten seconds and a little: events, a route, and what is said after it."""
    stage.put("/down")
    acknowledged: list[str] = []
    with stage.tab("/down") as tab:
        tab.on("response", lambda answer: acknowledged.append(answer.url) if answer.status == 202 else None)
        tab.wait_for_timeout(_GATHERED_MS)
        stage.product.stop(30)
        acknowledged.clear()
        began = time.monotonic()
        tab.evaluate("footfall('kept'); history.pushState({}, '', '/down/next'); footfall('kept')")
        tab.wait_for_timeout(10_000 - (time.monotonic() - began) * 1000)
        stage.product.start()
        # Its own next try can be a quarter of a minute away; that it comes is shown in test_delivery.py.
        tab.evaluate("dispatchEvent(new Event('online'))")
        end = time.monotonic() + 20
        while not acknowledged and time.monotonic() < end:
            tab.wait_for_timeout(50)
        tab.wait_for_timeout(_GATHERED_MS)


Act = Callable[[Stage], None]
ACTS: Final = (
    *(rough, choices, embeddings, exits, routes, rewritten, angry, errors, hover, numbers, tags, glass, ads, reading),
    *(prerendered, outages, media, forms, copies, many, clicks, links, blocked),
)
"""The longest first: two are played at a time."""


def play(browser: Any, folder: Path, acts: Sequence[Act] = ACTS) -> dict[str, Any]:
    """Every act; then `{rows: …, seen: …}` of an installation that has stopped."""
    product = Product(folder / "data")
    product.settings["public_url"] = f"http://stats.example:{product.collector}"
    environ = product.environ()

    def add(domain: str) -> dict[str, Any]:
        told = [word for one in SITES[domain] for word in ("--set", one)]
        added: dict[str, Any] = json.loads(command(product.data, "site", "add", domain, *told, env=environ).stdout)
        return added

    first, *others = SITES
    keys = {first: add(first)}
    with ThreadPoolExecutor(2) as pool:
        keys |= zip(others, pool.map(add, others), strict=True)
    site = Site()
    stage = Stage(browser, site, product, keys)
    try:
        product.start()
        stage.put("/inside")
        beside = Beside(stage)
        _perform(stage, deque(acts))
        beside.end()
        down(stage)
        time.sleep(0.5)
        loaded(product)
    finally:
        site.close()
        product.stop(30)
    return {"rows": rows_of(product.data, keys), "seen": stage.seen}


def _perform(stage: Stage, acts: deque[Act]) -> None:
    """Two at a time, each in a browser of its own: most of what acts do is wait."""

    def beside() -> None:
        with sync_playwright() as driver:
            _each(stage.beside(launch(driver)), acts)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(beside)
        try:
            _each(stage, acts)
        finally:
            acts.clear()
        other.result()


def _each(stage: Stage, acts: deque[Act]) -> None:
    while True:
        try:
            act = acts.popleft()
        except IndexError:
            return
        act(stage)


def loaded(product: Product, patience_s: float = 20) -> None:
    """Until nothing waits in the spool."""
    end = time.monotonic() + patience_s
    while json.loads(command(product.data, "status", "--json", env=product.environ(), check=False).stdout)["pending"]:
        if time.monotonic() > end:
            raise AssertionError("events still wait in the spool")
        time.sleep(0.2)


def rows_of(data: Path, keys: dict[str, dict[str, Any]]) -> list[Row]:
    """Every stored row of an installation that has stopped, its site by name."""
    out = data.with_name("dump")
    done = subprocess.run(
        [sys.executable, "-m", "tests.whole.dump", str(data), str(out)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tables = msgspec.msgpack.decode(out.read_bytes())
    names = {one["id"]: domain for domain, one in keys.items()}
    (table,) = [rows for name, rows in tables.items() if name.endswith(".events") and not name.startswith("system")]
    return [{**row, "site": names[row["site"]]} for row in table]
