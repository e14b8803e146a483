"""A disk that is full, a file that may not grow, a power cut: what was acknowledged stays, the rest is refused."""

import contextlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spool.journal import Journal
from spool.kinds import Kind
from spool.reader import SpoolReader
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from tests.spool.reading import raw_records

pytestmark = pytest.mark.req("O3", "O4")
ROOT = Path(__file__).parent.parent.parent

SENDER = """
import asyncio, os, sys
from pathlib import Path
from spool.errors import SpoolRefusal
from spool.journal import Journal
from spool.kinds import Kind
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter

async def send(writer, numbers):
    for number in numbers:
        while True:
            try:
                await writer.append(Kind.EVENTS, 1, number.to_bytes(8, "big") * 100)
            except SpoolRefusal as refusal:
                os.write(1, f"refused {type(refusal).__name__} {refusal.retry_after_s}\\n".encode())
                await asyncio.sleep(0.02)
                continue
            os.write(1, f"{number}\\n".encode())
            break

async def main(root, first, settings):
    writer = SpoolWriter(Path(root), "w", SpoolSettings(tick_s=0.1, retry_after_s=11, **settings), lambda: 1000)
    await asyncio.gather(*(send(writer, range(first + n, 10**9, 8)) for n in range(8)))
"""


class Sender:
    """A process that appends numbers for ever and says on a pipe which were acknowledged."""

    def __init__(self, root: Path, first: int, settings: str = "{}", before: str = "") -> None:
        script = f"{SENDER}\n{before}\nasyncio.run(main({str(root)!r}, {first}, {settings}))"
        self.process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT)
        self.said: list[str] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line.decode().strip())

    def until(self, words: str, seconds: float = 20) -> None:
        """Wait until something that starts with `words` is said from now on; "" is an acknowledgement."""
        heard = len(self.said)
        end = time.monotonic() + seconds
        while not any(line.startswith(words) if words else line.isdigit() for line in self.said[heard:]):
            assert time.monotonic() < end, f"not heard: {words!r}"
            time.sleep(0.01)

    @property
    def acknowledged(self) -> set[int]:
        """What it was told is safe."""
        return {int(line) for line in list(self.said) if line.isdigit()}

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self._thread.join()
        assert self.process.stdout
        self.process.stdout.close()

    def stop(self) -> None:
        """Let it do nothing more, so that the disk does not change while it is copied."""
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)  # what is in the kernel ends


@contextlib.contextmanager
def mounted(*arguments: str, at: Path) -> Iterator[Path]:
    """A file system of its own; skips where that is not allowed."""
    at.mkdir()
    done = subprocess.run(["mount", *arguments, str(at)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def numbers(directory: Path) -> list[int]:
    """The numbers in a spool, which must be gapless in its own count."""
    records = raw_records(directory)
    assert [record[0] for record in records] == list(range(1, len(records) + 1))
    return [int.from_bytes(record[5][:8], "big") for record in records if record[1] == Kind.EVENTS]


FULL = {
    # Refused ahead of time, because the disk is to keep some room for others.
    "nearly": ({"min_free_share": 0.25}, 9_000_000),
    # The guard is off: the file system itself refuses, in the middle of a commit.
    "really": ({"min_free_share": 0.0, "min_free_bytes": 0, "segment_bytes": 3_000_000}, 0),
}


@pytest.mark.parametrize(("settings", "free"), FULL.values(), ids=FULL.keys())
def test_a_full_disk_refuses_with_retry_after_and_recovers_by_itself(
    tmp_path: Path, settings: dict[str, float], free: int
) -> None:
    """With the disk full every sender is told when to come again; with room again it goes on, and nothing is lost."""
    with mounted("-t", "tmpfs", "-o", "size=40m", "tmpfs", at=tmp_path / "disk") as disk:
        ballast = disk / "ballast"
        sender = Sender(disk / "spool", 0, repr(settings))
        try:
            sender.until("")
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                while shutil.disk_usage(disk).free > free:
                    file.write(bytes(min(1 << 20, max(4096, shutil.disk_usage(disk).free - free))))
            sender.until("refused SpoolFull 11")
            time.sleep(0.5)
            before = len(sender.acknowledged)
            ballast.unlink()
            sender.until("", seconds=20)
            time.sleep(0.2)
            assert len(sender.acknowledged) > before
        finally:
            sender.kill()
        found = numbers(disk / "spool" / "w")
        assert len(found) == len(set(found))
        assert sender.acknowledged <= set(found)
        assert not [line for line in sender.said if line.startswith("refused") and "SpoolFull" not in line]


FAULTY = """
import resource, signal, threading
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def trouble():
    import time
    time.sleep(1.0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
    time.sleep(1.0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.write(1, b"well again\\n")
threading.Thread(target=trouble, daemon=True).start()
"""


def test_a_failing_write_is_refused_and_the_spool_mends_itself(tmp_path: Path) -> None:
    """Writes that the system refuses for a second fail their own senders only; no restart is needed."""
    sender = Sender(tmp_path / "spool", 0, before=FAULTY)
    try:
        sender.until("refused")
        sender.until("well again")
        sender.until("")
        time.sleep(0.2)
    finally:
        sender.kill()
    found = numbers(tmp_path / "spool" / "w")
    assert len(found) == len(set(found))
    assert sender.acknowledged <= set(found)


@pytest.mark.parametrize("seed", range(3))
def test_a_power_cut_keeps_what_was_acknowledged(tmp_path: Path, seed: int) -> None:
    """What the disk holds at a random moment, without a sync and without an unmount, has every acknowledged record.

    The backing file of a mounted ext4 is the disk: only what the kernel has written through is in it. Reader and writer
    then work on the copy, as after a restart, through another cut.
    """
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is not installed here")
    disk = _new_disk(tmp_path)
    moment = random.Random(seed)
    acknowledged: set[int] = set()
    for life in range(3):
        with mounted("-o", "loop,commit=60", str(disk), at=tmp_path / f"mount{life}") as mount:
            if life:
                _holds(mount / "spool" / "w", acknowledged)
            sender = Sender(mount / "spool", life * 10**6, "{'segment_bytes': 400_000}")
            try:
                sender.until("")
                time.sleep(moment.uniform(0.05, 0.6))
                if life == 1:
                    sender.kill()  # killed first, read by the loader, and only then the power goes
                    reader = SpoolReader(mount / "spool" / "w")
                    seen = reader.read(0, max_events=10**9, max_bytes=10**9)
                    reader.close()
                else:
                    sender.stop()
                known = sender.acknowledged
                cut = tmp_path / f"disk{life}.img"
                subprocess.run(["cp", "--sparse=always", str(disk), str(cut)], check=True)
            finally:
                sender.kill()
        acknowledged |= known
        disk = cut
        if life == 1:
            acknowledged |= {int.from_bytes(record.body[:8], "big") for record in seen if record.kind == Kind.EVENTS}
    with mounted("-o", "loop", str(disk), at=tmp_path / "last") as mount:
        _holds(mount / "spool" / "w", acknowledged)


HALF_COMMIT = """
import os, sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("PRAGMA synchronous=OFF")
file.execute("PRAGMA wal_autocheckpoint=0")
file.execute(sys.argv[2])
os.kill(os.getpid(), 9)
"""
"""A commit that is written and not yet fsynced when its process is killed."""
LOOK = """
import os, sys
from pathlib import Path
from spool.journal import Journal
from spool.reader import SpoolReader
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
root = Path(sys.argv[1])
"""
RECORD = (
    "w/seg-00000000000000000001.db",
    # one record of the kind 1 that holds one event and the body `needle`
    "INSERT INTO groups SELECT max(last) + 1, max(last) + 1, 9000, max(total) + 1, x'91930101c4066e6565646c65' FROM groups",
    "SELECT count(*) FROM groups WHERE received = 9000",
)
USERS = {
    "the reader": (*RECORD, "SpoolReader(root / 'w').read(0, max_events=10**9, max_bytes=10**9)"),
    "the next writer": (*RECORD, "SpoolWriter(root, 'w', SpoolSettings(tick_s=3600), lambda: 1)"),
    "the next loader": (
        "journal.db",
        "INSERT INTO ranges VALUES (1, 'w', 0, 1, 1, 1)",
        "SELECT count(*) FROM ranges",
        "Journal(root, lambda: 1).open_cut()",
    ),
}


@pytest.mark.parametrize(("file", "commit", "look", "use"), USERS.values(), ids=USERS.keys())
def test_whoever_uses_a_half_made_commit_makes_it_durable(
    tmp_path: Path, file: str, commit: str, look: str, use: str
) -> None:
    """A kill between a commit's write and its fsync leaves something that everybody sees and no disk holds.

    A record that is loaded and then lost in a power cut has its number given to another, which would be skipped; a cut
    whose rows are stored and that is then lost would be cut again, and stored twice.
    """
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is not installed here")
    disk = _new_disk(tmp_path)
    with mounted("-o", "loop,commit=60", str(disk), at=tmp_path / "mount") as mount:
        with SpoolWriter(mount / "spool", "w", SpoolSettings(tick_s=3600), lambda: 1) as writer:
            writer.append_many([(Kind.EVENTS, 1, bytes(8))])
        Journal(mount / "spool", lambda: 1).close()
        subprocess.run([sys.executable, "-c", HALF_COMMIT, str(mount / "spool" / file), commit], check=False)
        script = f"{LOOK}\nused = {use}\nos._exit(0)"  # a close would hide what using it has done
        subprocess.run([sys.executable, "-c", script, str(mount / "spool")], check=True, cwd=ROOT)
        subprocess.run(["cp", "--sparse=always", str(disk), str(tmp_path / "cut.img")], check=True)
    with mounted("-o", "loop", str(tmp_path / "cut.img"), at=tmp_path / "last") as mount:
        connection = sqlite3.connect(mount / "spool" / file)
        assert connection.execute(look).fetchone() == (1,)
        connection.close()


def _new_disk(directory: Path) -> Path:
    disk = directory / "disk.img"
    with disk.open("wb") as file:
        file.truncate(96 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-E", "nodiscard", str(disk)], check=True)
    return disk


def _holds(directory: Path, acknowledged: set[int]) -> None:
    found = numbers(directory)
    assert len(found) == len(set(found))
    assert acknowledged
    assert acknowledged <= set(found)
