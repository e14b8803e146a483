"""Which rows count as people's: those that no bot rule has marked, and those whose rule a site counts all the same.

Rules over agents and networks stand in each row for good (`bot`). What rules over behaviour find stands beside the
visits (`rule` of the table `visits`), for all that a visitor did on a day. What follows from either is decided when
rows are read. So a site can change its mind as long as the rows live.
"""

# ruff: noqa: S608  the text is fixed; values are bound

from collections.abc import Iterable, Mapping
from typing import Final

from event_catalogue.behaviour import BEHAVIOUR

KEPT: Final = "{kept:Array(Tuple(UInt32, String))}"
PEOPLE: Final = f"(bot = '' OR (site, bot) IN {KEPT} OR (site, concat(substringIndex(bot, ':', 1), ':*')) IN {KEPT})"
"""The condition on rows of `events`, behaviour apart. Its value `kept` is what `kept_rules` gives; where no site counts
any rule the engine drops all but the first part, and it costs nothing."""
COUNTED: Final = f"(rule = '' OR (site, rule) IN {KEPT} OR (site, '{BEHAVIOUR}:*') IN {KEPT})"
"""The condition on rows of `visits`."""


def behaved(where: str) -> str:
    """The condition on rows of `events` that leaves out visitors who behaved like machines. `where` picks the sites and
    days, in either table.

    Where nobody did it is folded away. Whom an older row of a visitor names is looked up in the newest one.
    """
    found = f"FROM visits WHERE {where} AND rule != ''"
    machines = (
        f"SELECT visitor FROM visits FINAL WHERE {where} AND visitor IN (SELECT visitor {found}) AND NOT {COUNTED}"
    )
    return f"((SELECT count() {found}) = 0 OR visitor NOT IN ({machines}))"


def kept_rules(rules: Mapping[int, Iterable[str]]) -> list[tuple[int, str]]:
    """Site → the rules that it counts (`kind:*` for all of a kind), as the value of `kept`."""
    return [(site, rule) for site, counted in rules.items() for rule in counted]
