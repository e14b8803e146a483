"""Salts: the random keys without which nobody can tell again who a visitor hash was.

They live in one small file of fixed slots, overwritten in place and fsynced, in no backup. Nothing is renamed or
appended, so no older copy of the file stays behind. The file is shared by every collector and the core of a machine
under a lock; each process keeps what it has read in memory.

A salt is destroyed by writing a tombstone over it, which names the key by a hash and holds no byte of it. Whichever
process did it, the tombstone stays until the core has entered it in the ledger (`noted`): a kill before that writes
the entry twice, never not at all. A torn slot is a lost salt and is overwritten with zeros: the next user makes another
one. Source of the rules: DESIGN §5; the reason is that a hash over address and agent can be found by trial as long as
its key exists.
"""

import fcntl
import hashlib
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

Clock = Callable[[], int]

_SLOT: Final = struct.Struct("<4sIiQI32s4xI")
"""Mark, site, day, time of destruction (ms), import id, salt, checksum of all before it: 64 bytes."""
_LIVE: Final = b"FFS1"
_GONE: Final = b"FFG1"
_EMPTY: Final = bytes(_SLOT.size)
_GROW: Final = 64 * _SLOT.size


class Salt(NamedTuple):
    """The key of one site and site-local day (days since 1970-01-01), or of one import's day. Not to be printed."""

    site: int
    day: int
    import_id: int
    secret: bytes
    destroy_at: int
    """Time (ms UTC) from which it must not be used and is overwritten."""

    def __repr__(self) -> str:
        return f"<salt of site {self.site}, day {self.day}>"


class Destroyed(NamedTuple):
    """A salt that is gone, as the ledger names it."""

    site: int
    day: int
    import_id: int
    key_id: str
    """16 hex digits of the salt's hash, which say nothing about the salt."""


class _Slot(NamedTuple):
    """One slot as read: empty, live, gone (`salt.secret` holds the key id) or torn."""

    offset: int
    mark: bytes
    salt: Salt


class SaltFile:
    """The salts of this machine. Safe for several processes and threads."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open or make the file, readable by its owner alone; what is overdue is destroyed before anything else."""
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.fchmod(self._file, 0o600)
        self._thread_lock = threading.Lock()
        self._known: dict[tuple[int, int, int], Salt] = {}
        with self._locked():
            self._swept()

    def close(self) -> None:
        """Forget everything and close the file."""
        self._known.clear()
        os.close(self._file)

    def known(self, site: int, day: int) -> bytes | None:
        """The secret of this site and day if this process has it at hand and its time is not over."""
        found = self._known.get((site, day, 0))
        return found.secret if found is not None and found.destroy_at > self._clock() else None

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
        key = (site, day, import_id)
        with self._locked():
            for slot in self._swept():
                if slot.mark == _LIVE and slot.salt[:3] == key and slot.salt.destroy_at < destroy_at:
                    self._known[key] = slot.salt._replace(destroy_at=destroy_at)
                    self._write(slot.offset, _LIVE, self._known[key])

    def destroy_overdue(self) -> list[Destroyed]:
        """Overwrite every salt whose time has come, and fsync.

        Gives every destroyed one that is not noted yet, whichever process destroyed it.
        """
        self.forget()
        with self._locked():
            gone = [slot.salt for slot in self._swept() if slot.mark == _GONE]
        return [Destroyed(*salt[:3], salt.secret[:8].hex()) for salt in gone]

    def noted(self, destroyed: Sequence[Destroyed]) -> None:
        """Their entries are in the ledger: free the slots."""
        noted = {(*one[:3], bytes.fromhex(one.key_id)) for one in destroyed}
        with self._locked():
            for slot in self._read():
                if slot.mark == _GONE and (*slot.salt[:3], slot.salt.secret[:8]) in noted:
                    os.pwrite(self._file, _EMPTY, slot.offset)

    def there(self) -> set[str]:
        """The ids of every salt whose bytes stand in the file, whatever is said of them."""
        with self._locked():
            slots = self._read()
        return {_key_id(slot.salt.secret).hex() for slot in slots if slot.mark != _GONE and any(slot.salt.secret)}

    def forget(self) -> None:
        """Drop from memory what is overdue; a process that only reads calls it on its own tick."""
        now = self._clock()
        for key in [key for key, salt in list(self._known.items()) if salt.destroy_at <= now]:
            self._known.pop(key, None)

    def _find_or_make(self, wanted: Salt) -> Salt:
        key = wanted[:3]
        with self._locked():
            slots = self._swept()
            for slot in slots:
                if slot.mark == _LIVE and slot.salt[:3] == key:
                    self._known[key] = slot.salt
                    return slot.salt
            made = wanted._replace(secret=secrets.token_bytes(32))
            if made.destroy_at <= self._clock():
                return made  # its time is over already: it serves this one call and is never written
            free = next((slot.offset for slot in slots if slot.mark == _EMPTY[:4]), None)
            self._write(self._room() if free is None else free, _LIVE, made)
            os.fsync(self._file)
            self._known[key] = made
        return made

    def _swept(self) -> list[_Slot]:
        """Every slot, after the overdue and the torn ones were overwritten and fsynced. Under the lock."""
        slots, now, changed = self._read(), self._clock(), False
        for place, (offset, mark, salt) in enumerate(slots):
            if mark == _LIVE and salt.destroy_at <= now:
                slots[place] = _Slot(offset, _GONE, salt._replace(secret=_key_id(salt.secret).ljust(32, b"\0")))
                self._write(*slots[place])
                changed = True
            elif mark not in (_LIVE, _GONE, _EMPTY[:4]):
                slots[place] = _Slot(offset, _EMPTY[:4], salt)
                os.pwrite(self._file, _EMPTY, offset)
                changed = True
        if changed:
            os.fsync(self._file)
        return slots

    def _room(self) -> int:
        """Offset of a new slot behind the last; the file grows by 64 slots of zeros at a time."""
        size = os.fstat(self._file).st_size // _SLOT.size * _SLOT.size
        os.pwrite(self._file, bytes(_GROW), size)
        return size

    def _write(self, offset: int, mark: bytes, salt: Salt) -> None:
        head = _SLOT.pack(mark, salt.site, salt.day, salt.destroy_at, salt.import_id, salt.secret, 0)[:-4]
        os.pwrite(self._file, head + struct.pack("<I", zlib.crc32(head)), offset)

    def _read(self) -> list[_Slot]:
        """Offset, mark and content of each slot; a mark of `torn` where the checksum does not fit."""
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        slots = []
        for offset in range(0, len(content) - _SLOT.size + 1, _SLOT.size):
            raw = content[offset : offset + _SLOT.size]
            mark, site, day, destroy_at, import_id, secret, checksum = _SLOT.unpack(raw)
            if raw != _EMPTY and zlib.crc32(raw[:-4]) != checksum:
                mark = b"torn"
            slots.append(_Slot(offset, mark, Salt(site, day, import_id, secret, destroy_at)))
        return slots

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._thread_lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def _key_id(secret: bytes) -> bytes:
    return hashlib.blake2b(secret, digest_size=8, person=b"footfall-salt-id").digest()
