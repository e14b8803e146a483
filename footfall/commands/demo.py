"""`footfall demo generate`: invented traffic, to look at the product with; with the server stopped or running."""

import sys

import click

from footfall.commands.options import installation, open_control, say_json, sentences
from footfall.environment import Environment


@click.group()
def demo() -> None:
    """Invented traffic, to look at the product with."""


@demo.command()
@click.option("--site", "name", default="invented.example", show_default=True, help="Domain; added when missing.")
@click.option("--visitors", type=click.IntRange(1, 200_000), default=3_000, show_default=True, help="Of a usual day.")
@click.option("--days", type=click.IntRange(1, 395), default=60, show_default=True, help="That end yesterday.")
@click.option("--until", metavar="DAY", help="Last day instead, such as 2025-01-31.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed invents the same traffic.")
@click.option("--timezone", default="Europe/Zurich", show_default=True, help="Zone of a site that is added.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def generate(
    *,
    name: str,
    visitors: int,
    days: int,
    until: str | None,
    seed: int,
    timezone: str,
    as_json: bool,
    environment: Environment,
) -> None:
    """Invent months of traffic of a site; every row is marked `invented`. The same again changes nothing."""
    from collector.importers.invented import Shape
    from collector.importers.invented_import import import_invented
    from collector.importers.staging import ImportBusy, importing
    from control_store.sites import NewSite, add_site, find_site
    from control_store.snapshot import UnknownSite
    from footfall.assembly import clock
    from footfall.importing import import_settings

    with open_control(environment) as store:
        try:
            site = find_site(store, name)
        except UnknownSite:
            site = add_site(store, NewSite(name, timezone), now=clock())
        zone = site.timezone_at(clock())
        last = _last_day(until, zone, clock())
        shape = Shape(site.id, site.domain, zone, visitors, seed, site.settings.raw_days)
        settings = import_settings(environment)
        try:
            with sentences(), importing(store, settings), click.progressbar(length=days, file=sys.stderr) as bar:
                events = import_invented(
                    store, settings, shape, range(last - days + 1, last + 1), on_day=lambda _: bar.update(1)
                )
        except ImportBusy as busy:
            raise click.ClickException(str(busy)) from None
    if as_json:
        say_json({"site": site.domain, "key": site.key, "days": days, "events": events or 0, "known": events is None})
    elif events is None:
        click.echo(f"{site.domain}: invented before, nothing changed.")
    else:
        click.echo(f"{site.domain}: {events} invented events on {days} days.")


def _last_day(until: str | None, zone: str, now: int) -> int:
    from datetime import date

    from event_catalogue.days import local_day

    if until is None:
        return local_day(zone, now) - 1
    try:
        return (date.fromisoformat(until) - date(1970, 1, 1)).days
    except ValueError:
        raise click.UsageError(f"'{until[:40]}' is no day; write it like 2025-01-31.") from None
