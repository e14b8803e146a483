"""How far visits are counted, by batches, and by which bot rules; and numbers that are never used twice."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import sqlalchemy as sa

from control_store.tables import COUNTERS, VISIT_MARKS, VISIT_RULES, ControlStore

UNSETTLED: Final = "?"
"""Instead of rules: the visits of a site are being counted by other rules."""


def visit_marks(store: ControlStore) -> dict[int, int]:
    """The last counted batch of each loader's journal."""
    with store.engine.connect() as connection:
        return {row.journal: row.batch for row in connection.execute(sa.select(VISIT_MARKS))}


def save_visit_marks(store: ControlStore, marks: Mapping[int, int]) -> None:
    """Everything up to these batches is counted."""
    with store.engine.begin() as connection:
        for journal, batch in marks.items():
            connection.execute(sa.delete(VISIT_MARKS).where(VISIT_MARKS.c.journal == journal))
            connection.execute(sa.insert(VISIT_MARKS).values(journal=journal, batch=batch))


def rules_text(rules: Iterable[str]) -> str:
    """Bot rules that a site counts, as they are compared and written down."""
    return ",".join(sorted(rules))


def visit_rules(store: ControlStore) -> dict[int, str]:
    """By which of the bot rules that count the visits of each site were counted; a site that is not named: by none."""
    with store.engine.connect() as connection:
        return {row.site: row.rules for row in connection.execute(sa.select(VISIT_RULES))}


def save_visit_rules(store: ControlStore, site: int, rules: str) -> None:
    """The visits of a site are counted by these rules, or UNSETTLED."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(VISIT_RULES).where(VISIT_RULES.c.site == site))
        if rules:
            connection.execute(sa.insert(VISIT_RULES).values(site=site, rules=rules))


def usable_marks(store: ControlStore, site: int, rules: Iterable[str]) -> Collection[int]:
    """Up to which batches a site's visits can be read: none while they are counted by other bot rules than these."""
    with store.engine.connect() as connection:
        counted = connection.execute(sa.select(VISIT_RULES.c.rules).where(VISIT_RULES.c.site == site)).scalar() or ""
        if counted != rules_text(rules):
            return ()
        return [row.batch for row in connection.execute(sa.select(VISIT_MARKS))]


def next_number(store: ControlStore, name: str) -> int:
    """A number larger than all that were given out under this name."""
    with store.engine.begin() as connection:
        counted = sa.update(COUNTERS).where(COUNTERS.c.name == name).values(number=COUNTERS.c.number + 1)
        if connection.execute(counted).rowcount == 0:
            connection.execute(sa.insert(COUNTERS).values(name=name, number=1))
        return int(connection.execute(sa.select(COUNTERS.c.number).where(COUNTERS.c.name == name)).scalar_one())


def last_moment(store: ControlStore, name: str) -> int:
    """The moment (ms UTC) that was saved under this name; 0 if none was."""
    with store.engine.connect() as connection:
        return int(connection.execute(sa.select(COUNTERS.c.number).where(COUNTERS.c.name == name)).scalar() or 0)


def save_moment(store: ControlStore, name: str, moment: int) -> None:
    """Remember a moment (ms UTC)."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(COUNTERS).where(COUNTERS.c.name == name))
        connection.execute(sa.insert(COUNTERS).values(name=name, number=moment))
