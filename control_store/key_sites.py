"""Sites that a key of the Stats API opens besides its own, so that one question can be about several."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from control_store.asking_tables import KEY_SITES
from control_store.setting_items import BadSetting
from control_store.snapshot import Site, key_digest
from control_store.tables import API_KEYS, SITES, ControlStore


class Guest(NamedTuple):
    """A key of another site that opens this one too."""

    id: int
    home: str
    """Domain of its own site."""
    hint: str


def open_also(store: ControlStore, key: str, sites: Iterable[Site]) -> None:
    """Let a key open these sites too, besides its own. Raises BadSetting for a key that asks no questions."""
    with store.engine.begin() as connection:
        found = connection.execute(
            sa.select(API_KEYS.c.id, API_KEYS.c.site, API_KEYS.c.scope).where(API_KEYS.c.digest == key_digest(key))
        ).one()
        if found.scope != "stats":
            raise BadSetting("Only keys of the scope 'stats' open several sites; make one for each site.")
        for site in {site.id for site in sites} - {found.site}:
            connection.execute(sa.insert(KEY_SITES).values(key=found.id, site=site))


def sites_of_keys(store: ControlStore) -> dict[bytes, frozenset[int]]:
    """Of every key that opens more than its own site, by its digest: the other sites."""
    chosen = sa.select(API_KEYS.c.digest, KEY_SITES.c.site).join(KEY_SITES, KEY_SITES.c.key == API_KEYS.c.id)
    found: dict[bytes, frozenset[int]] = {}
    with store.engine.connect() as connection:
        for digest, site in connection.execute(chosen):
            found[digest] = found.get(digest, frozenset()) | {site}
    return found


def guests(store: ControlStore, site: Site) -> list[Guest]:
    """The keys of other sites that open this one, oldest first."""
    chosen = (
        sa.select(API_KEYS.c.id, SITES.c.domain, API_KEYS.c.hint)
        .join(KEY_SITES, KEY_SITES.c.key == API_KEYS.c.id)
        .join(SITES, SITES.c.id == API_KEYS.c.site)
        .where(KEY_SITES.c.site == site.id)
        .order_by(API_KEYS.c.id)
    )
    with store.engine.connect() as connection:
        return [Guest(*row) for row in connection.execute(chosen)]


def shut_out(store: ControlStore, site: Site, key: int) -> None:
    """A key of another site opens this one no more."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(KEY_SITES).where(KEY_SITES.c.site == site.id, KEY_SITES.c.key == key))
