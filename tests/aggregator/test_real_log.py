"""A real access log, imported: its visits and every aggregate of its days, cell by cell."""

from datetime import timedelta
from pathlib import Path

import pytest

from event_catalogue.aggregates import KEPT
from tests.aggregator.rollup_count import count_day
from tests.aggregator.test_rollups import EPOCH, as_events, counted, store
from tests.aggregator.test_visits import same, stored_visits
from tests.aggregator.visit_count import count_visits
from tests.collector.test_staging import Place
from tests.collector.world import read_spool
from tests.warehouse.engine import fresh_warehouse
from tests.whole.reference import LOG, lines

K = 5


@pytest.mark.req("A1", "A3", "A4")
@pytest.mark.skipif(not LOG.is_file(), reason=f"the labelled data is not here: {LOG.name}")
def test_the_log_counts_as_by_hand(tmp_path: Path) -> None:
    """Eight thousand requests of four days, machines among them: the same visits, and the same merged tables."""
    place = Place(tmp_path).site()
    place.run([line.encode() for line in lines()])
    [spool] = (tmp_path / "spool").iterdir()
    rows = [row for parcel in read_spool(spool).parcels for row in parcel.rows]
    for row in rows:
        row[10] = 30_000  # stored_on: no row of a test reaches the legal maximum
    warehouse = fresh_warehouse()
    other = tmp_path / "other"
    other.mkdir()
    store(warehouse, other, rows)
    events = as_events(rows)
    same(stored_visits(warehouse), count_visits(events))
    names = [one.name for one in KEPT]
    days = sorted({row[1] for row in rows})
    assert len(days) >= 4
    for day in days:
        found = counted(warehouse, EPOCH + timedelta(days=day), {1: ("UTC", K)})[1]
        for name in ("next_page", "previous_page", "revenue"):  # counted by hand in tests of their own
            del found[name]
        assert found == count_day(events, 1, EPOCH + timedelta(days=day), K, "UTC", names)
    warehouse.close()
    place.store.close()
