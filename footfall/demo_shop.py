"""The demo's shop: small, invented, and embedding the real snippet, so that there is something to visit and to count.

It promises to keep nothing (no cookie, no log, no state: the basket lies in the address), to load nothing from
elsewhere but the snippet, and to say on every page that it is invented. It knows the address of its snippet, and
nothing of collector, core or warehouse.
"""

import tomllib
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from footfall.demo_files import price_list, rain

_MOST: Final = 9
"""The largest number of one thing in the basket."""
_LONGEST_TERM: Final = 60
_MAP: Final = "/map"
_TYPES: Final = {".svg": "image/svg+xml", ".css": "text/css", ".js": "text/javascript"}


class Good(NamedTuple):
    """One thing that the shop pretends to sell; the price in cents."""

    slug: str
    name: str
    price: int
    line: str
    text: str
    size: str


def create_app(snippet: str, variants: Mapping[str, str]) -> ASGIApp:
    """The shop as an ASGI application; `snippet` is the URL that its pages embed, but for the hosts of `variants`."""
    shop = Shop(snippet, variants)
    routes = [
        Route("/", shop.page("home.html")),
        Route("/shop", shop.page("shop.html")),
        Route("/shop/{slug}", shop.article),
        Route("/basket", shop.basket("basket.html")),
        Route("/thank-you", shop.basket("thank-you.html")),
        Route("/search", shop.search),
        Route("/care", shop.page("care.html")),
        *(Route(f"/care/{topic}", shop.page("care.html")) for topic in ("water", "light", "pots")),
        Route("/visit", shop.page("visit.html")),
        Route("/try", shop.page("try.html")),
        Route("/choices", shop.page("choices.html")),
        Route(_MAP, shop.page("map.html")),
        Route("/assets/{name}", _asset),
        Route("/files/price-list.pdf", _made(price_list(_lines(shop.goods)), "application/pdf")),
        Route("/files/rain.wav", _made(rain(), "audio/wav")),
        Route("/healthz", _well),
        Route("/readyz", _well),
    ]
    return _Headers(Starlette(routes=routes, exception_handlers={404: shop.missing}), snippet)


class Shop:
    """Renders the pages; every value from an address is escaped by the templates."""

    def __init__(self, snippet: str, variants: Mapping[str, str]) -> None:
        folder = resources.files("footfall") / "demo_site"
        self.goods = [
            Good(**one) for one in tomllib.loads((folder / "goods.toml").read_text(encoding="utf-8"))["goods"]
        ]
        self._snippet = snippet
        self._variants = variants
        self._pages = jinja2.Environment(
            loader=jinja2.PackageLoader("footfall", "demo_site"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.filters["money"] = _money

    def page(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that answers one template."""

        async def endpoint(request: Request) -> Response:
            return self._render(request, name)

        return endpoint

    async def article(self, request: Request) -> Response:
        """One thing of the shop."""
        good = self._good(request.path_params["slug"])
        return self._render(request, "article.html", good=good) if good else self._absent(request)

    def basket(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for a page that shows what lies in the basket, which is what the address says."""

        async def endpoint(request: Request) -> Response:
            count = request.query_params.get("count", "1")
            number = int(count) if count.isascii() and count.isdigit() and len(count) < 3 else 1
            good = self._good(request.query_params.get("item", ""))
            return self._render(request, name, good=good, count=max(1, min(_MOST, number)))

        return endpoint

    async def search(self, request: Request) -> Response:
        """What holds every word of `q`."""
        term = request.query_params.get("q", "").strip()[:_LONGEST_TERM]
        words = term.lower().split()
        found = [one for one in self.goods if words and all(word in " ".join(map(str, one)).lower() for word in words)]
        return self._render(request, "search.html", term=term, goods=found)

    async def missing(self, request: Request, _error: Exception) -> Response:
        """The page for an address that does not exist."""
        return self._absent(request)

    def _absent(self, request: Request) -> Response:
        return self._render(request, "missing.html", status=404)

    def _good(self, slug: str) -> Good | None:
        return next((one for one in self.goods if one.slug == slug), None)

    def _render(self, request: Request, name: str, *, status: int = 200, **values: object) -> Response:
        path = request.url.path
        here = "/" + path.split("/")[1]
        host = request.url.hostname or ""
        snippet = self._variants.get(host, self._snippet)
        asked = {"host": host, "port": request.url.port or 80, "signal": "gpc" in request.query_params}
        shown = {"snippet": snippet, **asked, "goods": self.goods, "term": "", "path": path, "here": here, **values}
        return Response(self._pages.get_template(name).render(shown), status, media_type="text/html")


class _Headers:
    """Adds what every answer carries: a policy under which nothing but the shop's own files and the snippet runs."""

    def __init__(self, app: ASGIApp, snippet: str) -> None:
        parts = urlsplit(snippet)
        collector = f"{parts.scheme}://{parts.netloc}"
        policy = (
            f"default-src 'none'; script-src 'self' {collector}; connect-src {collector}; style-src 'self'; "
            "img-src 'self'; media-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        self._app = app
        self._policy = policy
        self._headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
            (b"cache-control", b"no-cache"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The one page that others of the shop may show in a frame.
        inside = "'self'" if scope.get("path") == _MAP else "'none'"
        policy = (b"content-security-policy", f"{self._policy}; frame-ancestors {inside}".encode())

        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], policy, *self._headers]
            await send(message)

        await self._app(scope, receive, send_more)


async def _asset(request: Request) -> Response:
    """A file of the shop. Names are looked up in the folder's list, so that no path leads out of it."""
    name = request.path_params["name"]
    folder = resources.files("footfall") / "demo_site" / "assets"
    found = next((one for one in folder.iterdir() if one.name == name and one.is_file()), None)
    if found is None:
        return PlainTextResponse("There is no such file.", 404)
    return Response(found.read_bytes(), media_type=_TYPES[Path(name).suffix])


async def _well(_request: Request) -> Response:
    return PlainTextResponse("well")


def _made(body: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        return Response(body, media_type=media_type)

    return endpoint


def _money(cents: int) -> str:
    return f"€ {cents // 100}.{cents % 100:02}"


def _lines(goods: list[Good]) -> list[str]:
    head = ["Kettle & Fern: price list", "Invented shop. Nothing is for sale.", ""]
    return [*head, *(f"{one.name}: EUR {one.price // 100}.{one.price % 100:02} ({one.size})" for one in goods)]
