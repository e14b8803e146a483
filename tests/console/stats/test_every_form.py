"""Every metric by every dimension under every form of filter, over days that are live, sealed, purged and all of these:
the answer is what plain Python counts, or it is refused, or its mark says what is missing.

The rule of what aggregates can answer is written here a second time, from docs/stats-api.md: one dimension, or a filter
that names one value of one, cut by time. Everything else is counted from the rows that are left.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aggregator.seal import Sealer
from aggregator.visits import VisitTable
from collector.importers.invented import Shape, invent_day
from console.stats.filters import OPERATORS
from console.stats.parse import parse
from console.stats.query import BadQuery, SiteRef
from console.stats.run import Statistics
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from event_catalogue.aggregates import KEPT
from event_catalogue.dimensions import DIMENSIONS, STEPS
from event_catalogue.metrics import METRIC, METRICS, SCROLL_DEPTH
from tests.aggregator.rollup_count import NAMES, count_day, numbers
from tests.aggregator.test_rollups import as_events
from tests.console.stats.counting import (
    GOAL_NAMES,
    answer,
    cut_visits,
    grouped,
    is_of_events,
    metric,
    rounded,
    shown,
    time_value,
    values_of,
)
from tests.console.stats.world import DECLARED
from tests.warehouse.engine import fresh_warehouse
from warehouse.events import EventTable

ZONE, K, VISITORS = "Europe/Zurich", 5, 30
SITE = SiteRef(1, "zurich.example", ZONE, k=1)
FIRST = date(2025, 10, 25)
EPOCH = date(1970, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(4)]
RANGES = {"purged": DAYS[:1], "sealed": DAYS[1:2], "live": DAYS[2:], "mixed": DAYS}
"""The first day is sealed and purged, the second (of 25 hours) sealed, the others are live."""
COUNTED = [one.name for one in METRICS if not one.is_apart]
TIMINGS = ["lcp_p50", "lcp_p95", "ttfb_p75"]
ASKED = [one.name for one in DIMENSIONS if one.name != "time" and one not in STEPS] + ["event:props:plan"]
"""Steps of a path and money have forms of their own: test_paths.py, test_revenue.py."""
ATTRIBUTES = [name for name in ASKED if not name.startswith("time:")]
SEALED_NAMES = {one.name for one in KEPT}
CLICK = ["is", "event:name", ["click"]]
ELSEWHERE = ["is_not", "visit:country", ["DE"]]


def forms(name: str, value: str) -> dict[str, list[Any]]:
    """Every form of filter about this dimension; `value` is one that it has."""
    part = value[: max(1, len(value) // 2)].lower()
    pattern = "^" + "".join(f"[{sign}]" if sign not in "\\^[]" else f"\\{sign}" for sign in value)
    done = ["is", name, [value]] if is_of_events(name) else CLICK
    return {
        "is": [["is", name, [value]]],
        "is_not": [["is_not", name, [value]]],
        "contains": [["contains", name, [value]]],
        "contains_not": [["contains_not", name, [value]]],
        "matches": [["matches", name, [pattern]]],
        "matches_not": [["matches_not", name, [pattern]]],
        "any case": [["contains", name, [part.upper()], {"case_sensitive": False}]],
        "any of": [["is", name, [value, "zz", "b"]]],
        "nothing": [["is", name, ["nowhere"]]],
        "two": [["is", name, [value]], ["is_not", "event:name", ["vitals"]]],
        "or": [["or", [["is", name, [value]], CLICK]]],
        "and, not": [["and", [["not", ["is", name, [value]]], ELSEWHERE]]],
        "has_done": [["has_done", done], ["is", name, [value]]],
        "has_not_done": [["has_not_done", done]],
    }


FORMS = list(forms("path", "/"))


class World:
    """Four days of one site in their three states."""

    def __init__(self, root: Path) -> None:
        self.warehouse, self.store = fresh_warehouse(), ControlStore.in_directory(root)
        self.store.migrate()
        add_site(self.store, NewSite("zurich.example", ZONE), now=1)
        self.events: list[dict[str, Any]] = []
        for place, day in enumerate(DAYS):
            shape = Shape(1, "zurich.example", ZONE, VISITORS, 7)
            invented = invent_day(shape, (day - EPOCH).days, stored_on=30_000, received=1)
            rows = [row for visit in invented.visits for row in visit]
            EventTable(self.warehouse).insert(rows, batch=place + 1, token=str(place))
            self.events += as_events(rows)
        VisitTable(self.warehouse, self.store, nullcontext).tick()
        now = ((DAYS[-1] - EPOCH).days + 3) * 86_400_000
        self.statistics = Statistics(
            self.warehouse, lambda: now, partial(seals_of, self.store), aims=lambda _site: DECLARED
        )
        sealer = Sealer(self.warehouse, self.store, lambda: now)
        sealed = sealer.seal(sealer.due(now, ((DAYS[1] - EPOCH).days + 1) * 86_400_000 + 27 * 3_600_000)[:2])
        assert [one.reason for one in sealed if not one.seal] == []
        gone = (DAYS[0] - EPOCH).days
        for name in ("events", "visits"):
            self.warehouse.command(f"ALTER TABLE {name} DELETE WHERE toUInt16(day) = {gone}")
        save_seals(self.store, [one._replace(purged=now) if one.day == gone else one for one in all_seals(self.store)])
        names = [one.name for one in KEPT]
        self.cells = {day: count_day(self.events, 1, day, K, ZONE, names) for day in DAYS[:2]}
        self.left = [one for one in self.events if one["day"] != DAYS[0]]
        self.values = {name: self._common(name) for name in ATTRIBUTES}

    def _common(self, name: str) -> str:
        """A value that the dimension often has on every day; none of the words of an answer."""
        counts = Counter(
            value
            for visit in cut_visits([one for one in self.events if not one["bot"]])
            for one in visit
            for value in values_of(name, visit, one, SITE, FIRST)
        )
        return next((value for value, _ in counts.most_common() if "(" not in value and "/ None" not in value), "a")

    def ask(self, question: dict[str, Any]) -> Any:
        return self.statistics.answer(parse(question), SITE)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("forms"))
    yield made
    made.store.close()
    made.warehouse.close()


class Kept(NamedTuple):
    """How aggregates answer a question: the dimension, and the one value of it that a filter names."""

    name: str
    value: str | None


def kept(question: dict[str, Any]) -> Kept | None:
    """The form in which sealed days can answer it, if they can. Goals are not declared here when the days are sealed."""
    groups = [name for name in question["dimensions"] if name not in ("time:day", "time:week", "time:month")]
    filters = question["filters"]
    if len(groups) > 1 or (groups and groups[0] not in SEALED_NAMES):
        return None
    name = groups[0] if groups else ""
    if not filters:
        return Kept(name, None)
    if len(filters) > 1 or filters[0][0] != "is" or len(filters[0]) > 3 or len(filters[0][2]) > 1:
        return None
    if filters[0][1] not in SEALED_NAMES or name not in ("", filters[0][1]):
        return None
    return Kept(filters[0][1], filters[0][2][0])


def from_cells(world: World, question: dict[str, Any], form: Kept, days: list[date]) -> dict[Any, list[float]]:
    """The counted metrics as sealed and live days hold them, added up."""
    sums: dict[tuple[str, ...], list[list[int]]] = {} if question["dimensions"] else {(): [[0, 0] for _ in COUNTED]}

    def add(labels: tuple[str, ...], measures: list[int]) -> None:
        mine = sums.setdefault(labels, [[0, 0] for _ in COUNTED])
        for place, name in enumerate(COUNTED):
            of = METRIC[name]
            over, under = (measures[NAMES.index(one or of.over)] for one in (of.over, of.under))
            if over >= 0 and under >= 0:
                mine[place][0] += over
                mine[place][1] += under

    for day in days:
        if day not in world.cells:
            mine = [one for one in world.left if one["day"] == day]
            for labels, hits in grouped(question, mine, SITE).items():
                counted = numbers(hits)
                add(labels, [counted[name] for name in NAMES])
            continue
        for (key, _parent), measures in world.cells[day][form.name].items():
            if form.value in (None, shown(form.name, key)) and (form.name, key) != ("time:hour", "(other)"):
                add(tuple(label(name, key, day, days[0]) for name in question["dimensions"]), measures)
    return {
        key: [number(name, *pair) for name, pair in zip(COUNTED, pairs, strict=True)] for key, pairs in sums.items()
    }


def number(name: str, over: int, under: int) -> float:
    """A metric from its two sums."""
    of = METRIC[name]
    return over if of.under is None else rounded(of.factor * over / under, of.digits) if under else 0


def label(name: str, key: str, day: date, first: date) -> str:
    """What an answer calls a cell's key, or the time of its day."""
    if name == "time:hour":
        return time_value(name, {"at": int(key), "day": day}, SITE, first)
    if name.startswith("time:"):
        return time_value(name, {"day": day}, SITE, first)
    return key if key == "(other)" else shown(name, key) if not key.startswith("\\") else key


def percentile(name: str, hits: list[dict[str, Any]]) -> float | None:
    """The smallest time that so many percent are not above."""
    timing, _, percent = name.rpartition("_p")
    values = sorted(one[timing] for one in hits if one["name"] == "vitals" and one[timing])
    return values[-(-len(values) * int(percent) // 100) - 1] if values else None


def check(world: World, state: str, dimensions: list[str], filters: list[Any]) -> None:
    """Put the question with every metric that it can have, and compare."""
    days = RANGES[state]
    span = [days[0].isoformat(), days[-1].isoformat()]
    question: dict[str, Any] = {"site_id": "x", "date_range": span, "dimensions": dimensions, "filters": filters}
    form = kept(question)
    groups = grouped(question, world.left, SITE)
    if form is None:
        expected = {key: [metric(name, hits) for name in COUNTED] for key, hits in groups.items()}
    else:
        expected = from_cells(world, question, form, days)
    extra = [SCROLL_DEPTH] if "path" in dimensions or "'path'" in str(filters) else []
    timings = TIMINGS if filters or any(not name.startswith("time:") for name in dimensions) else []
    found = world.ask(question | {"metrics": [*COUNTED, *extra, *timings]})
    rows = {tuple(row["dimensions"]): row["metrics"] for row in found["results"]}
    assert len(rows) == len(found["results"]), "a group came twice"
    assert {key: values[: len(COUNTED)] for key, values in rows.items()} == expected, question
    for key, values in rows.items():
        if extra:
            assert values[len(COUNTED)] == metric(SCROLL_DEPTH, groups.get(key, [])), (question, key)
        hits = [one for _, matching in groups.get(key, []) for one in matching]
        for place, name in enumerate(timings):
            near(values[len(COUNTED) + len(extra) + place], percentile(name, hits), (question, key, name))
    marked(found["meta"]["quality"], state, form, [*extra, *timings])


def near(found: float | None, expected: float | None, where: Any) -> None:
    """Timings are told to two and a half percent, in whole numbers."""
    if found is None or expected is None:
        assert found is expected, where
    else:
        assert abs(found - expected) <= 1 + 0.025 * expected, where


def marked(quality: dict[str, Any], state: str, form: Kept | None, from_rows: list[str]) -> None:
    """Each metric says what it is worth: what needed rows that are gone is not computable."""
    for name, mark in quality.items():
        if form is None or name in from_rows:
            gone = state in ("purged", "mixed")
            assert mark["mark"] == ("not computable" if gone else "provisional"), (name, mark)
            assert ("raw rows" in mark["reason"]) == (state != "live"), (name, mark)
        elif state in ("live", "mixed"):
            assert mark["mark"] == "provisional", (name, mark)
        else:
            assert mark["mark"] in ("exact", "merged"), (name, mark)


def about(place: int, name: str, form: str, world: World) -> tuple[list[str], list[Any]]:
    """By turns the filter alone, beside its own dimension, and beside another one."""
    filters = forms(name, world.values[name])[form]
    return [[], [name], ["visit:source"] if is_of_events(name) else ["event:page"]][place % 3], filters


@pytest.mark.req("D5", "D7", "A4", "A7")
@pytest.mark.parametrize("state", RANGES)
def test_every_dimension_in_every_state(world: World, state: str) -> None:
    """All metrics by each dimension, goals and own properties included, without a filter."""
    for name in ["", *ASKED]:
        if name not in GOAL_NAMES or state in ("live", "sealed"):
            check(world, state, [name] if name else [], [])


@pytest.mark.req("D5", "D7", "A7")
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_filter_on_every_dimension(world: World, form: str) -> None:
    """All metrics; by turns in each state and grouping, so that each form meets every state, and each dimension too:
    a third of the dimensions by each form."""
    for place, name in enumerate(ATTRIBUTES):
        turn = place + FORMS.index(form)
        state = list(RANGES)[turn % 4]
        if turn % 3 == 0 and (name not in GOAL_NAMES or state == "live"):
            check(world, state, *about(turn // 12, name, form, world))


@pytest.mark.long
@pytest.mark.req("D5", "D7", "A7")
@pytest.mark.parametrize("state", RANGES)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_every_state_and_grouping(world: World, form: str, state: str) -> None:
    """The whole table."""
    for name in ATTRIBUTES:
        for place in range(3):
            if name not in GOAL_NAMES or state == "live":
                check(world, state, *about(place, name, form, world))


@pytest.mark.req("D7")
def test_the_table_has_every_operator() -> None:
    """None of the language is left out."""
    said = str([forms("path", "/x"), forms("country", "a")])
    assert [one for one in (*OPERATORS, "and", "or", "not", "has_done", "has_not_done") if f"'{one}'" not in said] == []


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"metrics": ["conversion_rate"]}, "metrics", "event:goal"),
    ({"metrics": ["group_conversion_rate"], "dimensions": ["visit:source"]}, "metrics", "event:goal"),
    ({"metrics": ["percentage"]}, "metrics", "add a dimension"),
    ({"metrics": [SCROLL_DEPTH], "dimensions": ["visit:source"]}, "metrics", "event:page"),
    ({"filters": [["is", "event:goal", ["none"]]]}, "filters", "no goal"),
    ({"filters": [["is", "segment", ["none"]]]}, "filters", "Stats API alone"),
    ({"dimensions": ["visit:funnel:none"]}, "dimensions", "no funnel"),
    ({"dimensions": ["visit:funnel:Twice", "event:page"]}, "dimensions", "of visits"),
    ({"filters": [["is", "visit:funnel:Twice", ["1. Signed up"]]]}, "filters", "filtered by"),
    *(({"filters": [["has_done", ["is", name, ["a"]]]]}, "filters", "about events") for name in ("visit:source", "os")),
    *(({"filters": [["is", name, ["2025-10-25"]]]}, "filters", "date_range") for name in ("time", "time:day")),
    ({"include": {"kept": True}, "filters": [["is_not", "visit:source", ["a"]]]}, "include", "one dimension"),
]


@pytest.mark.req("D5", "D7", "A7")
@pytest.mark.parametrize("state", RANGES)
@pytest.mark.parametrize(("more", "field", "reason"), REFUSED, ids=lambda one: str(one)[:50])
def test_what_is_refused_says_why(world: World, state: str, more: dict[str, Any], field: str, reason: str) -> None:
    """In every state, with the part of the question that is at fault."""
    span = [RANGES[state][0].isoformat(), RANGES[state][-1].isoformat()]
    with pytest.raises(BadQuery) as refused:
        world.ask({"site_id": "x", "metrics": ["visitors"], "date_range": span, **more})
    assert (refused.value.field, reason in refused.value.sentence) == (field, True), refused.value


@pytest.mark.req("D7", "D3")
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_shares_of_every_dimension(world: World, name: str) -> None:
    """`percentage` is of all visitors of the question; conversion rates of all visitors, and of those of the group."""
    days = RANGES[("live", "sealed")[ATTRIBUTES.index(name) % 2]]
    span = [days[0].isoformat(), days[-1].isoformat()]
    base = {"site_id": "x", "metrics": ["visitors"], "date_range": span, "filters": [["is_not", "event:name", ["x"]]]}
    groups = answer(base | {"dimensions": [name]}, world.left, SITE)
    [all_of_them] = answer(base, world.left, SITE)[()]
    found = world.ask(base | {"metrics": ["percentage"], "dimensions": [name]})
    assert {tuple(row["dimensions"]): row["metrics"] for row in found["results"]} == {
        key: [round(100 * people / all_of_them, 2)] for key, [people] in groups.items()
    }
    if name in GOAL_NAMES:
        return
    goal = {"filters": [*base["filters"], ["is", "event:goal", ["Signed up"]]], "dimensions": [name]}
    reached = answer(base | goal, world.left, SITE)
    rates = world.ask(base | goal | {"metrics": ["conversion_rate", "group_conversion_rate"]})
    assert {tuple(row["dimensions"]): row["metrics"] for row in rates["results"]} == {
        key: [round(100 * people / all_of_them, 2), round(100 * people / groups[key][0], 2) if groups[key][0] else 0]
        for key, [people] in reached.items()
    }
