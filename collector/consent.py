"""The gate: from policy, signals and choice to what may be kept, field by field, event by event. One pure function.

The rules are DESIGN §5. Precedence: objection > GPC, GPP and Do Not Track > the explicit choice for that purpose >
policy. What is unknown was not consented to. Where several policies may hold, only what all of them allow is kept.
Every way in (beacon, pixel, server API, import) passes here.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from control_store.policies import Policy
from control_store.site_settings import SiteSettings
from event_catalogue.decode import Consent
from event_catalogue.events import kind_of
from event_catalogue.fields import FIELDS, RECORD, SOURCE, Field

Tier = Literal["denied", "cookieless", "consented"]
Reason = Literal["", "objection", "gpc", "gpp", "dnt", "declined", "no_choice"]
"""Why a visitor is in the tier `denied`; the accounting counts by it."""

_HIDDEN_FROM_MINORS: Final = frozenset(("city", "city_id", "search_term", "title", "prop_keys", "prop_values"))
_MAIL: Final = frozenset(
    (
        *(f.name for f in RECORD if f.name not in ("visitor", "returning")),
        *(f.name for f in SOURCE if f.name != "referrer"),
    )
)


class Signals(NamedTuple):
    """What a browser says without being asked, and the visitor's own objection."""

    gpc: bool = False
    dnt: bool = False
    objection: bool = False
    gpp: bool = False
    """Whether a consent manager's GPP sections say that this visitor opted out of sale, sharing or targeting."""


class Ruling(NamedTuple):
    """What may be kept of one beacon. Hashable: rows are built from a plan that is cached by it."""

    tier: Tier
    reason: Reason = ""
    ads: bool = False
    device_id: bool = False
    """Whether `returning` may be computed; only a grant opens it, not the mere absence of a choice."""
    no_share: bool = False
    under_16: bool = False
    basic_only: bool = False
    plugins: bool = False
    mail: bool = False
    """An opened e-mail: its campaign may be kept, and nothing about who opened it."""
    waits: bool = False
    """Whether nothing was kept before consent: what led to the visit may be lost with the pages before this one."""


def rule(settings: SiteSettings, policies: Sequence[Policy], signals: Signals, choice: Consent | None) -> Ruling:
    """What the site's settings, the visitor's signals and the visitor's choice allow together.

    policies: those that may hold here, one at least (`control_store.policies.policies_at`, and `under_16` on pages for
    children); what one of them forbids is not kept.
    """
    if signals.objection:
        return Ruling("denied", "objection", no_share=True)
    signal = _signal(settings, signals)
    if signal and settings.gpc == "drop":
        return Ruling("denied", signal, no_share=True)
    choice = choice or _NO_CHOICE
    rulings = [_under(policy, settings, choice, signalled=bool(signal)) for policy in policies]
    return rulings[0] if len(rulings) == 1 else _strictest(rulings)


def _signal(settings: SiteSettings, signals: Signals) -> Reason:
    """The signal that counts, "" if none does."""
    if signals.gpc:
        return "gpc"
    if signals.gpp:
        return "gpp"
    return "dnt" if signals.dnt and settings.dnt else ""


def _under(policy: Policy, settings: SiteSettings, choice: Consent, *, signalled: bool) -> Ruling:
    no_share = signalled or choice.sale is False
    if policy == "under_16":
        return Ruling("cookieless", no_share=no_share, under_16=True, basic_only=settings.basic_only)
    tier, reason = _tier(policy, choice.statistics, capped=signalled)
    basic_only = settings.basic_only and tier == "cookieless"
    return Ruling(
        tier,
        reason,
        ads=choice.ads is True and not (signalled or basic_only or tier == "denied"),
        device_id=tier == "consented" and choice.statistics is True,
        no_share=no_share,
        basic_only=basic_only,
        plugins=settings.plugins and tier == "consented",
        waits=policy == "opt_in",
    )


def _tier(policy: Policy, statistics: bool | None, *, capped: bool) -> tuple[Tier, Reason]:
    """DESIGN §5's table: policy × choice; a signal under `gpc = cookieless` caps what may be opened."""
    opened: Tier = "cookieless" if capped else "consented"
    if statistics is True:
        return opened, ""
    match policy:
        case "opt_in":
            return ("denied", "declined") if statistics is False else ("denied", "no_choice")
        case "opt_out":
            return ("denied", "declined") if statistics is False else (opened, "")
        case _:
            return "cookieless", ""


def _strictest(rulings: Sequence[Ruling]) -> Ruling:
    """What all of them allow."""
    denied = next((one for one in rulings if one.tier == "denied"), None)
    if denied is not None:
        return denied
    return Ruling(
        "cookieless" if any(one.tier == "cookieless" for one in rulings) else "consented",
        ads=all(one.ads for one in rulings),
        device_id=all(one.device_id for one in rulings),
        no_share=any(one.no_share for one in rulings),
        under_16=any(one.under_16 for one in rulings),
        basic_only=any(one.basic_only for one in rulings),
        plugins=all(one.plugins for one in rulings),
        waits=any(one.waits for one in rulings),
    )


def allows(ruling: Ruling, field: Field) -> bool:
    """Whether this field may be kept under the ruling."""
    if ruling.tier == "denied" or (ruling.under_16 and field.name in _HIDDEN_FROM_MINORS):
        return False
    if ruling.mail and field.name not in _MAIL:
        return False
    match field.field_class:
        case "essential":
            return True
        case "measurement":
            return not ruling.basic_only
        case "consent":
            return _consented(ruling, field.name)
        case "ads":
            return ruling.ads


def _consented(ruling: Ruling, name: str) -> bool:
    if name == "returning":
        return ruling.device_id
    return ruling.plugins if name == "plugins" else ruling.tier == "consented"


@lru_cache(maxsize=256)
def allowed_fields(ruling: Ruling) -> frozenset[str]:
    """Names of every field that may be kept."""
    return frozenset(field.name for field in FIELDS if allows(ruling, field))


def refused_event(ruling: Ruling, name: str) -> str:
    """Why an event of this name is not recorded under the ruling ("consent", "ads", "basic_only"); "" if it is."""
    kind = kind_of(name)
    if kind.field_class == "consent" and ruling.tier != "consented":
        return "consent"
    if kind.field_class == "ads" and not ruling.ads:
        return "ads"
    return "basic_only" if kind.field_class == "measurement" and ruling.basic_only else ""


_NO_CHOICE: Final = Consent()
