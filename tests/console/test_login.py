"""The door: cookies exactly as promised, nobody in without a password, nothing said about who exists."""

import re

import pytest

from console.caller import Callers
from console.login import TEST_COOKIE, Throttle
from console.pages.desk import our_path
from control_store.accounts import delete_user, list_sessions, list_users, setup_token, start_session
from control_store.second_factor import new_secret, turn_on
from tests.console.desk import PASSWORD, Desk, cookies, hidden
from tests.control_store.test_second_factor import code_at

pytestmark = pytest.mark.req("D9")

DAY_S = 86_400
PRIVATE = (
    *("/", "/sites", "/sites/new", "/sites/shop.example", "/sites/shop.example/by/path", "/sites/shop.example/install"),
    *("/sites/shop.example/settings", "/sites/shop.example/keys", "/account", "/account/second-factor", "/people"),
    *("/audit", "/kept", "/how-counted"),
)


def attributes(text: str) -> set[str]:
    """The attributes of a Set-Cookie header, the value left out."""
    return {part.strip() for part in text.split(";")[1:]}


def test_the_login_page_sets_a_test_cookie_without_content_that_goes_with_the_browser(desk: Desk) -> None:
    """No value, no age; nothing else is set."""
    desk.user()
    set_ = cookies(desk.browser.get("/login"))
    assert set_.keys() == {"footfall_test"}
    assert set_["footfall_test"].partition(";")[0] == ""
    assert attributes(set_["footfall_test"]) == {"Path=/", "HttpOnly", "SameSite=Lax"}


@pytest.mark.parametrize(("fields", "age"), [({}, 2 * DAY_S), ({"remember": "1"}, 14 * DAY_S)])
def test_the_login_cookie_lasts_two_days_or_two_weeks(desk: Desk, fields: dict[str, str], age: int) -> None:
    """Cookie and session alike, to the millisecond; the test cookie goes."""
    user = desk.user()
    answer = desk.log_in(**fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    set_ = cookies(answer)
    assert attributes(set_["footfall_login"]) == {f"Max-Age={age}", "Path=/", "HttpOnly", "SameSite=Lax"}
    assert "Max-Age=0" in attributes(set_["footfall_test"])
    assert [one.expires - desk.now for one in list_sessions(desk.store, user, now=desk.now)] == [age * 1000]
    desk.now += age * 1000 - 1
    desk.read("/account")
    desk.now += 1
    assert desk.browser.get("/account").headers["location"] == "/login?next=/account"


def test_over_https_every_cookie_is_secure(desk: Desk) -> None:
    """Told by a trusted proxy; by nobody else."""
    desk.user()
    answer = desk.browser.get("https://console.example:8421/login")
    assert "Secure" in attributes(cookies(answer)["footfall_test"])
    token = hidden(answer.text, "csrf")
    form = {"csrf": token, "email": "ada@shop.example", "password": PASSWORD}
    answer = desk.browser.post("https://console.example:8421/login", data=form)
    assert all("Secure" in attributes(text) for text in cookies(answer).values())
    told = desk.browser.get("/login", headers={"x-forwarded-proto": "https"})
    assert "Secure" not in str(cookies(told)), "a stranger is no trusted proxy"


def test_logging_out_revokes_the_session_and_removes_every_cookie_of_the_login(desk: Desk) -> None:
    """A copied cookie opens nothing afterwards."""
    user = desk.user()
    desk.log_in()
    copied = dict(desk.browser.cookies)
    answer = desk.post("/logout", "/account")
    assert {name: attributes(text) & {"Max-Age=0"} for name, text in cookies(answer).items()} == {
        "footfall_login": {"Max-Age=0"},
        "footfall_test": {"Max-Age=0"},
    }
    assert not desk.browser.cookies
    assert list_sessions(desk.store, user, now=desk.now) == []
    thief = desk.another()
    thief.cookies.update(copied)
    assert thief.get("/account").status_code == 303


def test_screen_options_last_a_year(desk: Desk) -> None:
    """And only words that we know are kept."""
    desk.user()
    desk.log_in()
    for wanted, kept in (("dark", "dark"), ("<script>", "auto")):
        answer = desk.post("/screen", "/account", theme=wanted, back="/account")
        text = cookies(answer)["footfall_screen"]
        assert text.partition(";")[0] == kept
        assert attributes(text) == {"Max-Age=31536000", "Path=/", "HttpOnly", "SameSite=Lax"}
        assert f'data-theme="{kept}"' in desk.read("/account")


@pytest.mark.parametrize("address", PRIVATE)
def test_no_page_opens_without_a_login(desk: Desk, address: str) -> None:
    """The way back is kept; our script is sent to the log-in as a whole."""
    desk.user()
    desk.site()
    answer = desk.browser.get(address)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    asked = desk.browser.get(address, headers={"hx-request": "true"})
    assert (asked.status_code, asked.headers["hx-redirect"], asked.text) == (204, "/login", "")


def test_after_the_login_one_is_where_one_wanted_to_be(desk: Desk) -> None:
    """With its filters; but never on somebody else's site."""
    desk.user()
    page = desk.browser.get("/login?next=/sites/shop.example%3Frange%3D7d")
    form = {"email": "ada@shop.example", "password": PASSWORD, "csrf": hidden(page.text, "csrf")}
    answer = desk.browser.post("/login", data={**form, "next": hidden(page.text, "next")})
    assert answer.headers["location"] == "/sites/shop.example?range=7d"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "", "/a\r\nb", "/\\/a"]
)
def test_a_way_back_never_leads_elsewhere(target: str) -> None:
    """Whatever the address says."""
    assert our_path(target) == "/"


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(desk: Desk) -> None:
    """The same status, the same words, no cookie of a login."""
    desk.user()
    answers = [desk.log_in(email, password="not this one") for email in ("ada@shop.example", "eve@shop.example")]
    assert [answer.status_code for answer in answers] == [403, 403]
    pages = [
        answer.text.replace(email, "…").replace(hidden(answer.text, "csrf"), "…")
        for answer, email in zip(answers, ("ada@shop.example", "eve@shop.example"), strict=True)
    ]
    assert pages[0] == pages[1]
    assert "are not right" in pages[0]
    assert not any("footfall_login" in cookies(answer) for answer in answers)


def test_after_five_failures_the_right_password_waits_too(desk: Desk) -> None:
    """For fifteen minutes; a person who does not exist would wait as long."""
    desk.user()
    assert [desk.log_in(password="wrong one").status_code for _ in range(5)] == [403] * 5
    refused = desk.log_in()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    desk.now += 900_000
    assert desk.log_in().status_code == 303


def failures_until_refused(throttle: Throttle, email: str, network: str) -> int:
    """How many tries of these are taken."""
    for number in range(100):
        if throttle.wait(email.format(number), network.format(number)):
            return number
        throttle.failed(email.format(number), network.format(number))
    return 100


def test_failures_are_counted_by_person_by_network_and_by_account() -> None:
    """Five of one network for one address, thirty of one network, twenty-five for one address from anywhere: a hundred
    an hour."""
    now = [1_764_000_000_000]
    throttle = Throttle(lambda: now[0])
    assert failures_until_refused(throttle, "ada@shop.example", "203.0.113.0/24") == 5
    assert throttle.wait(" ADA@shop.example", "203.0.113.0/24") > 0
    assert throttle.wait("ada@shop.example", "198.51.100.0/24") == 0
    assert throttle.wait("bob@shop.example", "203.0.113.0/24") == 0
    assert failures_until_refused(Throttle(lambda: now[0]), "a{}@shop.example", "203.0.113.0/24") == 30
    assert failures_until_refused(Throttle(lambda: now[0]), "ada@shop.example", "10.0.{}.0/24") == 25
    now[0] += 15 * 60_000
    assert throttle.wait("ada@shop.example", "203.0.113.0/24") == 0
    assert failures_until_refused(throttle, "ada@shop.example", "203.0.113.0/24") == 5


@pytest.mark.parametrize(
    "spoil",
    [
        {"csrf": ""},
        {"csrf": "1764000000000.00"},
        {"csrf": "x"},
        {"csrf": "é.é"},
    ],
)
def test_a_forged_login_form_is_refused(desk: Desk, spoil: dict[str, str]) -> None:
    """Without our stamp nobody is logged in, with the right password either."""
    desk.user()
    answer = desk.log_in(**spoil)
    assert answer.status_code == 403
    assert "footfall_login" not in cookies(answer)


def test_a_login_form_from_elsewhere_is_refused(desk: Desk) -> None:
    """Without the test cookie, which other sites can't send; from another origin; or after a night."""
    desk.user()
    form = {"email": "ada@shop.example", "password": PASSWORD, "csrf": hidden(desk.read("/login"), "csrf")}
    assert desk.another().post("/login", data=form).status_code == 400
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        assert desk.browser.post("/login", data=form, headers=headers).status_code == 403
    desk.now += 12 * 3_600_000
    assert desk.browser.post("/login", data=form).status_code == 403
    desk.now -= 1
    same = {"origin": "http://console.example:8421"}
    assert desk.browser.post("/login", data=form, headers=same).status_code == 303


def test_nobody_is_logged_out_by_an_address(desk: Desk) -> None:
    """Only by a form."""
    desk.user()
    desk.log_in()
    assert desk.browser.get("/logout").status_code == 405
    desk.read("/account")


def test_a_session_of_somebody_who_was_removed_opens_nothing(desk: Desk) -> None:
    """At once, not at its end."""
    desk.user()
    bob = desk.user("viewer", "bob@shop.example")
    token = start_session(desk.store, bob, now=desk.now, lasts_ms=1_000_000)
    desk.browser.cookies.set("footfall_login", token, domain="console.example")
    desk.read("/account")
    delete_user(desk.store, bob)
    assert desk.browser.get("/account").status_code == 303


def test_free_text_is_for_admins_and_privacy_officers(desk: Desk) -> None:
    """Titles of pages can hold a name before the seal merges them: DESIGN §7."""
    desk.user()
    desk.site()
    for role, status in (("analyst", 403), ("viewer", 403), ("privacy_officer", 200), ("admin", 200)):
        desk.user(role, f"{role}@shop.example")  # type: ignore[arg-type]  # a role by its name
        browser = desk.another()
        desk.log_in(f"{role}@shop.example", browser=browser)
        assert browser.get("/sites/shop.example/by/title").status_code == status
        page = browser.get("/sites/shop.example?f=contains,title,Ada").text
        assert ("Page title contains" in page) == (status == 200)


@pytest.mark.req("D9", "O1")
def test_the_setup_link_makes_the_first_admin_and_goes_on_to_the_first_site(desk: Desk) -> None:
    """Once: afterwards it opens nothing, and without it nothing opens at all."""
    assert "set-up link" in desk.read("/", 403)
    assert desk.browser.get("/setup").status_code == 403
    assert desk.browser.get("/setup?token=wrong").status_code == 403
    address = f"/setup?token={setup_token(desk.store, desk.now)}"
    page = desk.read(address)
    form = {"csrf": hidden(page, "csrf"), "token": hidden(page, "token"), "email": "ada@shop.example"}
    weak = desk.browser.post("/setup", data={**form, "password": "short"})
    assert (weak.status_code, "too short" in weak.text) == (422, True)
    answer = desk.browser.post("/setup", data={**form, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sites/new")
    assert attributes(cookies(answer)["footfall_login"]) >= {"Max-Age=172800", "HttpOnly"}
    assert [(user.email, user.roles.everywhere) for user in list_users(desk.store)] == [("ada@shop.example", "admin")]
    desk.read("/sites/new")
    assert desk.browser.get(address).status_code == 403
    again = desk.browser.post("/setup", data={**form, "password": PASSWORD, "email": "eve@shop.example"})
    assert again.status_code in (400, 403)
    assert len(list_users(desk.store)) == 1


def test_a_new_password_ends_every_other_login(desk: Desk) -> None:
    """This one begins anew."""
    desk.user()
    other = desk.another()
    desk.log_in()
    desk.log_in(browser=other)
    wrong = desk.post("/account/password", "/account", old="not it", password="another good one")
    assert wrong.status_code == 422
    answer = desk.post("/account/password", "/account", old=PASSWORD, password="another good one")
    assert answer.status_code == 303
    assert "The password is changed" in desk.read("/account?saved=1")
    assert other.get("/account").status_code == 303
    assert desk.log_in(browser=other).status_code == 403
    assert desk.log_in(browser=other, password="another good one").status_code == 303


def test_an_admin_removes_people_and_ends_logins(desk: Desk) -> None:
    """Whoever is removed is out at once; one's own login can be ended from another one."""
    desk.user()
    desk.user("analyst", "bob@shop.example")
    desk.log_in()
    bob = desk.another()
    assert desk.log_in("bob@shop.example", browser=bob).status_code == 303
    desk.post("/people/remove", "/people", email="bob@shop.example")
    assert bob.get("/account").status_code == 303
    other = desk.another()
    desk.log_in(browser=other)
    newest = list_sessions(desk.store, list_users(desk.store)[0], now=desk.now)[0]
    desk.post("/account/end", "/account", session=str(newest.id))
    assert other.get("/account").status_code == 303
    desk.read("/account")


def test_a_form_that_is_too_large_or_no_form_is_refused(desk: Desk) -> None:
    """And nothing falls over."""
    desk.user()
    desk.read("/login")
    for body in (b"x" * 100_000, b"\xff\xfe=%zz&&&=", b"&" * 5000 + b"a=b", b""):
        answer = desk.browser.post("/login", content=body, headers={"content-type": "text/plain"})
        assert answer.status_code == 403
    assert TEST_COOKIE in desk.browser.cookies


class Connection:
    """What Callers reads of a request."""

    def __init__(self, peer: str, **headers: str) -> None:
        self.client = type("Peer", (), {"host": peer})()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.url = type("Url", (), {"scheme": "http"})()


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("203.0.113.9", "", "203.0.113.0/24"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.0/24"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.0/24"),
        ("127.0.0.1", "10.9.9.9, 198.51.100.7, 127.0.0.2", "198.51.100.0/24"),
        ("127.0.0.1", "", "trusted"),
        ("::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", "203.0.113.0/24"),
        ("127.0.0.1", "nonsense", "trusted"),
    ],
)
def test_the_network_of_a_caller_is_the_last_hop_that_is_not_ours(peer: str, forwarded: str, network: str) -> None:
    """What a stranger writes into X-Forwarded-For is not believed."""
    callers = Callers(("127.0.0.0/8", "::1/128"))
    assert callers.network(Connection(peer, x_forwarded_for=forwarded)) == network  # type: ignore[arg-type]


def test_only_a_trusted_proxy_says_what_scheme_and_host_were(desk: Desk) -> None:
    """From anybody else it is a claim."""
    callers = Callers(("127.0.0.0/8",))
    assert callers.is_https(Connection("127.0.0.1", x_forwarded_proto="https"))  # type: ignore[arg-type]
    assert not callers.is_https(Connection("203.0.113.9", x_forwarded_proto="https"))  # type: ignore[arg-type]
    told = {"host": "127.0.0.1:8421", "origin": "https://stats.example", "x_forwarded_host": "stats.example"}
    assert callers.from_our_page(Connection("127.0.0.1", **told))  # type: ignore[arg-type]
    assert not callers.from_our_page(Connection("203.0.113.9", **told))  # type: ignore[arg-type]


def test_tries_of_somebody_logged_in_are_counted_as_those_of_a_login(desk: Desk) -> None:
    """Whoever finds an open screen can't try passwords there."""
    desk.user()
    desk.log_in()
    for address, field in (("/account/password", "old"), ("/account/confirm", "password")) * 3:
        desk.post(address, "/account", **{field: "wrong one"})
    refused = desk.post("/account/confirm", "/account", password=PASSWORD)
    assert (refused.status_code, "Too many tries" in refused.text) == (422, True)
    assert desk.log_in(browser=desk.another()).status_code == 429


@pytest.mark.parametrize("page", ["/people", "/people/roles?email=ada@shop.example", "/sites/shop.example/keys"])
def test_people_and_keys_ask_for_the_password_again_after_half_an_hour(desk: Desk, page: str) -> None:
    """Page and forms; afterwards one is where one wanted to be, under another token, and the login ends when it would."""
    user = desk.user()
    desk.site()
    desk.log_in()
    [login] = list_sessions(desk.store, user, now=desk.now)
    desk.now += 30 * 60_000 - 1
    desk.read(page)
    token = hidden(desk.read("/account"), "csrf")
    desk.now += 1
    path = page.partition("?")[0]
    back = "/people" if path.startswith("/people") else path
    for answer in (desk.browser.get(page), desk.browser.post(path, data={"csrf": token, "email": "ada@shop.example"})):
        assert (answer.status_code, answer.headers["location"]) == (303, f"/account/confirm?back={back}")
    assert f'name="back" value="{back}"' in desk.read(f"/account/confirm?back={back}")
    old = desk.browser.cookies["footfall_login"]
    form = {"csrf": token, "back": back}
    assert desk.browser.post("/account/confirm", data={**form, "password": "not this one"}).status_code == 422
    answer = desk.browser.post("/account/confirm", data={**form, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, back)
    assert "Max-Age=171000" in attributes(cookies(answer)["footfall_login"])
    desk.read(page)
    assert [one.expires for one in list_sessions(desk.store, user, now=desk.now)] == [login.expires]
    thief = desk.another()
    thief.cookies.set("footfall_login", old, domain="console.example")
    assert thief.get("/account").status_code == 303
    assert desk.browser.get("/account/confirm?back=//evil.example").text.count('name="back" value="/"') >= 1


def test_a_login_has_a_token_of_its_own_each_time(desk: Desk) -> None:
    """Of at least 64 random bits, in no address; one that a stranger set beforehand is none."""
    desk.user()
    seen = set()
    for _ in range(3):
        browser = desk.another()
        browser.cookies.set("footfall_login", "chosen-by-a-stranger", domain="console.example")
        answer = desk.log_in(browser=browser)
        seen.add(token := cookies(answer)["footfall_login"].partition(";")[0])
        assert len(token) == 43, "256 bits in base 64"
        assert token not in answer.headers["location"]
    assert len(seen) == 3
    assert "chosen-by-a-stranger" not in seen


def test_what_was_done_to_an_account_is_told_to_its_owner(desk: Desk) -> None:
    """By themselves or by others, tries that failed too; and nothing of anybody else."""
    desk.user()
    bob = desk.user("viewer", "bob@shop.example")
    secret = new_secret()
    turn_on(desk.store, bob, secret, code_at(secret, desk.now - 90_000), now=desk.now - 90_000)
    desk.log_in()
    desk.post("/people/reset", "/people", email="bob@shop.example")
    desk.post("/people/roles", "/people", email="bob@shop.example", role="analyst")
    other = desk.another()
    desk.log_in("bob@shop.example", browser=other, password="not this one")
    half = desk.log_in("bob@shop.example", browser=other).text
    form = {name: hidden(half, name) for name in ("csrf", "ticket", "next")}
    assert other.post("/login/code", data={**form, "code": "000000"}).status_code == 403
    assert other.post("/login/code", data={**form, "code": code_at(secret, desk.now)}).status_code == 303
    told = other.get("/account").text.partition("What happened to this account")[2]
    rows = [tuple(re.findall(r"<td>([^<]*)</td>", row)) for row in re.findall(r"<tr>.*?</tr>", told, re.DOTALL)]
    assert [row for row in rows if row] == [
        ("you", "logged in"),
        ("you", "failed to log in"),
        ("ada@shop.example", "changed the roles of"),
        ("ada@shop.example", "made a link for another password"),
    ]
    assert "bob@" not in desk.read("/account")


def test_password_fields_say_what_they_are_for(desk: Desk) -> None:
    """So that managers fill them; nothing keeps anybody from pasting."""
    desk.user()
    assert re.search(r'name="password" type="password"[^>]* autocomplete="current-password"', desk.read("/login"))
    desk.log_in()
    page = desk.read("/account")
    assert re.search(r'name="old" type="password"[^>]* autocomplete="current-password"', page)
    assert re.search(r'name="password" type="password"[^>]* autocomplete="new-password"', page)
    scripts = desk.browser.get(re.findall(r'src="(/static/[^"]*console\.js)"', page)[0]).text
    assert "paste" not in scripts + page
