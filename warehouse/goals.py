"""The SQL of goals: by which events one is reached. What a site wrote is bound, never part of the text."""

import re
from collections.abc import Callable, Sequence

from event_catalogue.goals import Goal

Bind = Callable[[str], str]
"""A text → the placeholder that stands for it in the statement."""


def hit(goal: Goal, bind: Bind) -> str:
    """Whether a row of `events` reaches the goal."""
    parts = [f"name = {bind(goal.kind)}"]
    if goal.prop:
        value = f"prop_values[indexOf(prop_keys, {bind(goal.prop)})]"
        parts.append(f"{value} = {bind(goal.value)}" if goal.value else f"{value} != ''")
    if goal.page:
        parts.append(f"match(path, {bind(page_pattern(goal.page))})")
    if goal.scroll:
        parts.append(f"scroll >= {goal.scroll:d}")
    return f"({' AND '.join(parts)})"


def page_pattern(page: str) -> str:
    """The regular expression of a path in which * stands for anything."""
    return f"(?s)^{'.*'.join(re.escape(part) for part in page.split('*'))}$"


def reached(goals: Sequence[Goal], bind: Bind) -> str:
    """The names of the goals that a row reaches, as an array."""
    if not goals:
        return "emptyArrayString()"
    names = ", ".join(f"toString({bind(goal.name)})" for goal in goals)
    hits = ", ".join(f"toUInt8({hit(goal, bind)})" for goal in goals)
    return f"arrayFilter((goal, is_hit) -> is_hit, [{names}], [{hits}])"
