"""What is due: whose raw rows of which partition have outlived their period, and how they can be taken out.

A partition holds all sites' rows of one local day that are kept equally long. When all of its sites are due it is
dropped, which costs nothing. Rows of some sites alone are taken out by a rewrite: of a site that was deleted, at once;
of others when they have waited two days for the rest (a site that can't be sealed, a period that was shortened).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

from control_store.purges import Method
from control_store.snapshot import Site
from event_catalogue.days import DAY_MS, day_end
from warehouse.partitions import Partition, SiteRows

PATIENCE_MS: Final = 2 * DAY_MS
"""How long a site's rows wait for those of others in their partition: zones differ by 26 hours."""


class Held(NamedTuple):
    """Rows of a site that are due and may not go yet."""

    site: int
    reason: str


class Decision(NamedTuple):
    """What is to become of a partition."""

    partition: Partition
    method: Method
    sites: tuple[SiteRows, ...]
    """Whose rows go; none: nothing is to be done."""
    held: tuple[Held, ...] = ()


class Knowledge(NamedTuple):
    """What decisions are made from."""

    now: int
    """The moment (ms UTC) for which it is asked what is due."""
    sites: Mapping[int, Site]
    deleted: Collection[int]
    proven: Callable[[int, int], str]
    """Site and day → why its raw rows may not go; "" when they may."""


def due_at(site: Site, partition: Partition) -> int:
    """When the rows of a site have outlived their period, ms UTC: the shorter of that at receipt and that of today."""
    days = min(partition.keep, site.settings.raw_days)
    return day_end(site.timezone_of(partition.day), partition.day) + days * DAY_MS


def decide(partition: Partition, rows: Sequence[SiteRows], known: Knowledge, only: int = 0) -> Decision:
    """What becomes of a partition. `only`: of this site alone, as a person asked (0: of all)."""
    due: list[SiteRows] = []
    held: list[Held] = []
    pressing = False
    for one in rows:
        if only not in (0, one.site):
            continue
        overdue = _overdue(one.site, partition, known)
        if overdue < 0:
            continue
        reason = "" if one.site in known.deleted else known.proven(one.site, partition.day)
        if reason:
            held.append(Held(one.site, reason))
            continue
        due.append(one)
        pressing |= overdue >= PATIENCE_MS or one.site in known.deleted or only != 0
    if due and len(due) == len(rows):
        return Decision(partition, "drop", tuple(due), tuple(held))
    if pressing:
        ready = [one for one in due if only or one.site in known.deleted or _waited(one.site, partition, known)]
        return Decision(partition, "rewrite", tuple(ready), tuple(held))
    return Decision(partition, "rewrite", (), tuple(held))


def _waited(site: int, partition: Partition, known: Knowledge) -> bool:
    return _overdue(site, partition, known) >= PATIENCE_MS


def _overdue(site: int, partition: Partition, known: Knowledge) -> int:
    """For how long (ms) the rows have been due; negative while they are not. Rows of nobody's site are never due."""
    if site in known.deleted:
        return 0
    found = known.sites.get(site)
    return known.now - due_at(found, partition) if found else -1
