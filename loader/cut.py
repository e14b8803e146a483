"""A cut: some records of all spools, what is made from them, and under which numbers it goes to the warehouse.

A fresh one is fixed in the journal by one transaction. One that was found open is built again from the same records and
must come out the same, byte for byte.
"""

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from loader.batch import Contents, Packed, Part, Partition, plan_batches
from loader.spools import Claim
from spool.beacons import GENERATION_MS
from spool.cuts import CutPlan, OpenCut
from spool.journal import Journal
from spool.kinds import Record
from warehouse.errors import Broken


@dataclass(frozen=True, slots=True)
class Cut:
    """What one round brings into the warehouse."""

    fixed: OpenCut
    parts: Mapping[Partition, Part]
    others: tuple[tuple[str, Record], ...]
    """Records of other kinds, for their takers, with their spools."""
    outcomes: Mapping[str, int] | None = None
    """Events by outcome; None for a cut that was built again: the journal alone knows."""
    dead: int = 0
    """Records that could not be read."""

    @property
    def rows(self) -> int:
        """Rows of all batches."""
        return sum(batch.rows for batch in self.fixed.batches)

    @property
    def records(self) -> int:
        """Records of all spools."""
        return sum(part.end.seq - part.after for part in self.fixed.ranges)


def fix_cut(journal: Journal, claim: Claim, *, takers: Collection[int], batch_rows: int) -> Cut:
    """Decode, drop what is repeated, and fix. `takers`: the kinds of record that somebody takes. Raises SpoolBroken."""
    contents = Contents()
    for part, records in claim.items():
        contents.add(part.spool, records)
    contents.leave_untaken(takers)
    repeated, fresh = _repeated(journal, contents)
    parts = contents.parts(repeated)
    plan = CutPlan(
        ranges=tuple(claim),
        batches=plan_batches(parts, batch_rows),
        left_out=(*repeated, *((letter.spool, letter.seq) for letter in contents.dead)),
        tallies=contents.tallies,
        hours=contents.hours,
        numbers=contents.ranges(),
        dead=tuple(contents.dead),
        beacons=fresh,
    )
    return Cut(journal.fix(plan), parts, tuple(contents.others), contents.outcomes(), len(plan.dead))


def rebuild_cut(fixed: OpenCut, claim: Claim) -> Cut:
    """An open cut once more, from the same records. Raises Broken if it does not come out the same."""
    contents = Contents()
    for part, records in claim.items():
        contents.add(part.spool, records, fixed.left_out)
    parts = contents.parts()
    for batch in fixed.batches:
        plan = batch.plan
        partition = (plan.day, plan.keep)
        found = parts.get(partition)
        if contents.dead or found is None or found.digest(partition, plan.start, plan.stop) != plan.digest:
            raise Broken(
                f"Batch {batch.number} cannot be built again: the spool is not what it was. Delete nothing, look at "
                "the disk's health and run `footfall doctor`."
            )
    return Cut(fixed, parts, tuple(contents.others))


def _repeated(journal: Journal, contents: Contents) -> tuple[set[tuple[str, int]], dict[int, list[bytes]]]:
    """Which records bring a beacon that was seen before, in the journal or earlier in this cut; and the new ids."""
    asked = _ids_by_generation(contents.parcels)
    known: set[bytes] = set()
    for generation, ids in asked.items():
        known |= journal.beacons.seen(ids, generation)
    if not known and sum(map(len, asked.values())) == len(set(itertools.chain(*asked.values()))):
        return set(), asked
    repeated: set[tuple[str, int]] = set()
    first_seen: list[Packed] = []
    for packed in contents.parcels:
        spool, record, parcel = packed
        if parcel.beacon in known:
            repeated.add((spool, record.seq))
            continue
        known.add(parcel.beacon)
        first_seen.append(packed)
    return repeated, _ids_by_generation(first_seen)


def _ids_by_generation(parcels: list[Packed]) -> dict[int, list[bytes]]:
    generations = {record.received // GENERATION_MS for _, record, _ in parcels}
    if len(generations) == 1:
        return {generations.pop(): [parcel.beacon for _, _, parcel in parcels]}
    ids: dict[int, list[bytes]] = {}
    for _, record, parcel in parcels:
        ids.setdefault(record.received // GENERATION_MS, []).append(parcel.beacon)
    return ids
