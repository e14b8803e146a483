"""The SQL of rules over behaviour: by which of them a visit is taken for a machine's."""

from event_catalogue.behaviour import (
    FAST,
    FAST_MS,
    FAST_VIEWS,
    REGULAR,
    REGULAR_MS,
    REGULAR_PART,
    REGULAR_VIEWS,
    STILL,
    STILL_VIEWS,
)
from warehouse.metrics import VisitShape


def behaviour(shape: VisitShape) -> str:
    """The first rule that a visit breaks, "" for people's: an expression over `v`, its rows in order."""
    viewed, acted = f"v.{shape.place('viewed')}", f"v.{shape.place('acted')}"
    in_front, scroll, build = (f"v.{shape.place(name)}" for name in ("engaged_ms", "scroll", "build"))
    times = f"arrayFilter((t, viewed) -> viewed, v.1, {viewed})"
    pauses = f"arrayPopFront(arrayDifference({times}))"
    views, mean = "(length(p) + 1)", "(arraySum(p) / length(p))"
    spread = "(arrayMax(p) - arrayMin(p))"
    still = f"arraySum({in_front}) = 0 AND arrayMax({scroll}) = 0 AND arrayExists(b -> notEmpty(b), {build})"
    is_regular = f"({spread} <= {REGULAR_MS} OR {spread} <= {mean} / {REGULAR_PART})"
    found = (
        f"multiIf({views} >= {FAST_VIEWS} AND {mean} < {FAST_MS}, '{FAST}', "
        f"{views} >= {REGULAR_VIEWS} AND {is_regular} AND NOT has({acted}, 1), '{REGULAR}', "
        f"{still} AND NOT has({acted}, 1), '{STILL}', '')"
    )
    # Nine visits of ten have fewer page views than any rule asks for, and nothing is worked out for them.
    return f"if(arrayCount({viewed}) < {STILL_VIEWS}, '', arrayMap(p -> {found}, [{pauses}])[1])"
