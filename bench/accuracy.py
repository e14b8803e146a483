"""`make accuracy`: how well agents, bots, referrers and places are read, on the labelled data beside the repository.

What it costs: `python -m bench enrich`.
"""

from collections.abc import Mapping
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


if __name__ == "__main__":
    main()
