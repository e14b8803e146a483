"""Floors under the accuracy of what the collector reads out of agents, referrers and addresses.

The data lies beside the repository and is not part of it; without it these tests say so and are skipped. Each floor is
a bar that was promised; `make accuracy` prints what is reached.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from collector.agent import AgentReader
from collector.bots import BotRules
from collector.client_hints import Hints
from collector.place import Places
from collector.referrer import SourceReader
from tests.collector import labelled

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"
)


@contextmanager
def data() -> Iterator[None]:
    """Skips the test, saying why, where the labelled data is absent."""
    try:
        yield
    except labelled.Absent as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="module")
def reader() -> AgentReader:
    return AgentReader()


@pytest.fixture(scope="module")
def rules() -> BotRules:
    return BotRules()


@pytest.fixture(scope="module")
def source_reader() -> SourceReader:
    return SourceReader()


@pytest.mark.req("C2")
@pytest.mark.parametrize(
    ("name", "sent", "floors"),
    [
        ("ua_real_weighted", "", {"browser": 100, "major": 99.9, "os": 100, "device": 99.9}),
        ("ua_top", "", {"browser": 100, "major": 99, "os": 100, "device": 100}),
        ("ua_client_hints", "brands", {"browser": 95, "os": 98}),
        ("ua_client_hints", "app", {"browser": 98}),
        ("ua_client_hints", "", {"browser": 97, "os": 98}),
        ("ua_device_detector", "", {"browser": 95, "os": 97, "device": 92}),
        ("ua_uap_core", "", {"browser": 98}),
    ],
)
def test_agents_are_read_as_well_as_promised(
    reader: AgentReader, name: str, sent: str, floors: dict[str, float]
) -> None:
    """Browser, version, system and device agree with the labels at least as often as promised."""
    with data():
        scores = labelled.agents(reader, name, sent=sent)
    reached = {field: scores[field].percent for field in floors}
    assert all(reached[field] >= floor or math.isclose(reached[field], floor) for field, floor in floors.items()), (
        reached
    )


@pytest.mark.req("C2")
@pytest.mark.parametrize("name", ["ua_top", "ua_real_weighted"])
def test_no_frozen_version_is_told_as_true(reader: AgentReader, name: str) -> None:
    """A system version that browsers write on every machine is reported as not told, or as the true one."""
    with data():
        assert labelled.untrue_versions(reader, name) == []


@pytest.mark.req("C2")
@pytest.mark.parametrize(
    ("name", "floor"),
    [
        ("bots_crawler_user_agents", 99),
        ("bots_device_detector", 95),
        ("bots_crawler_detect", 94),
        ("bots_isbot", 90),
        ("bots_isbot_collected", 93),
    ],
)
def test_bots_are_found(rules: BotRules, name: str, floor: float) -> None:
    """Of the strings that others collected as bots', at least this share is named by a rule."""
    with data():
        assert labelled.bots(rules, name, bot=True).percent >= floor


@pytest.mark.parametrize(
    ("name", "at_most"), [("ua_top", 0), ("ua_real_weighted", 0), ("humans_crawler_detect", 0.3), ("humans_isbot", 2)]
)
def test_people_are_left_in_peace(rules: BotRules, name: str, at_most: float) -> None:
    """Of the strings of people's browsers and apps, at most this share is taken for a machine's."""
    with data():
        assert 100 - labelled.bots(rules, name, bot=False).percent <= at_most


def test_a_headless_browser_is_known_by_its_brand(rules: BotRules) -> None:
    """Every labelled brand list is judged right, behind an agent string that says nothing."""
    with data():
        cases = labelled.rows("bots_client_hints")
    for case in cases:
        found = rules.rule(CHROME, hints=Hints(brands=case["input"]["Sec-CH-UA"]))
        assert bool(found) == case["expected"]["bot"], case


@pytest.mark.req("C17")
@pytest.mark.parametrize(
    ("name", "floor"), [("referrers_matomo", 97), ("referrers_snowplow_tests", 97), ("referrers_snowplow_db", 90)]
)
def test_sources_are_named(source_reader: SourceReader, name: str, floor: float) -> None:
    """Source and kind of a referrer agree with the labels, both at once."""
    with data():
        assert labelled.sources(source_reader, name)["both"].percent >= floor


@pytest.mark.req("C17")
def test_no_honest_site_is_taken_for_spam(rules: BotRules) -> None:
    """None of the search engines and social networks is called a spammer, and some spammers are."""
    with data():
        scores = labelled.spam(rules)
    assert scores["honest"].percent == 100
    assert scores["spam"].percent > 5


@pytest.mark.req("C5")
@pytest.mark.parametrize(("name", "file"), [("geo_geoip2_city_test", "GeoIP2"), ("geo_geolite2_city_test", "GeoLite2")])
def test_places_agree_with_the_published_rows(name: str, file: str) -> None:
    """Country, region and city of every address of MaxMind's test data are those that MaxMind published."""
    with data():
        labelled.rows(name)
        places = Places([labelled.DATA / "geo" / f"{file}-City-Test.mmdb"])
        found = list(labelled.located(places, name))
    assert len(found) > 100
    assert [pair for pair in found if pair[0] != pair[1]] == []


@pytest.mark.req("C5")
def test_time_zones_name_their_country() -> None:
    """A zone gives its principal country, an alias that of its zone, a zone of no country nothing."""
    places = Places([])
    with data():
        cases = labelled.rows("timezone_country")
    # Of the American rules of 1967 without a place, IANA says no country.
    placeless = {"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT"}
    for case in cases:
        if case["input"] not in placeless:
            assert places.locate(b"", case["input"]).country == (case["expected"]["primary"] or ""), case
