"""The accounts of an installation added up: where every received event went, and what does not agree.

Three counts that nobody can bend together: the writers number every record of a spool without a gap and count its
events; the loader notes with which of these records the events of each site and day came, and what became of them; the
seal of a day carries these numbers as they were, in another store.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from control_store.purges import Gone
from control_store.seals import Numbers, Seal, read_numbers
from event_catalogue.days import day_text
from spool.accounts import JournalView
from spool.quarantine import PURGED

OUTCOMES: Final = ("stored", "repeated", "not_recorded", "excluded", "rejected")
PLACES: Final = ("in_warehouse", "dead_letters", "purged", "erased", "lost")
"""Where what was stored is, or why it is there no more."""

Key = tuple[int, int]
"""Site and day."""
Days = Mapping[Key, dict[str, Any]]
"""Counts by their names, `reasons` and `numbers` of records, by site and day."""


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
    for one in view.numbers:
        found = Numbers(one.spool, one.first, one.last, one.events)
        days[one.site, one.day]["numbers"].append(found)
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
    for key, counts in sorted(days.items()):
        where = _where(key)
        if counts["received"] != (said := sum(counts[outcome] for outcome in OUTCOMES)):
            yield f"{where}: {counts['received']} received, and {said} have an outcome."
        if counts["stored"] != (said := sum(counts[place] for place in PLACES)):
            yield f"{where}: {counts['stored']} stored, and {said} are there, buried, purged, erased or lost."


def is_balanced(counts: Mapping[str, Any]) -> bool:
    """Whether the counts of a site and day add up."""
    has_outcome = counts["received"] == sum(counts[outcome] for outcome in OUTCOMES)
    return bool(has_outcome and counts["stored"] == sum(counts[place] for place in PLACES))


def number_faults(view: JournalView, days: Days, seals: Iterable[Seal]) -> Iterator[tuple[Key | None, str]]:
    """What the numbers of records contradict, in sentences, each with its site and day where it has one.

    What the spools' writers counted is what the days have; each day has as many events as its records brought; and a
    sealed day has the records that it had when it was sealed, and late ones.
    """
    yield from ((None, fault) for fault in _spool_faults(view))
    for key, counts in sorted(days.items()):
        brought = sum(one.events for one in counts["numbers"])
        if brought != counts["received"]:
            yield key, f"{_where(key)}: {counts['received']} received, and its records brought {brought}."
    for seal in seals:
        key = seal.site, seal.day
        here = {one.spool: one for one in days[key]["numbers"]} if key in days else {}
        yield from ((key, f"{_where(key)}: {fault}") for fault in _seal_faults(seal, here))


def _spool_faults(view: JournalView) -> Iterator[str]:
    """Every event of the records of a spool, as its writer counted them, belongs to a day."""
    events: dict[str, int] = defaultdict(int)
    last: dict[str, int] = defaultdict(int)
    for one in view.numbers:
        events[one.spool] += one.events
        last[one.spool] = max(last[one.spool], one.last)
    for spool, seq, total in view.ends:
        if events[spool] != total or last[spool] > seq:
            yield (
                f"The records 1 to {seq} of {spool} held {total} events, and days have {events[spool]} of them, up to "
                f"record {last[spool]}."
            )


def _seal_faults(seal: Seal, here: Mapping[str, Numbers]) -> Iterator[str]:
    """What a sealed day had come with it has still."""
    then = read_numbers(seal.numbers)
    if (events := sum(one.events for one in then)) < seal.raw_rows:
        yield f"sealed with {seal.raw_rows} rows, and with records of {events} events."
    for one in then:
        now = here.get(one.spool, Numbers(one.spool, 0, 0, 0))
        if not _holds(now, one):
            yield (
                f"sealed with {one.events} events of records {one.first} to {one.last} of {one.spool}, and now it has "
                f"{now.events} of records {now.first} to {now.last}."
            )


def _holds(now: Numbers, then: Numbers) -> bool:
    """Whether what a day has of a spool holds what it had then: only later records can have been added."""
    return now == then or (now.first == then.first and now.last > then.last and now.events > then.events)


def _where(key: Key) -> str:
    return f"Site {key[0]}, {day_text(key[1])}"


def _nothing() -> dict[str, Any]:
    counts = dict.fromkeys(("received", *OUTCOMES, *PLACES, "bots"), 0)
    return {**counts, "reasons": {}, "numbers": []}
