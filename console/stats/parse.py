"""JSON body → `Query`, or `BadQuery` naming the part, what is wrong with it and the nearest name that would do.

Refuses what it does not know: a misspelt key that was ignored would answer another question than the one put. Every
list and text has a limit, so that a question can't be used to load the warehouse.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final, TypeVar, get_args

import msgspec

from console.stats.filters import parse_filters
from console.stats.names import asked_dimension, asked_metric, shown, sound_text, unknown
from console.stats.query import (
    Asked,
    BadQuery,
    Comparison,
    Direction,
    Include,
    Last,
    Mode,
    Moments,
    Order,
    Query,
    Span,
)
from event_catalogue.metrics import Metric

KEYS: Final = (
    "site_id",
    "metrics",
    "date_range",
    "dimensions",
    "filters",
    "order_by",
    "include",
    "pagination",
)
ALL_SITES: Final = "*"
MOST_SITES: Final = 100
"""Together in one question."""
MAX_BODY: Final = 256 * 1024
MAX_DIMENSIONS: Final = 6
MAX_ROWS: Final = 10_000
MAX_OFFSET: Final = 10_000_000
MAX_DAYS: Final = 5_000
MAX_MONTHS: Final = 160
NAMED_RANGES: Final = ("day", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all")

_COUNTED: Final = re.compile(r"([1-9][0-9]{0,3})(d|mo)")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST_DAY: Final = date(2000, 1, 1)
_LAST_DAY: Final = date(2149, 6, 5)
"""The warehouse counts days in 16 bits."""
_TIME: Final = "T"
_DAY_MS: Final = 86_400_000

Item = TypeVar("Item")


def parse_body(body: bytes) -> Query:
    """The question in a request's body. Raises BadQuery."""
    return parse(decoded(body))


def decoded(body: bytes) -> object:
    """The JSON in a request's body. Raises BadQuery."""
    if len(body) > MAX_BODY:
        raise BadQuery("body", f"A question has at most {MAX_BODY // 1024} KiB.")
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadQuery("body", "This is no JSON.") from None
    return value


def parse(value: object) -> Query:
    """The question in a decoded JSON object. Raises BadQuery."""
    if not isinstance(value, dict):
        raise BadQuery("body", "A question is a JSON object with `site_id`, `metrics` and `date_range`.")
    for key in value:
        if key not in KEYS:
            raise unknown(shown(key), "key", key, KEYS)
    for key in KEYS[:3]:
        if key not in value:
            raise BadQuery(key, f"`{key}` is missing.")
    metrics = _metrics(value["metrics"])
    dimensions = _dimensions(value.get("dimensions"))
    include = _include(value.get("include"), dimensions)
    limit, offset = _pagination(value.get("pagination"))
    filters = value.get("filters") or []
    several = _several(value["site_id"])
    return Query(
        site_id="" if several else _site_id(value["site_id"]),
        site_ids=several,
        metrics=metrics,
        date_range=_date_range(value["date_range"]),
        dimensions=dimensions,
        filters=parse_filters(filters),
        order_by=_order_by(value.get("order_by"), metrics, dimensions),
        include=include,
        limit=limit,
        offset=offset,
        filters_said=tuple(filters) if isinstance(filters, list) else (),
    )


def _several(value: object) -> tuple[str, ...]:
    """The sites of a question about several together; none where it is about one."""
    if value == ALL_SITES:
        return (ALL_SITES,)
    if not isinstance(value, list):
        return ()
    if not 0 < len(value) <= MOST_SITES:
        raise BadQuery("site_id", f"A question is about 1 to {MOST_SITES} sites.")
    return tuple(dict.fromkeys(map(_site_id, value)))


def _site_id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value):
        raise BadQuery("site_id", "`site_id` is the site's id, key or domain, a list of these, or '*' for all sites.")
    return sound_text("site_id", str(value))


def _metrics(value: object) -> tuple[Metric, ...]:
    metrics = _each("metrics", value, asked_metric)
    if not metrics:
        raise BadQuery("metrics", "At least one metric is needed, such as 'visitors'.")
    return metrics


def _dimensions(value: object) -> tuple[Asked, ...]:
    dimensions = _each("dimensions", value if value is not None else [], asked_dimension)
    if len(dimensions) > MAX_DIMENSIONS:
        raise BadQuery("dimensions", f"At most {MAX_DIMENSIONS} dimensions can be combined.")
    return dimensions


def _each(field: str, value: object, look_up: Callable[[str, object], Item]) -> tuple[Item, ...]:
    """A list of different names, looked up."""
    if not isinstance(value, list):
        raise BadQuery(field, f"`{field}` is a list of names, not {shown(value)}.")
    found = tuple(look_up(field, name) for name in value)
    if len({str(name) for name in value}) != len(value):
        raise BadQuery(field, f"`{field}` names something twice.")
    return found


def _date_range(value: object) -> Span | Moments | Last:
    if isinstance(value, str):
        return _named_range(value)
    if not isinstance(value, list) or len(value) != 2:
        raise BadQuery(
            "date_range", f"A range is one of {', '.join(NAMED_RANGES)} or a pair of days, not {shown(value)}."
        )
    return _moments(value) if any(isinstance(one, str) and _TIME in one for one in value) else _span(value)


def _span(value: list[object]) -> Span:
    first, last = (_day(day) for day in value)
    if first > last:
        raise BadQuery("date_range", f"The range begins after its end: {first} is later than {last}.")
    if (last - first).days >= MAX_DAYS:
        raise BadQuery("date_range", f"A range has at most {MAX_DAYS} days.")
    return Span(first, last)


def _moments(value: list[object]) -> Moments:
    """A pair of times of day; the last second is part of the range."""
    since, until = (_moment(one) for one in value)
    if since > until:
        raise BadQuery("date_range", f"The range begins after its end: {value[0]} is later than {value[1]}.")
    found = Moments(int(since.timestamp()) * 1000, int(until.timestamp()) * 1000 + 1000)
    if (found.until - found.since) // _DAY_MS >= MAX_DAYS:
        raise BadQuery("date_range", f"A range has at most {MAX_DAYS} days.")
    return found


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadQuery(
            "date_range", f"A time is written with its offset, as 2025-01-31T12:00:00+02:00, not {shown(value)}."
        )
    if not _FIRST_DAY.year < moment.year <= _LAST_DAY.year:
        raise BadQuery("date_range", f"Times lie between {_FIRST_DAY.year + 1} and {_LAST_DAY.year}.")
    return moment.astimezone(UTC)


def _named_range(value: str) -> Last:
    match value:
        case "day":
            return Last("day")
        case "month":
            return Last("month")
        case "year":
            return Last("year")
        case "all":
            return Last("all")
        case _:
            counted = _COUNTED.fullmatch(value)
            if counted and counted[2] == "d" and int(counted[1]) <= MAX_DAYS:
                return Last("day", int(counted[1]))
            if counted and counted[2] == "mo" and int(counted[1]) <= MAX_MONTHS:
                return Last("month", int(counted[1]))
            raise BadQuery(
                "date_range",
                f"There is no range {shown(value)}: take {', '.join(NAMED_RANGES)} or a pair of days.",
            )


def _day(value: object) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise BadQuery("date_range", f"There is no day {shown(value)}.") from None
        if _FIRST_DAY <= day <= _LAST_DAY:
            return day
        raise BadQuery("date_range", f"Days lie between {_FIRST_DAY} and {_LAST_DAY}.")
    raise BadQuery("date_range", f"A day is written as 2025-01-31, not {shown(value)}.")


def _order_by(value: object, metrics: tuple[Metric, ...], dimensions: tuple[Asked, ...]) -> tuple[Order, ...]:
    """The order, the default one included: time first and upwards, then the first metric downwards."""
    if value is None:
        time = [Order(asked.name, "asc") for asked in dimensions if asked.dimension.scope == "time"]
        return (*time[:1], Order(metrics[0].name, "desc"))
    if not isinstance(value, list):
        raise BadQuery("order_by", f"`order_by` is a list of pairs, not {shown(value)}.")
    names = [*(metric.name for metric in metrics), *(asked.name for asked in dimensions)]
    return tuple(_order(pair, names) for pair in value)


def _order(pair: object, names: list[str]) -> Order:
    if not isinstance(pair, list) or len(pair) != 2:
        raise BadQuery("order_by", f'An order is a pair such as ["visitors", "desc"], not {shown(pair)}.')
    name, direction = pair
    if name not in names:
        raise BadQuery("order_by", f"{shown(name)} is neither among `metrics` nor among `dimensions` of this question.")
    directions: dict[object, Direction] = {"asc": "asc", "desc": "desc"}
    if not isinstance(direction, str) or direction not in directions:
        raise BadQuery("order_by", f'The direction is "asc" or "desc", not {shown(direction)}.')
    return Order(name, directions[direction])


def _include(value: object, dimensions: tuple[Asked, ...]) -> Include:
    if value is None:
        return Include()
    known = ("time_labels", "total_rows", "imports", "kept", "comparisons")
    if not isinstance(value, dict):
        raise BadQuery("include", f"`include` is an object, not {shown(value)}.")
    for key, wanted in value.items():
        if key not in known:
            raise unknown("include", "key", key, known)
        if key != "comparisons" and not isinstance(wanted, bool):
            raise BadQuery("include", f"`include.{key}` is true or false.")
    include = Include(**{**value, "comparisons": _comparison(value.get("comparisons"))})
    if include.time_labels and not any(asked.dimension.scope == "time" for asked in dimensions):
        raise BadQuery("include", "`include.time_labels` needs a time dimension, such as 'time:day'.")
    return include


def _comparison(value: object) -> Comparison | None:
    if value is None:
        return None
    known = ("mode", "date_range", "match_day_of_week")
    if not isinstance(value, dict):
        raise BadQuery("include", f"`include.comparisons` is an object with a `mode`, not {shown(value)}.")
    for key in value:
        if key not in known:
            raise unknown("include", "key", key, known)
    modes: dict[object, Mode] = {mode: mode for mode in get_args(Mode)}
    mode = value.get("mode")
    if not isinstance(mode, str) or mode not in modes:
        raise BadQuery(
            "include", f"`include.comparisons.mode` is one of {', '.join(get_args(Mode))}, not {shown(mode)}."
        )
    same_weekdays = value.get("match_day_of_week", False)
    if not isinstance(same_weekdays, bool):
        raise BadQuery("include", "`include.comparisons.match_day_of_week` is true or false.")
    if (mode == "custom") != ("date_range" in value):
        raise BadQuery("include", "`include.comparisons.date_range` goes with the mode custom, and only with it.")
    wanted = _date_range(value["date_range"]) if mode == "custom" else None
    if isinstance(wanted, Last):
        raise BadQuery("include", "`include.comparisons.date_range` is a pair of days.")
    return Comparison(modes[mode], wanted, same_weekdays)


def _pagination(value: object) -> tuple[int, int]:
    if value is None:
        return MAX_ROWS, 0
    if not isinstance(value, dict):
        raise BadQuery("pagination", f"`pagination` is an object, not {shown(value)}.")
    for key in value:
        if key not in ("limit", "offset"):
            raise unknown("pagination", "key", key, ("limit", "offset"))
    limit = _number("limit", value.get("limit", MAX_ROWS), 1, MAX_ROWS)
    return limit, _number("offset", value.get("offset", 0), 0, MAX_OFFSET)


def _number(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadQuery("pagination", f"`{name}` is a whole number from {least:,} to {most:,}, not {shown(value)}.")
    return value
