"""What is left on any disk of rows that were purged: parts, directories, spool files, dead letters."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from control_store.purges import Purge
from retention.letters import letters_of_purge
from spool.remains import rotate, spools_that_hold
from warehouse.partitions import Partition, Partitions
from warehouse.tables import EVENTS
from warehouse.visits import VISITS

CHECKED = ("parts", "detached parts", "directories", "rewrites", "spool files", "dead letters")
"""What is looked at, as the ledger names it."""
_ANY_BLOCK: Final = (1 << 62) - 1


def remains(purge: Purge, partitions: Partitions, spools: Path, clock: Callable[[], int]) -> list[str]:
    """What is left of a purge, in words. A spool that holds something is asked to let it go.

    Raises TryLater, Broken, SpoolError.
    """
    partition = Partition(purge.day, purge.keep)
    dropped = purge.method == "drop"
    left = partitions.left(EVENTS, partition, purge.blocks, dropped=dropped)
    left += partitions.left(VISITS, partition, purge.visit_blocks, dropped=dropped)
    for other in partitions.all():
        if other.day == purge.day and other != partition:
            left += partitions.left(VISITS, other, _ANY_BLOCK, dropped=False)
    for name in spools_that_hold(spools, purge.upto):
        left.append(f"a file of the spool {name}")
        rotate(spools, name, clock)
    if letters := letters_of_purge(purge, spools):
        left.append(f"{len(letters)} dead letters")
    return left
