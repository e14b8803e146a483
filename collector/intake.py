"""Takes a beacon in: limit, decode, walk the steps, write to the spool, answer after fsync.

Every received event is accounted for: what is not stored is counted in the spool, in the same group commit as rows,
before the answer goes out. Only the counts of 429 answers are not waited for, because a flood must stay cheap.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from collector.answers import NOT_RECORDED, STORED, Answer, as_json, problem
from collector.limits import Limits
from collector.registry import Registry, ServedSite
from collector.request import RequestFacts
from collector.steps import Draft, Tools, Verdict, Way, walk
from event_catalogue.days import DAY_MS, local_day
from event_catalogue.decode import Beacon, Refused, decode_beacon
from event_catalogue.event import SCHEMA_VERSION, Parcel, Tally, encode_parcel, encode_tallies
from event_catalogue.events import MAX_BODY
from spool.errors import SpoolRefusal
from spool.kinds import Kind
from spool.writer import SpoolWriter

UNKNOWN_SITE: Final = 0
_NO_SITES: Final = "The collector does not know its sites yet. Send the same beacon again in a moment."
_FULL: Final = "The collector can't store events at the moment. Send the same beacon again later."


class Intake:
    """One per collector process; shared by every way in."""

    def __init__(
        self, registry: Registry, tools: Tools, spool: SpoolWriter, limits: Limits, clock: Callable[[], int]
    ) -> None:
        self.registry = registry
        self.tools = tools
        self.limits = limits
        self.clock = clock
        self._spool = spool
        self.answered: dict[int, int] = {}
        self.unknown_keys = 0

    async def beacon(self, body: bytes, facts: RequestFacts) -> Answer:
        """Answer to a body that came to /e. Durable when the answer is 202 or 204."""
        answer = await self._take(body, facts)
        self.answered[answer.status] = self.answered.get(answer.status, 0) + 1
        return answer

    async def _take(self, body: bytes, facts: RequestFacts) -> Answer:
        if not self.registry.ready:
            return problem(503, _NO_SITES, retry_after=2)
        wait = self.limits.network(facts.address, 1)
        if wait:
            return self.too_fast(wait)
        if len(body) > MAX_BODY:
            return await self.refuse(Refused(413, "", f"A beacon has at most {MAX_BODY} bytes."), "too_large")
        try:
            beacon, unknown = decode_beacon(body)
        except Refused as refused:
            return await self.refuse(refused, "bad_json" if refused.status == 400 else "bad_field")
        self.unknown_keys += unknown
        served = self.registry.by_key.get(beacon.site)
        if served is None:
            return await self.unknown_site(len(beacon.events))
        return await self.take(beacon, facts, served)

    async def take(self, beacon: Beacon, facts: RequestFacts, served: ServedSite, way: Way = "beacon") -> Answer:
        """Store one decoded beacon of a known site."""
        site = served.site.id
        # The network first: what is refused there takes nothing from the site, so that one sender can't use it up.
        events = len(beacon.events)
        wait = self.limits.network(facts.address, events - 1) if events > 1 else 0
        wait = wait or self.limits.site(site, events)
        draft = Draft(beacon, facts, served, now=self.clock(), way=way)
        if wait:
            return self.too_much(served, events, wait)
        verdict = walk(draft, self.tools)
        try:
            return await self._settle(draft, verdict)
        except SpoolRefusal as full:
            return problem(503, _FULL, retry_after=full.retry_after_s)

    def too_fast(self, wait: int) -> Answer:
        """Answer and count a request beyond its network's rate; nobody has looked whose site it is for."""
        self.count_later(Tally(UNKNOWN_SITE, self.utc_day(), "rejected", "rate"))
        return problem(429, "This network sends too much; try again later.", retry_after=wait)

    def too_much(self, served: ServedSite, events: int, wait: int) -> Answer:
        """Answer and count events beyond a rate."""
        now = self.clock()
        day = local_day(served.site.timezone_at(now), now)
        self.count_later(Tally(served.site.id, day, "rejected", "rate", events))
        return problem(429, "This site or network receives too much; try again later.", retry_after=wait)

    async def take_all(self, drafts: list[Draft]) -> Answer:
        """Store a server's list: all of it, or nothing where one beacon is not valid (its place is named)."""
        verdicts = [walk(draft, self.tools) for draft in drafts]
        for place, verdict in enumerate(verdicts):
            if verdict is not None and verdict.status != 204:
                site, events = drafts[0].served.site.id, sum(len(draft.beacon.events) for draft in drafts)
                await self._count([Tally(site, drafts[0].today, verdict.outcome, verdict.reason, events)])
                return problem(verdict.status, verdict.sentence, field=f"[{place}].{verdict.field}")
        try:
            answers = await asyncio.gather(*[self._settle(*pair) for pair in zip(drafts, verdicts, strict=True)])
        except SpoolRefusal as full:
            return problem(503, _FULL, retry_after=full.retry_after_s)
        stored = sum(answer is STORED for answer in answers)
        return as_json({"stored": stored, "not_recorded": len(answers) - stored}, 202 if stored else 200)

    async def refuse(self, refused: Refused, reason: str) -> Answer:
        """Answer and count a body that could not be read."""
        await self._count([Tally(UNKNOWN_SITE, self.utc_day(), "rejected", reason)])
        return problem(refused.status, refused.sentence, field=refused.field)

    async def unknown_site(self, events: int) -> Answer:
        """Answer and count events for a site that is not served here."""
        await self._count([Tally(UNKNOWN_SITE, self.utc_day(), "rejected", "unknown_site", events)])
        return problem(403, "No site has this key; copy the snippet from the console again.", field="site")

    def utc_day(self) -> int:
        """The day of what belongs to no known site."""
        return self.clock() // DAY_MS

    def parcel(self, draft: Draft) -> bytes:
        """The spool's bytes of a draft that has walked all steps."""
        beacon = UUID(draft.beacon.id).bytes
        return encode_parcel(Parcel(SCHEMA_VERSION, draft.served.site.id, beacon, draft.now, draft.rows, draft.tallies))

    async def _settle(self, draft: Draft, verdict: Verdict | None) -> Answer:
        events = len(draft.beacon.events)
        if verdict is not None:
            await self._count([Tally(draft.served.site.id, draft.today, verdict.outcome, verdict.reason, events)])
            return (
                NOT_RECORDED
                if verdict.status == 204
                else problem(verdict.status, verdict.sentence, field=verdict.field)
            )
        if not draft.rows:
            await self._count(draft.tallies)
            return NOT_RECORDED
        await self._spool.append(Kind.EVENTS, events, self.parcel(draft))
        return STORED

    async def _count(self, tallies: Iterable[Tally]) -> None:
        """Count durably. With the spool full the counts wait in memory: a refusal is answered all the same."""
        try:
            await asyncio.gather(*[self._spool.count(encode_tallies([t._replace(n=0)]), t.n) for t in tallies])
        except SpoolRefusal:
            return

    def count_later(self, tally: Tally) -> None:
        """Count without waiting: for answers that must stay cheap."""
        future = self._spool.count(encode_tallies([tally._replace(n=0)]), tally.n)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
