"""Finding the row that the warehouse will not take, so that the rest loads.

A rejected batch lies nowhere (counted). It is replaced by its two halves under new numbers, in one transaction of the
journal; a batch of one row becomes a dead letter. A kill in between leaves either the batch or its halves, both open.
One poison row among n costs about 2·log2(n) inserts.
"""

from loader.batch import Part, dead_row
from spool.cuts import Batch, OpenCut
from spool.journal import Journal


def replace_rejected(journal: Journal, cut: OpenCut, batch: Batch, part: Part) -> tuple[Batch, ...]:
    """What takes the place of a rejected batch: two halves, or nothing when its one row is a dead letter."""
    start, stop = batch.plan.start, batch.plan.stop
    if batch.rows == 1:
        spool, record = part.source(start)
        journal.bury(batch, dead_row("rejected", spool, record, part.rows[start]))
        return ()
    partition = (batch.plan.day, batch.plan.keep)
    middle = (start + stop) // 2
    return journal.split(cut, batch, [part.planned(partition, start, middle), part.planned(partition, middle, stop)])
