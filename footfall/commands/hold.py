"""`footfall hold`: raw rows that stay past their period for a legal reason, kept by two people."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from footfall.commands.asking import day_number
from footfall.commands.options import installation, noted, open_control, say_json
from footfall.environment import Environment


@click.group()
def hold() -> None:
    """Keep raw rows past their period for a legal reason; two people must say so."""


@hold.command()
@click.option("--site", "name", required=True, help="Id, key or domain.")
@click.option("--from", "first", required=True, metavar="DAY", help="The first day that is held.")
@click.option("--to", "last", required=True, metavar="DAY", help="The last day that is held.")
@click.option("--until", required=True, metavar="DAY", help="The last day on which it holds; at most 395 days ahead.")
@click.option("--reason", required=True, help="Why; it is written into the ledger.")
@click.option("--by", "email", required=True, metavar="EMAIL", help="Who asks: an admin or a privacy officer.")
@installation
def add(*, name: str, first: str, last: str, until: str, reason: str, email: str, environment: Environment) -> None:
    """Ask for a hold. It does nothing before another person confirms it."""
    from control_store.accounts import find_user
    from control_store.holds import Scope, ask_hold
    from control_store.sites import find_site
    from footfall.assembly import clock

    with _sentences(), open_control(environment) as store:
        site = find_site(store, name)
        scope = Scope(site.id, day_number(first), day_number(last), day_number(until), reason)
        made = ask_hold(store, scope, find_user(store, email), now=clock())
        noted(store, "ask_hold", site=site.domain, subject=f"{made.id}, by {made.asked_by}")
    click.echo(f"Hold {made.id} is asked for; another person confirms it with `footfall hold confirm {made.id}`.")


@hold.command()
@click.argument("number", type=int)
@click.option("--by", "email", required=True, metavar="EMAIL", help="Who confirms: not the person who asked.")
@installation
def confirm(number: int, email: str, environment: Environment) -> None:
    """Confirm a hold: from now on its rows are not purged, but for the legal maximum."""
    from control_store.accounts import find_user
    from control_store.holds import confirm_hold
    from footfall.assembly import clock

    with _sentences(), open_control(environment) as store:
        made = confirm_hold(store, number, find_user(store, email), now=clock())
        noted(store, "confirm_hold", subject=f"{number}, by {email}")
        _write(environment, store, "hold.begun", made)
    click.echo(f"Hold {number} holds.")


@hold.command()
@click.argument("number", type=int)
@click.option("--by", "email", required=True, metavar="EMAIL", help="Who ends it: an admin or a privacy officer.")
@installation
def end(number: int, email: str, environment: Environment) -> None:
    """End a hold before its day."""
    from control_store.accounts import find_user
    from control_store.holds import end_hold
    from footfall.assembly import clock

    with _sentences(), open_control(environment) as store:
        made = end_hold(store, number, find_user(store, email), now=clock())
        noted(store, "end_hold", subject=f"{number}, by {email}")
        _write(environment, store, "hold.ended", made)
    click.echo(f"Hold {number} is ended.")


@hold.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def list_(as_json: bool, environment: Environment) -> None:
    """List every hold that there was."""
    from control_store.holds import list_holds

    with open_control(environment) as store:
        holds = [_described(one) for one in list_holds(store)]
    if as_json:
        say_json(holds)
        return
    for one in holds:
        click.echo(f"{one['id']}\tsite {one['site']}\t{one['first']} to {one['last']}\t{one['state']}\t{one['reason']}")
    if not holds:
        click.echo("There is no hold.")


def _described(one: Any) -> dict[str, Any]:
    from event_catalogue.days import day_text

    state = "ended" if one.ended else f"until {day_text(one.until)}" if one.confirmed else "not confirmed"
    days = {name: day_text(getattr(one, name)) for name in ("first", "last", "until")}
    return {**one._asdict(), **days, "state": state}


def _write(environment: Environment, store: Any, kind: str, one: Any) -> None:
    """Into the ledger, without the names of people."""
    from event_catalogue.days import day_text
    from footfall.assembly import clock
    from footfall.books import note

    days = {name: day_text(getattr(one, name)) for name in ("first", "last", "until")}
    content = {"hold": one.id, "site": one.site, **days, "reason": one.reason}
    note(environment, store, kind, content, now=clock())


@contextmanager
def _sentences() -> Iterator[None]:
    from control_store.accounts import BadAccount
    from control_store.holds import BadHold
    from retention.tombstones import TargetLost

    try:
        yield
    except (BadAccount, BadHold, TargetLost) as error:
        raise click.ClickException(str(error)) from None
