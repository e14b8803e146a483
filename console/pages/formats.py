"""How numbers, times, days and codes read on a page. One language so far: English; places are named in the reader's."""

from datetime import UTC, date, datetime
from functools import cache
from math import isnan
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale

from console.place_names import ENGLISH, Names
from event_catalogue.dimensions import NOT_SET, OTHER
from event_catalogue.dimensions import UNKNOWN as BEFORE_CONSENT
from event_catalogue.metrics import METRIC, Unit

_THOUSAND: Final = 100_000
"""From here on numbers are shortened; the whole number stands in a title."""
MERGED: Final = "Small groups, merged"
UNKNOWN: Final = "Not known"


def sentence(text: str) -> str:
    """The text with a capital in front, and nothing else changed."""
    return text[:1].upper() + text[1:]


def whole(value: float) -> str:
    """A count with its thousands told apart."""
    return f"{value:,.0f}"


def short(value: float) -> str:
    """A count as it fits a tile: 12,345, then 123k, 1.2M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= max(size, _THOUSAND):
            return f"{value / size:.1f}{unit}".replace(".0", "")
    return whole(value)


def percent(part: float, total: float) -> str:
    """A share: 38%, 3.8%, <0.1%; nothing of nothing is 0%."""
    share = 100 * part / total if total else 0.0
    if 0 < share < 0.1:
        return "<0.1%"
    return f"{share:.0f}%" if share >= 10 or share == 0 else f"{share:.1f}%"


def duration(seconds: float) -> str:
    """A length of time: 42s, 3m 05s, 1h 20m."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60}h {minutes % 60:02}m"
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


def metric_value(value: float, name: str) -> str:
    """A metric in its unit."""
    return in_unit(METRIC[name].unit, value)


def in_unit(unit: Unit, value: float) -> str:
    """A number in a metric's unit; a dash where there is none."""
    if isnan(value):
        return "–"
    match unit:
        case "percent":
            return f"{value:.1f}%".replace(".0%", "%")
        case "seconds":
            return duration(value)
        case "ratio":
            return f"{value:.2f}".rstrip("0").rstrip(".")
        case "count":
            return short(value)
        case "milliseconds":
            return f"{value:,.0f} ms"
        case "thousandths":
            return f"{value / 1000:.3f}"
        case "money":
            return f"{value:,.2f}"


def day_text(day: date) -> str:
    """A day: 17 May 2015."""
    return f"{day.day} {day:%b %Y}"


def days_text(first: date, last: date) -> str:
    """A range of days, without saying month or year twice."""
    if first == last:
        return f"{first:%a} {day_text(first)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day_text(last)}"
    left = f"{first.day} {first:%b}" if first.year == last.year else day_text(first)
    return f"{left} – {day_text(last)}"


def moment(at: int, timezone: str) -> str:
    """A moment (ms UTC) by the site's clock."""
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(timezone))
    return f"{day_text(local.date())}, {local:%H:%M}"


def ago(milliseconds: float) -> str:
    """How long since: 4 s, 12 min, 3 h, 5 days."""
    seconds = max(0, int(milliseconds // 1000))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


def time_label(label: str) -> str:
    """A label of the Stats API's time dimensions, for an axis: 13:00, 17 May, May 2015."""
    if " " in label:
        return label[11:16]
    day = date.fromisoformat(label)
    return f"{day.day} {day:%b}"


def time_name(label: str, step: str) -> str:
    """The same, in full, for a tooltip or a table."""
    if " " in label:
        return f"{time_name(label[:10], 'day')}, {label[11:16]}{' (UTC' + label[19:] + ')' if label[19:] else ''}"
    day = date.fromisoformat(label)
    return f"{day:%B %Y}" if step == "month" else f"{day:%a} {day_text(day)}"


EVENT_TITLES: Final[dict[str, str]] = {
    "pageview": "Page view",
    "engagement": "Engagement",
    "click": "Click",
    "hover": "Hover",
    "outbound": "Outbound link",
    "download": "Download",
    "tel": "Phone link",
    "mailto": "Mail link",
    "form_submit": "Form sent",
    "form_abandon": "Form abandoned",
    "search": "Site search",
    "copy": "Text copied",
    "print": "Page printed",
    "video": "Media played",
    "exit": "Exit",
    "js_error": "Script error",
    "load_error": "File not loaded",
    "not_found": "Page not found (404)",
    "vitals": "Page speed",
    "ad_impression": "Ad shown",
    "open": "Mail opened (image loaded)",
    "call": "Phone call",
}
"""What declared events are called on the screen; custom ones are called what the site calls them."""


@cache
def _locale() -> Locale:
    return Locale("en")


def value_name(dimension: str, value: str, places: Names = ENGLISH) -> str:
    """What a value of a dimension is called on the screen."""
    if value == OTHER:
        return MERGED
    if value == NOT_SET:
        return UNKNOWN
    if value == BEFORE_CONSENT:
        return sentence(value)
    match dimension:
        case "country" | "caller_country" | "region" | "city" | "city_id":
            return places.of(dimension, value.removeprefix("\\"))
        case "language":
            return _language(value)
        case "device" | "source_kind" | "screen_class" | "viewport_class":
            return sentence(value)
        case "name":
            return _event(value)
        case _:
            return value.removeprefix("\\")


def _language(code: str) -> str:
    base, _, region = code.partition("-")
    name = _locale().languages.get(base.lower())
    if name is None:
        return code
    country = _locale().territories.get(region.upper()) if region else None
    return f"{name} ({country})" if country else str(name)


def _event(name: str) -> str:
    return EVENT_TITLES.get(name, name)
