"""What the design says of policy, signals and choice, apart from the code: tables, and sentences in order."""

from typing import Final, NamedTuple

from collector.consent import Ruling, Signals, rule
from control_store.site_settings import SiteSettings
from event_catalogue.decode import Consent
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
    gpp: bool = False


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
    signals = {"gpc": case.gpc, "gpp": case.gpp, "dnt": case.dnt and case.dnt_honoured}
    signal = next((word for word, heard in signals.items() if heard), "")
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


def settings_of(case: Case) -> SiteSettings:
    """The site's settings in a case."""
    return SiteSettings(
        policy=case.policy,  # type: ignore[arg-type]  # the words of the setting
        gpc=case.gpc_does,  # type: ignore[arg-type]
        dnt=case.dnt_honoured,
        basic_only=case.basic_only,
        plugins=case.plugins,
    )


def ruling_of(case: Case) -> Ruling:
    """What the gate says."""
    choice = Consent(case.statistics, case.ads, case.sale)
    return rule(
        settings_of(case),
        (case.policy,),  # type: ignore[arg-type]  # a word of the setting
        Signals(gpc=case.gpc, dnt=case.dnt, objection=case.objection, gpp=case.gpp),
        choice,
    )
