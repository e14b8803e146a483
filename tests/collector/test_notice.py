"""The living notice: it follows each setting, in the languages of the banner, and a wider practice is a new version."""

import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

from collector.notice import facts_of, next_version, widens
from collector.texts import LANGUAGES, read_texts
from control_store.ledger_head import close_day, write_ledger_head
from control_store.notice_file import read_notice
from control_store.notice_gaps import notice_gaps
from control_store.notices import revisions
from control_store.seals import Seal, save_seals
from control_store.site_settings import SiteSettings, changed
from control_store.sites import delete_site, find_site, publish_snapshot
from control_store.snapshot import Site
from event_catalogue.choice import COOKIES
from event_catalogue.fields import FIELDS
from footfall.noticing import publish_notices, renew_notices
from tests.collector.test_endpoints import Door, door
from tests.collector.world import NOW

__all__ = ["door"]

SCHEMA: Final = Path(__file__).parents[2] / "collector" / "templates" / "notice.schema.json"
HOUR: Final = 3_600_000
TEXTS: Final = read_texts()


def show(there: Door, *settings: str, now: int = NOW) -> None:
    """Give the site these settings, as the command line does, and do what the core does then."""
    made = there.made
    site = find_site(made.store, "shop.example")
    if settings:
        values = changed(site.settings, list(settings))
        made.change(**{name: getattr(values, name) for name in SiteSettings.__struct_fields__})
    renew_notices(made.store, now)
    publish_snapshot(made.store, made.snapshot)
    publish_notices(made.store, made.settings.notices)
    made.app.intake.registry.refresh()


def read(there: Door, language: str = "en", **headers: str) -> dict[str, Any]:
    """The notice's JSON, which its schema allows."""
    query = {"lang": language} | ({"version": headers.pop("version")} if "version" in headers else {})
    answer = there.ask("GET", f"/privacy/{there.made.site.key}.json", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    jsonschema_rs.validate(json.loads(SCHEMA.read_text()), content)
    return content


def page(there: Door, language: str = "en", **headers: str) -> str:
    """The notice as a page, without its marks."""
    path = f"/privacy/{there.made.site.key}"
    answer = there.ask(
        "GET", path, params={"lang": language}, headers={n.replace("_", "-"): v for n, v in headers.items()}
    )
    assert (answer.status_code, answer.headers["content-language"]) == (200, language)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    return str(answer.text)


FOLLOWS: Final[list[tuple[str, str, str]]] = [
    ("raw_days=7", "7 days", "7 Tagen"),
    ("raw_days=0", "as soon as the statistics", "sobald die Statistik"),
    ("aggregate_months=13", "13 months", "13 Monate"),
    ("k=12", "fewer than 12", "weniger als 12"),
    ("gpc=cookieless", "without recognising you", "ohne Sie wiederzuerkennen"),
    ("policy=opt_in", "Nothing is recorded before a yes", "Vor einem Ja wird nichts aufgezeichnet"),
    ("policy=opt_out", "recorded until you decline", "aufgezeichnet, bis Sie ablehnen"),
    ("policy=under_16", "For children", "Für Kinder"),
    ("under_16_paths=/kids/*", "Pages for children", "Seiten für Kinder"),
    ("region_policies=EEA=opt_in", "EEA: Nothing is recorded", "EEA: Vor einem Ja"),
    ("modules=ads", "which advertisements could be seen, where", "welche Werbung gesehen werden konnte, wo"),
    ("plugins=true", "names of plug-ins", "Namen von Plug-ins"),
    ("shares=true", "may be sold or shared", "verkauft oder weitergegeben werden"),
    ("controller=Kettle & Fern Ltd", "Kettle &amp; Fern Ltd", "Kettle &amp; Fern Ltd"),
    ("controller_address=7 Nowhere Lane", "7 Nowhere Lane", "7 Nowhere Lane"),
    ("contact=privacy@shop.example", "Write to privacy@shop.example", "Schreiben Sie an privacy@shop.example"),
    ("privacy_officer=Ada", "Data protection officer: Ada", "Datenschutzbeauftragte Person: Ada"),
    ("representative=Bob", "Representative in the European Union: Bob", "Vertretung in der Europäischen Union: Bob"),
    ("legal_basis=legitimate_interests", "Legitimate interests (GDPR", "Berechtigte Interessen (Art."),
    ("legal_basis=public_task", "task in the public interest", "Aufgabe im öffentlichen Interesse"),
    ("recipients=Host Ltd, Mail Inc", "Host Ltd, Mail Inc", "Host Ltd, Mail Inc"),
    ("transfers=USA, standard clauses", "USA, standard clauses", "USA, standard clauses"),
    ("authority=FDPIC", "Supervisory authority: FDPIC", "Aufsichtsbehörde: FDPIC"),
    ("policy_version=2026-a", "Version 2026-a", "Version 2026-a"),
]
ABSENT: Final = [
    ("dnt=false", "Do Not Track"),
    ("basic_only=true", "time zone"),
    ("policy=opt_in", TEXTS["en"]["notice.for_sale"]),
]


@pytest.mark.req("P9", "P13")
def test_the_notice_follows_each_setting_in_two_languages(door: Door) -> None:
    """Set, it is read; before, it was not. What is unset leaves no gap that visitors see."""
    show(door)
    plain = {language: page(door, language) for language in ("en", "de")}
    usual = {name: getattr(SiteSettings(), name) for name in SiteSettings.__struct_fields__}
    for assignment, *expected in FOLLOWS:
        door.made.change(**usual)
        show(door, assignment)
        for language, text in zip(("en", "de"), expected, strict=True):
            assert text not in plain[language], (assignment, text)
            assert text in page(door, language), (assignment, text)
            read(door, language)
    for assignment, text in ABSENT:
        door.made.change(**usual)
        show(door, assignment)
        categories = json.dumps(read(door)["categories"]) + page(door).partition("<h2>")[2]
        if assignment == "basic_only=true":
            unasked = [one["text"] for one in read(door)["categories"] if one["opened_by"] == "unasked"]
            assert text not in unasked
        else:
            assert text not in categories


@pytest.mark.req("P9", "P1")
def test_every_language_says_everything(door: Door) -> None:
    """No place left in braces, no text of another language, the same keys."""
    show(door, "modules=ads", "shares=true", "contact=privacy@shop.example")
    english = read(door, "en")
    for language in LANGUAGES:
        text = page(door, language)
        assert not re.findall(r"\{\w+\}", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))
        assert f'<html lang="{language}"' in text
        content = read(door, language)
        assert content.keys() == english.keys()
        assert [one["fields"] for one in content["categories"]] == [one["fields"] for one in english["categories"]]
        if language != "en":
            assert {one["text"] for one in content["rights"]}.isdisjoint(one["text"] for one in english["rights"])


@pytest.mark.req("P9")
def test_all_that_art_13_and_the_notice_at_collection_ask_for_is_there(door: Door) -> None:
    """GDPR art. 13(1), (2) and 11 CCR § 7012(e), key by key; every field and every cookie of the catalogue."""
    show(
        door,
        *("modules=ads", "plugins=true", "shares=true", "controller=K", "contact=c@shop.example"),
        *("privacy_officer=o", "representative=r", "legal_basis=legitimate_interests", "authority=a", "transfers=t"),
    )
    told = read(door)
    art_13 = {
        "1a": told["controller"]["name"] and told["controller"]["contact"] and told["controller"]["representative"],
        "1b": told["controller"]["privacy_officer"],
        "1c": all(one["legal_basis"] for one in told["purposes"]),
        "1d": "Legitimate interests" in told["purposes"][0]["legal_basis_text"],
        "1e": told["recipients"] == [],
        "1f": told["transfers"],
        "2a": told["periods"]["detailed_records_days"] == 35
        and told["periods"]["statistics_months"] == 25
        and told["periods"]["receipts_days"] == 365,
        "2b-c": {"access", "delete", "correct", "restrict", "object", "portability", "withdraw"}
        <= {one["right"] for one in told["rights"]},
        "2d": told["supervisory_authority"] and "complain" in {one["right"] for one in told["rights"]},
        "2e": told["provision_required"] is False,
        "2f": told["automated_decisions"] is False,
    }
    assert all(art_13.values()), art_13
    california = told["california"]
    assert {one["category"] for one in california["categories"]} == {one.ccpa for one in FIELDS if one.ccpa != "none"}
    assert (california["sold_or_shared"], california["retention_days"], california["sensitive"]) == (True, 35, False)
    # § 7012(e)(1)–(4), (6): categories, purposes, whether sold or shared, how long; the opt-out; who else is in control.
    used_for = {one["category"]: one["purposes"] for one in california["categories"]}
    assert used_for == {
        "identifiers": ["audience", "returning", "sale"],
        "internet_activity": ["audience", "ads", "sale"],
        "geolocation": ["audience", "sale"],
        "commercial": ["audience", "sale"],
    }
    assert all(one["retention_days"] == 35 and one["sold_or_shared"] for one in california["categories"])
    assert (california["opt_out"], california["third_parties_in_control"]) == ("#choices", [])
    text = page(door)
    assert 'href="#choices">Do Not Sell or Share My Personal Information</a>' in text
    assert text.count("Detailed records are deleted after 35 days, and after 395 days in any case.") == 1 + len(
        used_for
    )
    assert "Receipts of consent are kept 365 days" in text
    door.made.change()
    show(door)
    assert {tuple(one["purposes"]) for one in read(door)["california"]["categories"]} == {
        ("audience",),
        ("audience", "returning"),
    }
    assert (read(door)["california"]["opt_out"], 'href="#choices"' in page(door)) == ("", False)
    assert {name for one in told["categories"] for name in one["fields"]} == {one.name for one in FIELDS}
    assert {one["name"]: one["days"] for one in told["cookies"]} == {one.name: one.days for one in COOKIES}


@pytest.mark.req("P14")
def test_a_wider_practice_is_a_new_version_and_a_narrower_one_is_not(door: Door) -> None:
    """The setting's version rises, so that rows and banner carry it; old versions stay readable; the owner may name one."""
    show(door)
    show(door, "raw_days=14", now=NOW + HOUR)
    assert (read(door)["version"], read(door)["periods"]["detailed_records_days"]) == ("1", 14)
    assert door.ask("GET", f"/c/{door.made.site.key}").json()["version"] == "1"
    show(door, "plugins=true", now=NOW + 2 * HOUR)
    told = read(door)
    assert (told["version"], told["is_current"], told["in_force_since"]) == ("2", True, told["last_changed"])
    assert door.ask("GET", f"/c/{door.made.site.key}").json()["version"] == "2"
    assert [one["version"] for one in told["versions"]] == ["2", "1"]
    old = read(door, version="1")
    assert (old["version"], old["is_current"], old["current_version"]) == ("1", False, "2")
    assert "plugins" not in json.dumps(old["categories"])
    assert old["in_force_since"] < old["last_changed"] < told["in_force_since"]
    answer = door.ask("GET", f"/privacy/{door.made.site.key}", params={"version": "1", "lang": "en"})
    assert "no longer the current one, which is version 2" in answer.text
    show(door, "policy_version=spring", now=NOW + 3 * HOUR)
    show(door, "plugins=false", "contact=x@shop.example", now=NOW + 4 * HOUR)
    assert read(door)["version"] == "spring"
    count = len(revisions(door.made.store, door.made.site.id))
    show(door, now=NOW + 5 * HOUR)
    assert len(revisions(door.made.store, door.made.site.id)) == count, "nothing changed, nothing is added"
    assert door.ask("GET", f"/privacy/{door.made.site.key}", params={"version": "9"}).status_code == 404


WIDER: Final = [
    ("", "policy=opt_out"),
    ("policy=opt_in", "policy=cookieless"),
    ("", "plugins=true"),
    ("basic_only=true", "basic_only=false"),
    ("", "modules=ads"),
    ("", "shares=true"),
    ("raw_days=35", "raw_days=60"),
    ("", "aggregate_months=26"),
    ("", "k=4"),
    ("", "gpc=cookieless"),
    ("", "dnt=false"),
    ("under_16_paths=/kids", "under_16_paths="),
    ("region_policies=EEA=opt_in", "region_policies="),
    ("", "recipients=Host Ltd"),
    ("", "transfers=USA"),
]


@pytest.mark.req("P14")
@pytest.mark.parametrize(("before", "after"), WIDER)
def test_what_widens(before: str, after: str) -> None:
    """Purposes, fields, periods, recipients, signals, children: one way asks again, the way back does not."""
    old = changed(SiteSettings(), [before] if before else [])
    new = changed(old, [after])
    one, other = (facts_of(Site(1, "key", "shop.example", "UTC", b"", settings)) for settings in (old, new))
    assert widens(one, other)
    assert not widens(one, one)
    assert not widens(other, one)


@pytest.mark.req("P14")
@pytest.mark.parametrize(
    ("version", "following"),
    [("1", "2"), ("9", "10"), ("2026-a", "2026-a.2"), ("a.9", "a.10"), ("x" * 32, "x" * 28 + ".2")],
)
def test_the_version_after(version: str, following: str) -> None:
    """A number is counted on; what the owner wrote gets one."""
    assert next_version(version) == following
    assert len(following) <= 32


@pytest.mark.req("P13")
def test_what_the_owner_has_not_stated() -> None:
    """Named for the owner; a site that records nothing unasked needs no further basis."""
    assert notice_gaps(SiteSettings()) == ("controller", "contact", "legal_basis", "authority")
    assert notice_gaps(changed(SiteSettings(), ["policy=opt_in", "controller=K", "contact=c"])) == ("authority",)


@pytest.mark.req("P4", "P9", "P3")
def test_the_visitors_own_choice_without_a_script(door: Door) -> None:
    """On the site's own address the page shows it and takes another; elsewhere it says where the site keeps it."""
    show(door, "shares=true", "banner=true")
    day = NOW // 86_400_000
    own = {"host": "shop.example"}
    receipt = "7e57ab1e-0000-4000-8000-00000000feed"
    assert "You have not chosen yet." in page(door, **own)
    granted = page(door, cookie=f"ff_receipt={receipt}:1:{day}:s", **own)
    assert f"Receipt: {receipt}" in granted
    assert "You agreed on" in granted
    assert "You declined on" in page(door, cookie=f"ff_choice=d:1:{day}", **own)
    assert "You are not counted" in page(door, cookie=f"ff_optout=o:{day}", **own)
    strange = page(door, cookie="ff_receipt=<b>:<b>:x:s", **own)
    assert "<b>" not in strange
    buttons = re.findall(r'<button name="(\w+)" value="(\w+)"', granted)
    assert buttons == [("choice", "decline"), ("choice", "accept"), ("choice", "object"), ("sale", "false")]
    path = f"/c/{door.made.site.key}"
    for name, value in buttons:
        form = {"content-type": "application/x-www-form-urlencoded", "origin": "https://shop.example", **own}
        answer = door.ask("POST", path, content=f"version=1&{name}={value}".encode(), headers=form)
        assert (answer.status_code, bool(answer.headers.get_list("set-cookie"))) == (200, True)
    assert "<form" not in page(door)
    assert "#footfall-choices" in page(door)
    assert "Opt-Out Request Honored" in page(door, sec_gpc="1", **own)


@pytest.mark.req("P9", "R1")
def test_the_latest_purge_is_told(door: Door) -> None:
    """And before the first one, that there was none; beside it the ledger's head, by which a cut ledger is found."""
    show(door)
    assert (read(door)["latest_deletion"], read(door)["ledger"]) == (None, None)
    assert "No detailed records" in page(door)
    save_seals(door.made.store, [Seal(door.made.site.id, 20000, 1, 1, NOW, 5, 1, 1, "0" * 64, purged=NOW)])
    show(door)
    assert read(door)["latest_deletion"]["records_up_to"] == "2024-10-04"
    assert "4 October 2024" in page(door).replace("October 4, 2024", "4 October 2024")
    write_ledger_head(door.made.store, 17, "a1" * 32)
    show(door)
    assert read(door)["ledger"] is None, "the day is not over: one head a day is told"
    close_day(door.made.store, 20_000)
    show(door)
    assert (read(door)["ledger"]["entry"], read(door)["ledger"]["hash"]) == (17, "a1" * 32)
    for language in LANGUAGES:
        assert re.search(rf"\D17\D.*{'a1' * 32}", page(door, language))


@pytest.mark.req("P9")
def test_a_notice_that_is_not_published_is_no_empty_page(door: Door) -> None:
    """Nor is one of a site that there is not; the schema is served."""
    assert door.ask("GET", f"/privacy/{door.made.site.key}").status_code == 503
    assert door.ask("GET", "/privacy/none").status_code == 404
    assert door.ask("GET", "/privacy/schema.json").json() == json.loads(SCHEMA.read_text())
    show(door)
    file = door.made.settings.notices / f"{door.made.site.key}.notice"
    assert [one.version for one in read_notice(file).revisions] == ["1"]
    delete_site(door.made.store, door.made.site, now=NOW)
    publish_notices(door.made.store, door.made.settings.notices)
    assert not file.exists(), "it goes with its site"
    assert revisions(door.made.store, door.made.site.id) == []
