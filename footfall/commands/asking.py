"""What commands share that work on the warehouse: through the running core, or alone when there is none."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

import click

from footfall.environment import Environment

_EPOCH: Final = date(1970, 1, 1)
_PAUSE_S: Final = 0.3


def by_core(
    store: Any, what: str, arguments: dict[str, Any], on_progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Ask the running core, and wait for its answer."""
    from control_store.requests import ask, reply
    from footfall.assembly import clock

    number = ask(store, what, arguments, now=clock())
    while not (found := reply(store, number)).done:
        on_progress(found.answer)
        time.sleep(_PAUSE_S)
    if found.error:
        raise click.ClickException(found.error)
    on_progress(found.answer)
    return dict(found.answer)


@contextmanager
def alone(environment: Environment, store: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The warehouse with all that lies in the spools, the loader that brought it there, and what seals and counts.

    A purge that was cut short is settled before anything is loaded; what people have asked to be erased goes before
    anything else is done.
    """
    from control_store.choices import open_withdrawals
    from control_store.erasures import open_erasures
    from footfall.assembly import clock
    from footfall.core import open_warehouse
    from footfall.jobs import publish_loaded
    from footfall.purging import Purging
    from footfall.sealing import Sealing
    from footfall.takers import takers
    from loader.loop import Hooks, Loader
    from loader.settings import LoaderSettings
    from spool.crash import crash_points
    from warehouse.events import EventTable

    warehouse = open_warehouse(environment)
    try:
        crash = crash_points(environment.crash)
        hooks = Hooks(takers(store), crash=crash)
        loader = Loader(environment.spool, EventTable(warehouse), settings=LoaderSettings(), clock=clock, hooks=hooks)
        try:
            sealing = Sealing(warehouse, store, loader.at_rest, clock, crash, spools=environment.spool)
            purging = Purging(environment, store, warehouse, sealing, loader.step)
            if not loader.in_doubt:
                purging.settle()
            while loader.step().records:
                pass
            publish_loaded(store, environment)
            if open_withdrawals(store) or open_erasures(store):
                purging.erase()
            yield warehouse, sealing, purging
        finally:
            loader.close()
    finally:
        warehouse.close()


def moment(text: str) -> int:
    """A moment (ms UTC) as it is written. Raises UsageError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"'{text[:40]}' is no time; write it like 2025-01-31T12:00:00Z.") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def day_number(text: str | None) -> int:
    """A day as it is written, in days since 1970-01-01; -1 for none. Raises UsageError."""
    if text is None:
        return -1
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise click.UsageError(f"'{text[:40]}' is no day; write it like 2025-01-31.") from None
