"""Topics: what visitors are told of each field."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from event_catalogue.fields import FIELDS
from event_catalogue.topics import TOPICS, topics_of

ENGLISH = Path(__file__).parents[2] / "collector" / "texts" / "en.toml"


@pytest.mark.req("P9")
def test_every_field_belongs_to_one_topic() -> None:
    """None is left out of banner and notice, and each topic has its words."""
    counted = Counter(name for names in TOPICS.values() for name in names)
    assert counted == Counter(field.name for field in FIELDS)
    assert set(tomllib.loads(ENGLISH.read_text(encoding="utf-8"))["topics"]) == set(TOPICS)


@pytest.mark.req("P9")
def test_topics_come_in_their_order_and_a_new_field_is_not_hidden() -> None:
    """Pages first, whatever the order of the fields."""
    assert topics_of(["ad_slot", "country", "title", "path"]) == ("pages", "place", "ads")
    assert topics_of(["not_in_the_table_yet"]) == ("technical",)
