"""People by link, second factors, keys, and the log of who did what: as an admin and as a stranger meet them."""

import re
from typing import Any

import pytest

from console.pages.kept import Kept
from control_store.accounts import User, list_users
from control_store.audit import entries
from control_store.erasures import ask_erasure
from control_store.seals import Fault, save_fault
from control_store.second_factor import is_on, new_secret, turn_on
from control_store.sites import list_keys
from control_store.spans import Span, save_span
from tests.console.desk import PASSWORD, Desk, cookies, hidden
from tests.control_store.test_second_factor import code_at

pytestmark = pytest.mark.req("D9")


def link_in(text: str) -> str:
    """The link that a page shows."""
    found = re.search(r'<code id="link">([^<]+)</code>', text)
    assert found
    return found[1].replace("http://console.example:8421", "")


def log(desk: Desk) -> list[tuple[str, str, str, str]]:
    """Who, action, site, subject; oldest first."""
    return [(one.who, one.action, one.site, one.subject) for one in entries(desk.store, limit=1000)[0]][::-1]


def join(desk: Desk, address: str, password: str = "my own long password", **fields: str) -> tuple[Any, Any]:
    """Open a link in a browser of its own and choose a password."""
    other = desk.another()
    page = other.get(address)
    assert page.status_code == 200, page.text
    form = {"csrf": hidden(page.text, "csrf"), "token": hidden(page.text, "token"), "password": password, **fields}
    return other, other.post("/join", data=form)


def test_somebody_invited_chooses_a_password_and_is_in(desk: Desk) -> None:
    """In the role that was meant; the link opens once, and the log tells who did what."""
    desk.user()
    desk.log_in()
    made = desk.post("/people", "/people", email="Bob@shop.example", role="analyst")
    assert "bob@shop.example" in desk.read("/people")
    address = link_in(made.text)
    other, answer = join(desk, address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "footfall_login" in cookies(answer)
    assert "bob@shop.example, analyst" in other.get("/account").text
    assert desk.another().get(address).status_code == 403
    again = desk.post("/people", "/people", email="bob@shop.example", role="viewer")
    assert (again.status_code, "exists already" in again.text) == (422, True)
    assert log(desk) == [
        ("ada@shop.example", "login", "", ""),
        ("ada@shop.example", "invite", "", "bob@shop.example as analyst"),
        ("bob@shop.example", "join", "", ""),
    ]


def test_a_link_for_another_password_leads_to_the_login(desk: Desk) -> None:
    """Too weak a password is told, and the link stays; a second factor stays on."""
    desk.user()
    bob = desk.user("viewer", "bob@shop.example")
    secret = new_secret()
    turn_on(desk.store, bob, secret, code_at(secret, desk.now), now=desk.now)
    desk.log_in()
    address = link_in(desk.post("/people/reset", "/people", email="bob@shop.example").text)
    _, weak = join(desk, address, "brief")
    assert (weak.status_code, "too short" in weak.text) == (422, True)
    other, answer = join(desk, address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert desk.log_in("bob@shop.example", browser=other).status_code == 403
    assert "One more step" in desk.log_in("bob@shop.example", browser=other, password="my own long password").text
    assert is_on(desk.store, bob)


def test_a_withdrawn_invitation_opens_nothing(desk: Desk) -> None:
    """Nor does one whose time is over, or one that was never made."""
    desk.user()
    desk.log_in()
    address = link_in(desk.post("/people", "/people", email="bob@shop.example", role="viewer").text)
    desk.post("/people/withdraw", "/people", email="bob@shop.example")
    assert "opens nothing" in desk.another().get(address).text
    late = link_in(desk.post("/people", "/people", email="bob@shop.example", role="viewer").text)
    other = desk.another()
    form = {name: hidden(other.get(late).text, name) for name in ("csrf", "token")}
    desk.now += 7 * 86_400_000
    assert other.post("/join", data={**form, "password": PASSWORD}).status_code == 403
    assert desk.another().get("/join").status_code == 403
    assert len(list_users(desk.store)) == 1


def test_the_link_form_cannot_be_forged(desk: Desk) -> None:
    """Without the test cookie, a fresh stamp, or from elsewhere nothing happens."""
    desk.user()
    desk.log_in()
    address = link_in(desk.post("/people", "/people", email="bob@shop.example", role="viewer").text)
    other = desk.another()
    page = other.get(address).text
    form = {"csrf": hidden(page, "csrf"), "token": hidden(page, "token"), "password": PASSWORD}
    assert desk.another().post("/join", data=form).status_code == 400
    assert other.post("/join", data={**form, "csrf": "0.0"}).status_code == 403
    assert other.post("/join", data=form, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert len(list_users(desk.store)) == 1
    assert other.post("/join", data=form).status_code == 303


def with_factor(desk: Desk) -> tuple[User, str, list[str]]:
    """A user with a second factor, its secret and recovery codes."""
    user, secret = desk.user(), new_secret()
    return user, secret, turn_on(desk.store, user, secret, code_at(secret, desk.now - 90_000), now=desk.now - 90_000)


def enter(desk: Desk, page: str, code: str) -> Any:
    """Send the second half of a login."""
    form = {name: hidden(page, name) for name in ("csrf", "ticket", "next")}
    return desk.browser.post("/login/code", data={**form, "code": code})


@pytest.mark.parametrize(("fields", "age"), [({}, 172_800), ({"remember": "1"}, 1_209_600)])
def test_a_login_with_a_second_factor_needs_its_code(desk: Desk, fields: dict[str, str], age: int) -> None:
    """The password alone opens nothing; the code does, once, and "Remember me" holds."""
    _, secret, _ = with_factor(desk)
    half = desk.log_in(**fields)
    assert half.status_code == 200
    assert "footfall_login" not in cookies(half)
    assert desk.browser.get("/account").status_code == 303
    wrong = enter(desk, half.text, "000000")
    assert (wrong.status_code, "not right" in wrong.text) == (403, True)
    answer = enter(desk, half.text, code_at(secret, desk.now))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert f"Max-Age={age}" in cookies(answer)["footfall_login"]
    desk.post("/logout", "/account")
    assert enter(desk, desk.log_in().text, code_at(secret, desk.now)).status_code == 403, "each code once"


def test_a_recovery_code_opens_once(desk: Desk) -> None:
    """Instead of the authenticator."""
    _, _, codes = with_factor(desk)
    assert enter(desk, desk.log_in().text, codes[3]).status_code == 303
    desk.post("/logout", "/account")
    assert enter(desk, desk.log_in().text, codes[3]).status_code == 403


def test_wrong_codes_are_throttled_and_a_ticket_ends(desk: Desk) -> None:
    """Five for fifteen minutes, the right one too; a ticket lives five minutes and can't be made by hand."""
    _, secret, _ = with_factor(desk)
    half = desk.log_in().text
    assert [enter(desk, half, "000000").status_code for _ in range(5)] == [403] * 5
    refused = enter(desk, half, code_at(secret, desk.now))
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    desk.now += 900_000
    late = enter(desk, half, code_at(secret, desk.now))
    assert (late.status_code, "begin again" in late.text) == (401, True)
    half = desk.log_in().text
    right = hidden(half, "ticket")
    for forged in ("", "1.0.0.aa", right[:-1] + ("1" if right.endswith("0") else "0")):
        form = {"csrf": hidden(half, "csrf"), "ticket": forged, "code": code_at(secret, desk.now)}
        assert desk.browser.post("/login/code", data=form).status_code in (401, 403)
        assert "footfall_login" not in desk.browser.cookies


def test_one_turns_ones_own_second_factor_on_and_off(desk: Desk) -> None:
    """With the password each time; recovery codes are shown once."""
    user = desk.user()
    desk.log_in()
    page = desk.read("/account/second-factor")
    assert "<svg" in page
    secret = hidden(page, "secret")
    code = code_at(secret, desk.now)
    wrong = desk.post("/account/second-factor", "/account", secret=secret, code=code, password="no")
    assert (wrong.status_code, is_on(desk.store, user)) == (422, False)
    shown = desk.post("/account/second-factor", "/account", secret=secret, code=code, password=PASSWORD)
    codes = re.findall(r"^(?:.*>)?([a-z2-9]{12})(?:<.*)?$", shown.text, re.MULTILINE)
    assert len(set(codes)) == 10
    assert is_on(desk.store, user)
    assert codes[0] not in desk.read("/account")
    assert desk.browser.get("/account/second-factor").headers["location"] == "/account"
    others = desk.post("/account/recovery-codes", "/account", password=PASSWORD).text
    assert codes[0] not in others
    assert desk.post("/account/second-factor/off", "/account", password="no").headers["location"] == "/account?wrong=1"
    assert is_on(desk.store, user)
    assert "nothing was changed" in desk.read("/account?wrong=1")
    desk.post("/account/second-factor/off", "/account", password=PASSWORD)
    assert not is_on(desk.store, user)
    assert [action for _, action, _, _ in log(desk)] == ["login", "factor_on", "recovery", "factor_off"]


def test_an_admin_turns_the_second_factor_of_others_off(desk: Desk) -> None:
    """For whoever lost everything."""
    desk.user()
    bob = desk.user("viewer", "bob@shop.example")
    secret = new_secret()
    turn_on(desk.store, bob, secret, code_at(secret, desk.now), now=desk.now)
    desk.log_in()
    assert "Factor off" in desk.read("/people")
    desk.post("/people/second-factor/off", "/people", email="bob@shop.example")
    assert not is_on(desk.store, bob)
    assert log(desk)[-1] == ("ada@shop.example", "factor_off", "", "bob@shop.example")


@pytest.mark.req("D7")
def test_keys_are_made_shown_once_used_and_revoked(desk: Desk) -> None:
    """A key opens the Stats API of its site at once, its last use is told, and revoked it opens nothing."""
    desk.user()
    site = desk.site()
    desk.log_in()
    made = desk.post("/sites/shop.example/keys", "/sites/shop.example/keys", scope="stats")
    found = re.search(r'<code id="made">([^<]+)</code>', made.text)
    assert found
    key = found[1]
    page = desk.read("/sites/shop.example/keys")
    assert key not in page
    assert f"…{key[-4:]}" in page
    assert "<td>never</td>" in page
    question = {"site_id": "shop.example", "metrics": ["visitors"], "date_range": "day"}
    for _ in range(3):
        asked = desk.browser.post("/api/v1/query", json=question, headers={"authorization": f"Bearer {key}"})
        assert asked.status_code == 200
    assert "<td>today</td>" in desk.read("/sites/shop.example/keys")
    number = list_keys(desk.store, site)[0].id
    desk.post("/sites/shop.example/keys/revoke", "/sites/shop.example/keys", key=str(number))
    desk.now += 2_000
    gone = desk.browser.post("/api/v1/query", json=question, headers={"authorization": f"Bearer {key}"})
    assert gone.status_code == 401
    assert log(desk)[1:] == [
        ("ada@shop.example", "add_key", "shop.example", f"stats …{key[-4:]}"),
        (f"key …{key[-4:]}", "query", "shop.example", ""),
        ("ada@shop.example", "revoke_key", "shop.example", f"stats …{key[-4:]}"),
    ]


def test_the_log_tells_of_changes_each_and_of_readings_once_a_day(counting: Desk) -> None:
    """Also of a login that failed for somebody who exists; never of what a stranger typed."""
    desk = counting
    desk.site()
    for _ in range(3):
        desk.read("/sites/shop.example")
    desk.read("/sites/shop.example/by/path")
    desk.now += 86_400_000
    desk.read("/sites/shop.example")
    desk.post("/sites/shop.example/settings", "/sites/shop.example/settings", k="7", dnt="true")
    desk.log_in(browser=desk.another(), password="not this one")
    desk.log_in("the secret itself", browser=desk.another(), password="not this one")
    told = log(desk)
    assert told[1:] == [
        ("ada@shop.example", "read", "shop.example", ""),
        ("ada@shop.example", "read", "shop.example", ""),
        ("ada@shop.example", "settings", "shop.example", "k"),
        ("ada@shop.example", "login_failed", "", ""),
    ]
    page = desk.read("/audit")
    assert "looked at statistics" in page
    assert "the secret itself" not in page


@pytest.mark.req("R4")
def test_the_page_of_what_is_kept_says_what_is_late(desk: Desk) -> None:
    """As it is handed to the console; what waits to be erased is counted, nobody is named."""
    desk.user()
    desk.log_in()
    ask_erasure(desk.store, "returning", 1, bytes([7]) * 16, now=1)
    desk.kept = [Kept("logins", "digests of cookies", "2 days", "people.forget", 7, 1, is_late=True)]
    save_fault(desk.store, Fault(1, 20_423, 1, "path: 7 visits instead of 8"))
    save_span(desk.store, Span(1, 20_426, 20_432, 9, 1, 5, {}, (), frozenset(), 0, "", "region: 3 visits instead of 4"))
    text = re.sub(r"<[^>]*>|\s+", " ", desk.read("/kept"))
    assert re.search(r"Not sealed: \S+, 2025-12-01: path: 7 visits instead of 8", text)
    assert re.search(r"Not sealed: \S+, 2025-12-04 to 2025-12-10: region: 3 visits instead of 4", text)
    assert re.search(r"logins +digests of cookies +2 days +7 +1970-01-01 +LATE: should have gone", text)
    assert "1 requests for erasure are hidden and not yet erased" in text
    assert (bytes([7]) * 16).hex() not in text
