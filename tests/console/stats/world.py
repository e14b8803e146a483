"""Three invented sites whose rows hold every trap that a count can fall into.

Zürich has a day of 25 hours, New York one of 23, Kathmandu hours that begin at a quarter. Visitors pause for exactly
30 minutes, a millisecond more or less, come back, click, stay for 9,999 and 10,000 ms, arrive without a source and get
one later; some are machines; some rows have no visitor; names, sources and pages look like words of an answer, hold
quotes, and differ in case.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from console.stats.query import SiteRef
from event_catalogue.goals import Aims, Funnel, Goal
from tests.warehouse.rows import event

MINUTE = 60_000
PAUSES = (0, 1, 5_000, 60_000, 29 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE, 30 * MINUTE + 1, 90 * MINUTE, 200 * MINUTE)
NAMES = (
    "pageview",
    "pageview",
    "pageview",
    "engagement",
    "engagement",
    "click",
    "vitals",
    "js_error",
    "signup",
    "exit",
    "exit",
)
PATHS = ("/", "/Pricing", "/pricing", "/blog/a'b", "/blog/ü", "(other)", "/docs?x=%s")
SOURCES = ("", "", "", "Google", "google", "Direct / None", "(not set)", "News \\ 'Letter'", "{x:String}")
DECLARED = Aims(
    (
        Goal("Signed up", event="signup"),
        Goal("Plan b", event="signup", prop="plan", value="b"),
        Goal("Any plan", event="signup", prop="plan"),
        Goal("Prices", page="/*ricing"),
        Goal("Blog", page="/blog/*"),
        Goal("Half read", scroll=50),
        Goal("Blog read", scroll=90, page="/blog/*"),
        Goal("it's {x:String}", event="click", page="/docs?x=%s"),
        Goal("Never", event="never"),
    ),
    (
        Funnel("Blog to plan", ("Blog", "Prices", "Signed up")),
        Funnel("At once", ("Prices", "Blog"), strict=True),
        Funnel("Twice", ("Signed up", "Signed up", "Any plan")),
        Funnel("At once to nothing", ("Half read", "Prices", "Never"), strict=True),
    ),
)
TEXTS = ("", "a", "b", "Bé", "(not set)", "\\(not set)")


@dataclass(frozen=True)
class World:
    """Sites, their rows by field name, and the days that they cover."""

    sites: dict[str, SiteRef]
    events: list[dict[str, Any]]
    first: date
    last: date


def make_world() -> World:
    """Always the same world."""
    sites = {
        site.domain: site
        for site in (
            SiteRef(11, "zurich.example", "Europe/Zurich", k=1),
            SiteRef(12, "newyork.example", "America/New_York", k=1),
            SiteRef(13, "kathmandu.example", "Asia/Kathmandu", k=1),
        )
    }
    firsts = {11: date(2025, 10, 25), 12: date(2025, 3, 8), 13: date(2025, 12, 30)}
    events = [
        one
        for site in sites.values()
        for offset in range(4)
        for one in _day(site, firsts[site.id] + timedelta(days=offset))
    ]
    return World(sites, events, min(firsts.values()), max(firsts.values()) + timedelta(days=3))


def _day(site: SiteRef, day: date) -> Iterator[dict[str, Any]]:
    rng = random.Random(f"{site.id} {day}")
    zone = ZoneInfo(site.timezone)
    start = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
    next_day = day + timedelta(days=1)
    end = int(datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone).timestamp() * 1000)
    for person in range(9):
        # The same person has the same id on each day of a site and at every site: nothing but the day tells them apart.
        visitor = bytes(16) if person == 8 else f"visitor-{person:08d}".encode()
        at = start + rng.choice([0, 90 * MINUTE, rng.randrange(end - start)])
        for _ in range(rng.randrange(1, 14)):
            at = min(at + rng.choice(PAUSES), end - 1)
            one = {**_event(rng), "site": site.id, "day": day, "at": at, "visitor": visitor}
            yield one
            if one["name"] == "exit" and rng.random() < 0.8:
                at = max(start, min(at + rng.choice((-1_999, -500, 1, 500, 29_999, 30_000, 30_001)), end - 1))
                yield {**one, "beacon": rng.randbytes(16), "at": at, **_settling(rng)}


def _settling(rng: random.Random) -> dict[str, Any]:
    """What tells how the page before was left."""
    return {"method": rng.choice(["reload", "back_forward"]), "prop_keys": ["settles"], "prop_values": ["true"]}


def _event(rng: random.Random) -> dict[str, Any]:
    name = rng.choice(NAMES)
    fields = {
        "beacon": rng.randbytes(16),
        "idx": rng.randrange(3),
        "name": name,
        "path": rng.choice(PATHS),
        "engaged_ms": rng.choice([0, 1, 5_000, 9_999, 10_000]) if name == "engagement" else 0,
        "source": rng.choice(SOURCES),
        "bot": "headless" if rng.random() < 0.06 else "",
        "city_id": rng.choice([0, 0, 2657896]),
        "status": rng.choice([0, 404]),
    }
    texts = (
        "hostname title referrer source_kind channel click_network utm_source utm_medium utm_campaign utm_term "
        "utm_content utm_id utm_source_platform utm_creative_format utm_marketing_tactic country region city "
        "language timezone browser browser_version engine os os_version device platform screen_class "
        "viewport_class screen build target target_role target_region target_url target_host method flag "
        "search_term error_message error_source error_stack resource resource_kind slow_host currency dialled "
        "caller_country caller_area ad_slot ad_creative ad_position ad_quality"
    ).split()
    fields |= {text: rng.choice(TEXTS) for text in texts}
    if name == "exit":
        fields["method"] = rng.choice(["close", "other", "link", "reload", "back_forward"])
    fields["scroll"] = fields["beacon"][0] * 100 // 255 if name == "engagement" else 0
    fields["page"] = bytes(15) + bytes([fields["beacon"][1] % 5])
    if name == "exit" and rng.random() < 0.5:
        fields |= {"prop_keys": ["settles"], "prop_values": ["true"]}
    elif rng.random() < 0.5:
        fields |= {"prop_keys": ["plan", "it's"], "prop_values": [rng.choice(TEXTS), "x"]}
    return fields


def as_row(fields: dict[str, Any], first: date = date(1970, 1, 1)) -> list[Any]:
    """A row of the table."""
    return event(**{**fields, "day": (fields["day"] - first).days})
