"""What machines sent: shown by rule, and counted after all where an admin says so."""

import re
from collections import Counter
from typing import Any, Final

import pytest

from collector.bots import BotRules
from collector.client_hints import Hints
from console.pages.bots import KINDS
from control_store.sites import find_site
from tests.console.desk import TODAY, Desk
from tests.console.test_pages import plain

pytestmark = pytest.mark.req("C18", "D8")

PATHS: Final = ("/", "/shop", "/about")
SENT: Final[list[dict[str, Any]]] = [
    {"visitor": f"visitor-{n:08d}".encode(), "bot": rule, "path": PATHS[n % 3], "name": name}
    for n in range(36)
    for rule, name in (
        ("", "pageview"),
        ("ai:gptbot", "pageview"),
        *((("agent:library", "pageview"),) if n % 2 else ()),
        *((("ai:claudebot", "scroll"),) if n % 3 == 0 else ()),
        *((("network:datacentre", "pageview"),) if n % 12 == 0 else ()),
    )
]


def rows(text: str) -> dict[str, tuple[str, ...]]:
    """Rule → events, views, pages, as the page shows them."""
    found = re.findall(r'<th scope="row"><code>([^<]+)</code></th>(.*?)</tr>', text, re.DOTALL)
    return {rule: tuple(re.findall(r'<td class="number">([^<]*)</td>', cells)) for rule, cells in found}


def test_machines_are_shown_by_rule_and_are_in_no_number(counting: Desk) -> None:
    """Events, views and pages of each rule; the kind with most events first; people are not among them."""
    counting.store_rows(counting.site(), *SENT)
    text = counting.read("/sites/shop.example/bots?range=today")
    events = Counter(row["bot"] for row in SENT)
    views = Counter(row["bot"] for row in SENT if row["name"] == "pageview")
    pages = {rule: {row["path"] for row in SENT if row["bot"] == rule and row["name"] == "pageview"} for rule in events}
    assert rows(text) == {
        rule: (str(count), str(views[rule]), str(len(pages[rule]))) for rule, count in events.items() if rule
    }
    left_out = sum(count for rule, count in events.items() if rule)
    share = round(100 * left_out / len(SENT))
    assert f"{left_out} events ({share}% of all) came from machines" in plain(text)
    titles = re.findall(r'<h2 id="kind-\d">([^<]+)<', text)
    assert titles == ["Crawlers of language models", "Crawlers, tools and programs", "Data centres"]
    assert f">{events['']}<" in counting.read("/sites/shop.example?range=today").partition("tile-pageviews")[2][:600]


def test_other_days_have_their_own_machines(counting: Desk) -> None:
    """Only the range's; and a range without any says so."""
    counting.store_rows(counting.site(), *({**row, "day": TODAY - 3} for row in SENT))
    assert rows(counting.read("/sites/shop.example/bots?range=7d"))
    assert "No machine was found in this range." in counting.read("/sites/shop.example/bots?range=today")


def test_an_admin_counts_what_a_rule_finds_and_leaves_it_out_again(counting: Desk) -> None:
    """The setting says so at once, the log who did it; twice is once; a viewer has no button and no way."""
    counting.store_rows(counting.site(), *SENT)
    page = "/sites/shop.example/bots?range=today"
    for _ in range(2):
        answer = counting.post("/sites/shop.example/bots", page, rule="network:datacentre", **{"as": "people"})
        assert answer.status_code == 303
        assert find_site(counting.store, "shop.example").settings.counted_bots == ("network:datacentre",)
    assert "Leave out network:datacentre again" in counting.read(page)
    assert "counted_bots" in plain(counting.read("/audit"))
    counting.post("/sites/shop.example/bots", page, rule="<b>no rule</b>", **{"as": "people"})
    counting.post("/sites/shop.example/bots", page, rule="network:datacentre", **{"as": "bots"})
    assert find_site(counting.store, "shop.example").settings.counted_bots == ()
    counting.user("viewer", "eve@shop.example")
    eve = counting.another()
    counting.log_in("eve@shop.example", browser=eve)
    text = eve.get(page).text
    assert rows(text)
    assert "<button" not in text.partition("<h1>")[2].partition("kind-1")[2]
    assert eve.post("/sites/shop.example/bots", data={"rule": "ai:gptbot", "as": "people"}).status_code == 403
    assert find_site(counting.store, "shop.example").settings.counted_bots == ()


def test_what_is_stored_is_counted_at_once_and_not_any_more(counting: Desk) -> None:
    """Views of the dashboard and the share of machines, and the open page hears of it, before anything is recounted."""
    counting.store_rows(counting.site(), *SENT)
    page, bots = "/sites/shop.example?range=today", "/sites/shop.example/bots?range=today"
    views = Counter(row["bot"] for row in SENT if row["name"] == "pageview")
    events = Counter(row["bot"] for row in SENT)

    def shown() -> tuple[str, str]:
        text = counting.read(page)
        seen = re.search(r"seen=([^\"&]+)", text)
        assert seen
        found = re.search(r">([0-9]+)<", text.partition("tile-pageviews")[2][:600])
        assert found
        return found[1], seen[1].rpartition(".")[0]

    before = shown()
    assert before[0] == str(views[""])
    counting.post("/sites/shop.example/bots", bots, rule="ai:gptbot", **{"as": "people"})
    counted = shown()
    assert counted[0] == str(views[""] + views["ai:gptbot"])
    assert counted[1] != before[1]
    left_out = len(SENT) - events[""] - events["ai:gptbot"]
    assert f"{left_out} events ({round(100 * left_out / len(SENT))}% of all) came from machines" in plain(
        counting.read(bots)
    )
    counting.post("/sites/shop.example/bots", bots, rule="ai:gptbot", **{"as": "bots"})
    assert shown() == before


def test_every_kind_of_rule_has_a_name() -> None:
    """A rule of each kind that there is, from what gives it away."""
    judge = BotRules(lambda _packed: "datacentre")
    human = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
    rules = [
        *(judge.agent_rule(text) for text in ("", "curl/8.0", "GPTBot/1.2", "Googlebot/2.1", "sqlmap/1.7", "x")),
        judge.agent_rule(human, Hints(brands='"HeadlessChrome";v="145"')),
        judge.first("", "prefetch", False, b""),
        judge.first("", "", True, b""),
        judge.first("", "", False, b"1234"),
    ]
    found = {rule.partition(":")[0] for rule in rules}
    assert found | {"behaviour"} == set(KINDS), "and what a visit gives away, which no request does"
