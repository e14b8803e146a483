"""Rewrites of parts: they reach the disk a little at a time, while they are made."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.warehouse.engine import fresh_warehouse
from warehouse.rewrites import _PIECE, _places, rewrite

ROWS = 400_000
FILL = """
INSERT INTO events (site, day, keep, batch, beacon, idx, name, at, received, stored_on, tier, visitor, title)
SELECT 1 + number % 2, '2025-12-01', 35, 1, toFixedString(reverse(MD5(toString(number))), 16), 0, 'pageview',
    toDateTime64('2025-12-01 10:00:00', 3, 'UTC'), toDateTime64('2025-12-01 10:00:00', 3, 'UTC'), '2025-12-01',
    'cookieless', MD5(toString(number)), hex(MD5(concat('t', toString(number))))
FROM numbers({rows:UInt64})
"""


class Watch:
    """Sees which files are flushed by this process's Python, how large they were then, and how many at once."""

    def __init__(self) -> None:
        self.flushed: dict[str, int] = {}
        self.pieces: list[int] = []
        self.at_once = 0
        self._now = 0
        self._fsync = os.fsync

    def __call__(self, descriptor: int) -> None:
        """In the place of os.fsync."""
        path, size = str(Path(f"/proc/self/fd/{descriptor}").readlink()), os.fstat(descriptor).st_size
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        self._fsync(descriptor)
        self._now -= 1
        if "tmp_mut_" in path:
            self.pieces.append(size - self.flushed.get(path, 0))
            self.flushed[path] = size


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks Linux for the names of open files")
@pytest.mark.req("R2", "O3")
def test_a_rewritten_part_is_on_the_disk_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a rewrite writes most is flushed while it grows, piece by piece, one after the other; the rows are right."""
    warehouse = fresh_warehouse()
    warehouse.command(FILL, {"rows": ROWS})
    watch = Watch()
    monkeypatch.setattr(os, "fsync", watch)
    rewrite(warehouse, "events", "DELETE IN PARTITION ('2025-12-01', 35) WHERE site = 2")
    monkeypatch.undo()
    assert warehouse.select("SELECT site, count() FROM events GROUP BY site", {}, "control") == [(1, ROWS // 2)]
    sizes = (
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'events' AND database = currentDatabase()"
    )
    written = int(warehouse.select(sizes, {}, "control")[0][0])
    assert sum(watch.flushed.values()) > written / 2 > _PIECE
    assert min(watch.pieces) >= _PIECE
    assert watch.at_once == 1
    assert not [one for one in threading.enumerate() if one.name == "write-out"]
    warehouse.close()


@pytest.mark.req("R2")
def test_a_part_that_goes_while_it_is_looked_at_is_no_harm() -> None:
    """Directories of growing parts come and go under the writer's hands; the rewrite ends all the same."""
    warehouse = fresh_warehouse()
    warehouse.command(FILL, {"rows": 1_000})
    (place,) = _places(warehouse, "events")
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            part = place / "tmp_mut_of_nobody"
            with suppress(OSError):
                part.mkdir()
                (part / "column.bin").write_bytes(b"x" * (_PIECE + 1))
                time.sleep(0.001)
                (part / "column.bin").unlink()
                part.rmdir()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    for site in (2, 1):
        rewrite(warehouse, "events", f"DELETE WHERE site = {site}")
    ended.set()
    thread.join()
    assert warehouse.select("SELECT count() FROM events", {}, "control") == [(0,)]
    warehouse.close()
