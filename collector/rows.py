"""A beacon's facts to rows in catalogue order. What the ruling does not allow finds no place in a row."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from collector.consent import Ruling, allowed_fields, refused_event
from event_catalogue.event import DEFAULT_ROW, Row
from event_catalogue.events import CUSTOM, EVENTS
from event_catalogue.fields import DETAIL, FIELD, FIELDS, POSITION

Script = tuple[str, str, str, str, list[str]]
"""Time zone, screen class, viewport class, exact screen, plug-ins: the group SCRIPT of the catalogue."""


class Record(NamedTuple):
    """What the rows of one beacon share of the group RECORD; the event's own places are filled in by `Moment`."""

    site: int
    keep: int
    beacon: bytes
    page: bytes
    received: int
    stored_on: int
    tier: str
    no_share: int
    policy_version: str
    build: str
    returning: bytes
    import_id: int


class Moment(NamedTuple):
    """What one event has of its own in the group RECORD."""

    name: str
    idx: int
    at: int
    day: int
    visitor: bytes


_DETAIL_AT: Final = len(FIELDS) - len(DETAIL)
_NO_DETAILS: Final = DEFAULT_ROW[_DETAIL_AT:]

Groups = Iterable[Sequence[Any]]
"""What all events of a beacon share: page and source, agent and bot, place and language, script. Their values stand in
catalogue order, which a test compares with FIELDS: joining them costs a twentieth of sixty assignments."""


class RowPlan:
    """Builds the rows of one ruling. Whatever it forbids is blanked last, field by field."""

    def __init__(self, ruling: Ruling) -> None:
        allowed = allowed_fields(ruling)
        forbidden = [(place, field.default) for place, field in enumerate(FIELDS) if field.name not in allowed]
        self._always = [(place, default) for place, default in forbidden if place < _DETAIL_AT]
        self._in_details = [(place, default) for place, default in forbidden if place >= _DETAIL_AT]
        self._refusals = {kind.name: refused_event(ruling, kind.name) for kind in EVENTS}
        self._refuses_custom = refused_event(ruling, CUSTOM.name)

    def refusal(self, name: str) -> str:
        """Why an event of this name is not recorded; "" if it is."""
        return self._refusals.get(name, self._refuses_custom)

    def row(self, record: Record, moment: Moment, groups: Groups, details: Mapping[str, Any]) -> Row:
        """The row of one event."""
        site, keep, beacon, page, received, stored_on, tier, no_share, policy, build, returning, import_id = record
        name, idx, at, day, visitor = moment
        row: Row = [site, day, keep, 0, beacon, idx, page, name, at, received, stored_on, tier, no_share, policy, build]
        row += (visitor, returning, import_id)
        for group in groups:
            row += group
        row += _NO_DETAILS  # nothing in them needs to be blanked
        for field, value in details.items():
            row[POSITION[field]] = _cut(value, FIELD[field].limit)
        for place, default in self._always:
            row[place] = default
        if details:
            for place, default in self._in_details:
                row[place] = default
        return row


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value[:limit]
    return [text[:limit] for text in value] if isinstance(value, list) else value


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
        shown[field.name] = _shown(field.column, value)
    return shown


def _shown(column: str, value: Any) -> Any:
    if column == "Date":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    return value.hex() if isinstance(value, bytes) else value


_BOOKKEEPING: Final = frozenset(("site", "keep", "batch", "beacon", "idx", "stored_on", "import_id"))
