"""Acts of the stage that take long beside others, and pages that break their browser: what other people's code does.

The tabs of `Beside` are opened first and looked after last, so that ten seconds pass while everything else is played.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final

from tests.browser import snippet
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.web import Page

if TYPE_CHECKING:
    from tests.browser.stage import Stage

TEN_S: Final = 10.0
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
PAGE: Final = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Rough</title><p id="text">Text</p>'

BROKEN: Final[dict[str, str]] = {
    "polluted": """Object.prototype.evil = {name: "evil"}; Array.prototype.extra = () => 1; String.prototype.props = 1
      Object.prototype.props = {stolen: "x"}""",
    "proxied-history": """const real = history
      Object.defineProperty(window, "history", {value: new Proxy(real, {get: (target, key) => {
        const value = target[key]; return typeof value === "function" ? (...args) => value.apply(target, args) : value
      }})})""",
    "no-navigation": """Object.defineProperty(window, "navigation", {value: undefined})
      const push = history.pushState
      history.pushState = (...args) => push.apply(history, args)""",
    "fetch-gives-nothing": "window.fetch = () => undefined",
    "fetch-is-fixed": """Object.defineProperty(window, "fetch", {value: window.fetch, writable: false, configurable: false})""",
    "beacon-refuses": """delete Request.prototype.keepalive
      const real = navigator.sendBeacon.bind(navigator); let tries = 0
      navigator.sendBeacon = (...args) => ++tries > 2 && real(...args)""",
    "no-timings": "performance.getEntriesByType = () => []",
    "no-observers": "delete window.PerformanceObserver; delete window.IntersectionObserver",
    "deaf": """const real = EventTarget.prototype.dispatchEvent
      addEventListener("click", event => event.stopImmediatePropagation(), true)""",
    "clobbered": """document.body.insertAdjacentHTML("beforeend", "<img name=title><form name=referrer></form><img id=screen>")
      var screen = 1""",
    "deleted": "addEventListener('load', () => setTimeout(() => { window.theirs = footfall; delete window.footfall }, 50))",
}
"""What a page does before the snippet comes."""


FIREFOX: Final = shutil.which("firefox-esr")
VISIT: Final = """<a href="http://other.example/out">out</a><a href="tel:+41447777777">call</a>
<button id="buy">Buy</button><script>
  addEventListener("click", event => event.preventDefault())
  const after = ms => new Promise(resolve => setTimeout(resolve, ms))
  addEventListener("load", async () => {
    await after(400)
    for (const one of document.querySelectorAll("a,#buy")) one.click()
    footfall("signup", {props: {plan: "pro"}})
    history.pushState({}, "", "/fox/two")
    document.title = "Second"
    await after(600)
    history.back()
    await after(600)
    location.href = "/fox/end"
  })
</script>"""
"""A visit that needs nobody to drive the browser."""


class Beside:
    """Tabs that live while the other acts are played, and a visit in Firefox."""

    def __init__(self, stage: "Stage") -> None:
        self._stage = stage
        hide = "Object.defineProperty(document, 'hidden', {configurable: true, value: %s}); "
        turn = "document.dispatchEvent(new Event('visibilitychange'))"
        script = f"""addEventListener("load", () => {{
          setTimeout(() => {{ {hide % "true"} {turn} }}, 2500)
          setTimeout(() => {{ {hide % "false"} {turn} }}, 7500)
          setTimeout(() => {{ location.href = "/ten/end" }}, 10000)
        }})"""
        stage.site.pages["/ten/end"] = Page("<title>End</title>")
        stage.put("/ten/hidden", f"<script>{script}</script>")
        stage.put("/ten/offline")
        self._firefox = self._open_firefox()
        self._hidden, self._offline = (self._open(path) for path in ("/ten/hidden", "/ten/offline"))
        self._offline.wait_for_timeout(600)
        self._offline.context.set_offline(True)
        self._began = time.monotonic()
        self._offline.evaluate("footfall('kept'); history.pushState({}, '', '/ten/offline/next')")

    def end(self) -> None:
        """Ten seconds later."""
        self._offline.wait_for_timeout(max(0, TEN_S - (time.monotonic() - self._began)) * 1000 + 500)
        self._offline.context.set_offline(False)
        self._offline.wait_for_timeout(1500)
        self._offline.goto("about:blank")
        self._offline.wait_for_timeout(300)
        for tab in (self._hidden, self._offline):
            tab.context.close()
        if self._firefox:
            self._end_firefox(self._firefox)

    def _open_firefox(self) -> subprocess.Popen[bytes] | None:
        if not FIREFOX:
            return None
        self._stage.put("/fox", VISIT)
        self._stage.site.pages["/fox/end"] = Page("<title>End</title>")
        profile = self._stage.product.data.parent / "firefox"
        profile.mkdir()
        hosts = "all.example,stats.example,other.example"
        (profile / "user.js").write_text(f'user_pref("network.dns.localDomains", "{hosts}");\n')
        call = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile), self._stage.address("/fox")]
        return subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def _end_firefox(self, running: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 60
        while "/fox/end" not in self._stage.site.asked and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.7)
        os.killpg(running.pid, signal.SIGTERM)
        running.wait()

    def _open(self, path: str) -> Any:
        context = self._stage.browser.new_context(
            locale="de-CH", viewport={"width": 1200, "height": 700}, user_agent=AGENT
        )
        tab = context.new_page()
        tab.goto(self._stage.address(path))
        tab.wait_for_function("window.footfall && footfall.q")
        return tab


def rough(stage: "Stage") -> None:
    """Each page breaks one thing; then it says an event and changes its route. All of them at the same time."""
    script = f'<script async src="{stage.script()}"></script>'
    with contextlib.ExitStack() as open_tabs:
        tabs = {}
        for name, code in BROKEN.items():
            stage.site.pages[f"/rough/{name}"] = Page(f"{PAGE}<script>{code}</script>{script}")
            tab = tabs[name] = open_tabs.enter_context(stage.tab())
            heard = stage.seen[f"rough {name}"] = []
            tab.context.on("weberror", lambda error, heard=heard: heard.append(str(error.error)))
            tab.goto(stage.address(f"/rough/{name}"))
        tab.wait_for_timeout(600)
        for tab in tabs.values():
            tab.evaluate("(window.theirs || footfall)('signup', {props: {plan: 'pro'}})")
            tab.evaluate("history.pushState({}, '', location.pathname + '/next')")
        # A refusing call is tried again a second later, or two, and then once more.
        tab.wait_for_timeout(4200)


def rewritten(stage: "Stage") -> None:
    """A document that is written anew in its place, and a click in a closed root of shadow."""
    script = f'<script async src="{stage.script()}"></script>'
    stage.put("/rough/written")
    with stage.tab("/rough/written") as tab:
        tab.wait_for_timeout(350)
        tab.evaluate(
            "text => { document.open(); document.write(text); document.close() }",
            f'<title>Anew</title>{script}<a id="tel" href="tel:+41441234567" onclick="return false">Call</a>',
        )
        tab.wait_for_timeout(350)
        tab.evaluate("footfall('anew')")
        # The document's listeners went with it: nothing hears that the page is left.
        tab.wait_for_timeout(400)
    body = """<div id="host"></div><script>
      window.root = document.querySelector("#host").attachShadow({mode: "closed"})
      root.innerHTML = '<button>Secret place</button>'</script>"""
    stage.visit("/rough/closed", body, "root.querySelector('button').click()")
    stage.put("/rough/taken", head="<script>window.footfall = Object.freeze(() => 1)</script>")
    with stage.tab() as tab:
        tab.goto(stage.address("/rough/taken"))
        tab.wait_for_timeout(350)
        tab.evaluate("history.pushState({}, '', '/rough/taken/next')")
    inner = (
        "<script>parent.footfall('from_frame', {props: {n: 1}}); setTimeout(() => frameElement.remove(), 50)</script>"
    )
    stage.site.pages["/rough/frame"] = Page(inner)
    stage.visit(
        "/rough/framed",
        "",
        """async () => { const frame = document.createElement("iframe"); frame.src = "/rough/frame"
          document.body.append(frame); await new Promise(resolve => setTimeout(resolve, 400)) }""",
    )


def blocked(stage: "Stage") -> None:
    """A policy that lets the script come and its beacons not go: nothing is counted, and the page hears no error."""
    origin = f"http://stats.example:{stage.product.collector}"
    policy = f"default-src 'none'; script-src {origin}; connect-src 'self'"
    stage.site.pages["/rough/blocked"] = Page(
        f'{PAGE}<script async src="{stage.script()}"></script>', {"Content-Security-Policy": policy}
    )
    heard: list[str] = []
    with stage.tab() as tab:
        tab.context.on("weberror", lambda error: heard.append(str(error.error)))
        tab.goto(stage.address("/rough/blocked"))
        tab.wait_for_timeout(600)
    stage.seen["rough blocked"] = heard


def prerendered(stage: "Stage") -> None:
    """Two pages are prerendered by a browser of its own, one of them is opened."""
    told = "<script>fetch('/told?' + document.prerendering)</script>"
    stage.site.pages["/told"] = Page("told")
    for path in ("/pre/shown", "/pre/never"):
        stage.put(path, told)
    rules = '{"prerender": [{"urls": ["/pre/shown", "/pre/never"], "eagerness": "immediate"}]}'
    go = """const timer = setInterval(async () => {
      if ((await fetch("/pre/go")).ok) { clearInterval(timer); location.href = "/pre/shown" }
    }, 100)"""
    stage.site.pages["/pre/start"] = Page(
        snippet.document(f'<script type="speculationrules">{rules}</script><script>{go}</script>', script="")
    )
    command = [str(CHROMIUM), "--headless", *FLAGS, "--remote-debugging-port=0"]
    command += [f"--user-data-dir={stage.product.data.parent / 'profile'}", f"--user-agent={AGENT}"]
    running = subprocess.Popen(
        [*command, stage.address("/pre/start")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _prerender(stage)
    finally:
        running.terminate()
        running.wait()


def _prerender(stage: "Stage") -> None:
    end = time.monotonic() + 15
    while stage.site.asked.count("/told?true") < 2 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.6)
    stage.seen["prerendered"] = time.time()
    stage.site.pages["/pre/go"] = Page("go")
    time.sleep(2)
