"""Logins in Chromium, with the server's clock and the browser's held still and moved: when cookies and sessions end."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn

from control_store.tables import ControlStore
from tests.console.desk import PASSWORD, Desk
from tests.warehouse.engine import fresh_warehouse

pytestmark = pytest.mark.req("D9")

EMAIL: Final = "ada@shop.example"
DAY_MS: Final = 86_400_000


class Server:
    """A console that listens, whose clock the test moves. It begins at the browser's hour: Chromium ends cookies by it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.now = int(time.time() * 1000)
        desk.user()
        settings = uvicorn.Config(desk.app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.origin = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """Listen no more."""
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A console with one admin."""
    store, warehouse = ControlStore.in_directory(tmp_path), fresh_warehouse()
    store.migrate()
    desk = Desk(store, warehouse)
    listening = Server(desk)
    yield listening
    listening.stop()
    desk.close()
    warehouse.close()
    store.close()


@pytest.fixture
def open_page(browser: Any, server: Server) -> Iterator[Any]:
    """Makes a tab of a fresh profile; all of them are closed afterwards."""
    contexts = []

    def make() -> Any:
        context = browser.new_context()
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.clock.install(time=server.desk.now / 1000)
        return page

    yield make
    for context in contexts:
        context.close()


def log_in(page: Any, server: Server, *, remember: bool = False) -> None:
    """By the form."""
    page.goto(f"{server.origin}/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    if remember:
        page.get_by_label("Remember me").check()
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)


def cookie(page: Any, name: str) -> Any:
    """A cookie as the browser keeps it; None if it keeps none of this name."""
    return next((one for one in page.context.cookies() if one["name"] == name), None)


def is_in(page: Any, server: Server) -> bool:
    """Whether the account opens."""
    page.goto(f"{server.origin}/account")
    return "/login" not in page.url


@pytest.mark.parametrize(("remember", "days"), [(False, 2), (True, 14)])
def test_cookies_live_as_long_as_they_say(open_page: Any, server: Server, remember: bool, days: int) -> None:
    """In the browser's own list: two days or two weeks, out of reach of scripts; the server ends the session to the
    millisecond, also for a browser that keeps the cookie longer."""
    page = open_page()
    page.goto(f"{server.origin}/login")
    assert cookie(page, "footfall_test")["expires"] == -1, "gone with the browser"
    began = time.time()
    log_in(page, server, remember=remember)
    kept = cookie(page, "footfall_login")
    assert kept["httpOnly"]
    assert kept["sameSite"] == "Lax"
    assert kept["path"] == "/"
    assert 0 <= kept["expires"] - began - days * 86_400 <= 60
    assert cookie(page, "footfall_test") is None
    assert page.evaluate("document.cookie") == ""
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_load_state()
    assert abs(cookie(page, "footfall_screen")["expires"] - began - 31_536_000) < 120
    server.desk.now += days * DAY_MS - 1
    page.clock.set_fixed_time(server.desk.now / 1000)
    assert is_in(page, server)
    server.desk.now += 1
    page.clock.set_fixed_time(server.desk.now / 1000)
    assert cookie(page, "footfall_login") is not None
    assert not is_in(page, server)


def test_after_logging_out_the_way_back_opens_nothing(open_page: Any, server: Server) -> None:
    """Neither the browser's history nor a copy of the cookie; every cookie of the login is gone."""
    page, thief = open_page(), open_page()
    log_in(page, server)
    assert is_in(page, server)
    copied = cookie(page, "footfall_login")
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{server.origin}/login")
    assert cookie(page, "footfall_login") is None
    page.go_back()
    page.wait_for_url(lambda url: "/login" in url)
    assert EMAIL not in page.content()
    thief.context.add_cookies([copied])
    assert not is_in(thief, server)


def test_a_login_that_is_ended_elsewhere_is_over(open_page: Any, server: Server) -> None:
    """At the next page; the browser that ended it stays logged in. A new password ends all others, too."""
    first, second = open_page(), open_page()
    log_in(first, server)
    log_in(second, server)
    assert is_in(first, server)
    first.get_by_role("button", name="End it").click()
    first.wait_for_load_state()
    assert not is_in(second, server)
    assert is_in(first, server)
    log_in(second, server)
    assert is_in(second, server)
    second.get_by_label("Present password").fill(PASSWORD)
    second.get_by_label("New password").fill("another good long one")
    second.get_by_role("button", name="Change it").click()
    second.get_by_text("The password is changed").wait_for()
    assert not is_in(first, server)
    assert is_in(second, server)
