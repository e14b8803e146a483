"""`footfall geo`: the databases of places and of networks of this installation."""

from datetime import UTC, date, datetime
from typing import Final

import click

from footfall.commands.options import installation, say_json
from footfall.environment import Environment

_OLD_DAYS: Final = 60
"""Networks change hands; the vendors publish every month."""


@click.group()
def geo() -> None:
    """Databases of places and networks: where visitors come from, and what comes from data centres."""


@geo.command()
@click.argument("source", required=False, default="")
@click.option("--networks", is_flag=True, help="Without SOURCE: fetch the database of networks (ASN).")
@installation
def update(source: str, networks: bool, environment: Environment) -> None:
    """Fetch a database; running collectors use it within a minute.

    SOURCE is a file or an http(s) address (.mmdb, also inside .gz or .tar.gz;
    https://USER:PASSWORD@HOST/… where it asks for one): a City, Country or ASN database.
    Without it: the free one of DB-IP (CC BY 4.0).
    """
    from footfall.geo import GeoError, credit_of, directory_of
    from footfall.geo import update as bring

    directory = directory_of(environment.geo)
    try:
        files = bring(directory, source, today=_today(), networks=networks)
    except (GeoError, OSError) as error:
        raise click.ClickException(str(error)) from None
    credit = credit_of(files)
    names = ", ".join(path.name for path in files)
    click.echo(f"{names} in {directory}" + (f": {' · '.join(filter(None, credit))}" if credit else ""))


@geo.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def status(as_json: bool, environment: Environment) -> None:
    """Show the databases in use, in the order in which they are asked, and how old they are."""
    from footfall.geo import GeoError, credit_of, installed

    try:
        found = installed(environment.geo)
    except GeoError as error:
        raise click.ClickException(str(error)) from None
    today = _today()
    if as_json:
        credit = credit_of(environment.geo)
        files = [{**one._asdict(), "path": str(one.path), "built": one.built.isoformat()} for one in found]
        say_json({"databases": files, "credit": credit and {"line": credit[0], "link": credit[1]}})
        return
    for one in found:
        days = (today - one.built).days
        old = "; old: `footfall geo update` fetches a newer one" if days > _OLD_DAYS else ""
        click.echo(f"{one.path}\t{one.kind}\tbuilt {one.built} ({days} days ago{old})")
    if not found:
        click.echo("There is none: countries come from time zones (rough). `footfall geo update` fetches one.")


def _today() -> date:
    from footfall.assembly import clock

    return datetime.fromtimestamp(clock() / 1000, UTC).date()
