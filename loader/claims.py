"""Cut after cut of records, read and decoded; the next one while the warehouse is busy with this one.

While rows are being stored the interpreter waits for the engine for about as long as the next cut takes to decode, so a
second thread does that then: a quarter more rows a second. What was read ahead is used only if it begins where the
journal stands; nothing depends on it.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from loader.batch import Contents
from loader.settings import LoaderSettings
from loader.spools import Spools
from spool.cuts import Range
from spool.errors import SpoolError


@dataclass(frozen=True, slots=True)
class Claimed:
    """Records of some spools and what is in them."""

    ranges: tuple[Range, ...]
    contents: Contents


class Claims:
    """What comes next from the spools. Used by one thread."""

    def __init__(self, spools: Spools, settings: LoaderSettings) -> None:
        self._spools = spools
        self._settings = settings
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="loader-ahead")
        self._ahead: Claimed | None = None

    def next(self) -> Claimed | None:
        """The next records after the positions, None if there are none. Raises SpoolGap, SpoolBroken."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and self._spools.begin_at_positions(ahead.ranges):
            return ahead
        return self._read(())

    @contextmanager
    def reading_ahead(self, ranges: tuple[Range, ...]) -> Iterator[None]:
        """Meanwhile, read what comes after `ranges`, if that is a good deal. The spools are not to be used inside."""
        reading: Future[Claimed | None] | None = None
        if self._spools.pending_after(ranges) >= self._settings.enough_events:
            reading = self._pool.submit(self._read, ranges)
        try:
            yield
        finally:
            try:
                self._ahead = reading.result() if reading else None
            except SpoolError:  # it is met again, and dealt with, by the round that needs the records
                self._ahead = None

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown()

    def _read(self, beyond: Iterable[Range]) -> Claimed | None:
        claim = self._spools.claim(self._settings.cut_events, self._settings.cut_bytes, beyond)
        if not claim:
            return None
        contents = Contents()
        for part, records in claim.items():
            contents.add(part.spool, records)
        return Claimed(tuple(claim), contents)
