"""The statistics of this installation: questions answered from its warehouse by its seals."""

from collections.abc import Callable
from functools import partial

from console.place_names import PlaceNames
from console.stats.run import Statistics
from control_store.goals import aims_of
from control_store.marks import usable_marks
from control_store.seals import seals_of
from control_store.spans import spans_of
from control_store.tables import ControlStore
from warehouse.client import Warehouse


def statistics_of(
    warehouse: Warehouse, store: ControlStore, clock: Callable[[], int], places: PlaceNames | None = None
) -> Statistics:
    """`clock` tells ms UTC; without `places` only countries have names."""
    named = places or PlaceNames(None)
    return Statistics(
        warehouse,
        clock,
        partial(seals_of, store),
        partial(usable_marks, store),
        partial(spans_of, store),
        names=lambda dimension: named.names("en").table(dimension),
        aims=partial(aims_of, store),
    )
