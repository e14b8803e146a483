"""Visits, seals and sealed answers: a tick on a large day, sealing one large and many small sites, what aggregates take,
the overview over twelve months and over 90 days of fifty million events, and how much of a small site stays readable.

`python -m bench.aggregates [PART...]`: only these parts; `FOOTFALL_BENCH_EVENTS` events instead of two million.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from aggregator.seal import Sealer
from aggregator.spans import SpanSealer
from aggregator.visits import VisitTable
from collector.importers.invented import Shape, invent_day
from console.answers import statistics_of
from console.stats.parse import parse
from console.stats.query import SiteRef
from console.stats.run import Statistics
from control_store.marks import visit_marks
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from event_catalogue.aggregates import KEPT_MEASURES
from event_catalogue.dimensions import OTHER
from event_catalogue.event import Row
from event_catalogue.fields import POSITION
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.migrate import migrate
from warehouse.rollup_rows import Rollup
from warehouse.seals import RollupTable
from warehouse.settings import WarehouseSettings

EVENTS: Final = int(os.environ.get("FOOTFALL_BENCH_EVENTS", "2000000"))
PER_VISITOR: Final = 7.2
"""Events of an invented visitor, on average."""
DAY: Final = 20_423
ZONE: Final = "Europe/Zurich"
_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)
_OVERVIEW: Final = ("time:day", "visit:channel", "event:page", "visit:country", "visit:device", "visit:browser")


class Place:
    """A warehouse and a control store of their own."""

    def __init__(self, directory: Path) -> None:
        self.warehouse = Warehouse(WarehouseSettings(f"chdb://{directory}/warehouse"))
        migrate(self.warehouse)
        self.store = ControlStore.in_directory(directory)
        self.store.migrate()
        self.events = EventTable(self.warehouse)
        self.visits = VisitTable(self.warehouse, self.store, nullcontext)
        self.sealer = Sealer(self.warehouse, self.store, lambda: (DAY + 900) * _DAY_MS)
        self.batch = 1 << 32

    def load(self, rows: Iterator[Row], block: int = 100_000) -> int:
        """Load rows of one day in blocks."""
        count, waiting = 0, []
        for row in rows:
            waiting.append(row)
            if len(waiting) == block:
                count += self._load(waiting)
                waiting = []
        return count + (self._load(waiting) if waiting else 0)

    def _load(self, rows: list[Row]) -> int:
        self.batch += 1
        self.events.insert(rows, batch=self.batch, token=str(self.batch))
        return len(rows)

    def bytes_of(self, table: str) -> int:
        """Bytes on the disk, after merging."""
        self.warehouse.command(f"OPTIMIZE TABLE {table} FINAL", slot="seal")
        rows = self.warehouse.select(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND "
            "table = {table:String}",
            {"table": table},
            "seal",
        )
        return int(rows[0][0])


@contextmanager
def fresh() -> Iterator[Place]:
    """A place that vanishes."""
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as name:
        place = Place(Path(name))
        yield place
        place.store.close()
        place.warehouse.close()


def rows_of(site: int, visitors: int, day: int = DAY, seed: int = 1) -> Iterator[Row]:
    """The rows of a site's day."""
    shape = Shape(site, "invented.example", ZONE, visitors, seed)
    for visit in invent_day(shape, day, stored_on=30_000, received=1).visits:
        yield from visit


@contextmanager
def measured(what: str) -> Iterator[None]:
    """Print wall time, CPU and the largest memory so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  {what:<58}{wall:>9.2f} s {cpu:>9.2f} s CPU {memory:>6.2f} GB most", flush=True)


def large() -> None:
    """One site-day of the bar's size: first count of its visits, a tick, the seal, the bytes."""
    print(f"one site-day of about {EVENTS:,} events")
    with fresh() as place:
        add_site(place.store, NewSite("invented.example", ZONE), now=1)
        rows = place.load(rows_of(1, round(EVENTS / PER_VISITOR)))
        with measured(f"visits of {rows:,} new rows"):
            place.visits.tick()
        for seed in (2, 3, 4):
            news = [row for _, row in zip(range(5_000), rows_of(1, 2_000, seed=seed), strict=False)]
            place.load(iter(news + _more_of_known(place, news)))
            with measured(f"tick of {len(news) * 2:,} new rows, half of known visitors"):
                place.visits.tick()
        raw = place.bytes_of("events")
        due = place.sealer.due((DAY + 5) * _DAY_MS, (DAY + 5) * _DAY_MS)[0]
        with measured("seal, proof included"):
            assert place.sealer.seal([due])[0].seal
        kept = place.bytes_of("rollups")
        seal = all_seals(place.store)[0]
        print(f"  {seal.rollup_rows:,} aggregates, {kept:,} bytes: {100 * kept / raw:.2f} % of {raw:,} raw bytes")


def _more_of_known(place: Place, news: list[Row]) -> list[Row]:
    """Late events of visitors that were there before."""
    known = place.warehouse.select(
        "SELECT DISTINCT visitor FROM events WHERE bot = '' ORDER BY sipHash64(visitor) LIMIT 1250", {}, "seal"
    )
    more = []
    for number, row in enumerate(news):
        copy = row.copy()
        copy[POSITION["visitor"]] = known[number % len(known)][0]
        copy[POSITION["beacon"]] = os.urandom(16)
        more.append(copy)
    return more


def small() -> None:
    """Two hundred sites of a day at once."""
    print("200 sites of 30 visitors")
    with fresh() as place:
        for site in range(1, 201):
            add_site(place.store, NewSite(f"s{site}.example", ZONE), now=1)
        place.load(row for site in range(1, 201) for row in rows_of(site, 30))
        place.visits.tick()
        due = place.sealer.due((DAY + 5) * _DAY_MS, (DAY + 5) * _DAY_MS)[0]
        with measured("seal of all, proof included"):
            assert all(one.seal for one in place.sealer.seal([due]))


def sizes() -> None:
    """What the aggregates of a day take beside its raw rows."""
    print("bytes of aggregates beside raw rows, merged")
    for events in (20_000, 200_000):
        with fresh() as place:
            add_site(place.store, NewSite("invented.example", ZONE), now=1)
            rows = 0
            for day in range(DAY, DAY + 3):
                rows += place.load(rows_of(1, round(events / PER_VISITOR), day))
            place.visits.tick()
            for due in place.sealer.due((DAY + 9) * _DAY_MS, (DAY + 9) * _DAY_MS):
                assert place.sealer.seal([due])[0].seal
            raw, kept = place.bytes_of("events"), place.bytes_of("rollups")
            print(
                f"  {rows / 3:>9,.0f} events a day: {kept / 3:>9,.0f} of {raw / 3:>11,.0f} bytes, {100 * kept / raw:.2f} %"
            )


def overview() -> None:
    """The overview's questions over twelve sealed months, and over today's raw rows."""
    with fresh() as place:
        add_site(place.store, NewSite("invented.example", ZONE), now=1)
        place.load(rows_of(1, 3_000))
        place.visits.tick()
        place.sealer.seal(place.sealer.due((DAY + 9) * _DAY_MS, (DAY + 9) * _DAY_MS)[:1])
        seal = all_seals(place.store)[0]
        table = RollupTable(place.warehouse)
        rows: list[Rollup] = table.read(1, DAY, seal.run)
        for back in range(1, 366):
            table.write({(1, DAY - back): 1000 + back}, [(DAY - back, row) for row in rows])
            save_seals(place.store, [seal._replace(day=DAY - back, run=1000 + back)])
        print(f"the overview over 366 sealed days of {len(rows):,} aggregates ({len(KEPT_MEASURES)} measures)")
        clock = lambda: DAY * _DAY_MS + 80_000_000  # noqa: E731
        _ask_all(Statistics(place.warehouse, clock, partial(seals_of, place.store)), DAY - 365)
        events = min(EVENTS // 2, 1_000_000)
        loaded = place.load(rows_of(2, round(events / PER_VISITOR)))
        place.visits.tick()
        print(f"the overview over a day of {loaded:,} raw rows")
        counted = visit_marks(place.store).values()
        _ask_all(Statistics(place.warehouse, clock, counted=lambda *_: counted), DAY, site=2)


def months() -> None:
    """The same panels of 90 days from raw rows and from aggregates: 25 times as many events as the other parts have."""
    with fresh() as place:
        add_site(place.store, NewSite("invented.example", ZONE), now=1)
        rows = place.load(rows_of(1, round(25 * EVENTS / 90 / PER_VISITOR)))
        place.visits.tick()
        place.sealer.seal(place.sealer.due((DAY + 9) * _DAY_MS, (DAY + 9) * _DAY_MS)[:1])
        seal = all_seals(place.store)[0]
        told = RollupTable(place.warehouse).read(1, DAY, seal.run)
        for back in range(1, 90):
            _copy_day(place, back)
            day, run = DAY - back, 1000 + back
            RollupTable(place.warehouse).write({(1, day): run}, [(day, row) for row in told])
            save_seals(place.store, [seal._replace(day=day, run=run)])
        print(f"the overview over 90 days of {rows * 90:,} raw rows, then over the same days sealed")
        clock = lambda: (DAY + 9) * _DAY_MS  # noqa: E731
        counted = visit_marks(place.store).values()
        _ask_all(Statistics(place.warehouse, clock, counted=lambda *_: counted), DAY - 89)
        _ask_all(Statistics(place.warehouse, clock, partial(seals_of, place.store)), DAY - 89)


def _copy_day(place: Place, back: int) -> None:
    """The invented day once more, some days before, with its visits; its visitors are others."""
    shifted = {
        "day": f"day - {back}",
        "visitor": f"reinterpretAsFixedString(bitXor(reinterpretAsUInt128(visitor), {back}))",
    }
    times = {
        "events": {"at": f"at - INTERVAL {back} DAY"},
        "visits": {"began": f"arrayMap(b -> b - {back * _DAY_MS}, began)"},
    }
    for table, more in times.items():
        changes = ", ".join(f"{text} AS {name}" for name, text in {**shifted, **more}.items())
        place.warehouse.command(
            f"INSERT INTO {table} SELECT * REPLACE ({changes}) FROM {table} WHERE day = toDate({DAY})",
            slot="seal",
        )


def _ask_all(statistics: Statistics, first: int, site: int = 1) -> None:
    span = [(_EPOCH + timedelta(days=day)).isoformat() for day in (first, DAY)]
    metrics = ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration"]
    questions: list[dict[str, Any]] = [{"site_id": "x", "metrics": metrics, "date_range": span}]
    for name in _OVERVIEW:
        questions.append({**questions[0], "metrics": metrics[:2], "dimensions": [name], "pagination": {"limit": 10}})
    where = SiteRef(site, "invented.example", ZONE)
    for turn in ("first", "second", "warm"):
        wall, cpu = time.perf_counter(), time.process_time()
        for question in questions:
            statistics.answer(parse(question), where)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"  {len(questions)} questions, {turn}: {wall * 1e3:.0f} ms, {cpu * 1e3:.0f} ms CPU")


_READABLE: Final = {"event:page": "pageviews", "visit:source": "visits", "visit:country": "visits"}


def readable() -> dict[tuple[int, str, str], float]:
    """How many page views have a name, on small sites: (visitors a day, period, dimension) → percent."""
    print("share of page views (source and country: visits) with a named value, small groups merged by k = 5")
    first = (date(2026, 2, 2) - _EPOCH).days  # a Monday
    shares = {}
    with fresh() as place:
        sizes = {1: 10, 2: 30, 3: 100}
        for visitors in sizes.values():
            add_site(place.store, NewSite(f"s{visitors}.example", ZONE), now=1)
        for day in range(first - 1, first + 27):
            place.load(row for site, visitors in sizes.items() for row in rows_of(site, visitors, day))
        place.visits.tick()
        now = (first + 99) * _DAY_MS
        for chunk in place.sealer.chunks(place.sealer.due(now, now)):
            place.sealer.seal(chunk)
        spans = SpanSealer(place.warehouse, place.store, lambda: now)
        cpu, count = time.process_time(), 0
        while due := spans.due(now, now):
            count += sum(bool(spans.seal(one)) for one in due)
        print(f"  {count} weeks and months sealed, {(time.process_time() - cpu) / count:.2f} s CPU each")
        statistics = statistics_of(place.warehouse, place.store, lambda: now)
        for site, visitors in sizes.items():
            where = SiteRef(site, "invented.example", ZONE)
            for period, begin, end in (("month", first - 1, first + 26), ("week", first + 7, first + 13)):
                span = [(_EPOCH + timedelta(days=day)).isoformat() for day in (begin, end)]
                mine = {
                    name: _named(statistics, where, {"dimensions": [name], "metrics": [metric], "date_range": span})
                    for name, metric in _READABLE.items()
                }
                shares |= {(visitors, period, name): share for name, share in mine.items()}
                told = ", ".join(f"{name} {share:.1f} %" for name, share in mine.items())
                print(f"  {visitors:>4} visitors a day, a {period:<6}{told}")
    return shares


def _named(statistics: Statistics, site: SiteRef, question: dict[str, Any]) -> float:
    """Of a metric's sum the share that is not in `(other)`, percent."""
    asked = {"site_id": "x", "pagination": {"limit": 10_000}, **question}
    rows = statistics.answer(parse(asked), site)["results"]
    named = sum(row["metrics"][0] for row in rows if row["dimensions"] != [OTHER])
    return 100 * named / sum(row["metrics"][0] for row in rows)


PARTS: Final[dict[str, Callable[[], object]]] = {
    "large": large,
    "small": small,
    "sizes": sizes,
    "overview": overview,
    "readable": readable,
    "months": months,
}


def main(names: tuple[str, ...] = ()) -> None:
    """Run all parts, or the named ones."""
    for name in names or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
