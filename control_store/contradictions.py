"""What could not be sealed because its counts contradict each other: days, weeks and months, for people to look at."""

from typing import NamedTuple

import sqlalchemy as sa

from control_store.seals import seal_faults
from control_store.tables import SPAN_SEALS, ControlStore


class Contradiction(NamedTuple):
    """Days of a site that are not sealed, or a week or month of it that tells nothing."""

    site: int
    first: int
    last: int
    reason: str


def contradictions(store: ControlStore) -> list[Contradiction]:
    """All there are, by site and day."""
    found = [Contradiction(one.site, one.day, one.day, one.reason) for one in seal_faults(store)]
    columns = (SPAN_SEALS.c[name] for name in ("site", "first", "last", "fault"))
    with store.engine.connect() as connection:
        spans = connection.execute(sa.select(*columns).where(SPAN_SEALS.c.fault != "")).all()
    return sorted([*found, *(Contradiction(*span) for span in spans)])
