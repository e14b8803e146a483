"""What the column `day` means: which local day of a site a moment belongs to, and when that day ends."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

DAY_MS: Final = 86_400_000
_QUARTER_MS: Final = 900_000
_EPOCH: Final = date(1970, 1, 1)


def local_day(timezone: str, at: int) -> int:
    """The site-local day (days since 1970-01-01) of a moment (ms UTC)."""
    return _day_of_quarter(timezone, at // _QUARTER_MS)


def day_text(day: int) -> str:
    """A day (days since 1970-01-01) in ISO form."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def local_hour(timezone: str, at: int) -> int:
    """The hour, 0 to 23, that the site's clocks show at a moment (ms UTC)."""
    return datetime.fromtimestamp(at // 1000, ZoneInfo(timezone)).hour


@lru_cache(maxsize=4096)
def _day_of_quarter(timezone: str, quarter: int) -> int:
    """Offsets from UTC change at quarters of an hour only, so one answer serves a quarter."""
    moment = datetime.fromtimestamp(quarter * (_QUARTER_MS // 1000), UTC).astimezone(ZoneInfo(timezone))
    return (moment.date() - _EPOCH).days


@lru_cache(maxsize=1024)
def day_end(timezone: str, day: int) -> int:
    """The moment (ms UTC) at which the site-local day is over: the first moment of the next one.

    On days of 23 or 25 hours this is what the zone's clocks say; where midnight is skipped, the first hour there is.
    """
    following = _EPOCH + timedelta(days=day + 1)
    zone = ZoneInfo(timezone)
    noon = int(datetime(following.year, following.month, following.day, 12, tzinfo=zone).timestamp()) * 1000
    low, high = noon - DAY_MS, noon
    while high - low > _QUARTER_MS:
        middle = (low + high) // 2 // _QUARTER_MS * _QUARTER_MS
        if local_day(timezone, middle) > day:
            high = middle
        else:
            low = middle
    return high
