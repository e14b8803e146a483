"""The goals of sites: declared once, counted from then on, live days back as far as raw rows go."""

from typing import Final

import sqlalchemy as sa

from control_store.setting_items import BadSetting
from control_store.snapshot import Site
from control_store.tables import GOALS, ControlStore
from event_catalogue.dimensions import DIRECT, RESERVED
from event_catalogue.goals import Goal

MOST: Final = 30
"""Goals of one site: each is counted on every sealed day."""
_MOST_NAME: Final = 64
_MOST_TEXT: Final = 300


class BadGoal(BadSetting):
    """A goal that can't be; the text is one sentence."""


def add_goal(store: ControlStore, site: Site, goal: Goal, *, now: int) -> None:
    """Declare a goal, or change the one of this name: days that are sealed keep what was counted. Raises BadGoal."""
    _check(goal)
    known = list_goals(store, site.id)
    if len(known) >= MOST and goal.name not in {one.name for one in known}:
        raise BadGoal(f"{site.domain} has {MOST} goals already; remove one with `footfall goal remove` first.")
    with store.engine.begin() as connection:
        connection.execute(sa.delete(GOALS).where(GOALS.c.site == site.id, GOALS.c.name == goal.name))
        connection.execute(sa.insert(GOALS).values(site=site.id, since=now, **goal._asdict()))


def list_goals(store: ControlStore, site: int) -> tuple[Goal, ...]:
    """The goals of a site, by name."""
    columns = [GOALS.c[name] for name in Goal._fields]
    chosen = sa.select(*columns).where(GOALS.c.site == site).order_by(GOALS.c.name)
    with store.engine.connect() as connection:
        return tuple(Goal(*row) for row in connection.execute(chosen))


def remove_goal(store: ControlStore, site: Site, name: str) -> None:
    """Count a goal no more. Raises BadGoal where there is none of this name."""
    with store.engine.begin() as connection:
        gone = connection.execute(sa.delete(GOALS).where(GOALS.c.site == site.id, GOALS.c.name == name))
    if not gone.rowcount:
        raise BadGoal(f"{site.domain} has no goal '{name[:80]}'; `footfall goal list` shows those there are.")


def _check(goal: Goal) -> None:
    texts = (goal.name, goal.event, goal.prop, goal.value, goal.page)
    if not goal.name.strip() or len(goal.name) > _MOST_NAME or goal.name.startswith("\\"):
        raise BadGoal(f"A goal has a name of 1 to {_MOST_NAME} characters that does not begin with a backslash.")
    if goal.name in (*RESERVED, DIRECT):
        raise BadGoal(f"'{goal.name}' has a meaning of its own in answers; choose another name.")
    if any(len(text) > _MOST_TEXT or not text.isprintable() for text in texts):
        raise BadGoal(f"Every part of a goal is a text of one line of at most {_MOST_TEXT} characters.")
    if not (goal.event or goal.page or goal.scroll):
        raise BadGoal("Say what reaches the goal: an event, a page, or a depth of scrolling.")
    if goal.scroll and not 1 <= goal.scroll <= 100:
        raise BadGoal("The depth of scrolling is 1 to 100 percent.")
    if goal.scroll and goal.event:
        raise BadGoal("A depth of scrolling is reached by reading, not by an event: take one of both.")
    if (goal.prop and not goal.event) or (goal.value and not goal.prop):
        raise BadGoal("A property belongs to an event: name the event too.")
    if goal.page and not goal.page.startswith(("/", "*")):
        raise BadGoal("A page is a path from / on, in which * stands for anything.")
