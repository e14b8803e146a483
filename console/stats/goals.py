"""Goals and funnels in a question: whether it asks for any, and whether the site has them."""

from console.stats.filters import FIELD, conditions
from console.stats.names import nearest, shown
from console.stats.query import Asked, BadQuery, Query
from event_catalogue.dimensions import FUNNEL, GOAL, STEPS
from event_catalogue.goals import Aims


def asks_goals(query: Query) -> bool:
    """Whether the question has goals or funnels as a dimension or a filter."""
    asked = [*query.dimensions, *(leaf.asked for leaf in conditions(query.filters))]
    return any(one.dimension is GOAL or is_funnel(one) for one in asked)


def is_funnel(asked: Asked) -> bool:
    """Whether the dimension is the steps of a funnel."""
    return asked.dimension.name.startswith(FUNNEL)


def check_goals(query: Query, aims: Aims) -> None:
    """Raises BadQuery where the question names a goal or funnel that the site does not have, or what can't be."""
    names = {goal.name for goal in aims.goals}
    for leaf in conditions(query.filters):
        if leaf.asked.dimension in STEPS:
            raise BadQuery(FIELD, "Steps can't be filtered by: filter by 'event:page' and take them as a dimension.")
        if is_funnel(leaf.asked):
            raise BadQuery(FIELD, "A funnel can't be filtered by; filter by the goal of its step.")
        if leaf.asked.dimension is not GOAL or leaf.operator not in ("is", "is_not"):
            continue
        fold = str if leaf.case_sensitive else str.lower
        for value in leaf.values:
            if fold(value) not in set(map(fold, names)):
                raise BadQuery(FIELD, f"The site has no goal {shown(value)}; {_nearest(value, names)}.")
    _check_funnels(query, {funnel.name for funnel in aims.funnels})


def _check_funnels(query: Query, names: set[str]) -> None:
    for asked in query.dimensions:
        if is_funnel(asked):
            name = asked.dimension.name.removeprefix(FUNNEL)
            if name not in names:
                raise BadQuery("dimensions", f"The site has no funnel {shown(name)}; {_nearest(name, names)}.")
            others = [one for one in query.dimensions if one is not asked]
            if any(one.dimension.scope == "event" or is_funnel(one) for one in others):
                raise BadQuery("dimensions", "A funnel is of visits: beside it go only what visits have, and time.")


def _nearest(name: str, names: set[str]) -> str:
    return f"the nearest is {nearest(name, names)!r}" if names else "it has none yet"
