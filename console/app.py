"""The console's application: pages, Stats API, health and metrics on the private port."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.access import Access
from console.answers import statistics_of
from console.api import StatsApi, problem
from console.beside import Beside
from console.metrics import Metrics
from console.pages.desk import Shop
from console.pages.routes import page_routes
from console.place_names import PlaceNames
from console.settings import ConsoleSettings
from console.sharing import Gone, Sharing
from control_store.tables import ControlStore
from warehouse.client import Warehouse
from warehouse.errors import WarehouseError


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What the console is made of."""

    settings: ConsoleSettings
    store: ControlStore
    warehouse: Warehouse
    clock: Callable[[], int]
    trouble: Callable[[], str]
    """What keeps the loader from loading; empty while all is well."""
    kept: Callable[[], Sequence[Any]] = tuple
    """What every store holds now (pages/kept.py)."""


def create_app(parts: ConsoleParts) -> Starlette:
    """The ASGI application of the console."""
    sharing = Sharing(parts.warehouse.cancel)
    access = Access(parts.store, parts.settings.query_rate, parts.clock)
    statistics = statistics_of(parts.warehouse, parts.store, parts.clock, PlaceNames(parts.settings.place_names))
    stats = StatsApi(parts.store, access, statistics, sharing)
    metrics = Metrics(parts.store, parts.trouble, stats.answered, parts.clock)

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readiness(_request: Request) -> Response:
        try:
            await asyncio.to_thread(parts.warehouse.ping)
        except WarehouseError:
            return problem(
                503, "The warehouse does not answer; collectors go on acknowledging meanwhile.", retry_after=2
            )
        return JSONResponse({"status": "ready"})

    async def exposition(_request: Request) -> Response:
        return Response(await asyncio.to_thread(metrics.text), media_type="text/plain; version=0.0.4")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        sharing.close()

    routes = [
        Route("/api/v1/query", stats.query, methods=["POST"]),
        Route("/api/v2/query", stats.query, methods=["POST"]),
        Route("/api/v1/capabilities", stats.capabilities),
        Route("/api/v1/funnel", stats.funnel, methods=["POST"]),
        *Beside(parts.store, access).routes(),
        Route("/healthz", health),
        Route("/readyz", readiness),
        Route("/metrics", exposition),
        *page_routes(
            Shop(parts.settings, parts.store, parts.warehouse, sharing, parts.clock, parts.trouble, parts.kept)
        ),
    ]
    left = {Gone: _nobody, ClientDisconnect: _nobody}
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=left)
    app.router.redirect_slashes = False  # it would lead to whatever host the request names
    return app


async def _nobody(_request: Request, _error: Exception) -> Response:
    """What nobody reads: the client left before it had asked or was answered. No fault, so nothing is logged."""
    return Response(status_code=499)
