"""Four weeks of small sites whose visitors each have one visit a day, their weeks and months sealed; and what somebody
can work out from what is published of them.

The attacker knows every published row, the rules, and on which days a value was merged. Visits of a value add up over
its days, and visits of a day's merged values to its `(other)`: a flow from values to days. Whatever flow fits is a
world that may be the real one. A value had somebody for certain on a day when no flow leaves that place empty.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from aggregator.seal import Sealer
from aggregator.spans import SpanSealer
from aggregator.visits import VisitTable
from control_store.seals import all_seals
from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_site
from control_store.spans import Span, all_spans
from control_store.tables import ControlStore
from tests.warehouse.rows import event
from warehouse.client import Warehouse
from warehouse.events import EventTable
from warehouse.rollup_rows import Rollup
from warehouse.seals import RollupTable

FIRST = 20_485
"""Sunday, 1 February 2026: its week has one day, so the month is one day, three whole weeks and one of six."""
DAYS = 28
NOW = (FIRST + 60) * 86_400_000
K = 5
SITES = {1: 9, 2: 25, 3: 70}
"""Visitors a day; the first has days of fewer than k."""
COUNTRIES = ["CH"] * 12 + ["DE"] * 8 + ["AT"] * 5 + ["FR"] * 3 + ["IT"] * 3 + ["SE", "NO", "PL", "CZ", "ES", "NL", "BE"]
PATHS = ["/"] * 10 + [f"/p{number}" for number in range(9)] * 2 + [f"/rare{number}" for number in range(30)]


class World:
    """A warehouse and a control store with sealed days."""

    def __init__(self, warehouse: Warehouse, root: Path, sites: dict[int, int], days: int = DAYS) -> None:
        self.warehouse = warehouse
        self.store = ControlStore.in_directory(root)
        self.store.migrate()
        self.visits = VisitTable(warehouse, self.store, nullcontext)
        self.events = EventTable(warehouse)
        self.table = RollupTable(warehouse)
        self.sealer = Sealer(warehouse, self.store, lambda: NOW)
        self.rows: list[dict[str, Any]] = []
        self._known: dict[int, list[Rollup]] = {}
        for site in sites:
            add_site(self.store, NewSite(f"s{site}.example", "UTC", SiteSettings(k=K)), now=1)
        rng = random.Random(1)
        for day in range(FIRST, FIRST + days):
            self.add([one for site, many in sites.items() for one in _visitors(rng, site, day, many)])
        self.visits.tick()
        self.sealer.seal(self.sealer.due(NOW, NOW))

    def add(self, found: list[dict[str, Any]]) -> None:
        """Load events of one day, without counting their visits."""
        self.rows += found
        number = len(self.rows)
        self.events.insert([event(**one) for one in found], batch=(1 << 32) + number, token=str(number))

    def seal_spans(self) -> list[Span]:
        """Seal what is due of weeks and months."""
        spans = SpanSealer(self.warehouse, self.store, lambda: NOW)
        while found := spans.due(NOW, NOW):
            for due in found:
                assert spans.seal(due)
        return all_spans(self.store)

    def days(self, site: int) -> dict[int, list[Rollup]]:
        """The published rows of each day of a site."""
        seals = [seal for seal in all_seals(self.store) if seal.site == site]
        return {seal.day: self._read(site, seal.day, seal.run) for seal in seals}

    def read(self, span: Span) -> list[Rollup]:
        """The rows of a week or month."""
        return self._read(span.site, min(span.days), span.run)

    def _read(self, site: int, day: int, run: int) -> list[Rollup]:
        if run not in self._known:
            self._known[run] = self.table.read(site, day, run)
        return self._known[run]


def _visitors(rng: random.Random, site: int, day: int, many: int) -> Iterator[dict[str, Any]]:
    """Everybody of a day: a visit with a view and mostly a second one, and some time in front."""
    for number in range(rng.randint(many // 3, many * 4 // 3)):
        who = rng.randbytes(16)
        country = rng.choice(COUNTRIES)
        place = {"country": country, "region": f"{country}-{rng.choice('AAAABBC')}"}
        at = day * 86_400_000 + 3_600_000 * rng.randint(6, 20) + number
        shared = {"site": site, "day": day, "visitor": who, **place}
        yield {**shared, "at": at, "path": rng.choice(PATHS), "beacon": rng.randbytes(16)}
        if rng.random() < 0.6:
            yield {**shared, "at": at + 60_000, "path": rng.choice(PATHS), "beacon": rng.randbytes(16)}
        engaged = {"name": "engagement", "engaged_ms": rng.randint(1, 20_000), "beacon": rng.randbytes(16)}
        yield {**shared, "at": at + 90_000, "path": "/", **engaged}


Told = tuple[str, set[int], int]
Place = tuple[int, int]
"""A published row of a week or month by its number, and a day."""


def people_of(rows: list[dict[str, Any]], site: int) -> list[dict[str, Any]]:
    """One row of everybody on each day."""
    return list({(row["day"], row["visitor"]): row for row in rows if row["site"] == site}.values())


def certain(
    days: dict[int, dict[str, int]], told: list[Told], k: int, large: Collection[tuple[str, int]] = ()
) -> list[str]:
    """The values that had somebody on a day for certain. `days`: day → key → visits, of one group of values; `told`:
    a value, the days that a week or month adds up, and how many visits these are. `large`: values and days that were
    merged though they had k, which the attacker is told."""
    others = {day: rows["(other)"] for day, rows in days.items() if "(other)" in rows}
    rows = [
        (value, {day for day in span & others.keys() if value not in days[day]}, total) for value, span, total in told
    ]
    most = {
        (number, day): others[day] if (value, day) in large else k - 1
        for number, (value, span, _) in enumerate(rows)
        for day in span
    }
    flow = _fill(rows, others, most)
    assert flow is not None, "what is published contradicts itself"
    # In the flow at hand nobody may be there anyhow.
    taken = [place for place, count in flow.items() if count and most[place] < k]
    sure = [place for place in sorted(taken) if _fill(rows, others, {**most, place: 0}) is None]
    return [f"{rows[number][0]} had somebody on day {day}" for number, day in sure]


def _fill(rows: list[Told], others: dict[int, int], most: dict[Place, int]) -> Counter[Place] | None:
    """A flow of all told visits into the `(other)` of their days, at most so many a place; None if none fits. What is left of the days are values that nothing is told of."""
    flow: Counter[Place] = Counter()
    room = dict(others)
    for number, (_, _, total) in enumerate(rows):
        for _ in range(total):
            path = _augment(number, rows, flow, room, most)
            if path is None:
                return None
            for sign, place in path:
                flow[place] += sign
            room[path[-1][1][1]] -= 1
    return flow


def _augment(
    start: int, rows: list[Told], flow: Counter[Place], room: dict[int, int], most: dict[Place, int]
) -> list[tuple[int, Place]] | None:
    """The shortest way for one more visit of a row: to a day with room, moving visits of others where need be."""
    waiting = deque([start])
    came: dict[Any, tuple[Any, tuple[int, Place]] | None] = {("row", start): None}
    by_day: dict[int, list[int]] = defaultdict(list)
    for (number, day), count in flow.items():
        if count > 0:
            by_day[day].append(number)
    while waiting:
        number = waiting.popleft()
        for day in rows[number][1]:
            place = (number, day)
            if ("day", day) in came or flow[place] >= most[place]:
                continue
            came["day", day] = (("row", number), (1, place))
            if room[day] > 0:
                way: list[tuple[int, Place]] = []
                step: Any = ("day", day)
                while came[step] is not None:
                    before, move = came[step] or (None, (0, place))
                    way.append(move)
                    step = before
                # Moves of a day that was only passed through come first; the last is the one that takes the room.
                return way[::-1]
            for other in by_day[day]:
                if ("row", other) not in came:
                    came["row", other] = (("day", day), (-1, (other, day)))
                    waiting.append(other)
    return None
