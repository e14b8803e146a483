"""The gate against the design's table, every combination of policy, signal and choice, field by field."""

from itertools import product

import pytest

from collector.consent import Ruling, Signals, allowed_fields, refused_event, rule
from control_store.site_settings import SiteSettings
from event_catalogue.decode import Consent
from event_catalogue.events import EVENTS
from tests.collector.by_design import (
    ANY,
    MAIL,
    POLICIES,
    TABLE,
    YES_NO,
    Case,
    by_design,
    fields_by_design,
    ruling_of,
)


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
    assert rule(settings, (settings.policy,), Signals(), None) == rule(
        settings, (settings.policy,), Signals(), Consent()
    )
    assert rule(settings, (settings.policy,), Signals(), None).tier == TABLE[policy][0]


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
