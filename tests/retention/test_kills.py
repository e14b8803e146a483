"""A purge that is killed at any step is made up for: nothing that was not due goes, nothing that was due stays."""

import multiprocessing
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from control_store.erasures import ask_erasure, open_erasures
from control_store.purges import open_purges
from control_store.seals import all_seals, save_seals
from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from event_catalogue.fields import POSITION
from retention.erase import ERASE_POINTS, Eraser
from retention.ledger import LedgerBroken
from retention.purge import PURGE_POINTS, Choice, Stores
from spool.crash import crash_points
from tests.retention.place import DAY, DAY_MS, SEALED_AT, SOON, ZONES, Place, invented
from warehouse.client import Warehouse
from warehouse.migrate import migrate
from warehouse.settings import WarehouseSettings

SPAWN = multiprocessing.get_context("spawn")
VISITOR = POSITION["visitor"]
KILLS = 200
DAYS = range(DAY, DAY + len(PURGE_POINTS))


def _open(root: Path, point: str = "") -> Place:
    warehouse = Warehouse(WarehouseSettings(f"chdb://{root}/warehouse"))
    migrate(warehouse)
    return Place(root, warehouse, point)


def _fill(root: Path, days: range = DAYS) -> None:
    """Days of two sites, all sealed; of every second day the second site is not, so that its rows are taken out of."""
    place = _open(root)
    place.fill(2)
    for day in days[3:]:
        place.insert([row for site in (1, 2) for row in invented(site, day, 2)], day)
    place.seal(sites=(1,), days=tuple(days))
    place.seal(sites=(2,), days=tuple(days[::2]))


def _settle(root: Path, point: str, day: int, answers: Any) -> None:
    """End what was cut short, then purge up to this day, as if two days had passed since it was due."""
    place = _open(root, point)
    now = (day + 38) * DAY_MS
    place.now = now
    place.purger.settle()
    for one in place.purger.decide(Choice(now)):
        if one.sites:
            place.purger.remove(one, Choice(now))
    waiting = place.purger.finish(30)
    answers.put((len(waiting), place.rows(), place.gone(), place.entries(), place.ledger.verify().faults))


def _told(root: Path, day: int) -> Any:
    """Settle to the end in another process; what it tells."""
    answers = SPAWN.SimpleQueue()
    process = SPAWN.Process(target=_settle, args=(root, "", day, answers))
    process.start()
    while answers.empty():
        process.join(0.1)
        assert process.exitcode in (None, 0), "it died, and not by a kill"
    told = answers.get()
    process.join()
    return told


def _check(told: Any, rows: dict[tuple[int, int], int], days: range) -> None:
    waiting, left, gone, entries, faults = told
    purged = {(site, day) for site in (1, 2) for day in days if site == 1 or day in days[::2]}
    assert waiting == 0
    assert faults == []
    assert left == {key: count for key, count in rows.items() if key not in purged}
    assert {key: one.purged for key, one in gone.items()} == {key: rows[key] for key in purged}
    assert all(one.late == one.erased == 0 for one in gone.values())
    kinds = Counter((kind, content["purge"]) for kind, content in entries)
    assert set(kinds.values()) == {1}
    assert {number for kind, number in kinds if kind == "purge.intended"} == {
        number for kind, number in kinds if kind == "purge.completed"
    }


@pytest.mark.req("R1", "R2", "R3", "O3")
def test_a_purge_that_was_killed_at_any_step_is_made_up_for(tmp_path: Path) -> None:
    """kill -9 at each numbered step, on a day each, drops and rewrites in turn: each purge ends once."""
    answers = SPAWN.SimpleQueue()
    process = SPAWN.Process(target=_fill, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    for day, point in zip(DAYS, PURGE_POINTS, strict=True):
        process = SPAWN.Process(target=_settle, args=(tmp_path, point, day, answers))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, point
    told = _told(tmp_path, DAYS[-1])
    rows = {(site, day): len(invented(site, day, 2)) for site in (1, 2) for day in DAYS}
    _check(told, rows, DAYS)


def _people(day: int = DAY) -> list[bytes]:
    """Visitors of a day of the first site, each once, in one order."""
    return sorted({row[VISITOR] for row in invented(1, day, 24) if any(row[VISITOR])})


def _fill_people(root: Path) -> None:
    place = _open(root)
    for domain, zone in ZONES.items():
        add_site(place.store, NewSite(domain, zone, SiteSettings(raw_days=35)), now=1)
    place.insert([row for site in (1, 2) for row in invented(site, DAY, 24)], 1)
    place.visits.tick()


def _ask(root: Path, visitor: bytes) -> None:
    store = ControlStore.in_directory(root)
    store.migrate()
    ask_erasure(store, "visitor", 1, visitor, day=DAY, now=SEALED_AT)
    store.close()


def _erase(root: Path, point: str, answers: Any) -> None:
    """Erase what is asked for to the end, a minute after it was asked."""
    place = _open(root, point)
    stores = Stores(place.warehouse, place.store, place.ledger, place.spools)
    crash = crash_points(point)
    eraser = Eraser(stores, place.visits.paused, place.clock, newest=place.events.newest, crash=crash)
    place.now = SEALED_AT + 120_000
    for _ in range(4):
        eraser.run()
        waiting = place.purger.finish(30)
        eraser.close()
        if not open_erasures(place.store):
            break
    visitors = place.warehouse.select("SELECT DISTINCT visitor FROM events WHERE site = 1", {}, "control")
    visits = place.warehouse.select("SELECT DISTINCT visitor FROM visits WHERE site = 1", {}, "control")
    names = place.warehouse.select("SELECT 1 FROM erasing UNION ALL SELECT 1 FROM erased_visitors", {}, "control")
    left = ({bytes(one) for (one,) in visitors}, {bytes(one) for (one,) in visits}, len(names))
    faults = place.ledger.verify().faults
    answers.put((len(waiting), left, place.rows(), place.gone(), place.entries(), faults))


def _check_erased(root: Path, gone_people: set[bytes]) -> None:
    answers = SPAWN.SimpleQueue()
    process = SPAWN.Process(target=_erase, args=(root, "", answers))
    process.start()
    while answers.empty():
        process.join(0.1)
        assert process.exitcode in (None, 0), "it died, and not by a kill"
    waiting, (visitors, visits, names), rows, gone, entries, faults = answers.get()
    process.join()
    sent = invented(1, DAY, 24)
    erased = [row for row in sent if row[VISITOR] in gone_people]
    rest = {row[VISITOR] for row in sent if row[VISITOR] not in gone_people}
    assert (waiting, names, faults) == (0, 0, [])
    assert visitors == rest
    assert not visits & gone_people
    assert rows == {(1, DAY): len(sent) - len(erased), (2, DAY): len(invented(2, DAY, 24))}
    assert gone[1, DAY].erased == len(erased)
    assert sum(one.rows for one in gone.values()) == len(erased)
    completed = {content["purge"] for kind, content in entries if kind == "erase.completed"}
    assert completed <= {content["purge"] for kind, content in entries if kind == "erase.intended"}
    assert sum(content["rows"] for kind, content in entries if kind == "erase.completed") <= len(erased)


@pytest.mark.long
@pytest.mark.req("R6", "O3")
def test_an_erasure_that_was_killed_at_any_step_is_made_up_for(tmp_path: Path) -> None:
    """kill -9 at each numbered step, of somebody else's erasure each: all of them go, once, and nobody else."""
    process = SPAWN.Process(target=_fill_people, args=(tmp_path,))
    process.start()
    process.join()
    people, answers = _people()[: len(ERASE_POINTS)], SPAWN.SimpleQueue()
    for visitor, point in zip(people, ERASE_POINTS, strict=True):
        _ask(tmp_path, visitor)
        process = SPAWN.Process(target=_erase, args=(tmp_path, point, answers))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, point
    _check_erased(tmp_path, set(people))


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("R6", "O3")
def test_two_hundred_kills_while_people_are_erased(tmp_path: Path) -> None:
    """Killed at random while erasing, over and over, with more requests each time."""
    rng, kills, number = random.Random(2), 0, 0
    while kills < KILLS:
        root = tmp_path / str(number)
        root.mkdir()
        number += 1
        process = SPAWN.Process(target=_fill_people, args=(root,))
        process.start()
        process.join()
        people, answers = _people()[:12], SPAWN.SimpleQueue()
        for visitor in people:
            _ask(root, visitor)
            process = SPAWN.Process(target=_erase, args=(root, "", answers))
            process.start()
            process.join(rng.uniform(1.2, 6))
            if process.is_alive():
                process.kill()
                kills += 1
            process.join()
        _check_erased(root, set(people))


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("R1", "R2", "R3", "O3")
def test_two_hundred_kills_at_any_moment(tmp_path: Path) -> None:
    """Killed at random while purging, over and over."""
    rng, kills, number = random.Random(1), 0, 0
    days = range(DAY, DAY + 12)
    rows = {(site, day): len(invented(site, day, 2)) for site in (1, 2) for day in days}
    while kills < KILLS:
        root = tmp_path / str(number)
        root.mkdir()
        number += 1
        process = SPAWN.Process(target=_fill, args=(root, days))
        process.start()
        process.join()
        answers = SPAWN.SimpleQueue()  # a process that is only begun finds it by its name: somebody has to keep it
        for day in days:
            process = SPAWN.Process(target=_settle, args=(root, "", day, answers))
            process.start()
            process.join(rng.uniform(1.2, 5))
            if process.is_alive():
                process.kill()
                kills += 1
            process.join()
        _check(_told(root, days[-1]), rows, days)


@pytest.mark.req("R1")
def test_a_purge_that_was_cut_short_is_given_up_when_the_aggregates_changed(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    """The rows that are still there stay, those that went are counted as gone, and the ledger says so."""
    place = Place(tmp_path, warehouse)
    place.fill(3)
    place.seal()
    place.now = SOON
    rows = place.rows()

    def die(point: str) -> None:
        if point == "purge.intended":
            raise KeyboardInterrupt

    place.purger._crash = die
    decision = place.purger.decide(Choice(SOON))[0]
    with pytest.raises(KeyboardInterrupt):
        place.purger.remove(decision, Choice(SOON))
    seal = all_seals(place.store)[0]
    save_seals(place.store, [seal._replace(digest="1" * 64)])
    place.purger._crash = lambda _: None
    place.purger.settle()
    assert place.rows() == rows
    assert open_purges(place.store) == []
    assert [kind for kind, _ in place.entries()] == ["purge.intended", "purge.given_up"]
    assert {key: one.rows for key, one in place.gone().items()} == {(1, DAY): 0, (2, DAY): 0}
    save_seals(place.store, [seal])
    assert place.purge() == []
    assert {key: one.rows for key, one in place.gone().items()} == {key: rows[key] for key in [(1, DAY), (2, DAY)]}
    place.store.close()


@pytest.mark.req("R3")
def test_nothing_is_purged_without_a_ledger_that_holds(tmp_path: Path, warehouse: Warehouse) -> None:
    """A ledger whose end was cut off takes no intention, so nothing goes."""
    place = Place(tmp_path, warehouse)
    place.fill(3)
    place.seal()
    for _ in range(2):
        place.ledger.append("salt.destroyed", {"n": _}, now=1)
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    rows = place.rows()
    with pytest.raises(LedgerBroken):
        place.purge()
    assert place.rows() == rows
    place.store.close()
