"""Goals and funnels of sites: declared once, counted from then on, and back as far as raw rows go."""

from typing import Final

import sqlalchemy as sa

from control_store.setting_items import BadSetting
from control_store.snapshot import Site
from control_store.tables import FUNNELS, GOALS, ControlStore
from event_catalogue.dimensions import DIRECT, RESERVED
from event_catalogue.goals import MOST_FUNNELS, MOST_GOALS, MOST_STEPS, Aims, Funnel, Goal

_MOST_NAME: Final = 64
_MOST_TEXT: Final = 300


class BadGoal(BadSetting):
    """A goal that can't be; the text is one sentence."""


def add_goal(store: ControlStore, site: Site, goal: Goal, *, now: int) -> None:
    """Declare a goal, or change the one of this name: days that are sealed keep what was counted. Raises BadGoal."""
    _check(goal)
    known = list_goals(store, site.id)
    if len(known) >= MOST_GOALS and goal.name not in {one.name for one in known}:
        raise BadGoal(f"{site.domain} has {MOST_GOALS} goals already; remove one with `footfall goal remove` first.")
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
    """Count a goal no more. Raises BadGoal where there is none of this name, or a funnel needs it."""
    for funnel in list_funnels(store, site.id):
        if name in funnel.steps:
            raise BadGoal(f"The funnel '{funnel.name}' has this goal as a step; remove it first.")
    with store.engine.begin() as connection:
        gone = connection.execute(sa.delete(GOALS).where(GOALS.c.site == site.id, GOALS.c.name == name))
    if not gone.rowcount:
        raise BadGoal(f"{site.domain} has no goal '{name[:80]}'; `footfall goal list` shows those there are.")


def add_funnel(store: ControlStore, site: Site, funnel: Funnel, *, now: int) -> None:
    """Declare a funnel, or change the one of this name. Raises BadGoal."""
    _check_name(funnel.name)
    goals = {goal.name for goal in list_goals(store, site.id)}
    missing = [step for step in funnel.steps if step not in goals]
    if missing:
        raise BadGoal(f"{site.domain} has no goal '{missing[0][:80]}'; declare it with `footfall goal add` first.")
    if not 2 <= len(funnel.steps) <= MOST_STEPS:
        raise BadGoal(f"A funnel has 2 to {MOST_STEPS} steps.")
    known = list_funnels(store, site.id)
    if len(known) >= MOST_FUNNELS and funnel.name not in {one.name for one in known}:
        raise BadGoal(f"{site.domain} has {MOST_FUNNELS} funnels already; remove one with `footfall funnel remove`.")
    values = {"name": funnel.name, "steps": list(funnel.steps), "strict": funnel.strict, "since": now}
    with store.engine.begin() as connection:
        connection.execute(sa.delete(FUNNELS).where(FUNNELS.c.site == site.id, FUNNELS.c.name == funnel.name))
        connection.execute(sa.insert(FUNNELS).values(site=site.id, **values))


def list_funnels(store: ControlStore, site: int) -> tuple[Funnel, ...]:
    """The funnels of a site, by name."""
    chosen = sa.select(FUNNELS.c.name, FUNNELS.c.steps, FUNNELS.c.strict).where(FUNNELS.c.site == site)
    with store.engine.connect() as connection:
        rows = connection.execute(chosen.order_by(FUNNELS.c.name))
        return tuple(Funnel(row.name, tuple(row.steps), row.strict) for row in rows)


def remove_funnel(store: ControlStore, site: Site, name: str) -> None:
    """Count a funnel no more. Raises BadGoal where there is none of this name."""
    with store.engine.begin() as connection:
        gone = connection.execute(sa.delete(FUNNELS).where(FUNNELS.c.site == site.id, FUNNELS.c.name == name))
    if not gone.rowcount:
        raise BadGoal(f"{site.domain} has no funnel '{name[:80]}'; `footfall funnel list` shows those there are.")


def aims_of(store: ControlStore, site: int) -> Aims:
    """Everything that a site waits for."""
    return Aims(list_goals(store, site), list_funnels(store, site))


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _MOST_NAME or name.startswith("\\") or not name.isprintable():
        raise BadGoal(f"A name has 1 to {_MOST_NAME} characters on one line and does not begin with a backslash.")
    if name in (*RESERVED, DIRECT):
        raise BadGoal(f"'{name}' has a meaning of its own in answers; choose another name.")


def _check(goal: Goal) -> None:
    texts = (goal.name, goal.event, goal.prop, goal.value, goal.page)
    _check_name(goal.name)
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
