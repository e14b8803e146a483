"""The way of a beacon through the collector, as an ordered list of steps.

Each step looks at the draft and either goes on (None) or ends it with a verdict, whose reason is a counted and
documented word. The order is a promise: the gate stands before scrubbing and enrichment, so that nothing is computed
about a visitor who refused; the address is used last and goes no further than the draft.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from collector.bots import BotRules
from collector.consent import Ruling, Signals, rule
from collector.details import Details, build_id, language, size_class, timezone
from collector.pages import Pages, SeenPage
from collector.place import Place, Places
from collector.registry import ServedSite
from collector.request import RequestFacts
from collector.rows import Moment, Record, RowPlan, Script, row_plan
from collector.scrub import Scrubber
from collector.sender import Sender, Senders
from collector.verdict import Verdict
from collector.visitor import NOBODY, returning_hash, visitor_hash
from control_store.policies import Policy
from event_catalogue.days import DAY_MS, local_day, local_hour
from event_catalogue.decode import Beacon, Consent, Refused, check_props
from event_catalogue.event import Outcome, Row, Tally
from event_catalogue.fields import FIELD

Way = Literal["beacon", "pixel", "mail", "server", "import"]
"""How a beacon came in; the privacy is the same on every way."""


class Tools(NamedTuple):
    """What the steps use; made once per process."""

    pages: Pages
    senders: Senders
    bots: BotRules
    places: Places
    scrubber: Scrubber
    details: Details
    salt_of: Callable[[ServedSite, int, int], bytes]
    """Salt of (site, site-local day, import id)."""


class Draft:
    """One beacon on its way. The only place where beacon, address and site meet; it dies with the request."""

    __slots__ = (
        *("beacon", "facts", "served", "now", "way", "zone", "import_id", "ruling", "plan"),
        *("page", "sender", "bot", "place", "language", "script", "rows", "tallies"),
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
        self.ruling: Ruling
        self.plan: RowPlan
        self.page: SeenPage
        self.sender: Sender
        self.bot: str
        self.place: Place
        self.language: str
        self.script: Script
        self.rows: list[Row] = []
        self.tallies: list[Tally] = []

    @property
    def today(self) -> int:
        """The site's local day at receipt."""
        return local_day(self.zone, self.now)

    @property
    def hour(self) -> int:
        """The hour of the site's clock at receipt."""
        return local_hour(self.zone, self.now)

    def leave_out(self, day: int, outcome: Outcome, reason: str) -> None:
        """Count one event of this beacon that is not stored."""
        self.tallies.append(Tally(self.served.site.id, day, outcome, reason))


Step = Callable[[Draft, Tools], Verdict | None]

_LONGEST_PLUGIN: Final = FIELD["plugins"].limit


def gate(draft: Draft, tools: Tools) -> Verdict | None:
    """Policy, signals and choice; the strictest of header, body and policy."""
    beacon, facts, served = draft.beacon, draft.facts, draft.served
    signals = Signals(facts.gpc or beacon.gpc, facts.dnt, beacon.optout, beacon.gpp)
    policies = served.one_policy or _policies(draft, tools)
    draft.ruling, draft.plan = _ruling(served, policies, signals, beacon.consent, draft.way == "mail")
    return Verdict("not_recorded", draft.ruling.reason) if draft.ruling.tier == "denied" else None


def _policies(draft: Draft, tools: Tools) -> tuple[Policy, ...]:
    served, url = draft.served, draft.beacon.url
    if not served.asks_place:
        return served.policies(None, url)
    return served.policies(_place(draft, tools), url, own_network=not draft.facts.address.is_public)


@lru_cache(maxsize=1024)
def _ruling(
    served: ServedSite, policies: tuple[Policy, ...], signals: Signals, choice: Consent | None, mail: bool
) -> tuple[Ruling, RowPlan]:
    """The gate's answer is pure, and there are few questions; a site whose settings change is another object."""
    ruling = rule(served.settings, policies, signals, choice)
    if mail:
        ruling = ruling._replace(mail=True)
    return ruling, row_plan(ruling)


def _place(draft: Draft, tools: Tools) -> tuple[str, str]:
    """Country and region by the address alone: what the script says of its time zone shall open nothing."""
    place = tools.places.locate(draft.facts.address.packed, "")
    return place.country, place.region


def exclude(draft: Draft, tools: Tools) -> Verdict | None:
    """What the site leaves out: pages, hosts, networks, countries."""
    rules = draft.served.exclusions
    if rules is None:
        return None
    country = _place(draft, tools)[0] if rules.countries else ""
    excluded_by = rules.page(draft.beacon.url) or rules.client(draft.facts.address.packed, country)
    return Verdict("excluded", excluded_by) if excluded_by else None


def describe_page(draft: Draft, tools: Tools) -> Verdict | None:
    """Page and source of the visit, reduced to what may be kept; pages of other hosts are refused."""
    draft.page = tools.pages.read(draft.served, draft.beacon, draft.now, terms=not draft.ruling.under_16)
    if draft.ruling.waits and draft.page.leads_on:
        draft.page = draft.page.unknown()
    return draft.page.verdict


def describe_sender(draft: Draft, tools: Tools) -> Verdict | None:
    """Browser, system and device; and the rule that takes the sender for a machine. The string itself stays here."""
    facts = draft.facts
    draft.sender = tools.senders.read(facts.user_agent, facts.hints)
    draft.bot = tools.bots.first(draft.sender.rule, facts.purpose, draft.page.is_spam, facts.address.packed)
    return None


def describe_client(draft: Draft, tools: Tools) -> Verdict | None:
    """What the script read: zone, language, sizes; and the place, from the address or else the zone."""
    beacon, facts = draft.beacon, draft.facts
    # With the essential alone, what the script read may not come back as a country or a language either.
    zone, lang = ("", "") if draft.ruling.basic_only else (timezone(beacon.tz), beacon.lang)
    sizes = _sizes(beacon.screen, beacon.viewport)
    plugins = [tools.scrubber.scrub_text(name)[:_LONGEST_PLUGIN] for name in beacon.plugins] if beacon.plugins else []
    draft.script = (zone, *sizes, plugins)
    draft.language = language(lang or facts.language)
    draft.place = tools.places.locate(facts.address.packed, zone)
    return None


@lru_cache(maxsize=4096)
def _sizes(screen: tuple[int, int] | None, viewport: tuple[int, int] | None) -> tuple[str, str, str]:
    """Classes of screen and window, and the exact screen."""
    return (
        size_class(screen[0]) if screen else "",
        size_class(viewport[0]) if viewport else "",
        f"{screen[0]}x{screen[1]}" if screen else "",
    )


def write_rows(draft: Draft, tools: Tools) -> Verdict | None:
    """Each event to a row of its own day, or to a counted reason; the visitor's hash is made here."""
    plan, record = draft.plan, _record(draft)
    groups = (draft.page.fields, draft.sender.agent, (draft.bot,), draft.place, (draft.language,), draft.script)
    for place, event in enumerate(draft.beacon.events):
        at = event_time(draft, event.at)
        props = check_props(event.name, event.props, place)
        if at < (DAY_MS if draft.way == "import" else draft.now - DAY_MS):
            draft.leave_out(draft.today, "not_recorded", "too_old")
            continue
        day = local_day(draft.zone, at)
        refused = plan.refusal(event.name)
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
        draft.rows.append(plan.row(record, moment, groups, details))
    return None


STEPS: Final[tuple[Step, ...]] = (
    gate,
    exclude,
    describe_page,
    describe_sender,
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
    device = beacon.visitor if ruling.device_id else None
    return Record(  # by place: by name it would take five times as long
        served.site.id,
        served.settings.raw_days,
        beacon.id.bytes,
        beacon.page.bytes if beacon.page else NOBODY,
        draft.now,
        draft.now // DAY_MS,
        ruling.tier,
        int(ruling.no_share),
        served.settings.policy_version,
        build_id(beacon.build),
        returning_hash(device, served.site.returning_key) if device else NOBODY,
        draft.import_id,
    )


def _visitor(draft: Draft, tools: Tools, day: int) -> bytes:
    if draft.way == "mail":
        return NOBODY
    salt = tools.salt_of(draft.served, day, draft.import_id)
    return visitor_hash(draft.served.site.id, draft.facts.address, draft.facts.user_agent, salt)
