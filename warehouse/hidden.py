"""Rows that somebody has asked to be erased: no question sees them from the moment at which they are asked for.

The rewrite that takes them off the disks comes later. Whose rows are meant stands in the table `erasing`, and the text
of a statement names that table and nobody. While it is empty its conditions are folded away: a question costs 4 ms more
(measured; without the folding half as much again).
"""

# ruff: noqa: S608  the text is made of the catalogue's names and of whole numbers

from typing import Final, Literal

from event_catalogue.events import EVENTS as KINDS
from event_catalogue.fields import FieldClass

ERASING: Final = "erasing"
What = Literal["returning", "visitor", "statistics", "ads"]
"""All rows of a device; all rows of a visitor of one day; what consent to statistics has opened in a device's rows, and
what consent to advertising has."""
KEYS: Final[dict[What, tuple[str, str]]] = {
    "returning": ("site, returning", "site, pseudonym"),
    "visitor": ("site, visitor, day", "site, pseudonym, day"),
    "statistics": ("site, returning", "site, pseudonym"),
    "ads": ("site, returning", "site, pseudonym"),
}
"""The columns of a row by which it is found, and those of `erasing` that name it."""


def meant_by(what: What, upto: int = -1) -> str:
    """Rows that are meant in one way, of what was said up to a round (-1: of all)."""
    of_row, named = KEYS[what]
    said = f"FROM {ERASING} WHERE what = '{what}'" + (f" AND said <= {upto:d}" if upto >= 0 else "")
    return f"(({of_row}) IN (SELECT {named} {said}) AND received <= (SELECT max(upto) {said}))"


def whole(upto: int = -1) -> str:
    """Rows that go whole."""
    return " OR ".join(
        (
            meant_by("returning", upto),
            meant_by("visitor", upto),
            _only_by("statistics", upto, "consent", "ads"),
            _only_by("ads", upto, "ads"),
        )
    )


def in_any_way(upto: int = -1) -> str:
    """Rows that are meant in any way. Emptied ones are meant no more: nothing ties them to a device."""
    return f"{whole(upto)} OR {meant_by('statistics', upto)}"


def _only_by(what: What, upto: int, *classes: FieldClass) -> str:
    """Rows of events that only a consent allows."""
    names = ", ".join(f"'{kind.name}'" for kind in KINDS if kind.field_class in classes)
    return f"({meant_by(what, upto)} AND name IN ({names}))"


_NOBODY_SAID: Final = f"(SELECT count() FROM {ERASING}) = 0"
SHOWN: Final = f"({_NOBODY_SAID} OR NOT ({whole()}))"
"""Rows that questions may see."""
HIDDEN: Final = f"(NOT {_NOBODY_SAID} AND ({whole()}))"
"""The others."""
