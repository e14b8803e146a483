"""What commands ask of a running core, and what it answers: the core alone opens the warehouse."""

import json
from typing import Any, NamedTuple

import sqlalchemy as sa

from control_store.tables import REQUESTS, ControlStore

_KEPT_MS = 86_400_000


class Request(NamedTuple):
    """One request."""

    id: int
    what: str
    arguments: dict[str, Any]


class Reply(NamedTuple):
    """What has been answered so far."""

    done: bool
    answer: dict[str, Any]
    error: str


def ask(store: ControlStore, what: str, arguments: dict[str, Any], *, now: int) -> int:
    """Ask, and get the request's number. What was asked more than a day ago is forgotten."""
    with store.engine.begin() as connection:
        connection.execute(sa.delete(REQUESTS).where(REQUESTS.c.asked < now - _KEPT_MS))
        values = {
            "what": what,
            "arguments": json.dumps(arguments),
            "asked": now,
            "done": 0,
            "answer": "{}",
            "error": "",
        }
        result = connection.execute(sa.insert(REQUESTS).values(values))
        return int(result.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted


def open_requests(store: ControlStore, what: str) -> list[Request]:
    """What is not answered yet, the oldest first."""
    chosen = sa.select(REQUESTS).where(REQUESTS.c.what == what, REQUESTS.c.done == 0).order_by(REQUESTS.c.id)
    with store.engine.connect() as connection:
        return [Request(row.id, row.what, json.loads(row.arguments)) for row in connection.execute(chosen)]


def answer(store: ControlStore, request: Request, content: dict[str, Any], *, done: bool, error: str = "") -> None:
    """Say what has been done so far; `done` when that is all."""
    with store.engine.begin() as connection:
        change = sa.update(REQUESTS).where(REQUESTS.c.id == request.id)
        connection.execute(change.values(answer=json.dumps(content), done=int(done), error=error[:300]))


def reply(store: ControlStore, number: int) -> Reply:
    """What the core has answered so far. Raises LookupError for a request that was forgotten."""
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(REQUESTS).where(REQUESTS.c.id == number)).first()
    if row is None:
        raise LookupError(f"The request {number} was forgotten; ask again.")
    return Reply(bool(row.done), json.loads(row.answer), row.error)
