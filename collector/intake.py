"""Takes a beacon in: limit, decode, walk the steps, write to the spool; the answer is given after fsync.

Every received event is accounted for: what is not stored is counted in the spool, in the same group commit as rows,
before the answer goes out. Only the counts of 429 answers are not waited for, because a flood must stay cheap; and what
comes from a network beyond its rate, or for a site beyond its own, is refused before its body is read or decoded.

Nothing here waits: what to answer is known at once, and it comes with the future after which it may be said.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Final

from msgspec import Struct

from collector.answers import NOT_RECORDED, STORED, Answer, as_json, problem, too_fast, too_much
from collector.foreign_hosts import ForeignHosts
from collector.limits import Limits
from collector.registry import Registry, ServedSite
from collector.request import RequestFacts
from collector.steps import Draft, Tools, Way, walk
from collector.verdict import Verdict
from event_catalogue.choice import ChoiceRecord, encode_choices
from event_catalogue.days import DAY_MS, local_day
from event_catalogue.decode import Beacon, Refused, decode_beacon
from event_catalogue.event import SCHEMA_VERSION, Parcel, Tally, encode_parcel, encode_tallies
from event_catalogue.events import MAX_BODY, MAX_EVENTS
from spool.errors import SpoolRefusal
from spool.kinds import Kind
from spool.receipt import Receipt
from spool.writer import SpoolWriter

UNKNOWN_SITE: Final = 0
_NO_SITES: Final = problem(
    503, "The collector does not know its sites yet. Send the same beacon again in a moment.", retry_after=2
)
_FULL: Final = "The collector can't store events at the moment. Send the same beacon again later."


class Reply(Struct, frozen=True):
    """An answer, and what must be on the disk before it is given."""

    answer: Answer
    durable: Receipt | None = None
    owed: bool = False
    """Whether the answer would be untrue if nothing came to the disk, though it is no 202 of an event."""

    def settled(self) -> Answer:
        """The answer to give once `durable` is done. What could not be stored is to be sent again; what is not recorded
        anyway is answered as ever, for its count waits in memory."""
        refusal = self.durable.exception() if self.durable is not None else None
        if refusal is None or (isinstance(refusal, SpoolRefusal) and self.answer is not STORED and not self.owed):
            return self.answer
        if isinstance(refusal, SpoolRefusal):
            return _full(refusal)
        raise refusal

    async def given(self) -> Answer:
        """Wait, then the answer."""
        if self.durable is not None:
            with suppress(SpoolRefusal):  # what it says is looked at next
                await self.durable
        return self.settled()


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
        self._foreign = ForeignHosts()

    def admit(self, facts: RequestFacts) -> Reply | None:
        """Reply to a request to /e before its body is looked at; None if it may come in."""
        if not self.registry.ready:
            return Reply(_NO_SITES)
        wait = self.limits.network(facts.address, 1)
        return self.too_fast(wait) if wait else None

    def beacon(self, body: bytes, facts: RequestFacts) -> Reply:
        """Reply to a body that came to /e with a request that was admitted."""
        if len(body) > MAX_BODY:
            return self.refuse(TOO_LARGE, "too_large")
        if self.limits.flooded and (refused := self._flooding(body)):
            return refused
        try:
            beacon, _unknown = decode_beacon(body)
        except Refused as refused:
            return self.refuse(refused, "bad_json" if refused.status == 400 else "bad_field")
        served = self.registry.by_key.get(beacon.site)
        if served is None:
            return self.unknown_site(len(beacon.events))
        return self.take(beacon, facts, served)

    def take(self, beacon: Beacon, facts: RequestFacts, served: ServedSite, way: Way = "beacon") -> Reply:
        """Store one decoded beacon of a known site."""
        # The network first: what is refused there takes nothing from the site, so that one sender can't use it up.
        events = len(beacon.events)
        wait = self.limits.network(facts.address, events - 1) if events > 1 else 0
        wait = wait or self.limits.site(served.site.id, events)
        if wait:
            return self.too_much(served, events, wait)
        draft = Draft(beacon, facts, served, now=self.clock(), way=way)
        return self._settle(draft, walk(draft, self.tools))

    def too_fast(self, wait: int) -> Reply:
        """Answer and count a request beyond its network's rate; nobody has looked whose site it is for."""
        self._spool.count_later(_rate_key(UNKNOWN_SITE, self.utc_day()), 1)
        return Reply(too_fast(wait))

    def too_much(self, served: ServedSite, events: int, wait: int) -> Reply:
        """Answer and count events beyond a rate."""
        now = self.clock()
        day = local_day(served.site.timezone_at(now), now)
        self._spool.count_later(_rate_key(served.site.id, day), events)
        return Reply(too_much(wait))

    def _flooding(self, body: bytes) -> Reply | None:
        """Reply to a beacon whose site is beyond its rate, before it is decoded: that costs as much as all the rest.

        Site and number of events are taken from where the bytes seem to say them. Who misleads this is refused for it.
        """
        named = _SITE.search(body)
        served = self.registry.by_key.get(named[1].decode("latin-1")) if named else None
        if served is None or served.site.id not in self.limits.flooded:
            return None
        events = max(1, min(body.count(b'"name"'), MAX_EVENTS))
        wait = self.limits.beyond(served.site.id, events)
        return self.too_much(served, events, wait) if wait else None

    async def take_all(self, drafts: list[Draft]) -> Answer:
        """Store a server's list: all of it, or nothing where one beacon is not valid (its place is named)."""
        verdicts = [walk(draft, self.tools) for draft in drafts]
        for place, verdict in enumerate(verdicts):
            if verdict is not None and verdict.status != 204:
                site, events = drafts[0].served.site.id, sum(len(draft.beacon.events) for draft in drafts)
                counted = self._count([Tally(site, drafts[0].today, verdict.outcome, verdict.reason, events)])
                answer = problem(verdict.status, verdict.sentence, field=f"[{place}].{verdict.field}")
                return await Reply(answer, counted).given()
        replies = [self._settle(*pair) for pair in zip(drafts, verdicts, strict=True)]
        answers = [await reply.given() for reply in replies]
        refused = next((answer for answer in answers if answer.status == 503), None)
        if refused is not None:
            return refused
        stored = sum(answer is STORED for answer in answers)
        return as_json({"stored": stored, "not_recorded": len(answers) - stored}, 202 if stored else 200)

    def keep_choice(self, records: list[ChoiceRecord], answer: Answer) -> Reply:
        """Write what a choice leaves, and give the answer when it is on the disk."""
        try:
            return Reply(answer, self._spool.append(Kind.CHOICE, 0, encode_choices(records)), owed=True)
        except SpoolRefusal as refusal:
            return Reply(_full(refusal))

    def refuse(self, refused: Refused, reason: str) -> Reply:
        """Answer and count a body that could not be read."""
        counted = self._count([Tally(UNKNOWN_SITE, self.utc_day(), "rejected", reason)])
        return Reply(problem(refused.status, refused.sentence, field=refused.field), counted)

    def unknown_site(self, events: int) -> Reply:
        """Answer and count events for a site that is not served here."""
        counted = self._count([Tally(UNKNOWN_SITE, self.utc_day(), "rejected", "unknown_site", events)])
        return Reply(
            problem(403, "No site has this key; copy the snippet from the console again.", field="site"), counted
        )

    def utc_day(self) -> int:
        """The day of what belongs to no known site."""
        return self.clock() // DAY_MS

    def _settle(self, draft: Draft, verdict: Verdict | None) -> Reply:
        events = len(draft.beacon.events)
        if verdict is not None:
            hour = draft.hour if verdict.outcome == "not_recorded" else -1
            tally = Tally(draft.served.site.id, draft.today, verdict.outcome, verdict.reason, events, hour)
            counted = self._count([tally])
            refused = verdict.status != 204
            if verdict.reason == "hostname":
                self._tell_host(draft)
            answer = problem(verdict.status, verdict.sentence, field=verdict.field) if refused else NOT_RECORDED
            return Reply(answer, counted)
        if not draft.rows:
            return Reply(NOT_RECORDED, self._count(draft.tallies))
        parcel = Parcel(
            SCHEMA_VERSION, draft.served.site.id, draft.beacon.id.bytes, draft.now, draft.rows, draft.tallies
        )
        try:
            return Reply(STORED, self._spool.append(Kind.EVENTS, events, encode_parcel(parcel)))
        except SpoolRefusal as refusal:
            return Reply(_full(refusal))

    def _tell_host(self, draft: Draft) -> None:
        """Nobody waits for it, and where the spool is full it is left: the next hour tells it again."""
        body = self._foreign.to_tell(draft.served, draft.beacon.url, draft.now)
        if body is not None:
            with suppress(SpoolRefusal):
                self._spool.append(Kind.HOST, 0, body)

    def _count(self, tallies: Iterable[Tally]) -> Receipt | None:
        """Count; when the last future is done, all are on the disk, for counts keep their order."""
        future = None
        for tally in tallies:
            future = self._spool.count(encode_tallies([tally._replace(n=0)]), tally.n)
        return future


_SITE: Final = re.compile(rb'"site"\s*:\s*"([^"\\]{1,64})"')


@lru_cache(maxsize=256)
def _rate_key(site: int, day: int) -> bytes:
    """Under what a refusal for a rate is counted."""
    return encode_tallies([Tally(site, day, "rejected", "rate", 0)])


def _full(refusal: SpoolRefusal) -> Answer:
    return problem(503, _FULL, retry_after=refusal.retry_after_s)


TOO_LARGE: Final = Refused(413, "", f"A beacon has at most {MAX_BODY} bytes.")
