"""The console in this process: real control store, real warehouse, real templates; a clock that tests move."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from console.app import ConsoleParts, create_app
from console.pages.kept import Kept
from console.settings import ConsoleSettings
from control_store.accounts import Role, User, add_user
from control_store.sites import NewSite, add_site, find_site
from control_store.snapshot import Site
from control_store.tables import ControlStore
from tests.warehouse.engine import fresh_warehouse
from tests.warehouse.rows import event
from warehouse.client import Warehouse
from warehouse.events import EventTable

PASSWORD: Final = "correct horse battery"
NOON: Final = int(datetime(2025, 11, 24, 12, tzinfo=UTC).timestamp() * 1000)
TODAY: Final = NOON // 86_400_000


class Browser:
    """A browser as far as HTTP goes: it keeps cookies and follows nothing by itself. `peer` is where it calls from."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop, peer: str = "203.0.113.7") -> None:
        transport = httpx.ASGITransport(app, client=(peer, 40_000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://console.example:8421")
        self._loop = loop

    @property
    def cookies(self) -> httpx.Cookies:
        """What it keeps."""
        return self._client.cookies

    def get(self, address: str, **options: Any) -> httpx.Response:
        """Open an address."""
        return self._loop.run_until_complete(self._client.get(address, **options))

    def send(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Ask by any method."""
        return self._loop.run_until_complete(self._client.request(method, address, **options))

    def post(self, address: str, **options: Any) -> httpx.Response:
        """Send a form."""
        return self._loop.run_until_complete(self._client.post(address, **options))


def console_settings(**changes: Any) -> ConsoleSettings:
    """As the core hands them over where nothing was set."""
    told = {"collector_url": "http://127.0.0.1:8420", "is_public": False, "credit": None}
    return ConsoleSettings(**(told | changes))


class Desk:
    """One console, with a browser of its own: cookies are kept as a browser keeps them."""

    def __init__(self, store: ControlStore, warehouse: Warehouse, **settings: Any) -> None:
        self.store = store
        self.warehouse = warehouse
        self.now = NOON
        self.trouble = ""
        self._batch = 0
        self.kept: list[Kept] = []
        made = console_settings(**settings)
        parts = ConsoleParts(made, store, warehouse, lambda: self.now, lambda: self.trouble, lambda: self.kept)
        self.app = create_app(parts)
        self._loop = asyncio.new_event_loop()
        self.browser = self.another()

    def another(self) -> Browser:
        """A browser without cookies."""
        return Browser(self.app, self._loop)

    def close(self) -> None:
        """Give the loop back."""
        self._loop.close()

    def user(self, role: Role = "admin", email: str = "ada@shop.example") -> User:
        """Somebody who may log in."""
        return add_user(self.store, email, role, PASSWORD, now=self.now)

    def site(self, domain: str = "shop.example", timezone: str = "UTC") -> Site:
        """A site."""
        return add_site(self.store, NewSite(domain, timezone), now=self.now)

    def site_of(self, domain: str) -> Site:
        """A site that was added."""
        return find_site(self.store, domain)

    def log_in(
        self, email: str = "ada@shop.example", *, browser: Browser | None = None, **fields: str
    ) -> httpx.Response:
        """Fill the form and send it."""
        client = browser or self.browser
        form = {"csrf": hidden(client.get("/login").text, "csrf"), "email": email, "password": PASSWORD, **fields}
        return client.post("/login", data=form)

    def post(self, address: str, page: str, /, **fields: str) -> httpx.Response:
        """Send a form that a page holds."""
        return self.browser.post(address, data={"csrf": hidden(self.browser.get(page).text, "csrf"), **fields})

    def read(self, address: str, status: int = 200, **headers: str) -> str:
        """The text of a page."""
        answer = self.browser.get(address, headers=headers)
        assert answer.status_code == status, answer.text[-2000:]
        return answer.text

    def store_rows(self, site: Site, *rows: Mapping[str, Any]) -> None:
        """Put rows of today into the warehouse; each at noon of its day unless it says otherwise."""
        by_day: dict[int, list[Any]] = {}
        for fields in rows:
            day = fields.get("day", TODAY)
            noon = day * 86_400_000 + 43_200_000
            usual = {"site": site.id, "day": day, "at": noon, "received": noon}
            by_day.setdefault(day, []).append(event(**{**usual, **fields}))
        for many in by_day.values():
            self._batch += 1
            number = site.id * 1000 + self._batch
            EventTable(self.warehouse).insert(many, batch=number, token=str(number))


@contextmanager
def counting_desk(data: Path) -> Iterator[Desk]:
    """A console with a warehouse of its own, and an admin who is logged in."""
    store = ControlStore.in_directory(data)
    store.migrate()
    warehouse = fresh_warehouse()
    made = Desk(store, warehouse)
    made.user()
    assert made.log_in().status_code == 303
    yield made
    made.close()
    warehouse.close()
    store.close()


def hidden(text: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', text)
    assert found, f"no field {name}"
    return found[1]


def cookies(answer: httpx.Response) -> dict[str, str]:
    """What is set, as name → the rest of the header."""
    return dict(header.split("=", 1) for header in answer.headers.get_list("set-cookie"))  # type: ignore[misc]
