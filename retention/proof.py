"""What must hold immediately before raw rows go: their day is sealed, no row of it is missing, and its aggregates are
still those that were sealed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from control_store.purges import NOTHING_GONE, Gone
from control_store.seals import Seal, all_seals
from control_store.spans import Span, all_spans
from control_store.tables import ControlStore
from event_catalogue.days import day_text
from warehouse.partitions import Partition, SiteRows
from warehouse.seals import RollupTable


class Proof:
    """Answers for each site and day whether its raw rows may go. Made anew for each look: it remembers answers."""

    def __init__(
        self,
        rollups: RollupTable,
        seals: Mapping[tuple[int, int], Seal],
        gone: Mapping[tuple[int, int], Gone],
        rows: Mapping[Partition, list[SiteRows]],
    ) -> None:
        """`rows`: of every partition of the days that are asked about."""
        self._rollups = rollups
        self._seals = seals
        self._gone = gone
        self._rows: dict[tuple[int, int], int] = defaultdict(int)
        for partition, sites in rows.items():
            for one in sites:
                self._rows[one.site, partition.day] += one.rows
        self.fault = cache(self._fault)

    def late(self, site: int, day: int) -> int:
        """How many rows are there, besides those that went before, that no seal has counted."""
        seal, gone = self._seals.get((site, day)), self._gone.get((site, day), NOTHING_GONE)
        return max(0, self._rows[site, day] + gone.rows - gone.late - seal.raw_rows) if seal else 0

    def missing(self, site: int, day: int) -> int:
        """How many rows that its seal has counted are not there and were not taken out; 0 without a seal."""
        seal = self._seals.get((site, day))
        present = self._rows[site, day] + self._gone.get((site, day), NOTHING_GONE).rows
        return max(0, seal.raw_rows - present) if seal else 0

    def _fault(self, site: int, day: int) -> str:
        seal = self._seals.get((site, day))
        if seal is None:
            return "the day is not sealed"
        if not seal.verified:
            return "its seal was made without a proof"
        if missing := self.missing(site, day):
            return f"{missing} of its {seal.raw_rows} raw rows are missing"
        return aggregates_fault(self._rollups, seal)


def aggregates_fault(rollups: RollupTable, seal: Seal | Span) -> str:
    """How the aggregates on the disk differ from what was sealed; "" when they do not."""
    day = seal.day if isinstance(seal, Seal) else min(seal.days)
    rows, digest = rollups.digest(seal.site, day, seal.run)
    if rows != seal.rollup_rows:
        return f"it has {rows} aggregates, and {seal.rollup_rows} were sealed"
    if digest != seal.digest:
        return "its aggregates are not those that were sealed"
    return ""


def span_faults(rollups: RollupTable, store: ControlStore) -> Iterator[str]:
    """Every week and month that counts and is not as it was sealed, as sentences."""
    runs = {(seal.site, seal.day): seal.run for seal in all_seals(store)}
    for span in all_spans(store):
        is_read = span.rollup_rows and span.stands(lambda site, day: runs.get((site, day)))
        if is_read and (fault := aggregates_fault(rollups, span)):
            yield f"{day_text(span.first)} to {day_text(span.last)} of site {span.site}: {fault}"
