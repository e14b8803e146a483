"""Roles for single sites, as people meet them: what is not theirs does not exist."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import sqlalchemy as sa

from control_store.accounts import add_user, find_user
from control_store.audit import Entry, entries, note
from control_store.roles import Roles
from control_store.sites import list_keys, list_sites
from tests.console.desk import PASSWORD, Browser, Desk, hidden
from tests.console.test_people import join, link_in

pytestmark = pytest.mark.req("D9")


def person(desk: Desk, roles: Roles, email: str = "bob@shop.example") -> Browser:
    """Somebody with these roles, logged in."""
    add_user(desk.store, email, roles, PASSWORD, now=desk.now)
    browser = desk.another()
    assert desk.log_in(email, browser=browser).status_code == 303
    return browser


def send(browser: Browser, address: str, **fields: str) -> httpx.Response:
    """Send a form as this person."""
    return browser.post(address, data={"csrf": hidden(browser.get("/account").text, "csrf"), **fields})


@contextmanager
def statements(desk: Desk) -> Iterator[list[str]]:
    """The statements that reach the control store meanwhile."""
    seen: list[str] = []

    def see(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(desk.store.engine, "before_cursor_execute", see)
    yield seen
    sa.event.remove(desk.store.engine, "before_cursor_execute", see)


def test_whoever_has_one_site_sees_one_site(counting: Desk) -> None:
    """In the list, in the menu, at the front door, by every address."""
    for domain in ("shop.example", "blog.example", "third.example"):
        counting.site(domain)
    shop, _, third = list_sites(counting.store)
    bob = person(counting, Roles(None, ((shop.id, "viewer"),)))
    assert bob.get("/").headers["location"] == "/sites/shop.example"
    for page in ("/", "/sites", "/sites/shop.example", "/account", "/how-counted", "/sites/shop.example/settings"):
        text = bob.get(page, follow_redirects=True).text
        assert "blog.example" not in text
        assert "third.example" not in text
    assert "viewer for 1 site" in bob.get("/account").text
    assert "shop.example" in bob.get("/sites").text
    both = person(counting, Roles(None, ((shop.id, "viewer"), (third.id, "admin"))), "eve@shop.example")
    assert both.get("/").headers["location"] == "/sites"
    page = both.get("/sites").text
    assert ("third.example" in page, "blog.example" in page, "Add a site" in page) == (True, False, False)
    nobody = person(counting, Roles(None), "zoe@shop.example")
    assert "gives you a role" in nobody.get("/sites").text


SITE_PAGES = (
    *(
        "",
        "/by/path",
        "/by/title",
        "/by/nonsense",
        "/bots",
        "/install",
        "/keys",
        "/settings",
        "?range=7d&f=is,browser,x",
    ),
    "/nothing",
)
SITE_FORMS = ("/bots", "/keys", "/keys/revoke", "/hosts", "/not-me", "/settings")


@pytest.mark.parametrize("roles", [Roles(None, ((1, "admin"),)), Roles(None, ((1, "viewer"),)), Roles(None)])
def test_a_site_of_others_is_answered_as_one_that_does_not_exist(counting: Desk, roles: Roles) -> None:
    """The same status, headers and bytes, by domain, key and id, for pages and forms, and after the same statements:
    nothing that is done for the one and not for the other could be measured."""
    for domain in ("shop.example", "blog.example"):
        counting.site(domain)
    bob = person(counting, roles)
    blog = list_sites(counting.store)[1]
    pairs = {
        blog.domain: "none.example",
        blog.key: "0" * len(blog.key),
        str(blog.id): "7",
        "BLOG.example.": "NONE.example.",
    }

    def seen(name: str, rest: str, form: bool) -> tuple[object, ...]:
        token = hidden(bob.get("/account").text, "csrf") if form else ""
        with statements(counting) as told:
            address = f"/sites/{name}{rest}"
            answer = bob.post(address, data={"csrf": token, "k": "9"}) if form else bob.get(address)
        headers = {key: value for key, value in answer.headers.items() if key != "content-length"}
        return answer.status_code, headers, answer.text.replace(f"/sites/{name}", "/sites/…"), told

    for theirs, none in pairs.items():
        for rest in SITE_PAGES:
            assert seen(theirs, rest, form=False) == seen(none, rest, form=False)
            assert seen(theirs, rest, form=False)[0] == 404
        for rest in SITE_FORMS:
            assert seen(theirs, rest, form=True) == seen(none, rest, form=True)
            assert seen(theirs, rest, form=True)[0] == 404
    assert list_sites(counting.store)[1] == blog
    assert not [one for one in entries(counting.store, limit=100)[0] if one.site == "blog.example"]


def test_the_role_for_a_site_holds_there_and_nowhere_else(counting: Desk) -> None:
    """Free texts, settings and keys follow the site's role."""
    for domain in ("shop.example", "blog.example", "third.example"):
        counting.site(domain)
    shop, blog, _ = list_sites(counting.store)
    bob = person(counting, Roles("viewer", ((shop.id, "admin"), (blog.id, "privacy_officer"))))
    titles = {site: bob.get(f"/sites/{site}.example/by/title").status_code for site in ("shop", "blog", "third")}
    assert titles == {"shop": 200, "blog": 200, "third": 403}
    changed = {
        site: send(bob, f"/sites/{site}.example/settings", k="9").status_code for site in ("shop", "blog", "third")
    }
    assert changed == {"shop": 303, "blog": 403, "third": 403}
    assert [site.settings.k for site in list_sites(counting.store)] == [9, 5, 5]
    made = {
        site: send(bob, f"/sites/{site}.example/keys", scope="stats").status_code for site in ("shop", "blog", "third")
    }
    assert made == {"shop": 200, "blog": 403, "third": 403}
    assert [bob.get(page).status_code for page in ("/people", "/kept", "/sites/new", "/audit")] == [403, 403, 403, 200]


def test_the_log_is_read_by_those_of_a_site_for_their_sites(desk: Desk) -> None:
    """Admins and privacy officers of all sites read all of it."""
    desk.user()
    for domain in ("shop.example", "blog.example"):
        desk.site(domain)
        note(desk.store, Entry(desk.now, "ada@shop.example", "read", domain, "marked"))
    note(desk.store, Entry(desk.now, "ada@shop.example", "invite", "", "marked for all"))
    shop = list_sites(desk.store)[0].id
    for number, (roles, expected) in enumerate(
        (
            (Roles(None, ((shop, "admin"),)), {"shop.example"}),
            (Roles("viewer", ((shop, "privacy_officer"),)), {"shop.example"}),
            (Roles("privacy_officer", ((shop, "viewer"),)), {"shop.example", "blog.example", "for all"}),
            (Roles("analyst"), None),
        )
    ):
        answer = person(desk, roles, f"p{number}@shop.example").get("/audit")
        assert answer.status_code == (403 if expected is None else 200)
        found = {name for name in ("shop.example", "blog.example", "for all") if f"{name} · marked" in answer.text}
        found |= {"for all"} if "marked for all" in answer.text else set()
        assert found == (expected or set())


def test_an_admin_changes_roles_and_they_hold_at_once(counting: Desk) -> None:
    """Each change is a line of the log, under its site; the last admin stays; what is no role is refused."""
    for domain in ("shop.example", "blog.example"):
        counting.site(domain)
    shop, blog = list_sites(counting.store)
    bob = person(counting, Roles("viewer"))
    assert bob.get("/sites/blog.example").status_code == 200
    page = counting.read("/people/roles?email=bob@shop.example")
    assert re.search(r'value="viewer" checked', page)
    told = {"email": "bob@shop.example", "role": "", f"site-{shop.id}": "analyst", f"site-{blog.id}": ""}
    assert counting.post("/people/roles", "/people", **told).status_code == 303
    assert [bob.get(f"/sites/{name}.example").status_code for name in ("shop", "blog")] == [200, 404]
    assert "analyst" in counting.read("/people")
    nothing = counting.post("/people/roles", "/people", email="bob@shop.example", role="")
    assert (nothing.status_code, "Choose a role" in nothing.text) == (422, True)
    odd = counting.post("/people/roles", "/people", email="bob@shop.example", role="root")
    assert odd.status_code == 422
    last = counting.post("/people/roles", "/people", email="ada@shop.example", role="viewer")
    assert (last.status_code, "last admin" in last.text) == (422, True)
    assert counting.post("/people/roles", "/people", email="who@shop.example", role="viewer").status_code == 400
    assert find_user(counting.store, "bob@shop.example").roles == Roles(None, ((shop.id, "analyst"),))
    log = [(one.site, one.subject) for one in entries(counting.store, limit=10)[0] if one.action == "change_roles"]
    assert sorted(log) == [("", "bob@shop.example: no role"), ("shop.example", "bob@shop.example: analyst")]


def test_an_invitation_can_be_for_single_sites(desk: Desk) -> None:
    """The link says so to whoever opens it, the list of people to the admin."""
    desk.user()
    shop = desk.site()
    desk.site("blog.example")
    desk.log_in()
    told = {"email": "bob@shop.example", "role": "", f"site-{shop.id}": "analyst"}
    address = link_in(desk.post("/people", "/people", **told).text)
    assert "analyst for 1 site" in desk.another().get(address).text
    assert re.search(
        r"bob@shop\.example.*?analyst <span class=\"quiet\">shop\.example", desk.read("/people"), re.DOTALL
    )
    other, answer = join(desk, address)
    assert answer.status_code == 303
    assert other.get("/").headers["location"] == "/sites/shop.example"
    assert desk.post("/people", "/people", email="eve@shop.example", role="").status_code == 422
    assert [(one.site, one.subject) for one in entries(desk.store, limit=10)[0] if one.action == "invite"] == [
        ("shop.example", "bob@shop.example as analyst")
    ]


@pytest.mark.req("D7")
@pytest.mark.parametrize("fate", ["revoke", "keep"])
def test_who_removes_somebody_says_what_becomes_of_their_keys(desk: Desk, fate: str) -> None:
    """Before it is said nothing happens; kept keys go on as the remover's, revoked ones open nothing."""
    desk.user()
    site = desk.site()
    bob = person(desk, Roles("admin"))
    key = re.search(r'id="made">([^<]+)<', send(bob, "/sites/shop.example/keys", scope="stats").text)
    assert key
    desk.log_in()

    def status() -> int:
        desk.now += 2_000
        question = {"site_id": "shop.example", "metrics": ["visitors"], "date_range": "day"}
        return (
            desk.another()
            .post("/api/v1/query", json=question, headers={"authorization": f"Bearer {key[1]}"})
            .status_code
        )

    told = {"email": "bob@shop.example", "role": "viewer"}
    for address in ("/people/roles", "/people/remove"):
        asked = desk.post(address, "/people", **told)
        assert (asked.status_code, f"…{key[1][-4:]}" in asked.text) == (422, True)
    assert (bob.get("/people").status_code, status()) == (200, 200)
    first = "/people/roles" if fate == "keep" else "/people/remove"
    assert desk.post(first, "/people", **told, keys=fate).status_code == 303
    assert status() == (200 if fate == "keep" else 401)
    assert [one.maker for one in list_keys(desk.store, site)] == (["ada@shop.example"] if fate == "keep" else [])
    if fate == "keep":
        assert desk.post("/people/remove", "/people", email="bob@shop.example").status_code == 303
        assert status() == 200
    actions = [(one.action, one.site, one.subject) for one in entries(desk.store, limit=20)[0]]
    action = "revoke_key" if fate == "revoke" else "take_key"
    assert (action, "shop.example", f"stats …{key[1][-4:]}") in actions
