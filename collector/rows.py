"""A beacon's facts to rows in catalogue order. What the ruling does not allow finds no place in a row."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from collector.consent import Ruling, allowed_fields
from event_catalogue.event import DEFAULT_ROW, Row
from event_catalogue.fields import FIELDS, POSITION

_LIMITS: Final = {field.name: field.limit for field in FIELDS if field.limit}


class RowPlan:
    """Builds the rows of one ruling."""

    def __init__(self, ruling: Ruling) -> None:
        self._places = {name: POSITION[name] for name in allowed_fields(ruling)}

    def base(self, facts: Mapping[str, Any]) -> Row:
        """A row with what all events of a beacon share; facts that may not be kept are left out here."""
        row = list(DEFAULT_ROW)
        self._put(row, facts)
        return row

    def event(self, base: Row, facts: Mapping[str, Any]) -> Row:
        """A copy of the base with one event's own facts."""
        row = base.copy()
        self._put(row, facts)
        return row

    def _put(self, row: Row, facts: Mapping[str, Any]) -> None:
        places = self._places
        for name, value in facts.items():
            place = places.get(name)
            if place is not None and value:
                row[place] = _cut(name, value)


def _cut(name: str, value: Any) -> Any:
    limit = _LIMITS.get(name)
    if limit is None:
        return value
    return value[:limit] if isinstance(value, str) else [text[:limit] for text in value]


@lru_cache(maxsize=256)
def row_plan(ruling: Ruling) -> RowPlan:
    """The plan of a ruling; there are a few dozen at most."""
    return RowPlan(ruling)


def kept_fields(row: Row) -> dict[str, Any]:
    """What a row tells beyond defaults, by name: for previews. Hashes are not shown, only that there is one."""
    shown: dict[str, Any] = {}
    for field, value in zip(FIELDS, row, strict=True):
        if value == field.default or field.name in _BOOKKEEPING:
            continue
        shown[field.name] = value.hex() if isinstance(value, bytes) else value
    return shown


_BOOKKEEPING: Final = frozenset(("site", "keep", "batch", "beacon", "idx", "stored_on", "import_id"))
