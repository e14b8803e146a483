"""What a site declares as its goals: acts of a visitor that it waits for.

A goal is reached by an event: one of a name (`event`), with a property of a value if that is wanted; a view of a page
(`page` alone, a pattern in which * stands for anything); or reading a page to a depth (`scroll`, in percent). `page`
narrows the first and the last, too.
"""

import hashlib
from typing import NamedTuple


class Goal(NamedTuple):
    """One goal of a site, by the name under which answers know it."""

    name: str
    event: str = ""
    prop: str = ""
    """Name of a property of the event; only with `event`."""
    value: str = ""
    """What that property must be; "" for anything but nothing."""
    page: str = ""
    scroll: int = 0
    """At least so many percent of the page were seen; only without `event`."""

    @property
    def kind(self) -> str:
        """The name of the events that can reach it."""
        return self.event or ("engagement" if self.scroll else "pageview")

    @property
    def digest(self) -> str:
        """What tells this definition from every other one of the same name."""
        told = "\x1f".join(map(str, (self.event, self.prop, self.value, self.page, self.scroll)))
        return hashlib.sha256(told.encode()).hexdigest()[:12]
