"""The channels: one case at least for every rule, and the order between rules."""

import json

import pytest

from collector.channels import CHANNELS, Touch, channel
from collector.referrer import SourceReader
from tests.collector import labelled

pytestmark = pytest.mark.req("C17")

GOOGLE = {"source": "Google", "category": "search"}
FACEBOOK = {"source": "Facebook", "category": "social"}
YOUTUBE = {"source": "YouTube", "category": "video"}
AMAZON = {"source": "Amazon", "category": "shopping"}

CASES = [
    ("Direct", Touch()),
    ("Cross-network", Touch(**GOOGLE, medium="cpc", campaign="spring cross-network 1")),
    ("Paid Shopping", Touch(**AMAZON, medium="cpc")),
    ("Paid Shopping", Touch(campaign="shopping", medium="paid")),
    ("Paid Shopping", Touch(**GOOGLE, campaign="eu-shop-1", paid=True)),
    ("Paid Search", Touch(**GOOGLE, medium="cpc")),
    ("Paid Search", Touch(**GOOGLE, medium="ppc")),
    ("Paid Search", Touch(**GOOGLE, paid=True)),
    ("Paid Search", Touch(**GOOGLE, medium="retargeting", campaign="workshop")),
    ("Paid Social", Touch(**FACEBOOK, medium="paidsocial")),
    ("Paid Social", Touch("WhatsApp", "messaging", medium="paid")),
    ("Paid Video", Touch(**YOUTUBE, medium="cpv")),
    ("Display", Touch(medium="banner")),
    ("Display", Touch(**GOOGLE, medium="display")),
    ("Display", Touch("Taboola", "paid")),
    ("Paid Other", Touch("newsletter", medium="cpc")),
    ("Paid Other", Touch("Taboola", "paid", medium="cpc")),
    ("AI Assistants", Touch("ChatGPT", "ai")),
    ("AI Assistants", Touch("ChatGPT", "ai", medium="organic", campaign="shop")),
    ("Organic Shopping", Touch(**AMAZON)),
    ("Organic Shopping", Touch("newsletter", campaign="shop")),
    ("Organic Social", Touch(**FACEBOOK)),
    ("Organic Social", Touch("Telegram", "messaging")),
    ("Organic Social", Touch("intranet", medium="social-network")),
    ("Organic Video", Touch(**YOUTUBE)),
    ("Organic Video", Touch("player", medium="in-video")),
    ("Organic Search", Touch(**GOOGLE)),
    ("Organic Search", Touch("somewhere", medium="organic")),
    ("Referral", Touch("partner", medium="referral")),
    ("Referral", Touch("Wikipedia", "referral")),
    ("Email", Touch("Gmail", "email")),
    ("Email", Touch("list", medium="e-mail")),
    ("Email", Touch("e_mail", tag="e_mail")),
    ("Affiliates", Touch("partner", medium="affiliate")),
    ("Audio", Touch("podcast", medium="audio")),
    ("SMS", Touch("sms", tag="sms")),
    ("SMS", Touch("list", medium="sms")),
    ("Mobile Push Notifications", Touch("app", medium="web-push")),
    ("Mobile Push Notifications", Touch("firebase", tag="firebase")),
    ("Mobile Push Notifications", Touch("app", medium="notification")),
]


@pytest.mark.parametrize(("expected", "touch"), CASES)
def test_each_rule_names_its_channel(expected: str, touch: Touch) -> None:
    """The conditions of GA4's default channel group, and what is said to be added to them."""
    assert channel(touch) == expected


def test_every_channel_has_a_case() -> None:
    """No rule without a test, and no test of a channel that is not there."""
    assert {name for name, _ in CASES} == set(CHANNELS)


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        (Touch(medium="foo ppc"), "Direct"),
        (Touch("partner", medium="foo ppc"), "Referral"),
        (Touch(**GOOGLE, medium="foo ppc"), "Organic Search"),
        (Touch("partner", campaign="workshop"), "Referral"),
        (Touch("partner", campaign="eshop"), "Organic Shopping"),
        (Touch("partner", campaign="workshopping"), "Organic Shopping"),
        (Touch("mailing", medium="email-list"), "Referral"),
    ],
)
def test_patterns_match_whole_values(touch: Touch, expected: str) -> None:
    """ppc must be the whole medium; "shop" in a campaign may follow an e or a sign, no other letter; what fits no rule
    is a referral if it has a source, else direct.
    """
    assert channel(touch) == expected


def test_paid_beats_organic_and_display_beats_search() -> None:
    """The order is GA4's: cross-network, paid, display, other paid, organic, the rest."""
    order = list(CHANNELS)
    assert (
        order.index("Paid Search") < order.index("Display") < order.index("Paid Other") < order.index("AI Assistants")
    )
    assert order.index("AI Assistants") < order.index("Organic Shopping") < order.index("Organic Search")
    assert order[-5:] == ["Email", "Affiliates", "Audio", "SMS", "Mobile Push Notifications"]


_SENDER = {
    None: "",
    "Google": "https://www.google.com/",
    "Bing": "https://www.bing.com/",
    "TikTok": "https://www.tiktok.com/",
    "Facebook": "https://www.facebook.com/",
    "YouTube": "https://www.youtube.com/",
    "Gmail": "https://mail.google.com/",
    "Perplexity": "https://www.perplexity.ai/",
    "Wikipedia": "https://en.wikipedia.org/wiki/Web",
}
"""The referrer behind a source's name in the collected cases."""


def test_the_channels_of_other_tools_tests_agree() -> None:
    """Cases out of the tests of other analytics projects give the channel that those projects give."""
    try:
        cases = [row for row in labelled.rows("peer_cases") if row["area"] == "channel"]
    except labelled.Absent as absent:
        pytest.skip(str(absent))
    reader = SourceReader()
    assert cases
    for case in cases:
        given = dict(case["input"])
        referrer = _SENDER[given.pop("referrer_source", None)]
        click = given.pop("click_id_param", "")
        query = {**given, **({click: "1"} if click else {})}
        found = reader.read(hostname="shop.example", query=query, referrer=referrer).channel
        assert case["expected"].split(" (")[0] == found, json.dumps(case)
