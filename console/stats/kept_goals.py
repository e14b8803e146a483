"""Which sealed days can tell of goals and funnels, and by which definition: a seal knows those that were declared then.

A day that was sealed before is counted from its raw rows as long as they are there. Where they are gone, or where the
goal meant something else then, the answer says of which days.
"""

# ruff: noqa: S608  the text is fixed; values are bound

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from console.stats.kept import Kept
from console.stats.plan import EPOCH
from event_catalogue.aggregates import GOALS, WITHHELD
from event_catalogue.goals import Aims
from warehouse.client import Param, Record
from warehouse.rollup_rows import SEPARATOR

Ask = Callable[[str, dict[str, Param]], list[Record]]


class Known(NamedTuple):
    """What sealed days know of the goals or funnels that are asked for, by name."""

    missing: dict[str, set[int]]
    """Days that do not know it."""
    changed: dict[str, set[int]]
    """Days on which it meant something else."""
    withheld: dict[str, set[int]]
    """Days on which too few reached it or did not."""

    @property
    def lacking(self) -> set[int]:
        """Days that do not know all of them."""
        return set().union(*self.missing.values())

    def meta(self, days: Collection[int]) -> dict[str, dict[str, list[list[str]]]]:
        """For the answer, about those of its days that are answered from seals: name → what is lacking, and when."""
        parts = {"not_counted": self.missing, "counted_otherwise": self.changed, "withheld": self.withheld}
        found: dict[str, dict[str, list[list[str]]]] = {}
        for word, names in parts.items():
            for name, lacks in names.items():
                if mine := lacks & set(days):
                    found.setdefault(name, {})[word] = _runs(mine)
        return found


def known(site: int, kept: Kept, aims: Aims, runs: Mapping[int, int], ask: Ask) -> Known:
    """`runs`: by sealed day."""
    wanted = _wanted(kept, aims)
    params: dict[str, Param] = {
        "site": site,
        "dimension": kept.dimension,
        "runs": list(runs.values()),
        "first": min(runs),
        "last": max(runs),
    }
    rows = ask(
        "SELECT key, parent, groupArray(toUInt16(day)), "
        f"groupArrayIf(toUInt16(day), visitors = {WITHHELD}) FROM rollups WHERE site = {{site:UInt32}} AND "
        "dimension = {dimension:String} AND day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16}) AND "
        "run IN {runs:Array(UInt64)} GROUP BY key, parent",
        params,
    )
    seen: dict[str, set[int]] = {name: set() for name in wanted}
    changed: dict[str, set[int]] = {name: set() for name in wanted}
    withheld: dict[str, set[int]] = {name: set() for name in wanted}
    for key, digest, days, few in rows:
        name = str(key).partition(SEPARATOR)[0]
        if name in wanted:
            seen[name] |= set(map(int, days))
            withheld[name] |= set(map(int, few))
            if digest != wanted[name]:
                changed[name] |= set(map(int, days))
    return Known({name: set(runs) - days for name, days in seen.items()}, changed, withheld)


def _wanted(kept: Kept, aims: Aims) -> dict[str, str]:
    """Name → digest of what is asked for."""
    if kept.dimension == GOALS:
        return {goal.name: goal.digest for goal in aims.goals if kept.value in (None, goal.name)}
    funnels = (funnel for funnel in aims.funnels if f"{funnel.name}{SEPARATOR}" == kept.inside)
    return {funnel.name: aims.digest(funnel) for funnel in funnels}


def _runs(days: Iterable[int]) -> list[list[str]]:
    """Days as first and last of each run of them."""
    found: list[list[int]] = []
    for day in sorted(days):
        if found and found[-1][1] == day - 1:
            found[-1][1] = day
        else:
            found.append([day, day])
    return [[(EPOCH + timedelta(days=day)).isoformat() for day in run] for run in found]


def goal_marks(quality: Mapping[str, Any], lacks: Mapping[str, Mapping[str, Any]]) -> None:
    """Put what is lacking into the marks of an answer."""
    for mark in quality.values():
        if any("not_counted" in one for one in lacks.values()):
            mark["mark"] = "not computable"
            mark["reason"] = (
                "some days were sealed before the goal was declared, and their raw rows are gone: meta.goals"
            )
        elif lacks and mark["mark"] in ("exact", "merged"):
            mark["mark"] = "merged"
            mark["reason"] = "days are left out on which too few people reached the goal or did not: meta.goals"
            if not any("withheld" in one for one in lacks.values()):
                mark["reason"] = "the goal meant something else on some of the days: meta.goals"
