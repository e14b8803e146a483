"""The collector's other ways in: the pixel, the server-side API, the preview, and its health."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from collector.address import NO_ADDRESS, Hops, read_address
from collector.agent import NO_HINTS
from collector.answers import GONE, IMAGE, Answer, as_json, problem
from collector.beacons import read_body
from collector.choosing import is_first_party
from collector.importing import ImportSessions
from collector.intake import Intake
from collector.request import RequestFacts, read_request
from collector.rows import kept_fields
from collector.steps import Draft, Way, walk
from control_store.snapshot import ApiKey
from event_catalogue.decode import (
    Beacon,
    Consent,
    Refused,
    ServerBeacon,
    WireEvent,
    decode_beacon,
    decode_server_beacons,
)
from event_catalogue.events import MAX_BODY
from event_catalogue.fields import POSITION

_MOST_BEACONS: Final = 1000
_LARGEST_BODY: Final = 1024 * 1024
_LONGEST_TEXT: Final = 4096
_REASONS: Final = {400: "bad_json", 403: "key", 422: "bad_field"}
"""The accounting's word for a refused call."""


class Endpoints:
    """The handlers of the collector's Starlette routes."""

    def __init__(self, intake: Intake, hops: Hops, imports: ImportSessions, ready: Callable[[], str]) -> None:
        self._intake = intake
        self._hops = hops
        self._imports = imports
        self._ready = ready

    async def health(self, _request: Request) -> Response:
        """Alive: the process answers."""
        return _respond(as_json({"status": "alive"}))

    async def readiness(self, _request: Request) -> Response:
        """Ready: it knows its sites and can write its spool; else 503 with what is missing."""
        missing = self._ready()
        return _respond(problem(503, missing, retry_after=2) if missing else as_json({"status": "ready"}))

    async def pixel(self, request: Request) -> Response:
        """`GET /e.gif?site&url&referrer&title`: a page view without a script; `event=open`: an opened e-mail."""
        facts = self._facts(request)
        if request.method == "HEAD":
            return _respond(Answer(200, IMAGE.headers))  # a look at the image's size shows it to nobody
        wait = self._intake.limits.network(facts.address, 1)
        if wait:
            return _respond(self._intake.too_fast(wait).answer)
        query = request.query_params
        way: Way = "mail" if query.get("event") == "open" else "pixel"
        served = self._intake.registry.in_path(query.get("site", ""))
        if served is None:
            return _respond(await self._intake.unknown_site(1).given())
        url = query.get("url", "") or ("" if way == "mail" else facts.referer)
        try:
            beacon = _pixel_beacon(query, url or f"https://{served.site.domain}/", self._intake.clock(), way)
        except Refused as refused:
            return _respond(await self._intake.refuse(refused, "bad_field").given())
        if way == "pixel" and is_first_party(served, request):
            beacon = _with_choice(beacon, request.cookies)
        answer = await self._intake.take(beacon, facts, served, way).given()
        return _respond(IMAGE if answer.status in (202, 204) else answer)

    async def events(self, request: Request) -> Response:
        """`POST /api/v1/events`: events that a server sends on its visitors' behalf, or the preview of some."""
        facts = self._facts(request)
        preview = request.query_params.get("preview", "").lower() in ("true", "1")
        key = self._intake.registry.api_key(facts.authorization)
        if preview and not facts.authorization:
            return _respond(await self._preview_own(request, facts))
        if key is None:
            return await self._turn_away(Refused(401, "", "Send a key of this site: `Authorization: Bearer …`."), "key")
        if key.scope not in ("events", "import"):
            refused = Refused(403, "", "This key does not open events; make one with the scope `events`.")
            return await self._turn_away(refused, "key")
        body = await read_body(request.receive, _LARGEST_BODY)
        if body is None:
            return _respond(GONE)
        if len(body) > _LARGEST_BODY:
            return await self._turn_away(Refused(413, "", f"A call has at most {_LARGEST_BODY} bytes."), "too_large")
        try:
            beacons = decode_server_beacons(body, _MOST_BEACONS)
            return _respond(await self._server_side(beacons, key, preview=preview))
        except Refused as refused:
            if preview:
                return _respond(problem(refused.status, refused.sentence, field=refused.field))
            return await self._turn_away(refused, _REASONS[refused.status])

    async def _turn_away(self, refused: Refused, reason: str) -> Response:
        return _respond(await self._intake.refuse(refused, reason).given())

    async def _server_side(self, beacons: list[ServerBeacon], key: ApiKey, *, preview: bool) -> Answer:
        served = self._intake.registry.by_id(key.site)
        if served is None or any(beacon.site not in (served.site.key, str(served.site.id)) for beacon in beacons):
            raise Refused(403, "site", "This key belongs to another site.")
        way: Way = "import" if key.scope == "import" else "server"
        wait = self._intake.limits.api_key(key.digest, sum(len(beacon.events) for beacon in beacons))
        if wait:
            return self._intake.too_much(served, sum(len(beacon.events) for beacon in beacons), wait).answer
        now = self._intake.clock()
        drafts = [
            Draft(beacon, _server_facts(beacon, place), served, now=now, way=way)
            for place, beacon in enumerate(beacons)
        ]
        if preview:
            return as_json(
                {"events": [entry for n, draft in enumerate(drafts) for entry in self._preview(draft, f"[{n}].")]}
            )
        if way == "import":
            session = self._imports.open(key, now)
            for draft in drafts:
                draft.import_id = session
        return await self._intake.take_all(drafts)

    async def _preview_own(self, request: Request, facts: RequestFacts) -> Answer:
        wait = self._intake.limits.network(facts.address, 1)
        if wait:
            return problem(429, "Too many previews; try again later.", retry_after=wait)
        body = await read_body(request.receive, MAX_BODY)
        if body is None:
            return GONE
        if len(body) > MAX_BODY:
            return problem(413, f"A beacon has at most {MAX_BODY} bytes.")
        try:
            beacon = _one_beacon(body)
        except Refused as refused:
            return problem(refused.status, refused.sentence, field=refused.field)
        served = self._intake.registry.by_key.get(beacon.site)
        if served is None:
            return problem(403, "No site has this key; copy the snippet from the console again.", field="site")
        draft = Draft(beacon, facts, served, now=self._intake.clock())
        try:
            return as_json({"events": self._preview(draft)})
        except Refused as refused:
            return problem(refused.status, refused.sentence, field=refused.field)

    def _preview(self, draft: Draft, where: str = "") -> list[dict[str, Any]]:
        """What would become of each event, in the order sent. Hashes are made with a salt that is thrown away, so
        that nobody can find a visitor's stored hash by asking. Raises Refused where the beacon would be refused."""
        throwaway = secrets.token_bytes(32)
        tools = self._intake.tools._replace(salt_of=lambda _site, _day, _import: throwaway)
        verdict = walk(draft, tools)
        if verdict is not None and verdict.status != 204:
            raise Refused(verdict.status, where + verdict.field, verdict.sentence)
        if verdict is not None:
            return [{"stored": False, "reason": verdict.reason} for _ in draft.beacon.events]
        rows = {row[POSITION["idx"]]: row for row in draft.rows}
        reasons = iter(draft.tallies)
        return [
            {"stored": True, "tier": draft.ruling.tier, "fields": kept_fields(rows[place])}
            if place in rows
            else {"stored": False, "reason": next(reasons).reason}
            for place in range(len(draft.beacon.events))
        ]

    def _facts(self, request: Request) -> RequestFacts:
        peer = request.client.host if request.client else ""
        return read_request(request.scope["headers"], peer, self._hops)


def _one_beacon(body: bytes) -> Beacon:
    """The beacon of a preview without a key, alone or as a list of one."""
    stripped = body.strip()
    if stripped.startswith(b"["):
        return decode_server_beacons(stripped, 1)[0]
    return decode_beacon(stripped)[0]


def _server_facts(beacon: ServerBeacon, place: int) -> RequestFacts:
    """The visitor's own facts as the server passed them on; used and dropped like a browser's."""
    address = NO_ADDRESS
    if beacon.ip:
        found = read_address(beacon.ip)
        if found is None:
            raise Refused(422, f"[{place}].ip", "must be an IPv4 or IPv6 address")
        address = found
    return RequestFacts(address, user_agent=beacon.user_agent, hints=NO_HINTS)


def _pixel_beacon(query: Mapping[str, str], url: str, now: int, way: Way) -> Beacon:
    referrer, title = query.get("referrer", ""), query.get("title", "")
    for field, text in (("url", url), ("referrer", referrer), ("title", title)):
        if len(text) > _LONGEST_TEXT:
            raise Refused(422, field, f"must have at most {_LONGEST_TEXT} characters")
    event = WireEvent("open" if way == "mail" else "pageview", now)
    return Beacon(v=1, site="", id=uuid4(), events=[event], url=url, referrer=referrer, title=title)


def _with_choice(beacon: Beacon, cookies: Mapping[str, str]) -> Beacon:
    """What the visitor chose on the notice, where no script could tell it: an objection and a refusal are obeyed, and
    nothing is opened."""
    refused = "ff_choice" in cookies
    sale = False if "ff_sale" in cookies else None
    consent = (
        Consent(False if refused else None, False if refused else None, sale) if refused or sale is False else None
    )
    return msgspec.structs.replace(beacon, optout="ff_optout" in cookies, consent=consent)


def _respond(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response
