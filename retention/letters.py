"""Dead letters that go: of purged days, and of people whose rows are erased."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from control_store.purges import Purge
from event_catalogue.event import Row, decode_parcel
from event_catalogue.fields import POSITION
from spool.accounts import JOURNAL
from spool.kinds import Kind
from spool.quarantine import Buried, Quarantine
from warehouse.erasing import Meant

KEPT_DAYS: Final = 35
"""Of letters whose site is not known: nobody's setting holds for them."""
_ROW: Final = msgspec.msgpack.Decoder(list[Any])
_SITE, _DAY = POSITION["site"], POSITION["day"]
_RETURNING, _VISITOR = POSITION["returning"], POSITION["visitor"]


def letters_of_purge(purge: Purge, spools: Path) -> list[int]:
    """Numbers of the letters of a purge's sites and day; none of an erasure, which means single people."""
    if purge.method == "erase":
        return []
    sites = {one.site for one in purge.taken}
    return [one.number for one in _letters(spools) if one.letter.day == purge.day and one.letter.site in sites]


def delete_letters(purge: Purge, spools: Path) -> None:
    """Delete the dead letters of the days and sites of a purge. Raises SpoolError."""
    _delete(letters_of_purge(purge, spools), spools)


def delete_old_letters(
    spools: Path, sites: Mapping[int, int], held: Sequence[tuple[int, int, int]] = (), *, today: int
) -> int:
    """Delete letters that have outlived their period, of days without raw rows too; how many.

    `sites`: days for which each site's raw rows are kept; letters of no such site are kept KEPT_DAYS days, and all of
    them two more, for days end later in some zones. `held`: sites, and first and last
    days, that a legal hold keeps. `today`: days since 1970-01-01, UTC. Raises SpoolError.
    """
    letters = _letters(spools)
    old = [one for one in letters if one.letter.day + sites.get(one.letter.site, KEPT_DAYS) + 2 < today]
    due = [one.number for one in old if not _is_held(one, held)]
    _delete(due, spools)
    return len(due)


def delete_letters_of(meant: Sequence[Meant], spools: Path, held: Sequence[tuple[int, int, int]] = ()) -> None:
    """Delete the dead letters that hold a row of somebody who is to be erased. Raises SpoolError.

    `held`: sites, and first and last days, whose rows a legal hold keeps.
    """
    devices = {(one.site, one.pseudonym) for one in meant if one.what != "visitor"}
    visitors = {(one.site, one.day, one.pseudonym) for one in meant if one.what == "visitor"}

    def is_meant(row: Row) -> bool:
        site, returning, visitor = row[_SITE], row[_RETURNING], row[_VISITOR]
        return (site, returning) in devices or (site, row[_DAY], visitor) in visitors

    found = [one for one in _letters(spools) if any(map(is_meant, _rows(one)))]
    _delete([one.number for one in found if not _is_held(one, held)], spools)


def _is_held(buried: Buried, held: Sequence[tuple[int, int, int]]) -> bool:
    letter = buried.letter
    return any(letter.site == site and first <= letter.day <= last for site, first, last in held)


def _rows(buried: Buried) -> list[Row]:
    """The rows of a letter: one, or those of a beacon; none where it can't be read."""
    letter = buried.letter
    try:
        if letter.reason == "rejected":
            return [_ROW.decode(letter.body)]
        return decode_parcel(letter.body).rows if letter.kind == Kind.EVENTS else []
    except (msgspec.DecodeError, TypeError):
        return []


def _letters(spools: Path) -> list[Buried]:
    if not (spools / JOURNAL).is_file():
        return []
    with Quarantine(spools) as quarantine:
        return list(quarantine.letters())


def _delete(numbers: Sequence[int], spools: Path) -> None:
    if numbers:
        with Quarantine(spools) as quarantine:
            quarantine.delete(numbers)
