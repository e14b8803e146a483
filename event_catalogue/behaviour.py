"""By what a visit does it is taken for a machine's: rules over its page views, beside those over agents and networks.

Who breaks one of them in a visit is a machine for that day. The rules are narrow, for a false find costs more than a
crawler: a quick reader, a gallery that is leafed through and ten tabs opened at once are people.
"""

from typing import Final

BEHAVIOUR: Final = "behaviour"
"""The kind of these rules: what their names begin with."""
STILL_VIEWS: Final = 10
FAST_VIEWS: Final = 30
FAST_MS: Final = 500
REGULAR_VIEWS: Final = 20
REGULAR_MS: Final = 100
REGULAR_PART: Final = 50
"""One of so many parts of the mean."""

STILL: Final = f"{BEHAVIOUR}:no-engagement"
FAST: Final = f"{BEHAVIOUR}:fast"
REGULAR: Final = f"{BEHAVIOUR}:regular"
BEHAVIOURS: Final = (FAST, REGULAR, STILL)
"""The rules; the first that holds is named."""
