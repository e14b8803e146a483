"""The terms of one statement: what a dimension is called in it, how a filter reads, which values are bound.

Nothing that a reader wrote becomes part of the text: names come from the catalogue, values are parameters.
"""

import re
from collections.abc import Iterable
from typing import Final, Protocol

from console.stats.plan import HOUR_MS, Plan, Step, day_number
from console.stats.query import All, Asked, BadQuery, Condition, Done, Either, Filter, Not, SiteRef
from event_catalogue.dimensions import FUNNEL, GOAL, PROPS, RESERVED, STEPS, Dimension
from event_catalogue.goals import Goal
from warehouse.client import Param
from warehouse.goals import came_to, hit, numbered, reached
from warehouse.metrics import ROW_EXPRESSIONS, VisitShape, row_expression
from warehouse.people import kept_rules

_STEPS: Final[dict[str, Step]] = {"time:hour": "hour", "time:day": "day", "time:week": "week", "time:month": "month"}


def step_of(dimension: Dimension, plan: Plan) -> Step:
    """What a dimension of time is cut by in this plan."""
    return _STEPS.get(dimension.name, plan.step)


class Values(Protocol):
    """What the values of events and visits are called in a statement."""

    def of_event(self, name: str, expression: str) -> str:
        """The value `name` of an event, which is `expression` over the columns of `events`."""

    def of_visit(self, dimension: Dimension) -> str:
        """What a visit's attribute of that dimension is made from."""


class OfRows:
    """Events are rows of `events`, visits those of the table `visits`, with an array for each dimension."""

    def of_event(self, _name: str, expression: str) -> str:
        """The expression itself."""
        return expression

    def of_visit(self, dimension: Dimension) -> str:
        """The column of `visits`."""
        return f"`{dimension.name}`"


class OfShape:
    """Visits are `v`, arrays of their rows; `e` is one of these."""

    def __init__(self, shape: VisitShape) -> None:
        self._shape = shape

    def of_event(self, name: str, expression: str) -> str:
        """A place of the row's tuple."""
        return f"e.{self._shape.place_of(name, expression)}"

    def of_visit(self, dimension: Dimension) -> str:
        """An expression over all rows of the visit."""
        return self._shape.value(dimension)


def range_params(plan: Plan, site: SiteRef) -> dict[str, Param]:
    """The values that every statement binds: site, first and last day, and which bots count as people."""
    kept = kept_rules({site.id: site.counted_bots})
    return {"site": site.id, "first": day_number(plan.first), "last": day_number(plan.last), "kept": kept}


class Terms:
    """Keys and predicates of one statement, or of one of its parts; these share `params`."""

    def __init__(self, plan: Plan, params: dict[str, Param], values: Values) -> None:
        self.params = params
        self.attributes: dict[str, str] = {}
        """Columns that a visit needs, as name → what it is made from."""
        self._plan = plan
        self._values = values

    def differs_by_event(self, many: Iterable[Asked]) -> bool:
        """Whether any of the dimensions has a value for each event and not for a whole visit."""
        return any(asked.dimension.scope == "event" or self._is_hour(asked.dimension) for asked in many)

    def key(self, asked: Asked) -> str:
        """What to group by. Days, weeks and months are day numbers, hours are instants in ms.

        A stored value that looks like a word of the answer gets its backslash here if the collector gave it none (rows
        of an import): in the statement, so that both spellings are one group.
        """
        if asked.dimension is GOAL:
            return f"arrayJoin({self.goals_of_event()})"
        if asked.dimension.name.startswith(FUNNEL):
            return f"arrayJoin({self._steps_of_visit(asked.dimension)})"
        if asked.dimension in STEPS:
            return self._beside(asked.dimension)
        if asked.dimension.scope != "time":
            words = [*RESERVED, asked.dimension.blank]
            spelt = [f"\\{word}" for word in words]
            return (
                f"transform({self._operand(asked)}, {self._bind(words, 'Array(String)')}, "
                f"{self._bind(spelt, 'Array(String)')})"
            )
        match step_of(asked.dimension, self._plan):
            case "hour":
                return self._hour()
            case "day":
                return "toUInt16(day)"
            case "week":
                return "toUInt16(toMonday(day))"
            case "month":
                return "toUInt16(toStartOfMonth(day))"

    def _beside(self, dimension: Dimension) -> str:
        """The page viewed after an event `e` of the visit `v`, or before it; "" where there is none."""
        viewed, path = (self._values.of_event(name, row_expression(name)) for name in ("viewed", "path"))
        find, than = ("arrayFirst", ">") if dimension is STEPS[0] else ("arrayLast", "<")
        other = f"{viewed.replace('e.', 'x.')} AND (x.1, x.2, x.3) {than} (e.1, e.2, e.3)"
        return f"tupleElement({find}(x -> {other}, v), {path.removeprefix('e.')})"

    def is_step(self, asked: Asked) -> str:
        """Whether an event is a page view that has such a page beside it."""
        viewed = self._values.of_event("viewed", row_expression("viewed"))
        return f"({viewed} AND {self._beside(asked.dimension)} != '')"

    def goals_of_event(self) -> str:
        """The names of the goals that an event reaches, as an array: it is counted under each."""
        return self._values.of_event("goals", reached(self._plan.aims.goals, lambda text: self._bind(text, "String")))

    def predicate(self, part: Filter) -> str:
        """A filter as an expression; `1` where there is nothing to fulfil."""
        match part:
            case Condition():
                return self._condition(part)
            case Not(inner):
                return f"NOT ({self.predicate(inner)})"
            case All(parts):
                return " AND ".join(f"({self.predicate(inner)})" for inner in parts) or "1"
            case Either(parts):
                return " OR ".join(f"({self.predicate(inner)})" for inner in parts)
            case Done(inner):
                return f"arrayExists(e -> {self.predicate(inner)}, v)"

    def _is_hour(self, dimension: Dimension) -> bool:
        return dimension.scope == "time" and step_of(dimension, self._plan) == "hour"

    def _operand(self, asked: Asked) -> str:
        dimension = asked.dimension
        if dimension.scope == "visit":
            column = f"a_{dimension.name}"
            self.attributes[column] = self._values.of_visit(dimension)
            return self._name(asked, f"toString({column})")
        return f"toString({self._values.of_event(dimension.name, self._row_value(dimension))})"

    def _name(self, asked: Asked, stored: str) -> str:
        """The English name of what is stored, where the question is about names."""
        if not asked.named:
            return stored
        names = self._plan.names.get(asked.dimension.name, {})
        keys, values = (self._bind(list(many), "Array(String)") for many in (names.keys(), names.values()))
        return f"transform({stored}, {keys}, {values})"

    def _row_value(self, dimension: Dimension) -> str:
        """A dimension of events over the columns of the table."""
        if not dimension.name.startswith(PROPS):
            return row_expression(dimension.field)
        return f"prop_values[indexOf(prop_keys, {self._bind(dimension.name.removeprefix(PROPS), 'String')})]"

    def _hour(self) -> str:
        """The instant at which the hour began. An event outside its day (a new time zone since) is drawn into it."""
        self.params["starts"] = self._plan.starts
        at_ms = self._values.of_event("at_ms", ROW_EXPRESSIONS["at_ms"])
        start = "{starts:Array(Int64)}[toUInt16(day) - {first:UInt16} + 1]"
        end = "{starts:Array(Int64)}[toUInt16(day) - {first:UInt16} + 2]"
        return f"{start} + intDiv(greatest(least({at_ms}, {end} - 1) - {start}, 0), {HOUR_MS}) * {HOUR_MS}"

    def _steps_of_visit(self, dimension: Dimension) -> str:
        """The steps of a funnel that a visit comes to, as an array: it is counted under each. Over `v`, its rows."""
        aims = self._plan.aims
        funnel = next(one for one in aims.funnels if FUNNEL + one.name == dimension.name)
        goals = [aims.goals[place] for place in aims.steps(funnel)]
        mask = numbered([self._reaches_one(goal) for goal in goals])
        events = "v"
        if funnel.strict:
            marks = (self._values.of_event(name, ROW_EXPRESSIONS[name]) for name in ("viewed", "acted"))
            events = f"arrayFilter(e -> {' OR '.join(marks)} OR {mask} != 0, v)"
        came = came_to(f"arrayMap(e -> {mask}, {events})", strict=funnel.strict)
        labels = self._bind(funnel.labels, "Array(String)")
        return f"arrayFilter((label, n) -> bitTest({came}, n), {labels}, range({len(goals)}))"

    def _reaches_one(self, goal: Goal) -> str:
        return self._values.of_event(f"goal {goal.name}", hit(goal, lambda text: self._bind(text, "String")))

    def _reaches(self, leaf: Condition) -> str:
        """Whether an event reaches a goal whose name fulfils the condition."""
        return " OR ".join(["0", *map(self._reaches_one, named_goals(leaf, self._plan.aims.goals))])

    def _condition(self, leaf: Condition) -> str:
        if leaf.operator == "within":
            since, until = (self._bind(int(value), "Int64") for value in leaf.values)
            at_ms = self._values.of_event("at_ms", ROW_EXPRESSIONS["at_ms"])
            return f"({at_ms} >= {since} AND {at_ms} < {until})"
        if leaf.asked.dimension is GOAL:
            text = self._reaches(leaf)
            return f"NOT ({text})" if leaf.operator.endswith("_not") else f"({text})"
        operand = self._operand(leaf.asked)
        operator = leaf.operator.removesuffix("_not")
        match operator:
            case "is":
                text = self._equals(operand, leaf)
            case "contains":
                find = "position" if leaf.case_sensitive else "positionCaseInsensitiveUTF8"
                text = f"arrayExists(x -> {find}({operand}, x) > 0, {self._bind(leaf.values, 'Array(String)')})"
            case _:
                text = " OR ".join(f"match({operand}, {self._bind(value, 'String')})" for value in leaf.values)
        return f"({text})" if operator == leaf.operator else f"NOT ({text})"

    def _equals(self, operand: str, leaf: Condition) -> str:
        stored = [spelling for value in leaf.values for spelling in _spellings(leaf.asked.dimension, value)]
        values = self._bind(stored, "Array(String)")
        if leaf.case_sensitive:
            return f"has({values}, {operand})"
        return f"has(arrayMap(x -> lowerUTF8(x), {values}), lowerUTF8({operand}))"

    def _bind(self, value: Param, kind: str) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{kind}}}"


def named_goals(leaf: Condition, goals: Iterable[Goal]) -> list[Goal]:
    """The goals whose names the condition is about; of `…_not` those that it excludes.

    Raises BadQuery for a pattern that is none.
    """
    fold = str if leaf.case_sensitive else str.lower
    match leaf.operator.removesuffix("_not"):
        case "is":
            return [goal for goal in goals if fold(goal.name) in map(fold, leaf.values)]
        case "contains":
            return [goal for goal in goals if any(fold(value) in fold(goal.name) for value in leaf.values)]
        case _:
            try:
                return [goal for goal in goals if any(re.search(value, goal.name) for value in leaf.values)]
            except re.error:
                raise BadQuery("filters", "One of the regular expressions can't be read.") from None


def label(dimension: Dimension, value: str) -> str:
    """A key as an answer shows it: a word where there is no value."""
    return value or dimension.blank


def _spellings(dimension: Dimension, value: str) -> list[str]:
    """The stored values that an answer shows as `value`."""
    if value == dimension.blank:
        return [""]
    if value.startswith("\\") and value[1:] in (*RESERVED, dimension.blank):
        return [value, value[1:]]
    return [value]
