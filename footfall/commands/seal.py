"""`footfall seal`: what the core does by itself, at once or for one day; works when no core runs."""

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import click

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
    from footfall.assembly import clock, hold_core
    from footfall.sealing import Sealing

    now = _moment(as_of, clock())
    with open_control(environment) as store:
        chosen = find_site(store, name).id if name else None
        lock = hold_core(environment, patience_s=0)
        if lock is None:
            raise click.ClickException(
                "The core is running and seals what is due every minute; stop it to seal something by hand."
            )
        try:
            with sentences(), _loaded(environment, store) as (warehouse, loader):
                sealing = Sealing(warehouse, store, loader.at_rest, clock, _crash(environment))
                if as_of:
                    sealing.confirm_clock(now)
                # A day whose events can still arrive by the real clock is never sealed, whatever time is asked for.
                days = _chosen(sealing.due(min(now, clock()), final=final), chosen, _day(day))
                outcomes = [] if dry_run else sealing.seal(days, lambda done: _progress(done, as_json))
        finally:
            os.close(lock)
    _report(days, outcomes, as_json, dry_run)


def _report(days: list[Any], outcomes: list[Any], as_json: bool, dry_run: bool) -> None:
    failed = [one for one in outcomes if one.seal is None]
    if as_json:
        due = [{"site": site.domain, "day": _text(one.day)} for one in days for site in one.sites]
        say_json({"due": due, "sealed": [_entry(one) for one in outcomes]})
    elif dry_run:
        for one in days:
            click.echo(f"{_text(one.day)}\t{', '.join(site.domain for site in one.sites)}")
    if not as_json and not days:
        click.echo("Nothing is due; days wait 26 hours, and an hour after their newest row, unless `--final` is given.")
    if failed:
        raise click.ClickException(
            f"{len(failed)} days can't be sealed and are not purged; the first: {failed[0].reason}."
        )


def _progress(done: list[Any], as_json: bool) -> None:
    for one in [] if as_json else done:
        if one.seal:
            click.echo(
                f"{_text(one.day)}\t{one.site.domain}\t{one.seal.rollup_rows} aggregates\t{one.seal.digest[:16]}"
            )


def _entry(one: Any) -> dict[str, Any]:
    seal = one.seal
    told = {"rows": seal.raw_rows, "aggregates": seal.rollup_rows, "digest": seal.digest} if seal else {}
    return {"site": one.site.domain, "day": _text(one.day), "sealed": bool(seal), **told, "reason": one.reason}


def _chosen(days: list[Any], site: int | None, day: int | None) -> list[Any]:
    """Of the due days those that were asked for."""
    kept = []
    for one in days:
        sites = tuple(found for found in one.sites if site in (None, found.id))
        if sites and day in (None, one.day):
            kept.append(one._replace(sites=sites))
    return kept


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


def _moment(text: str | None, now: int) -> int:
    if text is None:
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"'{text[:40]}' is no time; write it like 2025-01-31T12:00:00Z.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _day(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise click.UsageError(f"'{text[:40]}' is no day; write it like 2025-01-31.") from None


def _text(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
