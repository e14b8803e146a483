"""Invented visits of the demo's shop, for pictures: who comes, when, from where, and what they read.

All of it is made up by a seeded generator, so two runs at the same hour differ by their clock alone. Addresses are
drawn at random and kept when the city database places them in a wanted country; none is anybody's in particular.
"""

import ipaddress
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import maxminddb

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
_COUNTRIES: Final = {
    "CH": 21,
    "DE": 26,
    "AT": 8,
    "FR": 9,
    "GB": 8,
    "US": 10,
    "NL": 6,
    "IT": 5,
    "ES": 4,
    "PL": 3,
    "SE": 3,
    "DK": 2,
    "CZ": 2,
    "BE": 2,
    "CA": 2,
    "JP": 1,
}
_ZONES: Final = {
    "CH": "Europe/Zurich",
    "DE": "Europe/Berlin",
    "AT": "Europe/Vienna",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "US": "America/New_York",
    "NL": "Europe/Amsterdam",
    "IT": "Europe/Rome",
    "ES": "Europe/Madrid",
    "PL": "Europe/Warsaw",
    "SE": "Europe/Stockholm",
    "DK": "Europe/Copenhagen",
    "CZ": "Europe/Prague",
    "BE": "Europe/Brussels",
    "CA": "America/Toronto",
    "JP": "Asia/Tokyo",
}
_LANGUAGES: Final = {"US": "en-US", "GB": "en-GB", "CA": "en-CA", "AT": "de-AT", "DE": "de-DE", "CH": "de-CH"}
_GECKO: Final = "(KHTML, like Gecko)"
_WINDOWS, _MAC = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"
_CHROME: Final = f"AppleWebKit/537.36 {_GECKO} Chrome/142.0.0.0"
_SAFARI: Final = f"AppleWebKit/605.1.15 {_GECKO} Version/26.0"
_FIREFOX: Final = "Gecko/20100101 Firefox/145.0"
_AGENTS: Final[dict[str, tuple[int, tuple[int, int]]]] = {
    f"Mozilla/5.0 ({system}) {rest}": (weight, viewport)
    for weight, viewport, system, rest in (
        (24, (1536, 730), _WINDOWS, f"{_CHROME} Safari/537.36"),
        (8, (1920, 950), _WINDOWS, f"{_CHROME} Safari/537.36 Edg/142.0.0.0"),
        (9, (1440, 790), _MAC, f"{_CHROME} Safari/537.36"),
        (9, (1440, 790), _MAC, f"{_SAFARI} Safari/605.1.15"),
        (8, (1920, 950), f"{_WINDOWS}; rv:145.0", _FIREFOX),
        (4, (1920, 950), "X11; Linux x86_64; rv:145.0", _FIREFOX),
        (21, (390, 664), "iPhone; CPU iPhone OS 18_6 like Mac OS X", f"{_SAFARI} Mobile/15E148 Safari/604.1"),
        (4, (820, 1106), "iPad; CPU OS 18_6 like Mac OS X", f"{_SAFARI} Mobile/15E148 Safari/604.1"),
        (18, (412, 784), "Linux; Android 10; K", f"{_CHROME} Mobile Safari/537.36"),
        (
            5,
            (412, 784),
            "Linux; Android 10; K",
            f"AppleWebKit/537.36 {_GECKO} SamsungBrowser/28.0 Mobile Safari/537.36",
        ),
    )
}
"""Agent strings, how many of a hundred or so send them, and the window they have."""
_CAMPAIGN: Final = "?utm_source=newsletter&utm_medium=email&utm_campaign=autumn"
_ARRIVALS: Final = {
    ("https://www.google.com/", ""): 30,
    ("", ""): 26,
    ("", _CAMPAIGN): 9,
    ("https://www.bing.com/", ""): 5,
    ("https://duckduckgo.com/", ""): 5,
    ("https://chatgpt.com/", ""): 6,
    ("https://www.perplexity.ai/", ""): 2,
    ("https://www.reddit.com/", ""): 6,
    ("https://www.instagram.com/", ""): 4,
    ("https://mastodon.social/", ""): 3,
    ("https://www.pinterest.com/", ""): 3,
    ("https://plants.example/", ""): 4,
}
_PAGES: Final = {
    "/": 30,
    "/shop": 18,
    "/shop/stag-fern": 14,
    "/shop/copper-kettle": 9,
    "/shop/swiss-cheese-plant": 11,
    "/shop/mountain-tea": 6,
    "/shop/long-spout-can": 5,
    "/shop/two-cups": 4,
    "/care": 7,
    "/care/water": 8,
    "/care/light": 5,
    "/care/pots": 3,
    "/visit": 5,
    "/search": 3,
    "/basket": 5,
    "/thank-you": 2,
}
_BY_HOUR: Final = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 11, 10, 9, 9, 10, 11, 13, 14, 12, 8, 4)
_SHARE_OF_ONE: Final = 0.47
"""How many visits read one page only."""


class Step(NamedTuple):
    """One page of a visit: when it opens, and how long it is in front."""

    at: int
    path: str
    ms: int
    scroll: int


class Visit(NamedTuple):
    """Somebody, and what they read."""

    address: str
    country: str
    agent: str
    viewport: tuple[int, int]
    referrer: str
    tags: str
    steps: tuple[Step, ...]

    @property
    def zone(self) -> str:
        """The time zone that the visitor's browser tells."""
        return _ZONES[self.country]

    @property
    def language(self) -> str:
        """The language that the visitor's browser tells."""
        return _LANGUAGES.get(self.country, f"{self.country.lower()}-{self.country}")


def visits(first: int, last: int, *, databases: Sequence[Path], seed: int = 7, a_day: int = 320) -> Iterator[Visit]:
    """Visits that begin between two moments (ms), about `a_day` a day: fewer at night and on Sundays, more of late."""
    chance = random.Random(seed)
    people = _people(chance, databases)
    for start in range(first // HOUR * HOUR, last, HOUR):
        age = (last - start) / DAY
        weekday = (start // DAY + 3) % 7
        swing = (1.1, 1.15, 1.1, 1.05, 0.95, 0.8, 0.85)[weekday] * (1 - 0.007 * age) * (1.45 if 8.5 < age < 10 else 1)
        expected = a_day * swing * _BY_HOUR[start // HOUR % 24 - 23] / sum(_BY_HOUR)
        for _ in range(round(chance.gauss(expected, math.sqrt(expected) / 2))):
            began = start + chance.randrange(HOUR)
            if first <= began < last:
                yield _visit(chance, people, began, last)


def _visit(chance: random.Random, people: Sequence[tuple[str, str]], began: int, last: int) -> Visit:
    address, country = chance.choice(people)
    agent = _pick(chance, {name: weight for name, (weight, _) in _AGENTS.items()})
    referrer, tags = _pick(chance, _ARRIVALS)
    count = 1 if chance.random() < _SHARE_OF_ONE else 2 + int(chance.expovariate(0.55))
    steps, at = [], began
    for path in [_pick(chance, _PAGES) for _ in range(min(count, 12))]:
        ms = int(min(240_000, chance.lognormvariate(9.8, 0.9)))
        if at >= last:
            break
        steps.append(Step(at, path, ms, min(100, int(chance.gauss(64, 24)) % 101)))
        at += ms + 1500
    return Visit(address, country, agent, _AGENTS[agent][1], referrer, tags, tuple(steps))


def _people(chance: random.Random, databases: Sequence[Path], wanted: int = 2500) -> list[tuple[str, str]]:
    """Addresses and their countries. Without a city database they come from a range that is nobody's."""
    share = {country: wanted * weight // sum(_COUNTRIES.values()) for country, weight in _COUNTRIES.items()}
    if not databases:
        names = [country for country, count in share.items() for _ in range(count)]
        return [(f"198.51.{number // 250}.{number % 250 + 1}", country) for number, country in enumerate(names)]
    found: list[tuple[str, str]] = []
    with maxminddb.open_database(next(path for path in databases if "ipv4" in path.name)) as reader:
        while any(share.values()):
            address = ipaddress.IPv4Address(chance.randrange(1 << 24, 224 << 24))
            record = reader.get(address) if address.is_global else None
            country = str(record.get("country_code", "")) if isinstance(record, dict) else ""
            if share.get(country, 0):
                share[country] -= 1
                found.append((str(address), country))
    return found


def _pick(chance: random.Random, weights: dict[Any, int]) -> Any:
    return chance.choices(list(weights), list(weights.values()))[0]
