"""What people see: the right numbers under the right words, nothing that runs or loads from elsewhere, no dead end."""

import base64
import html
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from collector.consent import Reason
from console.pages.collection import REASONS
from console.pages.desk import CSP
from console.pages.formats import EVENT_TITLES, ago, days_text, duration, in_unit, percent, short, value_name
from console.pages.panels import PANELS, Tab, make_table
from console.pages.questions import Row
from console.pages.tiles import change_of
from console.pages.view import DIMENSION_TITLES, METRIC_TITLES, RANGES, TILES, View
from control_store.accounting import (
    Account,
    DeniedHour,
    SpoolState,
    publish_accounts,
    publish_hours,
    publish_spools,
)
from control_store.refused_hosts import take_host
from control_store.sites import find_site
from control_store.taking import Place
from event_catalogue.dimensions import DIMENSION, OTHER
from event_catalogue.events import EVENT
from event_catalogue.metrics import METRIC, METRICS
from tests.console.desk import TODAY, Desk, counting_desk, hidden
from warehouse.client import Warehouse
from warehouse.settings import WarehouseSettings

NASTY: Final = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
PAGES: Final = (
    *("/login", "/sites", "/sites/new", "/sites/shop.example", "/sites/shop.example?compare=previous&range=7d"),
    *("/sites/shop.example/by/path", "/sites/shop.example/by/city?range=all", "/sites/shop.example/install"),
    *(
        "/sites/shop.example/bots",
        "/sites/shop.example/goals",
        "/sites/shop.example/settings",
        "/sites/shop.example/keys",
        "/account",
        "/account/second-factor",
        "/people",
    ),
    *("/audit", "/kept", "/how-counted", "/sites/none.example"),
)


def visitor(number: int) -> bytes:
    """The id of a visitor of a day."""
    return f"visitor-{number:08d}".encode()


def plain(text: str) -> str:
    """A page's text without its tags, blanks made one."""
    text = re.sub(r"<(script|style|title)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def tiles(text: str) -> dict[str, str]:
    """The numbers on top: title → value."""
    found = re.findall(r'tile-title">([^<]+)</span>\s*<span class="tile-value"[^>]*>([^<]+)<', text)
    return dict(found)


def table(text: str, panel: str) -> list[tuple[str, ...]]:
    """The rows of a panel: name and numbers."""
    part = text.partition(f'id="panel-{panel}"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr[^>]*>\s*<th scope=\"row\">(.*?)</tr>", part, re.DOTALL)
    return [tuple(plain(cell) for cell in re.split(r"</th>|</td>", row) if plain(cell)) for row in rows]


def link(text: str, name: str) -> str:
    """Where the row of this name leads."""
    found = re.search(rf'<a href="([^"]*)" class="bar-name"[^>]*>{re.escape(name)}<', text)
    assert found, f"{name} is no link"
    return html.unescape(found[1])


class Checker(HTMLParser):
    """Collects what a strict policy would block, and ids that come twice."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: set[str] = set()
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        values = dict(attrs)
        self._in_script = tag == "script"
        if tag in ("style", "base", "iframe", "object", "embed"):
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith(("on", "hx-on")):
                self.faults.append(f"{name} of <{tag}>")
            loads = name in ("src", "action") or (name == "href" and tag in ("link", "use", "image"))
            if loads and not re.match(r"/(?!/)|#|\?", value or ""):
                self.faults.append(f"{name}={value}")
        if values.get("id") in self.ids:
            self.faults.append(f"id {values['id']} twice")
        self.ids |= {str(values["id"])} if "id" in values else set()

    def handle_data(self, data: str) -> None:
        """A script has no text of its own."""
        if self._in_script and data.strip():
            self.faults.append("a script in the page")


def fill(desk: Desk) -> Desk:
    """A site with visits of today, counted by hand: five visitors, six visits, nine views, one sign-up."""
    site = desk.site()
    noon = TODAY * 86_400_000 + 43_200_000
    ch = {"country": "CH", "browser": "Firefox", "source": "Google", "timezone": "Europe/Zurich"}
    us = {"country": "US", "browser": "Chrome", "source": "", "timezone": "America/New_York"}
    desk.store_rows(
        site,
        *({"visitor": visitor(1), "path": "/", "at": noon + n, **ch} for n in range(3)),
        {"visitor": visitor(1), "path": "/pricing", "at": noon - 7_200_000, **ch},
        {"visitor": visitor(2), "path": "/", **ch},
        {"visitor": visitor(3), "path": "/pricing", "at": noon - 3_600_000, **us},
        {"visitor": visitor(3), "path": "/pricing", "at": noon - 3_599_000, "name": "signup", **us},
        {"visitor": visitor(4), "path": "/", **us},
        {"visitor": visitor(5), "path": "/blog", **us},
        {"visitor": visitor(5), "path": "/about", "at": noon + 1, **us},
        {"visitor": visitor(6), "path": "/", "bot": "headless", **us},
    )
    desk.now = noon + 4_000
    return desk


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The filled console, for tests that only read."""
    with counting_desk(tmp_path_factory.mktemp("shop")) as desk:
        yield fill(desk)


@pytest.fixture
def own_shop(counting: Desk) -> Desk:
    """The filled console of one test."""
    return fill(counting)


@pytest.mark.req("D10", "O9")
@pytest.mark.parametrize("address", PAGES)
def test_every_page_obeys_the_strict_policy(shop: Desk, address: str) -> None:
    """Headers, no code or style in the page, nothing from another origin, no id twice, nothing kept by a cache."""
    browser = shop.another() if address == "/login" else shop.browser
    answer = browser.get(address)
    assert answer.status_code in (200, 404)
    assert answer.headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert "default-src 'none'" in CSP
    expected = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin", "cache-control": "no-store"}
    assert {name: answer.headers[name] for name in expected} == expected
    checker = Checker()
    checker.feed(answer.text)
    assert checker.faults == []
    assert {"main"} <= checker.ids


@pytest.mark.req("D1", "A1")
def test_the_numbers_are_those_that_were_stored(shop: Desk) -> None:
    """Counted by hand in the fixture; machines are in none."""
    text = shop.read("/sites/shop.example?range=today")
    assert tiles(text) == {
        "Visitors": "5",
        "Visits": "6",
        "Views": "9",
        "Views per visit": "1.5",
        "Bounce rate": "50%",
        "Engagement rate": "50%",
        "Visit duration": "0s",
    }


@pytest.mark.req("D1", "D2")
def test_tables_name_and_count_what_was_visited(shop: Desk) -> None:
    """Rows in order, with their share of all visitors; a tab shows another table."""
    text = shop.read("/sites/shop.example?range=today")
    pages = table(text, "pages")
    assert pages[0] == ("/", "3", "5", "60%")
    assert ("/pricing", "2", "2", "40%") in pages
    assert sorted(table(text, "places")) == [("Switzerland", "2", "40%"), ("United States", "3", "60%")]
    assert table(text, "sources") == [("Direct / None", "3", "60%"), ("Google", "2", "40%")]
    assert table(text, "technology")[0] == ("Chrome", "3", "60%")
    assert table(text, "visitors")[0] == ("America/New_York", "3", "60%")
    assert table(text, "events") == [("Page view", "9", "5", "90%"), ("signup", "1", "1", "10%")]
    other = shop.read("/sites/shop.example?range=today&pages=entry_page&places=timezone&technology=device")
    assert ("/blog", "1", "0%", "17%") in table(other, "pages")
    assert sorted(table(other, "places"))[0][0] == "Switzerland", "a tab that a panel does not have changes nothing"


@pytest.mark.req("C5", "D2")
def test_pages_show_what_the_core_was_told(shop: Desk) -> None:
    """The collector's own address stands in the line to copy, and the installed city database is named with places."""
    told = Desk(
        shop.store,
        shop.warehouse,
        collector_url="https://stats.example",
        is_public=True,
        credit=("Places by us", "https://us.example"),
    )
    assert told.log_in().status_code == 303
    install = told.read("/sites/shop.example/install")
    assert "https://stats.example/js/" in html.unescape(install)
    assert "FOOTFALL_PUBLIC_URL" not in install
    assert "http://127.0.0.1:8420/js/" in html.unescape(shop.read("/sites/shop.example/install"))
    assert "FOOTFALL_PUBLIC_URL" in shop.read("/sites/shop.example/install")
    for page in ("/sites/shop.example?range=today", "/sites/shop.example/by/country"):
        assert '<a href="https://us.example" rel="noreferrer noopener">Places by us</a>' in told.read(page)
        assert "Countries come from time zones" in shop.read(page)
    told.close()


@pytest.mark.req("D5")
def test_a_click_on_a_row_filters_and_the_chip_takes_it_back(shop: Desk) -> None:
    """The address holds the filter, so it can be sent to somebody."""
    text = shop.read("/sites/shop.example?range=today")
    filtered = shop.read(f"/sites/shop.example{link(text, 'Switzerland')}")
    assert tiles(filtered)["Visitors"] == "2"
    assert "Country is Switzerland" in plain(filtered)
    # Two are too few to be told their pages too, or the hour of their visit, and the page says so.
    assert "/pricing" not in filtered
    assert "groups of fewer than 5 visitors are merged or left out" in plain(filtered)
    assert "left out" not in plain(text)
    both = shop.read(f"/sites/shop.example{link(text, 'Switzerland')}&f=is,path,/pricing")
    # One visitor fulfils both.
    assert tiles(both)["Visitors"] == "0"
    assert "groups of fewer than 5 visitors are merged or left out" in plain(both)
    chips = re.findall(r'<a class="chip" href="([^"]+)"', both)
    assert len(chips) == 2
    assert tiles(shop.read(f"/sites/shop.example{html.unescape(chips[0])}"))["Visitors"] == "2"
    nothing = shop.read("/sites/shop.example?range=today&f=is,country,FR")
    assert "Nothing matches" in plain(nothing)


@pytest.mark.req("D5")
@pytest.mark.parametrize(
    ("operator", "visitors"), [("is", "3"), ("is_not", "2"), ("contains", "3"), ("contains_not", "2")]
)
def test_the_filter_form_works_without_a_script(shop: Desk, operator: str, visitors: str) -> None:
    """Its fields become a filter like any other."""
    text = shop.read(f"/sites/shop.example?range=today&fd=country&fo={operator}&fv=US")
    assert tiles(text)["Visitors"] == visitors
    assert f"f={operator}%2Ccountry%2CUS" in text


@pytest.mark.req("A5", "D1")
def test_visitors_of_several_days_are_called_what_they_are(counting: Desk) -> None:
    """The same person on two days counts two, and the number says so; over one day it does not."""
    site = counting.site()
    counting.store_rows(site, *({"visitor": visitor(1), "day": day} for day in (TODAY, TODAY - 1)))
    assert tiles(counting.read("/sites/shop.example?range=7d"))["Daily visitors, added up"] == "2"
    assert tiles(counting.read("/sites/shop.example?range=yesterday"))["Visitors"] == "1"
    assert "One person on three days counts three times" in plain(counting.read("/sites/shop.example?range=7d"))


@pytest.mark.req("D1")
@pytest.mark.parametrize("name", RANGES)
def test_every_range_opens(shop: Desk, name: str) -> None:
    """With and without comparison, and says which days it is about."""
    for compare in ("", "&compare=previous"):
        text = plain(shop.read(f"/sites/shop.example?range={name}{compare}"))
        assert RANGES[name] in text
        assert "days of UTC" in text


@pytest.mark.req("D1")
def test_a_comparison_names_the_change_and_the_days(counting: Desk) -> None:
    """Ten visitors after five who had come by that time of day: +100 %; with few of them it is not worked out."""
    site = counting.site()
    morning, evening = (TODAY * 86_400_000 + hour * 3_600_000 - 86_400_000 for hour in (9, 20))
    counting.store_rows(site, *({"visitor": visitor(n), "day": TODAY} for n in range(10)))
    counting.store_rows(site, *({"visitor": visitor(n), "day": TODAY - 1, "at": morning} for n in range(5)))
    counting.store_rows(site, *({"visitor": visitor(n), "day": TODAY - 1, "at": evening} for n in range(5, 30)))
    text = plain(counting.read("/sites/shop.example?range=today&compare=previous"))
    assert "Visitors 10 +100% against Sun 23 Nov 2025 until 12:00 from 5" in text
    few = plain(counting.read("/sites/shop.example?range=today&compare=previous&f=is,path,/nowhere"))
    assert "%" not in few.partition("Visits")[0]


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("old", "new", "text", "direction", "good"),
    [
        (100, 150, "+50%", "up", False),
        (100, 50, "−50%", "down", True),
        (100, 100.2, "0%", "same", False),
        (0, 10, "n/a", "none", False),
    ],
)
def test_a_change_says_whether_it_is_good(old: float, new: float, text: str, direction: str, good: bool) -> None:
    """A bounce rate that falls is good; from nothing there is no change."""
    before, now = {"visitors": 50.0, "bounce_rate": old}, {"visitors": 50.0, "bounce_rate": new}
    change = change_of("bounce_rate", now, before)
    assert (change.text, change.direction, change.good) == (text, direction, good)
    assert change_of("bounce_rate", now, {**before, "visitors": 4}).text == "n/a"


@pytest.mark.req("D11")
@pytest.mark.parametrize("field", ["path", "source", "browser", "utm_campaign", "city", "timezone"])
def test_what_visitors_can_choose_is_text_and_never_code(counting: Desk, field: str) -> None:
    """In rows, links, chips, titles and forms."""
    site = counting.site()
    counting.store_rows(site, {"visitor": visitor(1), field: NASTY})
    panel = next(one for one in PANELS for tab in one.tabs if tab.dimension == field)
    for address in (
        f"?range=today&{panel.key}={field}",
        f"?range=today&f=is,{field},{NASTY}",
        f"?range=today&fd={field}&fo=contains&fv={NASTY}",
    ):
        text = counting.read(f"/sites/shop.example{address}")
        assert "<script>alert" not in text
        assert "onerror=alert" not in html.unescape(re.sub(r'"[^"]*"', "", re.sub(r">[^<]*<", "><", text)))
        checker = Checker()
        checker.feed(text)
        assert checker.faults == []
        assert tiles(text)["Visitors"] == "1"


@pytest.mark.req("D10")
@pytest.mark.parametrize(
    "query",
    [
        "range=nonsense&metric=nonsense&f=x&f=is,nothing,a&f=is,country,&pages=nothing",
        "from=2025-11-24&to=nonsense",
        "from=2025-11-30&to=2025-11-01",
        "from=2000-01-01&to=2100-12-31",
        "from=0001-01-01&to=9999-12-31",
        "f=" + "&f=".join(f"is,path,/{n}" for n in range(50)),
        "fv=%00%FF&fd=path&fo=is",
        "f=contains,path,%ED%A0%80",
    ],
)
def test_an_address_that_makes_no_sense_opens_something(shop: Desk, query: str) -> None:
    """An old bookmark or a slip is no error."""
    assert tiles(shop.read(f"/sites/shop.example?{query}"))


@pytest.mark.req("D1")
def test_an_open_page_is_renewed_only_when_something_was_loaded(own_shop: Desk) -> None:
    """204 while nothing has changed; soon after a change, the whole page with the new number."""
    site = find_site(own_shop.store, "shop.example")
    text = own_shop.read("/sites/shop.example?range=today")
    look = html.unescape(re.findall(r'hx-get="([^"]*)"', text)[0])
    asked = {"hx-request": "true"}
    assert own_shop.browser.get(f"/sites/shop.example{look}", headers=asked).status_code == 204
    own_shop.store_rows(site, {"visitor": visitor(9), "received": own_shop.now})
    own_shop.now += 60_000
    fresh = own_shop.browser.get(f"/sites/shop.example{look}", headers=asked)
    assert fresh.status_code == 200
    assert tiles(fresh.text)["Visitors"] == "6"


@pytest.mark.req("D1")
def test_the_state_of_collection_is_said(counting: Desk) -> None:
    """Waiting, well, quiet, silent, stopped."""
    site = counting.site()
    assert "Waiting for the first visit" in plain(counting.read("/sites/shop.example"))
    counting.store_rows(site, {"visitor": visitor(1), "received": counting.now - 4_000})
    publish_spools(counting.store, "this machine", [SpoolState("a", counting.now - 5_000, 0)], now=counting.now)
    assert "Last event 4 s ago" in plain(counting.read("/sites/shop.example"))
    counting.now += 3_600_000
    assert "No collector has been heard since 24 Nov 2025, 11:59" in plain(counting.read("/sites/shop.example"))
    publish_spools(counting.store, "this machine", [SpoolState("a", counting.now - 5_000, 0)], now=counting.now)
    assert "Quiet; last event 24 Nov 2025, 11:59. The collector is well" in plain(counting.read("/sites/shop.example"))
    counting.trouble = "The disk is full."
    assert "Loading has stopped" in plain(counting.read("/sites/shop.example"))


@pytest.mark.req("P3", "D8", "C23")
@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ({"gpc": 1}, "1 more visit was not recorded at its visitor's wish: Global Privacy Control 1."),
        (
            {"gpc": 7, "dnt": 3, "declined": 1, "consent": 50},
            (
                "Up to 11 more visits were not recorded at their visitors' wish: Global Privacy Control 7, "
                "Do Not Track 3, declined 1."
            ),
        ),
    ],
)
def test_what_was_not_recorded_at_visitors_wish_is_said(own_shop: Desk, events: dict[str, int], sentence: str) -> None:
    """Of this site and these days alone; fields that were left out are no visits."""
    site = find_site(own_shop.store, "shop.example")
    accounts = [Account(site.id, TODAY, "not_recorded", reason, count) for reason, count in events.items()]
    others = [Account(site.id, TODAY - 1, "not_recorded", "gpc", 100), Account(99, TODAY, "not_recorded", "gpc", 1000)]
    publish_accounts(own_shop.store, "this machine", [*accounts, *others], {})
    assert sentence in plain(own_shop.read("/sites/shop.example?range=today"))


def test_of_a_single_day_hours_are_told_where_there_are_enough(own_shop: Desk) -> None:
    """By the site's clock; of several days none."""
    site = find_site(own_shop.store, "shop.example")
    publish_accounts(own_shop.store, "this machine", [Account(site.id, TODAY, "not_recorded", "gpc", 20)], {})
    publish_hours(own_shop.store, "this machine", [DeniedHour(site.id, TODAY, "gpc", hour, 9) for hour in (11, 8)])
    said = "Global Privacy Control 20. By the hour, where there were enough: 08:00 9, 11:00 9."
    assert said in plain(own_shop.read("/sites/shop.example?range=today"))
    assert "By the hour" not in plain(own_shop.read("/sites/shop.example?range=7d"))
    publish_accounts(own_shop.store, "this machine", [], {})
    publish_hours(own_shop.store, "this machine", [])


def test_the_worth_of_numbers_is_said(shop: Desk) -> None:
    """Days that are not sealed are provisional, in words and in the chart."""
    text = shop.read("/sites/shop.example?range=today")
    assert "provisional These days are not sealed yet, numbers may still grow." in plain(text)
    assert "area-provisional" in text


@pytest.mark.req("D10")
def test_the_chart_has_a_table_and_a_sentence(shop: Desk) -> None:
    """The same numbers for those who do not see it: hours that have begun, none that are to come."""
    text = shop.read("/sites/shop.example?range=today&metric=pageviews")
    assert "Views by hour: the most were 7 on Mon 24 Nov 2025, 12:00" in plain(text)
    rows = re.findall(r'<tr><th scope="row">Mon 24 Nov 2025, (\d\d):00</th><td class="number">(\d+)</td>', text)
    assert rows == [(f"{hour:02}", {10: "1", 11: "1", 12: "7"}.get(hour, "0")) for hour in range(13)]


def test_no_visits_is_said_with_a_way_out(counting: Desk) -> None:
    """With what there is elsewhere."""
    site = counting.site()
    counting.store_rows(site, *({"visitor": visitor(1), "day": TODAY - n} for n in (200, 190)))
    text = counting.read("/sites/shop.example?range=7d")
    assert "No visits in this range." in plain(text)
    assert "There are visits from 8 May 2025 to 18 May 2025" in plain(text)
    assert "from=2025-05-08&amp;to=2025-05-18" in text


def test_merged_groups_are_last_not_clickable_and_called_so() -> None:
    """DESIGN §7, UX 1.4: `(other)` of an answer."""
    view = View("today")
    rows = [Row(("/a",), (9,)), Row((OTHER,), (12,))]
    made = make_table(Tab("path", "Top"), rows, view, whole_of=21, total=2)
    assert [(line.name, line.link != "", line.merged) for line in made.lines] == [
        ("/a", True, False),
        ("Small groups, merged", False, True),
    ]
    assert made.lines[1].share == "57%"
    written = make_table(Tab("path", "Top"), [Row((f"\\{OTHER}",), (1,))], view, whole_of=1, total=1).lines[0]
    assert (written.name, written.merged) == (OTHER, False)


@pytest.mark.req("D2")
def test_a_whole_table_is_read_page_by_page(counting: Desk) -> None:
    """A hundred rows at a time, each once."""
    site = counting.site()
    counting.store_rows(site, *({"visitor": visitor(n), "path": f"/page-{n:03d}"} for n in range(230)))
    names: list[str] = []
    for number, size in ((1, 100), (2, 100), (3, 30)):
        text = counting.read(f"/sites/shop.example/by/path?range=today&page={number}")
        found = re.findall(r'class="bar-name"[^>]*>(/page-\d+)<', text)
        assert len(found) == size
        names += found
    assert len(set(names)) == 230
    assert "201–230 of 230" in plain(text)
    counting.read("/sites/shop.example/by/nothing", 400)


@pytest.mark.req("D14", "D11")
def test_the_fields_of_the_first_visitor_are_named_without_their_values(counting: Desk) -> None:
    """Whoever installs sees that it works and what is filled, and reads nobody's row."""
    site = counting.site()
    assert "No event has arrived yet" in plain(counting.read("/sites/shop.example/install"))
    row = {"path": "/welcome", "browser": "Firefox", "city": "Zürich", "received": counting.now - 3_000}
    counting.store_rows(site, {"visitor": visitor(1), **row})
    text = plain(counting.read("/sites/shop.example/install"))
    for words in ("An event has arrived", "The last one 3 s ago", "Page · City · Browser", "IP address"):
        assert words in text
    for words in ("/welcome", "Firefox", "Zürich"):
        assert words not in text
    counting.store_rows(site, {"visitor": visitor(2), "path": "/secret", "city": "Bern"})
    text = plain(counting.read("/sites/shop.example/install"))
    assert "2 visitors today" in text
    for words in ("/welcome", "/secret", "Zürich", "Bern"):
        assert words not in text


@pytest.mark.req("D14")
def test_what_is_wrong_with_the_embedding_is_named_with_its_remedy(counting: Desk) -> None:
    """Foreign hosts, a developer's machine, too much."""
    site = counting.site()
    wrong = [("rejected", "hostname", 4), ("excluded", "localhost", 2), ("rejected", "rate", 9)]
    publish_accounts(counting.store, "this machine", [Account(site.id, TODAY, *one) for one in wrong], {})
    text = plain(counting.read("/sites/shop.example/install"))
    assert "4 events came from hosts that are not this site's" in text
    assert "footfall site set shop.example hostnames=" in text
    assert "localhost seen, ignored as it should be (2 events)" in text
    assert "9 events were over the rate" in text
    assert f"/js/{site.key}.js" in text


@pytest.mark.req("D14", "C21")
def test_a_script_that_no_longer_follows_the_settings_is_told(counting: Desk, tmp_path: Path) -> None:
    """How many of today's views come from a pinned copy; what has no build of ours runs no script that could be old."""
    site = counting.site()
    told = Desk(counting.store, counting.warehouse, snippets=tmp_path)
    told.log_in()
    views = [("0000aaaa", 5), ("0000bbbb", 2), ("0000cccc", 1), ("invented", 9), ("", 9)]
    builds = [build for build, times in views for _ in range(times)]
    counting.store_rows(site, *({"visitor": visitor(n), "build": build} for n, build in enumerate(builds, 1)))
    page = "/sites/shop.example/install"
    assert "older script" not in plain(told.read(page)), "nothing is published"
    (tmp_path / f"{site.key}.js").write_text(';(d=>{})({"url":"https://stats.example/e","build":"0000aaaa"});')
    assert "38 % of today's views come from an older script" in plain(told.read(page))
    (tmp_path / f"{site.key}.js").write_text(';(d=>{})({"build":"0000dddd"});')
    assert "100 % of today's views come from an older script" in plain(told.read(page))
    done = subprocess.run(
        ["openssl", "dgst", "-sha384", "-binary", tmp_path / f"{site.key}.js"], capture_output=True, check=True
    )
    integrity = base64.b64encode(done.stdout).decode()
    assert f'integrity="sha384-{integrity}" crossorigin="anonymous"' in html.unescape(told.read(page))
    told.close()


@pytest.mark.req("D12")
def test_all_sites_are_on_one_page(counting: Desk) -> None:
    """Each with its visitors of four weeks and how collecting goes; the only site is opened at once."""
    shop = counting.site()
    assert counting.browser.get("/").headers["location"] == "/sites/shop.example"
    counting.site("quiet.example")
    assert counting.browser.get("/").headers["location"] == "/sites"
    counting.store_rows(shop, *({"visitor": visitor(n), "received": counting.now - 1000} for n in range(7)))
    text = plain(counting.read("/sites"))
    assert "shop.example 7 visitors Last event 1 s ago" in text
    assert "quiet.example 0 visitors Waiting for the first visit" in text


@pytest.mark.parametrize(
    ("kind", "policy", "k"),
    [
        ("uk", "cookieless", 5),
        ("cnil", "cookieless", 10),
        ("us", "opt_out", 5),
        ("strict", "opt_in", 10),
        ("children", "under_16", 5),
    ],
)
def test_a_site_is_added_with_what_was_chosen(counting: Desk, kind: str, policy: str, k: int) -> None:
    """And its installation is next; what was pasted as an address is read as its host."""
    form = {"domain": "https://Shop.example/start", "timezone": "Europe/Zurich", "kind": kind}
    answer = counting.post("/sites/new", "/sites/new", **form)
    assert answer.headers["location"] == "/sites/shop.example/install"
    site = find_site(counting.store, "shop.example")
    assert (site.timezone, site.settings.policy, site.settings.k) == ("Europe/Zurich", policy, k)


@pytest.mark.parametrize(
    ("domain", "zone", "words"),
    [
        ("not a host", "UTC", "not a host name"),
        ("shop.example", "Mars/Base", "no time zone"),
        ("taken.example", "UTC", "exists already"),
    ],
)
def test_a_site_that_can_not_be_added_says_why(counting: Desk, domain: str, zone: str, words: str) -> None:
    """And keeps what was typed."""
    counting.site("taken.example")
    answer = counting.post("/sites/new", "/sites/new", domain=domain, timezone=zone, kind="uk")
    assert answer.status_code == 422
    assert words in plain(answer.text)
    assert f'value="{domain}"' in answer.text


@pytest.mark.req("P13")
def test_what_the_notice_lacks_is_said_to_the_owner(counting: Desk) -> None:
    """In red, by the settings' own titles, until it is filled in."""
    counting.site()
    page = "/sites/shop.example/settings"
    before = counting.read(page)
    assert "Who is responsible, For questions and rights, Legal basis without consent, Supervisory authority" in before
    assert "/privacy/" in before
    told = {"controller": "K", "contact": "c@shop.example", "legal_basis": "legitimate_interests", "authority": "A"}
    assert counting.post(page, page, **told).status_code == 303
    assert "The notice lacks" not in counting.read(page)


def test_settings_are_shown_changed_and_refused_with_a_sentence(counting: Desk) -> None:
    """A switch that is off is off; a wrong value changes nothing."""
    counting.site()
    page = "/sites/shop.example/settings"
    assert counting.post(page, page, k="12", hostnames="other.example, *.shop.example").status_code == 303
    settings = find_site(counting.store, "shop.example").settings
    assert (settings.k, settings.hostnames, settings.dnt) == (12, ("other.example", "*.shop.example"), False)
    refused = counting.post(page, page, k="1", dnt="true")
    assert (refused.status_code, "a number from 3 to 1000" in refused.text) == (422, True)
    assert find_site(counting.store, "shop.example").settings == settings


@pytest.mark.req("C22")
def test_refused_hosts_are_allowed_or_ignored(counting: Desk) -> None:
    """Listed on the page of settings with two buttons each; what was not refused can't be settled."""
    counting.site()
    site, page = find_site(counting.store, "shop.example"), "/sites/shop.example/settings"
    assert "Refused hosts" not in counting.read(page)
    for seq, host in enumerate(("stage.example", "copy.example"), 1):
        take_host(counting.store, Place("w0", seq), site.id, host, at=TODAY * 86_400_000 - seq * 60_000)
    text = counting.read(page)
    assert text.index("stage.example") < text.index("copy.example")
    for host, settled in (("stage.example", "allowed"), ("copy.example", "ignored"), ("evil.example", "allowed")):
        answer = counting.post("/sites/shop.example/hosts", page, **{"host": host, "as": settled})
        assert answer.status_code == 303
    settings = find_site(counting.store, "shop.example").settings
    assert (settings.hostnames, settings.ignored_hostnames) == (("stage.example",), ("copy.example",))
    assert "Refused hosts" not in counting.read(page)


def test_static_files_are_kept_for_long_and_change_their_address(counting: Desk) -> None:
    """From our own origin; what does not exist is not looked for on the disk."""
    text = counting.read("/account")
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
    assert {address.rpartition(".")[2] for address in addresses} == {"css", "js", "svg"}
    for address in addresses:
        answer = counting.browser.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        old = counting.browser.get(re.sub(r"/static/\w+/", "/static/0123/", address))
        assert old.headers["cache-control"] == "no-cache"
    for name in ("nothing.css", "..%2Fapp.py", "console.py"):
        assert counting.browser.get(f"/static/x/{name}").status_code == 404


def test_a_page_that_can_not_be_answered_says_so(counting: Desk) -> None:
    """A warehouse that is away is no traceback, and pages that need none go on."""
    counting.site()
    away = Desk(counting.store, Warehouse(WarehouseSettings("http://127.0.0.1:9/nowhere")))
    away.log_in()
    assert "Collecting goes on meanwhile" in plain(away.read("/sites/shop.example", 503))
    away.read("/sites/shop.example/settings")
    away.close()


def test_words_of_the_screen_cover_the_catalogue() -> None:
    """A dimension or metric that was renamed, or a reason without words, fails here and not at a reader's click."""
    assert not DIMENSION_TITLES.keys() - DIMENSION.keys()
    assert METRIC_TITLES.keys() == {one.name for one in METRICS}
    assert set(TILES) <= METRIC.keys()
    assert {tab.dimension for panel in PANELS for tab in panel.tabs} <= DIMENSION_TITLES.keys()
    assert set(Reason.__args__) - {""} <= REASONS.keys()
    assert EVENT_TITLES.keys() == EVENT.keys()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (short(99_999), "99,999"),
        (short(100_000), "100k"),
        (short(1_234_567), "1.2M"),
        (short(2_000_000_000), "2G"),
        (percent(1, 2000), "<0.1%"),
        (percent(0, 0), "0%"),
        (percent(38.4, 100), "38%"),
        (percent(3.84, 100), "3.8%"),
        (duration(59.6), "1m 00s"),
        (duration(4_810), "1h 20m"),
        (in_unit("percent", 38.25), "38.2%"),
        (in_unit("ratio", 1.5), "1.5"),
        (in_unit("ratio", 2.0), "2"),
        (ago(59_999), "59 s"),
        (ago(3_600_000), "1 h"),
        (ago(-5), "0 s"),
        (days_text(date(2015, 5, 17), date(2015, 5, 20)), "17–20 May 2015"),
        (days_text(date(2015, 5, 17), date(2015, 6, 2)), "17 May – 2 Jun 2015"),
        (days_text(date(2014, 12, 31), date(2015, 1, 1)), "31 Dec 2014 – 1 Jan 2015"),
        (value_name("country", "CH"), "Switzerland"),
        (value_name("country", "XQ"), "XQ"),
        (value_name("language", "de-CH"), "German (Switzerland)"),
        (value_name("language", "zz"), "zz"),
        (value_name("path", "(not set)"), "Not known"),
        (value_name("source", "unknown (before consent)"), "Unknown (before consent)"),
        (value_name("source_kind", "unknown"), "Unknown"),
        (value_name("name", "pageview"), "Page view"),
        (value_name("name", "signup"), "signup"),
    ],
)
def test_numbers_days_and_codes_read_as_people_write_them(given: Any, expected: str) -> None:
    """A table of cases."""
    assert given == expected


def test_a_form_token_is_in_every_form(shop: Desk) -> None:
    """Each POST form of each page carries it."""
    token = hidden(shop.read("/account"), "csrf")
    for address in PAGES[1:]:
        text = shop.browser.get(address).text
        forms = re.findall(r'<form method="post".*?</form>', text, re.DOTALL)
        assert forms
        assert all(f'name="csrf" value="{token}"' in form for form in forms)
