"""How much memory the warehouse may take."""

import os
from pathlib import Path

import pytest

from warehouse.memory import memory_of_machine

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20

CASES = {
    "no cgroups": ({}, MACHINE),
    "version 2, limited": (
        {"proc/self/cgroup": "0::/app\n", "sys/fs/cgroup/app/memory.max": f"{512 * MIB}\n"},
        512 * MIB,
    ),
    "version 2, unlimited": ({"proc/self/cgroup": "0::/app\n", "sys/fs/cgroup/app/memory.max": "max\n"}, MACHINE),
    "version 2, the group above is tighter": (
        {
            "proc/self/cgroup": "0::/slice/app\n",
            "sys/fs/cgroup/slice/memory.max": f"{256 * MIB}\n",
            "sys/fs/cgroup/slice/app/memory.max": f"{512 * MIB}\n",
        },
        256 * MIB,
    ),
    "version 2, seen from inside a container": (
        {"proc/self/cgroup": "0::/../outside\n", "sys/fs/cgroup/memory.max": f"{300 * MIB}\n"},
        300 * MIB,
    ),
    "version 1, limited": (
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/app\n4:memory:/app\n",
            "sys/fs/cgroup/memory/app/memory.limit_in_bytes": f"{128 * MIB}\n",
        },
        128 * MIB,
    ),
    "version 1, unlimited": (
        {
            "proc/self/cgroup": "4:memory:/app\n",
            "sys/fs/cgroup/memory/app/memory.limit_in_bytes": "9223372036854771712\n",
        },
        MACHINE,
    ),
}


@pytest.mark.req("O4")
@pytest.mark.parametrize(("files", "expected"), CASES.values(), ids=CASES.keys())
def test_the_tightest_limit_holds(files: dict[str, str], expected: int, tmp_path: Path) -> None:
    """A container's limit counts, of either cgroup version, and never more than the machine has."""
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert memory_of_machine(tmp_path) == expected
