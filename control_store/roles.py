"""Roles: what somebody may do, for all sites or for single ones.

The role for a site goes before the one for all sites, except that an admin of all sites is admin everywhere. Whoever
has no role for a site is not told that it exists.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

import sqlalchemy as sa

from control_store.people_tables import LINK_ROLES, SITE_ROLES
from control_store.tables import SITES

Role = Literal["admin", "analyst", "viewer", "privacy_officer"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Roles(NamedTuple):
    """Somebody's roles."""

    everywhere: Role | None
    """For all sites, those to come too; None: only the sites that are named."""
    sites: tuple[tuple[int, Role], ...] = ()
    """Id of a site, and the role for it; by id."""

    def at(self, site: int) -> Role | None:
        """The role for a site; None: for this person there is no such site."""
        if self.everywhere == "admin":
            return "admin"
        return dict(self.sites).get(site, self.everywhere)

    def anywhere(self, *wanted: Role) -> bool:
        """Whether one of these roles is held for all sites, or for some."""
        return self.everywhere in wanted or any(role in wanted for _, role in self.sites)


class BadRoles(ValueError):
    """Roles that nobody can have; the text is one sentence."""


def settled(everywhere: Role | None, sites: Mapping[int, Role]) -> Roles:
    """Roles without what says nothing: those of an admin of all sites, and those that equal the one for all sites.

    Raises BadRoles where none is left.
    """
    told = {} if everywhere == "admin" else {site: role for site, role in sites.items() if role != everywhere}
    if everywhere is None and not told:
        raise BadRoles("Choose a role for all sites, or for one site at least.")
    return Roles(everywhere, tuple(sorted(told.items())))


def keep_site_roles(connection: sa.Connection, user: int, roles: Roles) -> None:
    """Replace somebody's roles for single sites; a site that is gone by now is left out."""
    connection.execute(sa.delete(SITE_ROLES).where(SITE_ROLES.c.user == user))
    for site, role in _there(connection, roles):
        connection.execute(sa.insert(SITE_ROLES).values(user=user, site=site, role=role))


def keep_link_roles(connection: sa.Connection, link: int, roles: Roles) -> None:
    """What an invitation gives for single sites."""
    for site, role in _there(connection, roles):
        connection.execute(sa.insert(LINK_ROLES).values(link=link, site=site, role=role))


def site_roles(connection: sa.Connection, user: int) -> tuple[tuple[int, Role], ...]:
    """Somebody's roles for single sites, by site."""
    columns = (SITE_ROLES.c.site, SITE_ROLES.c.role)
    rows = connection.execute(sa.select(*columns).where(SITE_ROLES.c.user == user).order_by(SITE_ROLES.c.site))
    return tuple((int(site), role) for site, role in rows)


def link_roles(connection: sa.Connection, link: int) -> tuple[tuple[int, Role], ...]:
    """What an invitation gives for single sites, by site."""
    columns = (LINK_ROLES.c.site, LINK_ROLES.c.role)
    rows = connection.execute(sa.select(*columns).where(LINK_ROLES.c.link == link).order_by(LINK_ROLES.c.site))
    return tuple((int(site), role) for site, role in rows)


def _there(connection: sa.Connection, roles: Roles) -> list[tuple[int, Role]]:
    known = set(connection.execute(sa.select(SITES.c.id)).scalars())
    return [(site, role) for site, role in roles.sites if site in known]
