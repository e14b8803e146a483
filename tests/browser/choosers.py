"""A whole installation whose sites ask for choices, and the visitors of it: what they see, send and carry away.

Pages lie on a web of their own under a strict policy and Trusted Types; the collector is the real one, at another host.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tests.browser import snippet
from tests.browser.web import Page, Site
from tests.product import Product

SITES: Final[dict[str, tuple[str, ...]]] = {
    "optin.example": ("policy=opt_in", "banner=true", "modules=ads,clicks"),
    "plain.example": ("banner=true",),
    "us.example": ("policy=opt_out", "banner=true", "shares=true"),
    "kids.example": ("policy=under_16", "banner=true"),
    "mild.example": ("gpc=cookieless", "banner=true"),
    "managed.example": ("policy=opt_in", "banner=true", "consent_managers=tcf,gpp"),
    "app.example": ("policy=opt_in", "banner=true", "under_16_paths=/kids/*", "exclude_paths=/left-out/*"),
}
MARKED: Final = (
    '<main><h1>A page</h1><p><a id="first" href="/b">Next page</a></p><p id="last"><a href="/a#x">Last</a></p></main>'
)
PANEL: Final = "<footfall-choices></footfall-choices>"
LINK: Final = '<a href="#footfall-choices">Privacy choices</a>'
TALL: Final = '<div class="tall"></div>'


class Web:
    """The installation, its sites' keys, and the pages that embed their snippets."""

    def __init__(self, product: Product, site: Site) -> None:
        self.product = product
        self.site = site
        self.keys = {host: product.site(host, *(f"--set={one}" for one in told))["key"] for host, told in SITES.items()}

    @property
    def stats(self) -> str:
        """The collector's origin, as pages see it."""
        return f"http://stats.example:{self.product.collector}"

    def put(self, host: str, path: str, body: str = MARKED, *, lang: str = "en", attributes: str = "") -> str:
        """A page of a site under the strictest policy that a site can have; its address."""
        script = f"{self.stats}/js/{self.keys[host]}.js"
        policy = (
            f"default-src 'none'; script-src {self.stats}; connect-src {self.stats}; style-src 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'"
        )
        text = snippet.document(body, title=f"Title of {path}", script=script)
        text = text.replace('<html lang="en"', f'<html lang="{lang}" {attributes}'.rstrip())
        self.site.pages[path] = Page(text, {"Content-Security-Policy": policy})
        return self.site.address(path, host)


class Visitor:
    """One browser profile and a tab of it, with all that it says and sends."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.page = context.new_page()
        self.told: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.answered: list[int] = []
        self.chosen: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.told.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.told.append(f"error: {error}"))
        context.on("request", self._request)

    def _request(self, request: Any) -> None:
        self.asked.append(request.url)
        told = request.post_data or ""
        if request.method == "POST" and told.startswith("{"):
            body = json.loads(told)
            (self.sent if request.url.endswith("/e") else self.chosen).append(body)

    @property
    def bar(self) -> Any:
        """The question, or what is said after it."""
        return self.page.locator("footfall-banner .bar")

    def button(self, name: str) -> Any:
        """A button of banner, preferences or panel, by its text."""
        return self.page.get_by_role("button", name=name, exact=True)

    def cookies(self) -> dict[str, Any]:
        """What the device holds, by name."""
        return {one["name"]: one for one in self.context.cookies()}

    def stored(self) -> list[int]:
        """How much lies in the storages that scripts can reach: local, session, databases, caches."""
        script = "async () => [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length]"
        return list(self.page.evaluate(script))

    def events(self, name: str = "pageview") -> list[Mapping[str, Any]]:
        """Sent events with the beacon's other keys."""
        return [{**one, "beacon": beacon} for beacon in self.sent for one in beacon["events"] if one["name"] == name]

    def until(self, true: Any, what: str, seconds: float = 20) -> None:
        """Wait until something holds, while the browser goes on."""
        for _ in range(int(seconds * 20)):
            if true():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"not within {seconds} s: {what}; said {self.told}, sent {self.sent}")


@contextmanager
def visiting(browser: Any, **options: Any) -> Iterator[Visitor]:
    """A fresh profile; nothing of ours was ever refused by the page's policy, and no error reached it."""
    context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1200, "height": 700}, **options})
    context.set_default_timeout(20_000)
    one = Visitor(context)
    yield one
    bad = [line for line in one.told if not line.startswith("info:") and "footfall" not in line.split(":")[0]]
    context.close()
    assert bad == [], one.asked[-5:]
