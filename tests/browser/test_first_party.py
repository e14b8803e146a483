"""The collector under a path of the site's own web server, and regions with policies of their own: a whole installation.

The site's server leads `/stats/` on to the collector as docs/recipes.md says, and tells it the visitor's address; a
small database of places makes these addresses lie in two countries.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.browser import snippet
from tests.browser.web import Page, Passage, Site
from tests.collector import mmdb
from tests.product import Product, command

PLACES: Final = {"203.0.113.7": ("US", "NA"), "198.51.100.7": ("DE", "EU")}
SITES: Final = {
    "shop.example": ("modules=api",),
    "region.example": ("region_policies=EEA=opt_in",),
}
TAB: Final = {"locale": "en-US", "timezone_id": "America/New_York"}


class World:
    """Pages, a passage, and the installation behind it."""

    def __init__(self, folder: Path) -> None:
        networks = {
            (socket.inet_aton(address), 32): {"country": {"iso_code": country}, "continent": {"code": continent}}
            for address, (country, continent) in PLACES.items()
        }
        geo = mmdb.write(folder / "places.mmdb", networks, kind="GeoLite2-City", ip_version=4)
        self.folder = folder
        self.site = Site()
        self.product = Product(folder / "data", {"geo": str(geo)})
        self.product.settings["public_url"] = self.site.address("/stats")
        self.passage = Passage("/stats/", self.product.collector)
        self.site.passages.append(self.passage)
        self.keys: dict[str, dict[str, Any]] = {}
        for domain, settings in SITES.items():
            told = [word for one in settings for word in ("--set", one)]
            added = command(self.product.data, "site", "add", domain, *told, env=self.product.environ())
            self.keys[domain] = json.loads(added.stdout)

    def visit(
        self, browser: Any, path: str, host: str, visitor: str, act: str = "", beacons: int = 1
    ) -> dict[str, Any]:
        """A plain visit that sends so many beacons while the page is there: the hosts that the browser turned to, what
        the passage was asked for until then and afterwards, and cookies."""
        self.passage.visitor = visitor
        script = f"/stats/js/{self.keys[host]['key']}.js"
        self.site.pages[path] = Page(snippet.document(title=path, script=script))
        context = browser.new_context(**TAB)
        hosts: set[str] = set()
        context.on("request", lambda one: hosts.add(urlsplit(one.url).hostname))
        before = len(self.site.asked)
        try:
            tab = context.new_page()
            tab.goto(self.site.address(path, host))
            tab.wait_for_function("window.footfall && footfall.q")
            if act:
                tab.evaluate(act)
            end = time.monotonic() + 10
            while self.site.asked[before:].count("/stats/e") < beacons and time.monotonic() < end:
                tab.wait_for_timeout(50)
            tab.wait_for_timeout(500)
            cookies = context.cookies()
            there = len(self.site.asked)
            tab.goto("about:blank")
            tab.wait_for_timeout(500)
        finally:
            context.close()
        asked = self.site.asked
        told = {"hosts": sorted(hosts - {None}), "cookies": cookies, "key": self.keys[host]["key"]}
        return told | {"asked": sorted(passed(asked[before:there])), "left": passed(asked[there:])}


def passed(asked: list[str]) -> list[str]:
    """What of it went through the passage."""
    return [one.removeprefix("/stats/") for one in asked if one.startswith("/stats/")]


@pytest.fixture(scope="module")
def played(browser: Any, once: Callable[[str, Callable[[Path], Any]], Any]) -> dict[str, Any]:
    """The visits and the rows of an installation that has stopped."""
    told: dict[str, Any] = once("first-party", partial(play, browser))
    return told


def play(browser: Any, folder: Path) -> dict[str, Any]:
    """Each visit, and the rows that were stored of all of them."""
    world = World(folder)
    us, de = PLACES
    try:
        world.product.start()
        visits = {
            "plain": world.visit(browser, "/plain", "shop.example", us, "footfall('signup')", beacons=2),
            "free": world.visit(browser, "/free", "region.example", us),
            "asked": world.visit(browser, "/asked", "region.example", de, beacons=0),
            "granted": world.visit(
                browser, "/granted", "region.example", de, "footfall.consent({statistics: true}); footfall('yes')"
            ),
        }
        end = time.monotonic() + 20
        while world.product.status_report()["pending"]:
            assert time.monotonic() < end, "events still wait in the spool"
            time.sleep(0.2)
    finally:
        world.site.close()
        world.product.stop(30)
    out = world.folder / "dump"
    call = [sys.executable, "-m", "tests.whole.dump", str(world.product.data), str(out)]
    subprocess.run(call, check=True, capture_output=True)
    tables = msgspec.msgpack.decode(out.read_bytes())
    (rows,) = [rows for name, rows in tables.items() if name.endswith(".events") and not name.startswith("system")]
    return {"visits": visits, "rows": rows}


def names(played: dict[str, Any], path: str) -> list[str]:
    """The stored events of one page but time and exits, in the order of time."""
    rows = sorted((row for row in played["rows"] if row["path"] == path), key=lambda row: str(row["at"]))
    return [row["name"] for row in rows if row["name"] != "engagement"]


@pytest.mark.req("C21")
def test_on_a_path_of_the_site_everything_is_first_party(played: dict[str, Any]) -> None:
    """Script, beacons and places: one host is asked, the address that the web server tells is the visitor's."""
    visit = played["visits"]["plain"]
    assert visit["hosts"] == ["shop.example"]
    assert {one.partition("/")[0] for one in visit["asked"]} == {"js", "e"}
    assert sorted(names(played, "/plain")) == ["pageview", "signup"]
    assert {row["country"] for row in played["rows"] if row["path"] == "/plain"} == {"US"}


@pytest.mark.req("P2", "P12")
def test_a_visit_leaves_nothing_on_the_device_before_a_choice(played: dict[str, Any]) -> None:
    """Also where the collector could set cookies of the site's own host."""
    assert [visit["cookies"] for visit in played["visits"].values()] == [[]] * len(played["visits"])


@pytest.mark.req("P2", "C21")
def test_where_a_region_asks_first_one_request_more_tells_whose_visit_may_go(played: dict[str, Any]) -> None:
    """Three besides the script: which policy holds, the visit's begin, its end. Elsewhere there are two."""
    visit = played["visits"]["free"]
    assert visit["asked"] == [f"c/{visit['key']}", "e", f"js/{visit['key']}.js"]
    # A page that takes long to go tells of its last moments once more.
    assert visit["left"] in (["e"], ["e", "e"])
    assert names(played, "/free") == ["pageview"]


@pytest.mark.req("P2")
def test_in_the_region_that_asks_nothing_goes_before_the_answer(played: dict[str, Any]) -> None:
    """Then what waited goes, as that of a visitor who agreed."""
    visit = played["visits"]["asked"]
    assert visit["asked"] == [f"c/{visit['key']}", f"js/{visit['key']}.js"]
    assert visit["left"] == []
    assert names(played, "/asked") == []
    assert sorted(names(played, "/granted")) == ["pageview", "yes"]
    assert {row["tier"] for row in played["rows"] if row["path"] == "/granted"} == {"consented"}
