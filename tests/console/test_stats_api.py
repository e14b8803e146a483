"""The Stats API as a script meets it: the questions of Plausible's documentation, tables for spreadsheets, and what can
be asked."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from control_store.goals import add_goal
from control_store.sites import add_key
from event_catalogue.dimensions import DIMENSIONS
from event_catalogue.goals import Goal
from event_catalogue.metrics import METRICS
from tests.console.desk import Desk, counting_desk

Ask = Callable[..., httpx.Response]
PEOPLE: list[dict[str, Any]] = [
    *({"path": "/pricing", "country": "DE", "utm_medium": "social", "utm_source": "x"} for _ in range(6)),
    *({"path": "/docs/Blog", "country": "EE", "os": "GNU/Linux"} for _ in range(5)),
    *({"path": "=HYPERLINK(1)", "country": ""} for _ in range(5)),
]
"""What each visitor's one page view says."""
EXAMPLES: list[tuple[dict[str, Any], list[tuple[list[str], list[float]]]]] = [
    ({"metrics": ["visitors", "events"], "date_range": "7d"}, [([], [16, 17])]),
    (
        {"metrics": ["visitors", "pageviews", "bounce_rate"], "date_range": "7d"}
        | {
            "filters": [["is_not", "visit:country_name", [""]]],
            "dimensions": ["visit:country_name", "visit:city_name"],
        },
        [(["Germany", "(not set)"], [6, 6, 83.33]), (["Estonia", "(not set)"], [5, 5, 100])],
    ),
    (
        {"metrics": ["visitors", "events", "pageviews"], "date_range": "7d"}
        | {"dimensions": ["visit:utm_medium", "visit:utm_source"]},
        [(["(not set)", "(not set)"], [10, 10, 10]), (["social", "x"], [6, 7, 6])],
    ),
    (
        {"metrics": ["visitors"], "date_range": "7d"}
        | {
            "filters": [
                ["contains", "event:page", ["/docs", "/pricing"]],
                [
                    "or",
                    [
                        ["not", ["is", "visit:utm_campaign", ["Referral"]]],
                        ["is", "visit:country_name", ["Estonia", "United States of America"]],
                    ],
                ],
            ]
        },
        [([], [11])],
    ),
    (
        {"metrics": ["visitors"], "date_range": "7d"}
        | {"filters": [["contains", "event:page", ["blog"], {"case_sensitive": False}]]},
        [([], [5])],
    ),
    (
        {"metrics": ["visitors", "events"], "date_range": "7d", "filters": [["is", "visit:os", ["GNU/Linux", "Mac"]]]}
        | {"dimensions": ["time:day"]},
        [(["2025-11-24"], [5, 5])],
    ),
    (
        {"metrics": ["visitors"], "date_range": "day", "dimensions": ["time:hour"]}
        | {"include": {"time_labels": True}},
        [(["2025-11-24 10:00:00"], [16])],
    ),
    (
        {"metrics": ["visitors"], "date_range": "7d", "dimensions": ["time:day", "event:props:is_customer"]}
        | {"order_by": [["time:day", "asc"], ["event:props:is_customer", "desc"]]},
        [(["2025-11-24", "true"], [1]), (["2025-11-24", "(none)"], [16])],
    ),
    (
        {"metrics": ["visitors", "events", "pageviews"], "date_range": "7d"}
        | {"dimensions": ["visit:utm_medium", "visit:utm_source"], "include": {"total_rows": True}}
        | {"pagination": {"limit": 3, "offset": 1}},
        [(["social", "x"], [6, 7, 6])],
    ),
    (
        {"metrics": ["visitors"], "date_range": "all", "dimensions": ["visit:source"], "include": {"imports": True}},
        [(["Direct / None"], [16])],
    ),
    (
        {"metrics": ["visitors"], "date_range": "all"}
        | {"filters": [["is", "event:goal", ["Signup"]], ["has_done", ["is", "event:page", ["/pricing"]]]]},
        # One visitor fulfils both: too few to be told.
        [([], [0])],
    ),
    (
        {"metrics": ["visitors"], "date_range": ["2025-11-24T10:00:00Z", "2025-11-24T10:59:59+00:00"]},
        [([], [16])],
    ),
]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Put a question with a key of the site."""
    with counting_desk(tmp_path_factory.mktemp("api")) as desk:
        yield _filled(desk)


def _filled(desk: Desk) -> Ask:
    site = desk.site("dummy.site")
    today = desk.now // 86_400_000 * 86_400_000
    desk.now = today + 11 * 3_600_000
    base = {"name": "pageview", "at": today + 10 * 3_600_000, "day": today // 86_400_000}
    rows = [base | one | {"visitor": bytes([n + 1]) * 16} for n, one in enumerate(PEOPLE)]
    act = {"name": "signup", "prop_keys": ["is_customer"], "prop_values": ["true"]}
    desk.store_rows(site, *rows, rows[0] | act | {"at": rows[0]["at"] + 1})
    add_goal(desk.store, site, Goal("Signup", event="signup"), now=desk.now)
    key = add_key(desk.store, site, "stats", now=desk.now)

    def ask(method: str = "POST", path: str = "/api/v2/query", accept: str = "*/*", **question: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}", "accept": accept}
        if method == "GET":
            return desk.browser.get(path, params=question, headers=headers)
        return desk.browser.post(path, json={"site_id": "dummy.site", **question}, headers=headers)

    return ask


@pytest.mark.req("D7")
@pytest.mark.parametrize(("question", "expected"), EXAMPLES, ids=lambda one: str(one)[:60])
def test_the_questions_of_plausibles_documentation(ask: Ask, question: dict[str, Any], expected: list[Any]) -> None:
    """Each as it stands there, its site changed, gives the numbers counted by hand."""
    answer = ask(**question)
    assert answer.status_code == 200, answer.text
    assert [(row["dimensions"], row["metrics"]) for row in answer.json()["results"]] == expected


@pytest.mark.req("D5", "D7", "O4")
def test_a_table_for_a_spreadsheet(ask: Ask) -> None:
    """With `Accept: text/csv`; what would be worked out as a formula is text."""
    asked = {"metrics": ["visitors", "percentage"], "date_range": "day", "dimensions": ["event:page"]}
    answer = ask(accept="text/csv", **asked, include={"comparisons": {"mode": "previous_period"}})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert lines == [
        [
            *("event:page", "visitors", "percentage", "visitors (before)", "percentage (before)"),
            *("visitors (change)", "percentage (change)"),
        ],
        ["/pricing", "6", "37.5", "0", "0", "", "37.5"],
        ["/docs/Blog", "5", "31.25", "0", "0", "", "31.25"],
        ["'=HYPERLINK(1)", "5", "31.25", "0", "0", "", "31.25"],
    ]


@pytest.mark.req("D5", "D7")
def test_what_can_be_asked(ask: Ask) -> None:
    """Every metric and dimension under all of its names, for the range that is meant; what is asked wrongly is named."""
    told = ask("GET", "/api/v1/capabilities", site_id="dummy.site", date_range="2025-11-01,2025-11-24").json()
    assert told["date_range"] == ["2025-11-01T00:00:00+00:00", "2025-11-24T23:59:59+00:00"]
    assert told["days"] == {"all": 24, "sealed": 0, "purged": 0}
    assert [one["name"] for one in told["metrics"]] == [metric.name for metric in METRICS]
    assert [one["name"] for one in told["dimensions"]] == [dimension.name for dimension in DIMENSIONS]
    country = next(one for one in told["dimensions"] if one["name"] == "country")
    assert {"visit:country", "visit:country_name"} <= set(country["aliases"])
    for wrong, field in (({"site": "x"}, "site"), ({"date_range": "7"}, "date_range")):
        answer = ask("GET", "/api/v1/capabilities", **{"site_id": "dummy.site", **wrong})
        assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert ask("GET", "/api/v1/capabilities", site_id="other.site").status_code == 403
