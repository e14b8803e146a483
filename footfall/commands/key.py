"""`footfall key`: keys of the Stats API, the events API and imports."""

import click

from footfall.commands.options import installation, open_control, say_json
from footfall.environment import Environment


@click.group()
def key() -> None:
    """Keys of the APIs."""


@key.command()
@click.option("--site", "name", required=True, help="Id, key or domain of the site.")
@click.option("--scope", type=click.Choice(["stats", "events", "import"]), required=True, help="What the key opens.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def add(name: str, scope: str, as_json: bool, environment: Environment) -> None:
    """Make a key and print it; it is shown this once."""
    from control_store.sites import add_key, find_site
    from control_store.snapshot import SCOPES
    from footfall.assembly import clock

    with open_control(environment) as store:
        chosen = next(one for one in SCOPES if one == scope)
        made = add_key(store, find_site(store, name), chosen, now=clock())
    if as_json:
        say_json({"key": made})
    else:
        click.echo(made)
