"""Answers of sealed days, remembered while the process runs: rows of a run never change, and a new seal has a new run.

So the same statement over the same runs has the same answer for ever, and nothing is ever stale. Only aggregates are
held, and only small answers: enough for what pages ask again and again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from warehouse.client import Param, Record

_ANSWERS: Final = 256
_MOST_ROWS: Final = 1_000
"""Of one answer: together at most some 50 MB."""


class Remembered:
    """The last few answers, by statement and values; safe to use from several threads."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[object, ...], list[Record]] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, sql: str, params: Mapping[str, Param], ask: Callable[[], list[Record]]) -> list[Record]:
        """The rows of a statement over given runs; `ask` fetches them the first time."""
        values = (tuple(value) if isinstance(value, list) else value for value in params.values())
        key = (sql, *params, *values)
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        rows = ask()
        if len(rows) <= _MOST_ROWS:
            with self._lock:
                self._answers[key] = rows
                while len(self._answers) > _ANSWERS:
                    self._answers.popitem(last=False)
        return rows
