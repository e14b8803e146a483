"""An installation with a site and keys before its first start: seconds less than by five commands, and the same rows."""

import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_key, add_site, find_site
from control_store.snapshot import SCOPES
from control_store.tables import ControlStore

DOMAIN: Final = "shop.example"


class Furnished(NamedTuple):
    """What was made. `keys` are the site's API keys by scope."""

    site: str
    keys: dict[str, str]
    returning_key: bytes


def furnish(data: Path, domain: str = DOMAIN, **settings: Any) -> Furnished:
    """Add a site with a key of every scope; the product may run or not."""
    data.mkdir(parents=True, exist_ok=True)
    now = int(time.time() * 1000)
    store = ControlStore.in_directory(data)
    try:
        store.migrate()
        site = add_site(store, NewSite(domain, "UTC", SiteSettings(**settings)), now=now)
        keys = {scope: add_key(store, site, scope, now=now) for scope in SCOPES}
    finally:
        store.close()
    return Furnished(site.key, keys, site.returning_key)


def more_keys(data: Path, count: int, domain: str = DOMAIN) -> list[str]:
    """More stats keys of a site."""
    store = ControlStore.in_directory(data)
    try:
        site = find_site(store, domain)
        return [add_key(store, site, "stats", now=int(time.time() * 1000)) for _ in range(count)]
    finally:
        store.close()
