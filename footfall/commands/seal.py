"""`footfall seal`: what the core does by itself, at once or for one day; through the core when it runs."""

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
@click.option("--final", is_flag=True, help="Without waiting: nothing of the days will come any more.")
@click.option("--dry-run", is_flag=True, help="Show what is due, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def seal(
    *,
    name: str | None,
    day: str | None,
    as_of: str | None,
    final: bool,
    dry_run: bool,
    as_json: bool,
    environment: Environment,
) -> None:
    """Seal days: count their aggregates, prove them against the raw rows, and keep them. A sealed day may be purged."""
    from control_store.sites import find_site
    from footfall.assembly import hold_core
    from footfall.sealing import Wish

    at = moment(as_of) if as_of else 0
    with open_control(environment) as store:
        site = find_site(store, name).id if name else 0
        wish = Wish(at, final, site, day_number(day), dry_run)
        progress = _Progress(as_json)
        lock = hold_core(environment, patience_s=0)
        if lock is None:
            told = by_core(store, "seal", wish._asdict(), progress)
        else:
            try:
                with sentences(), alone(environment, store) as (_, sealing, _):
                    told = sealing.fulfil(wish, progress)
            finally:
                os.close(lock)
    _report(told, as_json, dry_run)


class _Progress:
    """Prints each sealed day once."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._printed = 0

    def __call__(self, told: dict[str, Any]) -> None:
        for one in told.get("sealed", [])[self._printed :]:
            self._printed += 1
            if one["sealed"] and not self._as_json:
                click.echo(f"{one['day']}\t{one['site']}\t{one['aggregates']} aggregates\t{one['digest'][:16]}")


def _report(told: dict[str, Any], as_json: bool, dry_run: bool) -> None:
    failed = [one for one in told["sealed"] if not one["sealed"]]
    if as_json:
        say_json(told)
    elif dry_run:
        for one in told["due"]:
            click.echo(f"{one['day']}\t{one['site']}")
    if not as_json and not told["due"]:
        click.echo("Nothing is due; days wait 26 hours, and an hour after their newest row, unless `--final` is given.")
    if failed:
        raise click.ClickException(
            f"{len(failed)} days can't be sealed and are not purged; the first: {failed[0]['reason']}."
        )
