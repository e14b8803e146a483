"""Invented traffic: months of a site that nobody visited, for demonstrations, tests, benches and pictures.

The same seed, size and day give the same rows, in any process and whatever days were asked for before. It has what real
traffic has and an analytics product must get right: a daily and a weekly rhythm, a long tail of pages and sources, a
campaign that begins and ends, a wave of machines on one day, people who send Global Privacy Control and are not
recorded, readers who stay, buyers of whom one pays most, slow pages and broken ones.

Every row says `invented` in its field `build`, and every import of them is of the kind `invented`.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import accumulate
from random import Random
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from event_catalogue.event import DEFAULT_ROW, Row
from event_catalogue.fields import POSITION

BUILD: Final = "invented"
GPC_SHARE: Final = 0.06
"""Visits whose browser sends Global Privacy Control; they are counted as not recorded and leave nothing else."""
_BOT_SHARE: Final = 0.03
_CAMPAIGN_EVERY: Final = 28
_CAMPAIGN_DAYS: Final = 10
_WAVE_EVERY: Final = 45
_EPOCH: Final = date(1970, 1, 1)
_HOURS: Final = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 11, 11, 11, 11, 12, 13, 15, 16, 13, 8, 4)
_WEEK: Final = (1.1, 1.15, 1.1, 1.05, 0.95, 0.75, 0.9)

_SOURCES: Final = (
    # share, source, kind, channel, referrer
    (34, "", "direct", "Direct", ""),
    (30, "Google", "search", "Organic Search", "google.com"),
    (5, "Bing", "search", "Organic Search", "bing.com"),
    (4, "DuckDuckGo", "search", "Organic Search", "duckduckgo.com"),
    (4, "ChatGPT", "ai", "AI Assistants", "chatgpt.com"),
    (6, "Newsletter", "email", "Email", ""),
    (4, "Mastodon", "social", "Organic Social", "mastodon.social"),
    (4, "Reddit", "social", "Organic Social", "reddit.com"),
    (9, "*", "referral", "Referral", "*"),
)
_PLACES: Final = (
    # share, country, time zone, language, (region, city, GeoNames id) …
    (34, "DE", "Europe/Berlin", "de-DE", (("DE-BE", "Berlin", 2950159), ("DE-BY", "Munich", 2867714))),
    (22, "CH", "Europe/Zurich", "de-CH", (("CH-ZH", "Zürich", 2657896), ("CH-BE", "Bern", 2661552))),
    (14, "US", "America/New_York", "en-US", (("US-NY", "New York", 5128581), ("US-MA", "Boston", 4930956))),
    (9, "GB", "Europe/London", "en-GB", (("GB-ENG", "London", 2643743), ("GB-SCT", "Edinburgh", 2650225))),
    (8, "FR", "Europe/Paris", "fr-FR", (("FR-IDF", "Paris", 2988507),)),
    (6, "AT", "Europe/Vienna", "de-AT", (("AT-9", "Vienna", 2761369),)),
    (4, "IN", "Asia/Kolkata", "en-IN", (("IN-MH", "Mumbai", 1275339),)),
    (2, "NP", "Asia/Kathmandu", "ne-NP", (("NP-BA", "Kathmandu", 1283240),)),
    (1, "NZ", "Pacific/Auckland", "en-NZ", (("NZ-WGN", "Wellington", 2179537),)),
)
_AGENTS: Final = (
    # share, browser, versions, engine, system, device, screen and viewport class
    (38, "Chrome", ("141", "140", "139"), "Blink", "Windows", "desktop", "xl", "l"),
    (14, "Chrome", ("141", "140"), "Blink", "Android", "mobile", "xs", "xs"),
    (20, "Safari", ("26.1", "18.6"), "WebKit", "iOS", "mobile", "xs", "xs"),
    (9, "Safari", ("26.0", "18.5"), "WebKit", "macOS", "desktop", "l", "l"),
    (8, "Firefox", ("144", "143", "128"), "Gecko", "Windows", "desktop", "xl", "l"),
    (3, "Firefox", ("144",), "Gecko", "Linux", "desktop", "xl", "xl"),
    (6, "Edge", ("141",), "Blink", "Windows", "desktop", "xl", "l"),
    (2, "Samsung Internet", ("28",), "Blink", "Android", "mobile", "xs", "xs"),
)


class Shape(NamedTuple):
    """What is to be invented: a site's number, host and zone, how many visitors a usual day has, and the seed."""

    site: int
    hostname: str
    timezone: str
    visitors: int
    seed: int
    keep: int = 35


class Day(NamedTuple):
    """One local day: the rows of each visit, and how many page views were not recorded at the visitor's wish."""

    visits: Iterator[list[Row]]
    not_recorded: int


def invent_day(shape: Shape, day: int, *, stored_on: int, received: int, import_id: int = 0) -> Day:
    """The traffic of one site-local day (days since 1970-01-01); `received` and `import_id` are put into each row."""
    rng = Random(f"{shape.seed}/{shape.site}/{shape.visitors}/{day}")  # noqa: S311  # invented on purpose, and repeatable
    count = _visitors_of(shape, day, rng)
    asked_not = sum(rng.random() < GPC_SHARE for _ in range(count)) * 3
    base = list(DEFAULT_ROW)
    for name, value in (
        ("site", shape.site),
        ("day", day),
        ("keep", shape.keep),
        ("received", received),
        ("stored_on", stored_on),
        ("tier", "cookieless"),
        ("policy_version", "1"),
        ("build", BUILD),
        ("import_id", import_id),
        ("hostname", shape.hostname),
    ):
        base[POSITION[name]] = value
    return Day(_visits(_Inventor(shape, day, base, rng), count), asked_not)


def _visitors_of(shape: Shape, day: int, rng: Random) -> int:
    """About as many as a usual day has, by weekday, weather and campaign."""
    weekday = (_EPOCH + timedelta(days=day)).weekday()
    factor = _WEEK[weekday] * rng.uniform(0.85, 1.15) * (1.25 if _in_campaign(day) else 1)
    return max(1, round(shape.visitors * factor))


def _in_campaign(day: int) -> bool:
    return day % _CAMPAIGN_EVERY < _CAMPAIGN_DAYS


def _visits(inventor: "_Inventor", count: int) -> Iterator[list[Row]]:
    for number in range(count):
        yield from inventor.visitor(number)
    machines = round(count * _BOT_SHARE) + (count if inventor.day % _WAVE_EVERY == 0 else 0)
    for number in range(machines):
        yield inventor.machine(number)


class _Inventor:
    """Makes visits of one day. All randomness comes from one generator, in a fixed order."""

    def __init__(self, shape: Shape, day: int, base: Row, rng: Random) -> None:
        self.day = day
        self._shape = shape
        self._base = base
        self._rng = rng
        self._beacons = 0
        local = _EPOCH + timedelta(days=day)
        zone = ZoneInfo(shape.timezone)
        self._start = _instant(local, zone)
        self._end = _instant(local + timedelta(days=1), zone)
        self._pages = max(20, min(4000, shape.visitors // 4))
        self._campaign = f"launch-{day // _CAMPAIGN_EVERY}" if _in_campaign(day) else ""

    def visitor(self, number: int) -> Iterator[list[Row]]:
        """The visits of one person: nearly always one, sometimes a second after hours."""
        rng = self._rng
        person = {"visitor": self._hash(b"visitor", number), **self._place(), **self._agent()}
        hour = rng.choices(range(24), _HOURS)[0]
        at = self._start + hour * 3_600_000 + rng.randrange(3_600_000)
        for _ in range(2 if rng.random() < 0.08 else 1):
            if at < self._end:
                rows, at = self._visit(person | self._source(), at)
                yield rows
            at += rng.randrange(45, 300) * 60_000

    def machine(self, number: int) -> list[Row]:
        """Requests of a machine that was recognised: one page after the other, no engagement."""
        rng = self._rng
        shared = {"visitor": self._hash(b"machine", number), "bot": rng.choice(("crawler", "headless"))}
        at = self._start + rng.randrange(self._end - self._start - 60_000)
        return self._beacon(
            [(at + n * 900, "pageview", {"path": self._path()}) for n in range(rng.randrange(1, 8))], shared
        )

    def _visit(self, shared: dict[str, Any], at: int) -> tuple[list[Row], int]:
        rng = self._rng
        events: list[tuple[int, str, dict[str, Any]]] = []
        path = self._path()
        for _ in range(1 + min(19, int(rng.expovariate(0.55)))):
            page: dict[str, Any] = {"path": path, "title": f"{path.strip('/') or 'Home'} – invented"}
            events.append((at, "pageview", page))
            stay = int(rng.lognormvariate(9.6, 1.1))
            at += min(stay, 1_500_000)
            events += self._acts(page, at)
            seen = {"engaged_ms": min(int(stay * rng.uniform(0.3, 0.95)), 600_000), "scroll": rng.randrange(5, 101, 5)}
            events.append((at, "engagement", page | seen))
            path = self._path()
            at += rng.randrange(200, 3_000)
        events.append((at, "exit", page | {"method": rng.choice(("close", "close", "link", "back_forward"))}))
        return self._beacon([one for one in events if one[0] < self._end], shared), at

    def _acts(self, page: dict[str, Any], at: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """What a reader does on a page besides reading, and what the page does to the reader."""
        rng = self._rng
        at -= 1
        draw = rng.random()
        if draw < 0.10:
            target = rng.choice(("Add to basket", "Menu", "Read on", "Sizes"))
            yield at, "click", page | {"target": target, "target_role": "button", "target_region": "main"}
        elif draw < 0.13:
            host = rng.choice(("en.wikipedia.org", "maps.example", "museum.example"))
            yield at, "outbound", page | {"target_url": f"https://{host}/", "target_host": host}
        elif draw < 0.15:
            term = rng.choice(("teapot", "fern", "green tea", "returns", f"rare {rng.randrange(400)}"))
            yield at, "search", page | {"search_term": term, "search_results": rng.randrange(12)}
        elif draw < 0.165:
            yield at, "signup", page | {"prop_keys": ["plan"], "prop_values": [rng.choice(("free", "plus", "team"))]}
        elif draw < 0.18:
            money = {"revenue": int(rng.paretovariate(1.3) * 1900), "currency": rng.choice(("EUR", "EUR", "CHF"))}
            yield at, "purchase", page | money
        elif draw < 0.19:
            error = {"error_message": "x is undefined", "error_source": "/shop.js:12", "error_stack": "a1b2c3"}
            yield at, "js_error", page | error
        elif draw < 0.20:
            yield at, "not_found", page | {"path": f"/gone/{rng.randrange(60)}"}
        elif draw < 0.50:
            load = int(rng.lognormvariate(7.1, 0.6))
            yield at, "vitals", page | {"ttfb": load // 6, "fcp": load // 2, "lcp": load, "load": load + load // 3}

    def _beacon(self, events: list[tuple[int, str, dict[str, Any]]], shared: dict[str, Any]) -> list[Row]:
        self._beacons += 1
        beacon = self._hash(b"beacon", self._beacons)
        common = self._base.copy()
        for name, value in shared.items():
            common[POSITION[name]] = value
        common[_BEACON] = common[_PAGE] = beacon
        rows = []
        for idx, (at, name, fields) in enumerate(events):
            row = common.copy()
            row[_IDX], row[_AT], row[_NAME] = idx, at, name
            for field, value in fields.items():
                row[POSITION[field]] = value
            rows.append(row)
        return rows

    def _path(self) -> str:
        """A page by a long tail: few that all see, many that few do."""
        rng = self._rng
        rank = int(rng.paretovariate(0.8))
        if rank <= len(_TOP):
            return _TOP[rank - 1]
        return f"/journal/{rank}" if rank <= self._pages else f"/journal/{rng.randrange(8, self._pages)}"

    def _source(self) -> dict[str, Any]:
        rng = self._rng
        if self._campaign and rng.random() < 0.2:
            return {
                "source": "Google",
                "source_kind": "paid",
                "channel": "Paid Search",
                "click_network": "google",
                "utm_source": "google",
                "utm_medium": "cpc",
                "utm_campaign": self._campaign,
            }
        _, source, kind, channel, referrer = _pick(rng, _SOURCES, _SOURCE_SUMS)
        if source == "*":
            source = referrer = f"blog-{int(rng.paretovariate(0.7)) % 500}.example"
        return {"source": source, "source_kind": kind, "channel": channel, "referrer": referrer}

    def _place(self) -> dict[str, Any]:
        rng = self._rng
        _, country, timezone, language, cities = _pick(rng, _PLACES, _PLACE_SUMS)
        region, city, city_id = rng.choice(cities)
        known = {"country": country, "timezone": timezone, "language": language, "place_from": "address"}
        if rng.random() < 0.15:
            return known | {"region": region}  # the database knows no city
        return known | {"region": region, "city": city, "city_id": city_id}

    def _agent(self) -> dict[str, Any]:
        rng = self._rng
        _, browser, versions, engine, system, device, screen, viewport = _pick(rng, _AGENTS, _AGENT_SUMS)
        return {
            "browser": browser,
            "browser_version": rng.choice(versions),
            "engine": engine,
            "os": system,
            "device": device,
            "platform": f"{browser} on {system}",
            "screen_class": screen,
            "viewport_class": viewport,
        }

    def _hash(self, kind: bytes, number: int) -> bytes:
        content = b"%s/%d/%d/%d/%d" % (kind, self._shape.seed, self._shape.site, self.day, number)
        return blake2b(content, digest_size=16).digest()


_TOP: Final = ("/", "/teapots", "/journal/8", "/ferns", "/basket", "/about", "/returns")
_BEACON, _PAGE, _IDX, _AT, _NAME = (POSITION[name] for name in ("beacon", "page", "idx", "at", "name"))
_SOURCE_SUMS: Final = tuple(accumulate(one[0] for one in _SOURCES))
_PLACE_SUMS: Final = tuple(accumulate(one[0] for one in _PLACES))
_AGENT_SUMS: Final = tuple(accumulate(one[0] for one in _AGENTS))


def _pick(rng: Random, table: tuple[Any, ...], sums: tuple[int, ...]) -> Any:
    return rng.choices(table, cum_weights=sums)[0]


def _instant(day: date, zone: ZoneInfo) -> int:
    """When a local day begins, ms UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).timestamp()) * 1000
