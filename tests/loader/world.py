"""A small world: senders that number their events and send again what was not acknowledged, writers and loaders that
run as processes and can be killed at any named point, and a count of every number in the warehouse.

`python -m tests.loader.world write|load …` are the processes.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from event_catalogue.event import SCHEMA_VERSION, Parcel, Tally, encode_parcel, encode_tallies
from loader.loop import Hooks, Loader, Taker
from loader.settings import LoaderSettings
from spool.accounts import JournalView, read_journal
from spool.crash import CrashPoints, KillAt
from spool.errors import SpoolRefusal
from spool.kinds import Kind
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from tests.warehouse.rows import DAY, event
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.migrate import migrate
from warehouse.settings import WarehouseSettings

ROOT: Final = Path(__file__).parent.parent.parent
DAY_MS: Final = 86_400_000
SMALL: Final = SpoolSettings(segment_bytes=40_000, tick_s=0.05, lock_wait_s=2.0)
"""Segments of some thirty beacons, so that every test rotates."""
HASTY: Final = LoaderSettings(
    gather_s=0.0, poll_s=0.01, first_wait_s=0.02, longest_wait_s=0.1, cut_events=60, enough_events=1
)
"""Gathers nothing, waits for little, takes small cuts."""
POISON: Final = "poison"


def clock() -> int:
    """The machine's clock, in ms."""
    return time.time_ns() // 1_000_000


def beacon_id(number: int) -> bytes:
    """The id under which number `number` is always sent."""
    return b"beacon--" + number.to_bytes(8, "big")


def parcel(number: int, **fields: Any) -> bytes:
    """The beacon that brings event `number`: in one of three partitions, of one of two sites."""
    site = fields.setdefault("site", 1 + number % 2)
    row = event(**{"path": f"/{number}", "day": DAY + number % 3, "beacon": beacon_id(number), **fields})
    return encode_parcel(Parcel(SCHEMA_VERSION, site, beacon_id(number), 0, [row]))


def count_key(reason: str, site: int = 1, day: int = DAY) -> bytes:
    """The key under which an event that is not recorded is counted."""
    return encode_tallies([Tally(site, day, "not_recorded", reason, 0)])


class World:
    """Spools and a warehouse under one directory, and the processes that work on them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.spools = root / "spool"
        self.acknowledged: set[int] = set()

    def write(self, name: str, numbers: Iterable[int], crash: str = "") -> int:
        """Let a writer process take `numbers`, and remember which it acknowledged; its exit code."""
        done = self._run("write", name, ",".join(map(str, numbers)), "--crash", crash)
        self.acknowledged.update(int(word) for word in done.stdout.split() if word.isdigit())
        return done.returncode

    def load(self, crash: str = "", *options: str) -> subprocess.CompletedProcess[str]:
        """Let a loader process load until nothing is left, or until it dies."""
        return self._run("load", "--crash", crash, *options)

    def numbers(self) -> Counter[int]:
        """How often each number lies in the warehouse."""
        done = self._run("count")
        assert done.returncode == 0, done.stderr
        return Counter({int(path): int(times) for path, times in (line.split() for line in done.stdout.splitlines())})

    def view(self) -> JournalView:
        """What the journal says."""
        return read_journal(self.spools)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A process that goes on; `kill` it."""
        return subprocess.Popen(self._call(arguments), stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def kill(self, process: subprocess.Popen[str]) -> None:
        """kill -9, and remember what the process was acknowledged before."""
        process.kill()
        said, _ = process.communicate()
        self.acknowledged.update(int(word) for word in said.split() if word.isdigit())

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        call = self._call(arguments)
        return subprocess.run(call, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)

    def _call(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "tests.loader.world", str(self.root), *arguments]


def spooled(root: Path, name: str, *bodies: bytes, kind: Kind = Kind.EVENTS, events: int = 1) -> None:
    """Put records into a spool of this process and give it back."""
    with SpoolWriter(root, name, replace(SMALL, tick_s=3600), clock) as writer:
        if writer._log._retiring:
            writer._log._retiring.join()  # the next segment is ready, so this one can end
        writer.append_many([(kind, events, body) for body in bodies])


def stored_numbers(warehouse: Warehouse) -> Counter[int]:
    """How often each number lies in a warehouse of this process."""
    rows = warehouse.select("SELECT path, count() FROM events GROUP BY path", {}, "control")
    return Counter({int(path[1:]): int(times) for path, times in rows})


def without_second_belt(warehouse: Warehouse) -> None:
    """Let the warehouse drop no repeated insert by itself: what is stored once then, was counted."""
    warehouse.command("ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 0")


def balanced(view: JournalView, stored: int) -> None:
    """Every received event is accounted for, to the unit, with `stored` rows in the warehouse."""
    outcomes: Counter[str] = Counter()
    for total in view.totals:
        outcomes[total.outcome] += total.events
    received = outcomes.pop("received", 0)
    assert received == view.received == sum(outcomes.values())
    assert outcomes["stored"] == stored + sum(view.dead_letters.values())
    by_spool: Counter[str] = Counter()
    by_day: Counter[tuple[int, int]] = Counter()
    for spool, site, day, _, _, events in view.numbers:
        by_spool[spool] += events
        by_day[site, day] += events
    assert dict(by_spool) == {end.spool: end.total for end in view.ends if end.total}
    assert by_day == {total[:2]: total.events for total in view.totals if total.outcome == "received"}


def drain(loader: Loader) -> int:
    """Rounds until nothing is left; rows that were loaded."""
    rows = 0
    while (progress := loader.step()).records:
        rows += progress.rows
    return rows


def new_loader(
    root: Path, table: EventTable, takers: dict[int, Taker] | None = None, crash: CrashPoints | None = None
) -> Loader:
    """A hasty loader."""
    hooks = Hooks(takers=takers or {}, crash=crash or CrashPoints())
    return Loader(root, table, settings=HASTY, clock=clock, hooks=hooks)


def died(code: int) -> bool:
    """Whether a process ended by kill -9."""
    return code == -signal.SIGKILL


def _crash(text: str) -> CrashPoints:
    point, _, passing = text.partition(":")
    return KillAt(point, int(passing or 1)) if text else CrashPoints()


async def _send(writer: SpoolWriter, number: int, news: Any) -> None:
    while True:
        try:
            await writer.append(Kind.EVENTS, 1, parcel(number))
        except SpoolRefusal:
            await asyncio.sleep(0.05)
            continue
        os.write(news, f"{number}\n".encode())  # at once and unbuffered: what the sender knows, it knows
        return


async def _write(root: Path, name: str, numbers: list[int], crash: CrashPoints) -> None:
    writer = SpoolWriter(root / "spool", name, SMALL, clock, crash)
    for start in range(0, len(numbers), 8):
        await asyncio.gather(*(_send(writer, number, 1) for number in numbers[start : start + 8]))
    writer.close()


def _load(root: Path, crash: CrashPoints, *, poison: bool) -> None:
    warehouse = Warehouse(WarehouseSettings(f"chdb://{root}/warehouse", memory_bytes=2 << 30))
    migrate(warehouse)
    without_second_belt(warehouse)
    if poison:
        warehouse.command(f"ALTER TABLE events ADD CONSTRAINT IF NOT EXISTS sane CHECK path != '/{POISON}'")
    loader = new_loader(root / "spool", EventTable(warehouse), crash=crash)
    drain(loader)
    loader.close()
    warehouse.close()


def _count(root: Path) -> None:
    warehouse = Warehouse(WarehouseSettings(f"chdb://{root}/warehouse", memory_bytes=2 << 30))
    for path, times in warehouse.select("SELECT path, count() FROM events GROUP BY path", {}, "control"):
        print(path[1:], times)
    warehouse.close()


def main() -> None:
    """One process of the world."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("act", choices=("write", "load", "count"))
    parser.add_argument("what", nargs="*")
    parser.add_argument("--crash", type=_crash, default="")
    parser.add_argument("--poison", action="store_true")
    asked = parser.parse_args()
    if asked.act == "write":
        name, numbers = asked.what
        asyncio.run(_write(asked.root, name, [int(number) for number in numbers.split(",")], asked.crash))
    elif asked.act == "load":
        _load(asked.root, asked.crash, poison=asked.poison)
    else:
        _count(asked.root)


if __name__ == "__main__":
    main()
