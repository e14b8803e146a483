"""Days, hours and labels by the site's clock."""

from datetime import date, datetime
from typing import Any

import pytest

from console.stats.parse import parse
from console.stats.plan import Plan, day_number, plan
from console.stats.query import BadQuery, SiteRef

HOUR = 3_600_000


def planned(zone: str, date_range: Any, now: str = "2025-11-15T12:00:00+00:00", first: date | None = None) -> Plan:
    """The plan of a question in a zone at some instant."""
    query = parse({"site_id": "x", "metrics": ["visits"], "date_range": date_range})
    return plan(query, SiteRef(1, "x", zone), int(datetime.fromisoformat(now).timestamp() * 1000), first)


RANGES = [
    ("day", "2025-11-15", "2025-11-15"),
    ("7d", "2025-11-09", "2025-11-15"),
    ("28d", "2025-10-19", "2025-11-15"),
    ("30d", "2025-10-17", "2025-11-15"),
    ("91d", "2025-08-17", "2025-11-15"),
    ("month", "2025-11-01", "2025-11-15"),
    ("6mo", "2025-06-01", "2025-11-15"),
    ("12mo", "2024-12-01", "2025-11-15"),
    ("year", "2025-01-01", "2025-11-15"),
    ("all", "2025-11-15", "2025-11-15"),
    (["2024-02-28", "2024-03-01"], "2024-02-28", "2024-03-01"),
]


@pytest.mark.req("D1", "D7")
@pytest.mark.parametrize(("said", "first", "last"), RANGES)
def test_ranges_end_today(said: Any, first: str, last: str) -> None:
    """A named range ends with the running day of the site and has it in it."""
    decided = planned("UTC", said)
    assert (decided.first.isoformat(), decided.last.isoformat()) == (first, last)
    assert [(part.source, part.first, part.last) for part in decided.parts] == [("raw", decided.first, decided.last)]


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("zone", "now", "today"),
    [
        ("Pacific/Kiritimati", "2025-11-15T10:00:00+00:00", "2025-11-16"),
        ("Pacific/Kiritimati", "2025-11-15T09:59:59+00:00", "2025-11-15"),
        ("Pacific/Pago_Pago", "2025-11-15T10:59:59+00:00", "2025-11-14"),
        ("Asia/Kolkata", "2025-11-15T18:30:00+00:00", "2025-11-16"),
        ("Asia/Kolkata", "2025-11-15T18:29:59+00:00", "2025-11-15"),
    ],
)
def test_today_is_the_sites(zone: str, now: str, today: str) -> None:
    """The day turns at the site's midnight, to the second."""
    assert planned(zone, "day", now).first.isoformat() == today


def test_all_begins_with_the_first_row() -> None:
    """`all` begins where the data does, never after today."""
    assert planned("UTC", "all", first=date(2024, 5, 6)).first == date(2024, 5, 6)
    assert planned("UTC", "all", first=date(2031, 1, 1)).first == date(2025, 11, 15)


LENGTHS = [
    ("Europe/Zurich", "2025-10-26", 25, "2025-10-26 02:00:00+02:00", "2025-10-26 02:00:00+01:00"),
    ("America/New_York", "2025-11-02", 25, "2025-11-02 01:00:00-04:00", "2025-11-02 01:00:00-05:00"),
    ("America/Havana", "2025-11-02", 25, "2025-11-02 00:00:00-04:00", "2025-11-02 00:00:00-05:00"),
]


@pytest.mark.req("D1")
@pytest.mark.parametrize(("zone", "day", "hours", "once", "again"), LENGTHS)
def test_an_hour_that_comes_twice_is_two(zone: str, day: str, hours: int, once: str, again: str) -> None:
    """A day of 25 hours has 25 labels, and only the repeated ones carry their offset."""
    labels = planned(zone, [day, day]).labels("hour")
    assert len(labels) == len(set(labels)) == hours
    assert [label for label in labels if len(label) > 19] == [once, again]
    assert labels.index(again) == labels.index(once) + 1


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("zone", "day", "missing"),
    [
        ("Europe/Zurich", "2025-03-30", "02"),
        ("America/New_York", "2025-03-09", "02"),
        ("Asia/Beirut", "2025-03-30", "00"),  # the clock has no midnight that day
    ],
)
def test_an_hour_that_is_missing_is_missing(zone: str, day: str, missing: str) -> None:
    """A day of 23 hours has 23 labels, also where it is midnight that is left out."""
    labels = planned(zone, [day, day]).labels("hour")
    expected = [f"{day} {hour:02d}:00:00" for hour in range(24) if f"{hour:02d}" != missing]
    assert labels == expected


@pytest.mark.req("D1")
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide", "UTC", "Pacific/Chatham"])
def test_zones_of_half_and_quarter_hours(zone: str) -> None:
    """Hours are those of the site's clock, wherever it stands to UTC."""
    decided = planned(zone, ["2025-07-01", "2025-07-02"])
    assert decided.labels("hour") == [f"2025-07-0{day} {hour:02d}:00:00" for day in (1, 2) for hour in range(24)]
    assert decided.starts[1] - decided.starts[0] == 24 * HOUR


@pytest.mark.req("D1")
def test_days_weeks_and_months() -> None:
    """A week is named by its Monday or the first day of the range, a month by its first."""
    decided = planned("Europe/Zurich", ["2025-10-29", "2025-11-11"])
    assert decided.labels("day")[0::13] == ["2025-10-29", "2025-11-11"]
    assert len(decided.labels("day")) == 14
    assert decided.labels("week") == ["2025-10-29", "2025-11-03", "2025-11-10"]
    assert decided.labels("month") == ["2025-10-01", "2025-11-01"]


@pytest.mark.parametrize(
    ("first", "last", "step"),
    [
        ("2025-01-01", "2025-01-01", "hour"),
        ("2025-01-01", "2025-01-02", "day"),
        ("2025-01-01", "2025-04-02", "day"),
        ("2025-01-01", "2025-04-03", "month"),
    ],
)
def test_what_time_is_cut_by(first: str, last: str, step: str) -> None:
    """Hours for one day, days up to three months, months beyond."""
    assert planned("UTC", [first, last]).step == step


def test_too_many_labels_are_refused() -> None:
    """Ten years of hours are no list for an answer."""
    with pytest.raises(BadQuery, match="too many hours"):
        planned("UTC", ["2015-01-01", "2024-12-31"]).labels("hour")


def test_an_unknown_zone_is_told() -> None:
    """A zone that this machine does not know is no crash."""
    for zone in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(BadQuery, match="time zone"):
            planned(zone, "day")


def test_days_are_numbered_as_the_warehouse_does() -> None:
    """Day 0 is 1 January 1970."""
    assert (day_number(date(1970, 1, 1)), day_number(date(2025, 10, 26))) == (0, 20_387)
