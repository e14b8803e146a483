"""The one table of everything that runs by itself."""

from dataclasses import dataclass

from aggregator.schedule import Job
from control_store.accounting import Account, SpoolState, publish_accounts, publish_spools
from control_store.salts import SaltFile
from control_store.sites import current_revision, list_sites, publish_snapshot, read_snapshot
from control_store.tables import ControlStore
from event_catalogue.days import DAY_MS, day_end, local_day
from footfall.assembly import clock
from footfall.environment import Environment
from loader.loop import Loader
from warehouse.client import Warehouse

_AHEAD_MS = DAY_MS // 4
"""Salts are made six hours before their local day begins."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the jobs work on."""

    environment: Environment
    store: ControlStore
    salts: SaltFile
    loader: Loader
    warehouse: Warehouse


def jobs(rooms: Rooms) -> tuple[Job, ...]:
    """The table. Order is the order of the first run at start."""
    return (
        Job("salts.destroy", 60, lambda: destroy_salts(rooms), "destroys salts 24 h after their day", history=False),
        Job("salts.make", 600, lambda: make_salts(rooms), "makes the next day's salts six hours ahead", history=False),
        Job(
            "sites.publish",
            1,
            lambda: publish(rooms),
            "shows collectors what changed in the control store",
            history=False,
        ),
        Job(
            "accounting.publish",
            5,
            lambda: account(rooms),
            "brings the loader's counts to the control store",
            history=False,
        ),
    )


def destroy_salts(rooms: Rooms) -> str:
    """Overwrite every overdue salt."""
    gone = rooms.salts.destroy_overdue()
    return f"{len(gone)} destroyed: {' '.join(salt.key_id for salt in gone)}" if gone else ""


def make_salts(rooms: Rooms) -> str:
    """Make the salts of each site's current local day and, six hours ahead, of its next."""
    now = clock()
    for site in list_sites(rooms.store):
        for at in (now, now + _AHEAD_MS):
            zone = site.timezone_at(at)
            day = local_day(zone, at)
            rooms.salts.salt(site.id, day, destroy_at=day_end(zone, day) + DAY_MS)
    return ""


def publish(rooms: Rooms) -> str:
    """Publish the snapshot when the control store has a newer revision than the published one."""
    path = rooms.environment.snapshot
    if path.exists() and read_snapshot(path).revision == current_revision(rooms.store):
        return ""
    publish_snapshot(rooms.store, path)
    return "published"


def account(rooms: Rooms) -> str:
    """Publish the loader's absolute counts; publishing the same twice changes nothing."""
    state = rooms.loader.state()
    accounts = [Account(*one) for one in state.accounts]
    publish_accounts(rooms.store, state.name, accounts)
    spools = [SpoolState(one.name, one.watermark, one.pending) for one in state.spools]
    publish_spools(rooms.store, state.name, spools, now=clock())
    return ""
