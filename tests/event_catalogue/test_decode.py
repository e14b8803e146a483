"""A body becomes a typed beacon or a refusal that names the field: never another error, never a value in a refusal."""

import json
import string
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_catalogue.decode import (
    Beacon,
    Consent,
    Props,
    Refused,
    ServerBeacon,
    WireEvent,
    check_props,
    decode_beacon,
    decode_server_beacons,
)
from event_catalogue.events import EVENTS
from event_catalogue.fields import FIELD

ID: Final = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
EVENT: Final[dict[str, Any]] = {"name": "pageview", "at": 1_763_999_999_000, "props": {}}
SMALL: Final[dict[str, Any]] = {"v": 1, "site": "k", "id": ID, "url": "https://shop.example/", "events": [EVENT]}
FULL: Final[dict[str, Any]] = {
    **SMALL,
    "page": "f" * 32,
    "sent": 1_764_000_000_000,
    "build": "1.2.3",
    "consent": {"statistics": True, "ads": False, "sale": False, "version": "3"},
    "optout": False,
    "gpc": True,
    "visitor": "ABCDEF01" * 4,
    "referrer": "https://search.example/",
    "title": "A title 🎉",
    "tz": "Europe/Zurich",
    "lang": "de-CH",
    "screen": [1440, 900],
    "viewport": [1200, 700],
    "plugins": ["PDF Viewer/1"],
}
UNSIGNED: Final = {"UInt8": 2**8, "UInt16": 2**16, "UInt32": 2**32}
SIGNED: Final = {"Int32": 2**31, "Int64": 2**63}


def body(**changes: Any) -> bytes:
    """The small beacon with these keys changed."""
    return json.dumps({**SMALL, **changes}).encode()


def event(**changes: Any) -> bytes:
    """The small beacon whose one event has these keys changed."""
    return body(events=[{**EVENT, **changes}])


def raw(inside: str) -> bytes:
    """The small beacon as text, with this text inserted before its end: for JSON that Python would not write."""
    return json.dumps(SMALL)[:-1].encode() + b"," + inside.encode("utf-8", "surrogatepass") + b"}"


def refusal(content: bytes) -> Refused:
    """How a body is refused."""
    with pytest.raises(Refused) as caught:
        decode_beacon(content)
    return caught.value


def without(key: str) -> bytes:
    """The small beacon without one key."""
    return json.dumps({name: value for name, value in SMALL.items() if name != key}).encode()


def test_the_example_of_the_wire_format_is_read_whole() -> None:
    """Every key of the wire format arrives under its name, with its value."""
    beacon, unknown = decode_beacon(json.dumps(FULL).encode())
    assert unknown == 0
    assert beacon.events == [WireEvent("pageview", 1_763_999_999_000, {})]
    assert beacon.consent == Consent(statistics=True, ads=False, sale=False, version="3")
    rest = {name: getattr(beacon, name) for name in FULL if name not in ("events", "consent")}
    assert rest == {
        **{name: value for name, value in FULL.items() if name not in ("events", "consent")},
        **{name: UUID(FULL[name]) for name in ("id", "page", "visitor")},
        "screen": (1440, 900),
        "viewport": (1200, 700),
    }


def test_what_is_not_sent_is_not_known() -> None:
    """Keys that a beacon leaves out are empty, and a choice that is not told is no choice."""
    beacon, _ = decode_beacon(body(consent={}))
    assert (beacon.consent, beacon.page, beacon.sent, beacon.visitor) == (
        Consent(None, None, None, ""),
        None,
        None,
        None,
    )
    assert (beacon.optout, beacon.gpc, beacon.title, beacon.tz, beacon.plugins) == (False, False, "", "", [])
    assert decode_beacon(body())[0].consent is None


@pytest.mark.parametrize(
    "content",
    [
        body(id="0" * 32),
        body(id=ID.upper()),
        body(visitor="0" * 32),
        body(page=None, sent=None, consent=None, screen=None, visitor=None),
        event(at=0),
        event(at=4_102_444_800_000),
        event(name="a" * 64),
        event(name="0_.:-"),
        body(events=[EVENT] * 100),
        body(screen=[0, 100_000]),
        body(url="https://" + "a" * 8184),
        body(title="é" * 4096),
        body(consent={"statistics": None}),
        body(plugins=["x" * 200] * 50),
        json.dumps({"name": "pageview", "at": 1})
        .encode()
        .join([json.dumps(SMALL)[:-1].encode() + b',"events":[', b"]}"]),
        b" \n\t" + body() + b"\r\n",
        b'{"site":"other",' + body()[1:],
    ],
    ids=lambda content: content.decode()[:70],
)
def test_bodies_that_are_taken(content: bytes) -> None:
    """Limits are taken as well, and of a key that comes twice the last counts."""
    beacon, unknown = decode_beacon(content)
    assert (beacon.site, unknown) == ("k", 0)


@pytest.mark.parametrize(
    ("content", "unknown"),
    [
        (body(colour="red"), 1),
        (raw('"__proto__":{"events":[]},"constructor":1,"x":null'), 3),
        (raw('"x":1,"x":2'), 1),
        (raw('"deep":' + "[" * 200 + "]" * 200), 1),
        (event(colour="red"), 0),
    ],
)
def test_unknown_keys_are_ignored_and_counted(content: bytes, unknown: int) -> None:
    """A newer snippet is understood; keys that can't be named are counted, those inside an event are not."""
    beacon, counted = decode_beacon(content)
    assert counted == unknown
    assert (beacon.site, beacon.url) == ("k", "https://shop.example/")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\ud800", ""),
        (r"cut: \uD83D", "cut: "),
        (r"\ude00x", "x"),
        (r"\ud83dx\ude00", "x"),
        (r"\ud83d\ude00 \ud83d \ud83d\ud83d\ude00", "\U0001f600  \U0001f600"),
        (r"\\ud83d \\\ud83d", "\\ud83d \\"),
    ],
)
def test_half_of_a_character_is_left_out(written: str, read: str) -> None:
    """Pages and browsers cut texts between the two; a backslash before the same letters is what it was."""
    assert decode_beacon(raw(f'"title":"{written}"'))[0].title == read
    props = event(props={"x": "y"}).replace(b'"y"', f'"{written}"'.encode())
    assert decode_beacon(props)[0].events[0].props == {"x": read}


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b"", 400, ""),
        (b"{", 400, ""),
        (b"null", 400, ""),
        (b"[]", 400, ""),
        (b'"x"', 400, ""),
        (b"12", 400, ""),
        (b"\xef\xbb\xbf" + body(), 400, ""),
        (body() + b"x", 400, ""),
        (body().replace(b'"k"', b'"\xff"'), 400, ""),
        (body().replace(b'"k"', b'"\xed\xa0\x80"'), 400, ""),
        (raw(r'"title":"\ud83\ud83dd"'), 400, ""),
        (raw('"title":NaN'), 400, ""),
        (raw('"title":Infinity'), 400, ""),
        (raw("'title':1"), 400, ""),
        (raw('"x":' + "[" * 30_000), 400, ""),
        (b'{"events":' + b"[" * 30_000, 422, "events[0]"),
        (event(props={"x": "y"}).replace(b'"y"', b"[" * 30_000 + b"]" * 30_000), 400, ""),
        (b"{}", 422, "v"),
        (without("v"), 422, "v"),
        (without("site"), 422, "site"),
        (without("id"), 422, "id"),
        (without("url"), 422, "url"),
        (without("events"), 422, "events"),
        (body(v=2), 422, "v"),
        (body(v="1"), 422, "v"),
        (body(v=True), 422, "v"),
        (body(site=""), 422, "site"),
        (body(site="k" * 65), 422, "site"),
        (body(site=7), 422, "site"),
        (body(id="0" * 31), 422, "id"),
        (body(id="g" * 32), 422, "id"),
        (body(id="0" * 32 + "\n"), 422, "id"),
        (body(id="\n" + "0" * 32), 422, "id"),
        (body(id="{" + ID + "}"), 422, "id"),
        (body(id="٠" * 32), 422, "id"),
        (body(page="x"), 422, "page"),
        (body(visitor="1"), 422, "visitor"),
        (body(visitor="urn:uuid:" + ID), 422, "visitor"),
        (body(url=""), 422, "url"),
        (body(url="x" * 8193), 422, "url"),
        (body(referrer="x" * 8193), 422, "referrer"),
        (body(title="x" * 4097), 422, "title"),
        (body(sent=-1), 422, "sent"),
        (body(sent=4_102_444_800_001), 422, "sent"),
        (body(sent="1764000000000"), 422, "sent"),
        (body(sent=1764000000000.5), 422, "sent"),
        (body(consent=True), 422, "consent"),
        (body(consent={"statistics": "yes"}), 422, "consent.statistics"),
        (body(consent={"sale": 1}), 422, "consent.sale"),
        (body(consent={"version": "v" * 33}), 422, "consent.version"),
        (body(optout=1), 422, "optout"),
        (body(gpc="1"), 422, "gpc"),
        (body(screen=[1, 2, 3]), 422, "screen"),
        (body(screen=[1, -2]), 422, "screen[1]"),
        (body(viewport=[1.5, 2]), 422, "viewport[0]"),
        (body(viewport={"w": 1}), 422, "viewport"),
        (body(plugins=["x"] * 51), 422, "plugins"),
        (body(plugins=["x" * 201]), 422, "plugins[0]"),
        (body(events=[]), 422, "events"),
        (body(events=[EVENT] * 101), 422, "events"),
        (body(events={"name": "x"}), 422, "events"),
        (body(events=[EVENT, 5]), 422, "events[1]"),
        (body(events=[EVENT, {"name": "pageview"}]), 422, "events[1].at"),
        (body(events=[EVENT, EVENT, {"at": 1}]), 422, "events[2].name"),
        (event(name=""), 422, "events[0].name"),
        (event(name="A"), 422, "events[0].name"),
        (event(name="a b"), 422, "events[0].name"),
        (event(name="a\n"), 422, "events[0].name"),
        (event(name="a" * 65), 422, "events[0].name"),
        (event(name="ａ"), 422, "events[0].name"),
        (event(at=-1), 422, "events[0].at"),
        (event(at=2**63), 422, "events[0].at"),
        (event(at=2**70), 422, "events[0].at"),
        (event(at=1e3), 422, "events[0].at"),
        (event(at=None), 422, "events[0].at"),
        (event(props=None), 422, "events[0].props"),
        (event(props=[]), 422, "events[0].props"),
        (event(props={"x": 0}).replace(b'"x": 0', b'"x": ' + b"9" * 5000), 422, "events[0].props[...]"),
        (event(props={"x": 0}).replace(b'"x": 0', b'"x": 1e999'), 422, "events[0].props[...]"),
    ],
    ids=lambda value: value[:60].decode(errors="replace") if isinstance(value, bytes) else None,
)
def test_bodies_that_are_refused(content: bytes, status: int, field: str) -> None:
    """400 for what is no JSON object in UTF-8, 422 with the field's place for the rest."""
    found = refusal(content)
    assert (found.status, found.field) == (status, field)
    assert found.sentence
    assert "\n" not in found.sentence


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every scalar of a JSON value lies."""
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in leaves(one, (*path, key))]
    if isinstance(value, list):
        return [leaf for place, one in enumerate(value) for leaf in leaves(one, (*path, place))]
    return [path]


def planted(value: Any, path: tuple[Any, ...], mark: object) -> Any:
    """A copy with the mark at that place."""
    if not path:
        return mark
    if isinstance(value, dict):
        return {key: planted(one, path[1:], mark) if key == path[0] else one for key, one in value.items()}
    return [planted(one, path[1:], mark) if place == path[0] else one for place, one in enumerate(value)]


@pytest.mark.req("C1", "P7")
@pytest.mark.parametrize("path", leaves(FULL), ids=str)
@pytest.mark.parametrize(
    "mark",
    [
        "MARK7731" * 1200,
        77_317_731_773_177_317_731,
        -7731,
        [{"MARK7731": "MARK7731"}],
        {"MARK7731": ["MARK7731"]},
        7731.5,
    ],
    ids=["long", "huge", "negative", "list", "object", "fraction"],
)
def test_no_value_of_a_body_comes_back_in_a_refusal(path: tuple[Any, ...], mark: object) -> None:
    """Whatever stands in whatever field, the refusal tells the field and not what stood there."""
    refused = refused_by(lambda: decode_beacon(json.dumps(planted(FULL, path, mark)).encode()))
    if refused is not None:
        assert "7731" not in f"{refused!r} {refused} {refused.field} {refused.sentence} {refused.args}"
        assert refused.__cause__ is None
        assert refused.__suppress_context__


def test_beacons_do_not_tell_their_content_when_they_are_printed() -> None:
    """A beacon that ends in a log line or a debugger's list of variables shows no id, page, text or address."""
    beacon, _ = decode_beacon(json.dumps(FULL).encode())
    server = decode_server_beacons(json.dumps([{**FULL, "ip": "203.0.113.9", "user_agent": "Marked/1.0"}]).encode(), 1)
    for text in (repr(beacon), f"{beacon}", repr(server), repr([WireEvent("a", 1, {"mail": "ann@example.com"})])):
        for secret in ("ABCDEF01", "shop.example", "title", "203.0.113.9", "Marked", "ann@", "0a1b2c3d"):
            assert secret not in text


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_read_or_refused(content: bytes) -> None:
    """No bytes make the decoder raise anything but Refused."""
    outcome(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(FULL)) | st.text(max_size=8), json_values, max_size=6))
def test_arbitrary_json_is_read_or_refused(changes: dict[str, Any]) -> None:
    """Nor does any JSON, standing where a beacon's own keys stand."""
    outcome(json.dumps({**SMALL, **changes}).encode("utf-8", "surrogatepass"))


@given(st.data())
def test_a_spoilt_beacon_is_read_or_refused(data: st.DataObject) -> None:
    """Nor a beacon with bytes cut out, doubled or changed."""
    content = json.dumps(FULL).encode()
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    outcome(content[:start] + data.draw(st.binary(max_size=6)) + content[end:])


def refused_by(call: Callable[[], object]) -> Refused | None:
    """How the call refused; None if it did not. Any other error goes through."""
    try:
        call()
    except Refused as refused:
        return refused
    return None


def outcome(content: bytes) -> None:
    """Decode both ways; check what may come out."""
    refused = refused_by(lambda: checked(*decode_beacon(content)))
    if refused is not None:
        assert refused.status in (400, 422)
        assert bool(refused.field) == (refused.status == 422)
    assert refused_by(lambda: decode_server_beacons(content[:-1], 10)) is not None


def checked(beacon: Beacon, unknown: int) -> None:
    """Check what was decoded, with the properties of every event. Raises Refused."""
    assert isinstance(beacon, Beacon)
    assert unknown >= 0
    for place, one in enumerate(beacon.events):
        fits(check_props(one.name, one.props, place).columns)


def fits(columns: dict[str, Any]) -> None:
    """Every value lies within its column's type and can be encoded."""
    for name, value in columns.items():
        column = FIELD[name].column
        if column in UNSIGNED:
            assert type(value) is int
            assert 0 <= value < UNSIGNED[column]
        elif column in SIGNED:
            assert type(value) is int
            assert -SIGNED[column] <= value < SIGNED[column]
        else:
            assert value.encode()


PROP_VALUES: Final = (
    json_values | st.integers(-(2**66), 2**66) | st.sampled_from([1e18, -1e300, 1e-300, 2**31, 2**32, -1])
)


@given(
    st.sampled_from([kind.name for kind in EVENTS] + ["my.event"]),
    st.dictionaries(
        st.sampled_from(sorted({prop.name for kind in EVENTS for prop in kind.props} | {"revenue", "currency"}))
        | st.text(max_size=70),
        PROP_VALUES,
        max_size=34,
    ),
)
def test_properties_fit_their_columns_or_are_refused(name: str, props: dict[str, Any]) -> None:
    """No property overflows the column that holds it, so that no row can be poison to the warehouse."""
    found: list[Props] = []
    refused = refused_by(lambda: found.append(check_props(name, props, 0)))
    if refused is not None:
        assert refused.status == 422
        assert refused.field.startswith("events[0].props")
    for columns, keys, values in found:
        fits(columns)
        assert len(keys) == len(values) <= 32
        assert all(len(key) <= 64 for key in keys)
        assert all(len(value) <= 300 for value in values)


@pytest.mark.req("C7", "C8", "C10", "C13", "C15", "C16")
@pytest.mark.parametrize(
    ("name", "props", "columns", "own"),
    [
        ("pageview", {}, {}, {}),
        ("pageview", {"plan": "pro", "n": 3, "f": 0.5}, {}, {"plan": "pro", "n": "3", "f": "0.5"}),
        ("pageview", {"yes": True, "no": False, "nil": None}, {}, {"yes": "true", "no": "false", "nil": ""}),
        ("engagement", {"ms": 86_400_000, "scroll": 100}, {"engaged_ms": 86_400_000, "scroll": 100}, {}),
        ("engagement", {"ms": 1500.9}, {"engaged_ms": 1500}, {}),
        ("engagement", {"ms": 0, "scroll": None}, {"engaged_ms": 0}, {}),
        ("hover", {"target": "menu", "ms": 10}, {"target": "menu", "hover_ms": 10}, {}),
        ("search", {"term": "shoes", "results": 0}, {"search_term": "shoes", "search_results": 0}, {}),
        ("search", {"term": "", "results": -1}, {"search_term": "", "search_results": -1}, {}),
        ("vitals", {"cls": 0.1234, "lcp": 2500.4}, {"cls": 123, "lcp": 2500}, {}),
        ("vitals", {"cls": 100}, {"cls": 100_000}, {}),
        ("load_error", {"resource": "/a.png", "status": 999}, {"resource": "/a.png", "status": 999}, {}),
        ("ad_impression", {"slot": "a", "visible": 0.5}, {"ad_slot": "a", "ad_visible": 50}, {}),
        ("ad_impression", {"slot": "a", "ms": 1000}, {"ad_slot": "a", "ad_viewable_ms": 1000}, {}),
        ("call", {"dialled": "+41445", "caller_area": "+4144"}, {"dialled": "+41445", "caller_area": "+4144"}, {}),
        ("signup", {"revenue": -1999, "plan": "x"}, {"revenue": -1999}, {"plan": "x"}),
        ("signup", {"revenue": 5, "currency": "CHF"}, {"revenue": 5, "currency": "CHF"}, {}),
        ("signup", {"revenue": 10**15}, {"revenue": 10**15}, {}),
        ("tel", {"url": "tel:+1", "__proto__": "x"}, {"target_url": "tel:+1"}, {"__proto__": "x"}),
        ("a", {"x" * 64: "y" * 300}, {}, {"x" * 64: "y" * 300}),
        ("a", {str(n): n for n in range(32)}, {}, {str(n): str(n) for n in range(32)}),
    ],
)  # fmt: skip
def test_properties_that_are_taken(
    name: str, props: dict[str, Any], columns: dict[str, Any], own: dict[str, str]
) -> None:
    """Declared properties fill their columns in the column's unit; the site's own are kept by name, as text."""
    found = check_props(name, props, 0)
    assert found.columns == columns
    assert {column: type(value) for column, value in found.columns.items()} == {
        column: type(value) for column, value in columns.items()
    }
    assert dict(zip(found.keys, found.values, strict=True)) == own


@pytest.mark.parametrize(
    ("name", "props", "field"),
    [
        ("engagement", {}, "ms"),
        ("engagement", {"scroll": 5}, "ms"),
        ("engagement", {"ms": None}, "ms"),
        ("engagement", {"ms": -1}, "ms"),
        ("engagement", {"ms": 86_400_001}, "ms"),
        ("engagement", {"ms": True}, "ms"),
        ("engagement", {"ms": "5"}, "ms"),
        ("engagement", {"ms": 5, "scroll": 101}, "scroll"),
        ("engagement", {"ms": 5, "scroll": float("nan")}, "scroll"),
        ("hover", {"target": "menu"}, "ms"),
        ("hover", {"ms": 5}, "target"),
        ("search", {}, "term"),
        ("search", {"term": 5}, "term"),
        ("search", {"term": "x" * 301}, "term"),
        ("search", {"term": "x", "results": -2}, "results"),
        ("search", {"term": "x", "results": 2**31}, "results"),
        ("search", {"term": "x", "results": float("inf")}, "results"),
        ("search", {"term": "x", "results": "many"}, "results"),
        ("outbound", {}, "url"),
        ("tel", {"url": {"x": 1}}, "url"),
        ("video", {"target": "film", "progress": 101}, "progress"),
        ("exit", {}, "method"),
        ("js_error", {"source": "a.js"}, "message"),
        ("load_error", {"resource": "x", "status": 1000}, "status"),
        ("load_error", {"resource": "x", "status": -1}, "status"),
        ("vitals", {"cls": 100.1}, "cls"),
        ("vitals", {"ttfb": [1]}, "ttfb"),
        ("ad_impression", {"creative": "c"}, "slot"),
        ("ad_impression", {"slot": "s", "visible": 1.01}, "visible"),
        ("call", {}, "dialled"),
        ("signup", {"revenue": 1.5}, "revenue"),
        ("signup", {"revenue": True}, "revenue"),
        ("signup", {"revenue": 10**15 + 1}, "revenue"),
        ("signup", {"revenue": 1, "currency": "chf"}, "currency"),
        ("signup", {"revenue": 1, "currency": "CHFX"}, "currency"),
        ("signup", {"revenue": 1, "currency": "ÄÖÜ"}, "currency"),
        ("signup", {"plan": ["a"]}, "plan"),
        ("signup", {"plan": {"a": 1}}, "plan"),
        ("signup", {"plan": "x" * 301}, "plan"),
        ("signup", {"plan": 10**18}, "plan"),
        ("signup", {"plan": -1e18}, "plan"),
        ("signup", {"plan": float("nan")}, "plan"),
        ("signup", {"plan": float("inf")}, "plan"),
    ],
)
def test_properties_that_are_refused(name: str, props: dict[str, Any], field: str) -> None:
    """A refusal names the event's place and the property."""
    with pytest.raises(Refused) as caught:
        check_props(name, props, 7)
    assert (caught.value.status, caught.value.field) == (422, f"events[7].props.{field}")


@pytest.mark.parametrize(
    "props",
    [{"": "x"}, {"x" * 65: "y"}, {str(n): n for n in range(33)}, {"ann@example.com": []}],
    ids=["no name", "long name", "too many", "a name that is no word"],
)
def test_names_of_properties_that_are_no_words_are_not_repeated(props: dict[str, Any]) -> None:
    """What is no plain word may be personal data; the refusal names the event alone."""
    with pytest.raises(Refused) as caught:
        check_props("signup", props, 3)
    assert (caught.value.status, caught.value.field) == (422, "events[3].props")


def test_the_properties_of_one_event_do_not_reach_the_next() -> None:
    """Nothing is shared between events: what a caller does to an empty answer changes no other."""
    check_props("pageview", {}, 0).columns.update(target="leaked")
    check_props("pageview", {}, 0).keys.append("leaked")
    assert check_props("print", {}, 1) == ({}, [], [])


@pytest.mark.req("C19")
def test_a_servers_list_is_read_whole_or_refused_by_place() -> None:
    """Server-side beacons carry address and agent; the first one that is wrong names its place in the list."""
    beacons = decode_server_beacons(json.dumps([FULL, {**SMALL, "ip": "203.0.113.9", "user_agent": "X"}]).encode(), 2)
    assert [type(one) for one in beacons] == [ServerBeacon, ServerBeacon]
    assert [(one.ip, one.user_agent) for one in beacons] == [("", ""), ("203.0.113.9", "X")]


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (json.dumps(SMALL).encode(), 422, "$"),
        (b"[]", 422, "$"),
        (json.dumps([SMALL] * 3).encode(), 422, "$"),
        (json.dumps([SMALL, {**SMALL, "v": 2}]).encode(), 422, "[1].v"),
        (json.dumps([SMALL, 5]).encode(), 422, "[1]"),
        (json.dumps([{**SMALL, "ip": 5}]).encode(), 422, "[0].ip"),
        (json.dumps([{**SMALL, "ip": "1" * 65}]).encode(), 422, "[0].ip"),
        (json.dumps([{**SMALL, "user_agent": "x" * 2049}]).encode(), 422, "[0].user_agent"),
        (json.dumps([{**SMALL, "title": "\ud800"}]).encode(), 400, ""),
        (b"[{", 400, ""),
        (b"[" * 50_000, 400, ""),
        (b'[{"v":' + b"[" * 50_000, 400, ""),
        (b"\xff", 400, ""),
    ],
    ids=lambda value: value[:40].decode(errors="replace") if isinstance(value, bytes) else None,
)
def test_lists_that_are_refused(content: bytes, status: int, field: str) -> None:
    """The same rules as for a browser's beacon, and a bound on the list."""
    with pytest.raises(Refused) as caught:
        decode_server_beacons(content, 2)
    assert (caught.value.status, caught.value.field) == (status, field)
    assert caught.value.sentence.rstrip(string.punctuation)
