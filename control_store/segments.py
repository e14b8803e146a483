"""Segments: filters that are kept under a name, of a site for all who ask, or of one key for itself alone."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from control_store.asking_tables import SEGMENTS
from control_store.setting_items import BadSetting
from control_store.tables import API_KEYS, ControlStore

MOST_SEGMENTS: Final = 200
"""Of one site, personal ones included."""
_MOST_NAME: Final = 64


class BadSegment(BadSetting):
    """A segment that can't be kept; the text is one sentence."""


class Segment(NamedTuple):
    """One segment."""

    id: int
    name: str
    filters: list[Any]
    """As they are put in a question."""
    is_personal: bool
    created: int
    changed: int


class Draft(NamedTuple):
    """What a segment should be."""

    name: str
    filters: list[Any]
    is_personal: bool = True


def list_segments(store: ControlStore, site: int, key: bytes) -> list[Segment]:
    """What the key of this digest sees: its own segments and the site's, by name."""
    mine = sa.select(API_KEYS.c.id).where(API_KEYS.c.digest == key).scalar_subquery()
    chosen = sa.select(
        SEGMENTS.c.id,
        SEGMENTS.c.name,
        SEGMENTS.c.filters,
        SEGMENTS.c.key.is_not(None),
        SEGMENTS.c.created,
        SEGMENTS.c.changed,
    ).where(SEGMENTS.c.site == site, sa.or_(SEGMENTS.c.key.is_(None), SEGMENTS.c.key == mine))
    with store.engine.connect() as connection:
        rows = connection.execute(chosen.order_by(SEGMENTS.c.name, SEGMENTS.c.id))
        return [Segment(row[0], row[1], row[2], bool(row[3]), row[4], row[5]) for row in rows]


def find_segment(segments: Sequence[Segment], named: str) -> Segment | None:
    """The segment of this id or name; of a personal one and the site's of one name, the personal one."""
    found = [one for one in segments if named in (str(one.id), one.name)]
    return max(found, key=lambda one: one.is_personal, default=None)


def add_segment(store: ControlStore, site: int, key: bytes, draft: Draft, *, now: int) -> Segment:
    """Keep a segment. Raises BadSegment."""
    _check(store, site, key, draft, than=0)
    with store.engine.begin() as connection:
        many = connection.execute(sa.select(sa.func.count()).where(SEGMENTS.c.site == site)).scalar_one()
        if many >= MOST_SEGMENTS:
            raise BadSegment(f"The site has {MOST_SEGMENTS} segments already; remove one first.")
        values = {"site": site, "created": now, "changed": now, **_values(connection, key, draft)}
        number = connection.execute(sa.insert(SEGMENTS).values(values)).inserted_primary_key
    return Segment(int(number[0]) if number else 0, draft.name, draft.filters, draft.is_personal, now, now)


def change_segment(store: ControlStore, site: int, key: bytes, old: Segment, draft: Draft, *, now: int) -> Segment:
    """Replace a segment that the key sees. Raises BadSegment."""
    _check(store, site, key, draft, than=old.id)
    with store.engine.begin() as connection:
        change = sa.update(SEGMENTS).where(SEGMENTS.c.site == site, SEGMENTS.c.id == old.id)
        connection.execute(change.values(changed=now, **_values(connection, key, draft)))
    return Segment(old.id, draft.name, draft.filters, draft.is_personal, old.created, now)


def remove_segment(store: ControlStore, site: int, segment: Segment) -> None:
    """Keep it no more."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(SEGMENTS).where(SEGMENTS.c.site == site, SEGMENTS.c.id == segment.id))


def _values(connection: sa.Connection, key: bytes, draft: Draft) -> dict[str, Any]:
    mine = connection.execute(sa.select(API_KEYS.c.id).where(API_KEYS.c.digest == key)).scalar_one_or_none()
    if draft.is_personal and mine is None:
        raise BadSegment("The key of this segment is gone; make it with another one.")
    return {"name": draft.name, "filters": draft.filters, "key": mine if draft.is_personal else None}


def _check(store: ControlStore, site: int, key: bytes, draft: Draft, *, than: int) -> None:
    name = draft.name
    if not name.strip() or len(name) > _MOST_NAME or not name.isprintable() or name.isdecimal():
        raise BadSegment(f"A segment's name has 1 to {_MOST_NAME} characters on one line, and is no number.")
    for other in list_segments(store, site, key):
        if other.id != than and (other.name, other.is_personal) == (name, draft.is_personal):
            raise BadSegment("There is a segment of this name already; change that one, or take another name.")
