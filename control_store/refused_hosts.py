"""Hosts that sent beacons for a site without being its own: a short list, for the owner to allow or to ignore.

The newest fifty of a site; collectors tell of a host once an hour at most, so `hours` counts hours, not beacons.
"""

from typing import Final, Literal, NamedTuple

import sqlalchemy as sa

from control_store.setting_items import ascii_host
from control_store.site_settings import changed
from control_store.sites import find_site, save_settings
from control_store.snapshot import Site
from control_store.tables import REFUSED_HOSTS, ControlStore
from control_store.taking import Place, taking
from event_catalogue.days import DAY_MS

_MOST: Final = 50
KEPT_DAYS: Final = 90

Settled = Literal["allowed", "ignored"]


class RefusedHost(NamedTuple):
    """One host; first and last time in ms UTC."""

    hostname: str
    first: int
    last: int
    hours: int


def take_host(store: ControlStore, place: Place, site: int, hostname: str, *, at: int) -> None:
    """Keep what a collector told; once, however often it is handed over."""
    table = REFUSED_HOSTS.c
    one = sa.and_(table.site == site, table.hostname == hostname)
    with taking(store, place) as connection:
        if connection is None:
            return
        change = sa.update(REFUSED_HOSTS).where(one).values(last=at, hours=table.hours + 1)
        if connection.execute(change).rowcount == 0:
            connection.execute(
                sa.insert(REFUSED_HOSTS).values(site=site, hostname=hostname, first=at, last=at, hours=1)
            )
        newest = sa.select(table.hostname).where(table.site == site).order_by(table.last.desc(), table.hostname)
        kept = [row.hostname for row in connection.execute(newest.limit(_MOST))]
        connection.execute(sa.delete(REFUSED_HOSTS).where(table.site == site, table.hostname.not_in(kept)))


def refused_hosts(store: ControlStore, site: int) -> list[RefusedHost]:
    """The hosts of a site's list, newest first."""
    table = REFUSED_HOSTS.c
    columns = [table[name] for name in RefusedHost._fields]
    asked = sa.select(*columns).where(table.site == site).order_by(table.last.desc(), table.hostname)
    with store.engine.connect() as connection:
        return [RefusedHost(*row) for row in connection.execute(asked)]


def forget_hosts(store: ControlStore, *, now: int) -> int:
    """Delete hosts that have not been seen for the list's period; how many they were."""
    with store.engine.begin() as connection:
        old = REFUSED_HOSTS.c.last < now - KEPT_DAYS * DAY_MS
        return int(connection.execute(sa.delete(REFUSED_HOSTS).where(old)).rowcount)


def settle_host(store: ControlStore, site: Site, hostname: str, settled: Settled) -> Site:
    """Count a host as the site's from now on, or go on refusing it without mention; it leaves the list.

    `*.` before the name takes what is below it. The site as it is after that. Raises BadSetting.
    """
    setting = "hostnames" if settled == "allowed" else "ignored_hostnames"
    listed = ",".join((*getattr(site.settings, setting), hostname))
    save_settings(store, site, changed(site.settings, [f"{setting}={listed}"]))
    gone = REFUSED_HOSTS.c.hostname == ascii_host(hostname)
    with store.engine.begin() as connection:
        connection.execute(sa.delete(REFUSED_HOSTS).where(REFUSED_HOSTS.c.site == site.id, gone))
    return find_site(store, str(site.id))
