"""The numbers again, counted by hand: plain loops over rows, written from the definitions and not from the code.

Takes a question as the JSON that a reader sends, and gives {dimension values: metric values}.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from console.stats.query import SiteRef

Fields = dict[str, Any]
QUIET = {
    "pageview",
    "engagement",
    "hover",
    "form_abandon",
    "exit",
    "js_error",
    "load_error",
    "not_found",
    "vitals",
    "ad_impression",
    "open",
    "call",
}
COUNTRIES = {"a": "Aland", "b": "Bland"}
"""What the invented countries are called."""
EVENT_DIMENSIONS = {
    "event:page": "path",
    "page": "path",
    "path": "path",
    **{
        name: name.removeprefix("event:")
        for plain in (
            "hostname title name target target_role target_region target_url target_host method flag search_term "
            "error_message error_source error_stack resource resource_kind slow_host status currency dialled caller_country "
            "caller_area ad_slot ad_creative ad_position ad_quality"
        ).split()
        for name in (plain, f"event:{plain}")
    },
}


GOALS: dict[str, Callable[[Fields], bool]] = {
    "Signed up": lambda one: one["name"] == "signup",
    "Plan b": lambda one: one["name"] == "signup" and prop(one, "plan") == "b",
    "Any plan": lambda one: one["name"] == "signup" and prop(one, "plan") != "",
    "Prices": lambda one: one["name"] == "pageview" and one["path"] in ("/Pricing", "/pricing"),
    "Blog": lambda one: one["name"] == "pageview" and one["path"].startswith("/blog/"),
    "Half read": lambda one: one["name"] == "engagement" and one["scroll"] >= 50,
    "Blog read": lambda one: one["name"] == "engagement" and one["scroll"] >= 90 and one["path"].startswith("/blog/"),
    "it's {x:String}": lambda one: one["name"] == "click" and one["path"] == "/docs?x=%s",
    "Never": lambda one: False,
}
"""Goals of every site of the invented world, as they are meant; `DECLARED` in world.py says the same as a site does."""


def prop(one: Fields, name: str) -> str:
    """A property of an event of the site's own."""
    return dict(zip(one.get("prop_keys", []), one.get("prop_values", []), strict=True)).get(name, "")


def reached(one: Fields) -> list[str]:
    """The goals that an event reaches."""
    return [name for name, holds in GOALS.items() if holds(one)]


FUNNELS = {
    "Blog to plan": (["Blog", "Prices", "Signed up"], False),
    "At once": (["Prices", "Blog"], True),
    "Twice": (["Signed up", "Signed up", "Any plan"], False),
    "At once to nothing": (["Half read", "Prices", "Never"], True),
}


def came_to(funnel: str, visit: list[Fields]) -> list[str]:
    """The steps of a funnel that a visit comes to: an event for each, in order; of a strict one side by side."""
    steps, strict = FUNNELS[funnel]
    if strict:
        # Nothing that the visitor saw or did lies between.
        visit = [
            one
            for one in visit
            if one["name"] == "pageview" or one["name"] not in QUIET or set(reached(one)) & set(steps)
        ]
    most = 0
    for start in range(len(visit)):
        place, count = start, 0
        while count < len(steps):
            ahead = [n for n in range(place, len(visit)) if steps[count] in reached(visit[n])]
            if not ahead or (strict and ahead[0] != place):
                break
            place, count = ahead[0] + 1, count + 1
        most = max(most, count)
    return [f"{number}. {step}" for number, step in enumerate(steps[:most], start=1)]


GOAL_NAMES = ("goal", "event:goal")


def cut_visits(events: list[Fields]) -> list[list[Fields]]:
    """Visits of one site: one visitor, one day, no pause over 30 minutes. A row without visitor stands alone."""
    groups: dict[tuple[Any, ...], list[Fields]] = {}
    for one in events:
        who = one["visitor"] if any(one["visitor"]) else ("nobody", one["beacon"])
        groups.setdefault((one["day"], who), []).append(one)
    visits = []
    for group in groups.values():
        group.sort(key=lambda one: (one["at"], one["beacon"], one["idx"]))
        visit = [group[0]]
        for one in group[1:]:
            if one["at"] - visit[-1]["at"] > 1_800_000:
                visits.append(visit)
                visit = []
            visit.append(one)
        visits.append(visit)
    return visits


def is_person(visit: list[Fields]) -> bool:
    """Whether somebody visited: rows without a visitor are counted as events only."""
    return any(visit[0]["visitor"])


def acted(visit: list[Fields]) -> bool:
    """Whether the visitor did something other than view."""
    return any(one["name"] not in QUIET for one in visit)


def views(visit: list[Fields]) -> int:
    """Page views of a visit."""
    return sum(one["name"] == "pageview" for one in visit)


def bounced(visit: list[Fields]) -> bool:
    """Whether a visit is a bounce."""
    return views(visit) <= 1 and sum(one["engaged_ms"] for one in visit) < 10_000 and not acted(visit)


def text_of(one: Fields, field: str) -> str:
    """A field as text, empty where there is nothing."""
    if field == "city_id":
        return str(one["city_id"]) if one["city_id"] else one["city"]
    value = one[field]
    return str(value) if value else ""


def visit_value(name: str, visit: list[Fields]) -> str:
    """The value of a visit under a dimension of visits."""
    plain = name.removeprefix("visit:")
    if plain.startswith(("entry_page", "exit_page")):
        field = "hostname" if plain.endswith("hostname") else "path"
        pages = [one for one in visit if one["name"] == "pageview"] or visit
        return str(pages[0 if plain.startswith("entry") else -1][field])
    if name == "visit:country_name":
        code = visit_value("visit:country", visit)
        return COUNTRIES.get(code, code)
    field = {"visit:city": "city_id", "visit:city_name": "city"}.get(name, plain)
    return next((text_of(one, field) for one in visit if text_of(one, field)), "")


def is_of_events(name: str) -> bool:
    """Whether a dimension has a value for each event."""
    return name in EVENT_DIMENSIONS or name in GOAL_NAMES or name.startswith("event:props:")


def value(name: str, visit: list[Fields], one: Fields) -> str:
    """The stored value of a dimension at one event of a visit."""
    if name.startswith("event:props:"):
        pairs = dict(zip(one.get("prop_keys", []), one.get("prop_values", []), strict=True))
        return pairs.get(name.removeprefix("event:props:"), "")
    if name in ("method", "event:method") and one["name"] == "exit":
        return left_by(visit, one)
    if is_of_events(name):
        return text_of(one, EVENT_DIMENSIONS[name])
    return visit_value(name, visit)


def settles(one: Fields) -> bool:
    """Whether an event only tells how the page before it was left."""
    return one["name"] == "exit" and "settles" in one.get("prop_keys", [])


def left_by(visit: list[Fields], one: Fields) -> str:
    """How a page was left: by its own word, or where that says nothing by the page's that came within half a minute."""
    # Times are as exact as the network: what settles may come two seconds too early.
    exits = sorted(
        (other for other in visit if other["name"] == "exit"),
        key=lambda other: (other["at"] + 2_000 * settles(other), other["beacon"], other["idx"]),
    )
    place = next(place for place, other in enumerate(exits) if other is one)
    after = exits[place + 1] if place + 1 < len(exits) else None
    if settles(one):
        return ""
    known = after and is_person(visit) and settles(after) and after["at"] - one["at"] <= 30_000
    if known and after["method"] in ("reload", "back_forward") and one["method"] in ("close", "other"):
        return str(after["method"])
    return str(one["method"])


def is_counted(one: Fields) -> bool:
    """Whether an event counts as one."""
    return one["name"] != "engagement" and not settles(one)


def blank(name: str) -> str:
    """What is shown where there is no value."""
    if name.startswith("event:props:"):
        return "(none)"
    return "Direct / None" if name.split(":")[-1] in ("source", "referrer") else "(not set)"


def shown(name: str, stored: str) -> str:
    """A stored value as an answer shows it."""
    if not stored:
        return blank(name)
    return "\\" + stored if stored in ("(other)", "(none)", "(not set)", blank(name)) else stored


def fulfils(filters: Any, visit: list[Fields], one: Fields) -> bool:
    """Whether one event of a visit fulfils a filter."""
    operator, subject, *rest = filters
    match operator:
        case "and":
            return all(fulfils(inner, visit, one) for inner in subject)
        case "or":
            return any(fulfils(inner, visit, one) for inner in subject)
        case "not":
            return not fulfils(subject, visit, one)
        case "has_done":
            return any(fulfils(subject, visit, other) for other in visit)
        case "has_not_done":
            return not any(fulfils(subject, visit, other) for other in visit)
    if operator.endswith("_not"):
        return not fulfils([operator.removesuffix("_not"), subject, *rest], visit, one)
    return holds(operator, visit, one, subject, rest)


def holds(operator: str, visit: list[Fields], one: Fields, subject: str, rest: list[Any]) -> bool:
    """Whether one event of a visit fulfils a condition without a `not`."""
    if subject in GOAL_NAMES:
        return any(is_asked(operator, name, rest) for name in reached(one))
    stored, wanted = value(subject, visit, one), rest[0]
    fold = str.lower if len(rest) > 1 and not rest[1]["case_sensitive"] else str
    match operator:
        case "is":
            said = [fold(shown(subject, stored)), fold(stored)] if stored else [blank(subject), ""]
            # A stored value with a backslash is asked for as it stands; a blank's word never means a real value.
            alike = [fold(text) for text in wanted if not (stored and text == blank(subject))]
            return any(text in said for text in (alike if stored else wanted))
        case "contains":
            return any(fold(text) in fold(stored) for text in wanted)
        case "matches":
            return any(re.search(text, stored) for text in wanted)
    raise AssertionError(operator)


def is_asked(operator: str, stored: str, rest: list[Any]) -> bool:
    """Whether a name that never means anything else is what is asked for."""
    fold = str.lower if len(rest) > 1 and not rest[1]["case_sensitive"] else str
    match operator:
        case "is":
            return fold(stored) in map(fold, rest[0])
        case "contains":
            return any(fold(text) in fold(stored) for text in rest[0])
        case _:
            return any(re.search(text, stored) for text in rest[0])


def values_of(name: str, visit: list[Fields], one: Fields, site: SiteRef, first: date) -> list[str]:
    """What an event is counted under: one value, or each goal that it reaches."""
    if name in GOAL_NAMES:
        return reached(one)
    if name.startswith("visit:funnel:"):
        return came_to(name.removeprefix("visit:funnel:"), visit)
    if name.startswith("time:"):
        return [time_value(name, one, site, first)]
    return [shown(name, value(name, visit, one))]


def time_value(name: str, one: Fields, site: SiteRef, first: date) -> str:
    """The label of an event's hour, day, week or month."""
    day: date = one["day"]
    match name:
        case "time:day":
            return day.isoformat()
        case "time:week":
            return max(day - timedelta(days=day.weekday()), first).isoformat()
        case "time:month":
            return day.isoformat()[:8] + "01"
    zone = ZoneInfo(site.timezone)
    local = datetime.fromtimestamp(one["at"] / 1000, zone).replace(minute=0, second=0, microsecond=0)
    instants = {local.replace(fold=fold).utcoffset() for fold in (0, 1)}
    return local.strftime("%Y-%m-%d %H:%M:%S") + (local.isoformat()[19:] if len(instants) == 2 else "")


def rounded(number: float, digits: int) -> float:
    """As a reader rounds."""
    return round(number, digits) if digits else int(number + 0.5)


Groups = dict[tuple[str, ...], list[tuple[list[Fields], list[Fields]]]]
"""Dimension values → visits, each with its matching events."""


def answer(question: dict[str, Any], events: list[Fields], *sites: SiteRef) -> dict[tuple[str, ...], list[Any]]:
    """What a question about these sites together should give."""
    groups: Groups = {}
    for site in sites:
        for key, hits in grouped(question, events, site).items():
            groups.setdefault(key, []).extend(hits)
    return {key: [metric(name, group) for name in question["metrics"]] for key, group in groups.items()}


def grouped(question: dict[str, Any], events: list[Fields], site: SiteRef) -> Groups:
    """The visits of a site that a question is about."""
    zone = ZoneInfo(site.timezone)
    since, until = (datetime.fromisoformat(text) for text in question["date_range"])
    exact = "T" in question["date_range"][0]
    first, last = (at.astimezone(zone).date() if exact else at.date() for at in (since, until))
    mine = [one for one in events if one["site"] == site.id and first <= one["day"] <= last and not one["bot"]]
    dimensions = question.get("dimensions", [])
    condition = ["and", question.get("filters", [])]
    groups: Groups = {} if dimensions else {(): []}
    for visit in cut_visits(mine):
        hits: dict[tuple[str, ...], list[Fields]] = {}
        for one in visit:
            inside = not exact or since.timestamp() * 1000 <= one["at"] < until.timestamp() * 1000 + 1000
            if inside and fulfils(condition, visit, one):
                for key in product(*(values_of(name, visit, one, site, first) for name in dimensions)):
                    hits.setdefault(key, []).append(one)
        for key, matching in hits.items():
            groups.setdefault(key, []).append((visit, matching))
    return groups


RATES = {
    "views_per_visit": (2, lambda visits, hits: sum(map(views, visits))),
    "bounce_rate": (2, lambda visits, hits: 100 * sum(map(bounced, visits))),
    "engagement_rate": (2, lambda visits, hits: 100 * sum(not bounced(visit) for visit in visits)),
    "single_page_rate": (2, lambda visits, hits: 100 * sum(views(v) <= 1 and not acted(v) for v in visits)),
    "visit_duration": (0, lambda visits, hits: sum(visit[-1]["at"] - visit[0]["at"] for visit in visits) / 1000),
    "engaged_time": (0, lambda visits, hits: sum(one["engaged_ms"] for one in hits) / 1000),
    "events_per_visit": (2, lambda visits, hits: sum(is_counted(one) for one in hits)),
}


def scroll_depth(group: list[tuple[list[Fields], list[Fields]]]) -> float | None:
    """Of each view the deepest that was told, on average; without a view's id a visitor's views of a page are one."""
    deepest: dict[tuple[Any, ...], int] = {}
    for _, matching in group:
        for one in matching:
            if one["name"] == "engagement" and one["scroll"]:
                view = (one["site"], one["day"], one["path"], one["page"] if any(one["page"]) else one["visitor"])
                deepest[view] = max(deepest.get(view, 0), one["scroll"])
    return rounded(sum(deepest.values()) / len(deepest), 0) if deepest else None


def metric(name: str, group: list[tuple[list[Fields], list[Fields]]]) -> float | None:
    """One number over the visits of a group, each with its matching events."""
    visits = [visit for visit, _ in group if is_person(visit)]
    hits = [one for _, matching in group for one in matching]
    if name in RATES:
        digits, total = RATES[name]
        return rounded(total(visits, hits) / len(visits), digits) if visits else 0
    if name == "scroll_depth":
        return scroll_depth(group)
    counts = {
        "visitors": len({(visit[0]["site"], visit[0]["day"], visit[0]["visitor"]) for visit in visits}),
        "visits": len(visits),
        "pageviews": sum(one["name"] == "pageview" for one in hits),
        "events": sum(is_counted(one) for one in hits),
    }
    return counts[name]
