"""Which policies hold where: the site's own, its policies by region, and the guard over Europe (DESIGN §5).

Where a place is not known well enough to tell, every policy that might hold is named, and the gate keeps only what all
of them allow: the strictest holds until the place is known.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

Policy = Literal["cookieless", "opt_in", "opt_out", "under_16"]
POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)

EEA: Final = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "  # the Union
    "IS LI NO AX GF GP MF MQ RE YT".split()  # the rest of the EEA; parts of the Union with codes of their own
)
UK: Final = frozenset("GB GG GI IM JE".split())
"""With the islands and Gibraltar, whose laws follow the UK's or the Union's."""
EUROPE: Final = EEA | UK | {"CH"}
"""Where nothing but a visitor's consent opens what `opt_out` would keep unasked (ePrivacy 5(3), PECR 6, FADP)."""

_GROUPS: Final = {"EEA": EEA, "UK": UK}
_STRICTEST_FIRST: Final[tuple[Policy, ...]] = ("opt_in", "under_16", "cookieless", "opt_out")


def is_region(word: str) -> bool:
    """Whether this names a region: EEA, UK, a country's two letters, or a subdivision such as US-CA (ISO 3166-2)."""
    country, dash, part = word.partition("-")
    plain = word.isascii() and word.isupper() and country.isalpha()
    if not dash:
        return plain and (word in _GROUPS or len(country) == 2)
    return plain and len(country) == 2 and part.isalnum() and len(part) <= 3


def read_region_policies(pairs: Iterable[str]) -> dict[str, Policy]:
    """`EEA=opt_in` and the like as a mapping; what is none was refused when it was set."""
    found: dict[str, Policy] = {}
    for pair in pairs:
        region, _, policy = pair.partition("=")
        if policy in POLICIES:
            found[region] = policy
    return found


def policies_at(
    policy: Policy,
    by_region: Mapping[str, Policy],
    place: tuple[str, str],
    *,
    insisted: bool = False,
    own_network: bool = False,
) -> tuple[Policy, ...]:
    """Every policy that may hold for a visitor at `place`, strictest first; the gate keeps what all of them allow.

    `place`: country (ISO 3166-1) and region (ISO 3166-2, or a name where the database has no codes), "" if unknown.
    `insisted`: whether the site insists on `opt_out` in Europe too. `own_network`: whether the address is none of the
    public internet's, so that no database can know its place: the owner, who has chosen the site's policy for it.
    """
    found = _candidates(policy, by_region, *place)
    unknown = not place[0] and (bool(by_region) or not own_network)
    if "opt_out" in found and not insisted and (unknown or place[0] in EUROPE):
        found.add("cookieless")
    return strictest_first(found)


def strictest_first(policies: Iterable[Policy]) -> tuple[Policy, ...]:
    """In the order in which one of them is shown where several may hold."""
    return tuple(sorted(set(policies), key=_STRICTEST_FIRST.index))


def europe_opted_out(by_region: Mapping[str, Policy]) -> str:
    """The first region of Europe that is given `opt_out` by name, "" if none is."""
    return next((word for word, one in by_region.items() if one == "opt_out" and _is_in_europe(word)), "")


def _candidates(policy: Policy, by_region: Mapping[str, Policy], country: str, region: str) -> set[Policy]:
    if not country:
        return {policy, *by_region.values()}
    if region in by_region:
        return {by_region[region]}
    group = next((word for word, members in _GROUPS.items() if country in members), "")
    here = by_region.get(country) or by_region.get(group) or policy
    if region.startswith(f"{country}-"):
        return {here}
    # The database says a name or nothing: it may be any of the parts that have a policy of their own.
    return {here, *(one for word, one in by_region.items() if word.startswith(f"{country}-"))}


def _is_in_europe(word: str) -> bool:
    return word in _GROUPS or word.partition("-")[0] in EUROPE
