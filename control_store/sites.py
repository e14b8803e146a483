"""Sites and their keys: kept in the control store, and published as the snapshot that collectors read.

The snapshot is one file, replaced whole; a collector that finds none waits, one that has read it needs nothing else.
It holds digests of API keys, never keys.
"""

import os
import secrets
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import available_timezones

import msgspec
import sqlalchemy as sa

from control_store.people_tables import SITE_ROLES, USERS
from control_store.setting_items import BadSetting, ascii_host
from control_store.site_settings import SiteSettings, from_values
from control_store.snapshot import ApiKey, Scope, Site, Snapshot, UnknownSite, key_digest
from control_store.tables import (
    API_KEYS,
    CHOICE_COUNTS,
    DELETED_SITES,
    NOTICES,
    REFUSED_HOSTS,
    REVISION,
    SITES,
    ControlStore,
    touch,
)


class NewSite(NamedTuple):
    """What was asked for when a site was added."""

    domain: str
    timezone: str = "UTC"
    settings: SiteSettings = SiteSettings()


def add_site(store: ControlStore, new: NewSite, *, now: int) -> Site:
    """Add a site. Raises BadSetting when the domain is taken or no host name, or the zone is unknown."""
    domain = ascii_host(new.domain)
    check_domain(domain)
    check_timezone(new.timezone)
    values = {
        "key": secrets.token_hex(8),
        "domain": domain,
        "timezone": new.timezone,
        "returning_key": secrets.token_bytes(32),
        "settings": msgspec.to_builtins(new.settings),
        "created": now,
    }
    try:
        with store.engine.begin() as connection:
            connection.execute(sa.insert(SITES).values(values))
            touch(connection)
    except sa.exc.IntegrityError:
        raise BadSetting(
            f"The site {domain} exists already; change it with `footfall site set {domain} key=value`."
        ) from None
    return find_site(store, domain)


def check_domain(domain: str) -> None:
    """Raise BadSetting unless this is a host name without scheme, port or path."""
    labels = domain.split(".")
    plain = all(label and len(label) < 64 and label.replace("-", "").isalnum() and label.isascii() for label in labels)
    if not plain or len(domain) > 253:
        raise BadSetting(f"'{domain[:80]}' is not a host name; write it like shop.example, without https:// and path.")


def check_timezone(name: str) -> None:
    """Raise BadSetting unless the IANA zone exists."""
    if name not in available_timezones() or name in ("Factory", "localtime"):
        raise BadSetting(f"'{name[:80]}' is no time zone; use an IANA name like Europe/Zurich.")


def list_sites(store: ControlStore) -> list[Site]:
    """Every site, by id."""
    with store.engine.connect() as connection:
        return [_site(row) for row in connection.execute(sa.select(SITES).order_by(SITES.c.id))]


def find_site(store: ControlStore, name: str) -> Site:
    """The site with this domain, key or id. Raises UnknownSite."""
    wanted = ascii_host(name)
    for site in list_sites(store):
        if wanted in (site.domain, site.key, str(site.id)):
            return site
    raise UnknownSite(f"There is no site '{name[:80]}'; `footfall site list` shows those there are.")


def smallest_group(store: ControlStore, site: int) -> int:
    """The smallest group of visitors that the site tells apart; of a deleted site, none is left to tell."""
    found = next((one for one in list_sites(store) if one.id == site), None)
    return found.settings.k if found else 2**62


def save_settings(store: ControlStore, site: Site, settings: SiteSettings) -> None:
    """Replace the settings of a site; collectors hold to them within two seconds."""
    with store.engine.begin() as connection:
        change = sa.update(SITES).where(SITES.c.id == site.id)
        connection.execute(change.values(settings=msgspec.to_builtins(settings)))
        touch(connection)


def save_timezone(store: ControlStore, site: Site, timezone: str, *, holds_from: int) -> None:
    """Give a site another zone from a coming local midnight (ms UTC) on; earlier days stay cut as they were."""
    check_timezone(timezone)
    with store.engine.begin() as connection:
        values = {
            "timezone": site.timezone_at(holds_from - 1),
            "next_timezone": timezone,
            "next_timezone_from": holds_from,
        }
        connection.execute(sa.update(SITES).where(SITES.c.id == site.id).values(values))
        touch(connection)


def delete_site(store: ControlStore, site: Site, *, now: int) -> None:
    """Forget a site and its keys; beacons for it are refused from now on. Its rows are retention's to remove."""
    with store.engine.begin() as connection:
        connection.execute(sa.insert(DELETED_SITES).values(site=site.id, deleted=now))
        for table in (REFUSED_HOSTS, CHOICE_COUNTS, NOTICES):
            connection.execute(sa.delete(table).where(table.c.site == site.id))
        connection.execute(sa.delete(SITES).where(SITES.c.id == site.id))
        touch(connection)


def deleted_sites(store: ControlStore) -> set[int]:
    """The ids of sites that were deleted. No other id may be taken for one: a store that was lost knows no site."""
    with store.engine.connect() as connection:
        return set(connection.execute(sa.select(DELETED_SITES.c.site)).scalars())


def add_key(store: ControlStore, site: Site, scope: Scope, *, now: int, maker: int | None = None) -> str:
    """A new API key of the site. Only its digest is kept: this is the one time the key is seen.

    `maker`: the user whose key it is. It opens something while they are admin of the site; None: the installation's.
    """
    key = f"ff_{scope}_{secrets.token_urlsafe(32)}"
    values = {
        "site": site.id,
        "scope": scope,
        "digest": key_digest(key),
        "hint": key[-4:],
        "created": now,
        "maker": maker,
    }
    with store.engine.begin() as connection:
        connection.execute(sa.insert(API_KEYS).values(values))
        touch(connection)
    return key


class Key(NamedTuple):
    """What is kept of an API key besides its digest."""

    id: int
    scope: Scope
    hint: str
    """Its last four signs."""
    created: int
    used: int
    """Day (UTC) on which it last asked the Stats API; 0: never, or it is of another scope."""
    maker: str
    """E-mail address of whose key it is; empty: the installation's, made on the command line."""
    opens: bool
    """Whether it opens anything: not any more when its maker is no admin of the site."""


def list_keys(store: ControlStore, site: Site) -> list[Key]:
    """The keys of a site, oldest first."""
    with store.engine.connect() as connection:
        rows = connection.execute(KEYS.where(API_KEYS.c.site == site.id).order_by(API_KEYS.c.id))
        return [Key(*row[:-1]) for row in rows]


def revoke_key(store: ControlStore, site: Site, number: int) -> None:
    """A key opens nothing any more, as soon as collectors and console have seen it: within two seconds."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(API_KEYS).where(API_KEYS.c.site == site.id, API_KEYS.c.id == number))
        touch(connection)


def mark_key_used(store: ControlStore, digest: bytes, *, day: int) -> str:
    """Remember the day (UTC) of a key's last question; its hint."""
    with store.engine.begin() as connection:
        connection.execute(sa.update(API_KEYS).where(API_KEYS.c.digest == digest).values(used=day))
        return (
            connection.execute(sa.select(API_KEYS.c.hint).where(API_KEYS.c.digest == digest)).scalar_one_or_none() or ""
        )


def current_revision(store: ControlStore) -> int:
    """The number that rises with every change that collectors must see."""
    with store.engine.connect() as connection:
        return int(connection.execute(sa.select(REVISION.c.number)).scalar_one())


def take_snapshot(store: ControlStore) -> Snapshot:
    """Sites and keys of one moment."""
    with store.engine.connect() as connection:
        revision = int(connection.execute(sa.select(REVISION.c.number)).scalar_one())
        sites = [_site(row) for row in connection.execute(sa.select(SITES).order_by(SITES.c.id))]
        keys = [ApiKey(*row) for row in connection.execute(_OPENING)]
    return Snapshot(revision, sites, keys)


def publish_snapshot(store: ControlStore, path: Path) -> None:
    """Write the snapshot where collectors look, whole or not at all, readable by the owner alone."""
    body = msgspec.msgpack.encode(take_snapshot(store))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


_OF_MAKER: Final = API_KEYS.outerjoin(USERS, USERS.c.id == API_KEYS.c.maker).outerjoin(
    SITE_ROLES, sa.and_(SITE_ROLES.c.user == API_KEYS.c.maker, SITE_ROLES.c.site == API_KEYS.c.site)
)
_MAY: Final = sa.or_(
    API_KEYS.c.maker.is_(None), USERS.c.role == "admin", sa.func.coalesce(SITE_ROLES.c.role, "") == "admin"
)
"""A key reaches no further than its maker, who has to be admin of the site at the time of the call."""
KEYS: Final = sa.select(
    *(API_KEYS.c[name] for name in ("id", "scope", "hint", "created", "used")),
    sa.func.coalesce(USERS.c.email, ""),
    sa.case((_MAY, True), else_=False),
    API_KEYS.c.site,
).select_from(_OF_MAKER)
"""The fields of Key, and the site."""
_OPENING: Final = sa.select(API_KEYS.c.digest, API_KEYS.c.site, API_KEYS.c.scope).select_from(_OF_MAKER).where(_MAY)


def _site(row: Any) -> Site:
    return Site(
        id=row.id,
        key=row.key,
        domain=row.domain,
        timezone=row.timezone,
        returning_key=row.returning_key,
        settings=from_values(row.settings),
        next_timezone=row.next_timezone,
        next_timezone_from=row.next_timezone_from,
    )
