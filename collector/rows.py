"""A beacon's facts to rows in catalogue order. What the ruling does not allow finds no place in a row."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from collector.consent import Ruling, allowed_fields
from event_catalogue.event import DEFAULT_ROW, Row
from event_catalogue.fields import DETAIL, FIELD, FIELDS, PLACE_IN_SITE, POSITION, SOURCE

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


def shared_row(record: Record, *groups: Sequence[Any]) -> Row:
    """A row with what all events of a beacon share. Groups: page, source, agent and bot, place and language, script.

    Their values stand in catalogue order, which a test compares with FIELDS: one concatenation costs a twentieth of
    sixty assignments.
    """
    row: Row = [record.site, 0, record.keep, 0, record.beacon, 0, record.page, "", 0, record.received, record.stored_on]
    row += (record.tier, record.no_share, record.policy_version, record.build, b"", record.returning, record.import_id)
    for group in groups:
        row += group
    for place, limit in _TEXTS:
        if len(row[place]) > limit:
            row[place] = row[place][:limit]
    row += _NO_DETAILS
    return row


class RowPlan:
    """Builds the rows of one ruling."""

    def __init__(self, ruling: Ruling) -> None:
        allowed = allowed_fields(ruling)
        self._forbidden = [(POSITION[f.name], f.default) for f in FIELDS if f.name not in allowed]

    def row(self, shared: Row, moment: Moment, details: Mapping[str, Any]) -> Row:
        """The row of one event. Whatever the ruling forbids is blanked here, last, field by field."""
        row = shared.copy()
        row[_NAME], row[_IDX], row[_AT], row[_DAY], row[_VISITOR] = moment
        for name, value in details.items():
            row[POSITION[name]] = _cut(value, FIELD[name].limit)
        for place, default in self._forbidden:
            row[place] = default
        return row


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value[:limit]
    return [text[:limit] for text in value] if isinstance(value, list) else value


_NAME, _IDX, _AT, _DAY, _VISITOR = (POSITION[name] for name in Moment._fields)
_TEXTS: Final = [(POSITION[f.name], f.limit) for f in (*PLACE_IN_SITE, *SOURCE)]
_NO_DETAILS: Final = DEFAULT_ROW[-len(DETAIL) :]


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
