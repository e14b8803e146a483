"""Goals in a question: whether it asks for any, and whether the site has them."""

from collections.abc import Iterable

from console.stats.filters import FIELD, conditions
from console.stats.names import nearest, shown
from console.stats.query import BadQuery, Query
from event_catalogue.dimensions import GOAL
from event_catalogue.goals import Goal


def asks_goals(query: Query) -> bool:
    """Whether the question has goals as a dimension or a filter."""
    asked = [*query.dimensions, *(leaf.asked for leaf in conditions(query.filters))]
    return any(one.dimension is GOAL for one in asked)


def check_goals(query: Query, goals: Iterable[Goal]) -> None:
    """Raises BadQuery where a filter names a goal that the site does not have."""
    names = {goal.name for goal in goals}
    for leaf in conditions(query.filters):
        if leaf.asked.dimension is not GOAL or leaf.operator not in ("is", "is_not"):
            continue
        fold = str if leaf.case_sensitive else str.lower
        for value in leaf.values:
            if fold(value) not in set(map(fold, names)):
                known = f"the nearest is {nearest(value, names)!r}" if names else "it has none yet"
                raise BadQuery(FIELD, f"The site has no goal {shown(value)}; {known}. See `footfall goal list`.")
