"""What the snippet records of a visit, as rows of the warehouse: a real browser, a whole installation, every event name.

The acts are in stage.py; they are played once for all tests of this file, whichever worker asks first. Expected values
are what a person would write down who watched the browser.
"""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from event_catalogue.events import EVENTS
from tests.browser import stage
from tests.browser.rough import BROKEN as BROKEN_BROWSERS
from tests.browser.rough import FIREFOX
from tests.browser.stage import Row

pytestmark = [pytest.mark.timeout(600)]

BY_SERVER: Final = {"open", "call"}
"""Event names that no snippet sends."""


@pytest.fixture(scope="module")
def played(browser: Any, once: Callable[[str, Callable[[Path], Any]], Any]) -> dict[str, Any]:
    """Rows, what pages saw, and sites; workers share one performance."""
    told: dict[str, Any] = once("played", partial(stage.play, browser))
    return told


@pytest.fixture
def rows(played: dict[str, Any]) -> list[Row]:
    """Every stored row, in the order of time."""
    return sorted(played["rows"], key=lambda row: (str(row["at"]), row["idx"]))


def on(rows: list[Row], path: str, name: str = "") -> list[Row]:
    """The rows of one page, of one name."""
    return [row for row in rows if row["path"] == path and name in ("", row["name"])]


def said(rows: list[Row], *fields: str) -> list[tuple[Any, ...]]:
    """These fields of each row."""
    return [tuple(row[field] for field in fields) for row in rows]


LINKS: Final = {
    "outbound": ("Our partner", "link", "nav", "other.example/path", "other.example"),
    "download": ("Price list", "link", "main", "all.example:PORT/files/price.pdf", "all.example"),
    "tel": ("Call us", "link", "main", "+41447777777", ""),
    "mailto": ("Write", "link", "main", "mailto:[email]", ""),
}


@pytest.mark.req("C14", "C13", "C11")
@pytest.mark.parametrize("name", LINKS)
def test_a_link_is_told_by_name_kind_place_and_where_it_leads(rows: list[Row], name: str) -> None:
    """Its query and its fragment stay in the browser."""
    fields = ("target", "target_role", "target_region", "target_url", "target_host")
    (found,) = said(on(rows, "/links", name), *fields)
    whole = tuple(without_port(text) for text in found)
    assert whole == tuple(without_port(text.replace("PORT", "1")) for text in LINKS[name])
    assert on(rows, "/links", "click") == [], "a link with an event of its own is no click beside it"


def without_port(text: str) -> str:
    """The test's port is its own affair."""
    host, colon, rest = text.partition("example:")
    return host + "example" + rest.lstrip("0123456789") if colon else text


CLICKS: Final = [
    ("Add to basket", "button", "header"),
    ("More", "link", "nav"),
    ("Close the dialog", "button", "main"),
    ("Newest first", "button", "main"),
    ("Send the picture", "button", "main"),
    ("Yes, please", "input", "main"),
    ("Your name", "input", "main"),
    ("", "button", "main"),
    ("Greet", "button", "main"),
    ("", "button", "main"),
    ("In a region", "button", "teaser"),
    ("A tab", "button", "main"),
    ("In the shadow", "button", "footer"),
]


@pytest.mark.req("C11")
@pytest.mark.parametrize(
    "place", range(len(CLICKS)), ids=[f"{name or 'private'} {n}" for n, (name, *_) in enumerate(CLICKS)]
)
def test_a_click_is_told_by_what_people_call_it(rows: list[Row], place: int) -> None:
    """Accessible name, role, nearest part of the page; without consent no flag. Plain text is no click."""
    found = on(rows, "/clicks", "click")
    assert len(found) == len(CLICKS)
    assert said([found[place]], "target", "target_role", "target_region", "flag") == [(*CLICKS[place], "")]


@pytest.mark.req("C11", "P8")
def test_what_is_written_or_private_is_in_no_row(played: dict[str, Any]) -> None:
    """Values of inputs, text that the page marks, text that can be edited, text that was copied."""
    assert stage.SECRET not in repr(played["rows"])
    assert "anna@example.com" not in repr(played["rows"])


@pytest.mark.req("C11")
def test_rage_and_dead_clicks_are_told_with_consent(rows: list[Row]) -> None:
    """The third of four clicks on a plain text is rage; a button that does nothing is dead, one that works is not."""
    assert said(on(rows, "/angry", "click"), "target", "flag") == [("Dead", "dead"), ("Live", ""), ("rage", "rage")]
    assert said(on(rows, "/calm", "click"), "target", "flag") == [("Dead", ""), ("Live", "")]
    assert said(on(rows, "/open", "click"), "flag", "tier") == [("rage", "consented")], "the policy opt_out asks later"


@pytest.mark.req("C20", "C11")
def test_a_thousand_clicks_are_a_thousand_rows(rows: list[Row]) -> None:
    """None is lost and no beacon is too large."""
    assert len(on(rows, "/thousand", "click")) == 1000
    assert max(Counter(row["beacon"] for row in on(rows, "/thousand")).values()) <= 100


@pytest.mark.req("C11")
def test_a_rest_of_the_pointer_is_told_with_consent(rows: list[Row]) -> None:
    """On marked elements, for half a second at least."""
    (_, first), *others = told = said(on(rows, "/hover", "hover"), "target", "hover_ms")
    assert {target for target, _ in told} == {"offer"}
    assert first > 650
    # The other rest took a tenth of a second, or longer on a machine that was held up.
    assert all(ms >= 500 for _, ms in others)
    assert on(rows, "/hover/unasked", "hover") == []


@pytest.mark.req("C14")
def test_forms_are_told_when_they_are_sent_and_with_consent_when_they_are_not(rows: list[Row]) -> None:
    """By their names."""
    told = [("form_submit", "Order", "form", "main"), ("form_abandon", "newsletter", "form", "main")]
    found = [row for row in on(rows, "/forms") if row["name"].startswith("form")]
    assert said(found, "name", "target", "target_role", "target_region") == told
    unasked = [row for row in on(rows, "/forms/unasked") if row["name"].startswith("form")]
    assert said(unasked, "name", "target") == [("form_submit", "Order")]


@pytest.mark.req("C14")
def test_copying_is_told_with_consent_and_printing_always(rows: list[Row]) -> None:
    """Where it was, never what it was."""
    assert said(on(rows, "/copy", "copy"), "target", "target_region") == [("", "main")]
    assert len(on(rows, "/copy", "print")) == 1
    assert on(rows, "/copy/unasked", "copy") == []


@pytest.mark.req("C14")
def test_media_is_told_from_start_to_end_by_quarters(rows: list[Row]) -> None:
    """Each once."""
    told = [("play", 0), ("progress", 25), ("progress", 50), ("progress", 75), ("ended", 100)]
    assert said(on(rows, "/media", "video"), "method", "progress") == told
    assert {row["target"] for row in on(rows, "/media", "video")} == {"The jingle"}


@pytest.mark.req("C9", "P8")
def test_errors_are_told_once_and_without_personal_data(rows: list[Row]) -> None:
    """A message, a file with its line, a hash that groups them; foreign scripts stand apart."""
    found = {row["error_message"]: row for row in on(rows, "/errors", "js_error")}
    assert len(on(rows, "/errors", "js_error")) == len(found) == 3
    own, promise, foreign = (found[text] for text in ("Basket of [email] is empty", "No such rate", "Script error."))
    assert without_port(own["error_source"]) == "http://all.example/shop.js:1"
    assert without_port(promise["error_source"]).startswith("http://all.example/errors:")
    assert own["error_stack"] != promise["error_stack"]
    assert own["error_stack"]
    assert promise["error_stack"]
    assert (foreign["error_source"], foreign["error_stack"]) == ("", "")


BROKEN: Final = {
    "picture.png": ("image", 404),
    "code.js": ("script", 404),
    "look.css": ("style", 404),
    "data.json": ("fetch", 404),
    "nobody.json": ("fetch", 0),
}


@pytest.mark.req("C9")
@pytest.mark.parametrize("file", BROKEN)
def test_a_file_that_does_not_load_is_told_once(rows: list[Row], file: str) -> None:
    """With what it was and the answer, if there was any; also where it was asked for twice."""
    found = [row for row in on(rows, "/broken", "load_error") if row["resource"].endswith(file)]
    assert said(found, "resource_kind", "status") == [BROKEN[file]]


@pytest.mark.req("C9")
def test_what_the_page_gave_up_or_was_not_shown_is_no_error(rows: list[Row], played: dict[str, Any]) -> None:
    """Of a fetch the page is told what it always was."""
    assert len(on(rows, "/broken", "load_error")) == len(BROKEN)
    assert played["seen"]["fetch"] == "Failed to fetch"


@pytest.mark.req("C9")
def test_a_page_that_is_not_there_is_told(rows: list[Row]) -> None:
    """By the browser's own word for the answer."""
    assert len(on(rows, "/never-there", "not_found")) == 1
    assert [row["path"] for row in rows if row["name"] == "not_found"] == ["/never-there"]


@pytest.mark.req("C8")
def test_every_page_tells_once_how_fast_it_was(rows: list[Row]) -> None:
    """Milliseconds in the order in which they happen."""
    pages = Counter(row["page"] for row in rows if row["name"] == "vitals")
    assert set(pages.values()) == {1}
    told = [row for row in rows if row["name"] == "vitals" and row["lcp"]]
    assert len(told) > 10
    for row in told:
        assert 0 < row["ttfb"] <= row["fcp"] <= row["lcp"] < 20_000
        assert row["ttfb"] <= row["dom_ready"] <= row["load"] + 1
    assert [row for row in told if row["inp"]], "pages that were clicked tell how long that took"


@pytest.mark.req("C8")
def test_the_host_of_a_slow_file_is_told(rows: list[Row]) -> None:
    """Of the slowest that the page waited for, where it took a second."""
    assert said(on(rows, "/slow", "vitals"), "slow_host") == [("slow.example",)]


TAGGED: Final = ["contact", "late_seen", "offer_seen", "signup"]


@pytest.mark.req("C16")
def test_events_are_tagged_in_html(rows: list[Row]) -> None:
    """On a click, on sending a form, when it is seen (also when it comes later); what is not seen is not told."""
    own = {kind.name for kind in EVENTS}
    assert sorted(row["name"] for row in on(rows, "/tags") if row["name"] not in own) == TAGGED
    (signup,) = said(on(rows, "/tags", "signup"), "prop_keys", "prop_values", "revenue", "currency")
    assert signup == (["plan"], ["pro"], 4900, "EUR")


@pytest.mark.req("C7")
def test_a_search_is_told_with_its_results_and_by_the_address(rows: list[Row]) -> None:
    """None found is told as none; the address alone tells the term."""
    assert said(on(rows, "/tags", "search"), "search_term", "search_results") == [("boots", 0)]
    assert said(on(rows, "/customs", "pageview"), "search_term", "utm_source")[1] == ("red boots", "letter")


@pytest.mark.req("C16")
def test_an_event_of_the_site_carries_properties_and_money(rows: list[Row]) -> None:
    """Revenue is in minor units, apart from the other properties."""
    (paid,) = said(on(rows, "/customs", "paid"), "prop_keys", "prop_values", "revenue", "currency")
    assert paid == (["plan", "items"], ["pro", "2"], 1250, "CHF")


EXITS: Final = {
    "link": ["link"],
    "outbound": ["outbound"],
    "form": ["form"],
    "back": ["back_forward"],
    "typed": ["other"],
    "route": ["link"],
    "close": ["close"],
    # The browser's own button is heard of by the page that it led to; that one is left by an address.
    "reload": ["close", "reload", "other"],
}


@pytest.mark.req("C12")
@pytest.mark.parametrize("way", EXITS)
def test_ways_to_leave_a_page_are_told_apart(rows: list[Row], way: str) -> None:
    """By the visitor's last action, else by what the browser does with the page."""
    found = on(rows, f"/exit/{way}", "exit")
    # Times of two pages are as exact as the network.
    assert sorted(row["method"] for row in found) == sorted(EXITS[way])
    assert [row["target_host"] for row in found if row["target_host"]] == ["other.example"] * (way == "outbound")
    settling = [row["method"] for row in found if row["prop_keys"] == ["settles"]]
    assert settling == ["reload"] * (way == "reload")


@pytest.mark.req("C12")
@pytest.mark.parametrize("path", ["/places", "/strict-mode"])
def test_a_way_to_a_place_on_the_same_page_is_no_exit(rows: list[Row], path: str) -> None:
    """The address that was typed afterwards is."""
    assert [row["method"] for row in on(rows, path, "exit")] == ["other"]


ROUTES: Final = ["/app", "/app/one", "/app/two", "/app/three", "/app/three"]
"""The same route is pushed twice, so the way back leads to itself; then the page counts a view by hand."""


@pytest.mark.req("C6")
def test_views_of_a_single_page_app(rows: list[Row]) -> None:
    """Pushed, replaced by another path, counted by hand; not what was pushed or replaced alike."""
    views = [row["path"] for row in rows if row["name"] == "pageview" and row["path"].startswith("/app")]
    assert sorted(views) == sorted(ROUTES), "beacons of two pages may overtake each other"


@pytest.mark.req("C6")
def test_routes_in_the_hash_are_pages_where_the_site_says_so(rows: list[Row]) -> None:
    """Elsewhere they are places on one page."""
    views = [row["path"] for row in rows if row["name"] == "pageview" and row["path"].startswith("/hashes")]
    assert sorted(views) == ["/hashes", "/hashes#/here", "/hashes#/there"]
    assert len(on(rows, "/places", "pageview")) == 1


@pytest.mark.req("C6")
def test_a_restored_page_is_a_view_of_its_own_and_tells_its_exit_once(rows: list[Row]) -> None:
    """The browser's cache brings it back as it was."""
    assert len(on(rows, "/restored", "pageview")) == 2
    assert len({row["page"] for row in on(rows, "/restored", "pageview")}) == 2
    assert len(on(rows, "/restored", "exit")) == 2


@pytest.mark.req("C6")
def test_an_address_that_is_replaced_by_itself_counts_once(rows: list[Row]) -> None:
    """As frameworks do twice when they develop."""
    assert len(on(rows, "/strict-mode", "pageview")) == 1


@pytest.mark.req("C10", "C11")
def test_depth_is_the_deepest_point_and_half_a_page_is_half(rows: list[Row]) -> None:
    """Forty windows high, twenty-one of them seen."""
    assert max(row["scroll"] for row in on(rows, "/long", "engagement")) in (52, 51)


@pytest.mark.req("C10")
def test_time_is_time_in_front(rows: list[Row]) -> None:
    """Hidden for one second of two and a little, by the page's own clock."""
    ends = on(rows, "/half-hidden", "engagement")
    assert len(ends) >= 2, "told each time when it was hidden after it was seen"
    (view,) = on(rows, "/half-hidden", "pageview")
    began, ended = (datetime.fromisoformat(str(row["at"])) for row in (view, ends[-1]))
    wall = (ended - began) / timedelta(milliseconds=1)
    assert 900 <= sum(row["engaged_ms"] for row in ends) <= wall - 950


@pytest.mark.req("P2")
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/wait/never", []),
        ("/wait/refused", []),
        ("/wait/later", ["after"]),
        ("/wait/granted", ["pageview", "click"]),
        ("/wait/early", ["pageview", "early"]),
    ],
)
def test_where_a_site_asks_first_nothing_goes_before_the_answer(rows: list[Row], path: str, names: list[str]) -> None:
    """A grant sends what waited, a refusal drops it for good."""
    found = [row for row in on(rows, path) if row["name"] not in ("engagement", "exit")]
    assert sorted(row["name"] for row in found) == sorted(names), "of the same millisecond in any order"
    assert {row["tier"] for row in found} <= {"consented"}


@pytest.mark.req("P2", "P7")
def test_a_withdrawal_counts_from_then_on(rows: list[Row]) -> None:
    """The device's id goes only with consent."""
    (before,) = on(rows, "/withdrawn", "with")
    (after,) = on(rows, "/withdrawn", "without")
    assert after["tier"] == "cookieless"
    assert not any(after["returning"])
    assert before["page"] == after["page"]


@pytest.mark.req("C3", "P12")
def test_plug_ins_are_told_with_consent_only(rows: list[Row]) -> None:
    """Where the site turns them on."""
    assert {row["tier"] for row in rows if row["plugins"]} == {"consented"}


@pytest.mark.req("C22", "P3")
@pytest.mark.parametrize("way", ["all.example optOut", "all.example ignoreMe", "bare.example optOut"])
def test_an_objection_holds_on_every_page_until_it_is_taken_back(
    rows: list[Row], played: dict[str, Any], way: str
) -> None:
    """Whatever modules are on; the console says why nothing is counted. What is kept holds no id, and goes again."""
    host, name = way.split()
    found = [row for row in rows if row["path"].startswith(f"/stop/{name}/") and row["site"] == host]
    assert [row["path"] for row in found if row["name"] == "pageview"] == [f"/stop/{name}/again"]
    assert [row for row in found if row["name"] == "unsaid"] == []
    said, kept, after = played["seen"][way]
    assert said == ["footfall: not counted: opt-out (?footfall=debug)"]
    assert [(one["name"], one["value"], one["domain"]) for one in kept] == [("ff_optout", "o", host)]
    assert 395 < (kept[0]["expires"] - time.time()) / 86_400 <= 400
    assert after == []


@pytest.mark.req("C22")
def test_the_owners_link_is_an_objection(rows: list[Row]) -> None:
    """On the page that it opens too."""
    assert on(rows, "/stop/link") == []


@pytest.mark.req("P3")
@pytest.mark.parametrize("signal", ["globalPrivacyControl", "doNotTrack"])
def test_a_signal_leaves_no_row(rows: list[Row], signal: str) -> None:
    """Nothing is asked."""
    assert on(rows, f"/signal/{signal}") == []


@pytest.mark.req("P16")
def test_the_glass_box_shows_what_is_stored(rows: list[Row], played: dict[str, Any]) -> None:
    """Field by field the same as the rows, but for what each request makes anew."""
    shown = played["seen"]["show"]
    assert [one["sent"]["name"] for one in shown] == ["pageview", "paid"]
    assert shown[1]["sent"]["props"] == {"to": "anna@example.com"}
    anew = {"visitor", "at", "received", "day"}
    for one in shown:
        (row,) = on(rows, "/shown", one["sent"]["name"])
        told = {name: value for name, value in one["fields"].items() if name not in anew}
        told["page"] = bytes.fromhex(told["page"])
        assert told == {name: row[name] for name in told}
        left = {name for name, value in row.items() if value not in (0, "", [], b"", bytes(16)) and name not in told}
        assert left <= {*anew, "site", "keep", "batch", "beacon", "idx", "stored_on", "search_results"}


@pytest.mark.req("C22", "C21")
@pytest.mark.parametrize("path", ["/debug/all", "/debug/plain"])
def test_a_developer_sees_what_would_be_sent_and_nothing_is_counted(
    rows: list[Row], played: dict[str, Any], path: str
) -> None:
    """In the console, as a table of what would be stored."""
    assert on(rows, path) == []
    first, second, *_ = played["seen"][path]
    assert first.startswith("footfall: pageview")
    assert f"path: {path}" in second


ADS: Final = [
    ("top", "spring", "above", 100, ""),
    ("top", "summer", "above", 100, ""),
    ("covered", "", "above", 100, "stacked"),
    ("deep", "", "below", 0, ""),
]


@pytest.mark.req("C15")
@pytest.mark.parametrize("place", range(len(ADS)), ids=[f"{slot} {creative}" for slot, creative, *_ in ADS])
def test_an_advertisement_tells_whether_it_could_be_seen(rows: list[Row], place: int) -> None:
    """For how long and how much of it; a new creative is a new impression; one that is covered says so."""
    found = on(rows, "/ads", "ad_impression")
    assert len(found) == len(ADS)
    fields = ("ad_slot", "ad_creative", "ad_position", "ad_visible", "ad_quality")
    assert said([found[place]], *fields) == [ADS[place]]
    seen = [row["ad_viewable_ms"] for row in found]
    assert 1000 <= seen[0] < 30_000, "viewable: half of it for a second"
    assert 200 <= seen[1] < 30_000
    assert seen[2:] == [0, 0]


@pytest.mark.req("C15", "P7")
def test_advertisements_need_their_own_consent(rows: list[Row]) -> None:
    """Consent to statistics is not enough."""
    assert on(rows, "/ads/unasked", "pageview")
    assert on(rows, "/ads/unasked", "ad_impression") == []


NUMBERS: Final = {"direct": "+41 44 111 11 11", "search": "+41 44 222 22 22", "campaign": "+41 44 333 33 33"}


@pytest.mark.req("C13")
@pytest.mark.parametrize("channel", NUMBERS)
def test_each_channel_is_shown_its_number_and_calls_it(rows: list[Row], played: dict[str, Any], channel: str) -> None:
    """In links and in marked text; other numbers stay."""
    number = NUMBERS[channel]
    assert played["seen"][channel] == [number, number, "tel:+41449999999"]
    assert [row["target_url"] for row in on(rows, f"/call/{channel}", "tel")] == [number.replace(" ", "")]


EMBEDDED: Final = (
    *(
        "strict",
        "integrity",
        "twice",
        "two-sites",
        "injected",
        "joined",
        "framed",
        "frozen",
        "fetch-is-broken",
        "stub-file",
    ),
)


@pytest.mark.req("C21")
@pytest.mark.parametrize("page", EMBEDDED)
def test_it_counts_once_however_it_is_embedded(rows: list[Row], page: str) -> None:
    """Policy, integrity, twice, two sites, injected, joined with others, frames, a page that breaks its browser."""
    for name in ("pageview", "signup"):
        sites = sorted(row["site"] for row in on(rows, f"/embed/{page}", name))
        assert sites == (["all.example", "plain.example"] if page == "two-sites" else ["all.example"])
    assert on(rows, "/embed/inner") == [], "pages inside frames are not counted"


@pytest.mark.req("C21", "P2")
def test_calls_and_a_choice_wait_in_the_file_of_the_stub(rows: list[Row]) -> None:
    """For pages that may have no inline script."""
    assert said(on(rows, "/embed/stub-file", "early"), "tier", "prop_values") == [("consented", ["1"])]


@pytest.mark.req("C19")
def test_without_scripts_the_image_counts_and_never_both(rows: list[Row]) -> None:
    """One visit without JavaScript, one with."""
    found = on(rows, "/embed/no-script", "pageview")
    assert sorted(bool(row["build"]) for row in found) == [False, True]


@pytest.mark.req("C20")
def test_what_happened_off_line_arrives_once(rows: list[Row]) -> None:
    """With the time when it happened."""
    (kept,) = on(rows, "/offline", "kept")
    (view,) = on(rows, "/offline/next", "pageview")
    assert len(on(rows, "/offline", "pageview")) == 1
    assert str(kept["at"]) <= str(view["at"]) < str(kept["received"])


@pytest.mark.req("C10")
def test_hidden_for_five_seconds_of_ten_is_five_seconds_in_front(rows: list[Row]) -> None:
    """Give or take half a second, by the rows' own clock."""
    (view,) = on(rows, "/ten/hidden", "pageview")
    ends = on(rows, "/ten/hidden", "engagement")
    began, ended = (datetime.fromisoformat(str(row["at"])) for row in (view, ends[-1]))
    wall = (ended - began) / timedelta(milliseconds=1)
    assert wall > 9500
    assert abs(sum(row["engaged_ms"] for row in ends) - (wall - 5000)) <= 500


@pytest.mark.req("C20")
def test_ten_seconds_off_line_lose_nothing_and_double_nothing(rows: list[Row]) -> None:
    """Events, a route, times and both exits, each once."""
    assert len(on(rows, "/ten/offline", "kept")) == 1
    for path in ("/ten/offline", "/ten/offline/next"):
        assert len(on(rows, path, "pageview")) == len(on(rows, path, "exit")) == 1
        assert on(rows, path, "engagement")
    (view,) = on(rows, "/ten/offline/next", "pageview")
    waited = datetime.fromisoformat(str(view["received"])) - datetime.fromisoformat(str(view["at"]))
    assert waited > timedelta(seconds=10)


@pytest.mark.skipif(FIREFOX is None, reason="firefox-esr is missing (Debian: apt-get install firefox-esr)")
@pytest.mark.req("C6", "C10", "C14", "C16", "C21")
def test_a_visit_in_firefox_is_the_same_rows(rows: list[Row]) -> None:
    """Views of three routes, links, a click, an event, time in front, how it was left."""
    found = [row for row in rows if row["path"].startswith("/fox")]
    assert {row["browser"] for row in found} == {"Firefox"}
    views = said([row for row in found if row["name"] == "pageview"], "path", "title")
    three = [("/fox", "Second"), ("/fox", "Title of /fox"), ("/fox/two", "Second")]
    assert sorted(views) == three, "beacons may overtake each other"
    told = Counter(row["name"] for row in found if row["name"] not in ("engagement", "load_error"))
    assert told == {"pageview": 3, "outbound": 1, "tel": 1, "click": 1, "signup": 1, "vitals": 1, "exit": 3}
    assert said(on(rows, "/fox", "signup"), "prop_keys", "prop_values") == [(["plan"], ["pro"])]
    assert 1000 < sum(row["engaged_ms"] for row in found) < 60_000
    (vitals,) = on(rows, "/fox", "vitals")
    assert 0 < vitals["ttfb"] <= vitals["fcp"]


@pytest.mark.req("C20")
def test_ten_seconds_without_a_collector_lose_nothing_and_double_nothing(rows: list[Row]) -> None:
    """Events with the time when they happened, a route, times and both exits, each once."""
    for path in ("/down", "/down/next"):
        names = Counter(row["name"] for row in on(rows, path) if row["name"] != "engagement")
        assert names.items() >= {"pageview": 1, "kept": 1, "exit": 1}.items()
        assert on(rows, path, "engagement")
    (first,), (second,) = (on(rows, path, "kept") for path in ("/down", "/down/next"))
    for row in (first, second):
        waited = datetime.fromisoformat(str(row["received"])) - datetime.fromisoformat(str(row["at"]))
        assert timedelta(seconds=9) < waited < timedelta(seconds=60)
    assert first["beacon"] != second["beacon"]


@pytest.mark.req("C21")
@pytest.mark.parametrize("page", BROKEN_BROWSERS)
def test_pages_that_break_their_browser_are_counted_and_hear_no_error(
    rows: list[Row], played: dict[str, Any], page: str
) -> None:
    """Polluted prototypes, proxies, missing and broken interfaces: a view, an event with its own properties, a route."""
    assert played["seen"][f"rough {page}"] == []
    (signup,) = on(rows, f"/rough/{page}", "signup")
    assert (signup["prop_keys"], signup["prop_values"]) == (["plan"], ["pro"])
    views = [row["path"] for row in rows if row["name"] == "pageview" and row["path"].startswith(f"/rough/{page}")]
    assert sorted(views) == [f"/rough/{page}", f"/rough/{page}/next"]
    assert on(rows, f"/rough/{page}", "engagement")


@pytest.mark.req("C21")
def test_a_document_that_is_written_anew_is_the_same_view(rows: list[Row]) -> None:
    """Its new copy of the snippet is not a second one, and the first still hears calls."""
    assert len(on(rows, "/rough/written", "pageview")) == 1
    assert len(on(rows, "/rough/written", "anew")) == 1


@pytest.mark.req("C21")
def test_a_page_whose_own_function_has_the_name_is_counted(rows: list[Row]) -> None:
    """Frozen, so that nothing can be added to it: its calls are its own."""
    views = [row["path"] for row in rows if row["name"] == "pageview" and row["path"].startswith("/rough/taken")]
    assert sorted(views) == ["/rough/taken", "/rough/taken/next"]


@pytest.mark.req("C11", "P8")
def test_what_stands_in_a_closed_root_stays_there(rows: list[Row]) -> None:
    """The page does not show it to anybody; a frame's call is the page's, also when the frame is gone."""
    assert on(rows, "/rough/closed", "pageview")
    assert on(rows, "/rough/closed", "click") == []
    assert [row["prop_values"] for row in on(rows, "/rough/framed", "from_frame")] == [["1"]]


@pytest.mark.req("C21")
def test_a_policy_that_blocks_beacons_is_heard_by_nobody(rows: list[Row], played: dict[str, Any]) -> None:
    """Nothing arrives, and no error reaches the page."""
    assert on(rows, "/rough/blocked") == []
    assert played["seen"]["rough blocked"] == []


@pytest.mark.req("C6")
def test_of_prerendered_pages_the_one_that_is_shown_counts_from_then_on(
    rows: list[Row], played: dict[str, Any]
) -> None:
    """In a browser that nobody drives."""
    (view,) = on(rows, "/pre/shown", "pageview")
    shown = datetime.fromtimestamp(played["seen"]["prerendered"], UTC).replace(tzinfo=None)
    assert datetime.fromisoformat(str(view["at"])).replace(tzinfo=None) >= shown
    assert on(rows, "/pre/never") == []


@pytest.mark.req("C21")
def test_every_event_of_the_catalogue_was_played(rows: list[Row]) -> None:
    """Of those that a snippet sends; and no beacon was refused for what it holds."""
    assert {kind.name for kind in EVENTS} - {row["name"] for row in rows} == BY_SERVER


def test_the_stage_has_the_modules_that_there_are() -> None:
    """The settings' names are those of the built parts, but for helpers and what has a setting of its own."""
    from control_store.snippet_settings import MODULES
    from tests.browser.snippet import DIST

    built = {path.name.split(".")[1] for path in Path(DIST).glob("part.*.js")}
    assert built - set(MODULES) == {"element", "debug", "plugins", "region", "managers"}
    assert set(MODULES) <= built
