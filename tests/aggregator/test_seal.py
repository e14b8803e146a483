"""Sealing: when a day is due, what a seal proves, and that a kill at any step changes nothing."""

import multiprocessing
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.attack import exposed
from aggregator.coarser import coarser
from aggregator.proof import faults_of, raw_timings, raw_totals, timing_faults
from aggregator.seal import GRACE_MS, QUIET_MS, SEAL_POINTS, Sealer, site_day
from aggregator.visits import VisitTable
from collector.importers.invented import Shape, invent_day
from control_store.seals import all_seals, save_seals, seal_faults
from control_store.site_settings import SiteSettings, changed
from control_store.sites import NewSite, add_site, list_sites, save_settings
from control_store.tables import ControlStore
from event_catalogue.aggregates import KEPT, KEPT_MEASURES
from event_catalogue.days import day_end
from event_catalogue.fields import FIELDS
from tests.aggregator.rollup_count import count_day
from tests.aggregator.test_rollups import NAMES, as_events
from tests.warehouse.engine import fresh_warehouse
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.migrate import migrate
from warehouse.rollup_rows import Rollup
from warehouse.rollups import Rollups
from warehouse.seals import RollupTable, digest
from warehouse.settings import WarehouseSettings

BY_VISIT = {one.name for one in KEPT if one.scope == "visit"}
SPAWN = multiprocessing.get_context("spawn")
EPOCH = date(1970, 1, 1)
DAY = 20_423
NOW = (DAY + 30) * 86_400_000
ZONES = {"first.example": "Europe/Zurich", "second.example": "Asia/Kathmandu"}


class Place:
    """Two sites with two days each, in a warehouse and a control store."""

    def __init__(self, root: Path, warehouse: Warehouse, point: str = "") -> None:
        from spool.crash import crash_points

        self.warehouse = warehouse
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        self.sealer = Sealer(warehouse, self.store, lambda: NOW, crash=crash_points(point))
        self.visits = VisitTable(warehouse, self.store, nullcontext)
        self.events = EventTable(warehouse)
        self.rows: list[list[Any]] = []

    def fill(self, visitors: int = 40) -> None:
        """Add the sites and their rows."""
        for domain, zone in ZONES.items():
            add_site(
                self.store, NewSite(domain, zone, SiteSettings(k=5 if zone == ZONES["first.example"] else 3)), now=1
            )
        for day in (DAY, DAY + 1):
            mine = [
                row
                for site, (domain, zone) in enumerate(ZONES.items(), start=1)
                for visit in invent_day(
                    Shape(site, domain, zone, visitors, 1), day, stored_on=30_000, received=1
                ).visits
                for row in visit
            ]
            self.events.insert(mine, batch=day, token=str(day))
            self.rows += mine
        self.visits.tick()

    def seal_all(self) -> list[Any]:
        self.sealer.sweep()
        return self.sealer.seal(self.sealer.due(NOW, NOW))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    warehouse = fresh_warehouse()
    made = Place(tmp_path, warehouse)
    made.fill()
    yield made
    made.store.close()
    warehouse.close()


@pytest.mark.req("A2")
def test_a_day_is_due_when_nothing_of_it_can_still_arrive(place: Place) -> None:
    """26 hours after its end by each site's clock, and when every spool was loaded past that."""
    ends = {site: day_end(zone, DAY) for site, zone in enumerate(ZONES.values(), start=1)}
    assert ends[2] < ends[1]

    def due(now: int, loaded: int, **options: bool) -> list[tuple[int, list[int]]]:
        return [(one.day, [site.id for site in one.sites]) for one in place.sealer.due(now, loaded, **options)]

    assert due(ends[2] + GRACE_MS - 1, NOW) == due(NOW, ends[2] + GRACE_MS - 1) == []
    assert due(ends[2] + GRACE_MS, NOW) == due(NOW, ends[2] + GRACE_MS) == [(DAY, [2])]
    assert due(ends[1], NOW, final=True) == [(DAY, [1, 2])]
    assert due(NOW, NOW) == [(DAY, [1, 2]), (DAY + 1, [1, 2])]
    # The second file of a history, half an hour ago.
    place.events.insert([_like(place.rows[0], received=NOW - 1_800_000)], batch=DAY + 9, token="late")
    assert due(NOW, NOW) == [(DAY, [2]), (DAY + 1, [1, 2])]
    assert due(NOW, NOW, final=True) == due(NOW + 1_800_000, NOW + 1_800_000) == [(DAY, [1, 2]), (DAY + 1, [1, 2])]


def _like(row: list[Any], **changes: Any) -> list[Any]:
    """A row of a message of its own, like another."""
    fields = {"beacon": b"x" * 16, **changes}
    return [fields.get(field.name, value) for field, value in zip(FIELDS, row, strict=True)]


@pytest.mark.req("A2", "A3")
def test_what_is_sealed_is_what_a_count_by_hand_gives(place: Place) -> None:
    """For each site and day, read back by the run that the seal names; and then nothing is due."""
    outcomes = place.seal_all()
    assert [one.reason for one in outcomes] == [""] * 4
    assert place.sealer.due(NOW, NOW) == []
    events = as_events(place.rows)
    table = RollupTable(place.warehouse)
    for seal in all_seals(place.store):
        rows = table.read(seal.site, seal.day, seal.run)
        assert (len(rows), digest(rows)) == (seal.rollup_rows, seal.digest)
        day, zone = EPOCH + timedelta(days=seal.day), list(ZONES.values())[seal.site - 1]
        expected = count_day(events, seal.site, day, seal.k, zone, NAMES)
        found: dict[str, dict[Any, list[int]]] = {}
        for row in without_timings(rows):
            found.setdefault(row.dimension, {})[row.key, row.parent] = list(row.measures)
        assert found == expected
        assert seal.raw_rows == sum(row[0] == seal.site and row[1] == seal.day for row in place.rows)


def without_timings(rows: list[Rollup]) -> list[Rollup]:
    """The rows but timings, revenue and steps between pages: these are counted by hand in tests of their own."""
    return [row for row in rows if not row.dimension.startswith(("timing:", "revenue", "next_page", "previous_page"))]


@pytest.mark.req("A2")
def test_an_aggregate_that_contradicts_the_rows_is_not_sealed(place: Place) -> None:
    """A view too many in any dimension is found and named; the day stays unsealed, and the fault is kept."""
    due = place.sealer.due(NOW, NOW)[0]
    counted = Rollups(place.warehouse, "test").count([site_day(site, DAY) for site in due.sites])
    everything = [row for rows in counted for _, row in rows if row.site == 1]
    mine = without_timings(everything)
    timings = raw_timings(place.warehouse, 1, DAY)
    assert timing_faults(everything, timings) == []
    told = [row for row in everything if row.dimension.startswith("timing:")]
    assert told
    for row in told:
        wrong = [*row.measures]
        wrong[3] += 1
        changed = [one._replace(measures=tuple(wrong)) if one is row else one for one in told]
        assert len(timing_faults(changed, timings)) == 1
    totals = raw_totals(place.warehouse, 1, DAY)
    assert faults_of(mine, totals) == []
    for number, row in enumerate(mine[:: len(mine) // 60]):
        wrong = [*row.measures]
        wrong[2] += 1 if number % 2 else -1
        changed = [row._replace(measures=tuple(wrong)) if one is row else one for one in mine]
        assert [fault for fault in faults_of(changed, totals) if "pageviews" in fault]
    assert faults_of([row for row in mine if row.dimension != "country"], totals) == ["country is missing"]
    # A row that comes between the count and the visits: the visits lack it.
    place.events.insert([_like(place.rows[0])], batch=DAY + 9, token="late")
    outcomes = place.sealer.seal([due])
    assert [(one.site.id, one.seal is None) for one in outcomes] == [(1, True), (2, False)]
    assert "instead of" in outcomes[0].reason
    assert [(fault.site, fault.day) for fault in seal_faults(place.store)] == [(1, DAY)]
    place.visits.tick()
    assert all(one.seal for one in place.seal_all())
    assert seal_faults(place.store) == []


@pytest.mark.req("A2")
def test_late_rows_are_counted_and_change_nothing(place: Place) -> None:
    """What comes after the seal is told as late; the sealed numbers stay."""
    place.seal_all()
    before = {(seal.site, seal.day): seal.digest for seal in all_seals(place.store)}
    place.events.insert([_like(place.rows[0])], batch=DAY + 9, token="late")
    assert place.sealer.count_late() == 1
    seals = all_seals(place.store)
    assert {(seal.site, seal.day): seal.digest for seal in seals} == before
    assert [seal.late for seal in seals] == [1, 0, 0, 0]


@pytest.mark.req("A2", "A3")
def test_enough_late_visitors_seal_a_day_anew(place: Place) -> None:
    """Four late visitors, where k is five, stay outside; with the fifth the day is counted again, with all of them."""
    place.seal_all()
    soon = NOW + QUIET_MS + 2

    def arrive(number: int) -> None:
        row = _like(
            place.rows[0], bot="", visitor=bytes([200 + number]) * 16, beacon=bytes([number]) * 16, received=NOW + 1
        )
        place.events.insert([row], batch=DAY + 9 + number, token=str(number))
        place.rows.append(row)

    for number in range(4):
        arrive(number)
    assert place.sealer.due(soon, soon) == []
    arrive(4)
    assert place.sealer.due(NOW + QUIET_MS, NOW) == []
    place.visits.tick()
    (due,) = place.sealer.due(soon, soon)
    assert (due.day, [site.id for site in due.sites]) == (DAY, [1])
    (outcome,) = place.sealer.seal([due])
    place.sealer.sweep()
    assert outcome.seal
    assert (outcome.seal.generation, outcome.seal.late, place.sealer.count_late()) == (2, 0, 0)
    found = {
        (row.dimension, row.key, row.parent): list(row.measures)
        for row in without_timings(RollupTable(place.warehouse).read(1, DAY, outcome.seal.run))
    }
    by_hand = count_day(as_events(place.rows), 1, EPOCH + timedelta(days=DAY), 5, ZONES["first.example"], NAMES)
    assert found == {
        (name, key, parent): numbers for name in by_hand for (key, parent), numbers in by_hand[name].items()
    }
    assert place.sealer.due(soon, soon) == []


@pytest.mark.req("A3")
def test_a_raised_k_merges_sealed_days_again(place: Place) -> None:
    """As long as their rows are whole; a lowered one changes nothing, for what was merged stays merged."""
    place.seal_all()
    change_k(place, 4)
    assert place.sealer.due(NOW, NOW) == []
    change_k(place, 9)
    place.warehouse.command(f"ALTER TABLE events DELETE WHERE site = 1 AND toUInt16(day) = {DAY + 1} AND idx = 0")
    (due,) = place.sealer.due(NOW, NOW)
    assert (due.day, [site.id for site in due.sites]) == (DAY, [1])
    (outcome,) = place.sealer.seal([due])
    assert outcome.seal
    assert (outcome.seal.generation, outcome.seal.k) == (2, 9)
    rows = RollupTable(place.warehouse).read(1, DAY, outcome.seal.run)
    assert min(row.measures[0] for row in rows if not row.dimension.startswith("revenue")) >= 9
    assert place.sealer.due(NOW, NOW) == []


@pytest.mark.req("A3")
def test_a_raised_k_merges_days_again_whose_rows_are_gone(place: Place) -> None:
    """From the aggregates alone: nothing under k, nobody given away, and everything still adds up."""
    place.seal_all()
    table = RollupTable(place.warehouse)
    before = {seal.day: table.read(1, seal.day, seal.run) for seal in all_seals(place.store) if seal.site == 1}
    place.warehouse.command("ALTER TABLE events DELETE WHERE site = 1")
    place.warehouse.command("ALTER TABLE visits DELETE WHERE site = 1")
    save_seals(place.store, [seal._replace(purged=NOW) for seal in all_seals(place.store) if seal.site == 1])
    assert place.sealer.coarsen(60_000) == 0
    change_k(place, 12)
    assert place.sealer.due(NOW, NOW) == []
    assert place.sealer.coarsen(60_000) == 2
    place.sealer.sweep()
    for seal in all_seals(place.store):
        if seal.site == 2:
            assert (seal.generation, seal.k) == (1, 3)
            continue
        rows = table.read(1, seal.day, seal.run)
        assert (seal.generation, seal.k, seal.purged, seal.digest) == (2, 12, NOW, digest(rows))
        assert exposed(before[seal.day], 12)
        assert exposed(rows, 12) == []
        assert rows[0] == before[seal.day][0]
        assert len(rows) < len(before[seal.day])
        for name in NAMES:
            whole = "visits" if name in BY_VISIT else "pageviews"
            old, new = (
                [row.measures[KEPT_MEASURES.index(whole)] for row in many if row.dimension == name]
                for many in (before[seal.day], rows)
            )
            assert sum(old) == sum(new), name
        unchanged = {(row.dimension, row.key, row.parent): row.measures[:4] for row in before[seal.day]}
        assert all(
            unchanged[row.dimension, row.key, row.parent] == row.measures[:4] for row in rows if row.key != "(other)"
        )
    assert place.sealer.coarsen(60_000) == 0


@pytest.mark.req("A3")
def test_a_day_of_too_few_for_the_new_k_keeps_three_totals(place: Place) -> None:
    """As a day that is sealed with that k from the beginning."""
    place.seal_all()
    table = RollupTable(place.warehouse)
    seal = all_seals(place.store)[0]
    few = coarser(table.read(1, seal.day, seal.run), 1_000)
    assert exposed(few, 1_000) == []
    assert few[0].measures[:3] == table.read(1, seal.day, seal.run)[0].measures[:3]
    assert {row.key for row in few[1:]} == {"(other)"}


def change_k(place: Place, k: int) -> None:
    """Set k of the first site."""
    site = list_sites(place.store)[0]
    save_settings(place.store, site, changed(site.settings, [f"k={k}"]))


def _open(root: Path, point: str = "") -> Place:
    warehouse = Warehouse(WarehouseSettings(f"chdb://{root}/warehouse"))
    migrate(warehouse)
    return Place(root, warehouse, point)


def _fill(root: Path) -> None:
    _open(root).fill(12)


def _seal(root: Path, point: str, answer: Any) -> None:
    place = _open(root, point)
    place.seal_all()
    place.sealer.sweep()
    runs = place.warehouse.select("SELECT DISTINCT run FROM rollups ORDER BY run", {}, "control")
    answer.put((all_seals(place.store), [run for (run,) in runs]))


@pytest.mark.req("A2", "O3")
def test_a_seal_that_was_killed_at_any_step_is_made_up_for(tmp_path: Path) -> None:
    """The same digests, no seal without proven rows, and no rows left over of which no seal speaks."""
    process = SPAWN.Process(target=_fill, args=(tmp_path,))
    process.start()
    process.join()
    answers = SPAWN.SimpleQueue()
    for point in SEAL_POINTS[:-1]:
        process = SPAWN.Process(target=_seal, args=(tmp_path, point, answers))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, point
    process = SPAWN.Process(target=_seal, args=(tmp_path, "", answers))
    process.start()
    killed, runs = answers.get()
    process.join()
    assert runs == sorted(seal.run for seal in killed)
    whole = fresh_warehouse()
    other = tmp_path / "other"
    other.mkdir()
    undisturbed = Place(other, whole)
    undisturbed.fill(12)
    undisturbed.seal_all()
    assert [seal.digest for seal in killed] == [seal.digest for seal in all_seals(undisturbed.store)]
    undisturbed.store.close()
    whole.close()


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("A2", "O3")
def test_two_hundred_kills_at_any_moment(tmp_path: Path) -> None:
    """Killed at random while sealing, over and over: whatever a seal names is there as a whole, and right."""
    rng, kills = random.Random(1), 0
    expected: list[str] = []
    for number in range(400):
        root = tmp_path / str(number % 2)
        if number % 40 < 2:  # every now and then all begins anew
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            _run(_fill, root)
        answers = SPAWN.SimpleQueue()
        process = SPAWN.Process(target=_seal, args=(root, "", answers))
        process.start()
        process.join(rng.uniform(1.5, 9))
        if process.is_alive():
            process.kill()
            process.join()
            kills += 1
            if kills >= 200:
                break
            continue
        sealed, runs = answers.get()
        assert runs == sorted(seal.run for seal in sealed)
        digests = [seal.digest for seal in sealed]
        expected = expected or digests
        assert digests == expected
    assert kills >= 200
    assert expected


def _run(work: Any, *arguments: Any) -> None:
    process = SPAWN.Process(target=work, args=arguments)
    process.start()
    process.join()
