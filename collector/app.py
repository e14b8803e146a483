"""The collector's application: what it is made of, its routes, and what it does while it lives."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.address import Hops, read_networks
from collector.agent import AgentReader
from collector.answers import FAULT, Answer, problem
from collector.beacons import Beacons
from collector.bots import BotRules
from collector.choice_texts import ChoiceTexts
from collector.choosing import Choosing
from collector.details import Details
from collector.endpoints import Endpoints
from collector.importing import ImportSessions
from collector.intake import Intake
from collector.limits import Limits
from collector.notice_page import NoticePage
from collector.pages import Pages
from collector.place import Places
from collector.referrer import SourceReader
from collector.registry import Registry, ServedSite
from collector.scrub import Scrubber
from collector.sender import Senders
from collector.settings import CollectorSettings
from collector.snippets import Snippets
from collector.steps import Tools
from control_store.salts import SaltFile
from event_catalogue.days import DAY_MS, day_end
from spool.writer import SpoolWriter

_REFRESH_S: Final = 0.5
"""How often the snapshot is looked at: a change of a site holds within two seconds."""
_MINUTE: Final = 120
"""Looks of a minute."""

_LOG = logging.getLogger("footfall.collector")

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Collector:
    """The parts of one collector process, as the front door assembles them."""

    settings: CollectorSettings
    spool: SpoolWriter
    salts: SaltFile
    clock: Clock
    ticks: Clock
    """Milliseconds that never go back, for rates."""


def make_tools(places: Places, salt_of: Callable[[ServedSite, int, int], bytes]) -> Tools:
    """The tools of a process; also what importers use, so that every way in has the same privacy."""
    scrubber, bots = Scrubber(), BotRules(places.network)
    pages, senders = Pages(SourceReader(), scrubber, bots.is_spam), Senders(AgentReader(), bots)
    return Tools(pages, senders, bots, places, scrubber, Details(scrubber), salt_of)


def create_app(parts: Collector) -> Beacons:
    """The ASGI application of a collector process."""
    settings, clock = parts.settings, parts.clock
    registry = Registry(settings.snapshot)
    registry.refresh()
    imports = ImportSessions(parts.salts, clock)
    tools = make_tools(Places(settings.geo), _salts(parts.salts, imports, clock))
    limits = Limits(network_rate=settings.network_rate, site_rate=settings.site_rate, clock=parts.ticks)
    intake = Intake(registry, tools, spool=parts.spool, limits=limits, clock=clock)
    hops = Hops(read_networks(settings.trusted_proxies))
    endpoints = Endpoints(intake, hops, imports, lambda: _missing(registry, parts.spool))
    snippets = Snippets(settings.snippets, lambda name: found.site.key if (found := registry.in_path(name)) else None)
    inner = Starlette(
        routes=_routes(endpoints, Choosing(intake, hops), snippets, settings.notices),
        lifespan=_lifespan(
            registry, parts.salts, (imports.forget, lambda: tools.pages.forget(clock()), tools.places.refresh)
        ),
        exception_handlers=_HANDLERS,
    )
    inner.router.redirect_slashes = False  # it would lead to whatever host the request names
    return Beacons(inner, intake, hops)


def _routes(endpoints: Endpoints, choosing: Choosing, snippets: Snippets, notices: Path) -> list[Route]:
    notice = NoticePage(choosing, notices)
    return [
        Route("/e.gif", endpoints.pixel, methods=["GET"]),
        Route("/api/v1/events", endpoints.events, methods=["POST"]),
        Route("/c/{site}", choosing.look, methods=["GET"]),
        Route("/c/{site}", choosing.choose, methods=["POST"]),
        Route("/c/{site}/texts", ChoiceTexts(choosing).serve, methods=["GET"]),
        Route("/privacy/schema.json", notice.schema, methods=["GET"]),
        Route("/privacy/{site}", notice.serve, methods=["GET"]),
        Route("/.well-known/gpc.json", choosing.gpc_support, methods=["GET"]),
        Route("/js/{name}", snippets.serve, methods=["GET"]),
        Route("/healthz", endpoints.health, methods=["GET"]),
        Route("/readyz", endpoints.readiness, methods=["GET"]),
    ]


def _salts(salts: SaltFile, imports: ImportSessions, clock: Clock) -> Callable[[ServedSite, int, int], bytes]:
    """A day's salt dies 24 hours after the local day ends; late events of yesterday find it until then."""

    def salt_of(served: ServedSite, day: int, import_id: int) -> bytes:
        if import_id:
            return imports.salt(day, import_id)
        known = salts.known(served.site.id, day)
        if known is not None:
            return known
        zone = served.site.timezone_at(clock())
        return salts.salt(served.site.id, day, destroy_at=day_end(zone, day) + DAY_MS)

    return salt_of


def _missing(registry: Registry, spool: SpoolWriter) -> str:
    if not registry.ready:
        return "No sites are known yet: the core has not published any. Start `footfall serve` or `footfall core`."
    return spool.state.refusal


def _lifespan(
    registry: Registry, salts: SaltFile, every_minute: Sequence[Callable[[], object]]
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_watch(registry, salts, every_minute))
        yield
        task.cancel()

    return lifespan


def _destroy_salts(salts: SaltFile) -> None:
    """Also here, because the core may be down for days. The sites must go on being looked at if the disk fails."""
    try:
        salts.destroy_overdue()
    except OSError as error:
        _LOG.error("Overdue salts can't be overwritten (errno %s); tried again in a minute.", error.errno)


async def _watch(registry: Registry, salts: SaltFile, every_minute: Sequence[Callable[[], object]]) -> None:
    """Look at the sites twice a second; every minute destroy what is overdue, drop from memory what is old and look
    at the files of places."""
    ticks = 0
    while True:
        registry.refresh()
        if ticks % _MINUTE == 0:
            await asyncio.to_thread(_destroy_salts, salts)
            for one in every_minute:
                one()
        ticks += 1
        await asyncio.sleep(_REFRESH_S)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return _response(
        problem(404, "The collector serves /e, /e.gif and /api/v1/events; pages are at the console's address.")
    )


async def _not_allowed(_request: Request, error: Exception) -> Response:
    allowed = str((getattr(error, "headers", None) or {}).get("Allow", ""))
    more = [(b"allow", allowed.encode())] if allowed else []
    return _response(problem(405, "This address is served with another method.", more=more))


async def _fault(_request: Request, _error: Exception) -> Response:
    return _response(FAULT)


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {k.decode(): v.decode() for k, v in answer.headers})


_HANDLERS: Final = {404: _not_found, 405: _not_allowed, Exception: _fault}
