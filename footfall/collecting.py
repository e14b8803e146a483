"""One collector process: opens its spool, its salts and the published snapshot, and serves the public port."""

import gc
import signal
import socket
import sys

import uvicorn

from collector.app import Collector, create_app
from collector.connection import Connection
from collector.fast_lane import fast_lane
from collector.settings import CollectorSettings
from control_store.salts import SaltFile
from footfall.assembly import SWITCH_INTERVAL_S, clock, make_directories, set_up_logging, spool_settings, ticks
from footfall.environment import Environment
from spool.crash import crash_points
from spool.writer import SpoolWriter


def run_worker(environment: Environment, name: str, sock: socket.socket) -> None:
    """Serve until told to stop; what is under way is answered first."""
    set_up_logging(environment)
    make_directories(environment)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    settings = CollectorSettings(
        snapshot=environment.snapshot,
        salts=environment.salts,
        snippets=environment.snippets,
        notices=environment.notices,
        geo=environment.geo,
        trusted_proxies=environment.trusted_proxies,
        network_rate=environment.network_rate,
        site_rate=environment.site_rate,
    )
    salts = SaltFile(environment.salts, clock)
    spool = SpoolWriter(environment.spool, name, spool_settings(environment), clock, crash_points(environment.crash))
    app = create_app(Collector(settings, spool, salts, clock, ticks))
    settle_down()
    lane = fast_lane(app) if environment.fast_lane else Connection
    server = uvicorn.Server(server_config(app, drain_s=3, connection=lane))
    keep_stop_signals()
    try:
        server.run(sockets=[sock])
    finally:
        spool.close()
        salts.close()


def settle_down() -> None:
    """What was loaded at the start lives as long as the process: the search for garbage need not go through it again
    and again (an eighth of all work, and pauses of 10 ms). What a beacon makes is freed without that search."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def keep_stop_signals() -> None:
    """uvicorn raises the signal that stopped it again when it has drained; what comes after it must still run."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def server_config(app: object, *, drain_s: int, connection: type[Connection] = Connection) -> uvicorn.Config:
    """uvicorn without access log, with limits that hold on the open internet."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application; uvicorn's own type is wider
        loop="uvloop",
        http=connection,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=drain_s,
        backlog=2048,
    )
