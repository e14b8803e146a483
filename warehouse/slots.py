"""Who may ask the warehouse at the same time, and what becomes of a question that is given up.

Each slot has clients of its own, so that a slow dashboard can't keep the loader waiting. A statement waits for its
turn for a limited time and is then told to come later. A named statement can be cancelled in every state: while it
waits, in the moment in which it is handed to the engine, and while it runs.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, Literal, TypeVar

from warehouse.errors import TryLater

Slot = Literal["loader", "seal", "console", "control"]
"""Who asks. `control` is for short looks, for DDL and for cancelling, and is never behind a long question."""

SLOT_SIZE: Final[dict[Slot, int]] = {"loader": 1, "seal": 1, "console": 2, "control": 2}
"""Statements at once in each slot; two console queries leave the rest of the machine usable."""

CANCELLED: Final = 394
"""ClickHouse's code for a statement that was cancelled."""

_TRIES: Final = 40
_PAUSE_SECONDS: Final = 0.05

Client = TypeVar("Client")


class Clients(Generic[Client]):
    """The clients of one slot: made when first needed, at most `size`, each used by one thread at a time."""

    def __init__(self, slot: Slot, connect: Callable[[Slot], Client], wait_seconds: float) -> None:
        self._slot = slot
        self._size = SLOT_SIZE[slot]
        self._connect = connect
        self._wait = wait_seconds
        self._free = threading.BoundedSemaphore(self._size)
        self._idle: list[Client] = []

    @contextmanager
    def borrow(self) -> Iterator[Client]:
        """A client for one statement. Raises TryLater when all are busy for too long, or what connecting raises."""
        if not self._free.acquire(timeout=self._wait):
            raise TryLater(f"The slot {self._slot} is busy with {self._size} statements; ask again in a moment.")
        try:
            client = self._take()
            try:
                yield client
            finally:
                self._idle.append(client)
        finally:
            self._free.release()

    def drain(self) -> list[Client]:
        """Wait for running statements and give back every client, for closing."""
        for _ in range(self._size):
            self._free.acquire()
        drained, self._idle = self._idle, []
        for _ in range(self._size):
            self._free.release()
        return drained

    def _take(self) -> Client:
        try:
            return self._idle.pop()  # list.pop and append are atomic; the semaphore bounds how many are out
        except IndexError:
            return self._connect(self._slot)


class _Statement:
    """Where a named statement stands."""

    def __init__(self) -> None:
        self.handed_over = False
        self.given_up = False


class Named:
    """The named statements under way, so that one can be stopped wherever it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statements: dict[str, _Statement] = {}

    @contextmanager
    def running(self, name: str) -> Iterator[Callable[[], None]]:
        """Around the statement `name`. Gives what to call when its turn has come; that raises TryLater if given up."""
        statement = _Statement()
        with self._lock:
            self._statements[name] = statement
        try:
            yield lambda: self._hand_over(statement)
        finally:
            with self._lock:
                if self._statements.get(name) is statement:
                    del self._statements[name]

    def stop(self, name: str, kill: Callable[[], None]) -> None:
        """Give the statement up; if the engine has it, kill it there until it has ended, for two seconds at most."""
        with self._lock:
            statement = self._statements.get(name)
            if statement is not None:
                statement.given_up = True
                if not statement.handed_over:
                    return
        kill()  # also without a statement of ours: the name may be that of an insert, or of another process
        for _ in range(_TRIES):
            with self._lock:
                if statement is None or self._statements.get(name) is not statement:
                    return
            # Between its turn and the engine's list of processes a statement can't be seen: look again.
            time.sleep(_PAUSE_SECONDS)
            kill()

    def _hand_over(self, statement: _Statement) -> None:
        with self._lock:
            if statement.given_up:
                raise TryLater("The question was given up before its turn.", code=CANCELLED)
            statement.handed_over = True
