"""A ledger whose every hash is right and that lies all the same is found out, and the entry is named."""

from pathlib import Path

import pytest

from control_store.salts import SaltFile
from control_store.seals import all_seals, save_seals
from control_store.tables import PURGED_ROWS
from control_store.targets import add_target
from event_catalogue.fields import POSITION
from retention.claims import Claims, compare
from retention.ledger import NOTHING, Ledger
from retention.purge import Stores
from retention.tombstones import Target, Tombstones
from tests.retention.place import DAY, SOON, Place, invented
from warehouse.client import Warehouse
from warehouse.erasing import Meant

VISITOR = POSITION["visitor"]
pytestmark = pytest.mark.req("R3")


def _check(place: Place, salts: set[str] | None = None) -> list[str]:
    stores = Stores(place.warehouse, place.store, place.ledger, place.spools)
    return list(Claims(stores, salts or set()).check(list(place.ledger.entries())).faults)


def test_what_is_said_to_be_gone_and_is_there_is_named(tmp_path: Path, warehouse: Warehouse) -> None:
    """Rows of a purged day, aggregates that were changed, sums that differ, rows that went without a word."""
    place = Place(tmp_path, warehouse)
    place.fill(3)
    place.seal(days=(DAY, DAY + 1))
    assert place.purge(SOON, to_the_end=True) == []
    assert _check(place) == []
    intended, completed = (entry for entry in place.ledger.entries() if entry.kind.startswith("purge"))
    assert (intended.content["day"], completed.content["rows"]) == (
        completed.content["day"],
        sum(len(invented(site, DAY, 3)) for site in (1, 2)),
    )
    rows = invented(2, DAY, 3)
    place.insert(rows, 7_000)
    day = completed.content["day"]
    said = f"Entry {completed.number} says that day {day} of site 2 is purged, and {len(rows)} of its rows are there."
    assert _check(place) == [said]
    place.partitions.drop("events", place.partitions.all()[0])
    assert _check(place) == []
    seal = next(one for one in all_seals(place.store) if one.day == DAY and one.site == 1)
    save_seals(place.store, [seal._replace(digest="1" * 64)])
    assert [fault for fault in _check(place) if "not those that were sealed" in fault]
    save_seals(place.store, [seal])
    with place.store.engine.begin() as connection:
        connection.execute(PURGED_ROWS.update().where(PURGED_ROWS.c.site == 1).values(rows=PURGED_ROWS.c.rows - 1))
    assert [fault for fault in _check(place) if f"Entry {completed.number} says" in fault]
    with place.store.engine.begin() as connection:
        connection.execute(PURGED_ROWS.update().where(PURGED_ROWS.c.site == 1).values(rows=PURGED_ROWS.c.rows + 1))
    assert _check(place) == []
    place.partitions.drop("events", place.partitions.all()[0])
    told = _check(place)
    assert len(told) == 2
    assert all("are missing, and no entry tells of them" in fault for fault in told)
    place.store.close()


def test_a_salt_that_is_kept_is_found_out(tmp_path: Path, warehouse: Warehouse) -> None:
    """Its id in the ledger, its bytes in the file; a destroyed one is not there."""
    place = Place(tmp_path, warehouse)
    now = [1_000_000]
    salts = SaltFile(tmp_path / "salts", lambda: now[0])
    salts.salt(1, 0, destroy_at=2_000_000)
    salts.salt(2, 0, destroy_at=9_000_000)
    kept = salts.there()
    assert len(kept) == 2
    now[0] = 3_000_000
    gone = salts.destroy_overdue()
    assert len(gone) == 1
    for one in gone:
        place.ledger.append(
            "salt.destroyed", {"site": one.site, "day": "1970-01-01", "import": 0, "key": one.key_id}, now=1
        )
    assert _check(place, salts.there()) == []
    assert _check(place, kept) == ["Entry 1 says that a salt was destroyed, and it is there."]
    salts.close()
    place.store.close()


def test_somebody_with_a_tombstone_who_is_there_is_found_out(tmp_path: Path, warehouse: Warehouse) -> None:
    """Rows that were received before the asking; later ones may be there."""
    place = Place(tmp_path, warehouse)
    place.fill(3)
    root = tmp_path / "backups"
    Target(root).make()
    add_target(place.store, str(root), now=1)
    rows = invented(1, DAY, 3)
    visitor = next(row[VISITOR] for row in rows if any(row[VISITOR]))
    for upto, faults in ((0, 0), (10, 1)):
        Tombstones(place.store, place.ledger).tell([Meant("visitor", 1, visitor, DAY, upto, 1)], now=1)
        assert len(_check(place)) == faults
        (root / "tombstones.jsonl").write_bytes(b"")
        (root / "tombstones.head").unlink()
    place.store.close()


def test_an_export_of_another_ledger_is_told_apart(tmp_path: Path) -> None:
    """Whole in itself, and not this one's: the first entry that differs is named."""
    heads = [NOTHING]
    own, other = (Ledger(tmp_path / name, lambda: heads[0], lambda _: None) for name in ("own", "other"))
    for number in range(3):
        own.append("a", {"n": number}, now=1)
        other.append("a", {"n": number if number != 1 else 9}, now=1)
    assert list(compare(own.entries(), list(own.entries()))) == []
    assert next(compare(other.entries(), list(own.entries()))).startswith("Entry 2 of the export")
