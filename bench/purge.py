"""Purging and erasing at size: a whole day, one site out of a shared day, and visitors among many; and how long a
collector beside it takes to acknowledge, before and meanwhile.

`python -m bench.purge`; `FOOTFALL_BENCH_EVENTS` rows of a day instead of ten million, `FOOTFALL_BENCH_DAYS` days for the
night's erasure instead of one. Rows are made by the engine itself.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.beacon import listen, wait_for, worker
from control_store.accounting import SpoolState, publish_spools
from control_store.erasures import ask_erasure
from control_store.ledger_head import read_ledger_head, write_ledger_head
from control_store.marks import next_number
from control_store.seals import Seal, save_seals
from control_store.sites import NewSite, add_site
from control_store.tables import ControlStore
from retention.erase import Eraser
from retention.ledger import NOTHING, Head, Ledger
from retention.purge import Choice, Purger, Stores
from tests.product import command
from warehouse.client import Warehouse
from warehouse.migrate import migrate
from warehouse.partitions import Partition
from warehouse.rollup_rows import Rollup
from warehouse.seals import RollupTable, digest
from warehouse.settings import WarehouseSettings

EVENTS: Final = int(os.environ.pop("FOOTFALL_BENCH_EVENTS", "10000000"))
# Taken out of the environment: to the commands started here they would be unknown settings.
DAYS: Final = int(os.environ.pop("FOOTFALL_BENCH_DAYS", "1"))
SITES: Final = 10
_RATE: Final = 300
"""Beacons a second that a collector acknowledges meanwhile."""
_PACE_S: Final = 15
_AT_MOST_S: Final = 300
AGGREGATES: Final = 16_000
"""Rows of `rollups` of a site's day: as a large site has."""
DAY: Final = 20_423
_DAY_MS: Final = 86_400_000
_STEP: Final = 1_000_000
_FILL: Final = """
INSERT INTO events (site, day, keep, batch, beacon, idx, page, name, at, received, stored_on, tier, visitor, returning,
    hostname, path, title, source, country, browser, device)
SELECT 1 + number % {sites:UInt32}, toDate({day:UInt16}), 35, {batch:UInt64}, toFixedString(reverse(MD5(toString(number))), 16),
    0, MD5(toString(number)), 'pageview', toDateTime64(toUInt32({day:UInt16}) * 86400 + number % 86400, 3, 'UTC'),
    toDateTime64(toUInt32({day:UInt16}) * 86400 + number % 86400, 3, 'UTC'), toDate({day:UInt16}), 'consented',
    MD5(concat('v', toString(intDiv(number, 7)), toString({day:UInt16}))), MD5(concat('d', toString(intDiv(number, 7)))),
    'shop.example', concat('/page/', toString(cityHash64(number) % 5000)), 'A page of the shop', 'Google', 'CH',
    'Firefox', 'desktop'
FROM numbers({first:UInt64}, {rows:UInt64})
"""


class Place:
    """A warehouse with days of many rows, and what purges them."""

    def __init__(self, root: Path) -> None:
        self.now = (DAY + 50) * _DAY_MS
        self.warehouse = Warehouse(WarehouseSettings(f"chdb://{root}/warehouse"))
        migrate(self.warehouse)
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        self.rollups = RollupTable(self.warehouse)
        spools = root / "spool"
        spools.mkdir()
        ledger = Ledger(root / "ledger.jsonl", self._head, lambda head: write_ledger_head(self.store, *head))
        stores = Stores(self.warehouse, self.store, ledger, spools)
        self.purger = Purger(stores, _nothing, lambda: self.now, newest=lambda: self.now)
        self.eraser = Eraser(stores, _nothing, lambda: self.now, newest=lambda: self.now)
        for number in range(SITES):
            add_site(self.store, NewSite(f"shop-{number}.example", "UTC"), now=1)

    def fill(self, day: int, rows: int = EVENTS) -> None:
        """Rows of all sites on a day."""
        for first in range(0, rows, _STEP):
            params = {"sites": SITES, "day": day, "batch": day * 1000 + first // _STEP + 1, "first": first}
            self.warehouse.command(_FILL, {**params, "rows": min(_STEP, rows - first)}, slot="seal")
        partition = Partition(day, 35)
        # As days are that are old enough: merged long ago, and not while they are rewritten.
        self.warehouse.command(f"OPTIMIZE TABLE events PARTITION {partition.value} FINAL", slot="seal")

    def seal(self, day: int, sites: int = SITES) -> None:
        """Seals with as many aggregates as a large site has."""
        counted = self.rollups.raw_rows([day])
        for site in range(1, sites + 1):
            run = next_number(self.store, "run")
            rows = sorted(Rollup(site, "event:page", f"/p/{n}", "", tuple(range(n, n + 10))) for n in range(AGGREGATES))
            self.rollups.write({(site, day): run}, [(day, row) for row in rows])
            found = self.rollups.read(site, day, run)
            seal = Seal(site, day, 1, run, self.now, 5, counted[site, day], len(found), digest(found))
            save_seals(self.store, [seal])

    def _head(self) -> Head:
        kept = read_ledger_head(self.store)
        return Head(*kept) if kept else NOTHING


class Beside:
    """A collector with visitors, as they are on the same machine."""

    def __init__(self, data: Path) -> None:
        self._site = json.loads(command(data, "site", "add", "shop.example").stdout)["key"]
        sock = listen()
        self._port = int(sock.getsockname()[1])
        self._process = worker(sock, data, "beside", cores="0,1")
        wait_for(sock)

    @contextmanager
    def compared(self) -> Iterator[None]:
        """Print how long 99 of 100 visitors wait at most: for some seconds before, and for as long as it takes."""
        before = self._waits(self._visit(_PACE_S))
        visiting = self._visit(_AT_MOST_S)
        time.sleep(1)  # it makes its beacons first
        yield
        visiting.terminate()
        meanwhile = self._waits(visiting)
        told = f"p99 {before['p99']:.1f} ms before, {meanwhile['p99']:.1f} ms meanwhile, at most {meanwhile['max']:.0f}"
        print(f"  acknowledged at {_RATE}/s: {told}: {meanwhile['p99'] / before['p99']:.2f} x", flush=True)

    def _visit(self, seconds: int) -> "subprocess.Popen[str]":
        call = [sys.executable, "-m", "bench.pace", str(self._port), self._site, str(_RATE), str(seconds)]
        return subprocess.Popen(call, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def _waits(visiting: "subprocess.Popen[str]") -> dict[str, float]:
        return dict(json.loads(visiting.communicate()[0]))

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _work(name: str) -> Iterator[None]:
    """Seconds of a core that something took: they say more than the clock on a machine that others use."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"  {name}: {spent:.2f} s of a core", flush=True)


def _purge(place: Place, day: int) -> tuple[float, float, str, int]:
    """Seconds until the rows are out, and until no file holds them; how, and how many rows."""
    choice = Choice(place.now, day=day)
    decision = place.purger.decide(choice)[0]
    began = time.monotonic()
    with _work(f"purge ({decision.method})"):
        purge = place.purger.remove(decision, choice)
    out = time.monotonic() - began
    if purge is None or place.purger.finish(120):
        raise SystemExit("the purge did not come to its end")
    return out, time.monotonic() - began, purge.method, purge.rows


def _report(place: Place, beside: Beside) -> None:
    place.fill(DAY)
    place.seal(DAY)
    out, gone, method, rows = _purge(place, DAY)
    print(
        f"a day of {rows:,} rows, {SITES} sites: proven and out in {out:.2f} s ({method}), off the disk in {gone:.1f} s"
    )
    place.fill(DAY + 1)
    place.seal(DAY + 1, 1)
    with beside.compared():
        out, gone, method, rows = _purge(place, DAY + 1)
    print(f"one site of {SITES}, {rows:,} rows: out in {out:.1f} s ({method}), off the disk in {gone:.1f} s")
    for day in range(2, DAYS + 1):
        place.fill(DAY + day)
    for visitors in (1, 1_000):
        _erase(place, beside, visitors)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"most memory of the process: {peak:.2f} GiB")


def _erase(place: Place, beside: Beside, visitors: int) -> None:
    found = place.warehouse.select(
        "SELECT DISTINCT site, returning FROM events ORDER BY cityHash64(returning) LIMIT {n:UInt32}",
        {"n": visitors},
        "seal",
    )
    publish_spools(place.store, "this machine", [SpoolState("w", place.now + _DAY_MS, 0)], now=place.now)
    for site, device in found:
        ask_erasure(place.store, "returning", int(site), bytes(device), now=place.now)
    with _work("hiding"):
        began = time.monotonic()
        place.eraser.hide()
    print(f"{visitors:,} visitors hidden in {time.monotonic() - began:.2f} s")
    with beside.compared(), _work("erasing"):
        began = time.monotonic()
        rows = place.eraser.run()
        out = time.monotonic() - began
    waiting = place.purger.finish(120)
    print(
        f"{visitors:,} visitors of {EVENTS * DAYS:,} rows on {DAYS} days: {rows:,} rows gone in {out:.1f} s"
        f"{', not all off the disk' if waiting else ''}"
    )
    while not place.eraser.close():
        time.sleep(0.5)


def main() -> None:
    """Measure, and print a line for each."""
    with tempfile.TemporaryDirectory() as directory:
        place, beside = Place(Path(directory)), Beside(Path(directory) / "beside")
        try:
            _report(place, beside)
        finally:
            beside.close()
        place.store.close()
        place.warehouse.close()


if __name__ == "__main__":
    main()
