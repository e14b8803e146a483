"""Charts as geometry: numbers in, coordinates out; a template draws them as SVG. No script, no style attribute.

Lengths along the page are percentages of the drawing, so that a chart fits any width and its text keeps its size.
Curves cannot be given in percent: they lie in a nested drawing of 1000 × 1000 that is stretched to fit.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

_SIZE: Final = 1000
_LINES: Final = 4
"""Grid lines above the base."""


class Point(NamedTuple):
    """One place of the curve, with the strip of the drawing in which it is pointed at."""

    x: str
    y: str
    left: str
    width: str
    label: str
    value: float
    before: float | None
    provisional: bool


class Mark(NamedTuple):
    """One label below the curve; a minor one may be left out where there is little room."""

    x: str
    label: str
    minor: bool


class Chart(NamedTuple):
    """A curve over time, perhaps with an earlier one to compare."""

    line: str
    dashed: str
    """The last piece of the curve, where its period still runs."""
    area: str
    provisional_area: str
    before: str
    scale: tuple[float, ...]
    """Values of the grid lines, the highest first, 0 last."""
    marks: tuple[Mark, ...]
    points: tuple[Point, ...]


class Series(NamedTuple):
    """What is drawn: equally long lists, one entry a period."""

    labels: Sequence[str]
    values: Sequence[float]
    before: Sequence[float] = ()
    """Values of the earlier period, in its own order; empty without comparison."""
    provisional: Sequence[bool] = ()
    running: bool = False
    """Whether the last period still runs."""


def draw(series: Series, *, most_marks: int = 8) -> Chart:
    """The chart of a series."""
    count = len(series.values)
    top = nice_top(max([*series.values, *series.before, 0]))
    at = [_at(place, value, count, top) for place, value in enumerate(series.values)]
    earlier = [_at(place, value, count, top) for place, value in enumerate(series.before[:count])]
    marked = [bool(flag) for flag in series.provisional] or [False] * count
    solid = len(at) - 1 if series.running and len(at) > 1 else len(at)
    return Chart(
        line=_path(at[:solid]),
        dashed=_path(at[solid - 1 :]) if solid < len(at) else "",
        area=_area([at for at, flag in zip(at, marked, strict=True) if not flag]),
        provisional_area=_area(_joined(at, marked)),
        before=_path(earlier),
        scale=tuple(top * step / _LINES for step in range(_LINES, -1, -1)),
        marks=_marks(series.labels, most_marks),
        points=tuple(_point(series, place, y, marked[place]) for place, (_x, y) in enumerate(at)),
    )


def spark(values: Sequence[float]) -> str:
    """The path of a curve without axes, in a drawing of 1000 × 1000."""
    top = max([*values, 1])
    return _path([_at(place, value, len(values), top) for place, value in enumerate(values)])


def nice_top(highest: float) -> float:
    """A round number not below the highest value, that four grid lines divide well; counts stay whole."""
    if highest <= _LINES:
        return float(_LINES)
    size = 10.0 ** math.floor(math.log10(highest / _LINES))
    halves: tuple[float, ...] = (1.25, 1.5, 2.5) if size > 10 else (1.5, 2.5) if size > 1 else ()
    steps = sorted((1, 2, 3, 4, 5, 6, 8, 10, *halves))
    return next(step * size * _LINES for step in steps if step * size * _LINES >= highest)


def _at(place: int, value: float, count: int, top: float) -> tuple[float, float]:
    return (place + 0.5) / count * _SIZE, _SIZE - value / top * _SIZE


def _path(at: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in at) if at else ""


def _area(at: Sequence[tuple[float, float]]) -> str:
    return f"{_path(at)} L{at[-1][0]:.1f} {_SIZE} L{at[0][0]:.1f} {_SIZE} Z" if len(at) > 1 else ""


def _joined(at: Sequence[tuple[float, float]], marked: Sequence[bool]) -> list[tuple[float, float]]:
    """The provisional places, from the last firm one on, so that the two areas meet."""
    first = next((place for place, flag in enumerate(marked) if flag), len(at))
    return list(at[max(0, first - 1) :]) if first < len(at) else []


def _marks(labels: Sequence[str], most: int) -> tuple[Mark, ...]:
    every = max(1, math.ceil(len(labels) / most))
    chosen = range(0, len(labels), every)
    return tuple(
        Mark(_percent((place + 0.5) / len(labels)), labels[place], minor=number % 2 == 1)
        for number, place in enumerate(chosen)
    )


def _point(series: Series, place: int, y: float, provisional: bool) -> Point:
    count = len(series.values)
    before = series.before[place] if place < len(series.before) else None
    return Point(
        x=_percent((place + 0.5) / count),
        y=_percent(y / _SIZE),
        left=_percent(place / count),
        width=_percent(1 / count),
        label=series.labels[place],
        value=series.values[place],
        before=before,
        provisional=provisional,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3f}%"
