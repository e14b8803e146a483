"""Invented traffic: the same for the same seed, marked as invented, and with what real traffic has."""

from collections import Counter
from typing import Any

import pytest

from collector.importers.invented import BUILD, Shape, invent_day
from collector.importers.invented_import import import_invented
from collector.importers.staging import importing
from control_store.imports import committed_imports
from event_catalogue.days import local_day
from event_catalogue.fields import FIELDS, POSITION
from tests.collector.test_staging import Place, place

__all__ = ["place"]
MONDAY = 20_422
"""2025-12-01, not a day of machines."""


def shape(**changes: Any) -> Shape:
    return Shape(7, "invented.example", "Europe/Zurich", 300, 1)._replace(**changes)


def rows_of(shape: Shape, day: int) -> list[list[Any]]:
    return [row for rows in invent_day(shape, day, stored_on=30_000, received=1).visits for row in rows]


@pytest.mark.parametrize("day", [MONDAY, 20_386])  # the second is the day of 25 hours
def test_the_same_seed_invents_the_same(day: int) -> None:
    """Day by day, whatever was invented before; another seed invents something else."""
    first = rows_of(shape(), day)
    rows_of(shape(), day + 1)
    assert rows_of(shape(), day) == first
    assert rows_of(shape(seed=2), day) != first
    assert {local_day("Europe/Zurich", row[POSITION["at"]]) for row in first} == {day}


def test_every_row_fits_and_is_marked() -> None:
    """Rows have the catalogue's types and lengths, and none can be taken for a real one."""
    for row in rows_of(shape(), MONDAY):
        assert row[POSITION["build"]] == BUILD
        for field, value in zip(FIELDS, row, strict=True):
            assert isinstance(value, field.python_type), field.name
            assert not field.limit or isinstance(value, list) or len(value) <= field.limit, field.name


@pytest.mark.parametrize("visitors", [30, 3_000])
def test_a_day_has_about_as_many_visitors_as_asked(visitors: int) -> None:
    """And a long tail of pages, machines, wishes, and more on weekdays than on Saturdays."""
    rows = rows_of(shape(visitors=visitors), MONDAY)
    people = {row[POSITION["visitor"]] for row in rows if not row[POSITION["bot"]]}
    assert 0.7 * visitors <= len(people) <= 1.6 * visitors
    paths = Counter(row[POSITION["path"]] for row in rows if row[POSITION["name"]] == "pageview")
    assert paths["/"] == max(paths.values())
    if visitors == 3_000:
        assert sum(count < 5 for count in paths.values()) > 50
        assert {"purchase", "search", "vitals", "js_error", "exit"} <= {row[POSITION["name"]] for row in rows}
        assert any(row[POSITION["bot"]] for row in rows)
        assert invent_day(shape(visitors=visitors), MONDAY, stored_on=1, received=1).not_recorded > 100


def test_it_comes_in_as_an_import_once(place: Place) -> None:
    """Asked for twice it is there once, accounted for, under a manifest of its own kind."""
    wanted = shape(site=1, visitors=20)
    days: list[int] = []
    with importing(place.store, place.settings):
        events = import_invented(place.store, place.settings, wanted, range(MONDAY, MONDAY + 2), on_day=days.append)
        again = import_invented(place.store, place.settings, wanted, range(MONDAY, MONDAY + 2), on_day=days.append)
    assert again is None
    assert days == [MONDAY, MONDAY + 1]
    expected = [row for day in days for row in rows_of(wanted, day)]
    [spooled] = place.spools().values()
    assert events == len(spooled.rows) == len(expected)
    assert {row["import_id"] for row in spooled.rows} == {1}
    assert [manifest.kind for manifest in committed_imports(place.store)] == ["invented"]
