"""Hosts that sent beacons without being the site's: an admin allows or ignores each of them."""

import asyncio

from starlette.responses import Response

from console.pages.desk import Ask, go
from control_store.refused_hosts import Settled, refused_hosts, settle_host


async def settle(ask: Ask) -> Response:
    """Allow or ignore a host of the list; one that is not on it any more changes nothing."""
    site, store = ask.site(), ask.desk.shop.store
    hostname = ask.form.get("host", "")
    settled: Settled = "allowed" if ask.form.get("as") == "allowed" else "ignored"
    if hostname in [one.hostname for one in refused_hosts(store, site.id)]:
        await asyncio.to_thread(settle_host, store, site, hostname, settled)
        await ask.note("settings", site=site.domain, subject=f"{hostname} {settled}")
    return go(f"/sites/{site.domain}/settings?saved=1")
