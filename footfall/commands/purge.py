"""`footfall purge`: raw rows whose period is over, at once or for one day; through the core when it runs."""

import os
from typing import Any

import click

from footfall.commands.asking import alone, by_core, day_number, moment
from footfall.commands.options import installation, open_control, say_json, sentences
from footfall.environment import Environment


@click.command()
@click.option("--site", "name", help="Id, key or domain; all sites without.")
@click.option("--day", metavar="DAY", help="One day, such as 2025-01-31; all that are due without.")
@click.option(
    "--as-of", metavar="TIME", help="What is due at this ISO time. Without --dry-run it confirms the clock, too."
)
@click.option("--dry-run", is_flag=True, help="Show what is due, and do nothing.")
@click.option("--raw-days", type=click.IntRange(0, 395), help="With --dry-run: what would be due with this setting.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def purge(
    *,
    name: str | None,
    day: str | None,
    as_of: str | None,
    dry_run: bool,
    raw_days: int | None,
    as_json: bool,
    environment: Environment,
) -> None:
    """Delete raw rows whose period is over, of days that are sealed and proven, and show that they are gone.

    Each purge is in the ledger twice: as it is intended, and when no file holds its rows any more.
    """
    from control_store.sites import find_site
    from footfall.assembly import hold_core
    from footfall.purging import PurgeWish

    if raw_days is not None and not dry_run:
        raise click.UsageError("--raw-days only shows what would be due: add --dry-run, or use `footfall site set`.")
    at = moment(as_of) if as_of else 0
    with open_control(environment) as store:
        site = find_site(store, name).id if name else 0
        wish = PurgeWish(at, site, day_number(day), dry_run, -1 if raw_days is None else raw_days)
        lock = hold_core(environment, patience_s=0)
        if lock is None:
            told = by_core(store, "purge", wish._asdict(), lambda _: None)
        else:
            try:
                with sentences(), alone(environment, store) as (_, _, purging):
                    told = purging.fulfil(wish)
            finally:
                os.close(lock)
    _report(told, as_json, dry_run)


def _report(told: dict[str, Any], as_json: bool, dry_run: bool) -> None:
    if as_json:
        say_json(told)
    else:
        _print(told, dry_run)
    if dry_run:
        return
    waiting = [one for one in told["purged"] if not one["done"]]
    if waiting:
        first = waiting[0]
        raise click.ClickException(
            f"{len(waiting)} purges are not at their end; the first, of {first['day']}: {first['remark']}. "
            "A running `footfall serve` goes on with them, or run this again."
        )
    if held := [one for one in told["held"] if not one["hold"]]:
        first = held[0]
        raise click.ClickException(
            f"{len(held)} days are due and may not be purged; the first: {first['day']} of {first['site']}, "
            f"{first['why']}."
        )


def _print(told: dict[str, Any], dry_run: bool) -> None:
    if dry_run:
        for one in told["due"]:
            click.echo(f"{one['day']}\t{one['rows']} rows of {one['sites']} sites\t{one['method']}")
        for one in told["held"]:
            click.echo(f"{one['day']}\t{one['site']} is held back: {one['why']}")
    for one in told["purged"]:
        click.echo(f"{one['day']}\t{one['rows']} rows\t{'gone' if one['done'] else one['remark']}")
    if not told["due"] and not told["held"]:
        click.echo("Nothing is due: raw rows stay for the days that a site's `raw_days` says.")
