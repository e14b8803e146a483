"""Single fields: classes instead of sizes, known names instead of free text, and no personal data in what is left."""

import string
from typing import Any, Final
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.details import Details, build_id, language, size_class, timezone
from collector.scrub import Scrubber
from event_catalogue.events import CUSTOM, EVENTS
from event_catalogue.fields import FIELD

DETAILS: Final = Details(Scrubber())
MARKS: Final = ("ann.lee@example.com", "4111 1111 1111 1111", "+41 79 123 45 67", "b1946ac92492d2347c6235b4d2611184")
"""A mail address, a card, a mobile number and a digest: none may be found again in any column of an event."""
TEXTS: Final = [(kind.name, prop.field) for kind in [*EVENTS, CUSTOM] for prop in kind.props if prop.kind == "text"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("de", "de"),
        ("DE-ch", "de-CH"),
        ("de-CH,de;q=0.9,en;q=0.8", "de-CH"),
        ("fr;q=1", "fr"),
        ("zh-Hant-TW", "zh-TW"),
        ("es-419", "es-419"),
        ("en-US-x-private", "en-US"),
        ("sr-Latn", "sr"),
        ("fil-PH", "fil-PH"),
        (" en , de", "en"),
        ("", ""),
        ("*", ""),
        ("english", ""),
        ("d", ""),
        ("de_CH", ""),
        ("ann@example.com", ""),
        ("de-" + "x" * 100_000, "de"),
        ("d\udc80", ""),
    ],
)
@pytest.mark.req("C4")
def test_a_language_is_the_first_of_the_list_in_one_spelling(text: str, expected: str) -> None:
    """Language and region, or nothing; what is neither is not kept."""
    assert language(text) == expected


def test_a_header_of_any_length_is_not_remembered() -> None:
    """Only the first characters can be cached, so that headers do not fill the memory."""
    before = language("de-CH" + "," * 100_000)
    assert language("de-CH" + "," * 100_001) == before == "de-CH"


@pytest.mark.req("C4")
def test_a_time_zone_is_an_iana_name() -> None:
    """Every name of the database, and nothing that only looks like one."""
    assert [zone for zone in available_timezones() - {"Factory", "localtime"} if timezone(zone) != zone] == []
    strangers = ["", "Factory", "localtime", "europe/zurich", "Mars/Base", "../../etc/passwd", "Europe/Zurich\n", "\0"]
    assert [timezone(name) for name in strangers] == [""] * len(strangers)


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("width", "expected"),
    [
        *((0, "xs"), (575, "xs"), (576, "sm"), (767, "sm"), (768, "md"), (991, "md"), (992, "lg"), (1199, "lg")),
        *((1200, "xl"), (1599, "xl"), (1600, "xxl"), (100_000, "xxl")),
    ],
)
def test_a_width_becomes_a_class(width: int, expected: str) -> None:
    """The limits belong to the larger class."""
    assert size_class(width) == expected


@pytest.mark.req("C1", "P8")
@pytest.mark.parametrize(
    "text",
    [
        "0791234567",
        "4111111111111111",
        "203.0.113.77",
        "2001:db8::77",
        "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "0a1b2c3d4e5f4a6b8",
        "a:b",
    ],
)
def test_a_build_holds_no_address_and_no_id_of_a_device(text: str) -> None:
    """Every tier keeps the build, so nothing that tells a person may pass as one."""
    assert build_id(text) == ""


@pytest.mark.req("C16", "P8")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, name) for name in ("pageview", "js_error", "signup", "shop:add-to-cart", "v1.2")],
        ("203.0.113.77", "[ip]"),
        ("login-of-2001:db8::c5f4:77", None),
        ("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "[uuid]"),
        ("5d41402abc4b2a76b9719d911017c592", "[hash]"),
        ("call-of-0041791234567", None),
    ],
)
def test_the_name_of_an_event_of_its_own_is_scrubbed(name: str, expected: str | None) -> None:
    """A name is a dimension of every report; it is chosen by whoever sends."""
    stored = DETAILS.event_name(name)
    assert stored == expected if expected is not None else name != stored


@pytest.mark.req("C11", "C12", "C13", "C14", "P8")
@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        ("click", {"target": "Add to cart"}, {"target": "Add to cart"}),
        ("click", {"target": "Write ann@example.com"}, {"target": "Write [email]"}),
        ("click", {"target_role": "button", "target_region": "main.nav", "flag": "rage"}, None),
        ("click", {"target_role": "a b", "target_region": "x" * 65, "flag": "<b>"}, "empty"),
        ("click", {"target_role": MARKS[3], "target_region": "0791234567", "flag": MARKS[0]}, "empty"),
        ("exit", {"method": "back_forward"}, None),
        ("exit", {"target_host": "Other.Example."}, {"target_host": "other.example"}),
        ("exit", {"target_host": MARKS[3] + ".example"}, {"target_host": "[hash].example"}),
        ("exit", {"target_host": "a b"}, "empty"),
        ("exit", {"target_host": "x" * 256}, "empty"),
        ("outbound", {"target_host": "203.0.113.9"}, {"target_host": "[ip]"}),
        ("outbound", {"target_host": "[2001:db8::1]:80"}, {"target_host": "[ip]"}),
        ("outbound", {"target_url": "https://other.example/a?b=c#d"}, {"target_url": "other.example/a", "target_host": "other.example"}),
        ("outbound", {"target_url": "HTTP://Other.Example"}, {"target_url": "other.example", "target_host": "other.example"}),
        ("outbound", {"target_url": "https://ann:pw@other.example:8443/x@y"}, {"target_url": "other.example:8443/x@y", "target_host": "other.example"}),
        ("outbound", {"target_url": "https://203.0.113.9/x"}, {"target_url": "[ip]/x", "target_host": "[ip]"}),
        ("outbound", {"target_url": "ftp://other.example/x"}, {"target_url": "", "target_host": ""}),
        ("outbound", {"target_url": "https://bad host/x"}, {"target_url": "/x", "target_host": ""}),
        ("outbound", {"target_url": "https://a.example/x", "target_host": "b.example"},
         {"target_url": "a.example/x", "target_host": "b.example"}),
        ("download", {"target_url": "/files/price-list.pdf?key=secret"}, {"target_url": "/files/price-list.pdf", "target_host": ""}),
        ("tel", {"target_url": "tel:+41 44 123 45 67"}, {"target_url": "+41441234567"}),
        ("tel", {"target_url": "TEL:(044) 123-45.67;ext=5"}, {"target_url": "0441234567"}),
        ("tel", {"target_url": "tel:0441234567,99#"}, {"target_url": "0441234567"}),
        ("tel", {"target_url": "tel:+1", "target": "Call +41 44 123 45 67"}, {"target_url": "+1", "target": "+1"}),
        ("tel", {"target_url": "tel:+1", "target": "Call us"}, {"target_url": "+1", "target": "Call us"}),
        ("tel", {"target_url": "tel:ann@example.com"}, {"target_url": "tel:[email]"}),
        ("tel", {"target_url": "https://other.example/4111111111111111"}, {"target_url": "other.example/[card]"}),
        ("tel", {"target_url": "tel:" + "9" * 300}, {"target_url": "9" * 15}),
        ("mailto", {"target_url": "mailto:ann@example.com?subject=hello"}, {"target_url": "mailto:[email]"}),
        ("search", {"search_term": "  Red \t SHOES "}, {"search_term": "red shoes"}),
        ("search", {"search_term": "ann@example.com"}, {"search_term": "[email]"}),
        ("search", {"search_results": 0}, None),
        ("call", {"dialled": "+41 44 123 45 67", "caller_country": "ch", "caller_area": "+41 44"},
         {"dialled": "+41441234567", "caller_country": "CH", "caller_area": "+4144"}),
        ("call", {"caller_area": "+41791234567"}, {"caller_area": "+4179"}),
        ("call", {"caller_country": "CHE"}, "empty"),
        ("call", {"caller_area": "0791234567", "dialled": "ask"}, {"caller_area": "0791", "dialled": ""}),
        ("js_error", {"error_message": "no user ann@example.com", "error_stack": "9f3ac1"},
         {"error_message": "no user [email]", "error_stack": "9f3ac1"}),
        ("js_error", {"error_stack": MARKS[3]}, "empty"),
        ("js_error", {"error_source": "https://shop.example/a.js?v=ann:10:5"}, {"error_source": "https://shop.example/a.js:10:5"}),
        ("load_error", {"resource": "https://cdn.example/a.png?x", "resource_kind": "image", "status": 404},
         {"resource": "cdn.example/a.png", "resource_kind": "image", "status": 404}),
        ("engagement", {"engaged_ms": 5, "scroll": 100}, None),
        ("signup", {"revenue": -5, "currency": "CHF"}, None),
    ],
)  # fmt: skip
def test_columns_are_cleaned(name: str, columns: dict[str, Any], expected: dict[str, Any] | str | None) -> None:
    """Each by the rule of its column. None: kept as they are; "empty": nothing of them is kept."""
    wanted = columns if expected is None else dict.fromkeys(columns, "") if expected == "empty" else expected
    assert DETAILS.clean(name, columns) == wanted


@pytest.mark.req("P8")
@pytest.mark.parametrize(("name", "field"), TEXTS)
@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("form", ["{}", "before {} after", "https://shop.example/a/{}/b?x={}", "/{}"])
def test_no_column_of_any_event_keeps_personal_data(name: str, field: str, mark: str, form: str) -> None:
    """A mail address, a card, a mobile number or a digest planted in any text column of any event is gone, but for the
    two columns whose meaning is a number that the site itself offers."""
    value = form.format(*[mark] * form.count("{}"))
    kept = DETAILS.clean(name, {field: value})[field]
    if field == "dialled" or (name, field) == ("tel", "target_url"):
        assert set(kept) <= set(string.digits + "+") or mark not in kept
        return
    squeezed = kept.replace(" ", "").replace("%20", "")
    assert mark.replace(" ", "") not in squeezed
    assert "ann.lee" not in squeezed
    assert field != "caller_area" or len(kept) <= 5


@given(st.sampled_from(TEXTS), st.text(max_size=300))
def test_any_text_can_be_cleaned_and_stored(place: tuple[str, str], text: str) -> None:
    """No text raises, what comes out is text, and cleaning it again changes nothing more."""
    name, field = place
    once = DETAILS.clean(name, {field: text})[field]
    assert isinstance(once, str)
    assert FIELD[field].python_type is str


@pytest.mark.req("C16", "P8")
def test_the_sites_own_properties_are_cleaned_and_digests_refused() -> None:
    """Names and values pass the scrubber; a hash of a person leaves an empty value."""
    keys, values = DETAILS.own(["plan", "mail ann@example.com"], ["pro", MARKS[3]])
    assert (keys, values) == (["plan", "mail [email]"], ["pro", ""])
    assert DETAILS.own(["a", "b"], ["Call +41 79 123 45 67", "true"])[1] == ["Call [phone]", "true"]
    assert DETAILS.own([], []) == ([], [])


def test_builds_are_words() -> None:
    """A build that is no word is not kept."""
    assert [build_id(text) for text in ("1.2.3", "2026-11/a", "", "a b", "ann@example.com", "x" * 65, "1\n")] == [
        *("1.2.3", "2026-11/a"),
        *[""] * 5,
    ]


@pytest.mark.req("C7")
def test_a_term_has_one_spelling_wherever_it_comes_from() -> None:
    """From the query or from an event: the same search is the same row."""
    assert DETAILS.term(" Red  SHOES\n") == DETAILS.clean("search", {"search_term": "red shoes"})["search_term"]
