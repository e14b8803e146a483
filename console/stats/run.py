"""Runs a question and shapes the answer as Plausible's Stats API v2 does: `results`, `meta`, `query`.

Every number says in `meta.quality` what it is worth.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import cache, partial
from typing import Any, Final, TypedDict, cast

from console.stats.build import Statement, build, needs_visits
from console.stats.capabilities import capabilities
from console.stats.compare import earlier, put_beside, up_to_now
from console.stats.filters import conditions
from console.stats.goals import asks_goals, check_goals
from console.stats.groups import Groups, Key, Row, shown
from console.stats.guarded import is_guarded, merge_small
from console.stats.kept import (
    Kept,
    fitting,
    foretold,
    kept_form,
    kept_statement,
    kept_timings,
    needed,
    timings_statement,
)
from console.stats.kept_goals import goal_marks, known
from console.stats.kept_revenue import Reading, count_money, money_form
from console.stats.marks import marks
from console.stats.plan import EPOCH, Plan, day_number, plan, split
from console.stats.query import (
    WHEN,
    All,
    Asked,
    BadQuery,
    Comparison,
    Condition,
    Include,
    Last,
    Moments,
    Query,
    SiteRef,
)
from console.stats.rates import asks_rates, with_rates
from console.stats.remembered import Remembered
from console.stats.revenue import MoneyCounts, asks_money, with_money
from console.stats.scrolling import asks_scrolling, with_scrolling
from console.stats.segments import names_segments
from console.stats.sources import (
    AimsOf,
    Annotations,
    Clock,
    Counted,
    PlaceNaming,
    Seal,
    Seals,
    Spans,
    no_aims,
    no_annotations,
    no_names,
    no_seals,
    no_spans,
    none_counted,
)
from console.stats.terms import range_params, step_of
from console.stats.timings import TimingCounts, asks_timings, with_timings
from console.stats.together import added_up, money_added_up, timings_added_up
from event_catalogue.aggregates import FUNNEL_STEPS, GOALS
from event_catalogue.goals import NO_AIMS, Aims
from event_catalogue.metrics import METRIC, MeasureName
from event_catalogue.timings import Interval, bucket_end, timing_dimension
from warehouse.client import Param, Record, Warehouse
from warehouse.errors import WarehouseError
from warehouse.people import kept_rules
from warehouse.rollup_rows import DayRow, SiteDay
from warehouse.rollups import BESIDE_REVENUE, Rollups
from warehouse.visits import any_not_kept

_LAST_DAY: Final = 65_535
_ALL_ROWS: Final = 4_000_000_000
_MOST_GROUPS: Final = 100_000
"""Groups that are merged here: a question with several filters and dimensions could have millions."""
_BAD_PATTERN: Final = 427
"""CANNOT_COMPILE_REGEXP."""


class Answer(TypedDict):
    """A whole answer, ready for JSON."""

    results: list[Any]
    """Rows; of a comparison with what they are compared with."""
    meta: dict[str, Any]
    query: dict[str, Any]


class Statistics:
    """Answers questions from the warehouse; safe to use from several threads."""

    def __init__(
        self,
        warehouse: Warehouse,
        clock: Clock,
        seals: Seals = no_seals,
        counted: Counted = none_counted,
        spans: Spans = no_spans,
        *,
        names: PlaceNaming = no_names,
        aims: AimsOf = no_aims,
        annotations: Annotations = no_annotations,
    ) -> None:
        self._warehouse = warehouse
        self._clock = clock
        self._seals = seals
        self._counted = counted
        self._spans = spans
        self._names = names
        self._aims = aims
        self._annotations = annotations
        self._kept = Remembered()
        self._rollups = Rollups(warehouse, "console", is_asked=True)

    def answer(self, query: Query, site: SiteRef, *, query_id: str = "") -> Answer:
        """The answer to `query` about `site`. `query_id` names the run, so that `Warehouse.cancel` can stop it.

        Raises BadQuery; TryLater when the warehouse is busy, down or over its limits; Broken.
        """
        if query.include.comparisons is not None:
            return self._compared(query, query.include.comparisons, site, query_id)
        ask = partial(self.answer, site=site, query_id=query_id)
        if asks_rates(query):
            return cast("Answer", with_rates(query, ask))
        if asks_money(query):
            return cast("Answer", with_money(query, ask, partial(self._money_counts, site=site, query_id=query_id)))
        if asks_timings(query):
            return cast("Answer", with_timings(query, ask, partial(self._timing_counts, site=site, query_id=query_id)))
        if asks_scrolling(query):
            return cast("Answer", with_scrolling(query, ask))
        return self._answer(query, site, query_id)

    def together(self, query: Query, sites: Sequence[SiteRef], *, query_id: str = "") -> Answer:
        """The answer to `query` about several sites, added up. Raises as `answer` does."""
        if query.include.comparisons is not None:
            raise BadQuery("include", "Several sites together can't be compared with an earlier range: ask twice.")
        ask = partial(self.together, sites=sites, query_id=query_id)
        if asks_rates(query):
            return cast("Answer", with_rates(query, ask))
        if asks_money(query):
            return cast(
                "Answer",
                with_money(
                    query,
                    ask,
                    lambda plain: money_added_up(
                        {site: self._money_counts(plain, site=site, query_id=query_id) for site in sites}
                    ),
                ),
            )
        if asks_timings(query):
            return cast(
                "Answer",
                with_timings(
                    query,
                    ask,
                    lambda plain, timing: timings_added_up(
                        {site: self._timing_counts(plain, timing, site=site, query_id=query_id) for site in sites}
                    ),
                ),
            )
        if asks_scrolling(query):
            return cast("Answer", with_scrolling(query, ask))
        return cast("Answer", added_up(query, sites, lambda asked, site: self._answer(asked, site, query_id)))

    def _answer(self, query: Query, site: SiteRef, query_id: str) -> Answer:
        """The answer to a question of one part."""
        decided = self._plan(query, site)
        if decided.moments is not None:
            query = _within(query, decided.moments)
        seals = self._seals(site.id, day_number(decided.first), day_number(decided.last))
        kept = kept_form(query, decided)
        if query.include.kept and kept is None:
            raise BadQuery(
                "include",
                "Sealed days can't answer this question: take one dimension, or a filter that names one value.",
            )
        lacks: dict[str, Any] = {}
        sealed = seals
        if kept is not None and kept.dimension in (GOALS, FUNNEL_STEPS) and seals:
            seals, lacks = self._knowing(site, kept, decided.aims, seals, query_id)
        if kept is not None and (seals or query.include.kept):
            decided = split(decided, {EPOCH + timedelta(days=day) for day in seals})
            groups = self._joined(query, decided, site, kept, seals=seals, query_id=query_id)
            rows, total, merging = groups.page(query), len(groups.sums), groups
        elif is_guarded(query, decided):
            groups = self._guarded(query, decided, site, query_id)
            rows, total, merging = groups.page(query), len(groups.sums), groups
        else:
            statement = self._build(query, decided, site)
            found = self._run(statement.sql, statement.params, query_id)
            rows = [_row(query, decided, row, _measured(query, statement, row)) for row in found]
            total = self._total(query, statement, len(rows), query_id) if query.include.total_rows else 0
            merging = None
        meta = _meta(query, decided)
        if any(asked.dimension.scope == "time" for asked in query.dimensions):
            span = (day_number(decided.first), day_number(decided.last))
            if noted := [asdict(one) for one in self._annotations(site.id, *span)]:
                meta["annotations"] = noted
        meta["quality"] = marks(query, decided, seals or sealed, merging)
        if lacks:
            meta["goals"] = lacks
            goal_marks(meta["quality"], lacks)
        if query.include.total_rows:
            meta["total_rows"] = total
        return {"results": rows, "meta": meta, "query": _echo(query, decided)}

    def _knowing(
        self, site: SiteRef, kept: Kept, aims: Aims, seals: Mapping[int, Seal], query_id: str
    ) -> tuple[Mapping[int, Seal], dict[str, Any]]:
        """The seals that answer for goals: of days that know them, or have no rows any more; and what these lack."""
        runs = {day: seal.run for day, seal in seals.items()}
        found = known(site.id, kept, aims, runs, lambda sql, params: self._run(sql, params, query_id))
        left = {day: seal for day, seal in seals.items() if seal.purged or day not in found.lacking}
        return left, found.meta(left.keys())

    def capabilities(self, query: Query, site: SiteRef) -> dict[str, Any]:
        """What can be asked of the question's site and range. Raises BadQuery, TryLater, Broken."""
        decided = self._plan(query, site)
        return capabilities(query, decided, self._seals(site.id, day_number(decided.first), day_number(decided.last)))

    def _plan(self, query: Query, site: SiteRef) -> Plan:
        """The days of a question, and the names, goals and funnels that it asks for. Raises BadQuery."""
        asked = [*query.dimensions, *(leaf.asked for leaf in conditions(query.filters))]
        names = {one.dimension.name: self._names(one.dimension.name) for one in asked if one.named}
        aims = self._aims(site.id) if asks_goals(query) else NO_AIMS
        check_goals(query, aims)
        if names_segments(query.filters):
            raise BadQuery("filters", "Segments are known to the Stats API alone: write the filters out.")
        return replace(plan(query, site, self._clock(), self._first_row(query, site)), names=names, aims=aims)

    def _compared(self, query: Query, wanted: Comparison, site: SiteRef, query_id: str) -> Answer:
        """The answer with an earlier range beside each row. Raises BadQuery."""
        answer = self.answer(replace(query, include=replace(query.include, comparisons=None)), site, query_id=query_id)
        decided = self._plan(query, site)
        span = earlier(wanted, decided)
        whole = self._plan(replace(query, date_range=span), site)
        gone = self._seals(site.id, day_number(whole.first), day_number(whole.last)).values()
        # Sealed days are whole. One whose rows are there can be cut; weeks of them would be read anew on every look.
        uncut = any(seal.purged for seal in gone) if decided.days == 1 else bool(gone)
        if wanted.mode != "custom" and not uncut:
            span = up_to_now(span, decided, self._clock())
        before = replace(query, date_range=span, order_by=(), limit=_MOST_GROUPS + 1, offset=0)
        before = replace(before, include=Include(kept=query.include.kept))
        found = self.answer(before, site, query_id=query_id)
        if len(found["results"]) > _MOST_GROUPS:
            raise BadQuery("include", f"At most {_MOST_GROUPS:,} groups can be compared: ask for fewer.")
        then = self._plan(before, site)
        answer["results"] = put_beside(query, answer["results"], decided, found["results"], then)
        answer["meta"]["comparison"] = {
            "date_range": list(then.span()),
            "quality": found["meta"]["quality"],
            "to_same_time": then.moments is not None,
        }
        answer["query"]["include"] |= {"comparisons": wanted}
        return answer

    def _timing_counts(self, query: Query, timing: str, *, site: SiteRef, query_id: str) -> TimingCounts:
        """The counts of a timing in buckets, of all days: from seals where the question is cut by time alone."""
        decided = self._plan(query, site)
        if decided.moments is not None:
            query = _within(query, decided.moments)
        asked = Asked(f"timing:{timing}", timing_dimension(timing))
        seals = self._seals(site.id, day_number(decided.first), day_number(decided.last))
        kept = kept_timings(query, decided, asked.name)
        groups: dict[tuple[str, ...], list[Interval]] = {}

        def add(keys: Sequence[Any], low: int, end: int, many: int) -> None:
            names = zip(query.dimensions, keys, strict=True)
            key = tuple(shown(one, value, decided) for one, value in names)
            groups.setdefault(key, []).append((low, end, many))

        if kept and seals:
            decided = split(decided, {EPOCH + timedelta(days=day) for day in seals})
            runs: list[int] = [seal.run for seal in seals.values()]
            sql, params = timings_statement(query, decided, site, kept, runs)
            for *keys, low, end, many in self._run(sql, params, query_id):
                add(keys, int(low), int(end), int(many))
        counted = replace(query, metrics=(METRIC["events"],), dimensions=(*query.dimensions, asked), order_by=())
        for part in (part for part in decided.parts if part.source == "raw"):
            statement = self._build(replace(counted, limit=_ALL_ROWS, offset=0), decided.only(part), site)
            for *keys, bucket, many in self._run(statement.sql, statement.params, query_id):
                if bucket:
                    add(keys, int(bucket), bucket_end(int(bucket)), int(many))
        if is_guarded(query, decided):
            # A group of few people has no percentile; who they are together is merged in this answer.
            told = Condition("is_not", asked, (asked.dimension.blank,))
            whole = replace(
                query, metrics=(METRIC["visitors"],), filters=All((*query.filters.parts, told)), order_by=()
            )
            shown_groups = self.answer(replace(whole, limit=_ALL_ROWS, offset=0), site, query_id=query_id)["results"]
            groups = {key: groups[key] for row in shown_groups if (key := tuple(row["dimensions"])) in groups}
        lone = replace(query, metrics=(METRIC["events"],))
        mark = marks(lone, decided, seals, Groups(lone, decided) if kept and seals else None)["events"]
        if mark["mark"] == "exact":
            mark = {**mark, "mark": "estimate", "reason": "sealed in buckets: to 2.5 %, wider where few people are"}
        return TimingCounts(groups, mark)

    def _money_counts(self, query: Query, *, site: SiteRef, query_id: str) -> MoneyCounts:
        """What came in, by the question's groups and by currency."""
        decided = self._plan(query, site)
        if decided.moments is not None:
            query = _within(query, decided.moments)
        seals = self._seals(site.id, day_number(decided.first), day_number(decided.last))
        all_seals, kept = seals, money_form(query, decided)
        if query.include.kept and kept is None:
            raise BadQuery("include", "Sealed days can't answer this question about revenue: see its documentation.")
        if kept and kept.dimension == GOALS and seals:
            seals, _ = self._knowing(site, kept, decided.aims, seals, query_id)
        runs = {day: seal.run for day, seal in seals.items()} if kept else {}
        reading = Reading(
            seals=seals if kept else all_seals,
            runs=runs,
            spans=self._spans(site.id, min(runs), max(runs)) if runs and kept and not kept.dimension else (),
            ask=lambda sql, params: self._run(sql, params, query_id),
            live=lambda asked, part: self._live(asked, part, site, query_id),
            foretell=lambda part: self._foretold(part, site, BESIDE_REVENUE),
            rows=lambda asked: self.answer(asked, site, query_id=query_id)["results"],
        )
        return count_money(query, split(decided, {EPOCH + timedelta(days=day) for day in runs}), site, kept, reading)

    def _live(self, query: Query, part: Plan, site: SiteRef, query_id: str) -> list[Record]:
        statement = self._build(query, part, site)
        return self._run(statement.sql, statement.params, query_id)

    def _joined(
        self, query: Query, decided: Plan, site: SiteRef, kept: Kept, *, seals: Mapping[int, Seal], query_id: str
    ) -> Groups:
        """The groups of both sources, added up."""
        groups = Groups(query, decided)
        whole = replace(query, limit=_ALL_ROWS, offset=0)
        for part in decided.parts:
            # Of pages beside a page each day is told as its seal will: live rows would tell what the sealed ones merge.
            if part.source == "raw" and (query.include.kept or kept.beside is not None):
                rows = list(self._foretold(decided.only(part), site, needed(kept)))
                for told in foretold(query, groups.plan, kept, rows):
                    groups.add_kept(told)
            elif part.source == "raw":
                statement = self._build(whole, decided.only(part), site)
                for row in self._run(statement.sql, statement.params, query_id):
                    groups.add_measures(row, _measured(query, statement, row))
        runs = {day: seal.run for day, seal in seals.items()}
        spans = self._spans(site.id, min(runs), max(runs)) if runs and kept.dimension else ()
        sealed = kept_statement(query, decided, site, kept, fitting(query, decided, kept, runs, spans))
        for row in self._kept.rows(
            sealed.sql, sealed.params, lambda: self._run(sealed.sql, sealed.params, query_id) if seals else []
        ):
            groups.add_kept(row)
        # A value that was asked for and is not among a day's may be in its `(other)`.
        days = decided.days if query.include.kept else len(seals)
        groups.merged |= kept.value is not None and groups.days < days
        groups.merged |= kept.beside is not None  # days on which the page itself is merged tell nothing of it
        if kept.dimension in (GOALS, FUNNEL_STEPS) and query.dimensions:
            # Withheld on every day: there is nothing to tell of it.
            groups.sums = {key: sums for key, sums in groups.sums.items() if any(map(any, sums))}
        return groups

    def _guarded(self, query: Query, decided: Plan, site: SiteRef, query_id: str) -> Groups:
        """The groups from raw rows, small ones merged."""
        groups = Groups(query, decided)
        whole = replace(query, limit=_MOST_GROUPS + 1, offset=0)
        # Visitors are asked for in any case: they decide what is small.
        counted = replace(whole, metrics=(*query.metrics, METRIC["visitors"]))
        statement = self._build(counted, decided, site)
        people: dict[Key, int] = {}
        rows = self._run(statement.sql, statement.params, query_id)
        if len(rows) > _MOST_GROUPS:
            raise BadQuery(
                "dimensions", f"Of several attributes at most {_MOST_GROUPS:,} groups can be answered: ask for fewer."
            )
        for row in rows:
            measures = _measured(query, statement, row)
            groups.add_measures(row, measures)
            people[groups.key(row)] = measures["visitors"]

        def unions() -> dict[Key, int]:
            times = tuple(asked for asked in query.dimensions if asked.dimension.scope == "time")
            asked = replace(whole, metrics=(METRIC["visitors"],), dimensions=times, order_by=())
            each = self._build(asked, decided, site)
            found = self._run(each.sql, each.params, query_id)
            return {tuple(map(int, row[:-1])): int(row[-1]) for row in found}

        merge_small(groups, people, site.k, cache(unions))
        return groups

    def _build(self, query: Query, decided: Plan, site: SiteRef) -> Statement:
        """The statement over unsealed days. Marks are read before the rows are looked at: what comes meanwhile is in
        the visits, or seen as new."""
        marks = self._counted(site.id, site.counted_bots) if needs_visits(query) else ()
        if not marks:
            return build(query, decided, site)
        params = range_params(decided, site)
        look = any_not_kept(marks, params)
        return build(query, decided, site, marks, fresh=bool(self._warehouse.select(look, params, "console")))

    def _foretold(self, part: Plan, site: SiteRef, only: frozenset[str]) -> Iterator[DayRow]:
        """Days as their seals will hold them."""
        first = day_number(part.first)
        days = [
            SiteDay(
                site=site.id,
                day=first + place,
                k=site.k,
                start=part.starts[place],
                end=part.starts[place + 1],
                counted_bots=site.counted_bots,
                aims=part.aims,
            )
            for place in range(part.days)
        ]
        return (row for rows in self._rollups.count(days, only) for row in rows)

    def _first_row(self, query: Query, site: SiteRef) -> date | None:
        if query.date_range != Last("all"):
            return None
        rows = self._warehouse.query(
            "console.first_day", {"site": site.id, "kept": kept_rules({site.id: site.counted_bots})}, "console"
        )
        days = [int(rows[0][0])] if rows[0][1] else []
        days += list(self._seals(site.id, 0, _LAST_DAY))[:1]
        return EPOCH + timedelta(days=min(days)) if days else None

    def _total(self, query: Query, statement: Statement, found: int, query_id: str) -> int:
        if query.offset == 0 and found < query.limit:
            return found
        return int(self._run(statement.count_sql, statement.params, query_id)[0][0])

    def _run(self, sql: str, params: Mapping[str, Param], query_id: str) -> list[Record]:
        try:
            return self._warehouse.select(sql, params, "console", query_id=query_id)
        except WarehouseError as error:
            if error.code == _BAD_PATTERN:
                raise BadQuery("filters", "A pattern of `matches` is no regular expression in RE2's syntax.") from None
            raise


def _within(query: Query, moments: Moments) -> Query:
    """The question about what happened between two instants of its days."""
    leaf = Condition("within", WHEN, (str(moments.since), str(moments.until)))
    return replace(query, filters=All((*query.filters.parts, leaf)))


def _measured(query: Query, statement: Statement, row: Record) -> dict[MeasureName, int]:
    return dict(zip(statement.measures, map(int, row[len(query.dimensions) :]), strict=True))


def _row(query: Query, decided: Plan, row: Record, measures: dict[MeasureName, int]) -> Row:
    keys = zip(query.dimensions, row, strict=False)
    return {
        "metrics": [metric.value(measures) for metric in query.metrics],
        "dimensions": [shown(asked, value, decided) for asked, value in keys],
    }


def _meta(query: Query, decided: Plan) -> dict[str, Any]:
    """Warnings and labels. Raises BadQuery for too many labels."""
    meta: dict[str, Any] = {"quality": {}}
    if decided.days > 1:
        counted = [metric.name for metric in query.metrics if "visitors" in metric.measures]
        if counted:
            meta["metric_warnings"] = dict.fromkeys(counted, "daily_sum")
    if query.include.imports:
        meta["imports_included"] = True
    if query.include.time_labels:
        time = next(asked.dimension for asked in query.dimensions if asked.dimension.scope == "time")
        meta["time_labels"] = decided.labels(step_of(time, decided))
    return meta


def _echo(query: Query, decided: Plan) -> dict[str, Any]:
    include = {"time_labels": query.include.time_labels, "total_rows": query.include.total_rows}
    include |= {"imports": query.include.imports, "kept": query.include.kept}
    return {
        "site_id": query.site_id,
        "metrics": [metric.name for metric in query.metrics],
        "date_range": list(decided.span()),
        "filters": list(query.filters_said),
        "dimensions": [asked.name for asked in query.dimensions],
        "order_by": [[order.name, order.direction] for order in query.order_by],
        "include": {name: True for name, wanted in include.items() if wanted},
        "pagination": {"limit": query.limit, "offset": query.offset},
    }
