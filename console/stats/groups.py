"""Groups of an answer whose days have several sources: their sums added up, sorted, and cut to a page."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypedDict

from console.stats.plan import EPOCH, Plan
from console.stats.query import Asked, Query
from console.stats.terms import label, step_of
from event_catalogue.metrics import MeasureName, Metric
from warehouse.client import Record


class Row(TypedDict):
    """One row of an answer."""

    metrics: list[Any]
    """Numbers; None for one of nothing."""
    dimensions: list[str]


Key = tuple[Any, ...]
Sums = list[list[int]]
"""For each metric of the question its two sums."""


@dataclass
class Groups:
    """Sums by group, and what is lacking in them."""

    query: Query
    plan: Plan
    sums: dict[Key, Sums] = field(default_factory=dict)
    withheld: list[int] = field(default_factory=list)
    """For each metric how many numbers of sealed days are withheld."""
    merged: bool = False
    """Whether any group is `(other)`."""
    hidden: int = 0
    """Groups of too few people that are not in the answer, nor in any `(other)`."""
    days: int = 0
    """Days with numbers, over all groups of sealed days."""

    def __post_init__(self) -> None:
        self.withheld = [0] * len(self.query.metrics)
        if not self.query.dimensions:
            self._at(())

    def add(self, key: Key, sums: Sums) -> None:
        """Add sums to a group."""
        for mine, more in zip(self._at(key), sums, strict=True):
            mine[0] += more[0]
            mine[1] += more[1]

    def key(self, row: Record) -> Key:
        """The group of a row."""
        width = len(self.query.dimensions)
        return tuple(
            str(value) if asked.dimension.scope != "time" else int(value)
            for asked, value in zip(self.query.dimensions, row[:width], strict=True)
        )

    def _kept_key(self, row: Record) -> Key:
        """The group of a row of sealed days, whose values have no names yet."""
        return tuple(
            self.plan.names.get(asked.dimension.name, {}).get(value, value) if asked.named else value
            for asked, value in zip(self.query.dimensions, self.key(row), strict=True)
        )

    def add_measures(self, row: Record, measures: dict[MeasureName, int]) -> None:
        """Add a row of raw rows' measures."""
        sums = self._at(self.key(row))
        for place, metric in enumerate(self.query.metrics):
            sums[place][0] += measures[metric.over]
            sums[place][1] += measures[metric.under or metric.over]

    def add_kept(self, row: Record) -> None:
        """Add a row of sealed days' sums."""
        sums = self._at(self._kept_key(row))
        *numbers, days, others = map(int, row[len(self.query.dimensions) :])
        for place in range(len(self.query.metrics)):
            over, under, withheld = numbers[3 * place : 3 * place + 3]
            sums[place][0] += over
            sums[place][1] += under
            self.withheld[place] += withheld
        self.days += days
        self.merged |= bool(others)

    def page(self, query: Query) -> list[Row]:
        """The rows of the page that was asked for, in the order that was asked for."""
        keys = sorted(self.sums)
        for order in reversed(query.order_by):
            keys.sort(key=lambda key: self._rank(order.name, key), reverse=order.direction == "desc")
        return [self._row(key) for key in keys[query.offset : query.offset + query.limit]]

    def _rank(self, name: str, key: Key) -> Any:
        for place, asked in enumerate(self.query.dimensions):
            if asked.name == name:
                return key[place]
        place = next(n for n, metric in enumerate(self.query.metrics) if metric.name == name)
        over, under = self.sums[key][place]
        if self.query.metrics[place].under is None:
            return over
        return over / under if under else 0

    def _row(self, key: Key) -> Row:
        pairs = zip(self.query.metrics, self.sums[key], strict=True)
        return {
            "metrics": [_value(metric, *sums) for metric, sums in pairs],
            "dimensions": [
                shown(asked, value, self.plan) for asked, value in zip(self.query.dimensions, key, strict=True)
            ],
        }

    def _at(self, key: Key) -> Sums:
        if key not in self.sums:
            self.sums[key] = [[0, 0] for _ in self.query.metrics]
        return self.sums[key]


def _value(metric: Metric, over: int, under: int) -> int | float:
    """A metric from its two sums."""
    measures = {metric.over: over}
    if metric.under is not None:
        measures[metric.under] = under
    return metric.value(measures)


def shown(asked: Asked, value: Any, decided: Plan) -> str:
    """A key as an answer shows it."""
    dimension = asked.dimension
    if dimension.scope != "time":
        return label(dimension, str(value))
    step = step_of(dimension, decided)
    if step == "hour":
        return decided.hour_label(int(value))
    return decided.day_label(step, EPOCH + timedelta(days=int(value)))
