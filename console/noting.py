"""Writes the audit log for the console: what people change at once, what they only look at once a day."""

import asyncio
from collections.abc import Callable

from control_store.audit import Entry, note
from control_store.tables import ControlStore

_DAY_MS = 86_400_000
_REMEMBERED = 10_000


class Notes:
    """One for the process."""

    def __init__(self, store: ControlStore, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._today: set[tuple[int, str, str, str]] = set()

    async def note(self, who: str, action: str, *, site: str = "", subject: str = "") -> None:
        """Add an entry."""
        await asyncio.to_thread(note, self._store, Entry(self._clock(), who, action, site, subject))

    async def note_daily(self, who: str, action: str, *, site: str) -> bool:
        """Add an entry unless the same was added today; whether it was."""
        mark = (self._clock() // _DAY_MS, who, action, site)
        if mark in self._today:
            return False
        if len(self._today) >= _REMEMBERED:
            self._today.clear()
        self._today.add(mark)
        await self.note(who, action, site=site)
        return True
