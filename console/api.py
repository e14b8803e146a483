"""The Stats API: `POST /api/v1/query`, the same at `/api/v2/query`, in the shape of Plausible's Stats API v2."""

import asyncio
import logging
from collections.abc import Awaitable, Hashable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from console.access import Access, Denied
from console.sharing import Sharing, Work
from console.stats.filters import check_size, parse_filters
from console.stats.funnels import funnel_question, funnel_steps
from console.stats.names import shown
from console.stats.parse import decoded, parse, parse_body
from console.stats.query import All, BadQuery, Query, SiteRef
from console.stats.run import Statistics
from console.stats.segments import names_segments, resolved
from console.stats.table import as_csv
from control_store.audit import Entry, note
from control_store.goals import aims_of
from control_store.segments import find_segment, list_segments
from control_store.sites import mark_key_used
from control_store.snapshot import ApiKey, Site
from control_store.tables import ControlStore
from warehouse.errors import TryLater, WarehouseError

_DAY_MS: Final = 86_400_000
_LARGEST_BODY: Final = 64 * 1024
_LOG = logging.getLogger("footfall.console")
_TITLES: Final = {
    400: "The question can't be answered as it was put",
    401: "A key is needed",
    403: "Not with this key",
    404: "Not there",
    413: "The body is too large",
    429: "Too many questions",
    503: "Not now",
}


class StatsApi:
    """The handlers of the Stats API's routes."""

    def __init__(self, store: ControlStore, access: Access, statistics: Statistics, sharing: Sharing) -> None:
        self._store = store
        self._access = access
        self._statistics = statistics
        self._sharing = sharing
        self._clock = access.clock
        self._noted: set[tuple[int, int, bytes]] = set()
        self.answered: dict[int, int] = {}

    async def query(self, request: Request) -> Response:
        """Answer one question."""
        response = await self._answer(request)
        self.answered[response.status_code] = self.answered.get(response.status_code, 0) + 1
        return response

    async def capabilities(self, request: Request) -> Response:
        """Tell what can be asked of a site and a range."""
        return await guarded(self._tell(request))

    async def funnel(self, request: Request) -> Response:
        """Tell how far visits come in a funnel."""
        return await guarded(self._steps(request))

    async def _answer(self, request: Request) -> Response:
        return await guarded(self._query(request))

    async def _query(self, request: Request) -> Response:
        key = self._access.key(request.headers.get("authorization", ""))
        query = parse_body(await read_body(request))
        sites = await self._sites(key, query)
        query = await asyncio.to_thread(self._resolved, query, sites, key)
        answer = await self._ask(request, query, sites)
        if "text/csv" in request.headers.get("accept", ""):
            return Response(as_csv(answer), media_type="text/csv; charset=utf-8", headers={"cache-control": "no-store"})
        return json_answer(answer)

    async def _steps(self, request: Request) -> Response:
        key = self._access.key(request.headers.get("authorization", ""))
        query, name = funnel_question(decoded(await read_body(request)))
        sites = await self._sites(key, query)
        query = await asyncio.to_thread(self._resolved, query, sites, key)
        aims = await asyncio.to_thread(aims_of, self._store, sites[0].id)

        def work(query_id: str) -> Any:
            ask = partial(self._statistics.answer, site=sites[0], query_id=query_id)
            return funnel_steps(query, name, aims, ask)

        return json_answer(await self._share(request, (sites, query, name), work))

    def _resolved(self, query: Query, sites: Sequence[SiteRef], key: ApiKey) -> Query:
        """The question with the key's segments put in. Raises BadQuery."""
        if not names_segments(query.filters):
            return query
        known = list_segments(self._store, sites[0].id, key.digest)

        def find(named: str) -> All:
            found = find_segment(known, named)
            if found is None:
                raise BadQuery("filters", f"There is no segment {shown(named)}, or it is personal to another key.")
            return parse_filters(found.filters)

        whole = resolved(query, find)
        check_size(whole.filters)
        return whole

    async def _tell(self, request: Request) -> Response:
        key = self._access.key(request.headers.get("authorization", ""))
        params = request.query_params
        for name in params:
            if name not in ("site_id", "date_range"):
                raise BadQuery(name, "Only `site_id` and `date_range` can be given here.")
        first, comma, last = params.get("date_range", "30d").partition(",")
        asked = {"site_id": params.get("site_id", ""), "date_range": [first, last] if comma else first}
        query = parse(asked | {"metrics": ["visits"]})
        if query.site_ids:
            raise BadQuery("site_id", "What can be asked is told of one site.")
        [site] = await self._sites(key, query)
        return json_answer(await asyncio.to_thread(self._statistics.capabilities, query, site))

    async def _sites(self, key: ApiKey, query: Query) -> tuple[SiteRef, ...]:
        """The sites of a question, if the key opens them all. Raises Denied."""
        sites = self._access.sites(key, query.site_ids or (query.site_id,))
        for site in sites:
            await self._note(key, site)
        return tuple(map(self._ref, sites))

    def _ref(self, site: Site) -> SiteRef:
        kept = site.settings
        return SiteRef(site.id, site.domain, site.timezone_at(self._clock()), kept.k, kept.counted_bots)

    async def _note(self, key: ApiKey, site: Site) -> None:
        """Once a day: that this key asked. Into the audit log, and as the day of its last use."""
        mark = (day := self._clock() // _DAY_MS, site.id, key.digest)
        if mark in self._noted:
            return
        self._noted = {one for one in self._noted if one[0] == day} | {mark}
        hint = await asyncio.to_thread(mark_key_used, self._store, key.digest, day=day)
        await asyncio.to_thread(note, self._store, Entry(self._clock(), f"key …{hint}", "query", site.domain, ""))

    async def _ask(self, request: Request, query: Query, sites: tuple[SiteRef, ...]) -> Any:
        return await self._share(request, (sites, query), lambda query_id: self._answer_of(query, sites, query_id))

    async def _share(self, request: Request, asked: Hashable, work: Work) -> Any:
        """What `work` gives; it is cancelled when all who asked this have left."""
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            return await self._sharing.result(asked, work, gone)
        finally:
            gone.cancel()

    def _answer_of(self, query: Query, sites: tuple[SiteRef, ...], query_id: str) -> Any:
        if query.site_ids:
            return self._statistics.together(query, sites, query_id=query_id)
        return self._statistics.answer(query, sites[0], query_id=query_id)


async def guarded(answering: Awaitable[Response]) -> Response:
    """The answer, or why there is none."""
    try:
        return await answering
    except Denied as denied:
        return problem(denied.status, denied.sentence, retry_after=denied.retry_after)
    except BadQuery as bad:
        return problem(400, bad.sentence, field=bad.field)
    except TryLater:
        return problem(503, "The warehouse is busy or the question takes too long; ask less, or later.", retry_after=2)
    except WarehouseError as error:
        _LOG.error("A question failed in the warehouse (code %d).", error.code)
        return problem(503, "The warehouse can't answer at the moment.", retry_after=10)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def read_body(request: Request) -> bytes:
    """The body, unless it is too large. Raises Denied."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            raise Denied(413, f"A question has at most {_LARGEST_BODY} bytes.")
    return body


def json_answer(content: Any, status: int = 200) -> Response:
    """An answer that nobody may keep."""
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


def problem(status: int, detail: str, *, field: str = "", retry_after: int = 0) -> Response:
    """An error in the form of RFC 9457 that says what to do."""
    content: dict[str, Any] = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail}
    if field:
        content["field"] = field
    headers = {"cache-control": "no-store"}
    if retry_after:
        headers["retry-after"] = str(retry_after)
    return Response(msgspec.json.encode(content), status, headers, media_type="application/problem+json")
