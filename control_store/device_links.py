"""Links by which an owner's own device leaves the count: made on the screen or by a command, each opens once.

Only digests of their tokens are kept, for a day, one for each site.
"""

import secrets
from typing import Final

import sqlalchemy as sa

from control_store.accounts import token_digest
from control_store.site_settings import changed
from control_store.sites import find_site, save_settings
from control_store.snapshot import Site
from control_store.snippet_settings import module_names
from control_store.tables import DEVICE_LINKS, ControlStore

LASTS_MS: Final = 86_400_000
_MODULE: Final = "api"
"""What of the snippet remembers on the device that it is not counted."""


def offer_device_link(store: ControlStore, site: Site, *, now: int) -> str:
    """The token of a link; an earlier one for the site opens nothing any more.

    The module of the snippet that remembers a device is turned on with the first link.
    """
    if _MODULE not in module_names(site.settings.modules):
        save_settings(store, site, changed(site.settings, [f"modules={','.join((*site.settings.modules, _MODULE))}"]))
    token = secrets.token_urlsafe(32)
    with store.engine.begin() as connection:
        connection.execute(sa.delete(DEVICE_LINKS).where(DEVICE_LINKS.c.site == site.id))
        values = {"site": site.id, "digest": token_digest(token), "expires": now + LASTS_MS}
        connection.execute(sa.insert(DEVICE_LINKS).values(**values))
    return token


def find_device_link(store: ControlStore, token: str, *, now: int) -> Site | None:
    """The site whose link this token opens; None for nothing, or nothing any more."""
    wanted = sa.and_(DEVICE_LINKS.c.digest == token_digest(token), DEVICE_LINKS.c.expires > now)
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(DEVICE_LINKS.c.site).where(wanted)).first()
    return find_site(store, str(row.site)) if row else None


def use_device_link(store: ControlStore, token: str, *, now: int) -> Site | None:
    """Burn the link; the site that it was for, None if it opens nothing."""
    site = find_device_link(store, token, now=now)
    with store.engine.begin() as connection:
        gone = connection.execute(sa.delete(DEVICE_LINKS).where(DEVICE_LINKS.c.digest == token_digest(token)))
    return site if gone.rowcount else None


def forget_device_links(store: ControlStore, *, now: int) -> int:
    """Delete the links whose time is over; how many they were."""
    with store.engine.begin() as connection:
        return int(connection.execute(sa.delete(DEVICE_LINKS).where(DEVICE_LINKS.c.expires <= now)).rowcount)
