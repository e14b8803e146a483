"""What a visit is, for any run of events."""

import itertools
from datetime import date
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from console.stats.parse import parse
from console.stats.query import SiteRef
from console.stats.run import Statistics
from event_catalogue.metrics import METRICS
from tests.console.stats.conftest import NOW
from tests.console.stats.counting import answer
from tests.console.stats.world import as_row
from tests.warehouse.engine import fresh_warehouse
from warehouse.events import EventTable

_NUMBERS = itertools.count(1)
DAY = date(2025, 6, 1)
MIDNIGHT = 1_748_728_800_000
"""Of that day in Zürich, ms UTC."""
EDGE = 30 * 60_000

GAPS = st.one_of(
    st.sampled_from([0, 1, EDGE - 1, EDGE, EDGE + 1, 2 * EDGE]), st.integers(min_value=0, max_value=3 * EDGE)
)
EVENTS = st.fixed_dictionaries(
    {
        "gap": GAPS,
        "name": st.sampled_from(["pageview", "pageview", "engagement", "click", "scrolled", "vitals"]),
        "engaged_ms": st.sampled_from([0, 1, 4_999, 5_000, 9_999, 10_000]),
        "path": st.sampled_from(["/a", "/b", "/c"]),
        "source": st.sampled_from(["", "", "Google", "Bing"]),
        "idx": st.integers(0, 3),
        "bot": st.sampled_from(["", "", "", "headless"]),
    }
)
GROUPINGS: list[list[str]] = [[], ["visit:entry_page", "visit:exit_page"], ["visit:source"], ["event:page"]]
PEOPLE = st.lists(st.lists(EVENTS, min_size=1, max_size=14), min_size=1, max_size=4)


class Visits:
    """One warehouse for all examples; each is a site of its own."""

    def __init__(self) -> None:
        self.warehouse = fresh_warehouse()
        self.table = EventTable(self.warehouse)
        self.statistics = Statistics(self.warehouse, lambda: NOW)

    def store(self, people: list[list[dict[str, Any]]], order: int) -> tuple[SiteRef, list[dict[str, Any]]]:
        """Store the events of people, `order` turning the rows round, and give them with their site."""
        number = next(_NUMBERS)
        events = []
        for person, steps in enumerate(people):
            at = MIDNIGHT
            for step in steps:
                at += step["gap"]
                fields = {name: value for name, value in step.items() if name != "gap"}
                beacon = (number * 1000 + len(events)).to_bytes(16, "big")
                visitor = f"person-{person:09d}".encode()
                events.append({**fields, "site": number, "day": DAY, "at": at, "visitor": visitor, "beacon": beacon})
        rows = [as_row(one) for one in events]
        turn = order % len(rows)
        self.table.insert(rows[turn:] + rows[:turn], batch=number, token=str(number))
        return SiteRef(number, "x", "Europe/Zurich", k=1), events


@pytest.fixture(scope="module")
def visits() -> Any:
    """The warehouse of this file."""
    one = Visits()
    yield one
    one.warehouse.close()


@pytest.mark.req("A1")
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(people=PEOPLE, order=st.integers(0, 100), dimensions=st.sampled_from(GROUPINGS))
def test_any_run_of_events(
    visits: Visits, people: list[list[dict[str, Any]]], order: int, dimensions: list[str]
) -> None:
    """Visits, entry and exit pages, bounces and durations equal a count by hand, however the rows arrive."""
    site, events = visits.store(people, order)
    question = {
        "site_id": "x",
        "metrics": [metric.name for metric in METRICS if not metric.is_apart],
        "date_range": [DAY.isoformat()] * 2,
        "dimensions": dimensions,
    }
    found = visits.statistics.answer(parse(question), site)["results"]
    assert {tuple(row["dimensions"]): row["metrics"] for row in found} == answer(question, events, site)


def view(gap: int, **fields: Any) -> dict[str, Any]:
    """A page view after a pause."""
    base = {"gap": gap, "name": "pageview", "path": "/a", "source": "", "engaged_ms": 0, "idx": 0, "bot": ""}
    return {**base, **fields}


WORKED = {
    # events of one visitor → visitors, visits, pageviews, views_per_visit, bounce_rate, visit_duration
    "one page and gone": ([view(0)], [1, 1, 1, 1.0, 100.0, 0]),
    "one page, read for 9.999 s": (
        [view(0), view(9_999, name="engagement", engaged_ms=9_999)],
        [1, 1, 1, 1.0, 100.0, 10],
    ),
    "one page, read for 10 s": ([view(0), view(10_000, name="engagement", engaged_ms=10_000)], [1, 1, 1, 1.0, 0.0, 10]),
    "one page, 10 s in two sittings": (
        [
            view(0),
            view(5_000, name="engagement", engaged_ms=5_000),
            view(60_000, name="engagement", engaged_ms=5_000),
        ],
        [1, 1, 1, 1.0, 0.0, 65],
    ),
    "one page and a click": ([view(0), view(1_000, name="click")], [1, 1, 1, 1.0, 0.0, 1]),
    "one page and an event of the site's own": ([view(0), view(2_000, name="signup")], [1, 1, 1, 1.0, 0.0, 2]),
    "one page and a failed script": ([view(0), view(1_000, name="js_error")], [1, 1, 1, 1.0, 100.0, 1]),
    "two pages": ([view(0), view(4_000, path="/b")], [1, 1, 2, 2.0, 0.0, 4]),
    "back after 30 minutes": ([view(0), view(EDGE)], [1, 1, 2, 2.0, 0.0, 1800]),
    "back a millisecond later": ([view(0), view(EDGE + 1)], [1, 2, 2, 1.0, 100.0, 0]),
    "never idle for long": ([view(0), *(view(EDGE) for _ in range(5))], [1, 1, 6, 6.0, 0.0, 9000]),
    "a machine": ([view(0, bot="crawler")], [0, 0, 0, 0, 0, 0]),
}


@pytest.mark.req("A1", "C18")
@pytest.mark.parametrize(("events", "expected"), WORKED.values(), ids=WORKED.keys())
def test_worked_examples(visits: Visits, events: list[dict[str, Any]], expected: list[float]) -> None:
    """The examples of docs/metrics.md, by numbers written down beforehand."""
    site, _ = visits.store([events], 0)
    metrics = ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration"]
    question = {"site_id": "x", "metrics": metrics, "date_range": [DAY.isoformat()] * 2}
    assert visits.statistics.answer(parse(question), site)["results"] == [{"metrics": expected, "dimensions": []}]


@pytest.mark.req("A1")
def test_a_source_that_comes_late_is_the_visits(visits: Visits) -> None:
    """The first event with a value decides, also when earlier ones have none; later ones change nothing."""
    steps = [view(0), view(1_000, source="Google", path="/b"), view(1_000, source="Bing"), view(EDGE + 1)]
    site, _ = visits.store([steps], 2)
    question = {
        "site_id": "x",
        "metrics": ["visits", "pageviews"],
        "date_range": [DAY.isoformat()] * 2,
        "dimensions": ["visit:source", "visit:entry_page", "visit:exit_page"],
    }
    found = visits.statistics.answer(parse(question), site)["results"]
    assert {tuple(row["dimensions"]): row["metrics"] for row in found} == {
        ("Google", "/a", "/a"): [1, 3],
        ("Direct / None", "/a", "/a"): [1, 1],
    }
