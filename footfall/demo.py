"""The demo as a site of this installation: its entry among the sites, its address, and its process.

It is a site like any other: what it shows is in demo_shop.py, what is counted goes the way of every beacon.
"""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from control_store.goals import add_funnel, add_goal
from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_site, find_site, list_sites, save_settings
from control_store.snapshot import Site
from control_store.tables import ControlStore
from event_catalogue.goals import Funnel, Goal

DOMAIN: Final = "localhost"
"""The demo's site. Browsers open it by this name, whatever loopback address it listens on."""
VARIANTS: Final[dict[str, SiteSettings]] = {
    "berlin.localhost": SiteSettings(policy="opt_in", banner=True, localhost=True, modules=("ads",)),
    "california.localhost": SiteSettings(policy="opt_out", banner=True, localhost=True, shares=True),
    "kids.localhost": SiteSettings(policy="under_16", banner=True, localhost=True),
}
"""The same shop as its visitors from elsewhere would meet it, each a site of its own; browsers find such names on this
machine."""
GOALS: Final = (Goal("Looks at an article", page="/shop/*"), Goal("Basket", page="/basket"), Goal("Order", "purchase"))
"""What the shop waits for, in this order."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104 - addresses that are reached as localhost


def ensure_site(store: ControlStore, host: str, *, now: int) -> Site:
    """The demo's site, made when it is missing; it counts visits on localhost, and on `host` if that is another name.

    One that exists keeps its settings but for these two, without which no visit of the demo would count.
    """
    if all(one.domain != DOMAIN for one in list_sites(store)):
        made = add_site(store, NewSite(DOMAIN, _zone(), SiteSettings(banner=True)), now=now)
        for goal in GOALS:
            add_goal(store, made, goal, now=now)
        add_funnel(store, made, Funnel("From shelf to order", tuple(goal.name for goal in GOALS)), now=now)
    site = find_site(store, DOMAIN)
    hosts = dict.fromkeys((*site.settings.hostnames, "127.0.0.1", *(() if host in _LOOPBACK else (host,))))
    wanted = {"localhost": True, "hostnames": tuple(hosts)}
    if wanted != {"localhost": site.settings.localhost, "hostnames": site.settings.hostnames}:
        save_settings(store, site, msgspec.structs.replace(site.settings, **wanted))
    return find_site(store, DOMAIN)


def ensure_variants(store: ControlStore, *, now: int) -> dict[str, str]:
    """The keys of the shop's variants by host; those that are missing are made."""
    known = {site.domain for site in list_sites(store)}
    for host, settings in VARIANTS.items():
        if host not in known:
            add_site(store, NewSite(host, _zone(), settings), now=now)
    return {site.domain: site.key for site in list_sites(store) if site.domain in VARIANTS}


def run_demo(snippet: str, variants: Mapping[str, str], sock: socket.socket) -> None:
    """Serve the shop until told to stop. `snippet` is the URL that its pages embed, `variants` are those of others by
    the host under which the shop is asked for."""
    import uvicorn

    from footfall.collecting import server_config
    from footfall.demo_shop import create_app

    uvicorn.Server(server_config(create_app(snippet, variants), drain_s=1)).run(sockets=[sock])


def _zone() -> str:
    """The machine's time zone, so that the demo's day is the visitor's; UTC where it can't be told."""
    from zoneinfo import available_timezones

    _, _, name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")
    return name if name in available_timezones() else "UTC"
