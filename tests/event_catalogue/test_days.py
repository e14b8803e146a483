"""Days are what the zone's own clocks say: plain zoneinfo arithmetic is the oracle, at every quarter hour."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_catalogue.days import DAY_MS, day_end, local_day, local_hour

EPOCH: Final = date(1970, 1, 1)
QUARTER_S: Final = 900
FIRST: Final = int(datetime(2015, 1, 1, tzinfo=UTC).timestamp())
LAST: Final = int(datetime(2028, 1, 1, tzinfo=UTC).timestamp())
ZONES: Final = sorted(available_timezones())
WEEK_S: Final = 7 * 86_400

MIDNIGHT_SKIPPERS: Final = (
    "America/Sao_Paulo",
    "America/Asuncion",
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Amman",
    "Asia/Damascus",
    "Asia/Tehran",
    "Pacific/Apia",
    "Pacific/Fakaofo",
)
"""Zones whose clocks skipped a midnight, or a whole day, in some year since 2010."""


def day_of(zone: ZoneInfo, second: int) -> int:
    """The oracle: the date on the zone's clock."""
    return (datetime.fromtimestamp(second, zone).date() - EPOCH).days


def offset(zone: ZoneInfo, second: int) -> timedelta | None:
    """How far the zone's clock is from UTC."""
    return datetime.fromtimestamp(second, zone).utcoffset()


def changes(zone: ZoneInfo, first: int, last: int) -> list[int]:
    """The seconds at which the zone's clock was or will be put forward or back; no zone does so twice in a week."""
    found = []
    for start, end in pairwise([*range(first, last, WEEK_S), last]):
        low, high, before = start, end, offset(zone, start)
        if offset(zone, high) == before:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
        found.append(high)
    return found


@cache
def histories() -> dict[tuple[int, ...], str]:
    """One zone of each history of changes and offsets: 599 names share some 110 of them."""
    found: dict[tuple[int, ...], str] = {}
    for name in ZONES:
        zone = ZoneInfo(name)
        history = [
            number
            for second in [FIRST, *changes(zone, FIRST, LAST)]
            for number in (second, int((offset(zone, second) or timedelta()).total_seconds()))
        ]
        found.setdefault(tuple(history), name)
    return found


def quarters_around(second: int) -> range:
    """Every quarter hour from 26 h before to 26 h after."""
    middle = second - second % QUARTER_S
    return range(middle - 26 * 3600, middle + 26 * 3600, QUARTER_S)


def first_moment_after(zone: ZoneInfo, day: int) -> int:
    """The oracle of day_end, in ms: the first quarter hour at which the clock shows a later date; none goes back."""
    around = (day + 1) * 86_400
    quarters = range(around - 16 * 3600, around + 40 * 3600, QUARTER_S)
    later = [day_of(zone, second) > day for second in quarters]
    start = later.index(True)
    assert all(later[start:])
    return quarters[start] * 1000


@pytest.mark.req("A1")
def test_every_zone_is_cut_where_its_clocks_cut_it() -> None:
    """Around every change of every zone from 2015 to 2027 the day is the date on the zone's clock."""
    assert len(histories()) > 80
    for history, name in histories().items():
        zone = ZoneInfo(name)
        quarters = [quarter for change in history[2::2] for quarter in quarters_around(change)]
        seconds = [second for quarter in quarters for second in (quarter, quarter + QUARTER_S - 1)]
        assert [s for s in seconds if local_day(name, s * 1000 + 999) != day_of(zone, s)] == [], name


@pytest.mark.req("A1")
def test_every_day_ends_when_the_next_one_begins() -> None:
    """On days of 23, 24 and 25 hours the day ends at the first moment of the next one."""
    for history, name in histories().items():
        zone = ZoneInfo(name)
        days = [day_of(zone, change) + near for change in history[::2] for near in (-2, -1, 0, 1)]
        assert [day for day in days if day_end(name, day) != first_moment_after(zone, day)] == [], name


@pytest.mark.parametrize("name", MIDNIGHT_SKIPPERS)
def test_zones_that_skip_midnight_are_cut_right_since_2010(name: str) -> None:
    """Where a midnight, or as in Samoa a day, never was, days still follow the clock."""
    zone = ZoneInfo(name)
    skipped = changes(zone, int(datetime(2010, 1, 1, tzinfo=UTC).timestamp()), FIRST)
    assert skipped
    for change in skipped:
        for quarter in quarters_around(change):
            assert local_day(name, quarter * 1000) == day_of(zone, quarter)
        for day in range(day_of(zone, change) - 2, day_of(zone, change) + 2):
            assert day_end(name, day) == first_moment_after(zone, day)


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Europe/Zurich", date(2026, 3, 29), 23),
        ("Europe/Zurich", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("Asia/Kathmandu", date(2026, 11, 24), 24),
        ("Pacific/Chatham", date(2026, 4, 5), 25),
        ("Pacific/Apia", date(2011, 12, 29), 24),
    ],
)
def test_known_days_have_their_known_length(name: str, day: date, hours: float) -> None:
    """Lengths that an almanac gives, from one end to the next."""
    number = (day - EPOCH).days
    assert day_end(name, number) - day_end(name, number - 1) == hours * 3_600_000


def test_a_day_that_never_was_ends_where_the_day_before_ends() -> None:
    """Samoa had no 30 December 2011; nothing happened on it and it lasts no time."""
    gone = (date(2011, 12, 30) - EPOCH).days
    assert day_end("Pacific/Apia", gone) == day_end("Pacific/Apia", gone - 1)


@given(st.sampled_from(ZONES), st.integers(FIRST * 1000, LAST * 1000 - 1))
def test_every_name_of_a_zone_is_understood(name: str, at: int) -> None:
    """All names, aliases too, at any moment: the oracle's day, and a moment before its end and not after."""
    day = local_day(name, at)
    assert day == day_of(ZoneInfo(name), at // 1000)
    assert at < day_end(name, day) <= at + 2 * DAY_MS
    assert local_day(name, day_end(name, day)) > day
    assert local_day(name, day_end(name, day) - 1) == day


@pytest.mark.parametrize(
    ("zone", "at", "hour"),
    [
        ("UTC", "2025-11-24T23:59:59.999+00:00", 23),
        ("Europe/Zurich", "2025-11-24T23:59:59+00:00", 0),
        ("Asia/Kathmandu", "2025-11-24T00:14:59+00:00", 5),
        ("Europe/Zurich", "2025-10-26T00:30:00+00:00", 2),
        ("Europe/Zurich", "2025-10-26T01:30:00+00:00", 2),
    ],
)
def test_an_hour_is_what_the_sites_clocks_show(zone: str, at: str, hour: int) -> None:
    """Zones of quarters of an hour, and the hour that comes twice."""
    assert local_hour(zone, round(datetime.fromisoformat(at).timestamp() * 1000)) == hour
