"""The marketing channel of a visit: GA4's default channel grouping, in GA4's order, plus AI assistants.

Promises: the rules are the table RULES, tried from the top, the first that holds names the channel. The conditions are
those of Google's help page "Default channel group" (manual traffic and its source categories); where this table says
more, the row says so. Refuses: GA4's "Unassigned": a visit with a source is a Referral, one without is Direct.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Touch(NamedTuple):
    """What the rules look at."""

    source: str = ""
    """Name of the source, "" for none."""
    category: str = ""
    """Kind of site in tables/sources.toml: search, social, video, shopping, messaging, email, ai, paid, referral."""
    medium: str = ""
    """utm_medium, in lower case."""
    campaign: str = ""
    """utm_campaign, in lower case."""
    tag: str = ""
    """utm_source, in lower case."""
    paid: bool = False
    """A click id of the source's own advertising network, or a utm_source that names one."""


PAID_CHANNELS: Final = frozenset(
    {"Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other"}
)

_PAID_MEDIUM: Final = re.compile(r"(.*cp.*|ppc|retargeting|paid.*)")
_SHOPPING_CAMPAIGN: Final = re.compile(r".*(([^a-df-z]|^)shop|shopping).*")
_EMAIL: Final = re.compile(r"e[-_ ]?mail")
_SOCIAL_MEDIUMS: Final = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
_DISPLAY_MEDIUMS: Final = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})


def _paid(touch: Touch) -> bool:
    return touch.paid or bool(_PAID_MEDIUM.fullmatch(touch.medium))


def _shopping(touch: Touch) -> bool:
    return touch.category == "shopping" or bool(_SHOPPING_CAMPAIGN.fullmatch(touch.campaign))


def _social(touch: Touch) -> bool:
    # GA4's list of social sources holds WhatsApp, Telegram, Messenger, WeChat, LINE and Slack too.
    return touch.category in ("social", "messaging")


RULES: Final[tuple[tuple[str, Callable[[Touch], bool]], ...]] = (
    ("Direct", lambda t: not (t.source or t.tag or t.medium or t.campaign)),
    ("Cross-network", lambda t: "cross-network" in t.campaign),
    ("Paid Shopping", lambda t: _paid(t) and _shopping(t)),
    ("Paid Search", lambda t: _paid(t) and t.category == "search"),
    ("Paid Social", lambda t: _paid(t) and _social(t)),
    ("Paid Video", lambda t: _paid(t) and t.category == "video"),
    # An advertising server as referrer is added here: the link stood in an advertisement.
    ("Display", lambda t: t.medium in _DISPLAY_MEDIUMS or (t.category == "paid" and not _paid(t))),
    ("Paid Other", _paid),
    # Added to GA4's list. Before the organic rules: an assistant names its links in many ways ("organic", "shopping").
    ("AI Assistants", lambda t: t.category == "ai"),
    ("Organic Shopping", _shopping),
    ("Organic Social", lambda t: _social(t) or t.medium in _SOCIAL_MEDIUMS),
    ("Organic Video", lambda t: t.category == "video" or "video" in t.medium),
    ("Organic Search", lambda t: t.category == "search" or t.medium == "organic"),
    ("Referral", lambda t: t.medium in ("referral", "app", "link")),
    # A web mailer as referrer is added here; GA4 knows only the tags.
    ("Email", lambda t: t.category == "email" or bool(_EMAIL.fullmatch(t.medium) or _EMAIL.fullmatch(t.tag))),
    ("Affiliates", lambda t: t.medium == "affiliate"),
    ("Audio", lambda t: t.medium == "audio"),
    ("SMS", lambda t: "sms" in (t.medium, t.tag)),
    (
        "Mobile Push Notifications",
        lambda t: (
            t.medium.endswith("push") or "mobile" in t.medium or "notification" in t.medium or t.tag == "firebase"
        ),
    ),
)

CHANNELS: Final = tuple(name for name, _ in RULES)


def channel(touch: Touch) -> str:
    """The channel's name; one of CHANNELS."""
    for name, holds in RULES:
        if holds(touch):
            return name
    return "Referral" if touch.source else "Direct"
