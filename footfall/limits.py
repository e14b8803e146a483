"""What every process of ours asks of the system before it does anything: no core dumps, and room for connections."""

import resource
from typing import Final

_MOST_FILES: Final = 65_536
"""More open files than a collector can serve; some systems grant a thousand million, and libraries count up to that."""


def limit_process() -> None:
    """Leave no memory on disk when a process crashes, for addresses pass through it; and raise the limit of open files.

    The usual 1,024 files are sixteen new visitors a second, whose browsers hold their connection for a minute.
    Children inherit both.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
