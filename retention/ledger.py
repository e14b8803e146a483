"""The ledger: what was destroyed and when, in a chain that shows every change (SHA-256 over canonical JSON).

One entry a line. Each carries its number, the hash of the one before and its own; a changed byte, a missing entry and a
swap are found by anybody who has the lines. That lines are missing at the end is found only by whoever has a head
(number and hash of the last entry) from elsewhere: so the control store keeps one, and it is shown to be noted down.
An entry is durable before `append` returns; what a power cut tore off had not been promised, and is cut away.

Entries may be signed (retention/signatures.py). A signature is over an entry's hash and so not part of it; once one
entry is signed all that follow are, for else whoever can't sign could go on with entries of their own.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

FIRST: Final = "0" * 64
"""What the first entry has for the hash of the one before."""
_TAIL: Final = 1 << 20
_FIELDS: Final = {"number", "at", "kind", "content", "previous", "hash"}
_SIGNED: Final = _FIELDS | {"signature"}
Holds = Callable[[str, str], bool]
"""Hash and signature → whether that is by a key that is believed."""


class LedgerBroken(Exception):
    """The file contradicts itself or the head that is kept; nothing is appended to it. One sentence."""


class Head(NamedTuple):
    """The last entry: how many there are, and its hash."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


NOTHING: Final = Head(0, FIRST)


class Entry(NamedTuple):
    """One line."""

    number: int
    at: str
    """UTC, ISO 8601."""
    kind: str
    content: Mapping[str, Any]
    """Whole numbers, texts, lists and maps of them; nothing about a visitor."""
    previous: str
    hash: str
    signature: str = ""
    """Over the hash, hex digits; not in the line where there is none."""


class Report(NamedTuple):
    """What a check found."""

    head: Head
    """Of the lines that were read."""
    faults: list[str]
    """One sentence each, naming the entry."""
    end_is_known: bool
    """Whether a head was there to tell if entries are missing at the end."""
    signed: int = 0
    """How many entries have a signature."""


class Ledger:
    """The ledger of one installation. Safe for several processes."""

    def __init__(
        self,
        path: Path,
        read_head: Callable[[], Head],
        write_head: Callable[[Head], None],
        sign: Callable[[str], str] = lambda _: "",
    ) -> None:
        """`read_head` and `write_head` keep the head elsewhere: in the control store. `sign`: the signature of a
        hash."""
        self._path = path
        self._sign = sign
        self._read_head = read_head
        self._write_head = write_head

    def append(self, kind: str, content: Mapping[str, Any], *, now: int) -> Entry:
        """Add an entry, durably; the same content of the same kind among the newest is not added again.

        now: ms UTC. Raises LedgerBroken.
        """
        with self._opened() as file:
            last, known = self._end(file)
            if known is not None and (again := known.get((kind, _canonical(content)))):
                return again
            at = datetime.fromtimestamp(now // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            made = _sealed(Entry(last.number + 1, at, kind, content, last.hash, ""))
            made = made._replace(signature=self._sign(made.hash))
            os.write(file, _line(made))
            os.fsync(file)
            self._write_head(Head(made.number, made.hash))
            return made

    def lines(self) -> Iterator[bytes]:
        """Every line, oldest first."""
        if self._path.exists():
            with self._path.open("rb") as file:
                yield from file

    def entries(self) -> Iterator[Entry]:
        """Every entry that can be read, oldest first."""
        return (entry for line in self.lines() if (entry := _read(line)))

    def verify(self, holds: Holds | None = None) -> Report:
        """Check the file against itself and the head that is kept."""
        return verify(self.lines(), self._read_head(), holds)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    def _end(self, file: int) -> tuple[Head, dict[tuple[str, bytes], Entry] | None]:
        """The head of the file, and its newest entries by what they say. Cuts a torn end away. Raises LedgerBroken."""
        size = os.fstat(file).st_size
        start = max(0, size - _TAIL)
        tail = os.pread(file, size - start, start)
        whole = tail.rpartition(b"\n")[0] + b"\n" if b"\n" in tail else b""
        if len(whole) < len(tail):
            os.ftruncate(file, start + len(whole))
        entries = [_read(line) for line in whole.splitlines()[1 if start else 0 :]]
        last = entries[-1] if entries else None
        if entries and last is None:
            raise LedgerBroken("The last entry of the ledger can't be read; `footfall ledger verify` tells more.")
        head = Head(last.number, last.hash) if last else NOTHING
        kept = self._read_head()
        if head.number < kept.number or (head.number == kept.number and head != kept):
            raise LedgerBroken(
                f"The ledger ends with entry {head.number}, but {kept.number} were written: it was cut or changed. "
                "`footfall ledger verify` tells more; bring the file back from a backup."
            )
        return head, {(one.kind, _canonical(one.content)): one for one in entries if one}


def verify(lines: Iterable[bytes], head: Head | None = None, holds: Holds | None = None) -> Report:
    """Recount a ledger or an export of one. `head` is a head from elsewhere; without `holds` no signature is checked,
    but that none is missing among others."""
    faults: list[str] = []
    before = NOTHING
    signed = 0
    at_head: str | None = FIRST if head == NOTHING else None
    for place, line in enumerate(lines, 1):
        entry = _read(line)
        if entry is None:
            faults.append(f"Entry {before.number + 1} (line {place}) can't be read.")
            before = Head(before.number + 1, "")
            continue
        faults += _faults(entry, before)
        if entry.signature:
            signed += 1
            if holds and not holds(entry.hash, entry.signature):
                faults.append(f"Entry {entry.number}: its signature was changed, or is by another key.")
        elif signed:
            faults.append(f"Entry {entry.number} is not signed, and entries before it are.")
        before = Head(entry.number, entry.hash)
        if head and entry.number == head.number:
            at_head = entry.hash
    if head and at_head != head.hash:
        faults.append(
            f"Entry {head.number} is not the one whose hash was noted down."
            if at_head is not None
            else f"Entries {before.number + 1} to {head.number} are missing at the end."
        )
    return Report(before, faults, head is not None, signed)


def differing(entries: Iterable[Entry], heads: Iterable[tuple[str, Head]]) -> Iterator[str]:
    """The days (as they are written) whose head is not that of these entries: what was noted then was changed since."""
    hashes = {one.number: one.hash for one in entries}
    for day, head in heads:
        if head.number and head.number in hashes and hashes[head.number] != head.hash:
            yield f"Entry {head.number} is not the one with which the ledger ended on {day}."


def parse_head(text: str) -> Head:
    """A head as it is written: `number:hash`. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
    if found is None:
        raise ValueError("A head is written as number:hash, for example 12:9f86d0… with 64 hex digits.")
    return Head(int(found[1]), found[2])


def _faults(entry: Entry, before: Head) -> list[str]:
    number, expected = entry.number, before.number + 1
    faults = []
    if number > expected:
        missing = f"Entry {expected} is" if number == expected + 1 else f"Entries {expected} to {number - 1} are"
        faults.append(f"{missing} missing before entry {number}.")
    elif number < expected:
        faults.append(f"Entry {number} stands after entry {before.number}.")
    if _sealed(entry).hash != entry.hash:
        faults.append(f"Entry {number} was changed.")
    if number == expected and before.hash and entry.previous != before.hash:
        faults.append(f"Entry {number} does not follow entry {before.number} as it stands here.")
    return faults


def _sealed(entry: Entry) -> Entry:
    body = {name: value for name, value in entry._asdict().items() if name not in ("hash", "signature")}
    return entry._replace(hash=hashlib.sha256(_canonical(body)).hexdigest())


def _canonical(content: Mapping[str, Any]) -> bytes:
    """JSON in one form: keys in order, no blanks, no fractions (RFC 8785 for what stands in a ledger)."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _line(entry: Entry) -> bytes:
    return _canonical({name: value for name, value in entry._asdict().items() if name != "signature" or value}) + b"\n"


def _read(line: bytes) -> Entry | None:
    """The entry of a line that is exactly in the form in which it was written; None for anything else."""
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict) or fields.keys() not in (_FIELDS, _SIGNED):
            return None
        entry = Entry(**fields)
        fits = isinstance(entry.number, int) and isinstance(entry.content, dict)
        texts = all(isinstance(text, str) for text in (*entry[1:3], *entry[4:]))
        return entry if fits and texts and _line(entry) == line.rstrip(b"\n") + b"\n" else None
    except (ValueError, TypeError, RecursionError):
        return None
