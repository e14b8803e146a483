"""An acknowledged record is on the disk, in order, once; a refused one is not, and nobody else pays for it."""

import asyncio
import itertools
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spool.crash import CrashPoints
from spool.errors import SpoolBroken, SpoolBusy, SpoolFull
from spool.kinds import Kind
from spool.reader import SpoolReader
from spool.receipt import Receipt
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from tests.spool.reading import raw_records, segments

pytestmark = pytest.mark.req("O3")
QUIET = SpoolSettings(tick_s=3600)
"""No ticks but the first, so that a test sees its own records."""


def ticking(start: int = 1_000) -> Callable[[], int]:
    """A clock that advances by one millisecond at each look."""
    return itertools.count(start).__next__


class Passings(CrashPoints):
    """Counts how often each point was passed, and lets a test hold the writer at one."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.hold_at = ""
        self.held = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, point: str) -> None:
        self.counted[point] += 1
        if point == self.hold_at:
            self.held.set()
            self.go_on.wait(10)


Op = tuple[Any, ...]
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(Kind), st.integers(0, 100), st.binary(max_size=3000)),
        st.tuples(st.just("count"), st.sampled_from([b"a", b"b", b"c"]), st.integers(1, 5)),
        st.tuples(st.just("many"), st.lists(st.binary(max_size=2000), max_size=20)),
        st.tuples(st.just("clock"), st.integers(0, 10_000)),
        st.tuples(st.just("wait")),
        st.tuples(st.just("reopen")),
    ),
    max_size=30,
)


class Model:
    """What a spool must hold: every acknowledged body under its number, every count by key."""

    def __init__(self) -> None:
        self.bodies: dict[int, tuple[int, int, bytes]] = {}
        self.counts: Counter[bytes] = Counter()
        self.waiting: list[tuple[Receipt, tuple[int, int, bytes]]] = []
        self.counting: list[Receipt] = []
        self.now = 5_000

    async def settle(self) -> None:
        """Wait for every future and remember under which number its record is."""
        for future, record in self.waiting:
            self.bodies[await future] = record
        for future in self.counting:
            await future
        self.waiting, self.counting = [], []


async def _perform(root: Path, operations: list[Op]) -> Model:
    model = Model()
    settings = replace(QUIET, segment_bytes=30_000)
    writer = SpoolWriter(root, "w", settings, lambda: model.now)
    for name, *args in operations:
        match name:
            case "append":
                kind, events, body = args
                model.waiting.append((writer.append(kind, events, body), (kind, events, body)))
            case "count":
                model.counting.append(writer.count(*args))
                model.counts[args[0]] += args[1]
            case "many":
                await model.settle()
                last = await asyncio.to_thread(writer.append_many, [(Kind.EVENTS, 1, body) for body in args[0]])
                for seq, body in zip(range(last - len(args[0]) + 1, last + 1), args[0], strict=True):
                    model.bodies[seq] = (Kind.EVENTS, 1, body)
            case "clock":
                (model.now,) = args
            case "wait":
                await model.settle()
            case "reopen":
                await model.settle()
                writer.close()
                writer = SpoolWriter(root, "w", settings, lambda: model.now)
    await model.settle()
    writer.close()
    return model


@given(OPERATIONS)
def test_what_was_acknowledged_is_there_in_order(operations: list[Op]) -> None:
    """Whatever is appended, counted, imported and reopened, however the clock jumps: numbers are gapless, each holds
    what was acknowledged under it, times never go back, totals run, counts add up; and the reader sees the same."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        model = asyncio.run(_perform(root, operations))
        records = raw_records(root / "w")
        read = SpoolReader(root / "w").read(0, max_events=10**9, max_bytes=10**9)
    assert [record[0] for record in records] == list(range(1, len(records) + 1))
    assert [record[2] for record in records] == sorted(record[2] for record in records)
    assert [record[4] for record in records] == list(itertools.accumulate(record[3] for record in records))
    found = {record[0]: (record[1], record[3], record[5]) for record in records}
    assert model.bodies.items() <= found.items()
    counts: Counter[bytes] = Counter()
    for seq, (kind, _, body) in found.items():
        if kind == Kind.COUNTS and seq not in model.bodies:
            counts.update(dict(msgspec.msgpack.decode(body)))
    assert counts == model.counts
    assert [tuple(record) for record in read] == records


def test_records_that_come_together_share_one_fsync(tmp_path: Path) -> None:
    """A thousand beacons at once are a few commits, and each is told its own number."""
    passings = Passings()

    async def send() -> list[int]:
        with SpoolWriter(tmp_path, "w", QUIET, ticking(), passings) as writer:
            futures = [writer.append(Kind.EVENTS, 1, str(number).encode()) for number in range(1000)]
            return await asyncio.gather(*futures)

    seqs = asyncio.run(send())
    bodies = {record[0]: record[5] for record in raw_records(tmp_path / "w")}
    assert [bodies[seq] for seq in seqs] == [str(number).encode() for number in range(1000)]
    assert passings.counted["spool.commit.durable"] < 20


def test_a_future_resolves_only_after_the_commit(tmp_path: Path) -> None:
    """While the transaction is not committed nobody is told anything."""
    passings = Passings()

    async def send() -> bool:
        with SpoolWriter(tmp_path, "w", QUIET, ticking(), passings) as writer:
            await writer.append(Kind.EVENTS, 1, b"first")
            passings.hold_at = "spool.commit.begun"
            future = writer.append(Kind.EVENTS, 1, b"second")
            await asyncio.to_thread(passings.held.wait, 10)
            await asyncio.sleep(0.05)
            early = future.done()
            passings.go_on.set()
            await asyncio.wait_for(future, 10)
            return early

    assert asyncio.run(send()) is False


def test_a_sender_that_has_gone_costs_the_others_nothing(tmp_path: Path) -> None:
    """Futures that were cancelled before the commit ended are passed over; the rest of the group is acknowledged."""
    passings = Passings()

    async def send() -> list[Any]:
        with SpoolWriter(tmp_path, "w", QUIET, ticking(), passings) as writer:
            await writer.append(Kind.TICK, 0, b"")
            passings.hold_at = "spool.commit.begun"
            futures = [writer.append(Kind.EVENTS, 1, b"x") for _ in range(10)]
            await asyncio.to_thread(passings.held.wait, 10)
            for future in futures[::2]:
                future.cancel()
            passings.go_on.set()
            return await asyncio.wait_for(asyncio.gather(*futures[1::2]), 10)

    seqs = asyncio.run(send())
    assert len(seqs) == 5
    assert sum(record[3] for record in raw_records(tmp_path / "w")) == 10  # stored they all are


def test_a_loop_that_has_closed_stops_nothing(tmp_path: Path) -> None:
    """The commit thread outlives the event loop that waited for it."""
    passings = Passings()
    writer = SpoolWriter(tmp_path, "w", QUIET, ticking(), passings)

    async def leave() -> None:
        await writer.append(Kind.TICK, 0, b"")
        passings.hold_at = "spool.commit.begun"
        writer.append(Kind.EVENTS, 1, b"left behind")
        await asyncio.to_thread(passings.held.wait, 10)

    asyncio.run(leave())
    passings.go_on.set()

    async def go_on() -> int:
        return await writer.append(Kind.EVENTS, 1, b"after")

    assert asyncio.run(go_on()) > 0
    writer.close()
    assert [record[5] for record in raw_records(tmp_path / "w")][-2:] == [b"left behind", b"after"]


def test_equal_counts_of_a_group_are_one_record(tmp_path: Path) -> None:
    """A thousand refusals for the same reason cost one short record, with their sum."""

    async def send() -> list[int]:
        with SpoolWriter(tmp_path, "w", QUIET, ticking()) as writer:
            return await asyncio.gather(*[writer.count(b"ab"[n % 2 : n % 2 + 1], 3) for n in range(1000)])

    seqs = asyncio.run(send())
    records = {record[0]: record for record in raw_records(tmp_path / "w") if record[1] == Kind.COUNTS}
    assert set(seqs) == set(records)
    assert len(records) < 20
    sums: Counter[bytes] = Counter()
    for record in records.values():
        pairs = msgspec.msgpack.decode(record[5])
        assert len({key for key, _ in pairs}) == len(pairs)
        assert record[3] == sum(n for _, n in pairs)
        sums.update(dict(pairs))
    assert sums == {b"a": 1500, b"b": 1500}


def test_a_full_spool_refuses_at_once_and_recovers_when_it_was_loaded(tmp_path: Path) -> None:
    """At its bound it says when to come again; counts wait in memory; the release of segments opens it again."""
    settings = SpoolSettings(max_bytes=300_000, segment_bytes=50_000, tick_s=3600, retry_after_s=7)

    async def send() -> None:
        with SpoolWriter(tmp_path, "w", settings, ticking()) as writer:
            with pytest.raises(SpoolFull) as caught:
                await _fill(writer)
            assert caught.value.retry_after_s == 7
            assert "MiB" in writer.state.refusal
            with pytest.raises(SpoolFull):
                writer.append(Kind.EVENTS, 1, b"x")  # at once, without a future
            for _ in range(3):
                with pytest.raises(SpoolFull):
                    await writer.count(b"refused", 1)
            last = writer.state.last
            assert SpoolReader(tmp_path / "w").release(last.seq) > 0
            await _until(lambda: not writer.state.refusal)
            assert await writer.append(Kind.EVENTS, 1, b"again") > last.seq

    asyncio.run(send())
    counts = [msgspec.msgpack.decode(r[5]) for r in raw_records(tmp_path / "w") if r[1] == Kind.COUNTS]
    assert counts == [[[b"refused", 3]]]


async def _fill(writer: SpoolWriter) -> None:
    for _ in range(1_000):
        await writer.append(Kind.EVENTS, 1, b"x" * 5000)
        await asyncio.sleep(0.005)  # time for a rotation


async def _until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.01)


def test_a_disk_that_hangs_bounds_memory(tmp_path: Path) -> None:
    """While a commit does not come back, a few bytes may wait; what is beyond is refused at once."""
    passings = Passings()

    async def send() -> None:
        with SpoolWriter(tmp_path, "w", replace(QUIET, queue_bytes=10_000), ticking(), passings) as writer:
            await writer.append(Kind.TICK, 0, b"")
            passings.hold_at = "spool.commit.begun"
            futures = [writer.append(Kind.EVENTS, 1, b"x")]
            await asyncio.to_thread(passings.held.wait, 10)
            futures += [writer.append(Kind.EVENTS, 1, b"x" * 4000) for _ in range(2)]
            with pytest.raises(SpoolBroken):
                writer.append(Kind.EVENTS, 1, b"x" * 4000)
            passings.go_on.set()
            assert len(await asyncio.gather(*futures)) == 3

    asyncio.run(send())


def test_a_spool_has_one_owner(tmp_path: Path) -> None:
    """A second writer waits for a dying first one, and gives up with a sentence on one that stays."""
    first = SpoolWriter(tmp_path, "w", QUIET, ticking())
    with pytest.raises(SpoolBusy, match="another process"):
        SpoolWriter(tmp_path, "w", replace(QUIET, lock_wait_s=0.1), ticking())
    threading.Timer(0.3, first.close).start()
    begun = time.monotonic()
    SpoolWriter(tmp_path, "w", replace(QUIET, lock_wait_s=5), ticking()).close()
    assert 0.2 < time.monotonic() - begun < 3


def test_an_idle_spool_ticks(tmp_path: Path) -> None:
    """Nothing happens, and the watermark moves on all the same."""
    with SpoolWriter(tmp_path, "w", SpoolSettings(tick_s=0.03), ticking()) as writer:
        end = time.monotonic() + 10
        while writer.state.last.seq < 4 and time.monotonic() < end:
            time.sleep(0.01)
    records = raw_records(tmp_path / "w")
    assert len(records) >= 4
    assert {(record[1], record[3], record[5]) for record in records} == {(Kind.TICK, 0, b"")}
    assert len({record[2] for record in records}) > 1


ROTATIONS = {
    "by size": SpoolSettings(segment_bytes=60_000, tick_s=3600),
    "by age": SpoolSettings(segment_age_s=0.05, tick_s=3600),
}


@pytest.mark.parametrize("settings", ROTATIONS.values(), ids=ROTATIONS.keys())
def test_segments_follow_each_other(tmp_path: Path, settings: SpoolSettings) -> None:
    """A large or an old segment is followed by one that begins with the next number; idle ticks open none."""

    async def send() -> None:
        with SpoolWriter(tmp_path, "w", settings, ticking()) as writer:
            for _ in range(40):
                await writer.append(Kind.EVENTS, 1, b"x" * 3000)
                await asyncio.sleep(0.005)

    asyncio.run(send())
    names = segments(tmp_path / "w")
    assert len(names) > 2
    starts = [int(name[4:24]) for name in names]
    seqs = [record[0] for record in raw_records(tmp_path / "w")]
    assert starts[0] == 1
    assert seqs == list(range(1, len(seqs) + 1))


def test_an_idle_spool_keeps_its_segment(tmp_path: Path) -> None:
    """Ticks alone make no new files, however old the segment is."""
    with SpoolWriter(tmp_path, "w", SpoolSettings(segment_age_s=0.01, tick_s=0.01), ticking()) as writer:
        end = time.monotonic() + 10
        while writer.state.last.seq < 20 and time.monotonic() < end:
            time.sleep(0.01)
    assert len(segments(tmp_path / "w")) == 1


def test_time_never_goes_back(tmp_path: Path) -> None:
    """Neither a clock that was set back nor a restart makes a record older than the one before."""
    now = [9_000]
    for moment in (9_000, 100, 9_500, 200):
        now[0] = moment
        with SpoolWriter(tmp_path, "w", replace(QUIET, segment_bytes=1), lambda: now[0]) as writer:
            writer.append_many([(Kind.EVENTS, 1, b"x")])
    assert [record[2] for record in raw_records(tmp_path / "w") if record[3]] == [9_000, 9_000, 9_500, 9_500]


def test_a_closed_spool_refuses(tmp_path: Path) -> None:
    """After close nothing is taken, and closing again is no harm."""

    async def send() -> None:
        writer = SpoolWriter(tmp_path, "w", QUIET, ticking())
        queued = writer.append(Kind.EVENTS, 1, b"queued")
        await asyncio.to_thread(writer.close)
        assert await queued > 0
        writer.close()
        with pytest.raises(SpoolBroken, match="closed"):
            writer.append(Kind.EVENTS, 1, b"late")
        with pytest.raises(SpoolBroken, match="closed"):
            await writer.count(b"late", 1)
        with pytest.raises(SpoolBroken, match="closed"):
            writer.append_many([(Kind.EVENTS, 1, b"late")])

    asyncio.run(send())
