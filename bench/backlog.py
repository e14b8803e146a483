"""A backlog of a million events: how fast it loads, what a row costs, and whether the collector's answers suffer.

Also how soon a row is visible at low load. The probe is one client that sends a beacon every 20 ms; its p99 with the
backlog loading stands beside its p99 on the same installation with nothing to load.
"""

import http.client
import json
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

from event_catalogue.event import SCHEMA_VERSION, Parcel, encode_parcel
from event_catalogue.fields import POSITION
from spool.kinds import Kind
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from tests.product import AGENT, Product, beacon

_CHUNK = 5000


def main(events: int = 1_000_000) -> None:
    """Measure visibility, then write the backlog with the core stopped, then load it under the probe."""
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as folder:
        product = Product(Path(folder) / "data")
        site = product.site()
        key = product.key()
        product.start()
        try:
            time.sleep(3)
            _visible(product, site["key"], key)
            quiet = _probe(product, site["key"], 10)
            product.stop()
            _write(product, events, int(site["id"]))
            product.start()
            began, cpu = time.monotonic(), _cpu(product)
            busy = _probe(product, site["key"], 600, until=lambda: _pending(product) == 0)
            seconds, used = time.monotonic() - began, _cpu(product) - cpu
            print(
                f"{events} events in {seconds:.1f} s: {events / seconds:.0f} rows/s, {used / events * 1e6:.1f} µs CPU of the core a row"
            )
            print(f"collector p99 quiet {quiet:.1f} ms, while loading {busy:.1f} ms ({busy / quiet:.2f} ×)")
        finally:
            product.kill()


def _visible(product: Product, site: str, key: str) -> None:
    delays = []
    for number in range(1, 16):
        assert product.send(beacon(site)) == 202
        began = time.monotonic()
        while product.numbers(key, "pageviews") != [number]:
            time.sleep(0.02)
        delays.append(time.monotonic() - began)
    print(
        f"visible after 202: median {statistics.median(delays):.2f} s, longest {max(delays):.2f} s (of {len(delays)})"
    )


def _probe(product: Product, site: str, seconds: float, until=lambda: False) -> float:
    """p99 in ms of a beacon every 20 ms on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", product.collector, timeout=20)
    delays, end, looked = [], time.monotonic() + seconds, time.monotonic()
    while time.monotonic() < end:
        body = json.dumps(beacon(site)).encode()
        began = time.perf_counter()
        connection.request("POST", "/e", body, {"User-Agent": AGENT})
        answer = connection.getresponse()
        answer.read()
        delays.append((time.perf_counter() - began) * 1000)
        assert answer.status == 202
        time.sleep(0.02)
        if time.monotonic() - looked > 1:
            looked = time.monotonic()
            if until():
                break
    return statistics.quantiles(delays, n=100)[98]


def _pending(product: Product) -> int:
    from spool.accounts import read_journal

    return sum(spool.pending for spool in read_journal(product.data / "spool").spools if spool.name == "backlog")


def _cpu(product: Product) -> float:
    times = product.processes()["core"].cpu_times()
    return times.user + times.system


def _write(product: Product, events: int, site: int) -> None:
    template = _row(product, site)
    now = int(time.time() * 1000)
    with SpoolWriter(product.data / "spool", "backlog", SpoolSettings(), lambda: int(time.time() * 1000)) as writer:
        for start in range(0, events, _CHUNK):
            chunk = []
            for number in range(start, min(events, start + _CHUNK)):
                row = list(template)
                beacon_id = uuid.uuid4().bytes
                row[POSITION["beacon"]], row[POSITION["visitor"]] = beacon_id, beacon_id[::-1]
                row[POSITION["path"]] = f"/page-{number % 5000}"
                body = encode_parcel(Parcel(SCHEMA_VERSION, site, beacon_id, now, [row]))
                chunk.append((Kind.EVENTS, 1, body))
            writer.append_many(chunk)


def _row(product: Product, site: int) -> list[object]:
    """A real row: the one that a beacon of the probe left in the spool."""
    from event_catalogue.event import decode_parcel
    from spool.reader import SpoolReader
    from spool.registry import list_spools

    for name in list_spools(product.data / "spool"):
        reader = SpoolReader(product.data / "spool" / name)
        for record in reader.read(0, max_events=100, max_bytes=1 << 20):
            if record.kind == Kind.EVENTS:
                return decode_parcel(record.body).rows[0]
    raise SystemExit("No event is left in the spool to copy.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
