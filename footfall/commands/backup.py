"""`footfall backup`: copies of aggregates and control store, and their way back, on which nothing destroyed returns."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from footfall.commands.asking import alone, by_core
from footfall.commands.options import installation, noted, open_control, say_json, sentences
from footfall.environment import Environment


@click.group()
def backup() -> None:
    """Backups of aggregates and control store; a restore brings nothing back that was purged or erased since."""


@backup.command()
@click.option("--raw", is_flag=True, help="With the raw rows too; such a backup is destroyed within days.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def create(raw: bool, as_json: bool, environment: Environment) -> None:
    """Make a backup in the directory that the setting backup_dir names.

    Beside it the tombstones are kept from now on: an erasure is done when they lie there.
    """
    from footfall.assembly import hold_core
    from footfall.backing_up import make_backup

    with _sentences(), open_control(environment) as store:
        lock = hold_core(environment, patience_s=0)
        if lock is None:
            told = by_core(store, "backup", {"raw": raw}, lambda _: None)
        else:
            try:
                with sentences(), alone(environment, store) as (warehouse, _, _):
                    told = make_backup(environment, store, warehouse, raw=raw)
            finally:
                os.close(lock)
        noted(store, "create_backup", subject=told["backup"])
    if as_json:
        say_json(told)
    else:
        click.echo(_line(told))


@backup.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def list_(as_json: bool, environment: Environment) -> None:
    """List the backups in every place where this installation has some."""
    from control_store.targets import list_targets
    from footfall.backing_up import described
    from retention.backup import Backups

    with _sentences(), open_control(environment) as store:
        found = [
            {**described(one), "place": path} for path in list_targets(store) for one in Backups(Path(path)).list()
        ]
    if as_json:
        say_json(found)
        return
    for one in found:
        click.echo(f"{_line(one)}\t{one['place']}")
    if not found:
        click.echo("There is no backup; `footfall backup create` makes one.")


@backup.command()
@click.argument("name", required=False, default="")
@click.option("--from", "root", type=click.Path(path_type=Path), help="Directory of backups; else backup_dir.")
@click.option("--head", "noted_head", metavar="NUMBER:HASH", help="A head of the ledger that was noted down.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def restore(*, name: str, root: Path | None, noted_head: str | None, as_json: bool, environment: Environment) -> None:
    """Restore a backup, the newest without NAME, into an empty data directory.

    What was purged or erased since does not come back, and holds that were made since hold; without the tombstones
    nothing is restored. With --head it is found out too when the end of both is missing.
    """
    from footfall.assembly import hold_core
    from footfall.restoring import restore as restored
    from retention.ledger import parse_head
    from spool.crash import crash_points

    place = root or (Path(environment.backup_dir) if environment.backup_dir else None)
    if place is None:
        raise click.UsageError("Say where the backups are, with --from or by the setting backup_dir.")
    try:
        head = parse_head(noted_head) if noted_head else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--head") from None
    environment.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = hold_core(environment, patience_s=0)
    if lock is None:
        raise click.ClickException(f"A core works on {environment.data}; stop it, and restore into an empty directory.")
    try:
        with _sentences(), sentences():
            told = restored(environment, place.absolute(), name, head, crash_points(environment.crash))
    finally:
        os.close(lock)
    if as_json:
        say_json(told)
        return
    for word, found in told.items():
        click.echo(f"{word}: {found}")
    if head is None:
        click.echo(
            "Whether the newest entries of ledger and tombstones are missing can't be told without a head (--head)."
        )


@backup.command()
@click.option(
    "--lost", type=click.Path(path_type=Path), help="A place whose backups are destroyed: wait for it no more."
)
@installation
def prune(lost: Path | None, environment: Environment) -> None:
    """Destroy the backups whose period is over; the core does it every hour."""
    from footfall.assembly import clock
    from footfall.backing_up import prune_backups
    from footfall.books import open_ledger
    from retention.backup import give_up_target

    with _sentences(), sentences(), open_control(environment) as store:
        if lost is not None:
            give_up_target(store, open_ledger(environment, store), lost.absolute(), now=clock())
            noted(store, "lose_backups", subject=str(lost.absolute()))
            click.echo(f"Nobody waits for {lost} any more.")
            return
        gone = prune_backups(environment, store)
        for name in gone:
            click.echo(f"{name} is destroyed.")
        if not gone:
            click.echo("No backup is over its period.")


def _line(one: dict[str, Any]) -> str:
    made, until = (
        datetime.fromtimestamp(one[name] / 1000, UTC).isoformat(timespec="minutes") for name in ("made", "until")
    )
    rows = ", ".join(f"{count} rows of {table}" for table, count in one["rows"].items())
    return f"{one['backup']}\tmade {made}\tkept until {until}\t{rows}"


@contextmanager
def _sentences() -> Iterator[None]:
    from footfall.backing_up import FAULTS

    try:
        yield
    except FAULTS as error:
        raise click.ClickException(str(error)) from None
