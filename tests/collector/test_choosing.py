"""Choices: what each leaves in the spool and on the device, against the design's sentences."""

import re
from collections.abc import Iterator
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from collector.texts import read_texts
from collector.visitor import returning_hash
from event_catalogue.choice import COOKIES, ChoiceRecord, decode_choices
from spool.kinds import Kind
from spool.reader import SpoolReader
from tests.collector import mmdb
from tests.collector.test_endpoints import Door, door
from tests.collector.world import CLIENT, NOW, beacon, body, world

__all__ = ["door"]

TEXTS: Final = read_texts()
DEVICE: Final = "5d0c3e1f-77aa-4b6b-8c7d-9e0f1a2b3c4d"
RECEIPT: Final = "7e57ab1e-0000-4000-8000-00000000feed"
MINUTE: Final = NOW // 60_000 * 60_000
DAY: Final = NOW // 86_400_000
OWN: Final = {"host": "shop.example"}
GPC: Final = {"sec-gpc": "1"}
DACH: Final = {"192.0.2": ("DE", "DE-BE"), "198.51.100": ("US", "California"), "203.0.113": ("CH", "CH-ZH")}


@pytest.fixture
def abroad(tmp_path: Path) -> Iterator[Door]:
    """A collector with a small city database: three networks in three countries."""
    networks = {
        (bytes(map(int, net.split("."))), 24): {
            "country": {"iso_code": country},
            "subdivisions": [{"iso_code": region[3:]} if region[2:3] == "-" else {"names": {"en": region}}],
        }
        for net, (country, region) in DACH.items()
    }
    path = mmdb.write(tmp_path / "places.mmdb", networks, kind="GeoLite2-City", ip_version=4)
    (tmp_path / "data").mkdir()
    with world(tmp_path / "data", geo=(path,)) as made:
        one = Door(made)
        yield one
        one.loop.close()


def change(there: Door, **settings: Any) -> None:
    """Other settings of the site, which the running collector knows."""
    there.made.change(**settings)
    there.refresh()


def records(there: Door) -> list[ChoiceRecord]:
    """What the choices have left in the spool, in order."""
    reader = SpoolReader(there.made.root / "spool" / "w0")
    found = reader.read(0, max_events=10**6, max_bytes=10**9)
    reader.close()
    return [one for record in found if record.kind == Kind.CHOICE for one in decode_choices(record.body)]


def choose(there: Door, content: Any, **headers: str) -> Any:
    """Send a choice; the answer."""
    path = f"/c/{there.made.site.key}"
    return there.ask("POST", path, content=body(content), headers={n.replace("_", "-"): v for n, v in headers.items()})


def look(there: Door, peer: str = CLIENT, **headers: str) -> dict[str, Any]:
    """What `GET /c/<site>` says."""
    answer = there.ask("GET", f"/c/{there.made.site.key}", peer=peer, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


def cookies(answer: Any) -> dict[str, Any]:
    """The cookies of an answer, by name."""
    found: dict[str, Any] = {}
    for line in answer.headers.get_list("set-cookie"):
        found.update(SimpleCookie(line))
    return found


@pytest.mark.req("P2", "P4")
def test_a_grant_leaves_a_receipt_and_nothing_about_who_gave_it(door: Door) -> None:
    """Random number, site, minute, version, purposes, how; no address, no agent, no device id, no visitor."""
    answer = choose(door, {"statistics": True, "ads": False, "version": "3", "how": "banner"})
    assert answer.status_code == 202
    told = answer.json()
    assert (told["tier"], told["statistics"], told["ads"], told["sale"]) == ("consented", True, False, None)
    (record,) = records(door)
    assert record == ChoiceRecord(
        door.made.site.id, "grant", MINUTE, "3", True, False, None, "", "banner", UUID(told["receipt"]).bytes
    )
    raw = door.made.spooled().raw
    for mark in (b"203.0.113", b"Firefox", UUID(told["visitor"]).bytes, told["visitor"].encode()):
        assert mark not in raw


@pytest.mark.req("P2")
@pytest.mark.parametrize(
    ("content", "what"),
    [
        ({"statistics": False}, "refusal"),
        ({"statistics": False, "ads": False, "sale": False, "how": "banner"}, "refusal"),
        ({"ads": False}, "refusal"),
        ({"optout": True}, "objection"),
        ({"optout": True, "statistics": True}, "objection"),
        ({"sale": False}, "sale_optout"),
    ],
)
def test_what_opens_nothing_is_a_count_of_a_day(door: Door, content: dict[str, Any], what: str) -> None:
    """No id, no minute, no region, not even how it was done."""
    answer = choose(door, content)
    assert (answer.status_code, answer.json()["receipt"], answer.json()["visitor"]) == (202, None, None)
    assert records(door) == [ChoiceRecord(door.made.site.id, what, DAY * 86_400_000, "1")]  # type: ignore[arg-type]


@pytest.mark.req("P3", "P4", "P6")
@pytest.mark.parametrize(
    ("settings", "content", "headers"),
    [
        ({}, {"statistics": True, "ads": True}, GPC),
        ({}, {"statistics": True, "gpc": True}, {}),
        ({}, {"statistics": True, "gpp": True}, {}),
        ({}, {"statistics": True}, {"dnt": "1"}),
        ({"gpc": "cookieless"}, {"statistics": True, "ads": True}, GPC),
        ({"policy": "under_16"}, {"statistics": True, "ads": True}, {}),
        ({"under_16_paths": ("/kids/*",)}, {"statistics": True}, {"referer": "https://shop.example/kids/x"}),
    ],
)
def test_a_grant_without_effect_makes_nothing(
    door: Door, settings: dict[str, Any], content: dict[str, Any], headers: dict[str, str]
) -> None:
    """A signal and a page for children go before it: no receipt, no id, no count, no cookie."""
    change(door, **settings) if settings else None
    answer = door.ask("POST", f"/c/{door.made.site.key}", content=body(content), headers={**OWN, **headers})
    told = answer.json()
    assert (answer.status_code, told["statistics"], told["ads"], told["receipt"]) == (202, False, False, None)
    assert records(door) == []
    assert cookies(answer) == {}


@pytest.mark.req("P4")
@pytest.mark.parametrize(
    ("content", "statistics", "ads"),
    [
        ({"statistics": False}, True, True),
        ({"optout": True}, True, True),
        ({"statistics": True, "ads": False}, False, True),
    ],
)
def test_what_is_refused_later_is_withdrawn(door: Door, content: dict[str, Any], statistics: bool, ads: bool) -> None:
    """By the hash that rows carry, and by the receipt; the device id itself is in no byte."""
    assert choose(door, {**content, "visitor": DEVICE, "receipt": RECEIPT}).status_code == 202
    withdrawal = records(door)[-1]
    pseudonym = returning_hash(UUID(DEVICE), door.made.site.returning_key)
    assert withdrawal == ChoiceRecord(
        *(door.made.site.id, "withdrawal", MINUTE),
        statistics=statistics,
        ads=ads,
        receipt=UUID(RECEIPT).bytes,
        returning=pseudonym,
    )
    raw = door.made.spooled().raw
    assert pseudonym in raw
    assert UUID(DEVICE).bytes not in raw
    assert DEVICE.encode() not in raw


def test_a_later_grant_of_the_same_purposes_withdraws_nothing(door: Door) -> None:
    """Who accepts again under a new notice keeps the device id: it is not told anew, and so not prolonged."""
    answer = choose(door, {"statistics": True, "visitor": DEVICE, "receipt": RECEIPT}, host="shop.example")
    assert [record.what for record in records(door)] == ["grant"]
    assert answer.json()["visitor"] is None
    assert "ff_id" not in cookies(answer)


@pytest.mark.req("P2", "P4")
def test_cookies_on_the_sites_own_address(door: Door) -> None:
    """Each with its fixed life, readable by the snippet, to this site alone; https makes them Secure."""
    lives = {cookie.name: str(cookie.days * 86_400) for cookie in COOKIES}
    answer = choose(door, {"statistics": True, "sale": False}, **OWN, x_forwarded_proto="https")
    found, told = cookies(answer), answer.json()
    assert found["ff_id"].value == told["visitor"]
    assert found["ff_receipt"].value == f"{told['receipt']}:1:{DAY}:s"
    assert found["ff_sale"].value == f"o:{DAY}"
    kept = {name: morsel for name, morsel in found.items() if morsel.value}
    assert kept.keys() == {"ff_id", "ff_receipt", "ff_sale"}
    for name, morsel in kept.items():
        assert (morsel["max-age"], morsel["path"], morsel["samesite"]) == (lives[name], "/", "Lax")
        assert morsel["secure"] is True
        assert not morsel["httponly"]
        assert not morsel["domain"]
    assert {name for name, morsel in found.items() if morsel["max-age"] == "0"} == {"ff_choice", "ff_optout"}


@pytest.mark.req("P4", "P8")
@pytest.mark.parametrize("said", ["ann@example.com", "0791234567", "a b", "x" * 32, "4111111111111111", ""])
def test_a_version_is_no_place_for_a_text(door: Door, said: str) -> None:
    """What can be no version of a notice is not written down: today's stands for it."""
    choose(door, {"statistics": True, "version": said})
    choose(door, {"statistics": False, "version": said})
    choose(door, {"statistics": False, "version": "2026-11.a"})
    assert [one.version for one in records(door)] == ["1", "1", "2026-11.a"]


@pytest.mark.req("P6")
def test_opt_out_holds_where_the_place_is_known_or_the_owners_own(abroad: Door) -> None:
    """In the US, and in the owner's network; an address that no database knows may be Europe's, as one that is."""
    change(abroad, policy="opt_out")
    told = {peer: look(abroad, peer)["policy"] for peer in ("198.51.100.7", "127.0.0.1", "8.8.8.8", "192.0.2.7")}
    assert told == {
        "198.51.100.7": "opt_out",
        "127.0.0.1": "opt_out",
        "8.8.8.8": "cookieless",
        "192.0.2.7": "cookieless",
    }


@pytest.mark.req("P2")
def test_after_a_refusal_the_device_holds_no_id(door: Door) -> None:
    """`d:<version>:<day>` for six months; the ids of an earlier grant are removed."""
    change(door, policy_version="3;x")
    found = cookies(choose(door, {"statistics": False, "version": "3;x"}, **OWN))
    assert {name: morsel.value for name, morsel in found.items()} == {
        "ff_choice": f"d:3x:{DAY}",
        "ff_id": "",
        "ff_receipt": "",
    }
    assert found["ff_choice"]["max-age"] == str(182 * 86_400)
    assert not re.search(r"[0-9a-f]{8}", found["ff_choice"].value)


@pytest.mark.req("P2", "P3")
@pytest.mark.parametrize("content", [{"statistics": True}, {"statistics": False}, {"optout": True}])
def test_elsewhere_no_cookie_is_set_and_none_is_read(door: Door, content: dict[str, Any]) -> None:
    """The collector's own address is not the site's: one id there would follow people over sites."""
    jar = f"ff_id={DEVICE}; ff_receipt={RECEIPT}"
    answer = choose(door, content, host="collector.example", cookie=jar, origin="https://shop.example")
    assert answer.status_code == 202
    assert cookies(answer) == {}
    assert "withdrawal" not in [record.what for record in records(door)]


@pytest.mark.req("P4", "P17")
@pytest.mark.parametrize(
    ("choice", "whats"),
    [("accept", ["grant"]), ("decline", ["refusal", "withdrawal"]), ("object", ["objection", "withdrawal"])],
)
def test_a_plain_form_does_the_same(door: Door, choice: str, whats: list[str]) -> None:
    """Without a script: the ids come from the site's own cookies, the answer is a page."""
    headers = {
        **OWN,
        "content-type": "application/x-www-form-urlencoded",
        "cookie": f"ff_id={DEVICE}; ff_receipt={RECEIPT}",
        "x-forwarded-host": "shop.example",
    }
    answer = door.ask("POST", f"/c/{door.made.site.id}", content=f"choice={choice}".encode(), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Your choice is recorded" in answer.text
    found = records(door)
    assert [record.what for record in found] == whats
    assert found[0].how == ("form" if choice == "accept" else "")


@pytest.mark.req("P1", "P3", "P4")
@pytest.mark.parametrize(
    ("headers", "form", "said", "unsaid"),
    [
        ({"x-forwarded-host": "shop.example"}, "choice=accept", "words.saved_accepted", "words.saved_declined"),
        ({"x-forwarded-host": "shop.example"}, "choice=decline", "words.saved_unshared", "words.saved_accepted"),
        ({"x-forwarded-host": "shop.example"}, "statistics=off", "words.saved_declined", "words.saved_unshared"),
        ({"x-forwarded-host": "shop.example"}, "choice=object", "words.saved_objected", "words.saved_declined"),
        ({"x-forwarded-host": "shop.example"}, "sale=false", "purpose.sale.text", "words.saved_declined"),
        (
            {"x-forwarded-host": "shop.example", "sec-gpc": "1"},
            "choice=accept",
            "words.honoured",
            "words.saved_accepted",
        ),
        ({}, "choice=decline", "notice.elsewhere", "words.saved_declined"),
        ({}, "choice=object", "notice.elsewhere", "words.saved_objected"),
    ],
)
def test_a_form_is_told_what_became_of_it_in_the_visitors_language(
    door: Door, headers: dict[str, str], form: str, said: str, unsaid: str
) -> None:
    """No more than is true: where the browser keeps nothing, it is said where it would; a signal goes before a grant."""
    for language, asked in (("de", {"accept-language": "de-CH,de;q=0.9"}), ("ja", {"accept-language": "en"})):
        told = {"content-type": "application/x-www-form-urlencoded", **headers, **asked}
        query = f"?lang={language}" if language == "ja" else ""
        answer = door.ask("POST", f"/c/{door.made.site.key}{query}", content=form.encode(), headers=told)
        assert (answer.status_code, answer.headers["content-language"]) == (200, language)
        words = TEXTS[language]
        text = unescape(answer.text)
        assert words["notice.recorded"] in text
        assert words[said] in text
        assert words[unsaid] not in text
        assert f"../privacy/{door.made.site.key}?lang={language}" in text


@pytest.mark.req("P4")
def test_single_purposes_of_a_form(door: Door) -> None:
    """Checkboxes by their names."""
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    path = f"/c/{door.made.site.key}"
    assert door.ask("POST", path, content=b"statistics=on&ads=off&version=2", headers=headers).status_code == 200
    (record,) = records(door)
    assert (record.statistics, record.ads, record.version) == (True, False, "2")


@pytest.mark.req("O4")
@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b"", 400, None),
        (b"[]", 400, None),
        (b"\xff", 400, None),
        (b"[" * 3000, 400, None),
        (b"{}", 422, "statistics"),
        (b'{"statistics":"yes"}', 422, "statistics"),
        (b'{"statistics":true,"how":"trick"}', 422, "how"),
        (b'{"statistics":true,"version":"' + b"x" * 33 + b'"}', 422, "version"),
        (b'{"statistics":true,"version":"\\u0000"}', 422, "version"),
        (b'{"statistics":true,"visitor":"me"}', 422, "visitor"),
        (b'{"statistics":true,"receipt":5}', 422, "receipt"),
        (b'{"optout":1}', 422, "optout"),
        (b" " * 4097, 413, None),
    ],
)
def test_bad_choices_get_one_clear_answer(door: Door, content: bytes, status: int, field: str | None) -> None:
    """A problem that names the field; nothing is written and nothing is repeated."""
    answer = door.ask("POST", f"/c/{door.made.site.key}", content=content)
    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert records(door) == []


@pytest.mark.parametrize(
    "content",
    [
        b"choice=accept&" + b"a=b&" * 50,
        b"statistics=maybe",
        b"\xff\xfe",
        b"choice=other",
        b"",
        b"visitor=x&choice=accept",
    ],
)
def test_bad_forms_do_too(door: Door, content: bytes) -> None:
    """Too many fields, words that are none, no text."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = door.ask("POST", f"/c/{door.made.site.key}", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert records(door) == []


@pytest.mark.req("P4")
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 202),
        ("https://www.shop.example:8443", 202),
        ("null", 202),
        ("https://evil.example", 403),
        ("https://shop.example.evil.example", 403),
        ("http://localhost:3000", 403),
    ],
)
def test_only_pages_of_the_site_choose(door: Door, origin: str, status: int) -> None:
    """Another site's page can't accept in a visitor's name."""
    assert choose(door, {"statistics": True}, origin=origin).status_code == status
    assert len(records(door)) == (status == 202)


def test_unknown_sites_are_told(door: Door) -> None:
    """By both methods."""
    for method in ("GET", "POST"):
        assert door.ask(method, "/c/nowhere", content=b'{"statistics":true}').status_code == 404
    assert door.ask("PUT", f"/c/{door.made.site.key}").status_code == 405


@pytest.mark.req("P4", "O3")
def test_a_choice_is_on_the_disk_before_it_is_acknowledged(door: Door) -> None:
    """Where the spool refuses, the visitor is told to try again, and no cookie is set."""
    assert choose(door, {"statistics": True}).status_code == 202
    assert len(records(door)) == 1
    door.made.spool.close()
    answer = choose(door, {"statistics": True}, **OWN)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert cookies(answer) == {}


@pytest.mark.req("P3", "P6")
@pytest.mark.parametrize(
    ("settings", "headers", "expected"),
    [
        ({}, {}, ("cookieless", False, False)),
        ({}, GPC, ("cookieless", True, False)),
        ({"policy": "opt_in"}, {}, ("opt_in", False, True)),
        ({"policy": "opt_in"}, GPC, ("opt_in", True, False)),
        ({"policy": "opt_in"}, {"dnt": "1"}, ("opt_in", False, False)),
        ({"policy": "opt_in", "dnt": False}, {"dnt": "1"}, ("opt_in", False, True)),
        ({"policy": "opt_in", "gpc": "cookieless"}, GPC, ("opt_in", True, True)),
        ({"policy": "opt_out"}, {}, ("opt_out", False, False)),
        ({"policy": "under_16"}, {}, ("under_16", False, False)),
        ({"region_policies": ("EEA=opt_in", "US=opt_out")}, {}, ("opt_in", False, True)),
    ],
)
def test_what_holds_here(
    door: Door, settings: dict[str, Any], headers: dict[str, str], expected: tuple[str, bool, bool]
) -> None:
    """Policy, signal, whether a choice is needed, notice; without a database the strictest policy holds."""
    change(door, policy_version="7", **settings)
    told = look(door, **headers)
    assert (told["policy"], told["gpc"], told["choice_needed"]) == expected
    assert (told["version"], told["region"]) == ("7", "")


@pytest.mark.req("P6")
@pytest.mark.parametrize(
    ("peer", "policy", "region"),
    [
        ("192.0.2.9", "opt_in", "DE-BE"),
        ("203.0.113.9", "cookieless", "CH-ZH"),
        ("198.51.100.9", "under_16", "US"),
        ("233.252.0.9", "opt_in", ""),
    ],
)
def test_the_place_decides_by_the_address(abroad: Door, peer: str, policy: str, region: str) -> None:
    """The rows obey the same policy as the answer says; what is not known is the strictest."""
    change(abroad, region_policies=("EEA=opt_in", "US=opt_out", "US-CA=under_16"))
    told = look(abroad, peer=peer)
    assert (told["policy"], told["region"]) == (policy, region)
    sent = beacon(abroad.made.site.key, tz="America/New_York", title="A title")
    entry = abroad.preview(sent, peer=peer)[0]
    assert entry["stored"] is (policy != "opt_in")
    assert ("title" in entry.get("fields", {})) is (policy == "cookieless")


@pytest.mark.req("P6")
def test_pages_for_children_are_told_apart(door: Door) -> None:
    """By the address that is asked for, or the page that asks."""
    change(door, policy="opt_in", under_16_paths=("/kids/*",))
    path = f"/c/{door.made.site.key}"
    page = door.ask("GET", path, params={"url": "https://shop.example/KIDS/x"}).json()
    asked = door.ask("GET", path, headers={"referer": "https://shop.example/kids/"}).json()
    assert page == asked
    change(door, under_16_paths=("/kids/*",))
    assert door.ask("GET", path, params={"url": "https://shop.example/kids"}).json()["policy"] == "under_16"
    assert door.ask("GET", path, params={"url": "https://shop.example/"}).json()["policy"] == "cookieless"


@pytest.mark.req("P3")
def test_the_statement_of_support_is_as_the_specification_has_it(door: Door) -> None:
    """application/json, an object with `gpc` true and `lastUpdate` an RFC 3339 full-date (W3C GPC, support resource)."""
    answer = door.ask("GET", "/.well-known/gpc.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    statement = answer.json()
    assert statement["gpc"] is True
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", statement["lastUpdate"])


@pytest.mark.req("O4")
def test_a_network_can_flood_no_receipts(tmp_path: Path) -> None:
    """A choice counts as fifty events in its network's rate; another network chooses on."""
    with world(tmp_path, network_rate=500.0) as made:
        there = Door(made)
        path, content = f"/c/{made.site.key}", body({"statistics": True})
        answers = [there.ask("POST", path, content=content).status_code for _ in range(25)]
        assert answers == [202] * 20 + [429] * 5
        assert there.ask("POST", path, peer="192.0.2.9", content=content).status_code == 202
        there.loop.close()


@pytest.mark.req("P3", "C19")
@pytest.mark.parametrize(
    ("policy", "cookie", "own", "rows"),
    [
        ("cookieless", "", True, 1),
        ("cookieless", "ff_optout=o:1", True, 0),
        ("cookieless", "ff_optout=o:1", False, 1),
        ("opt_out", "ff_choice=d:1:1", True, 0),
        ("opt_out", "ff_sale=o:1", True, 1),
        ("opt_in", f"ff_id={DEVICE}; ff_receipt={RECEIPT}:1:1:sa", True, 0),
    ],
)
def test_the_image_obeys_what_was_chosen_without_a_script(
    door: Door, policy: str, cookie: str, own: bool, rows: int
) -> None:
    """On the site's own address an objection and a refusal count, and cookies open nothing; elsewhere none is read."""
    change(door, policy=policy)
    headers = {"cookie": cookie, **(OWN if own else {})}
    url = "https://shop.example/no-script"
    answer = door.ask("GET", "/e.gif", params={"site": door.made.site.key, "url": url}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    found = door.rows()
    assert len(found) == rows
    assert [row["no_share"] for row in found] == [int("ff_sale" in cookie)] * rows
