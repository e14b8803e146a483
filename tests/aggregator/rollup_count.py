"""Aggregates of a day counted by hand: visits by plain loops, small groups merged as DESIGN says, in sets of people."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tests.console.stats.counting import acted, bounced, cut_visits, is_counted, is_person, shown, text_of, value, views

Event = dict[str, Any]
NAMES = (
    "visitors visits pageviews events bounces engaged_visits single_page_visits visit_pageviews visit_ms engaged_ms"
).split()
INSIDE = {
    "region": ["country"],
    "city": ["country", "region"],
    "city_id": ["country", "region", "city"],
    "browser_version": ["browser"],
    "os_version": ["os"],
    "source": ["source_kind"],
    "screen": ["screen_class"],
}
Hits = list[tuple[list[Event], list[Event]]]
"""Visits, each with those of its events that lie in the cell."""


def people(hits: Hits) -> set[Any]:
    """Who is in a cell: its visitors; where there are none, each message of nobody is somebody."""
    persons = {visit[0]["visitor"] for visit, _ in hits if is_person(visit)}
    return persons or {("nobody", visit[0]["beacon"]) for visit, _ in hits}


def numbers(hits: Hits) -> dict[str, int]:
    """The measures of a cell."""
    visits = [visit for visit, _ in hits if is_person(visit)]
    events = [one for _, found in hits for one in found]
    return {
        "visitors": len({visit[0]["visitor"] for visit in visits}),
        "visits": len(visits),
        "pageviews": sum(one["name"] == "pageview" for one in events),
        "events": sum(is_counted(one) for one in events),
        "bounces": sum(map(bounced, visits)),
        "engaged_visits": sum(not bounced(visit) for visit in visits),
        "single_page_visits": sum(views(visit) < 2 and not acted(visit) for visit in visits),
        "visit_pageviews": sum(map(views, visits)),
        "visit_ms": sum(visit[-1]["at"] - visit[0]["at"] for visit in visits),
        "engaged_ms": sum(one["engaged_ms"] for one in events),
    }


def most(hits: Hits, name: str) -> int:
    """The largest part of a sum that one person gives."""
    by_person: dict[Any, Hits] = defaultdict(list)
    for visit, found in hits:
        by_person[next(iter(people([(visit, found)])))].append((visit, found))
    return max(numbers(own)[name] for own in by_person.values())


def hour(one: Event, zone: ZoneInfo) -> str:
    """The instant at which the event's hour of the day began."""
    day: date = one["day"]
    start = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000
    after = day + timedelta(days=1)
    end = int(datetime(after.year, after.month, after.day, tzinfo=zone).timestamp()) * 1000
    at = max(start, min(one["at"], end - 1))
    return str(start + (at - start) // 3_600_000 * 3_600_000)


def key_of(name: str, visit: list[Event], one: Event, zone: ZoneInfo) -> str:
    """What an event is counted under."""
    if name == "time:hour":
        return hour(one, zone)
    plain = {"city_id": "visit:city"}.get(name, name)
    stored = (
        value(plain, visit, one)
        if name != "city_id"
        else next((text_of(e, "city_id") for e in visit if text_of(e, "city_id")), "")
    )
    return shown(name, stored) if stored else ""


def count_dimension(
    name: str, visits: list[list[Event]], k: int, zone: ZoneInfo, kept: dict[str, set[Any]]
) -> dict[Any, Hits]:
    """Merged cells of one dimension: (key, parent) → visits. Remembers what it showed in `kept`."""
    cells: dict[Any, Hits] = defaultdict(list)
    outer = INSIDE.get(name, [])
    for visit in visits:
        found: dict[Any, list[Event]] = defaultdict(list)
        for one in visit:
            parent = "\x1f".join(value(inner, visit, one) for inner in outer)
            found[key_of(name, visit, one, zone), parent].append(one)
        for key, events in found.items():
            cells[key].append((visit, events))
    groups: dict[str, dict[Any, Hits]] = defaultdict(dict)
    for (key, parent), hits in cells.items():
        known = not outer or parent in kept[outer[-1]]
        groups[parent if known else "(other)"][key, parent] = hits
    result: dict[Any, Hits] = {}
    for parent, mine in groups.items():
        lost = bool(outer) and parent not in kept[outer[-1]]
        hidden = [key for key, hits in mine.items() if lost or len(people(hits)) < k]
        together = people([hit for key in hidden for hit in mine[key]])
        if (
            hidden
            and not lost
            and (len(hidden) < 2 or not k <= len(together) < len(hidden) * (k - 1))
            and len(hidden) < len(mine)
        ):
            hidden.append(
                min((key for key in mine if key not in hidden), key=lambda key: (len(people(mine[key])), key[0]))
            )
        for key, hits in mine.items():
            if key not in hidden:
                result[key[0], parent] = hits
        if hidden:
            result["(other)", parent] = union([mine[key] for key in hidden])
    kept[name] = {f"{parent}\x1f{key}" if outer else key for key, parent in result if key != "(other)"}
    return result


def union(many: list[Hits]) -> Hits:
    """Each visit once, with all of its events in any of the cells."""
    found: dict[int, tuple[list[Event], list[Event]]] = {}
    for hits in many:
        for visit, events in hits:
            found.setdefault(id(visit), (visit, []))[1].extend(events)
    return list(found.values())


def publish(
    cells: dict[Any, Hits], k: int, secret: Callable[[str, int], bool] = lambda parent, place: False
) -> dict[Any, list[int]]:
    """What is shown of the cells: -1 for what is withheld. k = 0: all, as of a day that is not sealed. `secret`: whether
    a parent's number at a place is withheld."""
    published = {}
    for key, hits in cells.items():
        counted = numbers(hits)
        if len(people(hits)) < k:
            counted = {name: number if name in NAMES[:3] else -1 for name, number in counted.items()}
        published[key] = counted
    for name in ("visit_ms", "engaged_ms") if k else ():
        for parent in {under for _, under in cells}:
            mine = [key for key in cells if key[1] == parent]
            hidden = [key for key in mine if 2 * most(cells[key], name) > published[key][name]]
            rest = sorted(
                (key for key in mine if key not in hidden), key=lambda key: (published[key][name], order(key))
            )
            if rest and (len(hidden) == 1 or not hidden) and secret(parent, NAMES.index(name)) != bool(hidden):
                hidden.append(rest[0])
            for key in hidden:
                published[key][name] = -1
    return {key: [counted[name] for name in NAMES] for key, counted in published.items()}


def order(key: Any) -> Any:
    """Shown cells by parent and key, `(other)` behind them."""
    return key[0] == "(other)", key[1], key[0]


def _secret(outer: dict[Any, list[int]], parent: str, place: int, *, nested: bool) -> bool:
    """Whether what lies under a parent adds up to something that is withheld. `outer`: the rows of its dimension."""
    return any(row[place] == -1 for key, row in outer.items() if path_of(key, nested=nested) == parent)


def path_of(key: tuple[str, str], *, nested: bool) -> str:
    """Under which parent values lie in (key, parent)."""
    return f"{key[1]}\x1f{key[0]}" if nested and key[0] != "(other)" else key[0]


def count_day(
    events: list[Event], site: int, day: date, k: int, zone: str, names: list[str]
) -> dict[str, dict[Any, list[int]]]:
    """Every dimension of a site's day → (key, parent) → measures; the totals under ""."""
    mine = [one for one in events if one["site"] == site and one["day"] == day and not one["bot"]]
    visits = cut_visits(mine)
    if not visits:
        return {}
    whole: Hits = [(visit, visit) for visit in visits]
    kept: dict[str, set[Any]] = {}
    result = {"": publish({("", ""): whole}, k)}
    for name in names:
        outer = INSIDE.get(name, [""])[-1]
        secret = partial(_secret, result[outer], nested=outer in INSIDE)
        result[name] = publish(count_dimension(name, visits, k, ZoneInfo(zone), kept), k, secret)
    return result
