"""The SQL of goals and funnels: by which events a goal is reached, and how far a visit comes in a funnel.

What a site wrote is bound, never part of the text.
"""

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


def numbered(conditions: Sequence[str]) -> str:
    """Conditions as one number of 64 bits, the first one's the lowest."""
    bits = [f"bitShiftLeft(toUInt64({condition}), {place})" for place, condition in enumerate(conditions)]
    return "toUInt64(0)" if not bits else bits[0] if len(bits) == 1 else f"bitOr({bits[0]}, {_rest(bits[1:])})"


def _rest(bits: Sequence[str]) -> str:
    return bits[0] if len(bits) == 1 else f"bitOr({bits[0]}, {_rest(bits[1:])})"


def came_to(steps: str, *, strict: bool) -> str:
    """The steps that a visit comes to, as bits. `steps`: an array with the steps that each of its events reaches, in
    the order of the events; if `strict` nothing else may lie between those of two steps."""
    again = "bitAnd(bitOr(bitShiftLeft({}, 1), 1), m)"
    if not strict:
        return f"arrayFold((a, m) -> bitOr(a, {again.format('a')}), {steps}, toUInt64(0))"
    one = again.format("a.1")
    return f"(arrayFold((a, m) -> ({one}, bitOr(a.2, {one})), {steps}, (toUInt64(0), toUInt64(0)))).2"
