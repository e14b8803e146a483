"""How much a spool may take: bounds on its own bytes and on what the disk has left.

Looked at before a commit, at most every 100 ms or once per MiB written: two system calls and a short listing.
"""

import os
import time
from pathlib import Path
from typing import Final

from spool.errors import SpoolFull
from spool.settings import SpoolSettings

_LOOK_SECONDS: Final = 0.1
_LOOK_BYTES: Final = 1 << 20


class Space:
    """The bounds of one spool."""

    def __init__(self, directory: Path, settings: SpoolSettings) -> None:
        self._directory = directory
        self._settings = settings
        self._looked = float("-inf")
        self._since = 0
        self.used = 0
        """Bytes of this spool at the last look."""
        self.free = 0
        """Bytes that the disk had left at the last look."""
        self._floor = 0

    def admit(self, size: int) -> None:
        """Let `size` bytes in. Raises SpoolFull when a bound is reached."""
        self._since += size
        if self._since >= _LOOK_BYTES or time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._look()
            self._since = size
        if self.used + self._since > self._settings.max_bytes:
            raise SpoolFull(
                f"The spool {self._directory.name} holds {self.used >> 20} MiB, its bound: records are refused until "
                "the loader has caught up (`footfall status` says what holds it up).",
                self._settings.retry_after_s,
            )
        if self.free - self._since < self._floor:
            raise SpoolFull(
                f"The disk of the spool {self._directory.name} has {self.free >> 20} MiB left: records are refused "
                "until there is room; free some.",
                self._settings.retry_after_s,
            )

    def refused(self, size: int) -> None:
        """Take back what was admitted and not written."""
        self._since = max(0, self._since - size)

    def _look(self) -> None:
        disk = os.statvfs(self._directory)
        self.free = disk.f_bavail * disk.f_frsize
        share = int(disk.f_blocks * disk.f_frsize * self._settings.min_free_share)
        self._floor = min(self._settings.min_free_bytes, share)
        self.used = sum(_allocated(entry) for entry in os.scandir(self._directory))
        self._looked = time.monotonic()


def _allocated(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0  # released by the loader between listing and look
