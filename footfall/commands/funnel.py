"""`footfall funnel`: goals that visits should reach one after the other; with the server stopped too."""

import click

from footfall.commands.options import installation, noted, open_control, say_json
from footfall.environment import Environment


@click.group()
def funnel() -> None:
    """The funnels of a site: goals in their order, and how far visits come."""


@funnel.command()
@click.argument("name")
@click.argument("steps", nargs=-1, required=True, metavar="GOAL...")
@click.option("--site", required=True, help="Id, key or domain of the site.")
@click.option("--strict", is_flag=True, help="No page view and no act may come between two steps.")
@installation
def add(name: str, steps: tuple[str, ...], *, site: str, strict: bool, environment: Environment) -> None:
    """Declare the funnel NAME over two to eight goals, or change it: sealed days keep what was counted then."""
    from control_store.goals import add_funnel
    from control_store.sites import find_site
    from event_catalogue.goals import Funnel
    from footfall.assembly import clock

    with open_control(environment) as store:
        found = find_site(store, site)
        add_funnel(store, found, Funnel(name, steps, strict), now=clock())
        noted(store, "settings", site=found.domain, subject=f"funnel {name}")
    click.echo(f"{found.domain} counts how far visits come in '{name}', as far back as raw rows are kept.")


@funnel.command("list")
@click.option("--site", required=True, help="Id, key or domain of the site.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def list_(site: str, as_json: bool, environment: Environment) -> None:
    """List the funnels of a site."""
    from control_store.goals import list_funnels
    from control_store.sites import find_site

    with open_control(environment) as store:
        found = list_funnels(store, find_site(store, site).id)
    if as_json:
        say_json([one._asdict() for one in found])
        return
    for one in found:
        click.echo("\t".join([one.name, "strict" if one.strict else "loose", *one.steps]))
    if not found:
        click.echo("There is none; declare one with `footfall funnel add`.")


@funnel.command()
@click.argument("name")
@click.option("--site", required=True, help="Id, key or domain of the site.")
@installation
def remove(name: str, site: str, environment: Environment) -> None:
    """Count a funnel no more; sealed days keep what they have."""
    from control_store.goals import remove_funnel
    from control_store.sites import find_site

    with open_control(environment) as store:
        found = find_site(store, site)
        remove_funnel(store, found, name)
        noted(store, "settings", site=found.domain, subject=f"funnel {name}")
    click.echo("Removed.")
