"""Every address of the console × everybody who may come: as `matrix.txt` says, and nothing changes where it is refused.

The addresses come from the application itself: one that the table does not know fails here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
import sqlalchemy as sa
from starlette.routing import Route

from console.pages.assets import Assets
from control_store.accounts import User, add_user, start_session
from control_store.roles import ROLES, Role, Roles
from control_store.sites import add_key, list_sites
from control_store.snapshot import Site
from control_store.tables import METADATA, ControlStore
from tests.console.desk import PASSWORD, Browser, Desk, hidden
from warehouse.client import Warehouse

pytestmark = pytest.mark.req("D9")

TABLE: Final = Path(__file__).parent / "matrix.txt"
SHORT: Final[dict[str, Role]] = {
    "admin": "admin",
    "officer": "privacy_officer",
    "analyst": "analyst",
    "viewer": "viewer",
}
COLUMNS: Final = (
    "nobody",
    *(f"all {name}" for name in SHORT),
    *(f"site {name}" for name in SHORT),
    "other",
    "key",
)
KEY_COLUMNS: Final = (
    *("none", "unknown", "stats own", "stats other", "stats absent"),
    *("events own", "events other", "import own", "import other", "of a viewer"),
)
FIELDS: Final[dict[str, dict[str, str]]] = {
    "/people": {"email": "no address"},
    "/people/roles": {"email": "all-viewer@x.example", "role": "viewer"},
    "/people/reset": {"email": "who@shop.example"},
    "/people/second-factor/off": {"email": "who@shop.example"},
    "/people/remove": {"email": "who@shop.example"},
    "/sites/new": {"domain": "no domain"},
    "/sites/{site}/settings": {"k": "9", "dnt": "true"},
    "/account/password": {"old": "wrong"},
}
"""What a form holds. Where it can, it asks for what can't be: whoever is let in gets a sentence, and all stays as it is."""
_QUESTION: Final = {"metrics": ["visits"], "date_range": "day"}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/api/v1/query": _QUESTION,
    "/api/v2/query": _QUESTION,
    "/api/v1/funnel": {"funnel": "none", "date_range": "day"},
    "/api/v1/segments": {"name": "From home", "filters": [["is", "visit:country", ["CH"]]]},
    "/api/v1/annotations": {"date": "2025-11-20", "text": "The new shop opens"},
}
"""What is sent to an address of the API, beside the site."""
CHANGES_NOTHING: Final = ("sessions", "audit")
"""Tables that are left out when it is looked at what a refusal left behind: each request here begins a session."""


class World(NamedTuple):
    """The console with two sites and everybody."""

    desk: Desk
    shop: Site
    blog: Site
    people: dict[str, User]
    keys: dict[str, str]


def rows_of(part: int, columns: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The table: route → column → outcome."""
    found = {}
    for line in TABLE.read_text().split("== keys")[part].splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        route, outcomes = " ".join(words[: -len(columns)]), words[-len(columns) :]
        assert route not in found, f"{route} stands there twice"
        found[route] = dict(zip(columns, outcomes, strict=True))
    return found


PAGES: Final = rows_of(0, COLUMNS)
ASKING: Final = rows_of(1, KEY_COLUMNS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, empty_warehouse: Warehouse) -> Iterator[World]:
    """Made once: nothing here is changed by what is refused, and little by what is done."""
    store = ControlStore.in_directory(tmp_path_factory.mktemp("matrix"))
    store.migrate()
    desk = Desk(store, empty_warehouse)
    shop, blog = desk.site(), desk.site("blog.example")
    people = {}
    for short, role in SHORT.items():
        people[f"all {short}"] = add_user(store, f"all-{short}@x.example", role, PASSWORD, now=desk.now)
        for where, site in (("site", shop), ("other", blog)):
            roles = Roles(None, ((site.id, role),))
            people[f"{where} {short}"] = add_user(store, f"{where}-{short}@x.example", roles, PASSWORD, now=desk.now)
    keys = {scope: add_key(store, shop, scope, now=desk.now) for scope in ("stats", "events", "import")}  # type: ignore[arg-type]  # scopes by their names
    keys["of a viewer"] = add_key(store, shop, "stats", now=desk.now, maker=people["site viewer"].id)
    yield World(desk, shop, blog, people, keys)
    desk.close()
    store.close()


def routes(desk: Desk) -> dict[str, str]:
    """Every address of the application: "METHOD /path" → path."""
    found = {}
    for route in desk.app.routes:
        assert isinstance(route, Route), f"{route} is no plain address; the matrix has to learn to ask it"
        for method in (route.methods or set()) - {"HEAD"}:
            found[f"{method} {route.path}"] = route.path
    return found


def dump(store: ControlStore) -> dict[str, list[Any]]:
    """What the control store holds."""
    with store.engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(sa.select(table))]
            for name, table in METADATA.tables.items()
            if name not in CHANGES_NOTHING
        }


def outcome(answer: httpx.Response) -> str:
    """An answer in a word of the table."""
    if answer.status_code == 303 and answer.headers["location"].startswith("/login"):
        return "login"
    return "ok" if answer.status_code in (200, 201, 303, 422) else str(answer.status_code)


def came(world: World, who: str) -> Browser:
    """A browser of theirs, with a login of its own."""
    browser = world.desk.another()
    if who in world.people:
        token = start_session(world.desk.store, world.people[who], now=world.desk.now, lasts_ms=1_000_000)
        browser.cookies.set("footfall_login", token, domain="console.example")
    return browser


def call(browser: Browser, route: str, site: str, headers: dict[str, str]) -> httpx.Response:
    """Ask an address of the API about a site."""
    method, _, named = route.partition(" ")
    address, about = named.format(number="0"), {"site_id": site}
    if method in ("GET", "DELETE"):
        return browser.send(method, address, params=about, headers=headers)
    return browser.send(method, address, json=about | BODIES.get(named, {}), headers=headers)


def ask(world: World, route: str, browser: Browser, headers: dict[str, str], *, forged: str = "") -> httpx.Response:
    """Come to an address, with the form that it takes."""
    named, _, dimension = route.partition(" ")[2].partition(" ")
    asset = Assets().address("mark.svg")
    address = (
        asset
        if named.startswith("/static/")
        else named.format(site="shop.example", dimension=dimension or "path", number="0")
    )
    if "/api/" in named:
        return call(browser, route, "shop.example", {})
    if route.startswith("GET"):
        return browser.get(address, headers=headers, params=FIELDS.get(named, {}) if "roles" in named else {})
    login = browser.cookies.get("footfall_login")
    token = forged or (hidden(browser.get("/account").text, "csrf") if login else "0" * 48)
    return browser.post(address, data={"csrf": token, **FIELDS.get(named, {})}, headers=headers)


def test_the_table_knows_every_address_and_no_other(world: World) -> None:
    """A new address needs a line that says who may open it."""
    told = {" ".join(route.split()[:2]) for route in PAGES}
    assert told == routes(world.desk).keys()
    assert ASKING.keys() == {route for route in told if "/api/" in route}


@pytest.mark.parametrize("route", PAGES)
def test_every_address_opens_for_those_of_the_table(world: World, route: str) -> None:
    """And for nobody else; what is refused leaves nothing behind."""
    found: dict[str, str] = {}
    for who in COLUMNS[:-1]:
        comers = [f"other {short}" for short in SHORT] if who == "other" else [who]
        told = set()
        for comer in comers:
            before = dump(world.desk.store)
            told.add(word := outcome(ask(world, route, came(world, comer), {})))
            assert word == "ok" or dump(world.desk.store) == before, f"{comer} was refused and changed something"
        found[who] = told.pop() if len(told) == 1 else "mixed"
    keyed = set()
    if PAGES[route]["key"] != "key":
        for scope in ("stats", "events", "import"):
            bearer = {"authorization": f"Bearer {world.keys[scope]}"}
            keyed.add(outcome(ask(world, route, world.desk.another(), bearer)))
    assert found | {"key": keyed.pop() if keyed else "key"} == PAGES[route]
    assert not keyed, "keys of all scopes are answered alike"
    assert {site.domain for site in list_sites(world.desk.store)} == {"shop.example", "blog.example"}


@pytest.mark.parametrize("route", [route for route in PAGES if route.startswith("POST") and "/api/" not in route])
def test_no_form_can_be_forged(world: World, route: str) -> None:
    """Whoever it is: with the token of another login or none nothing is done, nor with the right one from elsewhere."""
    for who in ("all admin", "site admin"):
        before, theirs = dump(world.desk.store), hidden(came(world, "all admin").get("/account").text, "csrf")
        for forged, headers in ((theirs, {}), ("0" * 48, {}), (" ", {}), ("", {"sec-fetch-site": "cross-site"})):
            answer = ask(world, route, came(world, who), headers, forged=forged)
            assert answer.status_code in (400, 403), answer.text
        assert dump(world.desk.store) == before


@pytest.mark.req("D7")
@pytest.mark.parametrize("route", ASKING)
def test_keys_open_what_they_are_for_and_no_other_site(world: World, route: str) -> None:
    """Of the scope `stats`, for their own site, while their maker is its admin; a site of others and none look alike."""
    found, refusals = {}, set()
    for column in KEY_COLUMNS:
        scope, _, where = column.partition(" ")
        site = {"other": "blog.example", "absent": "none.example"}.get(where, "shop.example")
        key = {"none": "", "unknown": "ff_stats_unknown", "of": world.keys["of a viewer"]}.get(scope) or world.keys.get(
            scope
        )
        headers = {"authorization": f"Bearer {key}"} if key else {}
        answer = call(world.desk.another(), route, site, headers)
        found[column] = outcome(answer)
        if column in ("stats other", "stats absent"):
            refusals.add((answer.content, tuple(answer.headers.items())))
    assert found == ASKING[route]
    assert len(refusals) == 1


def test_every_role_is_in_the_table() -> None:
    """A new role needs its columns."""
    assert set(SHORT.values()) == set(ROLES)
