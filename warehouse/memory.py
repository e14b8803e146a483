"""How much memory the warehouse may take: half of the machine's, or of the cgroup's that this process lives in.

A container's limit is not what the machine reports, so both cgroup versions are asked, every group up to the root:
the tightest limit holds.
"""

import os
from pathlib import Path

_UNLIMITED = 1 << 60
"""cgroup v1 writes "no limit" as a number near 2^63."""


def memory_of_machine(root: Path = Path("/")) -> int:
    """Bytes of memory that this process can count on. `root` is where /proc and /sys are looked for."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *_cgroup_limits(root)]
    return min(limit for limit in limits if limit > 0)


def _cgroup_limits(root: Path) -> list[int]:
    """Every limit that holds for this process; empty where there are no cgroups."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    limits: list[int] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            limits += _limits_upwards(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            limits += _limits_upwards(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")
    return limits


def _limits_upwards(mount: Path, path: str, name: str) -> list[int]:
    """The limits of the group and of all groups above it. In a container the path may lie above its own mount."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    groups = [mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]
    return [limit for group in groups if (limit := _limit(group / name)) > 0]


def _limit(file: Path) -> int:
    """The limit in that file; 0 where there is none."""
    try:
        text = file.read_text().strip()
    except OSError:
        return 0
    if not text.isdigit() or int(text) >= _UNLIMITED:
        return 0
    return int(text)
