"""Rewrites of parts (mutations), and how their bytes reach the disk: a little at a time.

The engine writes a new part into the kernel's memory and flushes all of it at the end: 750 MB at once for ten million
rows. Whoever wants one page on the same disk meanwhile waits behind them, and the collectors' spools want one for every
acknowledgement. Neither the engine's limits of bandwidth nor a lower priority help, for it is the kernel that writes.
So the part is written out while it grows, a piece after the other and never two at once; what is left for the end is
the end of each column.

Only for the embedded engine: a server's disk is its own affair. If a piece can't be written out the flush at the end
does it: nothing depends on it but how long others wait.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from warehouse.client import Warehouse

_PIECE: Final = 1 << 20
_PAUSE_S: Final = 0.005
"""Between two pieces: whoever waits for the disk is next. 1 MiB every 5 ms is more than the engine makes."""
_LOOK_S: Final = 0.05
_GROWING: Final = "tmp_mut_*"
"""The directories of parts that are being rewritten."""


def rewrite(warehouse: Warehouse, table: str, change: str) -> None:
    """Have the parts of a table written anew, on every node. Raises TryLater, Rejected, Broken."""
    local, on_cluster = warehouse.dialect.local(table), warehouse.dialect.on_cluster
    with _written_out(_places(warehouse, local)):
        warehouse.command(f"ALTER TABLE {local} {on_cluster} {change}", slot="seal")


def _places(warehouse: Warehouse, table: str) -> Sequence[Path]:
    """Where the table's parts lie, if on this machine's disk."""
    if warehouse.directory is None:
        return ()
    return [Path(str(path)) for (path,) in warehouse.query("warehouse.data_paths", {"table": table}, "control")]


@contextmanager
def _written_out(places: Sequence[Path]) -> Iterator[None]:
    """Write out what grows in there meanwhile."""
    if not places:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_write_out, args=(places, ended), name="write-out", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _write_out(places: Sequence[Path], ended: threading.Event) -> None:
    written: dict[str, int] = {}
    while not ended.wait(_LOOK_S):
        for file in _growing(places):
            with suppress(OSError):  # the engine has renamed the part, and flushed it before
                if file.stat().st_size - written.get(file.path, 0) >= _PIECE:
                    written[file.path] = _flush(file.path)
                    if ended.wait(_PAUSE_S):
                        return


def _growing(places: Sequence[Path]) -> Iterator[os.DirEntry[str]]:
    for place in places:
        for part in place.glob(_GROWING):
            with suppress(OSError):
                yield from os.scandir(part)


def _flush(path: str) -> int:
    """Bring a file to the disk as far as it has grown; how far that is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        os.fsync(descriptor)
        return size
    finally:
        os.close(descriptor)
