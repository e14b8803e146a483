"""The whole gate: policy × region × page × signal × choice × way in, against a table that a reader can check.

The expectation is made without the code under test: by hand which policies may hold where, by `by_design` what each of
them allows, and then what all of them allow. First the pure function over every combination, then beacons with a mark
in every field, whose bytes for the spool are searched.
"""

import random
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from itertools import product
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest

from collector.address import ClientAddress
from collector.consent import Signals, allowed_fields, rule
from collector.place import Places
from collector.registry import ServedSite
from collector.steps import Tools, Verdict, walk
from collector.visitor import returning_hash
from event_catalogue.decode import Consent
from event_catalogue.fields import FIELDS
from tests.collector import mmdb
from tests.collector.by_design import ANY, MAIL, Case, by_design, fields_by_design
from tests.collector.test_steps import BY_EVENT, DEVICE, MARKED, VISIBLE, draft_of, kept, packed
from tests.collector.world import AGENT, site, tools

pytestmark = pytest.mark.req("P2", "P3", "P5", "P6", "P7", "C1", "C19")

PLACES: Final = {
    "unknown": ("", ""),
    "Berlin": ("DE", "DE-BE"),
    "Zurich": ("CH", "CH-ZH"),
    "California": ("US", "US-CA"),
    "somewhere in the US": ("US", ""),
    "Brazil": ("BR", "BR-SP"),
}
ADDRESSES: Final = {
    "unknown": "233.252.0.7",
    "Berlin": "192.0.2.7",
    "Zurich": "198.51.100.7",
    "California": "203.0.113.7",
    "somewhere in the US": "198.18.0.7",
    "Brazil": "198.19.0.7",
}
REGIONS: Final = ("EEA=opt_in", "UK=cookieless", "US=opt_out", "US-CA=under_16")

IN, OFF, ON, KIDS = "opt_in", "cookieless", "opt_out", "under_16"
SITES: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    # what was set: which policies may hold for a visitor who is known to be there
    "cookieless": ({"policy": OFF}, dict.fromkeys(PLACES, OFF)),
    "opt_in": ({"policy": IN}, dict.fromkeys(PLACES, IN)),
    "under_16": ({"policy": KIDS}, dict.fromkeys(PLACES, KIDS)),
    "opt_out": (
        {"policy": ON},
        {**dict.fromkeys(PLACES, ON), **dict.fromkeys(("unknown", "Berlin", "Zurich"), f"{ON} {OFF}")},
    ),
    "opt_out, insisted": ({"policy": ON, "opt_out_in_europe": True}, dict.fromkeys(PLACES, ON)),
    "by region": (
        {"policy": OFF, "region_policies": REGIONS},
        {
            "unknown": f"{OFF} {IN} {ON} {KIDS}",
            "Berlin": IN,
            "Zurich": OFF,
            "California": KIDS,
            "somewhere in the US": f"{ON} {KIDS}",
            "Brazil": OFF,
        },
    ),
    "opt_out but in the EEA": (
        {"policy": ON, "region_policies": ("EEA=opt_in",)},
        {**dict.fromkeys(PLACES, ON), "unknown": f"{ON} {OFF} {IN}", "Berlin": IN, "Zurich": f"{ON} {OFF}"},
    ),
}
PAGES: Final = {"https://shop.example/kestrel?utm_campaign=condor&q=gannet": False}
PAGES[next(iter(PAGES)).replace("/kestrel", "/Kids/%6bestrel")] = True
SIGNALS: Final = ("", "gpc header", "gpc body", "gpp", "dnt", "objection")
WAYS: Final = ("beacon", "pixel", "server", "import", "mail")


class Visit(NamedTuple):
    """One combination."""

    site: str
    place: str
    page: str
    gpc_does: str
    dnt_honoured: bool
    signal: str
    statistics: bool | None
    ads: bool | None
    sale: bool | None
    basic_only: bool
    plugins: bool


class Expected(NamedTuple):
    """What the design says."""

    tier: str
    reason: str
    fields: frozenset[str]
    no_share: bool


@cache
def of_policy(case: Case) -> tuple[str, str, frozenset[str], bool]:
    """What one policy says of a case."""
    outcome = by_design(case)
    return outcome.tier, outcome.reason, frozenset(fields_by_design(case, outcome)), outcome.no_share


def expected(visit: Visit) -> Expected:
    """What all policies that may hold there say together: denied if one denies, else what each of them keeps."""
    policies = set(SITES[visit.site][1][visit.place].split()) | ({KIDS} if PAGES[visit.page] else set())
    found = [of_policy(case_of(policy, visit)) for policy in sorted(policies)]
    denied = [one for one in found if one[0] == "denied"]
    if denied:
        return Expected("denied", denied[0][1], frozenset(), no_share=False)
    tier = "cookieless" if any(one[0] == "cookieless" for one in found) else "consented"
    return Expected(tier, "", frozenset.intersection(*(one[2] for one in found)), any(one[3] for one in found))


def case_of(policy: str, visit: Visit) -> Case:
    """The case of one policy."""
    return Case(
        *(policy, visit.gpc_does, visit.signal.startswith("gpc"), visit.signal == "dnt", visit.dnt_honoured),
        *(visit.signal == "objection", visit.statistics, visit.ads, visit.sale, visit.basic_only, visit.plugins),
        gpp=visit.signal == "gpp",
    )


@cache
def served(name: str, gpc_does: str, dnt: bool, basic_only: bool, plugins: bool) -> ServedSite:
    """A site of SITES with pages for children."""
    settings = {"gpc": gpc_does, "dnt": dnt, "basic_only": basic_only, "plugins": plugins}
    return ServedSite(site(**SITES[name][0], **settings, under_16_paths=("/kids/*",)))


def served_of(visit: Visit) -> ServedSite:
    """The site of a visit."""
    return served(visit.site, visit.gpc_does, visit.dnt_honoured, visit.basic_only, visit.plugins)


YES_NO: Final = (False, True)
DIMENSIONS: Final = (
    *(tuple(SITES), tuple(PLACES), tuple(PAGES), ("drop", "cookieless"), YES_NO, SIGNALS),
    *(ANY, ANY, ANY, YES_NO, YES_NO),
)


@pytest.mark.parametrize("name", SITES)
def test_every_combination_keeps_what_all_policies_allow_and_nothing_else(name: str) -> None:
    """31,104 combinations for each of seven sites: tier, reason, fields, flag."""
    count = 0
    for one in product(*DIMENSIONS[1:]):
        visit, count = Visit(name, *one), count + 1
        at = served_of(visit)
        policies = at.policies(PLACES[visit.place] if at.asks_place else None, visit.page)
        signals = Signals(
            visit.signal.startswith("gpc"), visit.signal == "dnt", visit.signal == "objection", visit.signal == "gpp"
        )
        ruling = rule(at.settings, policies, signals, Consent(visit.statistics, visit.ads, visit.sale))
        wanted = expected(visit)
        assert (ruling.tier, ruling.reason, allowed_fields(ruling)) == wanted[:3], visit
        assert ruling.tier == "denied" or ruling.no_share == wanted.no_share, visit
    assert count == 31_104


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """The tools with a city database that knows five networks."""
    networks = {
        (ip_address(ADDRESSES[name]).packed[:3], 24): {
            "country": {"iso_code": country},
            **({"subdivisions": [{"iso_code": region.partition("-")[2]}]} if region else {}),
        }
        for name, (country, region) in PLACES.items()
        if country
    }
    path = tmp_path_factory.mktemp("geo") / "places.mmdb"
    return tools()._replace(
        places=Places([mmdb.write(path, networks, kind="GeoLite2-City", ip_version=4)]),
    )


def some(seed: str, count: int) -> Iterator[Visit]:
    """Combinations drawn from all, the same at each run."""
    drawn = random.Random(seed)
    for _ in range(count):
        yield Visit(*(drawn.choice(values) for values in DIMENSIONS))


@pytest.mark.parametrize("way", WAYS)
def test_no_forbidden_mark_reaches_the_bytes_for_the_spool(way: str, equipped: Tools) -> None:
    """700 drawn combinations on each way in: every field that may be kept is there with its mark, every other one is in
    no byte; what is denied leaves one word. An opened mail keeps its campaign and nothing about who opened it."""
    seen: dict[str, int] = {}
    for visit in some(way, 700):
        wanted = expected(visit)
        seen[wanted.tier] = seen.get(wanted.tier, 0) + 1
        address = ClientAddress(ip_address(ADDRESSES[visit.place]).packed)
        content = {
            **MARKED,
            "url": visit.page,
            "consent": {"statistics": visit.statistics, "ads": visit.ads, "sale": visit.sale},
            "gpc": visit.signal == "gpc body",
            "gpp": visit.signal == "gpp",
            "optout": visit.signal == "objection",
        }
        facts = {"address": address, "gpc": visit.signal == "gpc header", "dnt": visit.signal == "dnt"}
        draft = draft_of(content, served_of(visit), way=way, **facts)  # type: ignore[arg-type]  # a word of Way
        verdict = walk(draft, equipped)
        if wanted.tier == "denied":
            assert verdict == Verdict("not_recorded", wanted.reason), visit
            assert (draft.rows, draft.tallies) == ([], []), visit
            continue
        assert verdict is None, visit
        allowed = wanted.fields & MAIL if way == "mail" else wanted.fields
        spooled = packed(draft)
        for name, marks in VISIBLE.items():
            assert [mark for mark in marks if (mark in spooled) is not (name in allowed)] == [], (name, visit)
        assert [field.name for field in FIELDS if field.name not in allowed and kept(draft, field.name)] == [], visit
        assert {row[FIELDS_AT["no_share"]] for row in draft.rows} <= {int(wanted.no_share)}
        if wanted.tier != "consented":
            assert not any(mark in spooled for mark in BY_EVENT["consent"])
        pseudonym = returning_hash(UUID(DEVICE), bytes(31) + b"\1")
        assert (pseudonym in spooled) is (bool(draft.rows) and "returning" in allowed), visit
        for never in (DEVICE.encode(), UUID(DEVICE).bytes, AGENT.encode(), ADDRESSES[visit.place].encode()):
            assert never not in spooled, visit
        assert address.packed not in spooled, visit
    assert {"denied", "cookieless", "consented"} <= seen.keys()


FIELDS_AT: Final = {field.name: place for place, field in enumerate(FIELDS)}


def test_a_page_for_children_keeps_no_search_in_its_address(equipped: Tools) -> None:
    """Not even on a site that keeps the key of its search in addresses."""
    content = {**MARKED, "url": next(iter(PAGES))}
    for policy, there in (("under_16", False), ("cookieless", True)):
        draft = draft_of(content, ServedSite(site(policy=policy, query_keys=("q",))))
        assert walk(draft, equipped) is None
        assert (b"gannet" in packed(draft)) is there, policy


def test_in_the_owners_own_network_the_owners_policy_holds(equipped: Tools) -> None:
    """No database knows its place; a public address without a place may be Europe's."""
    for address, tier in (("127.0.0.1", "consented"), ("10.0.0.9", "consented"), ("233.252.0.7", "cookieless")):
        draft = draft_of({**MARKED, "url": next(iter(PAGES))}, served("opt_out", "drop", True, False, False), address=ClientAddress(ip_address(address).packed))  # fmt: skip
        assert walk(draft, equipped) is None
        assert draft.ruling.tier == tier, address


def test_the_model_can_be_wrong() -> None:
    """The table tells sites, places and pages apart: each of them changes the outcome of some combination."""
    base = Visit("by region", "Zurich", next(iter(PAGES)), "drop", True, "", None, None, None, False, False)
    assert expected(base).tier == "cookieless"
    assert expected(base._replace(place="Berlin")) == ("denied", "no_choice", frozenset(), False)
    assert expected(base._replace(site="opt_out, insisted")).tier == "consented"
    assert "title" in expected(base).fields
    assert "title" not in expected(base._replace(page=list(PAGES)[1])).fields
