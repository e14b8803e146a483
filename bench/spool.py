"""The spool and the loader: acknowledged records a second, spool → visible rows a second, and what idling costs.

Each beside a baseline of the same run: a file that is appended to and fsynced by hand, and the bare insert of the same
rows. CPU is that of the whole process, the warehouse's own threads and merges included.
"""

import asyncio
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from event_catalogue.event import DEFAULT_ROW, SCHEMA_VERSION, Parcel, Row, encode_parcel
from event_catalogue.fields import POSITION
from loader.loop import Hooks, Loader
from loader.settings import LoaderSettings
from spool.beacons import BeaconMemory
from spool.journal import Journal
from spool.kinds import Kind
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.migrate import migrate
from warehouse.settings import WarehouseSettings

ROWS: Final = 200_000
BATCH: Final = 10_000
IDLE_SECONDS: Final = 20
_RANDOM: Final = random.Random(1)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as name:
        directory = Path(name)
        _writer(directory)
        _memory(directory)
        warehouse = Warehouse(WarehouseSettings(f"chdb://{directory}/warehouse"))
        migrate(warehouse)
        _loader(directory, warehouse)
        _idle(directory, EventTable(warehouse))
        warehouse.close()


def _clock() -> int:
    return time.time_ns() // 1_000_000


def _writer(directory: Path) -> None:
    print("acknowledged after fsync, 600-byte records    records/s  CPU µs   p50    p99    max ms   by hand/s  CPU µs")
    for senders in (1, 8, 64, 512):
        waits = asyncio.run(_send(directory / f"writer{senders}", senders, 5_000 if senders == 1 else 40_000))
        rate, cpu = waits.pop(), waits.pop()
        hand_rate, hand_cpu = _by_hand(directory / f"hand{senders}", senders)
        waits.sort()
        p50, p99, worst = (waits[int((len(waits) - 1) * share)] * 1e3 for share in (0.5, 0.99, 1))
        print(
            f"  {senders:4} at once {rate:38,.0f} {cpu:7.1f} {p50:6.2f} {p99:6.2f} {worst:7.1f}"
            f" {hand_rate:13,.0f} {hand_cpu:7.1f}"
        )


async def _send(root: Path, senders: int, records: int) -> list[float]:
    """Waits of all records, then CPU µs and rate as the last two."""
    waits: list[float] = []
    body = os.urandom(600)

    async def send(writer: SpoolWriter) -> None:
        for _ in range(records // senders):
            begun = time.perf_counter()
            await writer.append(Kind.EVENTS, 1, body)
            waits.append(time.perf_counter() - begun)

    with SpoolWriter(root, "w", SpoolSettings(), _clock) as writer:
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(send(writer) for _ in range(senders)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return [*waits, cpu / len(waits) * 1e6, len(waits) / wall]


def _by_hand(path: Path, group: int) -> tuple[float, float]:
    body = os.urandom(600)
    rounds = max(200, 10_000 // group)
    with path.open("wb", buffering=0) as file:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(rounds):
            file.write(b"".join([body] * group))
            os.fdatasync(file.fileno())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return rounds * group / wall, cpu / rounds / group * 1e6


def _memory(directory: Path) -> None:
    """What dropping repeated beacons costs while 26 hours of them are remembered."""
    journal = Journal(directory / "memory", _clock)
    memory = journal.beacons
    print("\nremembered beacons    asked and kept, µs a beacon")
    known = 0
    for size in (0, 300_000, 3_000_000):
        with _transaction(journal):
            while known < size:
                memory.remember({known * 3 // 3_000_000: [_RANDOM.randbytes(16) for _ in range(100_001)]})
                known += 100_001
        # Twice as many as are held before they are sorted in.
        batches = [[_RANDOM.randbytes(16) for _ in range(BATCH)] for _ in range(60)]
        cpu = time.process_time()
        for ids in batches:
            _ask_and_keep(journal, memory, ids)
        print(f"  {size:12,} {(time.process_time() - cpu) / 60 / BATCH * 1e6:24.2f}")
    journal.close()


def _ask_and_keep(journal: Journal, memory: BeaconMemory, ids: list[bytes]) -> None:
    memory.seen(ids, 1)
    with _transaction(journal):
        memory.remember({1: ids})


@contextmanager
def _transaction(journal: Journal) -> Iterator[None]:
    with journal._transaction():  # noqa: SLF001  # the loader's own transactions do more than this
        yield


def _row(number: int) -> Row:
    """A page view as the collector writes it: 45 fields of 96 hold something."""
    now = _clock()
    page = number % 1_000
    row = list(DEFAULT_ROW)
    values = {
        "site": 1, "day": now // 86_400_000, "keep": 35, "beacon": _RANDOM.randbytes(16), "page": _RANDOM.randbytes(16),
        "name": "pageview", "at": now, "received": now, "stored_on": now // 86_400_000, "tier": "cookieless",
        "policy_version": "3", "build": "a1b2c3", "visitor": (number % 20_000).to_bytes(16, "big"),
        "hostname": "shop.example", "path": f"/section-{page % 20}/page-{page}", "title": f"Page {page} of the shop",
        "referrer": "search.example", "source": "Search", "source_kind": "search", "channel": "Organic Search",
        "utm_source": ("", "newsletter")[number % 10 == 0], "browser": ("Chrome", "Safari", "Firefox")[number % 3],
        "browser_version": str(130 + number % 12), "engine": ("Blink", "WebKit", "Gecko")[number % 3],
        "os": ("Windows", "iOS", "Linux")[number % 3], "os_version": "", "device": ("desktop", "phone")[number % 2],
        "platform": "Chrome on Windows", "country": ("CH", "DE", "FR", "US")[number % 4], "region": "ZH",
        "city": f"City {number % 300}", "city_id": 2_000_000 + number % 300, "place_from": "address",
        "language": "de-CH", "timezone": "Europe/Zurich", "screen_class": "lg", "viewport_class": "md",
    }  # fmt: skip
    for name, value in values.items():
        row[POSITION[name]] = value
    return row


def _loader(directory: Path, warehouse: Warehouse) -> None:
    """Merges are the engine's own work afterwards, so they are stopped first, and then shown apart."""
    table = EventTable(warehouse)
    rows = [_row(number) for number in range(BATCH)]
    table.insert(rows, batch=1, token="warm-1")
    print("\nspool → counted in the warehouse                            rows/s  CPU µs/row")
    warehouse.command("SYSTEM STOP MERGES events")
    bare = _measured(lambda: [table.insert(rows, batch=2 + n, token=f"{n}") for n in range(5)], 5 * BATCH)
    _print(f"bare insert of the same rows, batches of {BATCH:,}", bare)
    whole = "read, decode, dedup, journal, insert, count"
    _print(f"{whole}; {BATCH:,}", _load(directory / "spool1", table, BATCH))
    warehouse.command("SYSTEM START MERGES events")
    _print("the same with merges", _load(directory / "spool2", table, BATCH))
    _print("the same as the product does it; 50,000", _load(directory / "spool3", table, LoaderSettings().cut_events))


def _print(what: str, measured: tuple[float, float]) -> None:
    print(f"  {what:54} {measured[0]:8,.0f} {measured[1]:11.1f}")


def _load(root: Path, table: EventTable, cut: int) -> tuple[float, float]:
    with SpoolWriter(root, "w", SpoolSettings(), _clock) as writer:
        for _ in range(0, ROWS, 1_000):
            beacons = (_row(number) for number in range(1_000))
            parcels = [Parcel(SCHEMA_VERSION, 1, row[POSITION["beacon"]], _clock(), [row]) for row in beacons]
            writer.append_many([(Kind.EVENTS, 1, encode_parcel(parcel)) for parcel in parcels])
    loader = Loader(root, table, settings=LoaderSettings(cut_events=cut), clock=_clock, hooks=Hooks())
    done = 0

    def load() -> None:
        nonlocal done
        while done < ROWS:
            done += loader.step().rows

    measured = _measured(load, ROWS)
    loader.close()
    return measured


def _measured(work: Callable[[], object], rows: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return rows / (time.perf_counter() - wall), (time.process_time() - cpu) / rows * 1e6


def _idle(directory: Path, table: EventTable) -> None:
    """The loader's own thread beside two spools that only tick."""
    root = directory / "idle"
    writers = [SpoolWriter(root, name, SpoolSettings(), _clock) for name in ("a", "b")]
    loader = Loader(root, table, settings=LoaderSettings(), clock=_clock, hooks=Hooks())
    stop = threading.Event()
    thread = threading.Thread(target=loader.run, args=(stop,))
    thread.start()
    time.sleep(2)
    clock_id = time.pthread_getcpuclockid(thread.ident or 0)
    before = time.clock_gettime(clock_id)
    time.sleep(IDLE_SECONDS)
    used = time.clock_gettime(clock_id) - before
    stop.set()
    thread.join()
    loader.close()
    for writer in writers:
        writer.close()
    print(f"\nidle loader, two ticking spools: {used / IDLE_SECONDS * 100:.2f} % of a core")


if __name__ == "__main__":
    main()
