"""Charts as geometry: nothing leaves the drawing, grid lines are whole numbers, what still runs is dashed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.charts import Series, draw, nice_top, spark

values = st.lists(st.integers(0, 10**7), min_size=1, max_size=120)


def places(path: str) -> list[tuple[float, float]]:
    """The points of a path."""
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


@given(st.floats(0, 1e12))
def test_the_top_of_a_scale_is_round_and_near(highest: float) -> None:
    """Not below the highest value, not far above it, and four lines divide it into whole numbers."""
    top = nice_top(highest)
    assert top >= highest
    assert top <= max(4, 2.01 * highest)
    assert (top / 4).is_integer()


@given(values)
def test_nothing_leaves_the_drawing(numbers: list[int]) -> None:
    """Every point lies inside, and higher values lie higher."""
    chart = draw(Series([str(n) for n in range(len(numbers))], numbers))
    found = places(chart.line)
    assert len(found) == len(numbers)
    assert all(0 <= x <= 1000 and 0 <= y <= 1000 for x, y in found)
    order = sorted(range(len(numbers)), key=lambda place: numbers[place])
    assert [found[place][1] for place in order] == sorted((y for _, y in found), reverse=True)
    assert len(chart.points) == len(numbers)
    assert 1 <= len(chart.marks) <= 8
    assert chart.scale[0] >= max(numbers)
    assert chart.scale[-1] == 0


def test_the_period_that_still_runs_is_dashed_and_provisional_days_are_apart() -> None:
    """The last piece alone; the two areas meet at the last firm place."""
    marks = [False, False, True, True]
    chart = draw(Series(list("abcd"), [4, 8, 6, 2], provisional=marks, running=True))
    assert len(places(chart.line)) == 3
    assert places(chart.dashed) == [(625.0, 250.0), (875.0, 750.0)]
    assert chart.area.startswith("M125.0 500.0 L375.0 0.0")
    assert chart.provisional_area.startswith("M375.0 0.0 L625.0 250.0 L875.0 750.0")
    assert [point.provisional for point in chart.points] == marks


def test_a_comparison_is_drawn_in_its_own_order() -> None:
    """On the same scale, no longer than the range."""
    chart = draw(Series(["a", "b"], [1, 2], [8, 4, 100]))
    assert chart.scale[0] >= 8
    assert len(places(chart.before)) == 2
    assert [point.before for point in chart.points] == [8, 4]


@pytest.mark.parametrize("numbers", [[], [0], [0, 0], [5]])
def test_little_or_nothing_is_drawn_too(numbers: list[int]) -> None:
    """No division by zero, no path of one place that breaks an SVG."""
    chart = draw(Series([str(n) for n in numbers], numbers, running=True))
    assert chart.scale[0] > 0
    assert len(chart.points) == len(numbers)
    assert spark(numbers).startswith("M") == bool(numbers)
