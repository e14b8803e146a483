"""The numbers on top of a dashboard: value, change against an earlier period, and what the number is worth."""

from collections.abc import Mapping
from math import isnan
from typing import Any, Final, Literal, NamedTuple

from console.pages.formats import in_unit, whole
from console.pages.view import View, title_of
from event_catalogue.metrics import METRIC

_FEW: Final = 5
"""A change against fewer visitors than this says more about persons than about a site: it is not worked out."""
MARKS: Final = {
    "provisional": "Provisional: these days are not sealed yet, numbers may still grow",
    "merged": "Small groups are merged",
    "estimate": "An estimate",
    "not computable": "Can't be worked out any more: the raw rows are purged",
}
"""Marks of quality in words; an exact number needs none."""


class Change(NamedTuple):
    """Against the earlier period."""

    text: str
    direction: Literal["up", "down", "same", "none"]
    good: bool


class Tile(NamedTuple):
    """One number."""

    metric: str
    title: str
    text: str
    exact: str
    change: Change | None
    before: str
    mark: str
    link: str
    chosen: bool


def make_tiles(
    view: View, now: Mapping[str, float], before: Mapping[str, float], meta: Mapping[str, Any], *, days: int
) -> list[Tile]:
    """The tiles of a view; `before` is empty without a comparison."""
    return [
        Tile(
            metric=metric,
            title=title_of(metric, days),
            text=in_unit(METRIC[metric].unit, now[metric]),
            exact=whole(now[metric]) if now[metric] >= 100_000 else "",
            change=change_of(metric, now, before) if before else None,
            before=in_unit(METRIC[metric].unit, before[metric]) if before else "",
            mark=mark_of(meta, metric),
            link="?" + view.query(metric=metric),
            chosen=metric == view.metric,
        )
        for metric in view.tiles
    ]


def change_of(metric: str, now: Mapping[str, float], before: Mapping[str, float]) -> Change:
    """How much a metric has changed; `n/a` from nothing and from few visitors."""
    old, new = before[metric], now[metric]
    if not old or isnan(new - old) or before["visitors"] < _FEW or now["visitors"] < _FEW:
        return Change("n/a", "none", good=False)
    share = 100 * (new - old) / old
    if abs(share) < 0.5:
        return Change("0%", "same", good=False)
    rising = share > 0
    text = f"{'+' if rising else '−'}{abs(share):,.0f}%"
    return Change(text, "up" if rising else "down", good=rising != METRIC[metric].down_is_good)


def mark_of(meta: Mapping[str, Any], metric: str) -> str:
    """The mark of quality of a metric; empty where it is exact."""
    quality = meta.get("quality", {}).get(metric, {})
    mark = str(quality.get("mark", "")).replace("_", " ")
    return "" if mark == "exact" else mark


def is_provisional(meta: Mapping[str, Any], metric: str, label: str) -> bool:
    """Whether the number of a time label is provisional, by the days that its mark names."""
    quality = meta.get("quality", {}).get(metric, {})
    if quality.get("mark") != "provisional":
        return False
    days = quality.get("days") or ["", "9999"]
    return bool(days[0] <= label[:10] <= days[-1] or (len(label) == 10 and label[:7] in {days[0][:7], days[-1][:7]}))
