"""A spool refuses before the disk is full, and looks at the disk seldom."""

import os
import shutil
from pathlib import Path

import pytest

from spool.errors import SpoolFull
from spool.settings import SpoolSettings
from spool.space import Space

pytestmark = pytest.mark.req("O4")
MIB = 1 << 20


def test_its_own_bytes_are_bounded(tmp_path: Path) -> None:
    """Bytes on disk and bytes on their way count together."""
    (tmp_path / "seg").write_bytes(bytes(5 * MIB))
    space = Space(tmp_path, SpoolSettings(max_bytes=8 * MIB))
    space.admit(MIB)
    space.admit(2 * MIB)
    with pytest.raises(SpoolFull, match="bound"):
        space.admit(4 * MIB)


LIMITS = {
    "bytes": (lambda free, total: SpoolSettings(min_free_bytes=free + MIB * 500, min_free_share=1.0), True),
    "share": (
        lambda free, total: SpoolSettings(min_free_bytes=1 << 62, min_free_share=min(1.0, free / total * 1.2)),
        True,
    ),
    "the smaller of both": (lambda free, total: SpoolSettings(min_free_bytes=1, min_free_share=1.0), False),
}


@pytest.mark.parametrize(("make", "refused"), LIMITS.values(), ids=LIMITS.keys())
def test_the_disk_keeps_some_room(tmp_path: Path, make: object, refused: bool) -> None:
    """With less free than the smaller of the two limits nothing is admitted, and the message says how much is left."""
    usage = shutil.disk_usage(tmp_path)
    space = Space(tmp_path, make(usage.free, usage.total))  # type: ignore[operator]
    if refused:
        with pytest.raises(SpoolFull, match="MiB left") as caught:
            space.admit(1)
        assert caught.value.retry_after_s == 30
    else:
        space.admit(1)


def test_it_looks_at_the_disk_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of small commits in a moment are one look; a MiB of them is another."""
    looks = []
    statvfs = os.statvfs
    monkeypatch.setattr(os, "statvfs", lambda path: looks.append(path) or statvfs(path))
    space = Space(tmp_path, SpoolSettings())
    for _ in range(1_000):
        space.admit(100)
    seldom = len(looks)
    for _ in range(8):
        space.admit(MIB // 2)
    assert seldom <= 3  # one, and one for each tenth of a second that this took
    assert len(looks) >= seldom + 3
