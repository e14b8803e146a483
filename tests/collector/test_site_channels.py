"""Channels of a site's own: which rule holds, what they leave alone, and what is no rule."""

import time
from fnmatch import fnmatchcase
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.pages import Pages
from collector.referrer import Source, SourceReader
from collector.registry import ServedSite
from collector.scrub import Scrubber
from control_store.setting_items import BadSetting
from control_store.site_channels import CHANNEL_FIELDS, SiteChannels
from control_store.site_settings import SiteSettings, changed
from event_catalogue.decode import decode_beacon
from event_catalogue.fields import PLACE_IN_SITE, SOURCE
from tests.collector.world import NOW, beacon, body, site

pytestmark = pytest.mark.req("C17")

CHANNEL: Final = [field.name for field in (*PLACE_IN_SITE, *SOURCE)].index("channel")
RULES: Final = (
    "Partners:source=partner.example",
    "Partners:referrer=*.partner.example",
    "Letters:utm_medium=letter&utm_campaign=spring*",
    "Spring:utm_campaign=spring*",
    "Retargeting:channel=Display&utm_content=rt-*",
    "Ads (Google):click_network=google ads",
    "Search engines:source_kind=search",
    "Wild:utm_term=*a*b*",
)
GOOGLE: Final = "https://www.google.com/"


def channel(rules: tuple[str, ...], query: str = "", referrer: str = "") -> str:
    """The channel of a view, as the row will have it."""
    served = ServedSite(site(channels=rules))
    pages = Pages(SourceReader(), Scrubber(), lambda _host: False)
    sent = beacon(served.site.key, url=f"https://shop.example/{query}", referrer=referrer)
    return str(pages.read(served, decode_beacon(body(sent))[0], NOW).fields[CHANNEL])


@pytest.mark.parametrize(
    ("query", "referrer", "expected"),
    [
        ("", "", "Direct"),
        ("", "https://partner.example/page", "Partners"),
        ("", "https://blog.partner.example/", "Partners"),
        ("?utm_source=Partner.Example", "", "Partners"),
        ("", "https://notpartner.example/", "Referral"),
        ("", "https://partner.example.evil.example/", "Referral"),
        ("?utm_source=flyer&utm_medium=letter&utm_campaign=spring-26", "", "Letters"),
        ("?utm_source=flyer&utm_medium=LETTER&utm_campaign=Spring", "", "Letters"),
        ("?utm_source=flyer&utm_medium=letters&utm_campaign=spring", "", "Spring"),
        ("?utm_source=flyer&utm_medium=email&utm_campaign=early-spring", "", "Email"),
        ("?utm_source=flyer&utm_medium=banner&utm_content=rt-7", "", "Retargeting"),
        ("?utm_source=flyer&utm_medium=banner&utm_content=brand", "", "Display"),
        ("?gclid=abc", GOOGLE, "Ads (Google)"),
        ("", GOOGLE, "Search engines"),
        ("?utm_source=flyer&utm_term=xaxbx", "", "Wild"),
        ("?utm_source=flyer&utm_term=xbxax", "", "Referral"),
        ("?utm_source=flyer&utm_term=ab", "", "Wild"),
    ],
)
def test_the_first_rule_that_holds_names_the_channel(query: str, referrer: str, expected: str) -> None:
    """Whole values, any case, every condition; where none holds, Google's rules."""
    assert channel(RULES, query, referrer) == expected


def test_the_order_of_the_rules_counts() -> None:
    """The same visit under the same two rules, turned round."""
    assert channel(("A:source=google", "B:source_kind=search"), referrer=GOOGLE) == "A"
    assert channel(("B:source_kind=search", "A:source=google"), referrer=GOOGLE) == "B"
    assert channel((), referrer=GOOGLE) == "Organic Search"


@pytest.mark.parametrize(
    "rule",
    [
        *("Partners", "Partners:", ":source=x", "Partners:source", "Partners:source=", "Partners:path=/x"),
        *("Partners:source=x&", "Partners:source=*a*b*c*d*e*", f"{'n' * 33}:source=x", f"A:source={'x' * 201}", "=:="),
    ],
)
def test_what_is_no_rule_gets_one_sentence(rule: str) -> None:
    """It shows a rule and names the fields."""
    with pytest.raises(BadSetting, match=r"\A[^\n]+Partners:source=partner\.example[^\n]+utm_medium[^\n]+\.\Z"):
        changed(SiteSettings(), [f"channels={rule}"])


@given(st.text("ab*", min_size=1, max_size=8).filter(lambda text: text.count("*") <= 4), st.text("ab", max_size=9))
def test_a_wildcard_is_what_shells_mean_by_it(pattern: str, value: str) -> None:
    """The same answer as the standard library's, for every pattern and value of two letters."""
    held = SiteChannels([f"Own:source={pattern}"]).of(Source(source=value)) == "Own"
    assert held is fnmatchcase(value, pattern)


def test_no_value_of_a_visitor_takes_long() -> None:
    """A value made for it would have cost half a second of the collector, and more with each wildcard."""
    rules = SiteChannels(["Own:source=x*a*a*a*b"])
    value = Source(source="x" + "a" * 199)
    began = time.process_time()
    for _ in range(100):
        assert rules.of(value) == "Direct"
    assert time.process_time() - began < 1


def test_every_field_can_be_looked_at() -> None:
    """Each name of the list is one that the source of a view has."""
    for field in CHANNEL_FIELDS:
        assert channel((f"Own:{field}=no-such-value",), referrer=GOOGLE) == "Organic Search"
