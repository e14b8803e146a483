"""The invented world, stored in several parts and in no order; its visits counted, or half of them, or none."""

import random
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

import pytest

from aggregator.visits import VisitTable
from console.stats.build import needs_visits
from console.stats.parse import parse
from console.stats.run import Answer, Statistics
from control_store.tables import ControlStore
from event_catalogue.goals import Aims
from tests.console.stats.counting import COUNTRIES, answer
from tests.console.stats.world import DECLARED, World, as_row, make_world
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
    others: Iterator[Statistics | None]
    """Who knows some of the visits, or all, must answer the same; every other question is put to one of them too."""

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
        if needs_visits(parse(question)) and (other := next(self.others)):
            again = other.answer(parse(question), self.world.sites[question["site_id"]])
            assert again["results"] == given["results"], question
        return expected


@pytest.fixture(scope="session")
def world() -> World:
    """The sites and their rows."""
    return make_world()


@dataclass
class Stored:
    """A warehouse with the world's rows, and up to which batch its visits were counted, first and last."""

    warehouse: Warehouse
    half: int
    last: int


@pytest.fixture(scope="session")
def stored(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """The world's rows, shuffled into batches of 97, and its visits."""
    warehouse = fresh_warehouse()
    store = ControlStore.in_directory(tmp_path_factory.mktemp("stored"))
    store.migrate()
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
    VisitTable(warehouse, store, nullcontext).tick()
    yield Stored(warehouse, batch // 2, batch)
    store.close()
    warehouse.close()


@pytest.fixture(scope="session")
def asker(world: World, stored: Stored) -> Asker:
    """Asks of rows alone, of visits that are half known, and of visits that all are."""
    half, last = (
        Statistics(stored.warehouse, lambda: NOW, counted=partial(_mark, mark), aims=_declared, names=_names)
        for mark in (stored.half, stored.last)
    )
    whole = Statistics(stored.warehouse, lambda: NOW, aims=_declared, names=_names)
    return Asker(world, whole, cycle([half, None, last, None]))


def _declared(_site: int) -> Aims:
    return DECLARED


def _names(dimension: str) -> dict[str, str]:
    return COUNTRIES if dimension == "country" else {}


def _mark(mark: int, _site: int, _rules: Collection[str]) -> list[int]:
    return [mark]
