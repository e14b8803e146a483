"""`GET /c/<site>`: what holds for this connection. `POST /c/<site>`: records a choice, durably, before it answers.

Promises: a grant gets a receipt only if it opens something; a refusal and an objection become counts of a day; a
withdrawal becomes a record that erasure takes up; the device id itself is written nowhere. Cookies are set only on an
address of the site itself, and only what the choice calls for. Refuses: choices from pages of other sites.
"""

import re
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from collector.address import Hops
from collector.answers import GONE, Answer, as_json, problem
from collector.beacons import read_body
from collector.consent import Ruling, Signals, rule
from collector.intake import Intake
from collector.path_rules import host_of
from collector.registry import ServedSite
from collector.request import RequestFacts, read_request
from collector.scrub import clean_text
from collector.texts import Words, choose_language, read_texts
from collector.thanks import Outcome, thanks
from collector.visitor import returning_hash
from control_store.gpc import gpc_statement
from control_store.policies import Policy, strictest_first
from control_store.site_settings import SiteSettings
from event_catalogue.choice import COOKIE, Choice, ChoiceRecord, What, decode_choice
from event_catalogue.days import DAY_MS
from event_catalogue.decode import Consent, Refused

_LARGEST: Final = 4096
_VERSION: Final = re.compile(r"[A-Za-z0-9._-]{1,16}\Z")
_COST: Final = 50
"""As how many events a choice counts in the rate of a network: each may leave a receipt that is kept for years."""
_MINUTE_MS: Final = 60_000
_DAY_S: Final = 86_400
_NO_SITE: Final = problem(404, "No site has this key; copy the snippet from the console again.")
_FOREIGN: Final = problem(403, "Choices are taken from pages of the site alone.")


class _Made(NamedTuple):
    """What a choice makes: records for the spool, and what the device may hold after it."""

    what: What | None
    records: list[ChoiceRecord]
    receipt: UUID | None = None
    visitor: UUID | None = None
    ads: bool = False


class Standing(NamedTuple):
    """Which site is asked about, and what holds on this connection."""

    served: ServedSite
    facts: RequestFacts
    region: str
    policies: tuple[Policy, ...]
    refused: Answer | None = None
    """What to answer instead, to a network that asks too much."""


class Choosing:
    """The handlers of `/c/<site>`."""

    def __init__(self, intake: Intake, hops: Hops) -> None:
        self._intake = intake
        self._hops = hops
        self._texts = read_texts()

    async def look(self, request: Request) -> Response:
        """What holds here: policy, region, whether a signal was seen, whether a choice is needed, the notice."""
        served, facts = self._asked(request)
        if served is None:
            return respond(_NO_SITE)
        wait = self._intake.limits.network(facts.address, 1)
        if wait:
            return respond(self._intake.too_fast(wait).answer)
        region, policies = self._policies(served, facts, _page(request))
        ruling = rule(served.settings, policies, Signals(gpc=facts.gpc, dnt=facts.dnt), None)
        state = {
            "policy": strictest_first(policies)[0],
            "region": region,
            "gpc": facts.gpc,
            "choice_needed": ruling.reason == "no_choice",
            "version": served.settings.policy_version,
        }
        return respond(as_json(state))

    async def choose(self, request: Request) -> Response:
        """Record a choice. A form is answered with a page, all else with JSON."""
        served, facts = self._asked(request)
        if served is None:
            return respond(_NO_SITE)
        wait = self._intake.limits.network(facts.address, _COST)
        if wait:
            return respond(self._intake.too_fast(wait).answer)
        if not _is_own(served, request.headers.get("origin", "")):
            return respond(_FOREIGN)
        body = await read_body(request.receive, _LARGEST)
        if body is None:
            return respond(GONE)
        if len(body) > _LARGEST:
            return respond(problem(413, f"A choice has at most {_LARGEST} bytes."))
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        try:
            choice = decode_choice(body, form=form)
        except Refused as refused:
            return respond(problem(refused.status, refused.sentence, field=refused.field))
        own = is_first_party(served, request)
        choice = _with_cookies(choice, request) if own else choice
        region, policies = self._policies(served, facts, _page(request))
        ruling = rule(served.settings, policies, _signals(choice, facts), _consent(choice))
        made = _make(choice, ruling, served, region, self._intake.clock())
        answer = as_json(_told(choice, ruling, made), 202)
        if form:
            words = self._texts[language := _language(request)]
            outcome = Outcome(made.receipt is not None, own, signal_text(served.settings, facts, words))
            answer = thanks(choice, outcome, words, language=language, site=served.site.domain, key=served.site.key)
        given = await self._intake.keep_choice(made.records, answer).given() if made.records else answer
        if given is answer and own:
            secure = _is_secure(request)
            cookies = _cookies(choice, made, served, self._intake.clock(), secure=secure)
            given = given._replace(headers=[*given.headers, *((b"set-cookie", one.encode()) for one in cookies)])
        return respond(given)

    async def gpc_support(self, _request: Request) -> Response:
        """The statement of support for Global Privacy Control, which every site of this collector keeps."""
        return respond(as_json(gpc_statement()))

    def standing(self, request: Request) -> Standing | None:
        """What holds for this connection; None if there is no such site."""
        served, facts = self._asked(request)
        if served is None:
            return None
        wait = self._intake.limits.network(facts.address, 1)
        refused = self._intake.too_fast(wait).answer if wait else None
        return Standing(served, facts, *self._policies(served, facts, _page(request)), refused)

    def _asked(self, request: Request) -> tuple[ServedSite | None, RequestFacts]:
        peer = request.client.host if request.client else ""
        facts = read_request(request.scope["headers"], peer, self._hops)
        return self._intake.registry.in_path(request.path_params["site"]), facts

    def _policies(self, served: ServedSite, facts: RequestFacts, url: str) -> tuple[str, tuple[Policy, ...]]:
        """The region as it is told, and the policies that may hold there. Looked up only where the site asks for it."""
        if not served.asks_place:
            return "", served.policies(None, url)
        place = self._intake.tools.places.locate(facts.address.packed, "")
        region = place.region if place.region.startswith(f"{place.country}-") else place.country
        own_network = not facts.address.is_public
        return region, served.policies((place.country, place.region), url, own_network=own_network)


def _make(choice: Choice, ruling: Ruling, served: ServedSite, region: str, now: int) -> _Made:
    """A grant with its receipt where it opens something; else a count. Beside it what is withdrawn of an earlier one.

    A grant that a signal or the policy leaves without effect makes nothing at all.
    """
    site, version = served.site.id, _version(choice, served)
    withdrawn = _withdrawal(choice, served, now)
    if ruling.device_id or ruling.ads:
        receipt = uuid4()
        visitor = choice.visitor or uuid4() if ruling.device_id else None
        grant = ChoiceRecord(
            *(site, "grant", now // _MINUTE_MS * _MINUTE_MS, version, ruling.device_id, ruling.ads, choice.sale),
            *(region, choice.how, receipt.bytes),
        )
        return _Made("grant", [grant, *withdrawn], receipt, visitor, ruling.ads)
    what = _counted(choice)
    count = [ChoiceRecord(site, what, now // DAY_MS * DAY_MS, version)] if what else []
    return _Made(what, [*count, *withdrawn])


def _counted(choice: Choice) -> What | None:
    """As what a choice that opens nothing is counted."""
    if choice.optout:
        return "objection"
    if choice.statistics or choice.ads:
        return None
    if choice.statistics is False or choice.ads is False:
        return "refusal"
    return "sale_optout" if choice.sale is False else None


def _withdrawal(choice: Choice, served: ServedSite, now: int) -> list[ChoiceRecord]:
    """What is taken back: every purpose that is refused now by who shows the id or the receipt of an earlier grant."""
    statistics, ads = choice.optout or choice.statistics is False, choice.optout or choice.ads is False
    if not (statistics or ads) or (choice.visitor is None and choice.receipt is None):
        return []
    returning = returning_hash(choice.visitor, served.site.returning_key) if choice.visitor else b""
    return [
        ChoiceRecord(
            *(served.site.id, "withdrawal", now // _MINUTE_MS * _MINUTE_MS),
            statistics=statistics,
            ads=statistics or ads,
            receipt=choice.receipt.bytes if choice.receipt else b"",
            returning=returning,
        )
    ]


def _told(choice: Choice, ruling: Ruling, made: _Made) -> dict[str, object]:
    """What holds from now on, for the script that asked; a new device id only where none was shown."""
    return {
        "tier": ruling.tier,
        "statistics": ruling.device_id,
        "ads": ruling.ads,
        "sale": None if choice.sale is None else choice.sale and not ruling.no_share,
        "receipt": str(made.receipt) if made.receipt else None,
        "visitor": str(made.visitor) if made.visitor and not choice.visitor else None,
    }


def _cookies(choice: Choice, made: _Made, served: ServedSite, now: int, *, secure: bool) -> list[str]:
    """Set-Cookie lines. A device id that is there already is not set again, so that it is never prolonged."""
    day = now // DAY_MS
    version = _plain(_version(choice, served))
    kept: dict[str, str] = {}
    if made.visitor and not choice.visitor:
        kept["ff_id"] = str(made.visitor)
    if made.receipt:
        purposes = f"{'s' if made.visitor else ''}{'a' if made.ads else ''}"
        kept["ff_receipt"] = f"{made.receipt}:{version}:{day}:{purposes}"
    if made.what == "objection":
        kept["ff_optout"] = f"o:{day}"
    if made.what == "refusal":
        kept["ff_choice"] = f"d:{version}:{day}"
    if choice.sale is False:
        kept["ff_sale"] = f"o:{day}"
    tail = f"Path=/; SameSite=Lax{'; Secure' if secure else ''}"
    lines = [f"{name}={value}; Max-Age={COOKIE[name].days * _DAY_S}; {tail}" for name, value in kept.items()]
    return lines + [f"{name}=; Max-Age=0; {tail}" for name in _ended(made)]


def _ended(made: _Made) -> tuple[str, ...]:
    """The cookies that a choice removes."""
    match made.what:
        case "grant":
            return ("ff_choice", "ff_optout") if made.visitor else ("ff_choice", "ff_optout", "ff_id")
        case "refusal" | "objection":
            return ("ff_id", "ff_receipt")
        case _:
            return ()


def _version(choice: Choice, served: ServedSite) -> str:
    """Of the notice that was seen, where it can be one; else today's. It is written down: no text about a person."""
    said, current = choice.version, served.settings.policy_version
    return said if said and (said == current or (_VERSION.match(said) and clean_text(said) == said)) else current


def _plain(version: str) -> str:
    """A version as a cookie's value can hold it (RFC 6265, 4.1.1)."""
    return "".join(sign for sign in version if sign not in ' ",;:\\')


def _with_cookies(choice: Choice, request: Request) -> Choice:
    """A plain form can't read the ids of an earlier grant; the browser sends them along on the site's own address."""
    visitor = choice.visitor or _uuid(request.cookies.get("ff_id", ""))
    receipt = choice.receipt or _uuid(request.cookies.get("ff_receipt", "").partition(":")[0])
    return replace(choice, visitor=visitor, receipt=receipt)


def _page(request: Request) -> str:
    """The page that asks, for pages of children: `?url=`, else what the browser says."""
    page: str = request.query_params.get("url", "") or request.headers.get("referer", "")
    return page


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _signals(choice: Choice, facts: RequestFacts) -> Signals:
    return Signals(facts.gpc or choice.gpc, facts.dnt, choice.optout, choice.gpp)


def _consent(choice: Choice) -> Consent:
    return Consent(choice.statistics, choice.ads, choice.sale)


def _is_own(served: ServedSite, origin: str) -> bool:
    """Whether a browser says that the choice comes from a page of the site; who says nothing is no browser's script."""
    if origin in ("", "null"):
        return True
    host = host_of(origin)
    return served.owns(host) or (served.settings.localhost and served.is_loopback(host))


def signal_text(settings: SiteSettings, facts: RequestFacts, words: Words) -> str:
    """What is said to who sends a signal; empty to all others."""
    name = "GPC" if facts.gpc else "Do Not Track" if facts.dnt and settings.dnt else ""
    text = words["words.signal_drop" if settings.gpc == "drop" else "words.signal_limit"]
    return text.replace("{signal}", name) if name else ""


def _language(request: Request) -> str:
    return choose_language(
        (request.query_params.get("lang", ""), *request.headers.get("accept-language", "")[:200].split(","))
    )


def is_first_party(served: ServedSite, request: Request) -> bool:
    """Whether this address is the site's own, so that a cookie of it is the site's."""
    named = request.headers.get("x-forwarded-host", "") or request.headers.get("host", "")
    return served.owns(host_of(f"https://{named.rpartition(',')[2].strip()}"))


def _is_secure(request: Request) -> bool:
    proto: str = request.headers.get("x-forwarded-proto", request.url.scheme)
    return proto.rpartition(",")[2].strip().lower() == "https"


def respond(answer: Answer) -> Response:
    """An answer as Starlette sends it."""
    response = Response(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response
