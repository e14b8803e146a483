"""A beacon's way: what the design's table opens reaches the spool's bytes, and what it does not open never does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import product
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.address import NO_ADDRESS, ClientAddress
from collector.registry import ServedSite
from collector.request import RequestFacts
from collector.steps import Draft, Verdict, Way, walk
from collector.visitor import NOBODY, returning_hash, visitor_hash
from event_catalogue.decode import Refused, decode_beacon
from event_catalogue.event import SCHEMA_VERSION, Parcel, encode_parcel
from event_catalogue.events import EVENTS
from event_catalogue.fields import FIELD, FIELDS
from tests.collector.by_design import ANY, POLICIES, YES_NO, Case, by_design, fields_by_design, settings_of
from tests.collector.world import AGENT, CLIENT, DAY_MS, NOW, beacon, named, salt_for, site, tools

DEVICE: Final = "5d0c3e1f-77aa-4b6b-8c7d-9e0f1a2b3c4d"
LIMITS: Final = {"UInt8": (0, 2**8), "UInt16": (0, 2**16), "UInt32": (0, 2**32), "UInt64": (0, 2**64)}
LIMITS |= {"Int32": (-(2**31), 2**31), "Int64": (-(2**63), 2**63), "Date": (0, 2**16)}
LIMITS |= {"DateTime64(3, 'UTC')": (0, 2**53)}


def draft_of(
    content: dict[str, Any], served: ServedSite, *, now: int = NOW, way: Way = "beacon", **facts: Any
) -> Draft:
    """The draft of a beacon that came from the usual client."""
    decoded = decode_beacon(json.dumps(content).encode())[0]
    address = ClientAddress(ip_address(CLIENT).packed)
    return Draft(decoded, RequestFacts(**{"address": address, "user_agent": AGENT, **facts}), served, now=now, way=way)


def walked(content: dict[str, Any], served: ServedSite | None = None, **facts: Any) -> Draft:
    """The same, after all steps; nothing may end it."""
    draft = draft_of(content, served or ServedSite(site()), **facts)
    assert walk(draft, tools()) is None
    return draft


def rows_of(draft: Draft) -> list[dict[str, Any]]:
    """Its rows, by field names."""
    return [named(row) for row in draft.rows]


def packed(draft: Draft) -> bytes:
    """The bytes that would go to the spool."""
    return encode_parcel(Parcel(SCHEMA_VERSION, 1, bytes(16), draft.now, draft.rows, draft.tallies))


# Every wire field with a value that no other has and that survives scrubbing, so that it is found again if it is kept.
MARKED: Final = beacon(
    f"{1:016x}",
    {"name": "pageview"},
    {"name": "engagement", "props": {"ms": 71_717, "scroll": 73}},
    {"name": "click", "props": {"target": "Zebra", "role": "button", "region": "sidebar", "flag": "rage"}},
    {"name": "hover", "props": {"target": "Quokka", "ms": 919}},
    {"name": "outbound", "props": {"url": "https://walrus.example/den", "host": "walrus.example", "target": "Walrus"}},
    {"name": "download", "props": {"url": "/files/lynx.pdf"}},
    {"name": "tel", "props": {"url": "tel:+41445550199", "target": "Ring"}},
    {"name": "mailto", "props": {"url": "mailto:x@y.example", "target": "Wombat"}},
    {"name": "form_submit", "props": {"target": "Ocelot"}},
    {"name": "form_abandon", "props": {"target": "Numbat"}},
    {"name": "search", "props": {"term": "axolotl", "results": 817}},
    {"name": "copy", "props": {"target": "Ibis"}},
    {"name": "print"},
    {"name": "video", "props": {"target": "Okapi", "progress": 67, "method": "ended"}},
    {"name": "exit", "props": {"method": "reload", "host": "narwhal.example"}},
    {"name": "js_error", "props": {"message": "Pangolin is not defined", "source": "axe.js:7:9", "stack": "77ab34"}},
    {"name": "load_error", "props": {"resource": "https://tapir.example/a.png", "kind": "image", "status": 503}},
    {"name": "not_found"},
    {"name": "vitals", "props": {"ttfb": 61_001, "fcp": 61_002, "lcp": 61_003, "inp": 61_004, "cls": 61.005}},
    {"name": "ad_impression", "props": {"slot": "Dugong", "creative": "Manatee", "position": "Puffin", "ms": 61_007}},
    {"name": "call", "props": {"dialled": "+41445550188", "caller_country": "LI", "caller_area": "+4233"}},
    {"name": "signup", "props": {"revenue": 71_828_182, "currency": "XTS", "plan": "Capybara"}},
    visitor=DEVICE,
    title="Platypus",
    tz="Antarctica/Troll",
    lang="fo-FO",
    screen=[1441, 907],
    viewport=[703, 601],
    plugins=["Gharial Viewer"],
    build="build77",
    url="https://shop.example/kestrel?utm_campaign=condor&q=gannet",
    referrer="https://heron.example/x",
)

VISIBLE: Final[dict[str, tuple[bytes, ...]]] = {
    "title": (b"Platypus",),
    "timezone": (b"Antarctica/Troll",),
    "screen": (b"1441x907",),
    "plugins": (b"Gharial",),
    "target": (b"Zebra", b"Walrus", b"Ring", b"Wombat", b"Ocelot", b"Okapi"),
    "target_role": (b"button",),
    "target_region": (b"sidebar",),
    "target_url": (b"walrus.example/den", b"lynx.pdf", b"+41445550199"),
    "target_host": (b"narwhal.example",),
    "method": (b"reload", b"ended"),
    "flag": (b"rage",),
    "search_term": (b"axolotl", b"gannet"),
    "error_message": (b"Pangolin",),
    "error_source": (b"axe.js:7:9",),
    "error_stack": (b"77ab34",),
    "resource": (b"tapir.example",),
    "resource_kind": (b"image",),
    "prop_keys": (b"plan",),
    "prop_values": (b"Capybara",),
    "currency": (b"XTS",),
    "dialled": (b"+41445550188",),
    "caller_area": (b"+4233",),
    "ad_slot": (b"Dugong",),
    "ad_creative": (b"Manatee",),
    "ad_position": (b"Puffin",),
}
"""Marks by the field that keeps them."""
BY_EVENT: Final = {"consent": (b"Quokka", b"Numbat", b"Ibis")}
"""Marks of events that only a choice opens; their column is open to other events too."""


def combinations(policy: str) -> Iterator[Case]:
    """Policies, choices and settings that lead to different rulings, with and without a signal."""
    for statistics, ads, basic_only, plugins, gpc in product(ANY, ANY, YES_NO, YES_NO, YES_NO):
        yield Case(policy, "cookieless", gpc, False, True, False, statistics, ads, None, basic_only, plugins)


@pytest.mark.req("P7", "P2", "P6", "C3", "C11", "C15", "C16")
@pytest.mark.parametrize("policy", POLICIES)
def test_what_a_ruling_forbids_is_in_no_byte_of_the_parcel(policy: str) -> None:
    """Marks planted in every wire field: those that the design's table opens are found in the bytes for the spool, and
    not one of the others, whatever the client sends and chooses."""
    for case in combinations(policy):
        outcome = by_design(case)
        choice = {"statistics": case.statistics, "ads": case.ads}
        draft = draft_of({**MARKED, "consent": choice, "gpc": case.gpc}, ServedSite(given_settings(case)))
        verdict = walk(draft, tools())
        if outcome.tier == "denied":
            assert verdict == Verdict("not_recorded", outcome.reason)
            assert (draft.rows, draft.tallies) == ([], [])
            continue
        assert verdict is None
        content, allowed = packed(draft), fields_by_design(case, outcome)
        for name, marks in VISIBLE.items():
            assert [mark for mark in marks if (mark in content) is not (name in allowed)] == [], (name, case)
        assert {mark in content for mark in BY_EVENT["consent"]} == {outcome.tier == "consented"}
        assert [field.name for field in FIELDS if field.name not in allowed and kept(draft, field.name)] == []
        assert (returning_hash(UUID(DEVICE), bytes(31) + b"\1") in content) is outcome.device_id
        for never in (DEVICE.encode(), bytes.fromhex(DEVICE.replace("-", "")), AGENT.encode(), CLIENT.encode()):
            assert never not in content


def given_settings(case: Case) -> Any:
    """The site of a case."""
    settings = settings_of(case)
    return site(**{name: getattr(settings, name) for name in ("policy", "gpc", "dnt", "basic_only", "plugins")})


def kept(draft: Draft, name: str) -> bool:
    """Whether any row of the draft holds more than the default of this field."""
    return any(row[name] != FIELD[name].default for row in rows_of(draft))


@pytest.mark.req("P7", "C5")
def test_with_the_essential_alone_nothing_comes_back_by_another_way() -> None:
    """The script's time zone makes no country and its language no language; the request's own header does."""
    draft = walked(MARKED, ServedSite(site(basic_only=True)), language="it-CH,it;q=0.9")
    (row, second) = rows_of(draft)
    assert (row["country"], row["place_from"], row["language"]) == ("", "", "it-CH")
    assert [row["name"], second["name"]] == ["pageview", "not_found"]
    opened = rows_of(walked(MARKED, language="it-CH"))[0]
    assert (opened["country"], opened["place_from"], opened["language"]) == ("AQ", "timezone", "fo-FO")


@pytest.mark.req("P6")
def test_of_minors_less_is_kept() -> None:
    """Events are counted; title, search terms and the site's own properties are not kept, and no choice opens them."""
    choice = {"statistics": True, "ads": True}
    draft = walked({**MARKED, "consent": choice}, ServedSite(site(policy="under_16", plugins=True)))
    rows = {row["name"]: row for row in rows_of(draft)}
    assert set(rows) == {kind.name for kind in EVENTS} - {"hover", "form_abandon", "copy", "ad_impression", "open"} | {
        "signup"
    }
    assert (rows["search"]["search_term"], rows["search"]["search_results"]) == ("", 817)
    assert {(row["title"], tuple(row["prop_keys"]), row["returning"]) for row in rows.values()} == {("", (), NOBODY)}


@pytest.mark.req("C23", "P3")
@pytest.mark.parametrize(
    ("content", "facts", "reason"),
    [
        ({"optout": True}, {}, "objection"),
        ({"gpc": True}, {}, "gpc"),
        ({}, {"gpc": True}, "gpc"),
        ({"gpc": False}, {"gpc": True}, "gpc"),
        ({}, {"dnt": True}, "dnt"),
        ({"consent": {"statistics": True, "ads": True, "sale": True}}, {"gpc": True}, "gpc"),
        ({"consent": {"statistics": True}, "optout": True}, {}, "objection"),
    ],
)
def test_who_does_not_want_to_be_counted_leaves_a_reason_and_nothing_else(
    content: dict[str, Any], facts: dict[str, Any], reason: str
) -> None:
    """Whatever header or body say otherwise; page, agent and place are not even looked at."""
    draft = draft_of({**MARKED, **content, "url": "not a url"}, ServedSite(site()), **facts)
    assert walk(draft, tools()) == Verdict("not_recorded", reason)
    assert (draft.rows, draft.tallies) == ([], [])
    assert not hasattr(draft, "page")
    assert not hasattr(draft, "agent")


@pytest.mark.req("P5")
@pytest.mark.parametrize(
    ("settings", "content", "flag"),
    [
        ({}, {}, 0),
        ({}, {"consent": {"sale": False}}, 1),
        ({}, {"consent": {"sale": True, "statistics": True}}, 0),
        ({"gpc": "cookieless"}, {"gpc": True}, 1),
        ({"gpc": "cookieless"}, {"gpc": True, "consent": {"sale": True, "statistics": True}}, 1),
    ],
)
def test_rows_of_people_who_opted_out_of_sale_carry_one_flag(
    settings: dict[str, Any], content: dict[str, Any], flag: int
) -> None:
    """Whatever the cause, and no field tells which."""
    row = rows_of(walked({**beacon(f"{1:016x}"), **content}, ServedSite(site(**settings))))[0]
    assert row["no_share"] == flag


@pytest.mark.parametrize(
    ("url", "settings", "verdict"),
    [
        ("ftp://shop.example/", {}, Verdict("rejected", "bad_url", 422, "url", "must begin with http:// or https://")),
        ("https://localhost:3000/", {}, Verdict("excluded", "localhost")),
        ("http://127.0.0.1/", {}, Verdict("excluded", "localhost")),
        ("https://localhost/", {"localhost": True}, "hostname"),
        ("https://evil.example/", {}, "hostname"),
        ("https://shop.example@evil.example/", {}, "hostname"),
        ("https://shop.example.evil.example/", {}, "hostname"),
    ],
)
@pytest.mark.req("C22", "C23")
def test_pages_that_are_not_the_sites_end_the_way(url: str, settings: dict[str, Any], verdict: Verdict | str) -> None:
    """Each with its counted word and its answer; the answer repeats nothing of the URL."""
    draft = draft_of(beacon(f"{1:016x}", url=url), ServedSite(site(**settings)))
    found = walk(draft, tools())
    assert found is not None
    if isinstance(verdict, Verdict):
        assert found == verdict
    else:
        assert (found.outcome, found.reason, found.status, found.field) == ("rejected", verdict, 403, "url")
    assert "evil" not in found.sentence
    assert draft.rows == []


@pytest.mark.req("C20")
@pytest.mark.parametrize(
    ("sent", "at", "expected"),
    [
        (NOW, NOW, NOW),
        (NOW, NOW - 5000, NOW - 5000),
        (NOW + 3_600_000, NOW + 3_600_000, NOW),
        (NOW + 3_600_000, NOW + 3_600_000 - 5000, NOW - 5000),
        (NOW - 3_600_000, NOW - 3_600_000 - 5000, NOW - 5000),
        (5000, 0, NOW - 5000),
        (NOW, NOW + 1, NOW),
        (0, NOW, NOW),
        (4_102_444_800_000, 4_102_444_800_000, NOW),
        (NOW, NOW - DAY_MS, NOW - DAY_MS),
        (NOW, NOW - DAY_MS - 1, None),
        (4_102_444_800_000, 0, None),
        (None, NOW - 5000, NOW - 5000),
        (None, NOW + 5000, NOW),
        (None, 0, None),
    ],
)
def test_the_time_of_an_event_is_its_age_before_receipt(sent: int | None, at: int, expected: int | None) -> None:
    """received − (sent − at), so that a wrong clock does not matter; the future is now; what is over 24 hours old is
    counted and not recorded, never re-dated."""
    content = {**beacon(f"{1:016x}", {"name": "pageview", "at": at}), "sent": sent}
    draft = walked(content)
    assert [row["at"] for row in rows_of(draft)] == ([] if expected is None else [expected])
    assert [(tally.day, tally.outcome, tally.reason, tally.n) for tally in draft.tallies] == (
        [(NOW // DAY_MS, "not_recorded", "too_old", 1)] if expected is None else []
    )


@pytest.mark.req("C20", "C19")
@pytest.mark.parametrize(
    ("at", "expected"),
    [
        *((NOW, NOW), (NOW - 400 * DAY_MS, NOW - 400 * DAY_MS), (NOW + 1, NOW), (4_102_444_800_000, NOW)),
        *((DAY_MS, DAY_MS), (DAY_MS - 1, None), (0, None)),
    ],
)
def test_an_imported_event_keeps_its_own_time(at: int, expected: int | None) -> None:
    """However old, and whatever was said of sending; never in the future, and never on a day that has no number."""
    content = {**beacon(f"{1:016x}", {"name": "pageview", "at": at}), "sent": max(0, at - 5)}
    for zone in ("UTC", "Etc/GMT+12", "Pacific/Kiritimati"):
        draft = walked(content, ServedSite(site(timezone=zone)), way="import")
        assert [row["at"] for row in rows_of(draft)] == ([] if expected is None else [expected])
        assert all(0 <= row["day"] < 2**16 for row in rows_of(draft))


@pytest.mark.req("A1")
@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Zurich", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati"]
)
def test_a_beacon_over_midnight_is_two_days_and_two_visitors(zone: str) -> None:
    """Each event has its own local day and the hash under that day's salt, by which nobody can join the two."""
    midnight = datetime(2025, 11, 24, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    middle = int(midnight.timestamp()) * 1000
    content = beacon(
        f"{1:016x}", {"name": "pageview", "at": middle - 1}, {"name": "print", "at": middle}, sent=middle + 5
    )
    served = ServedSite(site(timezone=zone))
    first, second = rows_of(walked(content, served, now=middle + 5))
    days = [(datetime(2025, 11, day, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days for day in (23, 24)]
    assert [first["day"], second["day"]] == days
    address = ClientAddress(ip_address(CLIENT).packed)
    hashes = [visitor_hash(1, address, AGENT, salt_for(served, day, 0)) for day in days]
    assert [first["visitor"], second["visitor"]] == hashes
    assert hashes[0] != hashes[1]


@pytest.mark.req("C20", "C23")
def test_one_wrong_event_refuses_the_whole_beacon_and_names_its_place() -> None:
    """Atomic: nothing of it is stored, and the answer says which event and property."""
    content = beacon(f"{1:016x}", {"name": "pageview"}, {"name": "print"}, {"name": "engagement", "props": {"ms": -1}})
    draft = draft_of(content, ServedSite(site()))
    verdict = walk(draft, tools())
    assert verdict is not None
    assert verdict[:4] == ("rejected", "bad_field", 422, "events[2].props.ms")


def test_a_wrong_event_is_wrong_however_old_and_whatever_was_chosen() -> None:
    """Validity does not depend on the tier, so that a sender learns of a fault at once and always the same."""
    old = {"name": "hover", "at": NOW - 3 * DAY_MS, "props": {}}
    verdict = walk(draft_of(beacon(f"{1:016x}", old), ServedSite(site())), tools())
    assert verdict is not None
    assert verdict.field == "events[0].props.target"


@pytest.mark.req("C23", "C11")
def test_events_that_are_left_out_are_counted_one_by_one() -> None:
    """Rows and counts together are what the beacon brought."""
    events = [{"name": "hover", "props": {"target": "a", "ms": 5}}, {"name": "ad_impression", "props": {"slot": "a"}}]
    events += [{"name": "pageview"}, {"name": "print", "at": NOW - 2 * DAY_MS}]
    draft = walked(beacon(f"{1:016x}", *events))
    assert [row["idx"] for row in rows_of(draft)] == [2]
    assert [(tally.reason, tally.n) for tally in draft.tallies] == [("consent", 1), ("ads", 1), ("too_old", 1)]
    parcel = Parcel(SCHEMA_VERSION, 1, bytes(16), NOW, draft.rows, draft.tallies)
    assert parcel.events == len(events)


@pytest.mark.req("C7")
@pytest.mark.parametrize(
    ("event", "url", "term", "results"),
    [
        ({"name": "search", "props": {"term": "Red  Shoes", "results": 3}}, "/", "red shoes", 3),
        ({"name": "search", "props": {"term": "shoes", "results": 0}}, "/", "shoes", 0),
        ({"name": "search", "props": {"term": "shoes"}}, "/", "shoes", -1),
        ({"name": "search", "props": {"term": "shoes", "results": -1}}, "/", "shoes", -1),
        ({"name": "search", "props": {"term": "shoes", "results": None}}, "/", "shoes", -1),
        ({"name": "pageview"}, "/find?q=Red++Shoes", "red shoes", 0),
        ({"name": "pageview"}, "/find?q=ann%40example.com", "[email]", 0),
        ({"name": "pageview"}, "/find?q=", "", 0),
        ({"name": "print"}, "/find?q=shoes", "", 0),
    ],
)
def test_searches_are_kept_with_their_results(event: dict[str, Any], url: str, term: str, results: int) -> None:
    """In one spelling, from the event or from the page's query; -1 where the number of answers was not told."""
    (row,) = rows_of(walked(beacon(f"{1:016x}", event, url=f"https://shop.example{url}")))
    assert (row["search_term"], row["search_results"]) == (term, results)


@pytest.mark.req("P8", "C13")
def test_personal_data_is_gone_before_the_row() -> None:
    """From path, title, campaign tags, referrer, texts, properties, build; the site's own number stays."""
    mail, card = "ann.lee@example.com", "4111 1111 1111 1111"
    content = beacon(
        f"{1:016x}",
        {"name": "pageview", "props": {"who": mail, card: "x"}},
        {"name": "tel", "props": {"url": "tel:+41 44 555 01 99"}},
        {"name": "mailto", "props": {"url": f"mailto:{mail}"}},
        {"name": "js_error", "props": {"message": f"no {mail}"}},
        url=f"https://{mail}:pw@shop.example/u/{mail}?utm_source={mail}&utm_term={card}&ref={mail}&token=secret#{mail}",
        title=f"Hello {mail} {card}",
        referrer=f"https://{mail}:pw@heron.example/{mail}?x={mail}",
        build=mail,
        lang=mail,
        tz=mail,
        plugins=[mail],
        consent={"statistics": True},
    )
    content_bytes = packed(walked(content, ServedSite(site(plugins=True))))
    for secret in (b"ann", b"example.com", b"4111", b"1111", b"secret", b"pw@"):
        assert secret not in content_bytes
    assert b"+41445550199" in content_bytes
    assert b"heron.example" in content_bytes


@pytest.mark.req("C19")
def test_an_opened_mail_has_no_visitor_no_place_and_no_agent() -> None:
    """Its campaign, its time and its site are all there is."""
    content = beacon(
        f"{1:016x}", {"name": "open"}, url="https://shop.example/kestrel?utm_campaign=condor&utm_source=letter",
        title="Platypus", tz="Europe/Zurich", lang="de-CH", visitor=DEVICE, consent={"statistics": True},
    )  # fmt: skip
    (row,) = rows_of(walked(content, way="mail"))
    filled = {name for name, value in row.items() if value != FIELD[name].default}
    assert filled == {
        *("site", "day", "keep", "beacon", "name", "at", "received", "stored_on", "tier", "policy_version"),
        *("source", "source_kind", "channel", "utm_campaign", "utm_source"),
    }
    assert (row["utm_campaign"], row["visitor"]) == ("condor", NOBODY)


@pytest.mark.req("C17", "P2")
@pytest.mark.parametrize(
    ("referrer", "address", "lost"),
    [
        ("https://shop.example/landing?utm_source=letter", "/b", True),
        ("https://www.shop.example/landing", "/b", True),
        ("https://pay.shop.example/", "/b", True),
        ("https://www.paypal.com/checkoutnow", "/thanks", True),
        ("", "/b", False),
        ("https://www.google.com/", "/b", False),
        ("https://nobody-knows.example/", "/b", False),
        ("http://192.0.2.7/", "/b", False),
        ("https://shop.example/landing", "/b?utm_source=letter", False),
    ],
)
def test_where_nothing_is_kept_before_consent_a_lost_source_is_not_called_direct(
    referrer: str, address: str, lost: bool
) -> None:
    """A page that one of the site's own led to tells nothing of the visit's source; with a policy that keeps the pages
    before, its event says what it always said."""
    content = beacon(f"{1:016x}", url=f"https://shop.example{address}", referrer=referrer, consent={"statistics": True})
    told = {}
    for policy in ("opt_in", "cookieless", "opt_out"):
        (row,) = rows_of(walked(content, ServedSite(site(policy=policy, opt_out_in_europe=True))))
        told[policy] = (row["source_kind"], row["channel"], row["source"], row["referrer"])
    assert told["opt_out"] == told["cookieless"]
    assert told["opt_in"] == (("unknown", "unknown (before consent)", "", "") if lost else told["cookieless"])
    assert "unknown" not in told["cookieless"]


@pytest.mark.req("C1", "C2", "C19")
def test_the_same_visitor_is_the_same_in_every_tier_and_on_every_way() -> None:
    """Accepting in mid-visit changes no visitor; an import's visitors are others than the live ones."""
    plain = beacon(f"{1:016x}")
    served = ServedSite(site())
    hashes = {
        rows_of(walked({**plain, **more}, served, way=way))[0]["visitor"]
        for more in ({}, {"consent": {"statistics": True}, "visitor": DEVICE}, {"consent": {"statistics": False}})
        for way in ("beacon", "pixel", "server")
    }
    assert len(hashes) == 1
    imported = draft_of(plain, served, way="import")
    imported.import_id = 7
    assert walk(imported, tools()) is None
    assert rows_of(imported)[0]["visitor"] not in hashes
    assert rows_of(walked(plain, served, address=NO_ADDRESS))[0]["visitor"] not in hashes


@pytest.mark.req("C18")
def test_a_machine_is_stored_with_the_rule_that_saw_it() -> None:
    """Flagged, with all its fields, so that the flag can be taken back."""
    agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    (row,) = rows_of(walked(beacon(f"{1:016x}", title="Platypus"), user_agent=agent))
    assert row["bot"]
    assert (row["title"], row["hostname"], row["name"]) == ("Platypus", "shop.example", "pageview")
    assert rows_of(walked(beacon(f"{1:016x}")))[0]["bot"] == ""


@pytest.mark.req("C18")
@pytest.mark.parametrize("counted", [(), ("agent:googlebot",), ("agent:*",)])
def test_the_rule_stays_in_the_row_whatever_the_site_counts(counted: tuple[str, ...]) -> None:
    """So that a site can change its mind: which rules count is decided when rows are read."""
    served = ServedSite(site(counted_bots=counted))
    agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    assert rows_of(walked(beacon(served.site.key), served, user_agent=agent))[0]["bot"] == "agent:googlebot"


def test_the_record_of_a_row_is_the_beacons_and_the_sites() -> None:
    """Ids, times, period, versions: where a row comes from and when it goes."""
    content = beacon(f"{7:016x}", page="f" * 32, build="77a")
    served = ServedSite(site(7, "Asia/Tokyo", raw_days=14, policy_version="2026-11"))
    draft = draft_of(content, served)
    draft.import_id = 12
    assert walk(draft, tools()) is None
    (row,) = rows_of(draft)
    names = "site keep beacon page received stored_on policy_version build import_id batch tier name idx"
    assert [row[name] for name in names.split()] == [
        *(7, 14, bytes.fromhex("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d"), b"\xff" * 16, NOW, NOW // DAY_MS),
        *("2026-11", "77a", 12, 0, "cookieless", "pageview", 0),
    ]


def test_a_site_whose_zone_changes_is_cut_by_the_zone_that_holds() -> None:
    """Until the midnight from which the new one holds, by the old one."""
    moving = msgspec.structs.replace(
        site(), timezone="Pacific/Kiritimati", next_timezone="Etc/GMT+12", next_timezone_from=NOW
    )
    before = rows_of(
        walked(beacon(f"{1:016x}", sent=None, url="https://shop.example/"), ServedSite(moving), now=NOW - 1)
    )
    after = rows_of(walked(beacon(f"{1:016x}"), ServedSite(moving)))
    assert (before[0]["day"], after[0]["day"]) == (NOW // DAY_MS + 1, NOW // DAY_MS)


text = st.text(max_size=40)
number = st.integers(-5, 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()
wire = {
    "url": st.one_of(text, text.map(lambda t: f"https://shop.example/{t}"), st.just("https://localhost/")),
    "referrer": st.one_of(text, text.map(lambda t: f"https://{t}/")),
    "title": text,
    "tz": text,
    "lang": text,
    "build": text,
    "screen": st.tuples(st.integers(0, 100_000), st.integers(0, 100_000)),
    "viewport": st.tuples(st.integers(0, 100_000), st.integers(0, 100_000)),
    "plugins": st.lists(st.text(max_size=200), max_size=3),
    "sent": st.integers(0, 4_102_444_800_000),
    "consent": st.fixed_dictionaries({}, optional={"statistics": st.none() | st.booleans(), "ads": st.booleans()}),
    "visitor": st.uuids().map(str),
}
events = st.fixed_dictionaries(
    {
        "name": st.sampled_from([kind.name for kind in EVENTS] + ["my.event"]),
        "at": st.integers(0, 4_102_444_800_000) | st.integers(NOW - 2 * DAY_MS, NOW + DAY_MS),
        "props": st.dictionaries(
            st.sampled_from([prop.name for kind in EVENTS for prop in kind.props]) | text, text | number, max_size=6
        ),
    }
)


@pytest.mark.req("P7", "O4")
@given(
    st.fixed_dictionaries({}, optional=wire),
    st.lists(events, min_size=1, max_size=4),
    st.sampled_from(["beacon", "pixel", "mail", "server", "import"]),
    st.sampled_from(["UTC", "Etc/GMT+12", "Pacific/Kiritimati", "Asia/Kathmandu"]),
    text,
)
def test_no_beacon_raises_and_no_row_is_poison(
    fields: dict[str, Any], sent: list[dict[str, Any]], way: Way, zone: str, agent: str
) -> None:
    """Whatever passes the decoder: the way ends with rows or a verdict, and every value fits its column."""
    content = {**beacon(f"{1:016x}"), **fields, "events": sent}
    try:
        decode_beacon(json.dumps(content).encode())
    except Refused:
        return
    served = ServedSite(site(timezone=zone, plugins=True, query_keys=("x",), hash_routes=True))
    draft = draft_of(content, served, way=way, user_agent=agent, language=agent, referer=agent, purpose=agent)
    verdict = walk(draft, tools())
    if verdict is not None:
        assert verdict.status in (204, 403, 422)
        return
    assert len(draft.rows) + len(draft.tallies) == len(sent)
    assert packed(draft)
    for row in draft.rows:
        for field, value in zip(FIELDS, row, strict=True):
            fits(field, value)


def fits(field: Any, value: Any) -> None:
    """Whether the warehouse could take this value: type, range, length, and text that is UTF-8."""
    assert type(value) is field.python_type, field.name
    if isinstance(value, int):
        low, end = LIMITS[field.column]
        assert low <= value < end, field.name
    elif isinstance(value, bytes):
        assert len(value) == 16
    else:
        for one in [value] if isinstance(value, str) else value:
            assert isinstance(one, str)
            assert len(one) <= field.limit, field.name
            assert one.encode().decode() == one
