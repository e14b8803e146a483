"""The table `visits`: one row for each visitor of a site's day, with that visitor's visits as arrays of equal length.

A row is never changed: a newer one of the same visitor takes its place (ReplacingMergeTree by `tick`), with all visits
counted afresh from the raw rows. So a late event that joins two visits, or a repeated tick, leaves no visit behind that
is none. It is read with FINAL: the newest row alone.

Rows without a visitor (an e-mail that was opened, a call) stand in it too, each message by itself under its own id,
with `known` 0: events that belong to a source or a campaign, and no visits.

The rows are raw data about single visitors and lie in the partitions (day, keep) of `events`: what purges these purges
those.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from event_catalogue.dimensions import DIMENSIONS
from event_catalogue.events import EVENTS as EVENT_KINDS
from event_catalogue.metrics import ENGAGED_MS
from warehouse.behaviour import behaviour
from warehouse.client import Param
from warehouse.exits import SETTLES
from warehouse.hidden import HIDDEN, SHOWN
from warehouse.metrics import NOBODY, WHO, VisitShape, stored_rows
from warehouse.people import PEOPLE

VISITS: Final = "visits"
JOURNAL_BITS: Final = 32
"""A loader's journal numbers its batches from a random place in the upper bits on (spool/journal.py)."""
_LC: Final = "LowCardinality(String)"
VISIT_DIMENSIONS: Final = tuple(one for one in DIMENSIONS if one.scope == "visit")
_WIDE: Final = ("entry_page", "exit_page", "referrer", "city")

_KEYS: Final[dict[str, str]] = {
    "site": "UInt32",
    "day": "Date",
    "keep": "UInt16",
    "visitor": "FixedString(16)",
    "stored_on": "Date",
    "known": "UInt8",
    "tick": "UInt64",
    "rule": _LC,
}
_COUNTS: Final[dict[str, str]] = {
    "began": "Int64",
    "took_ms": "UInt32",
    "rows": "UInt32",
    "views": "UInt32",
    "counted": "UInt32",
    "engaged_ms": "UInt64",
    "acts": "UInt32",
    "engaged": "UInt8",
    "single": "UInt8",
    "conversions": "UInt32",
    "revenue": "Map(LowCardinality(String), Int64)",
    "exit_method": _LC,
}
"""What a visit is besides its dimensions: start (ms UTC), length, rows, page views, events but engagement, time in
front, acts of the visitor, whether it is engaged, whether it is a single page without an act, events of the site's own,
their revenue by currency in minor units, and how the last page was left."""

VISIT_COLUMNS: Final[dict[str, str]] = {
    **_KEYS,
    **{name: f"Array({kind})" for name, kind in _COUNTS.items()},
    **{one.name: f"Array({'String' if one.name in _WIDE else _LC})" for one in VISIT_DIMENSIONS},
}
"""Name → ClickHouse type, in order; the migrations make exactly these."""

_DECLARED: Final = ", ".join(f"'{kind.name}'" for kind in EVENT_KINDS)
OWN_EVENT: Final = f"name NOT IN ({_DECLARED})"
"""Whether a row is an event of the site's own: a conversion."""

LEFT: Final = f"name = 'pageview' OR name = 'exit' AND NOT {SETTLES}"
"""Whether a row may tell how the visit's last page was left. An exit that settles the page before is told by the page
after it, which a visit goes on with; and a page view without an exit behind it was left nobody knows how."""


class Ticked(NamedTuple):
    """Batches after `after` up to `upto` of one journal: its numbers share their upper 32 bits."""

    after: int
    upto: int


def new_rows(news: Sequence[Ticked], params: dict[str, Param]) -> str:
    """The condition that picks the rows of these batches; its values are added to `params`."""
    parts = []
    for place, ticked in enumerate(news):
        params[f"after{place}"], params[f"upto{place}"] = ticked
        parts.append(f"(batch > {{after{place}:UInt64}} AND batch <= {{upto{place}:UInt64}})")
    return f"({' OR '.join(parts)})"


def uncounted(marks: Iterable[int], params: dict[str, Param]) -> str:
    """The condition that picks rows of batches beyond the marks; its values are added to `params`. A mark is the last
    batch of its journal that was counted; a journal without a mark is new as a whole."""
    known = []
    for place, mark in enumerate(marks):
        params[f"from{place}"], params[f"mark{place}"] = mark >> JOURNAL_BITS << JOURNAL_BITS, mark
        known.append(f"batch NOT BETWEEN {{from{place}:UInt64}} AND {{mark{place}:UInt64}}")
    return f"({' AND '.join(known) or '1'})"


def new_batches(marks: Iterable[int], params: dict[str, Param]) -> str:
    """Which days have rows of batches beyond the marks: day, journal, newest batch, rows, rows of nobody."""
    return (
        f"SELECT toUInt16(day), bitShiftRight(batch, {JOURNAL_BITS}) AS journal, max(batch), count(), "
        f"countIf(visitor = {NOBODY}) FROM events WHERE {uncounted(marks, params)} "
        "GROUP BY day, journal ORDER BY day, journal"
    )


def recount_visits(meant: str) -> str:
    """The INSERT that counts those visitors of `day` afresh whom a condition on rows picks. Values as below."""
    return _renewal(meant, nobodies=False)


def not_kept(marks: Iterable[int], params: dict[str, Param]) -> str:
    """The condition that picks rows whose visits can't be taken from the table: uncounted ones, and rows that are to be
    erased, which stand in their visitor's visits still; its values are added to `params`."""
    return f"({uncounted(marks, params)} OR {HIDDEN})"


def shown_visits(where: str) -> str:
    """The visits of some days, in place of the table, as they will be when what is to be erased has gone: whoever has
    such rows is counted afresh from the others. `where`: a condition on rows of either table."""
    names = ", ".join(f"`{name}`" for name in VISIT_COLUMNS)
    theirs = f"SELECT site, day, {WHO} FROM events WHERE {where} AND {HIDDEN}"
    rows = f"events WHERE {where} AND {PEOPLE} AND {SHOWN} AND (site, day, {WHO}) IN ({theirs})"
    return (
        f"(SELECT {names} FROM {VISITS} FINAL WHERE {where} AND (site, day, visitor) NOT IN ({theirs}) "
        f"UNION ALL {_afresh(rows, 'toUInt64(0)')})"
    )


def any_not_kept(marks: Iterable[int], params: dict[str, Param]) -> str:
    """Whether a site's days have such rows: one row if so. Values as of `stored_rows`."""
    return f"SELECT 1 FROM {stored_rows()} AND {not_kept(marks, params)} LIMIT 1"


def renew_visits(news: Sequence[Ticked], params: dict[str, Param], *, nobodies: bool) -> str:
    """The INSERT that counts visitors afresh: those of `day` with a row in the new batches, in a slice by their hash.

    Values: `day`, `tick`, `slice` of `slices` (at most 255), `kept`. `nobodies`: whether there are rows without a
    visitor among the new ones; to look for these costs a third more.
    """
    return _renewal(new_rows(news, params), nobodies=nobodies)


def machine_days() -> str:
    """On which days of `site` a bot rule marked rows, and how many rows it has then."""
    return "SELECT toUInt16(day), count() FROM events WHERE site = {site:UInt32} GROUP BY day HAVING max(bot) != ''"


def recount_machines() -> str:
    """The INSERT that counts afresh whom a bot rule marked on `day` of `site`. Values as above."""
    return _renewal(_MARKED, nobodies=False)


def drop_machines() -> str:
    """The INSERT that takes the visits of those who do not count any more: their newest row has none. To be run after
    `recount_machines`, with a smaller `tick`: whom that has counted keeps its visits, and at no moment are any missing.
    """
    names = ", ".join(f"`{name}`" for name in VISIT_COLUMNS)
    values = [f"`{name}`" if name in _KEYS else f"arrayResize(`{name}`, 0)" for name in VISIT_COLUMNS]
    values[list(VISIT_COLUMNS).index("tick")] = "{tick:UInt64}"
    return (
        f"INSERT INTO {VISITS} ({names}) SELECT {', '.join(values)} FROM {VISITS} FINAL WHERE site = {{site:UInt32}} "
        f"AND day = toDate({{day:UInt16}}) AND notEmpty(began) AND {VISITS}.tick < {{tick:UInt64}} "
        f"AND visitor IN ({_MACHINES})"
    )


_MACHINES: Final = (
    f"SELECT {WHO} FROM events WHERE site = {{site:UInt32}} AND day = toDate({{day:UInt16}}) AND bot != ''"
)
_MARKED: Final = f"site = {{site:UInt32}} AND {WHO} IN ({_MACHINES})"


def _renewal(fresh: str, *, nobodies: bool) -> str:
    people = f"day = toDate({{day:UInt16}}) AND {PEOPLE}"

    def of(who: str, condition: str) -> str:
        slice_ = f"reinterpretAsUInt8({who}) % {{slices:UInt8}} = {{slice:UInt8}}"
        return (
            f"({condition} AND (site, {who}) IN "
            f"(SELECT site, {who} FROM events WHERE {people} AND {condition} AND {fresh} AND {slice_}))"
        )

    rows = (
        f"events WHERE {people} AND ({of('visitor', f'visitor != {NOBODY}')} OR {of('beacon', f'visitor = {NOBODY}')})"
    )
    names = ", ".join(f"`{name}`" for name in VISIT_COLUMNS)
    return f"INSERT INTO {VISITS} ({names}) {_afresh(rows, '{tick:UInt64}')}"


def _afresh(rows: str, tick: str) -> str:
    """The SELECT that counts these rows into visits, with the columns of the table."""
    shape = VisitShape()
    columns = _visit_values(shape)
    whole = {**columns, "v_rule": behaviour(shape)}
    carried = {"keep": "max(events.keep)", "stored_on": "max(events.stored_on)"}
    visits = shape.visits(whole, rows=rows, by="site, day", carried=carried)
    arrays = ", ".join(f"groupArray({name})" for name in columns)
    return (
        f"SELECT site, day, max(keep), who, max(stored_on), known, {tick}, {_RULE}, {arrays} FROM ({visits}) "
        "GROUP BY site, day, who, known"
    )


_RULE: Final = "arrayFirst(x -> notEmpty(x), groupArray(v_rule))"
"""Of all visits of a visitor's day: one that is a machine's makes all of them so."""


def _visit_values(shape: VisitShape) -> dict[str, str]:
    """The columns of a visit over `v`, its rows in order; in the order of VISIT_COLUMNS behind the keys."""
    views = f"arrayCount(v.{shape.place('viewed')})"
    acts = f"arrayCount(v.{shape.place('acted')})"
    engaged_ms = f"arraySum(v.{shape.place('engaged_ms')})"
    own, left = shape.place_of("own", OWN_EVENT), shape.place_of("left", LEFT)
    told = shape.place_of("told", "method")
    revenue, currency = (f"v.{shape.place(name)}" for name in ("revenue", "currency"))
    by_currency = (
        f"arrayReduce('sumMap', arrayMap((c, m) -> map(c, m), arrayFilter((c, m) -> m != 0, {currency}, {revenue}), "
        f"arrayFilter(m -> m != 0, {revenue})))"
    )
    counts = {
        "began": "v[1].1",
        "took_ms": "v[-1].1 - v[1].1",
        "rows": "length(v)",
        "views": views,
        "counted": f"arrayCount(v.{shape.place('counted')})",
        "engaged_ms": engaged_ms,
        "acts": acts,
        "engaged": f"({views} > 1 OR {engaged_ms} >= {ENGAGED_MS} OR {acts} > 0)",
        "single": f"({views} <= 1 AND {acts} = 0)",
        "conversions": f"arrayCount(v.{own})",
        "revenue": by_currency,
        "exit_method": f"arrayLast((x, left) -> left, v.{told}, v.{left})",
    }
    return {f"v_{name}": text for name, text in counts.items()} | {
        f"v_{one.name}": f"toString({shape.value(one)})" for one in VISIT_DIMENSIONS
    }
