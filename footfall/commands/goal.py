"""`footfall goal`: what a site waits for its visitors to do; with the server stopped too."""

import click

from footfall.commands.options import installation, noted, open_control, say_json
from footfall.environment import Environment


@click.group()
def goal() -> None:
    """The goals of a site: events, pages and depths of reading whose conversions are counted."""


@goal.command()
@click.argument("name")
@click.option("--site", required=True, help="Id, key or domain of the site.")
@click.option("--event", default="", metavar="NAME", help="Reached by an event of this name, such as signup.")
@click.option("--prop", default="", metavar="KEY[=VALUE]", help="Only with this property of the event.")
@click.option("--page", default="", metavar="PATTERN", help="Reached by viewing this page; * stands for anything.")
@click.option("--scroll", default=0, metavar="PERCENT", help="Reached by seeing so much of the page.")
@installation
def add(name: str, *, site: str, event: str, prop: str, page: str, scroll: int, environment: Environment) -> None:
    """Declare the goal NAME, or change it: sealed days keep what was counted then."""
    from control_store.goals import add_goal
    from control_store.sites import find_site
    from event_catalogue.goals import Goal
    from footfall.assembly import clock

    key, _, value = prop.partition("=")
    with open_control(environment) as store:
        found = find_site(store, site)
        add_goal(store, found, Goal(name, event, key, value, page, scroll), now=clock())
        noted(store, "settings", site=found.domain, subject=f"goal {name}")
    click.echo(f"{found.domain} counts who reaches '{name}', as far back as raw rows are kept.")


@goal.command("list")
@click.option("--site", required=True, help="Id, key or domain of the site.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def list_(site: str, as_json: bool, environment: Environment) -> None:
    """List the goals of a site: name, and what reaches it."""
    from control_store.goals import list_goals
    from control_store.sites import find_site

    with open_control(environment) as store:
        found = list_goals(store, find_site(store, site).id)
    if as_json:
        say_json([one._asdict() for one in found])
        return
    for one in found:
        parts = {key: value for key, value in one._asdict().items() if value and key != "name"}
        click.echo("\t".join([one.name, *(f"{key}={value}" for key, value in parts.items())]))
    if not found:
        click.echo("There is none; declare one with `footfall goal add`.")


@goal.command()
@click.argument("name")
@click.option("--site", required=True, help="Id, key or domain of the site.")
@installation
def remove(name: str, site: str, environment: Environment) -> None:
    """Count a goal no more; sealed days keep what they have."""
    from control_store.goals import remove_goal
    from control_store.sites import find_site

    with open_control(environment) as store:
        found = find_site(store, site)
        remove_goal(store, found, name)
        noted(store, "settings", site=found.domain, subject=f"goal {name}")
    click.echo("Removed.")
