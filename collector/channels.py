"""The marketing channel of a visit: GA4's default channel grouping, in GA4's order, plus AI assistants."""

from __future__ import annotations

from typing import NamedTuple


class Touch(NamedTuple):
    """What the rules look at: the source's name and kind, the campaign tags, the network of a click id."""

    source: str
    kind: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    click_network: str


def channel(touch: Touch) -> str:
    """The channel's name."""
    by_kind = {"search": "Organic Search", "social": "Organic Social", "email": "Email", "ai": "AI Assistants"}
    if touch.kind in by_kind:
        return by_kind[touch.kind]
    return "Direct" if not touch.source else "Referral"
