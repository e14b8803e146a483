"""Segments in a question: `["is", "segment", [id or name]]` stands for the filters that are kept under that name."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from console.stats.query import All, Asked, Condition, Done, Either, Filter, Not, Query
from event_catalogue.dimensions import Dimension

NAME: Final = "segment"
SEGMENT: Final = Asked(NAME, Dimension(NAME, (), "event", "", "Filters kept under a name.", "each"))
"""What a filter by segments is a condition on, until it is resolved."""

Find = Callable[[str], All]
"""Id or name of a segment → its filters. Raises BadQuery where there is none."""


def resolved(query: Query, find: Find) -> Query:
    """The question with its segments put in. What a segment asks for at the top is asked for as if it was written out,
    so that sealed days can answer it as far as they can that. Raises BadQuery."""
    parts: list[Filter] = []
    for part in (_resolve(one, find) for one in query.filters.parts):
        parts += part.parts if isinstance(part, All) else [part]
    return replace(query, filters=All(tuple(parts)))


def names_segments(part: Filter) -> bool:
    """Whether a filter has segments in it."""
    match part:
        case Condition():
            return part.asked is SEGMENT
        case Not(inner) | Done(inner):
            return names_segments(inner)
        case All(parts) | Either(parts):
            return any(map(names_segments, parts))


def _resolve(part: Filter, find: Find) -> Filter:
    match part:
        case Condition() if part.asked is SEGMENT:
            each = tuple(find(value) for value in part.values)
            whole = each[0] if len(each) == 1 else Either(each)
            return Not(whole) if part.operator == "is_not" else whole
        case Condition():
            return part
        case Not(inner):
            return Not(_resolve(inner, find))
        case Done():
            return part  # a segment in it is refused when it is read
        case All(parts):
            return All(tuple(_resolve(inner, find) for inner in parts))
        case Either(parts):
            return Either(tuple(_resolve(inner, find) for inner in parts))
