"""How a beacon ends that does not become rows: a counted reason, and what its sender is told."""

from typing import NamedTuple

from event_catalogue.event import Outcome


class Verdict(NamedTuple):
    """How a beacon ended before it became rows."""

    outcome: Outcome
    reason: str
    status: int = 204
    field: str = ""
    sentence: str = ""
