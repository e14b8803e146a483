"""`footfall seal`: what the core does by itself, at once or for one day; through the core when it runs."""

from datetime import UTC, date, datetime
from typing import Any, Final

import click

from footfall.commands.asking import by_core_or_alone
from footfall.commands.options import installation, open_control, say_json, sentences
from footfall.environment import Environment

_EPOCH: Final = date(1970, 1, 1)


@click.command()
@click.option("--site", "name", help="Id, key or domain; all sites without.")
@click.option("--day", metavar="DAY", help="One day, such as 2025-01-31; all that are due without.")
@click.option("--as-of", metavar="TIME", help="What is due at this ISO time; confirms the clock too.")
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
    from footfall.sealing import Wish

    moment = _moment(as_of) if as_of else 0
    with open_control(environment) as store:
        site = find_site(store, name).id if name else 0
        wish = Wish(moment, final, site, _day(day), dry_run)
        progress = _Progress(as_json)
        told = by_core_or_alone(
            environment,
            store,
            ("seal", wish._asdict()),
            on_progress=progress,
            alone=lambda: _alone(environment, store, wish, progress),
        )
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


def _alone(environment: Environment, store: Any, wish: Any, progress: _Progress) -> dict[str, Any]:
    """Load what lies in the spools, and seal."""
    from footfall.assembly import clock
    from footfall.sealing import Sealing

    with sentences(), _loaded(environment, store) as (warehouse, loader):
        sealing = Sealing(warehouse, store, loader.at_rest, clock, _crash(environment))
        return sealing.fulfil(wish, progress)


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


def _loaded(environment: Environment, store: Any) -> Any:
    """The warehouse with all that lies in the spools, and the loader that brought it there."""
    from contextlib import contextmanager

    @contextmanager
    def opened() -> Any:
        from footfall.assembly import clock
        from footfall.core import open_warehouse
        from footfall.jobs import publish_loaded
        from footfall.takers import takers
        from loader.loop import Hooks, Loader
        from loader.settings import LoaderSettings
        from warehouse.events import EventTable

        warehouse = open_warehouse(environment)
        try:
            hooks = Hooks(takers(store), crash=_crash(environment))
            loader = Loader(
                environment.spool, EventTable(warehouse), settings=LoaderSettings(), clock=clock, hooks=hooks
            )
            try:
                while loader.step().records:
                    pass
                publish_loaded(store, environment)
                yield warehouse, loader
            finally:
                loader.close()
        finally:
            warehouse.close()

    return opened()


def _crash(environment: Environment) -> Any:
    from spool.crash import crash_points

    return crash_points(environment.crash)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"'{text[:40]}' is no time; write it like 2025-01-31T12:00:00Z.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _day(text: str | None) -> int:
    if text is None:
        return -1
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise click.UsageError(f"'{text[:40]}' is no day; write it like 2025-01-31.") from None
