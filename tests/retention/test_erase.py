"""Erasing people's rows: exactly theirs, in every store, named by no statement, with their visits counted afresh."""

import random
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from control_store.accounting import SpoolState, publish_spools
from control_store.choices import open_withdrawals
from control_store.erasures import ask_erasure, open_erasures
from control_store.site_settings import SiteSettings
from control_store.sites import find_site, save_settings
from control_store.tables import WITHDRAWALS
from event_catalogue.fields import FIELDS, POSITION
from retention.erase import ERASE_POINTS, Eraser
from retention.purge import Stores
from spool.cuts import CutPlan, DeadLetter
from spool.journal import Journal
from spool.quarantine import Quarantine
from tests.retention.place import DAY, Place, invented
from tests.warehouse.engine import fresh_warehouse
from warehouse.client import Warehouse

pytestmark = pytest.mark.req("P4", "R6")
_NAMES = [field.name for field in FIELDS]
_OPENED = [field.name for field in FIELDS if field.field_class in ("consent", "ads")]


class Killed(BaseException):
    """As a kill: nobody catches it."""


class Devices:
    """A place where some visitors have devices that are known."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.eraser = _eraser(place)
        dice = random.Random(3)
        self.devices = [dice.randbytes(16) for _ in range(4)]
        self.sent: list[list[Any]] = []
        for day in (DAY, DAY + 1):
            rows = [list(row) for site in (1, 2) for row in invented(site, day, 12)]
            visitors = sorted({row[POSITION["visitor"]] for row in rows})
            for row in rows:
                number = visitors.index(row[POSITION["visitor"]])
                if number < 8:
                    row[POSITION["returning"]] = self.devices[number % 4]
                    row[POSITION["tier"]] = "consented"
                    row[POSITION["screen"]] = "1440x900"
                    if row[POSITION["name"]] != "pageview" and number % 2:
                        row[POSITION["name"]] = "hover"
            place.insert(rows, 5000 + day)
            self.sent += rows
        place.visits.tick()

    def withdraw(self, site: int, device: bytes, *, statistics: bool = True, ads: bool = True) -> None:
        """As the taker of choices writes it."""
        values = {"site": site, "pseudonym": device, "statistics": statistics, "ads": ads, "asked": self.place.now}
        with self.place.store.engine.begin() as connection:
            connection.execute(WITHDRAWALS.insert().values(values))

    def left(self) -> list[dict[str, Any]]:
        """The rows of these batches, in one order."""
        found = self.place.warehouse.select(f"SELECT {', '.join(_NAMES)} FROM events WHERE batch > 5000", {}, "control")
        return [dict(zip(_NAMES, row, strict=True)) for row in found]

    def close(self) -> int:
        """What happens until the requests are closed; how many are."""
        assert self.place.purger.finish(30) == []
        self.place.now += 120_000
        for _ in range(20):
            if closed := self.eraser.close():
                return closed
            time.sleep(0.5)
        return 0


def _eraser(place: Place, crash: Any = lambda _: None) -> Eraser:
    stores = Stores(place.warehouse, place.store, place.ledger, place.spools)
    return Eraser(stores, place.visits.paused, place.clock, newest=place.events.newest, crash=crash)


@pytest.fixture
def devices(tmp_path: Path, warehouse: Warehouse) -> Any:
    place = Place(tmp_path, warehouse)
    place.fill(1)
    yield Devices(place)
    place.store.close()


def _visits(place: Place) -> list[tuple[Any, ...]]:
    """All visits as they are, but for the number of the count."""
    columns = "site, day, visitor, known, began, took_ms, rows, views, counted, screen, entry_page, keep"
    return sorted(place.warehouse.select(f"SELECT {columns} FROM visits FINAL", {}, "control"))


def _visits_of_rows(place: Place, tmp_path: Path) -> list[tuple[Any, ...]]:
    """Visits as a count of the rows that are there gives them, from nothing."""
    other = fresh_warehouse()
    (tmp_path / "other").mkdir()
    copy = Place(tmp_path / "other", other)
    rows = place.warehouse.select(f"SELECT {', '.join(_NAMES)} FROM events", {}, "control")
    place_of_day = POSITION["day"]

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return int(value.replace(tzinfo=UTC).timestamp() * 1000)
        return (value - date(1970, 1, 1)).days if isinstance(value, date) else value

    for batch, day in enumerate({row[place_of_day] for row in rows}, start=1):
        copy.insert([[plain(value) for value in row] for row in rows if row[place_of_day] == day], batch)
    copy.visits.tick()
    found = _visits(copy)
    copy.store.close()
    other.close()
    return found


def test_a_withdrawal_takes_what_consent_had_opened_and_nothing_else(devices: Devices, tmp_path: Path) -> None:
    """Fields are emptied, events that only consent allows go; under opt_in all rows of the device do."""
    place = devices.place
    save_settings(place.store, find_site(place.store, "second.example"), SiteSettings(policy="opt_in"))
    mine, whole = devices.devices[1], devices.devices[2]
    before = devices.left()
    devices.withdraw(1, mine)
    devices.withdraw(2, whole)
    gone = [row for row in before if row["site"] == 1 and row["returning"] == mine and row["name"] == "hover"]
    gone += [row for row in before if row["site"] == 2 and row["returning"] == whole]
    assert len(gone) > 5
    assert devices.eraser.run() == len(gone)
    nothing = {field.name: field.default for field in FIELDS} | {"tier": "cookieless"}
    expected = []
    for row in before:
        if row["site"] == 1 and row["returning"] == mine:
            if row["name"] != "hover":
                expected.append(row | {name: nothing[name] for name in (*_OPENED, "tier")})
        elif not (row["site"] == 2 and row["returning"] == whole):
            expected.append(row)
    assert sorted(map(str, devices.left())) == sorted(map(str, expected))
    assert _visits(place) == _visits_of_rows(place, tmp_path)
    assert devices.close() == 2
    assert open_withdrawals(place.store) == []
    assert {key: one.erased for key, one in place.gone().items() if one.erased} == _counted(gone)
    assert {kind for kind, _ in place.entries()} == {"erase.intended", "erase.completed"}
    place.seal(days=(DAY,))
    assert place.purge() == [], "what was erased before the seal is not missing"


def _counted(rows: list[dict[str, Any]]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for row in rows:
        key = (row["site"], (row["day"] - date(1970, 1, 1)).days)
        found[key] = found.get(key, 0) + 1
    return found


@pytest.mark.req("R5")
def test_a_device_and_a_visitor_of_a_day_are_erased_and_no_text_names_them(devices: Devices) -> None:
    """All their rows on one site and, of the visitor, on one day; in the dead letters too; no file tells of them."""
    place = devices.place
    device = devices.devices[0]
    day_row = next(row for row in devices.sent if row[0] == 2 and row[POSITION["day"]] == DAY + 1)
    visitor = day_row[POSITION["visitor"]]
    journal = Journal(place.spools, lambda: 1)
    mine = next(row for row in devices.sent if row[0] == 1 and row[POSITION["returning"]] == device)
    other = next(row for row in devices.sent if row[0] == 1 and row[POSITION["returning"]] == devices.devices[3])
    letters = [
        DeadLetter("rejected", 1, DAY, 1, "w", number, 1, 5, msgspec.msgpack.encode(row))
        for number, row in enumerate((mine, other))
    ]
    journal.close_cut(journal.fix(CutPlan(ranges=(), dead=tuple(letters))))
    journal.close()
    before = devices.left()
    ask_erasure(place.store, "returning", 1, device, now=place.now)
    ask_erasure(place.store, "visitor", 2, visitor, day=DAY + 1, now=place.now)
    rows = devices.eraser.run()

    def is_meant(row: dict[str, Any]) -> bool:
        mine_too = row["site"] == 2 and row["visitor"] == visitor and (row["day"].toordinal() - 719_163) == DAY + 1
        return mine_too or (row["site"] == 1 and row["returning"] == device)

    assert rows == sum(map(is_meant, before)) > 5
    assert sorted(map(str, devices.left())) == sorted(str(row) for row in before if not is_meant(row))
    with Quarantine(place.spools) as quarantine:
        assert [one.letter.seq for one in quarantine.letters()] == [1]
    assert devices.close() == 2
    assert open_erasures(place.store) == []
    found = place.warehouse.select("SELECT command FROM system.mutations", {}, "control")
    texts = " ".join(str(text) for (text,) in found)
    assert "erasing" in texts
    assert device.hex() not in texts.lower()
    assert visitor.hex() not in texts.lower()
    assert not place.warehouse.select("SELECT 1 FROM erasing UNION ALL SELECT 1 FROM erased_visitors", {}, "control")


def test_a_request_waits_for_what_still_lies_in_a_spool(devices: Devices) -> None:
    """It is closed when every spool is loaded past the moment of asking, and what came out of it is erased too."""
    place = devices.place
    device = devices.devices[0]
    place.store.migrate()
    publish_spools(place.store, "this machine", [SpoolState("w", place.now - 1, 1)], now=place.now)
    ask_erasure(place.store, "returning", 1, device, now=place.now)
    assert devices.eraser.run() > 0
    assert place.purger.finish(30) == []
    assert devices.eraser.close() == 0
    late = [list(row) for row in devices.sent if row[0] == 1 and row[POSITION["returning"]] == device][:3]
    place.insert([row for row in late if row[POSITION["day"]] == late[0][POSITION["day"]]], 90_000)
    place.visits.tick()
    publish_spools(place.store, "this machine", [SpoolState("w", place.now + 90_000, 0)], now=place.now)
    assert devices.eraser.close() == 0, "rows are there that are meant"
    assert devices.eraser.run() > 0
    assert devices.close() == 1


@pytest.mark.req("O3")
@pytest.mark.parametrize("point", ERASE_POINTS)
def test_an_erasure_that_was_cut_short_is_done_anew(devices: Devices, tmp_path: Path, point: str) -> None:
    """At every step: the rows go once, all add up, and the visits are those of the rows that are left."""
    place = devices.place
    total = place.rows()
    ask_erasure(place.store, "returning", 1, devices.devices[3], now=place.now)

    def die(at: str) -> None:
        if at == point:
            raise Killed

    def until_killed() -> None:
        again = _eraser(place, die)
        again.run()
        assert place.purger.finish(30) == []
        place.now += 120_000
        for _ in range(30):
            again.close()
            time.sleep(0.3)

    with pytest.raises(Killed):
        until_killed()
    devices.eraser.run()
    assert not [row for row in devices.left() if row["site"] == 1 and row["returning"] == devices.devices[3]]
    gone = place.gone()
    for key, count in total.items():
        assert place.rows().get(key, 0) + (gone[key].rows if key in gone else 0) == count
    if point in ("erase.erased", "erase.recounted"):
        assert _visits(place) == _visits_of_rows(place, tmp_path)
