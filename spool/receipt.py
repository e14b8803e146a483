"""What a sender holds until its record is on the disk.

A future of asyncio hands each of its callbacks to the event loop, with a handle and a context of its own: 1 µs an
event, a twentieth of all the work that it brings. Receipts are settled on the loop anyway, a group at a time, so they
call at once. A callback that fails is logged and takes nothing from the others of its group.
"""

import asyncio
import logging
from collections.abc import Callable, Generator

_logger = logging.getLogger(__name__)


class Receipt:
    """Settled once: with the record's number, or with why there is none. Of one event loop, like everything on it."""

    __slots__ = ("_cancelled", "_done", "_error", "_number", "_told")

    def __init__(self) -> None:
        self._done = self._cancelled = False
        self._number = 0
        self._error: Exception | None = None
        self._told: tuple[Callable[[Receipt], object], ...] = ()

    def done(self) -> bool:
        """Whether it is settled, or given up."""
        return self._done

    def cancelled(self) -> bool:
        """Whether it was given up: what is recorded stays recorded."""
        return self._cancelled

    def exception(self) -> Exception | None:
        """Why there is no record, None if there is one. To be asked when it is done."""
        return self._error

    def result(self) -> int:
        """The record's number. Raises what kept it from the disk."""
        if self._cancelled:
            raise asyncio.CancelledError
        if self._error is not None:
            raise self._error
        return self._number

    def cancel(self) -> None:
        """Whoever waited has gone."""
        if not self._done:
            self._cancelled = True
            self._settle()

    def set_result(self, number: int) -> None:
        """The record of this number is on the disk."""
        self._number = number
        self._settle()

    def set_exception(self, error: Exception) -> None:
        """There is no record."""
        self._error = error
        self._settle()

    def add_done_callback(self, call: Callable[["Receipt"], object]) -> None:
        """Call when it is settled; at once if it is."""
        if self._done:
            call(self)
        else:
            self._told += (call,)

    def __await__(self) -> Generator[object, None, int]:
        if not self._done:
            waiter = asyncio.get_running_loop().create_future()
            self.add_done_callback(lambda _: None if waiter.done() else waiter.set_result(None))
            yield from waiter
        return self.result()

    def _settle(self) -> None:
        self._done = True
        told, self._told = self._told, ()
        for call in told:
            try:
                call(self)
            except Exception:
                _logger.exception("Somebody who was told of a record failed.")
