"""Roles on a page: what they are called, and how a form tells them."""

from collections.abc import Mapping, Sequence
from typing import Final

from control_store.roles import ROLES, Role, Roles, settled
from control_store.snapshot import Site

ROLE_MEANINGS: Final[dict[Role, str]] = {
    "admin": "everything: settings, keys; for all sites also sites and people",
    "analyst": "all statistics",
    "viewer": "statistics, to look at",
    "privacy_officer": "statistics with free texts, and what visitors ask for",
}
NO_ROLE: Final = "no role"


def word(role: Role | None) -> str:
    """What a role is called."""
    return role.replace("_", " ") if role else NO_ROLE


def role_name(roles: Roles) -> str:
    """Somebody's roles in a few words."""
    others = {word(role) for _, role in roles.sites}
    sites = "1 site" if len(roles.sites) == 1 else f"{len(roles.sites)} sites"
    if not others:
        return word(roles.everywhere)
    if roles.everywhere:
        return f"{word(roles.everywhere)}, otherwise on {sites}"
    return f"{others.pop() if len(others) == 1 else 'roles'} for {sites}"


def role_lines(roles: Roles, sites: Sequence[Site]) -> list[tuple[str, str]]:
    """Somebody's roles one by one: for what, and the role."""
    domains = {site.id: site.domain for site in sites}
    lines = [("all sites", word(roles.everywhere))] if roles.everywhere else []
    lines += [(domains[site], word(role)) for site, role in roles.sites if site in domains]
    return lines or [("no site", NO_ROLE)]


def told_roles(form: Mapping[str, str], sites: Sequence[Site]) -> Roles:
    """The roles that a form tells: `role` for all sites, `site-<id>` for single ones. Raises BadRoles."""
    told = {site.id: _role(form.get(f"site-{site.id}")) for site in sites}
    return settled(_role(form.get("role")), {site: role for site, role in told.items() if role})


def changes(before: Roles, after: Roles, sites: Sequence[Site]) -> list[tuple[str, str]]:
    """What a change is about: the domain, empty for all sites, and the role that holds there now."""
    old, new = dict(before.sites), dict(after.sites)
    about = [(site.domain, word(new.get(site.id))) for site in sites if old.get(site.id) != new.get(site.id)]
    return ([("", word(after.everywhere))] if before.everywhere != after.everywhere else []) + about


def _role(text: str | None) -> Role | None:
    return next((one for one in ROLES if one == text), None)
