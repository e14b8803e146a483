"""`make accuracy`: how well agents, bots, referrers and places are read, on the labelled data beside the repository.

And what it costs: cold (each string for the first time) and warm (from the caches), microseconds per event.
"""

import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

from collector.agent import AgentReader
from collector.bots import BotRules
from collector.place import Places
from collector.referrer import SourceReader
from tests.collector import labelled
from tests.collector.labelled import Score

AGENTS: Final = (
    ("ua_real_weighted", ""),
    ("ua_top", ""),
    ("ua_client_hints", ""),
    ("ua_client_hints", "brands"),
    ("ua_client_hints", "app"),
    ("ua_device_detector", ""),
    ("ua_uap_core", ""),
)
BOTS: Final = (
    "bots_crawler_user_agents",
    "bots_device_detector",
    "bots_crawler_detect",
    "bots_isbot",
    "bots_isbot_collected",
)
PEOPLE: Final = ("ua_top", "ua_real_weighted", "humans_crawler_detect", "humans_isbot")
SOURCES: Final = ("referrers_matomo", "referrers_snowplow_tests", "referrers_snowplow_db")
GEO: Final = (("geo_geoip2_city_test", "GeoIP2"), ("geo_geolite2_city_test", "GeoLite2"))


def main() -> None:
    """Print the table; one sentence instead where the data is absent."""
    try:
        _accuracy()
        _cost()
    except labelled.Absent as absent:
        print(absent)


def _accuracy() -> None:
    reader, rules, sources = AgentReader(), BotRules(), SourceReader()
    print("agents: percent of the labelled cases (real traffic by weight)")
    for name, sent in AGENTS:
        _print(f"{name} {f'(by {sent})' if sent else ''}", labelled.agents(reader, name, sent=sent))
        if name in ("ua_real_weighted", "ua_top"):
            print(f"  {'':40} untrue system versions: {len(labelled.untrue_versions(reader, name))}")
    print("bots found, people taken for bots")
    for name in BOTS:
        _print(name, {"recall": labelled.bots(rules, name, bot=True)})
    for name in PEOPLE:
        peace = labelled.bots(rules, name, bot=False)
        _print(name, {"taken": Score(peace.labelled - peace.right, peace.labelled)})
    print("referrers")
    for name in SOURCES:
        _print(name, labelled.sources(sources, name))
    _print("referrer_spam", labelled.spam(rules))
    print("places")
    for name, file in GEO:
        places = Places([labelled.DATA / "geo" / f"{file}-City-Test.mmdb"])
        pairs = list(labelled.located(places, name))
        _print(name, {"country, region, city": Score(sum(found == want for found, want in pairs), len(pairs))})


def _print(name: str, scores: Mapping[str, Score]) -> None:
    cells = "  ".join(f"{field} {score.percent:.2f} ({score.labelled:.6g})" for field, score in scores.items())
    print(f"  {name:40} {cells}")


def _cost() -> None:
    strings = [row["input"] for row in labelled.rows("ua_real_weighted")]
    packed = [
        socket.inet_pton(socket.AF_INET6, row["input"]) for row in labelled.rows(GEO[0][0]) if ":" in row["input"]
    ]
    reader, rules = AgentReader(), BotRules()
    places = Places([labelled.DATA / "geo" / "GeoIP2-City-Test.mmdb"])
    referrers = [row["input"] for row in labelled.rows("referrers_matomo")]
    sources = SourceReader()
    print("cost, µs per call: cold is each value for the first time, warm the best of five rounds after")
    steps: dict[str, tuple[Callable[[int], object], int]] = {
        "agent": (lambda i: reader.read(strings[i]), len(strings)),
        "bots": (lambda i: rules.rule(strings[i]), len(strings)),
        "place": (lambda i: places.locate(packed[i], ""), len(packed)),
        "source": (lambda i: sources.read(hostname="shop.example", query={}, referrer=referrers[i]), len(referrers)),
    }
    totals = [0.0, 0.0]
    for name, (step, count) in steps.items():
        cold, warm = _micros(step, count), min(_micros(step, count) for _ in range(5))
        print(f"  {name:10} cold {cold:7.1f}   warm {warm:5.2f}")
        if name != "source":
            totals = [totals[0] + cold, totals[1] + warm]
    print(f"  agent + bots + place: cold {totals[0]:.1f} (bar 400), warm {totals[1]:.2f} (bar 5)")


def _micros(step: Callable[[int], object], count: int) -> float:
    started = time.perf_counter()
    for place in range(count):
        step(place)
    return (time.perf_counter() - started) / count * 1e6


if __name__ == "__main__":
    main()
