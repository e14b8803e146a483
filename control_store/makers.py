"""Keys and who made them: what becomes of keys whose maker leaves, or may not make them any more.

A key never reaches further than its maker: as soon as they are no admin of its site, it opens nothing (sites.py). So
that nothing stops by surprise, whoever takes a role away says what is to become of such keys.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args

import sqlalchemy as sa

from control_store.accounts import User
from control_store.roles import Roles
from control_store.sites import KEYS, Key
from control_store.tables import API_KEYS, SITES, ControlStore, touch

Fate = Literal["revoke", "keep"]
FATES: Final[tuple[Fate, ...]] = get_args(Fate)


class LeftKey(NamedTuple):
    """A key that its maker can't answer for any more."""

    domain: str
    key: Key


def keys_left(store: ControlStore, maker: User, roles: Roles) -> list[LeftKey]:
    """The keys of somebody that would open nothing if these were their roles, oldest first."""
    with store.engine.connect() as connection:
        domains = {row.id: row.domain for row in connection.execute(sa.select(SITES.c.id, SITES.c.domain))}
        rows = connection.execute(KEYS.where(API_KEYS.c.maker == maker.id).order_by(API_KEYS.c.id)).all()
    return [LeftKey(domains[site], Key(*fields)) for *fields, site in rows if roles.at(site) != "admin"]


def settle_keys(store: ControlStore, left: Iterable[LeftKey], fate: Fate, heir: int | None) -> None:
    """Revoke keys, or make them those of `heir`, an admin; None: the installation's."""
    with store.engine.begin() as connection:
        for one in left:
            mine = API_KEYS.c.id == one.key.id
            change = sa.update(API_KEYS).where(mine).values(maker=heir)
            connection.execute(sa.delete(API_KEYS).where(mine) if fate == "revoke" else change)
        touch(connection)
