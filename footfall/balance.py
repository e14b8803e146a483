"""The accounts of an installation added up: where every received event went, and what does not agree."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from control_store.purges import Gone
from event_catalogue.days import day_text
from spool.accounts import JournalView
from spool.quarantine import PURGED

OUTCOMES: Final = ("stored", "repeated", "not_recorded", "excluded", "rejected")
PLACES: Final = ("in_warehouse", "dead_letters", "purged", "erased", "lost")
"""Where what was stored is, or why it is there no more."""

Key = tuple[int, int]
"""Site and day."""
Days = Mapping[Key, dict[str, Any]]
"""Counts by their names, and `reasons`, by site and day."""


class Held(NamedTuple):
    """What the warehouse holds by (site, day), rows and bots, and what has been taken out of it."""

    rows: Mapping[Key, tuple[int, int]]
    gone: Mapping[Key, Gone]


NOTHING: Final = Held({}, {})


def by_day(view: JournalView, held: Held) -> Days:
    """Every count, by site and day."""
    days: dict[Key, dict[str, Any]] = defaultdict(_nothing)
    for total in view.totals:
        counts = days[total.site, total.day]
        counts[total.outcome] += total.events
        if total.outcome == "received":
            continue
        counts["reasons"][f"{total.outcome}:{total.reason}".rstrip(":")] = total.events
        if (total.outcome, total.reason) == ("stored", PURGED):
            counts["purged"] += total.events
    for key, events in view.dead_letters.items():
        days[key]["dead_letters"] = events
    for key, (rows, bots) in held.rows.items():
        days[key]["in_warehouse"], days[key]["bots"] = rows, bots
    for key, gone in held.gone.items():
        days[key]["purged"] += gone.purged
        days[key]["erased"] += gone.erased
        days[key]["lost"] += gone.lost
        days[key]["bots"] += gone.bots
    return days


def faults(view: JournalView, days: Days) -> Iterator[str]:
    """What does not agree, in sentences.

    The spools' own count with the sum of outcomes, and what was stored with where it is said to be.
    """
    received = sum(counts["received"] for counts in days.values())
    if view.received != received:
        yield f"The spools have handed over {view.received} events, and {received} are accounted for."
    for (site, day), counts in sorted(days.items()):
        where = f"Site {site}, {day_text(day)}"
        if counts["received"] != (said := sum(counts[outcome] for outcome in OUTCOMES)):
            yield f"{where}: {counts['received']} received, and {said} have an outcome."
        if counts["stored"] != (said := sum(counts[place] for place in PLACES)):
            yield f"{where}: {counts['stored']} stored, and {said} are there, buried, purged, erased or lost."


def _nothing() -> dict[str, Any]:
    counts = dict.fromkeys(("received", *OUTCOMES, *PLACES, "bots"), 0)
    return {**counts, "reasons": {}}
