"""Hosts that sent beacons for a site without being its own: a short list, for the owner to allow or to ignore.

The newest fifty of a site; collectors tell of a host once an hour at most, so `hours` counts hours, not beacons.
"""

from typing import Final, NamedTuple

import sqlalchemy as sa

from control_store.tables import REFUSED_HOSTS, ControlStore
from control_store.taking import Place, taking

_MOST: Final = 50


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


def forget_host(store: ControlStore, site: int, hostname: str) -> None:
    """Take a host off the list: it was allowed, or is to be ignored."""
    with store.engine.begin() as connection:
        connection.execute(
            sa.delete(REFUSED_HOSTS).where(REFUSED_HOSTS.c.site == site, REFUSED_HOSTS.c.hostname == hostname)
        )
