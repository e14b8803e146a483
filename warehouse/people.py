"""Which rows count as people's: those that no bot rule has marked, and those whose rule a site counts all the same.

The rule stands in each row for good (`bot`); what follows from it is decided when rows are read. So a site can
change its mind as long as the rows live.
"""

from collections.abc import Iterable, Mapping
from typing import Final

KEPT: Final = "{kept:Array(Tuple(UInt32, String))}"
PEOPLE: Final = f"(bot = '' OR (site, bot) IN {KEPT} OR (site, concat(substringIndex(bot, ':', 1), ':*')) IN {KEPT})"
"""The condition on rows of `events`. Its value `kept` is what `kept_rules` gives; where no site counts any rule the
engine drops all but the first part, and it costs nothing."""


def kept_rules(rules: Mapping[int, Iterable[str]]) -> list[tuple[int, str]]:
    """Site → the rules that it counts (`kind:*` for all of a kind), as the value of `kept`."""
    return [(site, rule) for site, counted in rules.items() for rule in counted]
