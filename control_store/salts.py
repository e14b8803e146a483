"""Salts: the random keys without which nobody can tell again who a visitor hash was.

They live in one small file of fixed slots, overwritten in place and fsynced, in no backup. A slot is destroyed by
writing zeros over it: nothing is renamed or appended, so no older copy of the file stays behind. The file is shared
by every collector and the core of a machine under a lock; each process keeps what it has read in memory.

A torn or lost slot is a lost salt: the next user makes another one and the day is marked. Source of the rule:
DESIGN §5; the reason is that a hash over address and agent can be found by trial as long as its key exists.
"""

import fcntl
import hashlib
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

Clock = Callable[[], int]

_SLOT: Final = struct.Struct("<4sIiQI32s4xI")
"""Mark, site, day, time of destruction (ms), import id, salt, checksum of all before it: 64 bytes."""
_MARK: Final = b"FFS1"
_EMPTY: Final = bytes(_SLOT.size)
_GROW: Final = 64 * _SLOT.size


class Salt(NamedTuple):
    """The key of one site and site-local day (days since 1970-01-01), or of one import's day."""

    site: int
    day: int
    import_id: int
    secret: bytes
    destroy_at: int
    """Time (ms UTC) from which it must not be used and is overwritten."""

    @property
    def key_id(self) -> str:
        """A name for the ledger that says nothing about the salt: 16 hex digits of its hash."""
        return hashlib.blake2b(self.secret, digest_size=8, person=b"footfall-salt-id").hexdigest()


class SaltFile:
    """The salts of this machine. Safe for several processes and threads."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._thread_lock = threading.Lock()
        self._known: dict[tuple[int, int, int], Salt] = {}

    def close(self) -> None:
        """Forget everything and close the file."""
        self._known.clear()
        os.close(self._file)

    def salt(self, site: int, day: int, *, destroy_at: int, import_id: int = 0) -> bytes:
        """The secret of this site and day, made on first use; no call makes an existing one live longer."""
        found = self._known.get((site, day, import_id))
        if found is None or found.destroy_at <= self._clock():
            found = self._find_or_make(Salt(site, day, import_id, b"", destroy_at))
        return found.secret

    def prolong(self, site: int, day: int, *, import_id: int, destroy_at: int) -> None:
        """Let an import's salt live until then, as long as its requests keep coming; never a visitor's."""
        if not import_id:
            raise ValueError("the salts of visitors are never prolonged")
        with self._locked(fcntl.LOCK_EX):
            for offset, slot in self._slots():
                if (slot.site, slot.day, slot.import_id) == (site, day, import_id):
                    self._write(offset, slot._replace(destroy_at=destroy_at))
                    self._known[site, day, import_id] = slot._replace(destroy_at=destroy_at)

    def destroy_overdue(self) -> list[Salt]:
        """Overwrite every salt whose time has come, and fsync. Gives what is gone, secrets left out.

        `key_id` of the result names the key that was destroyed: it is computed before the secret goes.
        """
        now = self._clock()
        gone: list[Salt] = []
        with self._locked(fcntl.LOCK_EX):
            for offset, slot in self._slots():
                if slot.destroy_at <= now:
                    os.pwrite(self._file, _EMPTY, offset)
                    gone.append(slot)
            if gone:
                os.fsync(self._file)
        for slot in gone:
            self._known.pop((slot.site, slot.day, slot.import_id), None)
        return gone

    def forget(self) -> None:
        """Drop from memory what is overdue; a process that only reads calls it on its own tick."""
        now = self._clock()
        for key in [key for key, salt in self._known.items() if salt.destroy_at <= now]:
            self._known.pop(key, None)

    def _find_or_make(self, wanted: Salt) -> Salt:
        key = (wanted.site, wanted.day, wanted.import_id)
        with self._locked(fcntl.LOCK_EX):
            free = None
            now = self._clock()
            for offset, slot in self._slots(empty=True):
                if slot.secret and slot.destroy_at <= now:
                    os.pwrite(self._file, _EMPTY, offset)  # an overdue salt is destroyed before any use of the file
                elif slot.secret and (slot.site, slot.day, slot.import_id) == key:
                    self._known[key] = slot
                    return slot
                if free is None and (not slot.secret or slot.destroy_at <= now):
                    free = offset
            made = wanted._replace(secret=secrets.token_bytes(32))
            self._write(self._room() if free is None else free, made)
            os.fsync(self._file)
        self._known[key] = made
        return made

    def _room(self) -> int:
        """Offset of a new slot behind the last; the file grows by 64 slots of zeros at a time."""
        size = os.fstat(self._file).st_size
        os.pwrite(self._file, bytes(_GROW), size)
        return size

    def _write(self, offset: int, salt: Salt) -> None:
        head = _SLOT.pack(_MARK, salt.site, salt.day, salt.destroy_at, salt.import_id, salt.secret, 0)[:-4]
        os.pwrite(self._file, head + struct.pack("<I", zlib.crc32(head)), offset)

    def _slots(self, *, empty: bool = False) -> Iterator[tuple[int, Salt]]:
        """Offset and content of each whole slot; torn ones count as empty."""
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        for offset in range(0, len(content) - _SLOT.size + 1, _SLOT.size):
            raw = content[offset : offset + _SLOT.size]
            mark, site, day, destroy_at, import_id, secret, checksum = _SLOT.unpack(raw)
            if mark == _MARK and zlib.crc32(raw[:-4]) == checksum:
                yield offset, Salt(site, day, import_id, secret, destroy_at)
            elif empty:
                yield offset, Salt(0, 0, 0, b"", 0)

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        with self._thread_lock:
            fcntl.flock(self._file, kind)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
