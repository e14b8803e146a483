"""The gate against the design's table, every combination of policy, signal and choice, field by field."""

from itertools import product
from typing import Final, NamedTuple

import pytest

from collector.consent import Ruling, Signals, allowed_fields, refused_event, rule
from control_store.site_settings import SiteSettings
from event_catalogue.decode import Consent
from event_catalogue.events import EVENTS
from event_catalogue.fields import FIELDS

YES_NO: Final = (False, True)
ANY: Final = (None, False, True)
POLICIES: Final = ("cookieless", "opt_in", "opt_out", "under_16")

TABLE: Final = {
    # policy: no choice yet, Decline, Accept
    "cookieless": ("cookieless", "cookieless", "consented"),
    "opt_in": ("denied", "denied", "consented"),
    "opt_out": ("consented", "denied", "consented"),
    "under_16": ("cookieless", "cookieless", "cookieless"),
}
"""The design's table of tiers; "Don't count me" is denied in every row. Minors are not asked, and nothing opens."""

MINORS: Final = {"city", "city_id", "search_term", "title", "prop_keys", "prop_values"}
"""What is not kept of minors: city, search terms, titles, props."""

MAIL: Final = {
    *("site", "day", "keep", "batch", "beacon", "idx", "page", "name", "at", "received", "stored_on", "tier"),
    *("no_share", "policy_version", "build", "import_id", "source", "source_kind", "channel", "click_network"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id"),
    *("utm_source_platform", "utm_creative_format", "utm_marketing_tactic"),
}
"""What is kept of an opened e-mail: its campaign, and when and for which site it was; no visitor, place or agent."""


class Case(NamedTuple):
    """One combination."""

    policy: str
    gpc_does: str
    gpc: bool
    dnt: bool
    dnt_honoured: bool
    objection: bool
    statistics: bool | None
    ads: bool | None
    sale: bool | None
    basic_only: bool
    plugins: bool


class Outcome(NamedTuple):
    """What the design says of a case."""

    tier: str
    reason: str
    no_share: bool
    ads: bool
    device_id: bool
    plugins: bool
    essential_alone: bool


def by_design(case: Case) -> Outcome:
    """The design's sentences in their order: objection, signal, choice, policy."""
    if case.objection:
        return Outcome("denied", "objection", True, False, False, False, False)
    signal = "gpc" if case.gpc else "dnt" if case.dnt and case.dnt_honoured else ""
    if signal and case.gpc_does == "drop":
        return Outcome("denied", signal, True, False, False, False, False)
    no_choice, decline, accept = TABLE[case.policy]
    tier = {None: no_choice, False: decline, True: accept}[case.statistics]
    reason = {None: "no_choice", False: "declined", True: ""}[case.statistics] if tier == "denied" else ""
    if signal and tier == "consented":
        tier = "cookieless"
    essential_alone = case.basic_only and tier == "cookieless"
    asked_for_ads = case.ads is True and not signal and case.policy != "under_16"
    return Outcome(
        tier,
        reason,
        no_share=bool(signal) or case.sale is False,
        ads=asked_for_ads and tier != "denied" and not essential_alone,
        device_id=tier == "consented" and case.statistics is True,
        plugins=tier == "consented" and case.plugins,
        essential_alone=essential_alone,
    )


def fields_by_design(case: Case, outcome: Outcome) -> set[str]:
    """The names of every field that the outcome opens, by the classes of the catalogue."""
    classes = {
        "denied": set(),
        "cookieless": {"essential"} if outcome.essential_alone else {"essential", "measurement"},
        "consented": {"essential", "measurement", "consent"},
    }[outcome.tier]
    names = {field.name for field in FIELDS if field.field_class in classes | ({"ads"} if outcome.ads else set())}
    names -= set() if outcome.device_id else {"returning"}
    names -= set() if outcome.plugins else {"plugins"}
    return names - MINORS if case.policy == "under_16" else names


def ruling_of(case: Case) -> Ruling:
    """What the gate says."""
    settings = SiteSettings(
        policy=case.policy,  # type: ignore[arg-type]  # the words of the setting
        gpc=case.gpc_does,  # type: ignore[arg-type]
        dnt=case.dnt_honoured,
        basic_only=case.basic_only,
        plugins=case.plugins,
    )
    choice = Consent(case.statistics, case.ads, case.sale)
    return rule(settings, Signals(gpc=case.gpc, dnt=case.dnt, objection=case.objection), choice)


@pytest.mark.req("P2", "P3", "P5", "P6", "P7", "P10", "C3", "C15")
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("statistics", ANY)
def test_every_combination_is_what_the_design_says(policy: str, statistics: bool | None) -> None:
    """Tier, reason, flags and the set of fields, for each of 1,152 combinations of a policy and a choice."""
    rest = product(("drop", "cookieless"), YES_NO, YES_NO, YES_NO, YES_NO, [statistics], ANY, ANY, YES_NO, YES_NO)
    cases = [Case(policy, *one) for one in rest]
    assert len(cases) == 1152
    for case in cases:
        ruling, outcome = ruling_of(case), by_design(case)
        found = (ruling.tier, ruling.reason, ruling.no_share, ruling.ads, ruling.device_id)
        assert found == outcome[:5], case
        assert allowed_fields(ruling) == fields_by_design(case, outcome), case


@pytest.mark.parametrize("policy", POLICIES)
def test_an_absent_choice_is_no_choice(policy: str) -> None:
    """A beacon without `consent` and one with an empty one are treated alike."""
    settings = SiteSettings(policy=policy)  # type: ignore[arg-type]
    assert rule(settings, Signals(), None) == rule(settings, Signals(), Consent())
    assert rule(settings, Signals(), None).tier == TABLE[policy][0]


@pytest.mark.req("P7")
def test_a_signal_never_opens_anything() -> None:
    """With any signal or the objection added to any case, no field opens that was closed before."""
    for one in product(POLICIES, ("drop", "cookieless"), YES_NO, ANY, ANY, ANY, YES_NO, YES_NO):
        policy, gpc_does, dnt_honoured, statistics, ads, sale, basic_only, plugins = one
        calm = Case(policy, gpc_does, False, False, dnt_honoured, False, statistics, ads, sale, basic_only, plugins)
        before = allowed_fields(ruling_of(calm))
        for louder in ({"gpc": True}, {"dnt": True}, {"objection": True}, {"gpc": True, "dnt": True}):
            assert allowed_fields(ruling_of(calm._replace(**louder))) <= before


@pytest.mark.req("P7", "C11", "C15")
@pytest.mark.parametrize(
    ("ruling", "refused"),
    [
        (
            Ruling("cookieless"),
            {"hover": "consent", "form_abandon": "consent", "copy": "consent", "ad_impression": "ads"},
        ),
        (Ruling("cookieless", ads=True), {"hover": "consent", "form_abandon": "consent", "copy": "consent"}),
        (Ruling("consented"), {"ad_impression": "ads"}),
        (Ruling("consented", ads=True), {}),
    ],
    ids=["cookieless", "cookieless with ads", "consented", "consented with ads"],
)
def test_events_that_only_a_choice_opens_are_left_out_without_it(ruling: Ruling, refused: dict[str, str]) -> None:
    """The reason is the class that was not opened; every other event is recorded."""
    names = [kind.name for kind in EVENTS] + ["signup"]
    assert {name: refused_event(ruling, name) for name in names if refused_event(ruling, name)} == refused


@pytest.mark.req("P7")
def test_with_basic_only_nothing_is_recorded_that_the_script_had_to_read() -> None:
    """Page views, pages not found and opened mails alone."""
    ruling = Ruling("cookieless", basic_only=True)
    assert [kind.name for kind in EVENTS if not refused_event(ruling, kind.name)] == ["pageview", "not_found", "open"]
    assert refused_event(ruling, "signup") == "basic_only"


@pytest.mark.req("C19", "P7")
def test_an_opened_mail_keeps_its_campaign_and_nothing_about_who_opened_it() -> None:
    """Whatever was chosen: no visitor, no place, no agent, no page, nothing that a script would have read."""
    for tier in ("cookieless", "consented"):
        ruling = Ruling(tier, ads=True, device_id=True, plugins=True, mail=True)  # type: ignore[arg-type]
        assert allowed_fields(ruling) == MAIL


def test_nothing_is_allowed_to_who_is_not_counted() -> None:
    """A denied ruling opens no field at all, whatever else it says."""
    assert allowed_fields(Ruling("denied", "gpc", ads=True, device_id=True, plugins=True)) == frozenset()
