"""Filters as JSON arrays → the tree of conditions, in the form of Plausible's Stats API v2.

`[operator, dimension, [values], {"case_sensitive": false}]`, joined by `["and", […]]`, `["or", […]]`, `["not", …]`;
`["has_done", …]` and `["has_not_done", …]` ask whether another event of the same visit fulfils something.
"""

from typing import Final, cast, get_args

from console.stats.names import asked_dimension, shown, sound_text, unknown
from console.stats.query import All, Asked, BadQuery, Condition, Done, Either, Filter, Not, Operator
from console.stats.segments import SEGMENT

FIELD: Final = "filters"
OPERATORS: Final[tuple[str, ...]] = tuple(name for name in get_args(Operator) if name != "within")
JOINTS: Final = ("and", "or", "not", "has_done", "has_not_done")
MAX_DEPTH: Final = 8
MAX_CONDITIONS: Final = 100
MAX_VALUES: Final = 1_000
MAX_SEGMENTS: Final = 10
MAX_TEXT: Final = 2_000


def parse_filters(value: object) -> All:
    """The list of filters, all of which must hold. Raises BadQuery."""
    parts = _list(value, "Filters are a list of filters")
    tree = All(tuple(_parse(part, 1) for part in parts))
    check_size(tree)
    return tree


def check_size(tree: Filter) -> None:
    """Raises BadQuery for a tree of too many conditions."""
    if count_conditions(tree) > MAX_CONDITIONS:
        raise BadQuery(FIELD, f"At most {MAX_CONDITIONS} conditions can be asked at once.")


def count_conditions(part: Filter) -> int:
    """How many conditions a tree holds."""
    return len(conditions(part))


def conditions(part: Filter) -> list[Condition]:
    """The leaves of a tree."""
    match part:
        case Condition():
            return [part]
        case Not(inner) | Done(inner):
            return conditions(inner)
        case All(parts) | Either(parts):
            return [leaf for inner in parts for leaf in conditions(inner)]


def holds_done(part: Filter) -> bool:
    """Whether a tree asks for another event of the same visit."""
    match part:
        case Done():
            return True
        case Not(inner):
            return holds_done(inner)
        case All(parts) | Either(parts):
            return any(holds_done(inner) for inner in parts)
        case Condition():
            return False


def _parse(value: object, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise BadQuery(FIELD, f"Filters can be nested {MAX_DEPTH} deep at most.")
    parts = _list(value, "A filter is a list that begins with its operator")
    operator = parts[0] if parts else None
    if operator in JOINTS:
        if len(parts) != 2:
            raise BadQuery(FIELD, f'["{operator}", …] takes exactly one more element.')
        return _join(operator, parts[1], depth)
    if operator not in OPERATORS:
        raise unknown(FIELD, "operator", operator, (*OPERATORS, *JOINTS))
    return _condition(cast("Operator", operator), parts)


def _join(operator: str, value: object, depth: int) -> Filter:
    match operator:
        case "and" | "or":
            inner = _list(value, f'["{operator}", …] takes a list of filters')
            if not inner:
                raise BadQuery(FIELD, f'["{operator}", …] needs at least one filter.')
            parts = tuple(_parse(part, depth + 1) for part in inner)
            return All(parts) if operator == "and" else Either(parts)
        case "not":
            return Not(_parse(value, depth + 1))
        case _:
            part = _parse(value, depth + 1)
            if any(leaf.asked is SEGMENT for leaf in conditions(part)):
                raise BadQuery(FIELD, f'["{operator}", …] is about events: write the segment\'s filters out.')
            if any(leaf.asked.dimension.scope != "event" for leaf in conditions(part)) or holds_done(part):
                raise BadQuery(FIELD, f'["{operator}", …] is about events: use dimensions such as "event:page" in it.')
            return Done(part) if operator == "has_done" else Not(Done(part))


def _condition(operator: Operator, parts: list[object]) -> Condition:
    if len(parts) not in (3, 4):
        raise BadQuery(FIELD, f'["{operator}", dimension, [values]] has three elements, or four with modifiers.')
    asked = SEGMENT if parts[1] == SEGMENT.name else asked_dimension(FIELD, parts[1])
    if asked is SEGMENT and (operator not in ("is", "is_not") or len(parts) > 3):
        raise BadQuery(FIELD, 'Segments are named: ["is", "segment", [id or name]], or with "is_not".')
    if asked is SEGMENT and isinstance(parts[2], list) and len(parts[2]) > MAX_SEGMENTS:
        raise BadQuery(FIELD, f"At most {MAX_SEGMENTS} segments can be named in one filter.")
    if asked.dimension.scope == "time":
        raise BadQuery(FIELD, f"{asked.name!r} can't be filtered by; set `date_range` instead.")
    return Condition(operator, asked, _values(operator, asked, parts[2]), _case_sensitive(operator, parts[3:]))


def _values(operator: Operator, asked: Asked, value: object) -> tuple[str, ...]:
    values = _list(value, f"The values of {asked.name!r} are a list")
    if not 0 < len(values) <= MAX_VALUES:
        raise BadQuery(FIELD, f"{asked.name!r} needs 1 to {MAX_VALUES} values.")
    texts = tuple(_text(asked, one) for one in values)
    if operator not in ("is", "is_not") and "" in texts:
        raise BadQuery(FIELD, f'["{operator}", {asked.name!r}, …] needs texts that are not empty.')
    return texts


def _text(asked: Asked, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # GeoNames ids are numbers in Plausible's form
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BadQuery(FIELD, f"A value of {asked.name!r} is a text of at most {MAX_TEXT} characters.")
    return sound_text(FIELD, value)


def _case_sensitive(operator: Operator, rest: list[object]) -> bool:
    if not rest:
        return True
    modifiers = rest[0]
    if not isinstance(modifiers, dict) or set(modifiers) - {"case_sensitive"}:
        raise BadQuery(FIELD, 'The only modifier is {"case_sensitive": true} or false.')
    chosen = modifiers.get("case_sensitive", True)
    if not isinstance(chosen, bool):
        raise BadQuery(FIELD, "`case_sensitive` is true or false.")
    if operator.startswith("matches") and not chosen:
        raise BadQuery(FIELD, f'["{operator}", …] has no `case_sensitive`; begin the expression with (?i).')
    return chosen


def _list(value: object, sentence: str) -> list[object]:
    if not isinstance(value, list):
        raise BadQuery(FIELD, f"{sentence}, not {shown(value)}.")
    return value
