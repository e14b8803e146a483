"""The SQL of visits and measures over raw rows, in pieces that the questioners put together.

Everything here is text made of the catalogue's own names; values arrive as bound parameters: `site`, `first` and
`last` (days since 1970), `kept` (people.py) and whatever a questioner adds. `raw_rows` is the one place that says which
rows count.

A visit is found without window functions: the rows of one visitor and day are gathered into an array, put in their
total order (at, beacon, idx) and cut where a pause is longer than 30 minutes. 1 M rows take 0.2 to 0.3 s on two cores,
half of what `sum() OVER` took, and the arrays hold only the columns that a question needs.
"""

# ruff: noqa: S608  the text is made of the catalogue's names; values are bound by whoever asks

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from event_catalogue.dimensions import UNKNOWN, UNKNOWN_KIND, Dimension
from event_catalogue.fields import FIELD
from event_catalogue.metrics import ENGAGED_MS, QUIET_EVENTS, VISIT_GAP_MS, MeasureName
from event_catalogue.timings import EDGES, TIMINGS
from warehouse.exits import SETTLES, exit_method
from warehouse.hidden import SHOWN
from warehouse.people import PEOPLE, behaved

NOBODY: Final = "toFixedString('', 16)"
"""The visitor of a row that has none: an e-mail that was opened, a call. Such rows are events, never visits."""

WHO: Final = f"if(visitor = {NOBODY}, beacon, visitor)"
"""Whose a row is: its visitor's, or of nobody, when each message stands by itself."""


IS_PURCHASE: Final = "currency != ''"
"""Whether a row is a purchase: money without a currency is no money."""


def number(who: str) -> str:
    """An id as a number of 128 bits: to count, join or look these up costs half of what texts do, and a third of pairs
    with the day."""
    return f"reinterpretAsUInt128({who})"


_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_VIEW: Final = f"cityHash64(path, if(page = {NOBODY}, visitor, page))"
"""Which view of a page a row belongs to; where scripts do not tell, a visitor's views of a page are one."""
_QUIET: Final = ", ".join(f"'{name}'" for name in QUIET_EVENTS)

_OF_BLINK: Final = " OR engine = 'Blink'"

ROW_EXPRESSIONS: Final[dict[str, str]] = {
    "at_ms": "toUnixTimestamp64Milli(at)",
    "viewed": "name = 'pageview'",
    "counted": f"name != 'engagement' AND NOT {SETTLES}",
    "acted": f"name NOT IN ({_QUIET})",
    "depth": f"({_VIEW}, if(name = 'engagement', scroll, 0))",
    "city_id": "if(city_id != 0, toString(city_id), toString(city))",
    "bought": IS_PURCHASE,
    "paid": f"if({IS_PURCHASE}, revenue, 0)",
    "buyer": f"hex({WHO})",
    "status": "if(status != 0, toString(status), '')",
    **{
        f"timing:{name}": (
            f"if(name = 'vitals' AND ({name} != 0{_OF_BLINK if name == 'cls' else ''}), "
            f"toString(roundDown({name}, {list(EDGES)})), '')"
        )
        for name in TIMINGS
    },
}
"""What a row is asked for where that is more than a column: facts that measures need, and numbers as text."""


OF_SITE: Final = "site = {site:UInt32} AND day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16})"
"""What picks a site and its days, in `events` and in `visits`."""


def stored_rows() -> str:
    """The FROM and WHERE of what is stored of one site, of some days, people's: what a seal is proven against."""
    return f"events WHERE {OF_SITE} AND {PEOPLE} AND {behaved(OF_SITE)}"


def raw_rows() -> str:
    """The same of every question that somebody asks: without rows that are to be erased."""
    return f"{stored_rows()} AND {SHOWN}"


_OF_SOURCE: Final[dict[str, tuple[str, str]]] = {
    "source": (UNKNOWN, ""),
    "referrer": (UNKNOWN, ""),
    "source_kind": (UNKNOWN_KIND, "direct"),
    "channel": (UNKNOWN, "Direct"),
}
"""What a visit says whose source was lost before consent, and one that began on the site's own pages otherwise."""


def row_expression(name: str, rows: str = "") -> str:
    """What stands for `name` in a question to single rows: a column of the catalogue, or one of the above.

    `rows`: those that are asked for, where they are others than `raw_rows`.
    """
    if name == "method":
        return exit_method(rows or raw_rows())
    if name in ROW_EXPRESSIONS:
        return ROW_EXPRESSIONS[name]
    return f"`{FIELD[name].name}`"


class VisitShape:
    """Which facts of a row are carried into the visits of one question, and under which place of the tuple."""

    def __init__(self) -> None:
        # The first three make the order of rows total, so that equal times can't change an entry page between runs.
        self._expressions: list[str] = [ROW_EXPRESSIONS["at_ms"], "beacon", "idx"]
        self._places: dict[str, int] = {"at_ms": 1}

    def place(self, name: str) -> int:
        """The place of `name` in a row's tuple, carried along from now on."""
        return self.place_of(name, row_expression(name))

    def place_of(self, key: str, expression: str) -> int:
        """The place of an expression over raw columns that a questioner brings (its values bound), known as `key`."""
        if key not in self._places:
            self._expressions.append(expression)
            self._places[key] = len(self._expressions)
        return self._places[key]

    def value(self, dimension: Dimension) -> str:
        """The value of a visit: an expression over `v`, the rows of the visit in order."""
        # Of the one field's array: to pick from the rows themselves would copy all their fields, for each one anew.
        values = f"v.{self.place(dimension.field)}"
        match dimension.pick:
            case "entry" | "exit":
                views, end = f"v.{self.place('viewed')}", "First" if dimension.pick == "entry" else "Last"
                # A visit without a page view (a tab that woke up) began and ended where its events were.
                picked = f"array{end}((x, view) -> view, {values}, {views})"
                return f"if(has({views}, 1), {picked}, {values}[{1 if end == 'First' else -1}])"
            case _:
                first = f"arrayFirst(x -> notEmpty(x), {values})"
                return self._unless_lost(dimension, first) if dimension.name in _OF_SOURCE else first

    def _unless_lost(self, dimension: Dimension, value: str) -> str:
        """The value, unless the visit's first event tells that its source was lost before consent. A visitor whose
        second visit of a day begins with such an event had consented before: it comes from nowhere, as elsewhere."""
        begins = f"v.{self.place('source_kind')}[1] = '{UNKNOWN_KIND}'"
        lost, direct = _OF_SOURCE[dimension.name]
        return f"if({begins}, if(v[1].1 = since, '{lost}', '{direct}'), {value})"

    def measures(self, names: Iterable[MeasureName]) -> dict[str, str]:
        """Columns of a visit that the measures of scope `visit` are summed from, as name → expression over `v`."""
        views = f"arrayCount(v.{self.place('viewed')})"
        columns: dict[str, str] = {}
        for name in names:
            match name:
                case "visit_pageviews":
                    columns["views"] = views
                case "visit_ms":
                    columns["took_ms"] = "v[-1].1 - v[1].1"
                case "bounces" | "engaged_visits":
                    engaged = f"arraySum(v.{self.place('engaged_ms')}) >= {ENGAGED_MS}"
                    columns["engaged"] = f"({views} > 1 OR {engaged} OR {self._acted()})"
                case "single_page_visits":
                    columns["single"] = f"({views} <= 1 AND NOT {self._acted()})"
                case _:
                    pass
        return columns

    def visits(
        self, columns: dict[str, str], *, rows: str = "", by: str = "day", carried: Mapping[str, str] = _NOTHING
    ) -> str:
        """The relation of visits: `by`, `who`, `known`, `began`, `v` and the given expressions over `v`, named.

        `known` is 0 for rows without a visitor: each of their messages stands by itself and is no visit. `rows` is
        another FROM and WHERE than that of all that is stored of one site, `by` what tells its visitors apart besides
        their ids, `carried` aggregates over all rows of a visitor that each of the visits keeps, named.
        """
        named = "".join(f", {expression} AS {name}" for name, expression in columns.items())
        kept = "".join(f", {name}" for name in carried)
        whole = "".join(f", {expression} AS {name}" for name, expression in carried.items())
        return (
            f"SELECT {by}, who, known, v, v[1].1 AS began{kept}{named} FROM ("
            f"SELECT {by}, who, known{kept}, ordered.1[1] AS since, arrayJoin("
            f"arraySplit((r, pause) -> pause > {VISIT_GAP_MS}, ordered, arrayDifference(ordered.1))) AS v FROM ("
            f"SELECT {by}, {WHO} AS who, visitor != {NOBODY} AS known, "
            f"arraySort(groupArray(({', '.join(self._expressions)}))) AS ordered{whole} "
            f"FROM {rows or stored_rows()} GROUP BY {by}, who, known))"
        )

    def _acted(self) -> str:
        return f"has(v.{self.place('acted')}, 1)"


_DEEPEST: Final = f"maxMapIf(map({_VIEW}, scroll), name = 'engagement' AND scroll > 0)"
"""View → how far it was scrolled at the deepest; a depth of 0 was not told."""

ROW_SUMS: Final[dict[MeasureName, str]] = {
    "visitors": f"uniqExactIf({number('visitor')}, visitor != {NOBODY})",
    "pageviews": f"countIf({ROW_EXPRESSIONS['viewed']})",
    "events": f"countIf({ROW_EXPRESSIONS['counted']})",
    "engaged_ms": "sum(engaged_ms)",
    "revenue": f"sum({ROW_EXPRESSIONS['paid']})",
    "purchases": f"countIf({ROW_EXPRESSIONS['bought']})",
    "scrolled": f"arraySum(mapValues({_DEEPEST}))",
    "scrolled_views": f"length({_DEEPEST})",
}
"""Measures of a day that need no visits, straight from rows; days are added up. The others are not in it."""

VISIT_SUMS: Final[dict[MeasureName, str]] = {
    "visitors": f"uniqExactIf({number('who')}, known)",
    "visits": "countIf(known)",
    "pageviews": "sum(hit_pageviews)",
    "events": "sum(hit_events)",
    "engaged_ms": "sum(hit_engaged_ms)",
    "revenue": "sum(hit_revenue)",
    "purchases": "sum(hit_purchases)",
    "visit_pageviews": "sumIf(views, known)",
    "visit_ms": "sumIf(took_ms, known)",
    "bounces": "countIf(known AND NOT engaged)",
    "engaged_visits": "countIf(known AND engaged)",
    "single_page_visits": "countIf(known AND single)",
    "scrolled": "arraySum(mapValues(maxMap(hit_depths)))",
    "scrolled_views": "length(maxMap(hit_depths))",
}
"""Measures of a day from the relation of visits: one row for each visit and group, with the columns of the visit below
and `hit_` counts."""

VISIT_FACTS: Final[dict[MeasureName, str]] = {
    "visit_pageviews": "views",
    "visit_ms": "took_ms",
    "bounces": "engaged",
    "engaged_visits": "engaged",
    "single_page_visits": "single",
}
"""Measure → the column of a visit that it is made of; the others need none."""


def hit_columns(names: Iterable[MeasureName]) -> dict[str, tuple[str, str]]:
    """For measures of events: column → (aggregate, fact of the row) over the rows of a visit that match."""
    known: dict[MeasureName, tuple[str, tuple[str, str]]] = {
        "pageviews": ("hit_pageviews", ("count", "viewed")),
        "events": ("hit_events", ("count", "counted")),
        "engaged_ms": ("hit_engaged_ms", ("sum", "engaged_ms")),
        "revenue": ("hit_revenue", ("sum", "paid")),
        "purchases": ("hit_purchases", ("count", "bought")),
        "scrolled": ("hit_depths", ("deepest", "depth")),
        "scrolled_views": ("hit_depths", ("deepest", "depth")),
    }
    return dict(known[name] for name in names if name in known)
