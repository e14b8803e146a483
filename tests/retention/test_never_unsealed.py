"""Raw rows never go before a verified seal: whatever is scheduled, killed, tampered with, and whatever the clock says."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from control_store.seals import all_seals, save_seals
from event_catalogue.days import day_end
from retention.purge import PURGE_POINTS, Choice
from tests.retention.place import DAY, DAY_MS, ZONES, Place, invented
from tests.warehouse.engine import fresh_warehouse
from warehouse.seals import digest

DAYS = (DAY, DAY + 1)
SITES = (1, 2)


class Killed(BaseException):
    """As a kill: nobody catches it."""


class Schedules(RuleBasedStateMachine):
    """Rows come, days are sealed, seals and aggregates tampered with and mended, the clock jumps, purges are killed."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.warehouse = fresh_warehouse()
        self.place = Place(Path(self.folder.name), self.warehouse)
        self.due: dict[tuple[int, int], int] = {}
        self.sealed: set[tuple[int, int]] = set()
        self.broken: dict[tuple[int, int], Any] = {}
        self.rows: dict[tuple[int, int], int] = {}
        self.batch = 1000
        self.latest = 0
        """The latest moment at which anybody has asked what is due."""

    @initialize()
    def fill(self) -> None:
        """Two days of two sites."""
        self.place.fill(1)
        self.rows = self.place.rows()
        self.due = {
            (site, day): day_end(zone, day) + 35 * DAY_MS
            for site, zone in enumerate(ZONES.values(), start=1)
            for day in DAYS
        }

    @rule(site=st.sampled_from(SITES), day=st.sampled_from(DAYS))
    def seal(self, site: int, day: int) -> None:
        """Seal a day, unless it is."""
        if (site, day) not in self.sealed and (site, day) in self.place.rows():
            self.place.seal(sites=(site,), days=(day,))
            self.sealed.add((site, day))

    @rule(site=st.sampled_from(SITES), day=st.sampled_from(DAYS))
    def late(self, site: int, day: int) -> None:
        """Rows come, late or not."""
        rows = invented(site, day, 1)
        self.batch += 1
        self.place.insert(rows, self.batch)
        self.rows[site, day] += len(rows)

    @precondition(lambda self: self.sealed - self.broken.keys())
    @rule(data=st.data(), how=st.sampled_from(["seal", "aggregate", "row"]))
    def tamper(self, data: st.DataObject, how: str) -> None:
        """Change a seal's digest, an aggregate on the disk, or the number of rows that it counted."""
        key = data.draw(st.sampled_from(sorted(self.sealed - self.broken.keys())))
        seal = next(one for one in all_seals(self.place.store) if (one.site, one.day) == key)
        self.broken[key] = (how, seal)
        if how == "seal":
            save_seals(self.place.store, [seal._replace(digest="f" * 64)])
        elif how == "row":
            save_seals(self.place.store, [seal._replace(raw_rows=seal.raw_rows + 10_000)])
        else:
            self._write(seal, 1)

    @precondition(lambda self: self.broken)
    @rule(data=st.data())
    def mend(self, data: st.DataObject) -> None:
        """Undo it."""
        key = data.draw(st.sampled_from(sorted(self.broken)))
        how, seal = self.broken.pop(key)
        purged = next(one.purged for one in all_seals(self.place.store) if (one.site, one.day) == key)
        save_seals(self.place.store, [seal._replace(purged=purged)])
        if how == "aggregate":
            self._write(seal, -1)

    @rule(
        days=st.sampled_from([-400, 20, 36, 37, 38, 39, 60, 400]),
        kill=st.sampled_from(["", "", *PURGE_POINTS]),
    )
    def purge(self, days: int, kill: str) -> None:
        """The clock says this, and a purge runs, or is killed on its way."""
        before = self.place.rows()
        may = {key for key in self.sealed if key not in self.broken}
        now = (DAY + days) * DAY_MS
        self.latest = max(self.latest, now)
        self._run(now, kill)
        for key in before.keys() - self.place.rows().keys():
            assert key in may, f"{key} went without a verified seal"
            assert self.due[key] <= self.latest, f"{key} went before its time"
        for key, count in before.items():
            assert self.place.rows().get(key, 0) in (0, count)

    @rule()
    def settle(self) -> None:
        """The next start."""
        self.place.purger.settle()

    @invariant()
    def all_rows_are_accounted_for(self) -> None:
        """What is not there was purged, to the unit; unless a purge is cut short, of which the next start tells."""
        self.place.purger.settle()
        gone = self.place.gone()
        for key, count in self.rows.items():
            assert self.place.rows().get(key, 0) + (gone[key].rows if key in gone else 0) == count

    def teardown(self) -> None:
        """Give back the database."""
        self.place.store.close()
        self.warehouse.close()
        self.folder.cleanup()

    def _run(self, now: int, kill: str) -> None:
        def crash(point: str) -> None:
            if point == kill:
                raise Killed

        self.place.now = now
        self.place.purger._crash = crash
        try:
            self.place.purger.settle()
            for one in self.place.purger.decide(Choice(now)):
                if one.sites:
                    self.place.purger.remove(one, Choice(now))
            self.place.purger.finish(0)
        except Killed:
            pass
        finally:
            self.place.purger._crash = lambda _: None

    def _write(self, seal: Any, more: int) -> None:
        """The day's aggregates again, the first one by so much larger."""
        rows = self.place.rollups.read(seal.site, seal.day, seal.run)
        measures = rows[0].measures
        rows[0] = rows[0]._replace(measures=(measures[0] + more, *measures[1:]))
        self.warehouse.command(f"ALTER TABLE rollups DELETE WHERE run = {seal.run}")
        self.place.rollups.write({(seal.site, seal.day): seal.run}, [(seal.day, row) for row in rows])
        assert (digest(rows) == seal.digest) == (more < 0)


Schedules.TestCase.settings = settings(
    max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.req("R1", "A2")
class TestSchedules(Schedules.TestCase):  # type: ignore[misc,name-defined]  # made by hypothesis
    """A few of them; the long form tries hundreds."""


class Many(Schedules):
    """The same, for long."""


Many.TestCase.settings = settings(
    max_examples=300, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.req("R1", "A2")
class TestManySchedules(Many.TestCase):  # type: ignore[misc,name-defined]  # made by hypothesis
    """Hundreds of them."""
