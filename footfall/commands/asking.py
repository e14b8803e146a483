"""Commands that need the warehouse: the running core does what they ask, for it alone may open it."""

import os
import time
from collections.abc import Callable
from typing import Any, Final

import click

from footfall.environment import Environment

_PAUSE_S: Final = 0.3


def by_core_or_alone(
    environment: Environment,
    store: Any,
    request: tuple[str, dict[str, Any]],
    *,
    on_progress: Callable[[dict[str, Any]], None],
    alone: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """The answer of the running core to `request`, its name and arguments; of `alone` when none runs."""
    from footfall.assembly import hold_core

    lock = hold_core(environment, patience_s=0)
    if lock is None:
        return _by_core(store, request, on_progress)
    try:
        return alone()
    finally:
        os.close(lock)


def _by_core(
    store: Any, request: tuple[str, dict[str, Any]], on_progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Ask, and wait for the answer."""
    from control_store.requests import ask, reply
    from footfall.assembly import clock

    number = ask(store, *request, now=clock())
    while not (found := reply(store, number)).done:
        on_progress(found.answer)
        time.sleep(_PAUSE_S)
    if found.error:
        raise click.ClickException(found.error)
    on_progress(found.answer)
    return dict(found.answer)
