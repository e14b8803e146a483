"""What every place with backups is told, so that a restore brings nothing back that was destroyed since.

Beside the backups lie, for each place: the ledger as far as it was written (purges, holds, destroyed salts), and the
tombstones: of each erasure a keyed hash of whom it meant, under a key of that place, in a chain like the ledger's. The
ledger has an entry with the head of each chain, so that a place whose tombstones were cut off is found out. An erasure
is hidden, and then told here; before it is told everywhere it is not called done.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from control_store.tables import ControlStore
from control_store.targets import list_targets
from retention.ledger import NOTHING, Head, Ledger, LedgerBroken, Report, parse_head, verify
from warehouse.erasing import Meant

KIND: Final = "erasure"
TOLD: Final = "tombstones.told"
_KEY, _CHAIN, _HEAD, _LEDGER = "tombstones.key", "tombstones.jsonl", "tombstones.head", "ledger.jsonl"


class TargetLost(Exception):
    """A place with backups can't be told. One sentence."""


class Target:
    """One directory with backups."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.chain = Ledger(root / _CHAIN, self._read_head, self._write_head)

    @property
    def ledger(self) -> Path:
        """The ledger as far as it was told here."""
        return self.root / _LEDGER

    @property
    def is_there(self) -> bool:
        """Whether tombstones can be told here, or read."""
        return (self.root / _KEY).is_file()

    def make(self) -> None:
        """Make the directory and its key, once. Raises TargetLost."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.is_there:
                (self.root / _CHAIN).touch(0o600)
                draft = self.root / f"{_KEY}.new"
                draft.write_bytes(secrets.token_bytes(32))
                draft.chmod(0o600)
                _fsync(draft)
                draft.replace(self.root / _KEY)
                _fsync(self.root)
        except OSError as error:
            raise TargetLost(f"The directory for backups {self.root} can't be written ({error.strerror}).") from None

    @property
    def id(self) -> str:
        """Which place it is, as the ledger names it."""
        return hashlib.blake2b(b"target", key=self._key(), digest_size=4).hexdigest()

    def hash(self, what: str, site: int, day: int, pseudonym: bytes) -> str:
        """How somebody is named here: nobody without the key can tell whom it means."""
        kind = "visitor" if what == "visitor" else "device"
        content = f"{kind} {site} {day if kind == 'visitor' else 0} ".encode() + pseudonym
        return hashlib.blake2b(content, key=self._key(), digest_size=16).hexdigest()

    def tell(self, meant: Sequence[Meant], *, now: int) -> Head:
        """Add these erasures, those that are here once; the head of the chain. Raises TargetLost, LedgerBroken."""
        if not self.is_there:
            raise TargetLost(
                f"The directory with backups {self.root} is not there: an erasure is done when its tombstone lies "
                f"there. Mount it, or say that its backups are destroyed: `footfall backup prune --lost {self.root}`."
            )
        try:
            known = {str(one["hash"]) + str(one["what"]) for one in self.erasures()}
            for one in meant:
                named = self.hash(one.what, one.site, one.day, one.pseudonym)
                if named + one.what not in known:
                    content = {"what": one.what, "site": one.site, "day": one.day, "upto": one.upto, "hash": named}
                    self.chain.append(KIND, content, now=now)
            return self._read_head()
        except OSError as error:
            raise TargetLost(f"The directory with backups {self.root} can't be written ({error.strerror}).") from None

    def mirror(self, own: Ledger) -> None:
        """Bring the ledger here up to the installation's. Raises TargetLost, LedgerBroken."""
        try:
            here = self.ledger.read_bytes() if self.ledger.is_file() else b""
            whole = here[: here.rfind(b"\n") + 1]
            mine = b"".join(own.lines())
            if not mine.startswith(whole):
                raise LedgerBroken(
                    f"The ledger in {self.root} is of another installation, or one of both was changed: "
                    "choose another directory by backup_dir."
                )
            with self.ledger.open("r+b" if self.ledger.exists() else "wb") as file:
                file.truncate(len(whole))
                file.seek(len(whole))
                file.write(mine[len(whole) :])
                file.flush()
                os.fsync(file.fileno())
            self.ledger.chmod(0o600)
        except OSError as error:
            raise TargetLost(f"The directory with backups {self.root} can't be written ({error.strerror}).") from None

    def erasures(self) -> list[Mapping[str, Any]]:
        """Every tombstone."""
        return [entry.content for entry in self.chain.entries() if entry.kind == KIND]

    def check(self, head: Head | None) -> list[str]:
        """What is wrong with what lies here, as sentences; `head`: of the ledger, from elsewhere."""
        if not self.is_there or not (self.root / _CHAIN).is_file() or not self.ledger.is_file():
            return ["Its tombstones or its ledger are not there."]
        with self.ledger.open("rb") as lines:
            faults = [f"Ledger: {fault}" for fault in verify(lines, head).faults]
        told = NOTHING
        for entry in Ledger(self.ledger, lambda: NOTHING, lambda _: None).entries():
            if entry.kind == TOLD and entry.content.get("target") == self.id:
                told = parse_head(str(entry.content["head"]))
        found: Report = verify(self.chain.lines(), told)
        return faults + [f"Tombstones: {fault}" for fault in found.faults]

    def _key(self) -> bytes:
        return (self.root / _KEY).read_bytes()

    def _read_head(self) -> Head:
        path = self.root / _HEAD
        return parse_head(path.read_text()) if path.is_file() else NOTHING

    def _write_head(self, head: Head) -> None:
        draft = self.root / f"{_HEAD}.new"
        draft.write_text(str(head))
        _fsync(draft)
        draft.replace(self.root / _HEAD)
        _fsync(self.root)


class Tombstones:
    """Tells every place with backups what was destroyed."""

    def __init__(self, store: ControlStore, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    def tell(self, meant: Sequence[Meant], *, now: int) -> None:
        """Tell of erasures, everywhere. Raises TargetLost, LedgerBroken."""
        for target in self._targets():
            head = target.tell(meant, now=now)
            if head != NOTHING:
                self._ledger.append(TOLD, {"target": target.id, "head": str(head)}, now=now)
        self.mirror()

    def mirror(self) -> None:
        """Tell of everything that stands in the ledger, everywhere. Raises TargetLost, LedgerBroken."""
        for target in self._targets():
            if not target.is_there:
                target.tell([], now=0)  # says what is to be done
            target.mirror(self._ledger)

    def _targets(self) -> list[Target]:
        return [Target(Path(path)) for path in list_targets(self._store)]


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
