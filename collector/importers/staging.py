"""An import as one act: read, staged in a spool of its own, committed whole. A kill at any line leaves nothing half.

1. A number is taken from the control store and the spool `import-<number>` is staged aside, where no loader looks.
2. Every line goes through the same steps as a live beacon, with salts that exist in memory only and end with the
   process: nobody can compute an imported visitor's hash again.
3. The staged spool is complete and fsynced.
4. The manifest is committed with the content's digest: from here on the import counts.
5. The staged spool is moved to where the loader looks. A kill before 4 leaves a staging that the next import removes;
   a kill between 4 and 5 leaves one that the next import, or the core's start, moves.
"""

import fcntl
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Final
from uuid import UUID

import msgspec

from collector.address import NO_ADDRESS, read_address
from collector.app import make_tools
from collector.importers.accesslog import Hit, read_line
from collector.place import Places
from collector.registry import ServedSite
from collector.request import RequestFacts
from collector.steps import Draft, walk
from control_store.imports import Manifest, abandon_import, begin_import, commit_import, committed_imports
from control_store.tables import ControlStore
from event_catalogue.decode import Beacon, WireEvent
from event_catalogue.event import SCHEMA_VERSION, Parcel, Tally, encode_parcel, encode_tallies
from spool.crash import CrashPoints
from spool.kinds import Kind
from spool.registry import mark_complete
from spool.segment import sync_file
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter

_CHUNK: Final = 1000
_URL_LIMIT: Final = 8192

_LOCK: Final = ".lock"

Pending = tuple[Kind, int, bytes]


class ImportBusy(RuntimeError):
    """Another import holds the lock; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """Where imports are staged and loaded from, and the databases they use."""

    staging: Path
    spool_root: Path
    spool: SpoolSettings
    geo: tuple[Path, ...]
    clock: Callable[[], int]
    crash: CrashPoints


@dataclass(slots=True)
class Report:
    """What became of a file's lines."""

    lines: int = 0
    skipped: int = 0
    """Lines at the beginning that an earlier import of the same log brought."""
    stored: int = 0
    known: bool = False
    """Whether the very same content was imported before, so that nothing was done."""
    left_out: Counter[str] = field(default_factory=Counter)


class AccessLogImport:
    """Imports access logs of one site."""

    def __init__(self, store: ControlStore, served: ServedSite, settings: ImportSettings) -> None:
        self._store = store
        self._served = served
        self._settings = settings
        self._salts: dict[int, bytes] = {}
        self._tools = make_tools(Places(settings.geo), lambda _site, day, _number: self._salt(day))

    def run(
        self, lines: Callable[[], Iterable[bytes]], on_line: Callable[[int], None], *, twice: bool = True
    ) -> Report:
        """Import one log; `lines` opens it, `on_line` is told the bytes of each line.

        The content is known by its digest, so the same log again changes nothing. `twice`: whether it can be read
        twice; then one that has grown since an earlier import goes on where that one ended.
        """
        skip = _known_bytes(lines(), self._earlier()) if twice else 0
        now = self._settings.clock()
        number = begin_import(self._store, self._served.site.id, "accesslog", now=now)
        name = f"import-{number}"
        report = Report()
        reader = _Reader(lines(), skip, on_line)
        try:
            with SpoolWriter(self._settings.staging, name, self._settings.spool, self._settings.clock) as writer:
                for chunk in chunks(self._records(reader, report, number)):
                    writer.append_many(chunk)
                    self._settings.crash("import.staged_chunk")
        except BaseException:  # an unreadable log, a full disk, Ctrl-C: nothing of it may stay
            self._throw_away(number, name)
            raise
        report.lines, report.skipped = reader.lines, reader.skipped
        self._settle(number, name, reader, report)
        return report

    def _settle(self, number: int, name: str, reader: "_Reader", report: Report) -> None:
        """Steps 3 to 5; content that is known already is thrown away."""
        if any(known.digest == reader.digest for known in self._earlier()):
            report.known = True
            self._throw_away(number, name)
            return
        mark_complete(self._settings.staging / name)
        self._settings.crash("import.before_commit")
        manifest = Manifest(
            number, self._served.site.id, "accesslog", reader.digest, reader.bytes, reader.lines, name, "committed"
        )
        commit_import(self._store, manifest)
        self._settings.crash("import.after_commit")
        hand_over(self._settings, name)

    def _throw_away(self, number: int, name: str) -> None:
        shutil.rmtree(self._settings.staging / name, ignore_errors=True)
        abandon_import(self._store, number)

    def _earlier(self) -> list[Manifest]:
        site = self._served.site.id
        return [m for m in committed_imports(self._store) if m.site == site and m.kind == "accesslog"]

    def _salt(self, day: int) -> bytes:
        return self._salts.setdefault(day, token_bytes(32))

    def _records(self, reader: "_Reader", report: Report, number: int) -> Iterator[Pending]:
        for place, line in reader:
            hit = read_line(line.decode("utf-8", "replace").rstrip("\r\n"))
            if isinstance(hit, str):
                report.left_out[hit] += 1
                continue
            yield self._record(hit, place, number, report)

    def _record(self, hit: Hit, place: int, number: int, report: Report) -> Pending:
        draft = self._draft(hit, hashlib.blake2b(b"%d %d" % (number, place), digest_size=16).digest())
        draft.import_id = number
        verdict = walk(draft, self._tools)
        if verdict is None and draft.rows:
            report.stored += 1
            parcel = Parcel(SCHEMA_VERSION, self._served.site.id, draft.beacon.id.bytes, draft.now, draft.rows)
            return Kind.EVENTS, 1, encode_parcel(parcel)
        outcome, reason = (
            (verdict.outcome, verdict.reason) if verdict else (draft.tallies[0].outcome, draft.tallies[0].reason)
        )
        report.left_out[reason] += 1
        tally = Tally(self._served.site.id, draft.today, outcome, reason, 0)
        return Kind.COUNTS, 1, _counts(tally)

    def _draft(self, hit: Hit, beacon_id: bytes) -> Draft:
        domain = self._served.site.domain
        target = hit.target if hit.target.startswith(("http://", "https://")) else f"https://{domain}{hit.target}"
        beacon = Beacon(
            v=1,
            site=self._served.site.key,
            id=UUID(bytes=beacon_id),
            url=target[:_URL_LIMIT],
            referrer=hit.referrer[:_URL_LIMIT],
            events=[WireEvent(hit.name, hit.at)],
        )
        facts = RequestFacts(read_address(hit.host) or NO_ADDRESS, user_agent=hit.agent)
        return Draft(beacon, facts, self._served, now=self._settings.clock(), way="import")


def _counts(tally: Tally) -> bytes:
    return msgspec.msgpack.encode([[encode_tallies([tally]), 1]])


class _Reader:
    """Numbers the lines, takes the digest of all of them, and passes over what was imported before."""

    def __init__(self, lines: Iterable[bytes], skip_bytes: int, on_line: Callable[[int], None]) -> None:
        self._lines = lines
        self._skip_bytes = skip_bytes
        self._on_line = on_line
        self._hash = hashlib.sha256()
        self.lines = self.bytes = self.skipped = 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for line in self._lines:
            self._hash.update(line)
            self.lines += 1
            self.bytes += len(line)
            self._on_line(len(line))
            if self.bytes > self._skip_bytes:
                yield self.lines, line
            else:
                self.skipped += 1


def _known_bytes(lines: Iterable[bytes], earlier: list[Manifest]) -> int:
    """How many bytes at the beginning are what an earlier import brought: a log that has grown since."""
    ends = {(manifest.bytes, manifest.digest) for manifest in earlier}
    longest = max((size for size, _ in ends), default=0)
    digest, size, known = hashlib.sha256(), 0, 0
    for line in lines:
        digest.update(line)
        size += len(line)
        if size > longest:
            break
        if (size, digest.hexdigest()) in ends:
            known = size
    return known


def chunks(records: Iterable[Pending]) -> Iterator[list[Pending]]:
    """The records in lists that are staged, each in one commit."""
    chunk: list[Pending] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@contextmanager
def importing(store: ControlStore, settings: ImportSettings) -> Iterator[None]:
    """The one import of this installation; first finishes what a kill left of earlier ones. Raises ImportBusy."""
    settings.staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.staging / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImportBusy("Another import is running; start this one when it is done.") from None
        _recover(store, settings)
        yield


def _recover(store: ControlStore, settings: ImportSettings) -> None:
    """Move stagings whose import was committed, remove the others."""
    committed = {manifest.spool for manifest in committed_imports(store)}
    for staged in settings.staging.iterdir():
        if staged.name in committed:
            hand_over(settings, staged.name)
        elif staged.name.startswith("import-"):
            shutil.rmtree(staged)
            abandon_import(store, int(staged.name.rpartition("-")[2]))


def hand_over(settings: ImportSettings, name: str) -> None:
    """Move a committed staging to where the loader looks; a power cut must not take it back from there."""
    (settings.staging / name).rename(settings.spool_root / name)
    sync_file(settings.spool_root)
