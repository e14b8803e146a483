"""How much each table of people, choices and commands holds, and how old the oldest is."""

from typing import Final, NamedTuple

import sqlalchemy as sa

from control_store.people_tables import AUDIT, LINKS, SESSIONS
from control_store.tables import (
    CHOICE_COUNTS,
    DEVICE_LINKS,
    ERASURES,
    JOB_RUNS,
    RECEIPTS,
    REFUSED_HOSTS,
    REQUESTS,
    SEALS,
    WITHDRAWALS,
    ControlStore,
)
from event_catalogue.days import DAY_MS


class Age(NamedTuple):
    """What a store holds."""

    amount: int
    oldest: int = 0
    """When the oldest began, or when the first ends (ms UTC); 0: nothing is there, or nobody knows."""


NOTHING: Final = Age(0)
_BY_DAY: Final = {"seals": SEALS.c.day, "choices": CHOICE_COUNTS.c.day}
_BY_MOMENT: Final = {
    "receipts": (RECEIPTS.c.minute,),
    "requests of people": (WITHDRAWALS.c.asked, ERASURES.c.asked),
    "hosts": (REFUSED_HOSTS.c.last,),
    "logins": (SESSIONS.c.expires,),
    "links": (LINKS.c.expires, DEVICE_LINKS.c.expires),
    "audit": (AUDIT.c.at,),
    "jobs": (JOB_RUNS.c.ended,),
    "commands": (REQUESTS.c.asked,),
}


def ages(store: ControlStore) -> dict[str, Age]:
    """By name of the store."""
    found: dict[str, Age] = {}
    with store.engine.connect() as connection:
        for name, columns in {**{name: (column,) for name, column in _BY_DAY.items()}, **_BY_MOMENT}.items():
            looks = [connection.execute(sa.select(sa.func.count(), sa.func.min(column))).one() for column in columns]
            oldest = min((int(one[1]) for one in looks if one[1] is not None), default=0)
            found[name] = Age(sum(int(one[0]) for one in looks), oldest * (DAY_MS if name in _BY_DAY else 1))
    return found
