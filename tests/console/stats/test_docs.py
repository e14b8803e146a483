"""What the pages about statistics show is what the product does."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from console.stats.filters import OPERATORS
from console.stats.parse import KEYS, NAMED_RANGES, parse
from console.stats.query import SiteRef
from console.stats.run import Statistics
from event_catalogue.goals import Aims, Funnel, Goal
from event_catalogue.metrics import METRIC
from tests.console.stats.world import as_row
from tests.warehouse.engine import fresh_warehouse
from warehouse.dialect import Dialect
from warehouse.events import EventTable

DOCS = Path(__file__).parents[3] / "docs"
API = (DOCS / "stats-api.md").read_text()
METRICS_PAGE = (DOCS / "metrics.md").read_text()
BLOCKS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", API, re.DOTALL)]
MIDNIGHT = 1_748_728_800_000


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    "question", [block for block in BLOCKS if "metrics" in block], ids=lambda one: one["date_range"]
)
def test_every_question_shown_can_be_asked(question: dict[str, Any]) -> None:
    """The examples parse as they stand."""
    assert parse(question).metrics


@pytest.mark.req("D7")
def test_every_key_range_and_operator_is_told() -> None:
    """Nothing that is accepted is secret."""
    assert [word for word in (*KEYS, *NAMED_RANGES, *OPERATORS) if f"`{word}`" not in API] == []


def test_the_metrics_named_exist() -> None:
    """Metrics in the table of other tools' words are ours."""
    named = re.findall(r"^\| `(\w+)` \|", METRICS_PAGE, re.MULTILINE)
    assert set(named) & set(METRIC) == {"bounce_rate", "visit_duration"}


@pytest.mark.req("A1")
def test_the_visit_worked_through_is_counted_as_told() -> None:
    """The table of events gives the numbers of the column beside it."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| `(\S+)` \| (\d+) \|", METRICS_PAGE, re.MULTILINE)
    events = [
        {
            "site": 1,
            "day": date(2025, 6, 1),
            "at": MIDNIGHT + int(second) * 1000,
            "name": name,
            "path": page,
            "engaged_ms": int(ms),
            "visitor": b"v" * 16,
            "beacon": bytes([place]) * 16,
            "idx": 0,
            "bot": "",
        }
        for place, (second, name, page, ms) in enumerate(rows)
    ]
    warehouse = fresh_warehouse()
    EventTable(warehouse).insert([as_row(one) for one in events], batch=1, token="1")
    question = {
        "site_id": "x",
        "metrics": ["visits", "pageviews", "bounce_rate", "visit_duration"],
        "date_range": ["2025-06-01", "2025-06-01"],
    }
    found = Statistics(warehouse, lambda: MIDNIGHT).answer(parse(question), SiteRef(1, "x", "Europe/Zurich"))
    warehouse.close()
    assert found["results"] == [{"metrics": [1, 1, 0, 40], "dimensions": []}]
    assert "| bounce | no: 10 s in front |" in METRICS_PAGE
    assert "| duration | 40 s |" in METRICS_PAGE


EXAMPLES = re.findall(r"^\| ([^|]+) \| (`\d+:\d\d [^|]+) \| ([^|]+) \|$", METRICS_PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def examples() -> Iterator[Statistics]:
    """Each example's events as a site of its own, numbered by its place."""
    warehouse = fresh_warehouse()
    rows = []
    for site, (_, events, _) in enumerate(EXAMPLES, start=1):
        told = re.findall(r"`(\d+):(\d\d) (\w+) (\S+?)(?: (\d+))?`", events)
        assert len(told) == events.count("`") // 2
        for place, (minutes, seconds, name, page, ms) in enumerate(told):
            at = MIDNIGHT + (int(minutes) * 60 + int(seconds)) * 1000
            fields = {"name": name, "path": page, "engaged_ms": int(ms or 0), "visitor": b"v" * 16, "idx": 0, "bot": ""}
            one = {"site": site, "day": date(2025, 6, 1), "at": at, "beacon": bytes([site, place]) * 8, **fields}
            rows.append(as_row(one))
    EventTable(warehouse).insert(rows, batch=1, token="1")
    yield Statistics(warehouse, lambda: MIDNIGHT)
    warehouse.close()


@pytest.mark.req("A1")
@pytest.mark.parametrize("site", range(1, len(EXAMPLES) + 1), ids=lambda site: EXAMPLES[site - 1][0])
def test_the_worked_examples_count_as_told(examples: Statistics, site: int) -> None:
    """Each number and each page that an example names."""
    where = SiteRef(site, "x", "Europe/Zurich")
    base = {"site_id": "x", "date_range": ["2025-06-01", "2025-06-01"]}
    told = re.findall(r"`(\w+)` (\S+?)(?:,|$)", EXAMPLES[site - 1][2])
    assert len(told) >= 2
    for name, value in told:
        if name in METRIC:
            [row] = examples.answer(parse(base | {"metrics": [name]}), where)["results"]
            assert row["metrics"] == [float(value)], name
        else:
            rows = examples.answer(parse(base | {"metrics": ["visits"], "dimensions": [name]}), where)["results"]
            assert [row["dimensions"] for row in rows] == [[value]], name


def test_every_definition_has_an_example() -> None:
    """What a visit is made of, and every metric."""
    told = {name for _, _, counts in EXAMPLES for name in re.findall(r"`(\w+)`", counts)}
    # Of a goal: below; test_timings.py; test_revenue.py
    apart = {name for name, metric in METRIC.items() if metric.is_apart}
    assert told >= {*METRIC, "entry_page", "exit_page"} - {"events_per_visit"} - apart


@pytest.mark.req("C16", "D3")
def test_the_goals_worked_through_are_counted_as_told() -> None:
    """The visitors of the one table give the numbers of the other."""
    visitors = re.findall(r"^\| (\d) \| (`0:00 .*`) \|$", METRICS_PAGE, re.MULTILINE)
    rows: list[Any] = [
        as_row(
            {
                "site": 1,
                "day": date(2025, 6, 1),
                "at": MIDNIGHT + (int(minutes) * 60 + int(seconds)) * 1000,
                "name": name,
                "path": page,
                "visitor": who.encode() * 16,
                "beacon": bytes([int(who), place]) * 8,
            }
        )
        for who, events in visitors
        for place, (minutes, seconds, name, page) in enumerate(re.findall(r"`(\d+):(\d\d) (\w+) (\S+)`", events))
    ]
    warehouse = fresh_warehouse()
    EventTable(warehouse).insert(rows, batch=1, token="1")
    steps = ("prices", "signup")
    aims = Aims(
        (Goal("signup", event="signup"), Goal("prices", page="/prices*")),
        (Funnel("loose", steps), Funnel("strict", steps, strict=True)),
    )
    statistics = Statistics(warehouse, lambda: MIDNIGHT, aims=lambda _: aims)
    found = statistics.answer(
        parse(
            {
                "site_id": "x",
                "metrics": ["visitors", "visits", "events", "conversion_rate"],
                "date_range": ["2025-06-01", "2025-06-01"],
                "dimensions": ["event:goal"],
            }
        ),
        SiteRef(1, "x", "Europe/Zurich"),
    )
    base = {"site_id": "x", "metrics": ["visits"], "date_range": ["2025-06-01", "2025-06-01"]}
    for kind, *steps_told in re.findall(r"^\| (loose|strict)[^|]* \| (\d) \| (\d) \|$", METRICS_PAGE, re.MULTILINE):
        question = parse(base | {"dimensions": [f"visit:funnel:{kind}"]})
        rows = statistics.answer(question, SiteRef(1, "x", "Europe/Zurich"))["results"]
        assert [str(row["metrics"][0]) for row in rows] == steps_told, kind
    warehouse.close()
    told = re.findall(r"^\| `(prices|signup)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", METRICS_PAGE, re.MULTILINE)
    assert len(visitors) == 4
    assert {(*row["dimensions"], *(f"{n:g}" for n in row["metrics"])) for row in found["results"]} == set(told)


def test_the_macros_told_exist() -> None:
    """Every macro in the table of the warehouse's page can be rendered."""
    cells = re.findall(r"^\| (`@[^|]+) \|", (DOCS / "warehouse.md").read_text(), re.MULTILINE)
    macros = [macro.replace("(n)", "(7)") for cell in cells for macro in re.findall(r"`(@[^`]+)`", cell)]
    assert len(macros) == 8
    for macro in macros:
        assert "@" not in Dialect("two").render(macro)
