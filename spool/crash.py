"""Named places at which a test may kill the process, so that every numbered step is proven and not believed.

By default passing a point does nothing. `KillAt` sends SIGKILL to its own process at the n-th passing of one point:
no `finally`, no flush, exactly what the kernel's OOM killer does.
"""

import os
import signal
from typing import Final

WRITER_POINTS: Final = (
    "spool.open.directory_made",
    "spool.open.first_segment_made",
    "spool.commit.begun",
    "spool.commit.durable",
    "spool.commit.woken",
    "spool.rotate.named",
    "spool.rotate.opened",
    "spool.rotate.checkpointed",
    "spool.rotate.closed",
    "spool.rotate.spare_made",
)
"""Every point that a spool's writer passes, in the order of its life."""


class CrashPoints:
    """Called with the name of a point; does nothing."""

    def __call__(self, point: str) -> None:
        """Pass the point."""


class KillAt(CrashPoints):
    """Kills its own process at the n-th passing of one point, counted from 1."""

    def __init__(self, point: str, passing: int = 1) -> None:
        self._point = point
        self._left = passing

    def __call__(self, point: str) -> None:
        """Pass the point, or die there."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def crash_points(text: str) -> CrashPoints:
    """What `name` or `name:passing` asks for; nothing for an empty text. Raises ValueError on a bad number."""
    if not text:
        return CrashPoints()
    point, _, passing = text.partition(":")
    return KillAt(point, int(passing or 1))
