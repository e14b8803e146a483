"""What the living notice says of a site, before it is put into words: facts of catalogue, gate and settings alone.

Facts are kept with the version of the notice they belong to, so that an old version stays readable when settings and
catalogue have moved on. `widens` decides whether visitors must be asked again (REQUIREMENTS P14).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from collector.opened import opened, purposes
from control_store.policies import Policy, read_region_policies
from control_store.site_settings import SiteSettings
from control_store.snapshot import Site
from event_catalogue.choice import COOKIES

LEGAL_MAXIMUM_DAYS: Final = 395
"""Raw rows never live longer, whatever a site sets (DESIGN §8)."""


RECEIPT_DAYS: Final = 365
"""How long receipts of grants are kept where nothing else is set; so also in facts that were written without it."""


class Fields(Struct, frozen=True):
    """Names of fields by what opens them under one policy."""

    unasked: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    ads: tuple[str, ...] = ()


class Facts(Struct, frozen=True, kw_only=True):
    """What one version of a site's notice is about. All that visitors are told follows from it."""

    site: str
    policy: Policy
    regions: dict[str, Policy]
    under_16_paths: tuple[str, ...]
    gpc: str
    dnt: bool
    purposes: tuple[str, ...]
    fields: dict[str, Fields]
    """By policy."""
    raw_days: int
    legal_maximum_days: int
    aggregate_months: int
    receipt_days: int = RECEIPT_DAYS
    k: int
    cookies: dict[str, int]
    """Days by name."""
    controller: str
    controller_address: str
    contact: str
    privacy_officer: str
    representative: str
    legal_basis: str
    recipients: tuple[str, ...]
    transfers: str
    authority: str


def facts_of(site: Site, receipt_days: int = RECEIPT_DAYS) -> Facts:
    """The facts that hold now. `receipt_days` is a setting of the installation, all else the site's."""
    settings = site.settings
    regions = read_region_policies(settings.region_policies)
    policies = {settings.policy, *regions.values(), *(("under_16",) if settings.under_16_paths else ())}
    same = {name: getattr(settings, name) for name in _AS_SET}
    return Facts(
        site=site.domain,
        regions=dict(sorted(regions.items())),
        purposes=purposes(settings),
        fields={policy: _fields(settings, policy) for policy in sorted(policies)},
        legal_maximum_days=LEGAL_MAXIMUM_DAYS,
        receipt_days=receipt_days,
        cookies={one.name: one.days for one in COOKIES},
        **same,
    )


def widens(old: Facts, new: Facts) -> bool:
    """Whether something is collected, kept or passed on now that visitors were not told of then."""
    places = {"", *old.regions, *new.regions}
    return (
        any(_opens_more(_at(old, place), _at(new, place)) for place in places)
        or any(not set(getattr(new, name)) <= set(getattr(old, name)) for name in ("purposes", "recipients"))
        or any(getattr(new, name) > getattr(old, name) for name in _PERIODS)
        or any(days > old.cookies.get(name, 0) for name, days in new.cookies.items())
        or not set(old.under_16_paths) <= set(new.under_16_paths)
        or (old.gpc == "drop" and new.gpc != "drop")
        or (old.dnt and not new.dnt)
        or new.k < old.k
        or (bool(new.transfers) and new.transfers != old.transfers)
    )


def next_version(version: str) -> str:
    """The version after this one: the next number, or a number added to what the owner wrote."""
    head, dot, tail = version.rpartition(".")
    if version.isascii() and version.isdigit():
        return str(int(version) + 1)
    if dot and tail.isascii() and tail.isdigit():
        return f"{head}.{int(tail) + 1}"
    return f"{version[:28]}.2"


def encode_facts(facts: Facts) -> str:
    """Facts as the control store keeps them: JSON, its keys in their order."""
    return msgspec.json.encode(facts, order="sorted").decode()


def decode_facts(text: str) -> Facts:
    """What `encode_facts` wrote. Raises msgspec.MsgspecError for facts of a kind that this program does not know."""
    return msgspec.json.decode(text, type=Facts)


def _fields(settings: SiteSettings, policy: Policy) -> Fields:
    """Advertising is told of where the site asks for it."""
    found = opened(settings, (policy,))
    ads = found.ads if "ads" in purposes(settings) else frozenset()
    return Fields(*(tuple(sorted(names)) for names in (found.unasked, found.statistics, ads)))


def _at(facts: Facts, place: str) -> Fields:
    return facts.fields[facts.regions.get(place, facts.policy)]


def _opens_more(old: Fields, new: Fields) -> bool:
    """Whether a field is kept that was not, or with less of a choice than before."""
    steps = (lambda one: one.unasked, lambda one: one.unasked + one.statistics, _all)
    return any(not set(step(new)) <= set(step(old)) for step in steps)


def _all(fields: Fields) -> tuple[str, ...]:
    return fields.unasked + fields.statistics + fields.ads


def as_builtins(facts: Facts) -> Mapping[str, Any]:
    """Facts as plain values, for machines that read the notice."""
    content: Mapping[str, Any] = msgspec.to_builtins(facts)
    return content


_AS_SET: Final = (
    *("policy", "under_16_paths", "gpc", "dnt", "raw_days", "aggregate_months", "k", "controller"),
    *("controller_address", "contact", "privacy_officer", "representative", "legal_basis", "recipients"),
    *("transfers", "authority"),
)
_PERIODS: Final = ("raw_days", "aggregate_months", "receipt_days", "legal_maximum_days")
