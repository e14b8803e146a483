"""An owner takes a browser out of the count by a link that opens once, as admin and as a stranger with the link."""

import re

import pytest

from control_store.audit import entries
from control_store.sites import find_site
from tests.console.desk import Desk, hidden
from tests.console.test_people import link_in

pytestmark = pytest.mark.req("C22")
PAGE = "/sites/shop.example/settings"


def made_link(desk: Desk) -> str:
    """A link as the admin makes it."""
    answer = desk.post("/sites/shop.example/not-me", PAGE)
    assert answer.status_code == 200
    return link_in(answer.text)


def test_a_link_takes_one_browser_out_of_the_count(counting: Desk) -> None:
    """Opened without a log-in, confirmed, burnt; it leads to the site's own address, which remembers it."""
    counting.site()
    link = made_link(counting)
    phone = counting.another()
    for _ in range(2):  # a messenger that looks at the address uses nothing up
        page = phone.get(link)
        assert (page.status_code, "shop.example" in page.text) == (200, True)
    form = {name: hidden(page.text, name) for name in ("csrf", "token")}
    assert phone.post("/not-me", data={**form, "csrf": "0.0"}).status_code == 403
    done = phone.post("/not-me", data=form)
    assert done.status_code == 200
    assert re.search(r'href="https://shop\.example/\?footfall=ignore"', done.text)
    assert phone.post("/not-me", data=form).status_code == 403
    assert counting.another().get(link).status_code == 403
    assert find_site(counting.store, "shop.example").settings.modules == ("api",)
    told = entries(counting.store, limit=1)[0][0]
    assert (told.action, told.site, told.subject) == ("device_link", "shop.example", "")


def test_only_an_admin_makes_a_link_and_no_token_is_guessed(counting: Desk) -> None:
    """Others see no button, and are refused; an address without a token opens nothing."""
    counting.site()
    counting.user("viewer", "vic@shop.example")
    viewer = counting.another()
    assert counting.log_in("vic@shop.example", browser=viewer).status_code == 303
    page = viewer.get(PAGE).text
    assert "Make a link" not in page
    assert "Make a link" in counting.read(PAGE)
    answer = viewer.post("/sites/shop.example/not-me", data={"csrf": hidden(page, "csrf")})
    assert answer.status_code == 403
    for token in ("", "x", "x" * 10_000, "é\0"):
        assert counting.another().get("/not-me", params={"token": token}).status_code == 403
    assert counting.another().post("/not-me", data={"token": "x"}).status_code == 403
