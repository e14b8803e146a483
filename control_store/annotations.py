"""Annotations: what happened on a day of a site, in the words of its people, shown beside its numbers."""

from typing import Final, NamedTuple

import sqlalchemy as sa

from control_store.asking_tables import ANNOTATIONS
from control_store.setting_items import BadSetting
from control_store.tables import ControlStore

MOST_ANNOTATIONS: Final = 1_000
"""Of one site."""
_MOST_TEXT: Final = 300
_LAST_DAY: Final = 65_535


class BadAnnotation(BadSetting):
    """An annotation that can't be kept; the text is one sentence."""


class Annotation(NamedTuple):
    """One annotation."""

    id: int
    day: int
    """The site's local day, as days since 1970-01-01."""
    text: str
    created: int


def list_annotations(store: ControlStore, site: int, first: int = 0, last: int = _LAST_DAY) -> list[Annotation]:
    """Those of a site's days, by day."""
    columns = (ANNOTATIONS.c[name] for name in Annotation._fields)
    chosen = sa.select(*columns).where(ANNOTATIONS.c.site == site, ANNOTATIONS.c.day.between(first, last))
    with store.engine.connect() as connection:
        rows = connection.execute(chosen.order_by(ANNOTATIONS.c.day, ANNOTATIONS.c.id))
        return [Annotation(*row) for row in rows]


def add_annotation(store: ControlStore, site: int, day: int, text: str, *, now: int) -> Annotation:
    """Keep what happened. Raises BadAnnotation."""
    _check(text)
    with store.engine.begin() as connection:
        many = connection.execute(sa.select(sa.func.count()).where(ANNOTATIONS.c.site == site)).scalar_one()
        if many >= MOST_ANNOTATIONS:
            raise BadAnnotation(f"The site has {MOST_ANNOTATIONS} annotations already; remove one first.")
        values = {"site": site, "day": day, "text": text, "created": now}
        number = connection.execute(sa.insert(ANNOTATIONS).values(values)).inserted_primary_key
    return Annotation(int(number[0]) if number else 0, day, text, now)


def change_annotation(store: ControlStore, site: int, old: Annotation, *, day: int, text: str) -> Annotation:
    """Give it another day or text. Raises BadAnnotation."""
    _check(text)
    with store.engine.begin() as connection:
        change = sa.update(ANNOTATIONS).where(ANNOTATIONS.c.site == site, ANNOTATIONS.c.id == old.id)
        connection.execute(change.values(day=day, text=text))
    return old._replace(day=day, text=text)


def remove_annotation(store: ControlStore, site: int, annotation: Annotation) -> None:
    """Keep it no more."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(ANNOTATIONS).where(ANNOTATIONS.c.site == site, ANNOTATIONS.c.id == annotation.id))


def _check(text: str) -> None:
    if not text.strip() or len(text) > _MOST_TEXT or not text.isprintable():
        raise BadAnnotation(f"An annotation has 1 to {_MOST_TEXT} characters on one line.")
