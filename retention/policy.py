"""What is due: whose raw rows of which partition have outlived their period, and how they can be taken out.

A partition holds all sites' rows of one local day that are kept equally long. When all of its sites are due it is
dropped, which costs nothing. Rows of some sites alone are taken out by a rewrite: of a site that was deleted, at once;
of others when they have waited two days for the rest (a site that can't be sealed, a period that was shortened).

The legal maximum goes before everything: a day before the engine deletes rows by itself they go, proven or not.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from control_store.holds import Hold
from control_store.purges import Method
from control_store.snapshot import Site
from event_catalogue.days import DAY_MS, day_end, day_text
from warehouse.partitions import Partition, SiteRows

PATIENCE_MS: Final = 2 * DAY_MS
"""How long a site's rows wait for those of others in their partition: zones differ by 26 hours."""


WARNING_MS: Final = 14 * DAY_MS
"""How long before the legal maximum it is told that rows can't be purged."""
NEVER: Final = 1 << 62
LEGAL_MS: Final = 395 * DAY_MS
"""The legal maximum, counted from the day of storing: the TTL of the tables."""
MARGIN_MS: Final = DAY_MS
"""How long before the engine deletes rows they are purged."""


class Held(NamedTuple):
    """Rows of a site that are due, or will be deleted soon by the legal maximum, and may not go yet."""

    site: int
    reason: str
    hold: int = 0
    """The legal hold that keeps them, 0 if it is none."""


class Decision(NamedTuple):
    """What is to become of a partition."""

    partition: Partition
    method: Method
    sites: tuple[SiteRows, ...]
    """Whose rows go; none: nothing is to be done."""
    held: tuple[Held, ...] = ()
    unproven: tuple[Held, ...] = ()
    """Of `sites` those whose rows go by the legal maximum alone, and what could not be proven."""


class Knowledge(NamedTuple):
    """What decisions are made from."""

    now: int
    """The moment (ms UTC) for which it is asked what is due."""
    sites: Mapping[int, Site]
    deleted: Collection[int]
    proven: Callable[[int, int], str]
    """Site and day → why its raw rows may not go; "" when they may."""
    expiries: Mapping[Partition, int] = MappingProxyType({})
    """When a partition's first rows reach the legal maximum, ms UTC."""
    holds: Sequence[Hold] = ()


def due_at(site: Site, partition: Partition) -> int:
    """When the rows of a site have outlived their period, ms UTC: the shorter of that at receipt and that of today."""
    days = min(partition.keep, site.settings.raw_days)
    return day_end(site.timezone_of(partition.day), partition.day) + days * DAY_MS


def decide(partition: Partition, rows: Sequence[SiteRows], known: Knowledge, only: int = 0) -> Decision:
    """What becomes of a partition. `only`: of this site alone, as a person asked (0: of all)."""
    looks = [_look(one, partition, known) for one in rows if only in (0, one.site)]
    held = tuple(look.held for look in looks if look.held and not look.goes)
    going = [look for look in looks if look.goes]
    if len(going) < len(rows):
        going = [look for look in going if only or look.pressing]
    unproven = tuple(look.held for look in going if look.held)
    method: Method = "drop" if len(going) == len(rows) else "rewrite"
    return Decision(partition, method, tuple(look.rows for look in going), held, unproven)


class _Look(NamedTuple):
    """What is to be said of the rows of one site."""

    rows: SiteRows
    goes: bool
    pressing: bool
    """Whether they have waited long enough for those of others."""
    held: Held | None


def _look(rows: SiteRows, partition: Partition, known: Knowledge) -> _Look:
    site, now = rows.site, known.now
    if site in known.deleted:
        return _Look(rows, goes=True, pressing=True, held=None)
    expiry = known.expiries.get(partition, NEVER)
    must, soon = expiry - now <= MARGIN_MS, expiry - now <= WARNING_MS
    found = known.sites.get(site)
    overdue = now - due_at(found, partition) if found else -1
    if overdue < 0 and not soon:
        return _Look(rows, goes=False, pressing=False, held=None)
    held = _obstacle(site, partition, known, [] if must else known.holds)
    if held and soon:
        held = held._replace(reason=f"{held.reason}; the legal maximum deletes its rows on {_date(expiry)}")
    goes = must or (overdue >= 0 and held is None)
    return _Look(rows, goes, pressing=must or overdue >= PATIENCE_MS, held=held)


def _obstacle(site: int, partition: Partition, known: Knowledge, holds: Sequence[Hold]) -> Held | None:
    """What keeps rows from going: that nobody knows their site, a legal hold, a day that is not proven."""
    if site not in known.sites:
        return Held(site, "nobody knows its site")
    for hold in holds:
        if hold.keeps(site, partition.day, known.now // DAY_MS):
            return Held(site, f"legal hold {hold.id} keeps them until {day_text(hold.until)}", hold.id)
    reason = known.proven(site, partition.day)
    return Held(site, reason) if reason else None


def _date(at: int) -> str:
    return day_text(at // DAY_MS)
