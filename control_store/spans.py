"""Weeks and months that are sealed: what they tell beyond their days, and of which runs."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from control_store.tables import SPAN_SEALS, ControlStore


class Span(NamedTuple):
    """A sealed week or month of a site. It counts as long as its days have the runs that it was made of."""

    site: int
    first: int
    last: int
    """Days since 1970-01-01."""
    run: int
    """Which rows of `rollups` are meant: this number is in no other seal."""
    sealed: int
    """When, ms UTC."""
    k: int
    days: Mapping[int, int]
    """Day → the run of its seal, of the days that were counted."""
    inside: tuple[int, ...]
    """Runs of the weeks that a month was made of: it tells more than these."""
    dimensions: frozenset[str]
    """Of which it tells values; of all others its days tell what there is."""
    rollup_rows: int
    digest: str
    """As of a day's seal."""
    fault: str = ""
    """Why it tells nothing: what was counted contradicted its days."""

    def stands(self, run_of: Callable[[int, int], int | None]) -> bool:
        """Whether it counts. `run_of`: site and day → the run of the day's seal."""
        return all(run_of(self.site, day) == run for day, run in self.days.items())


Spans = Callable[[int, int, int], list[Span]]
"""Site, first and last day → the spans that may lie in this range, the longest first."""


def save_span(store: ControlStore, span: Span) -> None:
    """Make it count from now on. A span is sealed once and for all: see `aggregator.spans`."""
    row = span._asdict()
    row["days"] = ",".join(f"{day}:{run}" for day, run in span.days.items())
    row["inside"] = ",".join(map(str, span.inside))
    row["dimensions"] = ",".join(sorted(span.dimensions))
    with store.engine.begin() as connection:
        connection.execute(sa.insert(SPAN_SEALS).values(row))


def spans_of(store: ControlStore, site: int, first: int, last: int) -> list[Span]:
    """Those of a site whose counted days may lie between `first` and `last`, the longest first."""
    mine = (SPAN_SEALS.c.site == site, SPAN_SEALS.c.last >= first, SPAN_SEALS.c.first <= last)
    return sorted(_read(store, sa.and_(*mine)), key=lambda span: (-len(span.days), span.first))


def all_spans(store: ControlStore) -> list[Span]:
    """Every one, by site and day."""
    return _read(store, sa.true())


def forget_spans(store: ControlStore, site: int, *, before_day: int) -> int:
    """Delete those of a site that begin before this day; how many. The next sweep removes their rows."""
    old = sa.and_(SPAN_SEALS.c.site == site, SPAN_SEALS.c.first < before_day)
    with store.engine.begin() as connection:
        return int(connection.execute(sa.delete(SPAN_SEALS).where(old)).rowcount)


def _read(store: ControlStore, condition: sa.ColumnElement[bool]) -> list[Span]:
    columns = [SPAN_SEALS.c[name] for name in Span._fields]
    chosen = sa.select(*columns).where(condition).order_by(SPAN_SEALS.c.site, SPAN_SEALS.c.first, SPAN_SEALS.c.last)
    with store.engine.connect() as connection:
        return [_span(row) for row in connection.execute(chosen)]


def _span(row: sa.Row[tuple[object, ...]]) -> Span:
    raw = row._asdict()
    pairs = (pair.split(":") for pair in raw["days"].split(",") if pair)
    raw["days"] = {int(day): int(run) for day, run in pairs}
    raw["inside"] = tuple(int(run) for run in raw["inside"].split(",") if run)
    raw["dimensions"] = frozenset(name for name in raw["dimensions"].split(",") if name)
    return Span(**raw)
