"""Purging: what goes and when, what holds it back, what is left on the disk, and that all adds up."""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from control_store.purges import open_purges
from control_store.seals import all_seals, save_seals
from control_store.site_settings import SiteSettings
from control_store.sites import delete_site, find_site, save_settings
from event_catalogue.days import day_end
from retention.policy import PATIENCE_MS
from retention.purge import Choice
from spool.cuts import CutPlan, DeadLetter
from spool.journal import Journal
from spool.quarantine import Quarantine
from tests.retention.place import DAY, DAY_MS, DUE_AT, SOON, ZONES, Place, invented, partition
from tests.warehouse.engine import fresh_warehouse
from warehouse.rollup_rows import Rollup
from warehouse.seals import RollupTable, digest

pytestmark = pytest.mark.req("R1")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    warehouse = fresh_warehouse()
    made = Place(tmp_path, warehouse)
    made.fill()
    yield made
    made.store.close()
    warehouse.close()


def _due(place: Place, now: int, **choice: int) -> list[tuple[int, str, list[int]]]:
    decisions = place.purger.decide(Choice(now, **choice))
    return [(one.partition.day, one.method, [part.site for part in one.sites]) for one in decisions if one.sites]


def test_sealed_days_go_when_their_period_is_over_by_every_sites_clock(place: Place) -> None:
    """Not a millisecond before, not the unsealed day, and of nothing else."""
    place.seal(days=(DAY, DAY + 1))
    before = place.rows()
    last = max(day_end(zone, DAY) for zone in ZONES.values()) + 35 * DAY_MS
    assert _due(place, last - 1) == []
    assert _due(place, last) == [(DAY, "drop", [1, 2])]
    assert _due(place, last, day=DAY + 1) == []
    assert _due(place, DUE_AT) == [(DAY, "drop", [1, 2]), (DAY + 1, "drop", [1, 2])]
    assert place.purge(DUE_AT, to_the_end=True) == []
    assert place.rows() == {key: count for key, count in before.items() if key[1] == DAY + 2}
    assert place.visit_days() == [(1, DAY + 2), (2, DAY + 2)]
    assert place.purged_days() == [(1, DAY), (1, DAY + 1), (2, DAY), (2, DAY + 1)]
    assert {key: (gone.purged, gone.erased) for key, gone in place.gone().items()} == {
        key: (count, 0) for key, count in before.items() if key[1] != DAY + 2
    }
    assert not _with_rows(place, {name for name in place.files() if not name.startswith(partition(DAY + 2).id)})
    assert _due(place, DUE_AT) == []


@pytest.mark.req("R2", "R3")
def test_the_ledger_has_the_intention_and_the_end(place: Place) -> None:
    """Each purge twice, with whole numbers, and the digest of what stays; the chain holds."""
    place.seal()
    rows = place.rows()
    place.purge(to_the_end=True)
    (first, intended), (second, completed) = place.entries()
    assert (first, second) == ("purge.intended", "purge.completed")
    digests = {seal.site: seal.digest for seal in all_seals(place.store) if seal.day == DAY}
    assert intended["sites"] == [
        {"site": site, "rows": rows[site, DAY], "late": 0, "why": "purged", "seal": digests[site], "verified": True}
        for site in (1, 2)
    ]
    assert completed["purge"] == intended["purge"]
    assert completed["rows"] == rows[1, DAY] + rows[2, DAY]
    assert (completed["day"], completed["keep"]) == ("2025-12-01", 35)
    assert place.ledger.verify().faults == []


def test_changed_aggregates_hold_a_purge_back(place: Place) -> None:
    """One number, one row less, one more, another run: nothing is purged, and it is said why."""
    place.seal()
    table = RollupTable(place.warehouse)
    seal = next(one for one in all_seals(place.store) if (one.site, one.day) == (1, DAY))
    rows = table.read(1, DAY, seal.run)

    def tampered(text: str) -> None:
        place.warehouse.command(f"ALTER TABLE rollups DELETE WHERE run = {seal.run}")
        table.write({(1, DAY): seal.run}, [(DAY, row) for row in changed])
        assert (1, text) in place.purge()
        assert place.entries() == []

    different = "its aggregates are not those that were sealed"
    changed = [rows[0]._replace(measures=(*rows[0].measures[:2], 1, *rows[0].measures[3:])), *rows[1:]]
    tampered(different)
    changed = rows[1:]
    tampered(f"it has {len(rows) - 1} aggregates, and {len(rows)} were sealed")
    changed = [*rows, rows[-1]._replace(key="more")]
    tampered(f"it has {len(rows) + 1} aggregates, and {len(rows)} were sealed")
    changed = rows
    save_seals(place.store, [seal._replace(digest="0" * 64)])
    tampered(different)
    save_seals(place.store, [seal])
    assert place.purge() == []
    assert (1, DAY) not in place.rows()


def test_missing_rows_hold_a_purge_back_and_late_ones_go_along(place: Place) -> None:
    """A row that a seal counted and that nobody took out is not there: something is wrong, and nothing is purged."""
    place.seal(days=(DAY, DAY + 1))
    batch = place.warehouse.select("SELECT min(beacon) FROM events WHERE day = toDate(20423) AND site = 2", {}, "seal")
    lost = place.rows()[2, DAY]
    place.warehouse.command(
        "ALTER TABLE events DELETE WHERE site = 2 AND beacon = unhex({beacon:String})", {"beacon": batch[0][0].hex()}
    )
    lost -= place.rows()[2, DAY]
    assert lost
    of = next(seal.raw_rows for seal in all_seals(place.store) if (seal.site, seal.day) == (2, DAY))
    assert place.purge() == [(2, f"{lost} of its {of} raw rows are missing")]
    place.insert(invented(1, DAY + 1, 3), 900)
    late = place.rows()[1, DAY + 1] - next(
        seal.raw_rows for seal in all_seals(place.store) if (seal.site, seal.day) == (1, DAY + 1)
    )
    assert place.purge(DUE_AT, day=DAY + 1) == []
    intended = next(content for kind, content in place.entries() if kind == "purge.intended")
    assert [one["late"] for one in intended["sites"] if one["site"] == 1] == [late]
    # Still later ones go with the next purge, and are late too.
    place.insert(invented(1, DAY + 1, 2), 901)
    later = place.rows()[1, DAY + 1]
    assert place.purge(DUE_AT, day=DAY + 1) == []
    assert [content["sites"][0]["late"] for kind, content in place.entries() if kind == "purge.intended"][-1] == later
    assert place.gone()[1, DAY + 1].late == late + later


def test_a_site_that_cannot_be_sealed_holds_the_others_for_two_days(place: Place) -> None:
    """Then their rows are written out of the partition; its own stay, row for row."""
    place.seal(sites=(1,))
    waited = day_end(ZONES["first.example"], DAY) + 35 * DAY_MS + PATIENCE_MS
    mine = _content(place, 2, DAY)
    assert place.purge(waited - 1, day=DAY) == [(2, "the day is not sealed")]
    assert (1, DAY) in place.rows()
    assert place.purge(waited, day=DAY) == [(2, "the day is not sealed")]
    assert (1, DAY) not in place.rows()
    assert _content(place, 2, DAY) == mine
    assert (2, DAY) in place.visit_days()
    assert (1, DAY) not in place.visit_days()
    assert [content["method"] for kind, content in place.entries() if kind == "purge.intended"] == ["rewrite"]
    place.seal(sites=(2,))
    assert place.purge(waited, day=DAY) == []
    assert (2, DAY) not in place.rows()


def test_a_shortened_period_holds_for_rows_that_are_there(place: Place) -> None:
    """They are written out two days after they are due; a prolonged period changes nothing for them."""
    place.seal(days=(DAY, DAY + 1))
    site = find_site(place.store, "first.example")
    over = day_end(ZONES["first.example"], DAY)
    assert _due(place, over + 9 * DAY_MS, day=DAY, raw_days=7) == [(DAY, "drop", [1, 2])]
    assert _due(place, over + 9 * DAY_MS, day=DAY, raw_days=7, site=1) == [(DAY, "rewrite", [1])]
    save_settings(place.store, site, SiteSettings(raw_days=7))
    assert _due(place, over + 9 * DAY_MS - 1, day=DAY) == []
    assert _due(place, over + 9 * DAY_MS, day=DAY) == [(DAY, "rewrite", [1])]
    place.purge(over + 9 * DAY_MS, day=DAY)
    assert {key for key in place.rows() if key[1] == DAY} == {(2, DAY)}
    save_settings(place.store, site, SiteSettings(raw_days=90))
    assert _due(place, DUE_AT, day=DAY + 1) == [(DAY + 1, "drop", [1, 2])]


def test_two_periods_of_one_day_go_one_after_the_other(place: Place) -> None:
    """The setting was changed at noon: each row has the period that held when it came, and all add up."""
    rows = invented(1, DAY, 8)
    place.insert(rows, 700, keep=7)
    place.seal()
    total = place.rows()[1, DAY]
    assert place.purge((DAY + 10) * DAY_MS, day=DAY) == []
    assert place.rows()[1, DAY] == total - len(rows)
    assert (1, DAY) not in place.visit_days()
    assert place.purge() == []
    assert place.gone()[1, DAY].purged == total
    assert place.gone()[1, DAY].late == 0


def test_a_deleted_sites_rows_go_at_once_and_an_unknown_ones_never(place: Place) -> None:
    """A control store that was lost knows no site: that must not delete all rows."""
    place.insert([_of_site(row, 77) for row in invented(1, DAY, 3)], 800)
    place.seal()
    site = find_site(place.store, "second.example")
    rows = place.rows()
    delete_site(place.store, site, now=1)
    assert place.purge(place.now) == []
    left = {key: count for key, count in rows.items() if key[0] != 2}
    assert place.rows() == left
    assert {key: gone.erased for key, gone in place.gone().items()} == {
        key: count for key, count in rows.items() if key[0] == 2
    }
    place.purge(DUE_AT + 90 * DAY_MS)
    assert set(place.rows()) == {(1, DAY + 1), (1, DAY + 2), (77, DAY)}


@pytest.mark.req("R2")
def test_dead_letters_of_a_purged_day_go_along_and_are_counted(place: Place) -> None:
    """Those of the sites and the day; they count as purged in the sum of what was stored."""
    place.seal()
    journal = Journal(place.spools, lambda: 1)
    letters = [
        DeadLetter("rejected", site, day, 1, "w", number, 1, 5, f"needle-{site}-{day}-".encode() * 9)
        for number, (site, day) in enumerate([(1, DAY), (1, DAY + 2), (0, DAY), (2, DAY)])
    ]
    tallies = {(one.site, one.day, "stored", ""): 1 for one in letters}
    journal.close_cut(journal.fix(CutPlan(ranges=(), dead=tuple(letters), tallies=tallies)))
    place.purge(to_the_end=True)
    with Quarantine(place.spools) as quarantine:
        assert [one.letter for one in quarantine.letters()] == [letters[1], letters[2]]
    assert journal._all("SELECT site, n FROM totals WHERE outcome = 'stored' AND reason = 'purged'") == [(1, 1), (2, 1)]
    assert journal.outcomes()["stored"] == 4
    journal.close()
    bodies = b"".join(path.read_bytes() for path in place.spools.iterdir())
    assert (b"needle-1-20423-" in bodies, b"needle-0-20423-" in bodies) == (False, True)


@pytest.mark.req("R2")
def test_what_a_reader_holds_is_not_called_gone(place: Place) -> None:
    """A part lies on the disk as long as a question reads it, a file as long as something is in it: told, and ended
    later."""
    place.seal()
    place.now = SOON
    choice = Choice(SOON)
    held = Path(place.warehouse.query("warehouse.data_paths", {"table": "events"}, "control")[0][0])
    aside = held / "detached" / f"{partition(DAY).id}_1_1_0"
    aside.mkdir()
    purge = place.purger.remove(place.purger.decide(choice)[0], choice)
    assert purge
    waiting = place.purger.finish(6)
    assert [one.number for one in waiting] == [purge.number]
    assert f"{aside.name}" in waiting[0].remark
    assert [kind for kind, _ in place.entries()] == ["purge.intended"]
    aside.rmdir()
    assert place.purger.finish(10) == []
    assert [kind for kind, _ in place.entries()] == ["purge.intended", "purge.completed"]
    assert open_purges(place.store) == []


@pytest.mark.req("R2")
def test_a_part_that_a_question_is_reading_is_waited_for(place: Place) -> None:
    """A real one, that takes some seconds: its files are on the disk until it has ended, and the ledger waits."""
    place.seal()
    place.now = SOON
    choice = Choice(SOON)
    rows = sum(count for (_, day), count in place.rows().items() if day == DAY)
    slow = (
        f"SELECT count() FROM events WHERE day = toDate({DAY}) AND sleepEachRow({6 / rows:.4f}) = 0 AND path != 'x' "
        "SETTINGS max_threads = 1, function_sleep_max_microseconds_per_block = 60000000"
    )
    reader = threading.Thread(target=place.warehouse.select, args=(slow, {}, "console"))
    held = Path(place.warehouse.query("warehouse.data_paths", {"table": "events"}, "control")[0][0])
    parts = [one.name for one in held.glob(f"{partition(DAY).id}_*")]
    decision = place.purger.decide(choice)[0]
    reader.start()
    running = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0%' AND query NOT LIKE '%system.%'"
    while place.warehouse.select(running, {}, "control") == [(0,)]:
        time.sleep(0.05)
    assert place.purger.remove(decision, choice)
    waiting = place.purger.finish(0)
    assert [name for name in parts if (held / name).exists()], "the reader has them"
    assert reader.is_alive()
    assert [name for name in parts if name in waiting[0].remark]
    assert [kind for kind, _ in place.entries()] == ["purge.intended"]
    reader.join()
    assert place.purger.finish(30) == []
    assert not [name for name in parts if (held / name).exists()]
    assert [kind for kind, _ in place.entries()] == ["purge.intended", "purge.completed"]


def _with_rows(place: Place, names: set[str]) -> list[str]:
    """Of these directories those whose part has rows, by the engine's own note in each. A drop leaves some without for
    a second or two."""
    held = [
        Path(row[0])
        for one in ("events", "visits")
        for row in place.warehouse.query("warehouse.data_paths", {"table": one}, "control")
    ]
    found = []
    for note in (path / name / "count.txt" for path in held for name in names):
        with suppress(FileNotFoundError):
            if note.read_text() != "0":
                found.append(note.parent.name)
    return found


def _content(place: Place, site: int, day: int) -> list[tuple[object, ...]]:
    return place.warehouse.select(
        "SELECT count(), sum(cityHash64(*)) FROM events WHERE site = {site:UInt32} AND day = toDate({day:UInt16})",
        {"site": site, "day": day},
        "control",
    )


def _of_site(row: list[object], site: int) -> list[object]:
    return [site, *row[1:]]


@pytest.mark.req("A2")
def test_the_engine_gives_the_digest_of_the_seal(place: Place) -> None:
    """Whatever stands in a value, withheld numbers and an empty run included."""
    texts = [
        "",
        "a",
        "Z",
        "é",
        "\u2603",
        "a b",
        "it's",
        'say "so"',
        "back\\slash",
        "new\nline",
        "tab\t",
        "{x:String}",
        "%s",
    ]
    rows = [
        Rollup(1, dimension, key, parent, (-1, 0, 7, 2**53, *range(6)), amount)
        for dimension in ("", "event:page", "visit:country")
        for parent in ("", "CH")
        for key, amount in zip(texts, itertools.cycle((0, -1, 2**50)), strict=False)
    ]
    place.rollups.write({(1, DAY): 900}, [(DAY, row) for row in random.Random(4).sample(rows, len(rows))])
    found = place.rollups.read(1, DAY, 900)
    assert place.rollups.digest(1, DAY, 900) == (len(rows), digest(found))
    assert place.rollups.digest(1, DAY, 901) == (0, digest([]))
