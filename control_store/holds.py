"""Legal holds: raw rows of some days of a site stay past their period, because two people say why and until when."""

from typing import NamedTuple

import sqlalchemy as sa

from control_store.accounts import User
from control_store.tables import HOLDS, ControlStore

MAY_HOLD = ("admin", "privacy_officer")
"""Who may ask for a hold, confirm one, or end it."""
LONGEST_DAYS = 395
"""No hold is longer than raw rows may be kept by law."""


class BadHold(ValueError):
    """A hold that can't be; the text is one sentence."""


class Hold(NamedTuple):
    """One hold. It holds from its confirmation on, until its end."""

    id: int
    site: int
    first: int
    """Days since 1970-01-01, both included."""
    last: int
    until: int
    """The last day (UTC) on which it holds."""
    reason: str
    asked_by: str
    asked: int
    """ms UTC."""
    confirmed_by: str
    confirmed: int
    """0 while a second person has not confirmed it."""
    ended: int
    """When somebody ended it early, 0 if nobody did."""

    def keeps(self, site: int, day: int, today: int) -> bool:
        """Whether it keeps the rows of a day; `today`: days since 1970-01-01, UTC."""
        holds = bool(self.confirmed) and not self.ended and today <= self.until
        return holds and site == self.site and self.first <= day <= self.last


class Scope(NamedTuple):
    """What is to be held, why and until when."""

    site: int
    first: int
    last: int
    until: int
    reason: str


def ask_hold(store: ControlStore, scope: Scope, who: User, *, now: int) -> Hold:
    """Ask for a hold; it does nothing before another person confirms it. Raises BadHold."""
    _check_role(who, scope.site)
    if scope.first > scope.last:
        raise BadHold("The first day is after the last one.")
    if not scope.reason.strip():
        raise BadHold("A hold needs a reason: it is written into the ledger.")
    today = now // 86_400_000
    if not today <= scope.until <= today + LONGEST_DAYS:
        raise BadHold(f"A hold ends on a day from today on, at most {LONGEST_DAYS} days ahead.")
    values = {**scope._asdict(), "asked_by": who.email, "asked": now, "confirmed_by": "", "confirmed": 0, "ended": 0}
    with store.engine.begin() as connection:
        number = connection.execute(sa.insert(HOLDS).values(values)).inserted_primary_key[0]  # type: ignore[index]
    return find_hold(store, int(number))


def confirm_hold(store: ControlStore, number: int, who: User, *, now: int) -> Hold:
    """Make a hold hold: by another person than the one who asked. Raises BadHold."""
    hold = find_hold(store, number)
    _check_role(who, hold.site)
    if hold.asked_by == who.email:
        raise BadHold(f"{who.email} asked for this hold; another person has to confirm it.")
    if hold.confirmed or hold.ended:
        raise BadHold(f"Hold {number} is confirmed or ended already.")
    with store.engine.begin() as connection:
        change = sa.update(HOLDS).where(HOLDS.c.id == number)
        connection.execute(change.values(confirmed_by=who.email, confirmed=now))
    return find_hold(store, number)


def end_hold(store: ControlStore, number: int, who: User, *, now: int) -> Hold:
    """End a hold before its day: what it kept is due again. One person may: it brings the usual period back."""
    hold = find_hold(store, number)
    _check_role(who, hold.site)
    if hold.ended:
        raise BadHold(f"Hold {number} is ended already.")
    with store.engine.begin() as connection:
        connection.execute(sa.update(HOLDS).where(HOLDS.c.id == number).values(ended=now))
    return find_hold(store, number)


def list_holds(store: ControlStore) -> list[Hold]:
    """Every hold that there was, the oldest first."""
    columns = [HOLDS.c[name] for name in Hold._fields]
    with store.engine.connect() as connection:
        return [Hold(*row) for row in connection.execute(sa.select(*columns).order_by(HOLDS.c.id))]


def find_hold(store: ControlStore, number: int) -> Hold:
    """The hold with this number. Raises BadHold."""
    for hold in list_holds(store):
        if hold.id == number:
            return hold
    raise BadHold(f"There is no hold {number}; `footfall hold list` shows those there are.")


def _check_role(who: User, site: int) -> None:
    role = who.roles.at(site)
    if role not in MAY_HOLD:
        raise BadHold(
            f"{who.email} is {role or 'nothing'} there; a hold is a matter of admins and privacy officers of the site."
        )
