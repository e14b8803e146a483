"""How collecting goes, in one line: the last event, or what is wrong. And what was not recorded, and why."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple
from zlib import crc32

from console.pages.desk import Shop
from console.pages.formats import ago, moment, whole
from control_store.accounting import denied_hours, published, published_spools
from control_store.marks import rules_text
from control_store.snapshot import Site
from event_catalogue.days import local_day

_EPOCH: Final = date(1970, 1, 1)
_SILENT_MS: Final = 120_000
"""An idle collector advances its watermark every few seconds; after two minutes without that something is wrong."""
_RECENT_MS: Final = 15 * 60_000
_LOOKS_BACK: Final = (1, 35)
"""Days. Every open page asks each second: of a busy site the last two days are read, not weeks."""

WISH: Final = {
    "gpc": "Global Privacy Control",
    "gpp": "opted out in a consent manager",
    "dnt": "Do Not Track",
    "declined": "declined",
    "objection": "objected",
    "no_choice": "no choice yet",
}
"""Reasons that are the visitor's, as accounting counts them."""
OUTCOMES: Final = {
    "stored": "recorded",
    "repeated": "sent again, counted once",
    "not_recorded": "not recorded",
    "excluded": "left out, as you set it",
    "rejected": "refused",
}
REASONS: Final = {
    **WISH,
    "consent": "needs a consent that was not given",
    "ads": "needs consent for advertising",
    "basic_only": "the site keeps essential fields only",
    "too_old": "more than 24 hours old",
    "other_kind": "events of a record without rows",
    "network": "from a network that you left out",
    "localhost": "on a developer's machine",
    "bad_json": "no JSON",
    "too_large": "too large",
    "bad_field": "a field is not valid",
    "bad_url": "the page's address cannot be read",
    "unknown_site": "unknown site key",
    "hostname": "from a host that is not one of this site's",
    "rate": "more than the rate",
}

Mood = Literal["well", "quiet", "waiting", "trouble"]


class Pulse(NamedTuple):
    """The newest event that is loaded, and a mark that changes with every load, and with what counts."""

    last: int
    """ms UTC; 0 if there is none in the last weeks."""
    mark: str


class State(NamedTuple):
    """How collecting goes."""

    mood: Mood
    text: str
    since: int
    """The moment (ms UTC) that `text` counts from, 0 if it names none."""


class Unrecorded(NamedTuple):
    """What was not recorded at visitors' wish in some days."""

    events: int
    reasons: tuple[tuple[str, int], ...]
    hours: tuple[tuple[int, int], ...] = ()
    """Of a single day: hours of the site's clock with enough events to be told apart."""

    @property
    def sentence(self) -> str:
        """In words. Nothing is kept that would tell visits apart, so so many events are at most as many visits."""
        if self.events == 1:
            return "1 more visit was not recorded at its visitor's wish"
        return f"Up to {whole(self.events)} more visits were not recorded at their visitors' wish"


async def read_pulse(shop: Shop, site: Site) -> Pulse:
    """Look for the newest event. Raises TryLater, Broken."""
    now = shop.clock()
    today = local_day(site.timezone_at(now), now)
    last = count = 0
    for days in _LOOKS_BACK:
        asked = {"site": site.id, "first": today - days}
        rows = await asyncio.to_thread(shop.warehouse.query, "console.last_event", asked, "control")
        last, count = rows[0]
        if count:
            break
    counted = crc32(rules_text(site.settings.counted_bots).encode())
    return Pulse(int(last) if count else 0, f"{last}-{count}-{counted}" if count else "none")


def state_of(shop: Shop, site: Site, pulse: Pulse, *, has_history: bool = False) -> State:
    """How collecting goes for a site; `has_history` if there are rows, be they imported or old."""
    now = shop.clock()
    if shop.trouble():
        return State("trouble", "Loading has stopped; nothing acknowledged is lost. `footfall status` says why", 0)
    heard = max((spool.watermark for spool in published_spools(shop.store)), default=0)
    if heard and now - heard > _SILENT_MS:
        when = moment(heard, site.timezone_at(now))
        return State("trouble", f"No collector has been heard since {when}; what came after may be missing", 0)
    if not pulse.last:
        return State("waiting", "No live event lately" if has_history else "Waiting for the first visit", 0)
    if now - pulse.last <= _RECENT_MS:
        return State("well", f"Last event {ago(now - pulse.last)} ago", pulse.last)
    return State("quiet", f"Quiet; last event {moment(pulse.last, site.timezone_at(now))}. The collector is well", 0)


def unrecorded(shop: Shop, site: Site, first: date, last: date) -> Unrecorded:
    """What was not recorded at visitors' wish from the first to the last day."""
    found = Counter[str]()
    for (number, day, outcome, reason), events in published(shop.store).accounts.items():
        if number == site.id and outcome == "not_recorded" and reason in WISH and _in(day, first, last):
            found[WISH[reason]] += events
    hours = denied_hours(shop.store, site.id, (first - _EPOCH).days) if first == last else {}
    return Unrecorded(found.total(), tuple(found.most_common()), tuple(sorted(hours.items())))


def outcomes(shop: Shop, site: Site, first: date, last: date) -> list[tuple[str, str, int]]:
    """Where the events of some days went: outcome, reason, events; the largest first."""
    found = Counter[tuple[str, str]]()
    told = published(shop.store)
    for (number, day, outcome, reason), events in told.accounts.items():
        if number == site.id and outcome in OUTCOMES and _in(day, first, last):
            found[OUTCOMES[outcome], REASONS.get(reason, reason)] += events
    listed = [(outcome, reason, events) for (outcome, reason), events in found.most_common()]
    gone = [one for (number, day), one in told.gone.items() if number == site.id and _in(day, first, last)]
    since = (("purged since", sum(one.purged for one in gone)), ("erased since", sum(one.erased for one in gone)))
    return listed + [(OUTCOMES["stored"], word, events) for word, events in since if events]


def refused(shop: Shop, site: Site, reason: str, day: date) -> int:
    """Events of a day and the day before that ended for this reason."""
    return sum(
        events
        for (number, on, _outcome, why), events in published(shop.store).accounts.items()
        if number == site.id and why == reason and _in(on, day - timedelta(days=1), day)
    )


def _in(day: int, first: date, last: date) -> bool:
    return first <= _EPOCH + timedelta(days=day) <= last
