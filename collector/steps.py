"""The way of a beacon through the collector, as an ordered list of steps.

Each step looks at the draft and either goes on (None) or ends it with a verdict, whose reason is a counted and
documented word. The order is a promise: the gate stands before scrubbing and enrichment, so that nothing is computed
about a visitor who refused; the address is used last and goes no further than the draft.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from collector.agent import AgentReader
from collector.bots import BotRules
from collector.bots import Signals as BotSignals
from collector.consent import Ruling, Signals, refused_event, rule
from collector.details import Details, language, size_class, timezone
from collector.page_url import BadUrl, PageUrl, read_page_url
from collector.place import Places
from collector.referrer import SourceReader
from collector.registry import ServedSite
from collector.request import RequestFacts
from collector.rows import row_plan
from collector.scrub import Scrubber
from collector.visitor import returning_hash, visitor_hash
from event_catalogue.days import DAY_MS, local_day
from event_catalogue.decode import Beacon, Refused, check_props
from event_catalogue.event import Outcome, Row, Tally

Way = Literal["beacon", "pixel", "mail", "server", "import"]
"""How a beacon came in; the privacy is the same on every way."""


class Tools(NamedTuple):
    """What the steps use; made once per process."""

    agents: AgentReader
    bots: BotRules
    sources: SourceReader
    places: Places
    scrubber: Scrubber
    details: Details
    salt_of: Callable[[ServedSite, int, int], bytes]
    """Salt of (site, site-local day, import id)."""


class Verdict(NamedTuple):
    """How a beacon ended before it became rows."""

    outcome: Outcome
    reason: str
    status: int = 204
    field: str = ""
    sentence: str = ""


class Draft:
    """One beacon on its way. The only place where beacon, address and site meet; it dies with the request."""

    __slots__ = (
        "beacon",
        "facts",
        "import_id",
        "now",
        "page",
        "rows",
        "ruling",
        "served",
        "shared",
        "tallies",
        "way",
        "zone",
    )

    def __init__(
        self, beacon: Beacon, facts: RequestFacts, served: ServedSite, *, now: int, way: Way = "beacon"
    ) -> None:
        self.beacon = beacon
        self.facts = facts
        self.served = served
        self.now = now
        self.way = way
        self.import_id = 0
        self.zone = served.site.timezone_at(now)
        self.ruling = Ruling("denied")
        self.page: PageUrl
        self.shared: dict[str, Any] = {}
        self.rows: list[Row] = []
        self.tallies: list[Tally] = []

    @property
    def today(self) -> int:
        """The site's local day at receipt."""
        return local_day(self.zone, self.now)

    def leave_out(self, day: int, outcome: Outcome, reason: str) -> None:
        """Count one event of this beacon that is not stored."""
        self.tallies.append(Tally(self.served.site.id, day, outcome, reason))


Step = Callable[[Draft, Tools], Verdict | None]


def gate(draft: Draft, _tools: Tools) -> Verdict | None:
    """Policy, signals and choice; the strictest of header, body and policy."""
    beacon, facts = draft.beacon, draft.facts
    signals = Signals(gpc=facts.gpc or beacon.gpc, dnt=facts.dnt, objection=beacon.optout)
    draft.ruling = rule(draft.served.settings, signals, beacon.consent)
    return Verdict("not_recorded", draft.ruling.reason) if draft.ruling.tier == "denied" else None


def locate_page(draft: Draft, _tools: Tools) -> Verdict | None:
    """The page's URL, reduced to what may be kept; pages of other hosts are refused, developers' machines left out."""
    settings = draft.served.settings
    try:
        draft.page = read_page_url(
            draft.beacon.url,
            allowed=draft.served.query_keys,
            search_keys=settings.search_keys,
            hash_routes=settings.hash_routes,
        )
    except BadUrl as bad:
        return Verdict("rejected", "bad_url", 422, "url", str(bad))
    if draft.served.is_local(draft.page.hostname):
        return Verdict("excluded", "localhost")
    if not draft.served.owns(draft.page.hostname):
        return Verdict(
            "rejected",
            "hostname",
            403,
            "url",
            "The page's host is not one of this site's; add it to the site's hostnames.",
        )
    return None


def describe_page(draft: Draft, tools: Tools) -> Verdict | None:
    """Page and source of the visit, scrubbed."""
    page, beacon = draft.page, draft.beacon
    query = {**page.kept, **dict.fromkeys(page.click_ids, "1")}
    source = tools.sources.read(
        hostname=page.hostname, query=query, referrer=beacon.referrer, own_hosts=draft.served.owns
    )
    scrub = tools.scrubber.scrub_text
    draft.shared = source._asdict()
    for name in _TAGS:
        if draft.shared[name]:
            draft.shared[name] = scrub(draft.shared[name])
    draft.shared.update(hostname=page.hostname, path=page.path, title=scrub(beacon.title) if beacon.title else "")
    return None


def describe_agent(draft: Draft, tools: Tools) -> Verdict | None:
    """Browser, system and device; and the rule that takes the sender for a machine. The string itself stays here."""
    facts = draft.facts
    draft.shared.update(tools.agents.read(facts.user_agent, facts.hints)._asdict())
    signals = BotSignals(purpose=facts.purpose, referrer_host=draft.shared["referrer"], address=facts.address.packed)
    draft.shared["bot"] = tools.bots.rule(facts.user_agent, hints=facts.hints, headers=signals)
    return None


def describe_client(draft: Draft, tools: Tools) -> Verdict | None:
    """What the script read: zone, language, sizes; and the place, from the address or else the zone."""
    beacon, facts, shared = draft.beacon, draft.facts, draft.shared
    zone = timezone(beacon.tz)
    shared["timezone"] = zone
    shared["language"] = language(beacon.lang or facts.language)
    if beacon.screen:
        shared["screen_class"] = size_class(beacon.screen[0])
        shared["screen"] = f"{beacon.screen[0]}x{beacon.screen[1]}"
    if beacon.viewport:
        shared["viewport_class"] = size_class(beacon.viewport[0])
    if beacon.plugins:
        shared["plugins"] = [tools.scrubber.scrub_text(name) for name in beacon.plugins]
    shared.update(tools.places.locate(facts.address.packed, zone)._asdict())
    return None


def strip_mail(draft: Draft, _tools: Tools) -> Verdict | None:
    """An opened e-mail keeps its campaign and nothing about who opened it: no place, no agent, no visitor."""
    if draft.way == "mail":
        draft.shared = {name: value for name, value in draft.shared.items() if name in _MAIL}
    return None


def write_rows(draft: Draft, tools: Tools) -> Verdict | None:
    """Each event to a row of its own day, or to a counted reason; the visitor's hash is made here."""
    draft.shared.update(_record(draft))
    plan = row_plan(draft.ruling)
    base = plan.base(draft.shared)
    for place, event in enumerate(draft.beacon.events):
        at = event_time(draft, event.at)
        day = local_day(draft.zone, at)
        props = check_props(event.name, event.props, place)
        if draft.now - at > DAY_MS and draft.way != "import":
            draft.leave_out(draft.today, "not_recorded", "too_old")
            continue
        refused = refused_event(draft.ruling, event.name)
        if refused:
            draft.leave_out(day, "not_recorded", refused)
            continue
        facts = tools.details.clean(event.name, props.columns) if props.columns else {}
        if props.keys:
            facts["prop_keys"], facts["prop_values"] = tools.details.own(props.keys, props.values)
        facts.update(name=event.name, at=at, day=day, idx=place, visitor=_visitor(draft, tools, day))
        if event.name == "search":
            facts.setdefault("search_results", -1)
        elif event.name == "pageview" and draft.page.search_term:
            facts["search_term"] = tools.scrubber.scrub_text(draft.page.search_term.lower())
        draft.rows.append(plan.event(base, facts))
    return None


STEPS: Final[tuple[Step, ...]] = (
    gate,
    locate_page,
    describe_page,
    describe_agent,
    describe_client,
    strip_mail,
    write_rows,
)


def walk(draft: Draft, tools: Tools) -> Verdict | None:
    """Take the draft through all steps. None: its rows and tallies are ready; else why it ended."""
    try:
        for step in STEPS:
            verdict = step(draft, tools)
            if verdict is not None:
                return verdict
    except Refused as refused:
        return Verdict("rejected", "bad_field", refused.status, refused.field, refused.sentence)
    return None


def event_time(draft: Draft, at: int) -> int:
    """The time of an event by the server's clock: received − (sent − at), never in the future (DESIGN §4)."""
    if draft.way == "import":
        return at
    sent = draft.beacon.sent
    age = max(0, sent - at) if sent is not None else max(0, draft.now - at)
    return draft.now - age


def _record(draft: Draft) -> dict[str, Any]:
    beacon, served, ruling = draft.beacon, draft.served, draft.ruling
    record = {
        "site": served.site.id,
        "keep": served.settings.raw_days,
        "beacon": UUID(beacon.id).bytes,
        "received": draft.now,
        "stored_on": draft.now // DAY_MS,
        "tier": ruling.tier,
        "no_share": int(ruling.no_share),
        "policy_version": served.settings.policy_version,
        "build": beacon.build,
        "import_id": draft.import_id,
    }
    if beacon.page:
        record["page"] = UUID(beacon.page).bytes
    if beacon.visitor and ruling.device_id:
        record["returning"] = returning_hash(beacon.visitor, served.site.returning_key)
    return record


def _visitor(draft: Draft, tools: Tools, day: int) -> bytes:
    if draft.way == "mail":
        return b""
    salt = tools.salt_of(draft.served, day, draft.import_id)
    return visitor_hash(draft.served.site.id, draft.facts.address, draft.facts.user_agent, salt)


_TAGS: Final = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "utm_id",
    "utm_source_platform",
    "utm_creative_format",
    "utm_marketing_tactic",
)
_MAIL: Final = frozenset((*_TAGS, "hostname", "source", "source_kind", "channel"))
