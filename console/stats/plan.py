"""Question + site + now → which days, cut how, answered from where.

Days are the site's local days. Where a local hour comes twice (the end of summer time) both are kept apart; where one
is missing there is none. The one source of truth for time zones is Python's zoneinfo: the engine gets the instants at
which days begin, never a zone's name, so the two can't disagree about a rule.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.stats.query import BadQuery, Last, Moments, Query, SiteRef, Span
from event_catalogue.goals import NO_AIMS, Aims

EPOCH: Final = date(1970, 1, 1)
HOUR_MS: Final = 3_600_000
DAYS_AS_DAYS: Final = 92
"""Longest range that `time` cuts by days: three months."""
MAX_LABELS: Final = 20_000

Step = Literal["hour", "day", "week", "month"]


@dataclass(frozen=True)
class Part:
    """A run of days that one source answers: raw rows, or the aggregates of sealed days."""

    source: Literal["raw", "sealed"]
    first: date
    last: date


@dataclass(frozen=True)
class Plan:
    """The days of an answer."""

    first: date
    last: date
    zone: ZoneInfo
    parts: tuple[Part, ...]
    whole_days: int = 0
    """Of a part of another plan: how many days that one has, for the step of `time`."""
    moments: Moments | None = None
    """The instants asked for, where they are not whole days."""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)
    """Of dimensions that the question asks for by name: what is stored → its English name."""
    aims: Aims = NO_AIMS
    """The site's goals and funnels, as days count them that are not sealed."""

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def step(self) -> Step:
        """What `time` is cut by."""
        days = self.whole_days or self.days
        if days == 1:
            return "hour"
        return "day" if days <= DAYS_AS_DAYS else "month"

    def only(self, part: Part) -> "Plan":
        """The plan of a part alone, its time cut as in the whole."""
        return replace(self, first=part.first, last=part.last, parts=(part,), whole_days=self.whole_days or self.days)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The instants (ms UTC) at which the days begin, and the one at which the last ends."""
        return tuple(self.start_of(self.first + timedelta(days=n)) for n in range(self.days + 1))

    def start_of(self, day: date) -> int:
        """The instant (ms UTC) at which a local day begins, also where the clock has no midnight that day."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) * 1000

    def span(self) -> tuple[str, str]:
        """First and last second of the range, in ISO 8601 with the offsets of the site's clock."""
        # Not `starts`: a year of them takes longer than its question.
        since, until = self.start_of(self.first), self.start_of(self.last + timedelta(days=1))
        if self.moments is not None:
            since, until = self.moments.since, self.moments.until
        first = datetime.fromtimestamp(since // 1000, self.zone)
        last = datetime.fromtimestamp((until - 1) // 1000, self.zone)
        return first.isoformat(), last.isoformat()

    def hour_label(self, instant: int) -> str:
        """An hour by the site's clock, with its offset if the clock shows that hour twice."""
        local = datetime.fromtimestamp(instant / 1000, self.zone)
        text = local.strftime("%Y-%m-%d %H:%M:%S")
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return text + local.isoformat()[19:] if twice else text

    def day_label(self, step: Step, day: date) -> str:
        """The name of the day, week or month that a day lies in."""
        match step:
            case "week":
                return max(day - timedelta(days=day.weekday()), self.first).isoformat()
            case "month":
                return day.replace(day=1).isoformat()
            case _:
                return day.isoformat()

    def labels(self, step: Step) -> list[str]:
        """Every hour, day, week or month of the range, in order. Raises BadQuery where that would be too many."""
        if step == "hour":
            if self.days * 24 > MAX_LABELS:
                raise BadQuery("include", "The range has too many hours for `time_labels`: shorten it.")
            since, until = (self.moments.since, self.moments.until) if self.moments else (0, self.starts[-1])
            ends = zip(self.starts[:-1], self.starts[1:], strict=True)
            hours = (instant for start, end in ends for instant in range(start, end, HOUR_MS))
            return [self.hour_label(instant) for instant in hours if since - HOUR_MS < instant < until]
        days = (self.first + timedelta(days=n) for n in range(self.days))
        return list(dict.fromkeys(self.day_label(step, day) for day in days))


def plan(query: Query, site: SiteRef, now: int, first_row: date | None) -> Plan:
    """Resolve the range at `now` (ms UTC), all of it raw; `first_row` is the first day with rows, for `all`.

    Raises BadQuery.
    """
    try:
        zone = ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadQuery("site_id", f"The site's time zone {site.timezone!r} is not known here.") from None
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    moments: Moments | None = None
    match query.date_range:
        case Span(first, last):
            pass
        case Moments(since, until):
            moments = query.date_range
            first, last = (datetime.fromtimestamp(at // 1000, zone).date() for at in (since, until - 1))
        case Last() as wanted:
            first, last = _first_of(wanted, today, first_row), today
    found = Plan(first, last, zone, (Part("raw", first, last),), moments=moments)
    if moments == Moments(found.start_of(first), found.start_of(last + timedelta(days=1))):
        return replace(found, moments=None)
    return found


def split(plan: Plan, sealed: Collection[date]) -> Plan:
    """The plan with its days cut into runs of sealed days and of others."""
    days = [plan.first + timedelta(days=n) for n in range(plan.days)]
    parts: list[Part] = []
    for source, run in groupby(days, lambda day: day in sealed):
        mine = list(run)
        parts.append(Part("sealed" if source else "raw", mine[0], mine[-1]))
    return replace(plan, parts=tuple(parts))


def _first_of(wanted: Last, today: date, first_row: date | None) -> date:
    match wanted.unit:
        case "day":
            return today - timedelta(days=wanted.count - 1)
        case "month":
            months = today.year * 12 + today.month - wanted.count
            return date(months // 12, months % 12 + 1, 1)
        case "year":
            return today.replace(month=1, day=1)
        case "all":
            return min(first_row or today, today)


def day_number(day: date) -> int:
    """Days since 1970-01-01, as the warehouse counts."""
    return (day - EPOCH).days
