"""Who is taken for a machine, by which rule, and who never is."""

import re
from pathlib import Path

import pytest

from collector.bots import LONGEST_RULE, BotRules, Signals
from collector.client_hints import Hints
from tests.collector import labelled

pytestmark = pytest.mark.req("C2")

DOCS = Path(__file__).parents[2] / "docs" / "sources.md"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
)


@pytest.fixture(scope="module")
def rules() -> BotRules:
    return BotRules()


LIKE_GECKO = "AppleWebKit/537.36 (KHTML, like Gecko"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty-agent"),
        ("   ", "empty-agent"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "agent:googlebot"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "agent:bingbot"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "agent:facebookexternalhit"),
        (f"{CHROME} (compatible; GPTBot/1.2; +https://openai.com/gptbot)", "ai:gptbot"),
        (f"Mozilla/5.0 {LIKE_GECKO}; compatible; ClaudeBot/1.0; +claudebot@x.example)", "ai:claudebot"),
        (f"Mozilla/5.0 {LIKE_GECKO}); compatible; ChatGPT-User/1.0; +https://openai.com/bot", "ai:chatgpt-user"),
        ("Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)", "ai:perplexitybot"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "headless:chrome"),
        (f"{CHROME} Playwright/1.50", "headless:browser"),
        ("curl/8.5.0", "agent:curl"),
        ("python-requests/2.32.0", "agent:python-requests"),
        ("node-fetch/2.6.7", "agent:node-fetch"),
        ("Fancy/1.0 (https://fancy.example/about)", "agent:contact"),
        ("Mozilla/5.0 (compatible; Unheard)", "agent:compatible"),
        ("SomeThing", "agent:program"),
        ("<script>alert(1)</script>", "agent:attack"),
        (f"{CHROME} UnheardCrawler/1.0", "agent:crawler"),
    ],
)
def test_machines_are_named_by_their_rule(rules: BotRules, text: str, rule: str) -> None:
    """The name says what gave the machine away; an unheard-of machine can't choose one."""
    assert rules.rule(text) == rule


def phone(model: str) -> str:
    """A Chrome of 2018 on an Android telephone of this model."""
    return f"Mozilla/5.0 (Linux; Android 8.0.0; {model}) {LIKE_GECKO}) Chrome/69.0.3497.100 Mobile Safari/537.36"


@pytest.mark.parametrize(
    "text",
    [
        CHROME,
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        phone("CUBOT_P20 Build/O00623"),
        phone("C Bot Tab 100"),
        phone("ViewSonic V500 Build/KVT49L"),
        phone("HTC Butterfly Build/JDQ39"),
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0; Touch)",
        "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; en) Presto/2.12.423 Version/12.16",
        "ExampleApp/1.0 (iPhone; iOS 17.4; Scale/3.00)",
        f"{CHROME} v@1.2",
    ],
)
def test_people_are_left_in_peace(rules: BotRules, text: str) -> None:
    """Browsers, apps, telephones whose names end in "bot", and a version mark that only looks like an address."""
    assert rules.rule(text) == ""


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender", "Preview", "prefetch;anonymous-client-ip"])
def test_a_fetch_ahead_of_a_visit_is_none(rules: BotRules, purpose: str) -> None:
    """Sec-Purpose, Purpose or X-Moz say that nobody has looked yet."""
    assert rules.rule(CHROME, headers=Signals(purpose=purpose)) == "prefetch"


def test_a_headless_brand_gives_itself_away(rules: BotRules) -> None:
    """The brand list is believed where the string pretends."""
    assert rules.rule(CHROME, hints=Hints(brands='"HeadlessChrome";v="145", "Chromium";v="145"')) == "headless:chrome"
    assert rules.rule(CHROME, hints=Hints(brands='"Google Chrome";v="145", "Chromium";v="145"')) == ""


def test_a_network_names_machines_only_where_a_list_is_given() -> None:
    """Without a list no address is judged; with one, the kind of network is the rule's name."""
    rules = BotRules(network=lambda packed: "datacentre" if packed[:1] == b"\x0a" else "")
    signals = Signals(address=b"\x0a\x00\x00\x01")
    assert rules.rule(CHROME, headers=signals) == "network:datacentre"
    assert rules.rule(CHROME, headers=Signals(address=b"\x0b\x00\x00\x01")) == ""
    assert BotRules().rule(CHROME, headers=signals) == ""


@pytest.mark.parametrize(
    ("host", "spam"),
    [
        ("semalt.com", True),
        ("12.semalt.com", True),
        ("buttons-for-website.com", True),
        ("free-social-buttons.xyz", True),
        ("econom.co", True),
        ("seobook.com", False),
        ("casino.example", False),
        ("notecon.co", False),
        ("google.com", False),
        ("", False),
    ],
)
def test_referrer_spam_is_known_by_more_than_a_word(rules: BotRules, host: str, spam: bool) -> None:
    """A single word ("seo", "casino") is no proof; a known wave or a compound that no honest site is called is."""
    assert rules.rule(CHROME, headers=Signals(referrer_host=host)) == ("referrer-spam" if spam else "")


def test_names_of_rules_fit_their_column(rules: BotRules) -> None:
    """Every string that crawler-user-agents knows gives a short name of a known class."""
    try:
        texts = [row["input"] for row in labelled.rows("bots_crawler_user_agents")]
    except labelled.Absent as absent:
        pytest.skip(str(absent))
    names = {rules.rule(text) for text in texts} - {""}
    shape = re.compile(r"(?:agent|ai|headless):[a-z0-9.-]+|empty-agent")
    assert [name for name in names if not shape.fullmatch(name) or len(name) > LONGEST_RULE] == []
    assert len(names) > 800


DIFFERENT = {
    "node-fetch/2.6.7": "a library is a machine",
    "Chrome 120 desktop": "a missing hint is a weak sign",
    "http11-sf": "HTTP/1.1 is a weak sign",
}
"""Cases of other projects that this one answers differently on purpose; each reason stands in docs/sources.md."""


def test_other_tools_cases_agree_or_the_difference_is_written_down(rules: BotRules) -> None:
    """Every collected case about bots gives what its project gives, or is explained."""
    try:
        cases = [row for row in labelled.rows("peer_cases") if row["area"] == "bot"]
    except labelled.Absent as absent:
        pytest.skip(str(absent))
    text = DOCS.read_text(encoding="utf-8")
    for case in cases:
        agent, expected = case["input"].get("user_agent", CHROME), case["expected"]
        reason = DIFFERENT.get(agent) or next((why for mark, why in DIFFERENT.items() if mark in expected), "")
        if reason:
            assert reason in text, case
            continue
        purpose = case["input"].get("headers", {}).get("X-Moz", "")
        assert rules.rule(agent, headers=Signals(purpose=purpose)), case
