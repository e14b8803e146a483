"""Which spools there are: a directory under the root is a registration, made durable before the first acknowledgement.

A spool that is silent blocks the sealing of days, loudly, for what it holds may belong to them. It ends in two ways:
its writer says that it is complete (an import), and when all of it is loaded it is removed; or a person retires it.
"""

import fcntl
import os
import re
import shutil
import time
from pathlib import Path
from typing import Final

from spool.errors import SpoolBusy, SpoolError, translated
from spool.segment import sync_file

_LOCK: Final = "lock"
_COMPLETE: Final = "complete"
_GIVEN_UP: Final = ".retired"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOCK_POLL_SECONDS: Final = 0.05


def list_spools(root: Path) -> list[str]:
    """Names of all registered spools under `root`, in order."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in os.scandir(root) if _NAME.fullmatch(entry.name) and entry.is_dir())


def register(root: Path, name: str) -> Path:
    """Make the directory of a spool, durable. Raises SpoolError on a bad name, SpoolFull, SpoolBroken."""
    if not _NAME.fullmatch(name):
        raise SpoolError("A spool's name has letters, digits, - and _, 64 at most.")
    directory = root / name
    with translated(f"Registering the spool {name}", 60):
        if not root.is_dir():
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_file(root.parent)
        directory.mkdir(exist_ok=True, mode=0o700)
        sync_file(root)
    return directory


def hold(directory: Path, patience: float) -> int:
    """Lock the spool for this process, waiting for a predecessor that is about to end; a descriptor to close.

    Raises SpoolBusy.
    """
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() < deadline:
                time.sleep(_LOCK_POLL_SECONDS)
                continue
            os.close(descriptor)
            raise SpoolBusy(
                f"The spool {directory} is owned by another process that does not end: stop it, or give this one "
                "another name."
            ) from None
        return descriptor


def mark_complete(directory: Path) -> None:
    """Nothing will be added any more: once it is loaded the spool may go, and it holds up no seal."""
    with translated(f"Completing the spool {directory.name}", 60):
        (directory / _COMPLETE).touch()
        sync_file(directory)


def is_complete(directory: Path) -> bool:
    """Whether the writer has said that nothing will be added."""
    return (directory / _COMPLETE).exists()


def unregister(directory: Path, *, loaded: bool) -> Path | None:
    """End a registration. What is loaded is removed; what is not is set aside, and where it lies is returned.

    Raises SpoolBusy while a process owns the spool, SpoolBroken.
    """
    if not directory.exists():
        return None
    held = hold(directory, 0)
    try:
        with translated(f"Retiring the spool {directory.name}", 60):
            aside = _name_aside(directory)
            directory.rename(aside)
            sync_file(aside.parent)
            if loaded:
                shutil.rmtree(aside)
                sync_file(aside.parent)
    finally:
        os.close(held)
    return None if loaded else aside


def _name_aside(directory: Path) -> Path:
    number = 1
    while (aside := directory.with_name(f"{directory.name}{_GIVEN_UP}.{number}")).exists():
        number += 1
    return aside
