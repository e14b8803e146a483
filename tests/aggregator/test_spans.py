"""Weeks and months tell what their days merge: numbers as by hand, and nobody can be worked out from them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.residue import told
from aggregator.spans import SPAN_POINTS, SpanSealer
from bench.aggregates import readable
from console.answers import statistics_of
from console.stats.parse import parse
from console.stats.query import SiteRef
from control_store.contradictions import contradictions
from control_store.seals import all_seals, save_seals
from control_store.spans import Span, all_spans, spans_of
from event_catalogue.aggregates import KEPT_MEASURES
from event_catalogue.days import day_text
from event_catalogue.dimensions import OTHER
from retention.proof import span_faults
from tests.aggregator.span_world import DAYS, FIRST, NOW, SITES, K, World, certain, people_of
from tests.warehouse.engine import fresh_warehouse
from warehouse.kanon import Cell
from warehouse.rollup_rows import Rollup
from warehouse.seals import RollupTable, digest

PLACE = {name: place for place, name in enumerate(KEPT_MEASURES)}
FIELDS = {"country": "country", "region": "region", "path": "path"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    warehouse = fresh_warehouse()
    made = World(warehouse, tmp_path_factory.mktemp("spans"), SITES)
    made.seal_spans()
    yield made
    made.store.close()
    warehouse.close()


def _spans(world: World, site: int) -> list[Span]:
    return [span for span in all_spans(world.store) if span.site == site]


@pytest.mark.req("A3", "A4")
def test_weeks_end_with_their_month(world: World) -> None:
    """Three whole weeks, one of six days, and the month; one day alone is no week."""
    month, *weeks = _spans(world, 3)
    assert (month.first - FIRST, month.last - FIRST, len(month.days)) == (0, 27, DAYS)
    assert [(week.first - FIRST, week.last - FIRST) for week in weeks] == [(1, 7), (8, 14), (15, 21), (22, 27)]
    assert month.inside == tuple(week.run for week in weeks if week.dimensions) != ()
    assert next(span.last for span in spans_of(world.store, 3, FIRST, FIRST + 60)) == FIRST + 27


def by_hand(world: World, site: int, name: str, keep: dict[int, set[str]]) -> dict[str, list[int]]:
    """Visitors, visits, page views, events, bounces, engaged visits and time of values, over the days on which each
    is looked for (`keep`: day → values); the union of what is left under "(other)". Everybody has one visit a day."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    people: dict[tuple[int, bytes], list[dict[str, Any]]] = defaultdict(list)
    visible = {day: _visible(world, site, day, name) for day in keep}
    for row in world.rows:
        if row["site"] == site and row["day"] in keep:
            people[row["day"], row["visitor"]].append(row)
    for (day, _), rows in people.items():
        views = [row for row in rows if row.get("name") != "engagement"]
        engaged = len(views) > 1 or sum(row.get("engaged_ms", 0) for row in rows) >= 10_000
        cells: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            cells[row[FIELDS[name]]].append(row)
        shown = {value for value in cells if value in keep[day]}
        groups = {value: cells[value] for value in shown}
        rest = [row for value in cells.keys() - shown - visible[day] for row in cells[value]]
        if rest:  # a visit counts once, whatever it has seen
            groups["(other)"] = rest
        for value, mine in groups.items():
            seen = sum(row.get("name") != "engagement" for row in mine)
            numbers = {"visitors": 1, "visits": 1, "pageviews": seen, "events": seen}
            numbers |= {"bounces": int(not engaged), "engaged_visits": int(engaged)}
            numbers["engaged_ms"] = sum(row.get("engaged_ms", 0) for row in mine)
            for measure, number in numbers.items():
                sums[value][measure] += number
    names = ("visitors", "visits", "pageviews", "events", "bounces", "engaged_visits", "engaged_ms")
    return {value: [numbers[name] for name in names] for value, numbers in sums.items()}


def _visible(world: World, site: int, day: int, name: str) -> set[str]:
    return {row.key for row in world.days(site)[day] if row.dimension == name and row.key != "(other)"}


@pytest.mark.req("A3", "A4")
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("name", ["country", "path"])
def test_numbers_are_what_a_count_by_hand_gives(world: World, site: int, name: str) -> None:
    """Every told value and what is left, of every week."""
    weeks = [span for span in _spans(world, site) if span.last - span.first < 10 and name in span.dimensions]
    assert weeks or (site, name) != (3, "path")
    for week in weeks:
        rows = {row.key: row for row in world.read(week) if row.dimension == name}
        values = rows.keys() - {"(other)"}
        keep = {day: values - _visible(world, site, day, name) for day in week.days}
        expected = by_hand(world, site, name, keep)
        assert rows.keys() == expected.keys()
        for key, numbers in expected.items():
            measures = ("visitors", "visits", "pageviews", "events", "bounces", "engaged_visits", "engaged_ms")
            found = [rows[key].measures[PLACE[measure]] for measure in measures]
            dark = site == 1 and key == "(other)"
            for measure, told_number, number in zip(measures, found, numbers, strict=True):
                withheld = told_number == -1 and (dark or measure == "engaged_ms")
                assert withheld or told_number == number, measure
            assert found[:3] == numbers[:3]


def groups(world: World, site: int, name: str) -> dict[str, Any]:
    """What is published of one dimension, by the parent that values lie in: days, and what weeks and months tell."""
    days: dict[str, dict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for day, rows in world.days(site).items():
        for row in rows:
            if row.dimension == name:
                days[row.parent][day][row.key] = row.measures[PLACE["visits"]]
    told: dict[str, list[tuple[str, set[int], int]]] = defaultdict(list)
    weeks = {span.run: span for span in _spans(world, site)}
    for span in weeks.values():
        for row in world.read(span) if name in span.dimensions else []:
            if row.dimension == name and row.key != "(other)":
                done = {
                    day
                    for run in span.inside
                    for inner in world.read(weeks[run])
                    if (inner.dimension, inner.parent, inner.key) == (name, row.parent, row.key)
                    for day in weeks[run].days
                }
                told[row.parent].append((row.key, set(span.days) - done, row.measures[PLACE["visits"]]))
    return {parent: (days[parent], told[parent]) for parent in told}


@pytest.mark.req("A3", "D11")
@pytest.mark.parametrize("site", SITES)
def test_nobody_had_to_be_there_on_any_day(world: World, site: int) -> None:
    """From all days, weeks and months together no value is known to have had anybody on a day that merges it."""
    days, told_of = groups(world, site, "country")[""]
    large = {
        (value, day)
        for (value, day), count in Counter((row["country"], row["day"]) for row in people_of(world.rows, site)).items()
        if count >= K
    }
    assert certain(days, told_of, K, large) == []


@pytest.mark.req("A3")
def test_the_attacker_finds_what_must_not_be_told(world: World) -> None:
    """Four days with four each, and it is said that they were sixteen: each of them is known."""
    days = {day: {"(other)": 9} for day in range(5)}
    assert len(certain(days, [("X", {0, 1, 2, 3}, 16)], K)) == 4
    assert certain(days, [("X", {0, 1, 2, 3, 4}, 16)], K) == []
    # Nobody is left of a day but those of two values that are told.
    days = {0: {"(other)": 2}, 1: {"(other)": 2}}
    assert certain(days, [("X", {0, 1}, 1), ("Y", {0, 1}, 3)], 4) == [
        "Y had somebody on day 0",
        "Y had somebody on day 1",
    ]


@pytest.mark.req("A3", "D11")
def test_what_is_told_is_of_many(world: World) -> None:
    """At least 4 k visitor-days on 4 days, and k are left of each group that something is told of."""
    seen = 0
    for site in SITES:
        for span in _spans(world, site):
            for row in world.read(span):
                people = row.measures[PLACE["visitors"]]
                assert people >= (K if row.key == "(other)" else 4 * K)
                seen += row.key != "(other)"
    assert seen > 30


@pytest.mark.req("A3")
def test_a_region_is_told_inside_its_country_alone(world: World) -> None:
    """Regions of a country that are shown, told, and left over have as many visits as it has itself."""
    seen = 0
    for site in SITES:
        for span in _spans(world, site):
            if not {"country", "region"} <= span.dimensions:
                continue
            weeks = [week for week in _spans(world, site) if week.run in span.inside]
            told = [row for week in weeks for row in world.read(week)]
            of_days = [row for day in span.days for row in world.days(site)[day]]
            parts: dict[str, int] = defaultdict(int)
            for row in [*(one for one in (*of_days, *told) if one.key != "(other)"), *world.read(span)]:
                visits = row.measures[PLACE["visits"]]
                if row.dimension == "region" and row.parent != "(other)":
                    parts[row.parent] += visits
                elif row.dimension == "country" and row.key != "(other)":
                    parts[row.key] -= visits
            assert set(parts.values()) <= {0}
            seen += len(parts)
    assert seen


@pytest.mark.req("A2", "O3")
def test_a_week_that_was_broken_off_is_made_up_for(tmp_path: Path) -> None:
    """After each step: it is made again until it counts, and then no rows are left that no seal names."""
    warehouse = fresh_warehouse()
    world = World(warehouse, tmp_path, {1: 70}, days=15)

    for point in SPAN_POINTS:

        def broken(at: str, point: str = point) -> None:
            if at == point:
                raise KeyboardInterrupt

        spans = SpanSealer(warehouse, world.store, lambda: NOW, crash=broken)
        assert [one.first - FIRST for one in spans.due(NOW, NOW)] == [1, 8]
        with pytest.raises(KeyboardInterrupt):
            spans.seal(spans.due(NOW, NOW)[0])
    sealed = world.seal_spans()
    assert [(one.first - FIRST, one.last - FIRST) for one in sealed] == [(0, 27), (1, 7), (8, 14)]
    assert [one.digest for one in sealed] == [digest(world.read(one)) for one in sealed]
    assert any(one.rollup_rows for one in sealed)
    world.sealer.sweep()
    runs = {run for (run,) in warehouse.select("SELECT DISTINCT run FROM rollups", {}, "control")}
    assert runs == {seal.run for seal in all_seals(world.store)} | {one.run for one in sealed if one.rollup_rows}
    world.store.close()
    warehouse.close()


@pytest.mark.req("A2", "R3")
def test_a_week_that_contradicts_its_days_is_told_of_and_a_changed_one_is_found(tmp_path: Path) -> None:
    """It tells nothing, and why can be read by people; a week whose rows were changed on the disk is named."""
    warehouse = fresh_warehouse()
    world = World(warehouse, tmp_path, {1: 70}, days=15)
    bent = f"ALTER TABLE rollups UPDATE pageviews = pageviews + 1 WHERE key = '{OTHER}' AND dimension = 'region' AND "
    warehouse.command(f"{bent} day = toDate({FIRST + 2})")
    assert contradictions(world.store) == []
    spans = SpanSealer(warehouse, world.store, lambda: NOW)
    outcomes = {due.first - FIRST: spans.seal(due) for due in spans.due(NOW, NOW)}
    assert (outcomes[1], bool(outcomes[8])) == (None, True)
    (found,) = contradictions(world.store)
    assert found[:3] == (1, FIRST + 1, FIRST + 7)
    assert "region" in found.reason
    assert "pageviews instead of" in found.reason
    table = RollupTable(warehouse)
    assert list(span_faults(table, world.store)) == []
    week = outcomes[8]
    assert week
    warehouse.command(f"ALTER TABLE rollups UPDATE visits = visits + 1 WHERE run = {week.run}")
    (named,) = span_faults(table, world.store)
    assert named.startswith(f"{day_text(FIRST + 8)} to {day_text(FIRST + 14)} of site 1: its aggregates are not")
    world.store.close()
    warehouse.close()


@pytest.mark.req("A2")
def test_a_day_that_is_sealed_anew_ends_its_weeks_and_months(tmp_path: Path) -> None:
    """They do not count any more and are not made again: two of them could be compared."""
    warehouse = fresh_warehouse()
    world = World(warehouse, tmp_path, {1: 30}, days=15)
    before = world.seal_spans()
    seal = next(one for one in all_seals(world.store) if one.day == FIRST + 10)
    save_seals(world.store, [seal._replace(run=999_999, generation=2)])
    runs = {(one.site, one.day): one.run for one in all_seals(world.store)}
    stands = [span.first - FIRST for span in before if span.stands(lambda site, day: runs.get((site, day)))]
    assert stands == [1]
    assert SpanSealer(warehouse, world.store, lambda: NOW).due(NOW, NOW) == []
    world.store.close()
    warehouse.close()


@pytest.mark.req("A2")
def test_only_whole_days_are_counted(tmp_path: Path) -> None:
    """A day with late rows or without its rows is left out; a week that is not over, or has an unsealed day, waits."""
    warehouse = fresh_warehouse()
    world = World(warehouse, tmp_path, {1: 20}, days=15)
    spans = SpanSealer(warehouse, world.store, lambda: NOW)
    over = (FIRST + 8) * 86_400_000 + 26 * 3_600_000
    assert [due.first for due in spans.due(over, NOW)] == [FIRST + 1] == [due.first for due in spans.due(NOW, over)]
    assert spans.due(over - 1, NOW) == []
    seals = all_seals(world.store)
    save_seals(world.store, [seals[9]._replace(raw_rows=seals[9].raw_rows - 1), seals[10]._replace(purged=1)])
    due = {(one.first - FIRST): {seal.day - FIRST for seal in one.seals} for one in spans.due(NOW, NOW)}
    assert due[8] == set(range(8, 15)) - {9, 10}
    assert 0 not in due  # a month waits for its weeks
    assert spans.seal(spans.due(NOW, NOW)[0])
    while found := spans.due(NOW, NOW):
        whole = {seal.day - FIRST for seal in found[-1].seals}
        for one in found:
            assert spans.seal(one)
    assert whole == set(range(15)) - {9, 10}
    world.store.close()
    warehouse.close()


def _cells(values: dict[str, list[int]], parent: str = "") -> list[Cell]:
    return [Cell(day, parent, key, people) for key, days in values.items() for day, people in enumerate(days) if people]


@pytest.mark.req("A3")
def test_the_choice_by_examples() -> None:
    """Enough people on enough days, room elsewhere, and enough that stay."""
    rest = {"r": [3] * 6, "s": [2] * 6}
    people = dict.fromkeys(range(6), 40)

    def chosen(values: dict[str, list[int]], shown: Collection[tuple[int, tuple[str, str]]] = ()) -> set[str]:
        return {key for _, key in told(_cells({**values, **rest}), shown, people, K)}

    assert chosen({"a": [4, 4, 4, 4, 4, 0]}) == {"a"}
    assert chosen({"a": [4, 4, 4, 4, 3, 0]}) == set()  # 19 visitor-days
    assert chosen({"a": [10, 10, 1, 0, 0, 0]}) == set()  # three days
    assert chosen({"a": [4, 4, 4, 4, 4, 0]}, {(5, ("", "a"))}) == set()  # shown on the sixth: all five are full
    assert chosen({"a": [4, 4, 4, 4, 4, 4]}) == set()  # nowhere else to have been
    few = {"r": [1, 1, 1, 1, 0, 0]}
    assert told(_cells({"a": [4, 4, 4, 4, 4, 0], **few}), set(), people, K) == set()  # four would be left, of one value


@pytest.mark.req("A3", "A6")
def test_small_sites_stay_readable(world: World) -> None:
    """Of the visits and views of a month more are told with weeks and months than of its days alone, and most."""
    shares = {}
    for site in (2, 3):
        for name, measure in (("country", "visits"), ("path", "pageviews")):
            alone, merged = _named([row for rows in world.days(site).values() for row in rows], name, measure)
            more, _ = _named([row for span in _spans(world, site) for row in world.read(span)], name, measure)
            shares[SITES[site], name] = alone / (alone + merged), (alone + more) / (alone + merged)
    for key, (before, after) in shares.items():
        print(f"{key}: {before:.0%} named by days, {after:.0%} with weeks and months")
    assert all(after > before + 0.1 for before, after in shares.values())
    assert shares[25, "country"][1] >= 0.8
    assert shares[70, "path"][1] >= 0.9


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("A3", "A6")
def test_thirty_visitors_a_day_are_readable() -> None:
    """Invented sites through the Stats API: of a month four of five have a name, of a week three of five."""
    least = {"month": 80, "week": 60}
    shares = {key: share for key, share in readable().items() if key[0] == 30}
    assert len(shares) == 6
    assert {key: share for key, share in shares.items() if share < least[key[1]]} == {}


def _named(rows: list[Rollup], name: str, measure: str) -> tuple[int, int]:
    mine = [row for row in rows if row.dimension == name]
    named = sum(row.measures[PLACE[measure]] for row in mine if row.key != "(other)")
    return named, sum(row.measures[PLACE[measure]] for row in mine) - named


def _asked(world: World, site: int, **question: Any) -> dict[tuple[str, ...], int]:
    """Page views as the Stats API tells them, by dimension."""
    statistics = statistics_of(world.warehouse, world.store, lambda: NOW)
    query = parse({"site_id": "x", "metrics": ["pageviews"], "pagination": {"limit": 10_000}, **question})
    answer = statistics.answer(query, SiteRef(site, "s.example", "UTC"))
    return {tuple(row["dimensions"]): int(row["metrics"][0]) for row in answer["results"]}


def _added(world: World, rows: list[Rollup], covered: set[int], days: range) -> dict[str, int]:
    """Page views by page: of days, whose `(other)` is left out where a week or month tells of it."""
    sums: dict[str, int] = defaultdict(int)
    for day in days:
        for row in world.days(3)[day]:
            if row.dimension == "path" and not (row.key == "(other)" and day in covered):
                sums[row.key] += row.measures[PLACE["pageviews"]]
    for row in rows:
        if row.dimension == "path":
            sums[row.key] += row.measures[PLACE["pageviews"]]
    return dict(sums)


@pytest.mark.req("A4", "A6")
def test_a_range_is_answered_with_the_largest_periods_that_fit(world: World) -> None:
    """The month with what it adds to its weeks; the weeks alone; days where neither fits; weeks as weeks."""
    month, *weeks = _spans(world, 3)
    assert "path" in month.dimensions

    def answer(first: int, last: int, *dimensions: str) -> dict[tuple[str, ...], int]:
        span = [day_text(FIRST + first), day_text(FIRST + last)]
        return _asked(world, 3, date_range=span, dimensions=["event:page", *dimensions])

    of_weeks = [row for week in weeks for row in world.read(week) if row.key != "(other)"]
    whole = _added(world, [*of_weeks, *world.read(month)], set(month.days), range(FIRST, FIRST + DAYS))
    assert answer(0, 27) == {(key,): views for key, views in whole.items()}
    assert sum(answer(0, 27).values()) == sum(
        row["site"] == 3 and row.get("name") != "engagement" for row in world.rows
    )
    for first, last in ((1, 6), (9, 13)):  # no week as a whole
        assert answer(first, last) == {
            (key,): views for key, views in _added(world, [], set(), range(FIRST + first, FIRST + last + 1)).items()
        }
    cut = answer(0, 27, "time:week")
    for week in weeks:
        rows = world.read(week) if "path" in week.dimensions else []
        covered = set(week.days) if rows else set()
        found = {key[0]: views for key, views in cut.items() if key[1] == day_text(week.first)}
        assert found == _added(world, rows, covered, range(week.first, week.last + 1))
    assert any("path" in week.dimensions for week in weeks)


@pytest.mark.req("A4")
def test_one_value_is_told_alike(world: World) -> None:
    """A filter that names a page has its views of the list."""
    span = [day_text(FIRST), day_text(FIRST + DAYS - 1)]
    listed = _asked(world, 3, date_range=span, dimensions=["event:page"])
    for (page,), views in listed.items():
        if page != "(other)":
            alone = _asked(world, 3, date_range=span, filters=[["is", "event:page", [page]]])
            assert alone == {(): views}
