"""What all commands share: the installation's options, its stores, and errors as one sentence."""

import functools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from footfall.environment import Environment, SettingError, read_environment


def installation(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command `environment`, from --data, FOOTFALL_<NAME> and footfall.toml."""

    @click.option("--data", metavar="DIR", help="Directory of everything that is kept.")
    @functools.wraps(command)
    def with_environment(*args: Any, data: str | None, **kwargs: Any) -> None:
        command(*args, environment=environment_of(data=data), **kwargs)

    return with_environment


def environment_of(**flags: Any) -> Environment:
    """The settings with these flags, or one sentence and exit code 2."""
    try:
        return read_environment(flags)
    except SettingError as error:
        raise click.UsageError(str(error)) from None


@contextmanager
def open_control(environment: Environment) -> Iterator[Any]:
    """The control store, made and migrated when missing; changes are published to the collectors afterwards."""
    from control_store.tables import ControlStore
    from footfall.assembly import clock, make_directories

    with sentences():
        make_directories(environment)
    store = ControlStore(environment.control) if environment.control else ControlStore.in_directory(environment.data)
    try:
        store.migrate()
        with sentences():
            yield store
        _publish(store, environment, clock())
    finally:
        store.close()


def noted(store: Any, action: str, *, site: str = "", subject: str = "") -> None:
    """Write into the audit log what a command changed."""
    from control_store.audit import Entry, note
    from footfall.assembly import clock

    note(store, Entry(clock(), "command line", action, site, subject))


def _publish(store: Any, environment: Environment, now: int) -> None:
    """Publish what changed, unless a core runs: it does so within a second, and it knows its own public address."""
    from footfall.assembly import hold_core
    from footfall.publishing import publish

    lock = hold_core(environment, patience_s=0)
    if lock is not None:
        publish(store, environment, now)
        os.close(lock)


@contextmanager
def sentences() -> Iterator[None]:
    """Turns the rooms' designed errors into one sentence and exit code 1."""
    from control_store.setting_items import BadSetting
    from control_store.snapshot import UnknownSite
    from footfall.assembly import SetUpError
    from footfall.sealing import ClockJump
    from footfall.supervisor import PortBusyError
    from retention.ledger import LedgerBroken
    from retention.tombstones import TargetLost
    from spool.errors import SpoolError
    from warehouse.errors import WarehouseError

    ours: tuple[type[Exception], ...] = (BadSetting, UnknownSite, SetUpError, PortBusyError, ClockJump)
    ours += (LedgerBroken, TargetLost, SpoolError, WarehouseError)
    try:
        yield
    except ours as error:
        raise click.ClickException(str(error)) from None


def say_json(content: Any) -> None:
    """Print for a script."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))
