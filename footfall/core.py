"""The core: the one process that owns the warehouse. Loader, jobs and console live and die together in it."""

import logging
import math
import os
import signal
import socket
import threading

import uvicorn

from aggregator.schedule import Run, Schedule
from console.app import ConsoleParts, create_app
from console.place_names import FILE
from console.settings import ConsoleSettings
from control_store.jobs import JobRun, keep_run
from control_store.salts import SaltFile
from control_store.sites import smallest_group
from control_store.tables import ControlStore
from footfall.assembly import SetUpError, clock, hold_core, make_directories, set_up_logging
from footfall.collecting import keep_stop_signals, server_config
from footfall.environment import Environment
from footfall.first_run import cannot_open, check_key
from footfall.geo import credit_of, directory_of
from footfall.jobs import Rooms, jobs
from footfall.keeping import keep_in_view
from footfall.publishing import public_url, publish
from footfall.takers import takers
from loader.loop import Hooks, Loader
from loader.settings import LoaderSettings
from spool.crash import crash_points
from warehouse.client import Warehouse
from warehouse.errors import WarehouseError
from warehouse.events import EventTable
from warehouse.migrate import migrate
from warehouse.settings import WarehouseSettings
from warehouse.tables import check_columns

_LOG = logging.getLogger("footfall.core")
_PATIENCE_S = 8.0
"""How long a start waits for a predecessor that still holds the warehouse."""


def run_core(environment: Environment, sock: socket.socket) -> None:
    """Serve the console's port until told to stop; the loader finishes the batch it is at."""
    set_up_logging(environment)
    make_directories(environment)
    if hold_core(environment, patience_s=_PATIENCE_S) is None:
        raise SetUpError(f"Another core works on {environment.data}; stop it, or choose another directory with --data.")
    check_key(environment)
    store = open_control(environment)
    publish(store, environment, clock())
    warehouse = open_warehouse(environment)
    salts = SaltFile(environment.salts, clock)
    table = EventTable(warehouse)
    hooks = Hooks(takers(store), lambda site: smallest_group(store, site), crash=crash_points(environment.crash))
    loader = Loader(environment.spool, table, settings=LoaderSettings(), clock=clock, hooks=hooks)
    rooms = Rooms(environment, store, salts, warehouse, table, loader.at_rest)
    schedule = Schedule(jobs(rooms), clock, lambda run: _keep(store, run))
    schedule.run_now()
    stop = threading.Event()
    thread = threading.Thread(target=_load, args=(loader, stop), name="loader")
    settings = ConsoleSettings(
        collector_url=public_url(environment),
        is_public=bool(environment.public_url),
        credit=credit_of(environment.geo),
        snippets=environment.snippets,
        place_names=directory_of(environment.geo) / FILE,
        query_rate=environment.query_rate,
    )
    parts = ConsoleParts(
        settings, store, warehouse, clock, lambda: loader.state.error, lambda: keep_in_view(environment, store)
    )
    app = create_app(parts)
    server = uvicorn.Server(server_config(app, drain_s=2))
    keep_stop_signals()
    thread.start()
    schedule.start()
    try:
        server.run(sockets=[sock])
    finally:
        stop.set()
        schedule.stop()
        thread.join(timeout=3)
        loader.close()
        store.close()
        salts.close()
        warehouse.close()


def open_control(environment: Environment) -> ControlStore:
    """The control store, migrated."""
    store = ControlStore(environment.control) if environment.control else ControlStore.in_directory(environment.data)
    store.migrate()
    return store


def open_warehouse(environment: Environment) -> Warehouse:
    """The warehouse, its tables up to date and equal to the catalogue. Raises WarehouseError.

    An unreachable server ends the start, and the supervisor tries again: collectors acknowledge meanwhile.
    """
    settings = WarehouseSettings(
        dsn=environment.warehouse,
        memory_bytes=environment.warehouse_memory_mb * 1024 * 1024,
        console_seconds=math.ceil(environment.query_seconds),  # half a second is not no limit
    )
    try:
        warehouse = Warehouse(settings)
        migrate(warehouse)
        check_columns(warehouse)
    except WarehouseError as error:
        raise cannot_open(environment, error) from None
    return warehouse


def count_warehouse(environment: Environment) -> dict[tuple[int, int], tuple[int, int]] | None:
    """Rows and bots by (site, day), asked of the warehouse itself; None while a core works on it."""
    lock = hold_core(environment, patience_s=0)
    if lock is None:
        return None
    warehouse = open_warehouse(environment)
    try:
        return EventTable(warehouse).day_counts()
    finally:
        warehouse.close()
        os.close(lock)


def _load(loader: Loader, stop: threading.Event) -> None:
    """The loader's thread. A contradiction stops it loudly and stays visible; a fault of ours ends the process."""
    try:
        loader.run(stop)
    except BaseException:
        _LOG.exception("The loader failed; the core starts anew.")
        os.kill(os.getpid(), signal.SIGTERM)
        raise


def _keep(store: ControlStore, run: Run) -> None:
    keep_run(store, JobRun(*run))
