"""The way of a beacon through the collector, as an ordered list of steps.

Each step looks at the draft and either goes on (None) or ends it with a verdict, whose reason is a counted and
documented word. The order is a promise: the gate stands before scrubbing and enrichment, so that nothing is computed
about a visitor who refused; the address is used last and goes no further than the draft.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from collector.agent import Agent, AgentReader
from collector.bots import BotRules
from collector.bots import Signals as BotSignals
from collector.consent import Ruling, Signals, refused_event, rule
from collector.details import Details, build_id, language, packed_uuid, size_class, timezone
from collector.page_url import BadUrl, PageUrl, read_page_url
from collector.place import Place, Places
from collector.referrer import Source, SourceReader
from collector.registry import ServedSite
from collector.request import RequestFacts
from collector.rows import Moment, Record, Script, row_plan, shared_row
from collector.scrub import Scrubber
from collector.visitor import NOBODY, returning_hash, visitor_hash
from event_catalogue.days import DAY_MS, local_day
from event_catalogue.decode import Beacon, Refused, check_props
from event_catalogue.event import Outcome, Row, Tally
from event_catalogue.fields import FIELD

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
        *("beacon", "facts", "served", "now", "way", "zone", "import_id", "ruling"),
        *("page", "title", "source", "agent", "bot", "place", "language", "script", "rows", "tallies"),
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
        self.title = ""
        self.source: Source
        self.agent: Agent
        self.bot = ""
        self.place: Place
        self.language = ""
        self.script: Script
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

_LONGEST_PLUGIN: Final = FIELD["plugins"].limit


def gate(draft: Draft, _tools: Tools) -> Verdict | None:
    """Policy, signals and choice; the strictest of header, body and policy."""
    beacon, facts = draft.beacon, draft.facts
    signals = Signals(gpc=facts.gpc or beacon.gpc, dnt=facts.dnt, objection=beacon.optout)
    draft.ruling = rule(draft.served.settings, signals, beacon.consent)
    if draft.way == "mail":
        draft.ruling = draft.ruling._replace(mail=True)
    return Verdict("not_recorded", draft.ruling.reason) if draft.ruling.tier == "denied" else None


def locate_page(draft: Draft, tools: Tools) -> Verdict | None:
    """The page's URL, reduced to what may be kept; pages of other hosts are refused, developers' machines left out."""
    settings = draft.served.settings
    try:
        draft.page = read_page_url(
            draft.beacon.url,
            allowed=draft.served.query_keys,
            search_keys=settings.search_keys,
            hash_routes=settings.hash_routes,
            scrubber=tools.scrubber,
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
    query = {**page.kept, **dict.fromkeys(page.click_ids, "1")} if page.click_ids else page.kept
    draft.source = tools.sources.read(
        hostname=page.hostname, query=query, referrer=beacon.referrer, own_hosts=draft.served.owns
    )
    draft.title = tools.scrubber.scrub_text(beacon.title) if beacon.title else ""
    return None


def describe_agent(draft: Draft, tools: Tools) -> Verdict | None:
    """Browser, system and device; and the rule that takes the sender for a machine. The string itself stays here."""
    facts = draft.facts
    draft.agent = tools.agents.read(facts.user_agent, facts.hints)
    signals = BotSignals(purpose=facts.purpose, referrer_host=draft.source.referrer, address=facts.address.packed)
    draft.bot = tools.bots.rule(facts.user_agent, hints=facts.hints, headers=signals)
    return None


def describe_client(draft: Draft, tools: Tools) -> Verdict | None:
    """What the script read: zone, language, sizes; and the place, from the address or else the zone."""
    beacon, facts = draft.beacon, draft.facts
    # With the essential alone, what the script read may not come back as a country or a language either.
    zone, lang = ("", "") if draft.ruling.basic_only else (timezone(beacon.tz), beacon.lang)
    screen, viewport = beacon.screen, beacon.viewport
    draft.script = (
        zone,
        size_class(screen[0]) if screen else "",
        size_class(viewport[0]) if viewport else "",
        f"{screen[0]}x{screen[1]}" if screen else "",
        [tools.scrubber.scrub_text(name)[:_LONGEST_PLUGIN] for name in beacon.plugins],
    )
    draft.language = language(lang or facts.language)
    draft.place = tools.places.locate(facts.address.packed, zone)
    return None


def write_rows(draft: Draft, tools: Tools) -> Verdict | None:
    """Each event to a row of its own day, or to a counted reason; the visitor's hash is made here."""
    plan = row_plan(draft.ruling)
    base = shared_row(
        _record(draft),
        _page(draft),
        draft.source,
        (*draft.agent, draft.bot),
        (*draft.place, draft.language),
        draft.script,
    )
    for place, event in enumerate(draft.beacon.events):
        at = event_time(draft, event.at)
        props = check_props(event.name, event.props, place)
        if at < (DAY_MS if draft.way == "import" else draft.now - DAY_MS):
            draft.leave_out(draft.today, "not_recorded", "too_old")
            continue
        day = local_day(draft.zone, at)
        refused = refused_event(draft.ruling, event.name)
        if refused:
            draft.leave_out(day, "not_recorded", refused)
            continue
        details = tools.details.clean(event.name, props.columns) if props.columns else {}
        if props.keys:
            details["prop_keys"], details["prop_values"] = tools.details.own(props.keys, props.values)
        if event.name == "search":
            details.setdefault("search_results", -1)
        elif event.name == "pageview" and draft.page.search_term:
            details["search_term"] = tools.details.term(draft.page.search_term)
        moment = Moment(tools.details.event_name(event.name), place, at, day, _visitor(draft, tools, day))
        draft.rows.append(plan.row(base, moment, details))
    return None


STEPS: Final[tuple[Step, ...]] = (
    gate,
    locate_page,
    describe_page,
    describe_agent,
    describe_client,
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
    """The time of an event by the server's clock: received − (sent − at), never in the future (DESIGN §4).

    An import's event has the time it says; before 2 January 1970 a local day may have no number, and it is too old.
    """
    if draft.way == "import":
        return min(at, draft.now)
    sent = draft.beacon.sent
    age = max(0, sent - at) if sent is not None else max(0, draft.now - at)
    return draft.now - age


def _record(draft: Draft) -> Record:
    beacon, served, ruling = draft.beacon, draft.served, draft.ruling
    known = beacon.visitor and ruling.device_id
    return Record(
        site=served.site.id,
        keep=served.settings.raw_days,
        beacon=packed_uuid(beacon.id),
        page=packed_uuid(beacon.page) if beacon.page else NOBODY,
        received=draft.now,
        stored_on=draft.now // DAY_MS,
        tier=ruling.tier,
        no_share=int(ruling.no_share),
        policy_version=served.settings.policy_version,
        build=build_id(beacon.build),
        returning=returning_hash(beacon.visitor or "", served.site.returning_key) if known else NOBODY,
        import_id=draft.import_id,
    )


def _page(draft: Draft) -> tuple[str, str, str]:
    return draft.page.hostname, draft.page.path, draft.title


def _visitor(draft: Draft, tools: Tools, day: int) -> bytes:
    if draft.way == "mail":
        return NOBODY
    salt = tools.salt_of(draft.served, day, draft.import_id)
    return visitor_hash(draft.served.site.id, draft.facts.address, draft.facts.user_agent, salt)
