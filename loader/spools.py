"""The spools of one host, as the loader sees them: how far each is loaded, where it ends, what comes next."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from loader.state import SpoolProgress
from spool.cuts import Position, Range
from spool.errors import SpoolBusy, SpoolGap
from spool.journal import Journal
from spool.kinds import Mark, Record
from spool.reader import SpoolReader
from spool.registry import is_complete, list_spools, unregister

_NO_LIMIT: Final = 1 << 62

Claim = Mapping[Range, list[Record]]
"""Records by the range that they fill, in the order of the spools' names."""


class Spools:
    """All registered spools under a root. Used by one thread."""

    def __init__(self, root: Path, journal: Journal) -> None:
        self._root = root
        self._journal = journal
        self._readers: dict[str, SpoolReader] = {}
        self._positions: dict[str, Position] = {}
        self._ends: dict[str, Mark] = {}

    def look(self, *, afresh: bool = False) -> None:
        """Find new spools, dismiss complete ones, see where all end; `afresh`: ask the journal for positions again.

        Raises SpoolBroken.
        """
        names = list_spools(self._root)
        for name in self._readers.keys() - names:
            self._readers.pop(name).close()
        for name in names:
            if name not in self._readers:
                self._readers[name] = SpoolReader(self._root / name)
        if afresh or self._readers.keys() - self._positions.keys():
            self._positions = self._journal.positions(names)
        self._ends = {name: reader.last() for name, reader in self._readers.items()}
        for name in [name for name in names if self._is_done(name)]:
            with suppress(SpoolBusy):  # its writer is about to end
                self.retire(name)

    @property
    def all_read(self) -> bool:
        """Whether nothing is waiting, not even a tick."""
        return all(end.seq == self._positions[name].loaded.seq for name, end in self._ends.items())

    @property
    def pending(self) -> int:
        """Events acknowledged and not loaded, as far as the last look saw."""
        return sum(self._behind(name) for name in self._ends)

    @property
    def progress(self) -> tuple[SpoolProgress, ...]:
        """How far each spool is loaded; one whose directory is lost is among them, and stands still."""
        return tuple(
            SpoolProgress(name, position.watermark, self._behind(name))
            for name, position in sorted(self._positions.items())
        )

    def claim(self, most_events: int, most_bytes: int) -> Claim:
        """The next records, about as many as the bounds say, of the spools that are furthest behind first.

        Raises SpoolGap, SpoolBroken.
        """
        claimed: dict[Range, list[Record]] = {}
        for position in sorted(self._positions.values(), key=lambda one: one.loaded.received):
            reader = self._readers.get(position.spool)
            if reader is None or most_events <= 0 or most_bytes <= 0:
                continue
            records = reader.read(position.loaded.seq, max_events=most_events, max_bytes=most_bytes)
            if records:
                filled = _filled(position, records)
                claimed[filled] = records
                most_events -= max(len(records), filled.end.total - position.loaded.total)
                most_bytes -= sum(len(record.body) for record in records)
        return dict(sorted(claimed.items(), key=lambda item: item[0].spool))

    def claim_again(self, ranges: Iterable[Range]) -> Claim:
        """The records of ranges that were fixed before. Raises SpoolGap, SpoolBroken."""
        claimed: dict[Range, list[Record]] = {}
        for part in ranges:
            if part.spool not in self._readers:
                raise SpoolGap(f"The spool {part.spool} has gone, and records {part.after + 1} on are not loaded.")
            records: list[Record] = []
            while (after := records[-1].seq if records else part.after) < part.end.seq:
                more = self._readers[part.spool].read(after, max_events=part.end.seq - after, max_bytes=_NO_LIMIT)
                if not more:
                    raise SpoolGap(f"The spool {part.spool} ends at record {after}, of which {part.end.seq} was read.")
                records += more
            claimed[part] = records[: part.end.seq - part.after]
        return claimed

    def advance(self, ranges: Iterable[Range]) -> None:
        """What the journal says since the cut was closed."""
        for part in ranges:
            self._positions[part.spool] = replace(self._positions[part.spool], loaded=part.end)

    def horizon(self, ranges: Iterable[Range]) -> int:
        """A moment (ms) before which no record was received that is still to come once `ranges` are loaded.

        A spool that lags counts with where it stands; one that is read up will go on no earlier than the newest.
        """
        loaded = {name: position.loaded for name, position in self._positions.items()}
        loaded |= {part.spool: part.end for part in ranges}
        newest = max((mark.received for mark in loaded.values()), default=0)
        lagging = [mark.received for name, mark in loaded.items() if self._ends.get(name, mark).seq > mark.seq]
        return min([newest, *lagging])

    def release(self, ranges: Iterable[Range]) -> None:
        """Unlink the segments that are loaded. Raises SpoolBroken; what is left goes with the next ones."""
        for part in ranges:
            self._readers[part.spool].release(part.end.seq)

    def retire(self, name: str) -> Path | None:
        """End a spool; where what was not loaded lies now, None if all was. Raises SpoolBusy while it has an owner."""
        reader = self._readers.pop(name, None)
        position = self._positions.get(name)
        loaded = bool(reader and position and reader.last().seq == position.loaded.seq)
        if reader:
            reader.close()
        aside = unregister(self._root / name, loaded=loaded)
        self._journal.retire(name)
        self._positions.pop(name, None)
        self._ends.pop(name, None)
        return aside

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers.values():
            reader.close()

    def _is_done(self, name: str) -> bool:
        return is_complete(self._root / name) and self._ends[name].seq == self._positions[name].loaded.seq

    def _behind(self, name: str) -> int:
        end = self._ends.get(name)
        return end.total - self._positions[name].loaded.total if end else 0


def _filled(position: Position, records: list[Record]) -> Range:
    loaded, last = position.loaded, records[-1]
    if loaded.total + sum(record.events for record in records) != last.total:
        raise SpoolGap(f"The events of the spool {position.spool} up to record {last.seq} do not add up.")
    return Range(position.spool, loaded.seq, Mark(last.seq, last.received, last.total))
