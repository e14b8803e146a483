"""The statistics of this installation: questions answered from its warehouse by its seals."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from console.place_names import PlaceNames
from console.stats.plan import EPOCH
from console.stats.run import Statistics
from console.stats.sources import Noted
from control_store.annotations import list_annotations
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
        annotations=partial(_noted, store),
    )


def _noted(store: ControlStore, site: int, first: int, last: int) -> list[Noted]:
    found = list_annotations(store, site, first, last)
    return [Noted(one.id, (EPOCH + timedelta(days=one.day)).isoformat(), one.text) for one in found]
