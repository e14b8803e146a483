"""Questions in flight: equal ones share a run, and a run that nobody waits for any more is cancelled.

A run is a blocking call in a thread of a small pool; the warehouse limits how many go at once.
"""

import asyncio
import itertools
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any


class Gone(Exception):
    """Whoever asked has left: there is nobody to answer, and nothing is wrong."""


Work = Callable[[str], Any]
"""Runs a question under the query id it is given."""


@dataclass(slots=True)
class _Run:
    query_id: str
    future: asyncio.Future[Any]
    waiting: int = 0


class Sharing:
    """The runs of one console process."""

    def __init__(self, cancel: Callable[[str], None], threads: int = 8) -> None:
        self._cancel = cancel
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="question")
        self._runs: dict[Hashable, _Run] = {}
        self._numbers = itertools.count(1)

    async def result(self, key: Hashable, work: Work, gone: asyncio.Future[Any]) -> Any:
        """What `work` gives, run once for all who ask under `key` at the time. `gone` is done when the client left.

        Raises what `work` raises, and Gone when the client left.
        """
        run = self._runs.get(key)
        if run is None:
            run = self._start(key, work)
        run.waiting += 1
        try:
            await asyncio.wait((run.future, gone), return_when=asyncio.FIRST_COMPLETED)
            if not run.future.done():
                raise Gone
            return run.future.result()
        finally:
            run.waiting -= 1
            if not run.waiting and not run.future.done():
                self._abandon(key, run)

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self, key: Hashable, work: Work) -> _Run:
        query_id = f"footfall-question-{next(self._numbers)}"
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, query_id)
        run = self._runs[key] = _Run(query_id, future)
        future.add_done_callback(lambda done: self._forget(key, run, done))
        return run

    def _forget(self, key: Hashable, run: _Run, done: asyncio.Future[Any]) -> None:
        if self._runs.get(key) is run:
            del self._runs[key]
        if not done.cancelled():
            done.exception()  # looked at, so that a run that nobody waits for leaves no complaint

    def _abandon(self, key: Hashable, run: _Run) -> None:
        self._runs.pop(key, None)
        asyncio.get_running_loop().run_in_executor(None, self._cancel, run.query_id)

    def __len__(self) -> int:
        return len(self._runs)
