"""What the owner has not stated yet: the settings without which a notice lacks what the law asks for."""

from control_store.policies import read_region_policies
from control_store.site_settings import SiteSettings


def notice_gaps(settings: SiteSettings) -> tuple[str, ...]:
    """Names of settings to fill in (GDPR art. 13(1)(a)-(c), (2)(d)); shown to the owner, never to visitors.

    A legal basis of its own needs only a site that records anything without consent.
    """
    asked = ["controller", "contact", "authority"]
    policies = {settings.policy, *read_region_policies(settings.region_policies).values()}
    if policies != {"opt_in"}:
        asked.insert(2, "legal_basis")
    return tuple(name for name in asked if not getattr(settings, name))
