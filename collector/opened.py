"""What is recorded unasked, and what each purpose opens beyond it: asked of the gate itself, told in topics.

So banner and notice can't say anything else than what the gate does.
"""

from collections.abc import Sequence
from typing import NamedTuple

from collector.consent import Signals, allowed_fields, rule
from control_store.policies import Policy
from control_store.site_settings import SiteSettings
from control_store.snippet_settings import module_names
from event_catalogue.decode import Consent


class Opened(NamedTuple):
    """Names of fields by what opens them under some policies."""

    unasked: frozenset[str]
    statistics: frozenset[str]
    ads: frozenset[str]


def opened(settings: SiteSettings, policies: Sequence[Policy]) -> Opened:
    """What these policies of the site leave to whom."""

    def fields(choice: Consent | None) -> frozenset[str]:
        return allowed_fields(rule(settings, policies, Signals(), choice))

    unasked = fields(None)
    statistics = fields(Consent(statistics=True)) - unasked
    ads = fields(Consent(statistics=True, ads=True)) - statistics - unasked
    return Opened(unasked, statistics, ads)


def purposes(settings: SiteSettings) -> tuple[str, ...]:
    """The purposes that this site asks for, in order."""
    found = ["statistics"]
    if "ads" in module_names(settings.modules):
        found.append("ads")
    if settings.shares:
        found.append("sale")
    return tuple(found)
