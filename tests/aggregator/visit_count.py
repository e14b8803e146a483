"""Visits counted by hand, from the definitions in docs/metrics.md: plain loops over events, for tests to compare with."""

from collections import Counter
from typing import Any

from tests.console.stats.counting import QUIET, cut_visits, is_counted, text_of, visit_value

Event = dict[str, Any]
DIMENSIONS = (
    "entry_page exit_page entry_page_hostname exit_page_hostname source referrer source_kind channel click_network "
    "utm_source utm_medium utm_campaign utm_term utm_content utm_id utm_source_platform utm_creative_format "
    "utm_marketing_tactic country region city language timezone browser browser_version engine os os_version device "
    "platform screen_class viewport_class screen build"
).split()
OTHER_NAMES = QUIET | {
    "click",
    "outbound",
    "download",
    "tel",
    "mailto",
    "form_submit",
    "search",
    "copy",
    "print",
    "video",
}


def count_visits(events: list[Event]) -> list[dict[str, Any]]:
    """The visits of any sites and days, as the columns of the table tell them, in no order; messages of nobody too."""
    sites = {one["site"] for one in events}
    people = [one for one in events if not one["bot"]]
    return [
        count_visit(visit) for site in sites for visit in cut_visits([one for one in people if one["site"] == site])
    ]


def count_visit(visit: list[Event]) -> dict[str, Any]:
    """One visit: its events in order → its numbers and its values."""
    views = [one for one in visit if one["name"] == "pageview"]
    acts = [one for one in visit if one["name"] not in QUIET]
    own = [one for one in visit if one["name"] not in OTHER_NAMES]
    revenue: Counter[str] = Counter()
    for one in visit:
        if one.get("revenue"):
            revenue[one["currency"]] += one["revenue"]
    # How the last page was left: an exit that settles the one before belongs to a page that the visit went on from.
    steps = [one for one in visit if one["name"] in ("pageview", "exit") and "settles" not in one.get("prop_keys", [])]
    engaged_ms = sum(one["engaged_ms"] for one in visit)
    return {
        "site": visit[0]["site"],
        "day": visit[0]["day"],
        "visitor": visit[0]["visitor"] if any(visit[0]["visitor"]) else visit[0]["beacon"],
        "known": int(any(visit[0]["visitor"])),
        "began": visit[0]["at"],
        "took_ms": visit[-1]["at"] - visit[0]["at"],
        "rows": len(visit),
        "views": len(views),
        "counted": sum(is_counted(one) for one in visit),
        "engaged_ms": engaged_ms,
        "acts": len(acts),
        "engaged": int(len(views) >= 2 or engaged_ms >= 10_000 or bool(acts)),
        "single": int(len(views) < 2 and not acts),
        "conversions": len(own),
        "revenue": dict(revenue),
        "exit_method": steps[-1]["method"] if steps else "",
        **{name: visit_value(name, visit) for name in DIMENSIONS},
        "city_id": next((text_of(one, "city_id") for one in visit if text_of(one, "city_id")), ""),
    }
