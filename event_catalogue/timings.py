"""How fast pages are: what a browser measures of a page view, and the buckets that it is counted in.

Buckets are 5 % wide, so they add up over days, sites and sources exactly, and a percentile read from them is at most
2.5 % off. A time of 0 is none; a layout shift of 0 is one where the browser measures it at all (Blink).
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from event_catalogue.dimensions import Dimension

TIMINGS: Final[dict[str, str]] = {
    "ttfb": "time to the first byte",
    "fcp": "first contentful paint",
    "lcp": "largest contentful paint",
    "inp": "interaction to next paint",
    "cls": "layout shift, times 1,000",
    "dom_ready": "document ready",
    "load": "load finished",
}
PERCENTILES: Final = (50, 75, 95)


def _edges() -> tuple[int, ...]:
    edges = [0, 1]
    while edges[-1] < 86_400_000:
        edges.append(max(edges[-1] + 1, -(-edges[-1] * 105 // 100)))
    return tuple(edges)


EDGES: Final = _edges()
"""The lowest number of each bucket."""

Interval = tuple[int, int, int]
"""From, below, and how many."""


def bucket_end(edge: int) -> int:
    """The first number above the bucket that begins here."""
    place = bisect_right(EDGES, edge)
    return EDGES[place] if place < len(EDGES) else edge * 105 // 100


def percentile(counts: Iterable[Interval], percent: int) -> int | None:
    """The number that so many percent of all are not above, as the middle of its bucket; None of nothing.

    In a wider interval everything is taken to be spread evenly over its buckets.
    """
    spread: dict[int, float] = {}
    for low, end, many in counts:
        inside = [edge for edge in EDGES if low <= edge < end] or [low]
        for edge in inside:
            spread[edge] = spread.get(edge, 0) + many / len(inside)
    total = sum(spread.values())
    so_far = 0.0
    for edge in sorted(spread):
        so_far += spread[edge]
        if total and so_far * 100 >= total * percent - 1e-6:
            return (edge + bucket_end(edge) - 1) // 2
    return None


def timing_dimension(name: str) -> Dimension:
    """The buckets of a timing, by their edges."""
    return Dimension(f"timing:{name}", (), "event", f"timing:{name}", f"Buckets of {TIMINGS[name]}.", "each")
