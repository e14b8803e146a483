"""The invented world, stored in several parts and in no order."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from console.stats.parse import parse
from console.stats.run import Answer, Statistics
from tests.console.stats.counting import answer
from tests.console.stats.world import World, as_row, make_world
from tests.warehouse.engine import fresh_warehouse
from warehouse.client import Warehouse
from warehouse.events import EventTable

NOW = 1_767_225_600_000
"""2026-01-01 00:00 UTC."""


@dataclass
class Asker:
    """Puts questions to the layer, and to the count by hand."""

    world: World
    statistics: Statistics

    def ask(self, question: dict[str, Any]) -> Answer:
        """The layer's answer."""
        return self.statistics.answer(parse(question), self.world.sites[question["site_id"]])

    def check(self, question: dict[str, Any]) -> dict[tuple[str, ...], list[float]]:
        """Compare both, and give the count by hand."""
        expected = answer(question, self.world.events, self.world.sites[question["site_id"]])
        given = self.ask(question)
        found = {tuple(row["dimensions"]): row["metrics"] for row in given["results"]}
        assert len(found) == len(given["results"]), "a group came twice"
        assert found == expected, question
        return expected


@pytest.fixture(scope="session")
def world() -> World:
    """The sites and their rows."""
    return make_world()


@pytest.fixture(scope="session")
def stored(world: World) -> Iterator[Warehouse]:
    """A warehouse with the world's rows, shuffled into batches of 97."""
    warehouse = fresh_warehouse()
    table = EventTable(warehouse)
    by_day: dict[Any, list[Any]] = {}
    for one in world.events:
        by_day.setdefault(one["day"], []).append(as_row(one))
    batch = 0
    for rows in by_day.values():
        random.Random(1).shuffle(rows)
        for place in range(0, len(rows), 97):
            batch += 1
            table.insert(rows[place : place + 97], batch=batch, token=str(batch))
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="session")
def asker(world: World, stored: Warehouse) -> Asker:
    """Asks both."""
    return Asker(world, Statistics(stored, lambda: NOW))
