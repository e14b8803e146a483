"""Answers: every single table from the aggregates of a large site's ninety days, and today's overview while events come in.

`python -m bench.answers [kept|live...]`: only these parts. `BENCH_KEPT`: events of the ninety days (50 million),
`BENCH_LIVE`: events of today (1 million), `BENCH_SECONDS`: how long beacons come in (60).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.aggregates import DAY, PER_VISITOR, ZONE, fresh, rows_of
from console.stats.parse import parse
from console.stats.query import SiteRef
from console.stats.run import Statistics
from control_store.seals import all_seals, save_seals, seals_of
from control_store.sites import NewSite, add_site
from event_catalogue.aggregates import KEPT
from tests.product import Product
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.migrate import migrate
from warehouse.seals import RollupTable
from warehouse.settings import WarehouseSettings

KEPT_EVENTS: Final = int(os.environ.get("BENCH_KEPT", "50000000"))
LIVE_EVENTS: Final = int(os.environ.get("BENCH_LIVE", "1000000"))
SECONDS: Final = int(os.environ.get("BENCH_SECONDS", "60"))
DAYS: Final = 90
RATE: Final = 1_000
_EPOCH: Final = date(1970, 1, 1)
_METRICS: Final = ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration"]
_OVERVIEW: Final[tuple[list[str], ...]] = (
    [],
    ["time:hour"],
    ["visit:channel"],
    ["visit:source"],
    ["event:page"],
    ["visit:country"],
    ["visit:device"],
    ["visit:browser"],
)
"""What the overview's questions are cut by."""


def kept() -> None:
    """One day of the size is counted and sealed; its aggregates stand for all ninety, for what answers cost is theirs."""
    with fresh() as place:
        add_site(place.store, NewSite("invented.example", ZONE), now=1)
        loaded = place.load(rows_of(1, round(KEPT_EVENTS / DAYS / PER_VISITOR)))
        place.visits.tick()
        assert place.sealer.seal(place.sealer.due((DAY + 9) * 86_400_000, (DAY + 9) * 86_400_000)[:1])[0].seal
        seal = all_seals(place.store)[0]
        table = RollupTable(place.warehouse)
        rows = table.read(1, DAY, seal.run)
        for back in range(1, DAYS):
            table.write({(1, DAY - back): 1000 + back}, [(DAY - back, row) for row in rows])
            save_seals(place.store, [seal._replace(day=DAY - back, run=1000 + back)])
        print(f"{loaded * DAYS:,} events of {DAYS} sealed days, {len(rows) * DAYS:,} aggregates")
        span = [(_EPOCH + timedelta(days=day)).isoformat() for day in (DAY - DAYS + 1, DAY)]
        found = {}
        for name in ("time:day", *(one.name for one in KEPT)):
            question = {"site_id": "x", "metrics": _METRICS, "date_range": span, "dimensions": [name]}
            found[name] = _times(place.warehouse, partial(seals_of, place.store), question)
        for name, times in sorted(found.items(), key=lambda one: -one[1][2])[:8]:
            print(f"  {name:<22} first {times[0]:>7.1f} ms, warm median {times[1]:>7.1f}, slowest {times[2]:>7.1f}")
        slowest = max(times[2] for times in found.values())
        print(f"  {len(found)} tables of one dimension, the slowest warm one {slowest:.1f} ms (to be at most 60)")


def _times(warehouse: Warehouse, seals: Any, question: dict[str, Any]) -> tuple[float, float, float]:
    """First, median and slowest time in ms; no answer is remembered from the one before."""
    times = []
    for _ in range(6):
        statistics = Statistics(warehouse, lambda: DAY * 86_400_000 + 80_000_000, seals)
        began = time.perf_counter()
        answer = statistics.answer(parse(question), SiteRef(1, "invented.example", ZONE))
        times.append((time.perf_counter() - began) * 1e3)
        assert answer["results"]
    warm = sorted(times[1:])
    return times[0], warm[len(warm) // 2], warm[-1]


def live() -> None:
    """The overview's questions, one after the other as one page asks them, over today's raw rows; then beside beacons."""
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as folder:
        product = Product(Path(folder) / "data", {"query_rate": "0"})
        site, key = product.site(), product.key()
        loaded = _load(product.data, int(site["id"]))
        product.start()
        try:
            end = time.monotonic() + 60
            while not product.numbers(key, "pageviews")[0]:
                assert time.monotonic() < end, "today's rows can't be seen"
                time.sleep(1)
            time.sleep(10)  # until their visits are counted
            print(f"the overview over today's {loaded:,} raw rows: {len(_OVERVIEW)} questions")
            _say("quiet", [_overview(product, key) for _ in range(10)])
            call = [
                sys.executable,
                "-m",
                "bench.pace",
                str(product.collector),
                str(site["key"]),
                str(RATE),
                str(SECONDS),
            ]
            pace = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
            pages = []
            while pace.poll() is None:
                pages.append(_overview(product, key))
            _say(f"beside {RATE:,} events/s", pages)
            told = json.loads(pace.communicate()[0])
            print(f"  beacons meanwhile: p50 {told['p50']:.1f} ms, p99 {told['p99']:.1f} ms")
        finally:
            product.kill()


def _load(data: Path, site: int) -> int:
    """Write today's rows into the warehouse of a stopped installation."""
    today = (datetime.now(UTC).date() - _EPOCH).days  # the product tells the day by its own clock
    warehouse = Warehouse(WarehouseSettings(f"chdb://{data / 'warehouse'}"))
    migrate(warehouse)
    rows = [row for number, row in zip(range(LIVE_EVENTS), rows_of(site, round(LIVE_EVENTS / 6), today), strict=False)]
    for place in range(0, len(rows), 100_000):
        batch = (1 << 32) + place // 100_000 + 1
        EventTable(warehouse).insert(rows[place : place + 100_000], batch=batch, token=str(batch))
    warehouse.close()
    return len(rows)


def _overview(product: Product, key: str) -> tuple[float, float]:
    """The whole set and its slowest question, in ms."""
    times = []
    for dimensions in _OVERVIEW:
        began = time.perf_counter()
        product.ask(key, metrics=_METRICS, dimensions=dimensions, pagination={"limit": 10})
        times.append((time.perf_counter() - began) * 1e3)
    return sum(times), max(times)


def _say(what: str, pages: list[tuple[float, float]]) -> None:
    for name, times in zip(("whole set", "slowest question"), zip(*pages, strict=True), strict=True):
        ordered = sorted(times)
        middle, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        print(f"  {what}, {len(pages)} times: {name} median {middle:.0f} ms, p95 {high:.0f} ms")


PARTS: Final[dict[str, Callable[[], None]]] = {"kept": kept, "live": live}


def main(names: tuple[str, ...] = ()) -> None:
    """Both parts, or the named ones."""
    for name in names or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
