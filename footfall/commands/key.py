"""`footfall key`: keys of the Stats API, the events API and imports."""

from datetime import date
from typing import Final

import click

from footfall.commands.options import installation, noted, open_control, say_json
from footfall.environment import Environment

_EPOCH: Final = date(1970, 1, 1).toordinal()


@click.group()
def key() -> None:
    """Keys of the APIs."""


@key.command()
@click.option("--site", "name", required=True, help="Id, key or domain of the site.")
@click.option("--scope", type=click.Choice(["stats", "events", "import"]), required=True, help="What the key opens.")
@click.option("--also", multiple=True, help="A site that it opens too; once for each. Only with the scope stats.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def add(name: str, scope: str, also: tuple[str, ...], as_json: bool, environment: Environment) -> None:
    """Make a key and print it; it is shown this once."""
    from control_store.key_sites import open_also
    from control_store.sites import add_key, find_site
    from control_store.snapshot import SCOPES
    from footfall.assembly import clock

    with open_control(environment) as store:
        chosen, site = next(one for one in SCOPES if one == scope), find_site(store, name)
        others = [find_site(store, one) for one in also]
        if others and chosen != "stats":
            raise click.UsageError("Only a key of the scope stats opens several sites.")
        made = add_key(store, site, chosen, now=clock())
        if others:
            open_also(store, made, others)
        for opened in (site, *others):
            noted(store, "add_key", site=opened.domain, subject=f"{scope} …{made[-4:]}")
    if as_json:
        say_json({"key": made})
    else:
        click.echo(made)


@key.command("list")
@click.option("--site", "name", required=True, help="Id, key or domain of the site.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def list_(name: str, as_json: bool, environment: Environment) -> None:
    """List the keys of a site: number, scope, last four signs, day of the last question to the Stats API; and keys of
    other sites that open it too."""
    from control_store.key_sites import guests
    from control_store.sites import find_site, list_keys

    with open_control(environment) as store:
        site = find_site(store, name)
        found, others = list_keys(store, site), guests(store, site)
    if as_json:
        say_json([one._asdict() for one in found])
        return
    for one in found:
        used = date.fromordinal(_EPOCH + one.used).isoformat() if one.used else "never"
        click.echo(f"{one.id}\t{one.scope}\t…{one.hint}\t{used}")
    for guest in others:
        click.echo(f"{guest.id}\tstats\t…{guest.hint}\tof {guest.home}")
    if not found and not others:
        click.echo("There is none; make one with `footfall key add`.")


@key.command()
@click.argument("number", type=int)
@click.option("--site", "name", required=True, help="Id, key or domain of the site.")
@installation
def revoke(number: int, name: str, environment: Environment) -> None:
    """Revoke the key of this number (see `footfall key list`): it opens nothing any more within two seconds; a key of
    another site does not open this one any more."""
    from control_store.key_sites import guests, shut_out
    from control_store.sites import find_site, list_keys, revoke_key

    with open_control(environment) as store:
        site = find_site(store, name)
        found = next((one for one in list_keys(store, site) if one.id == number), None)
        guest = next((one for one in guests(store, site) if one.id == number), None)
        if guest is not None:
            shut_out(store, site, number)
            noted(store, "revoke_key", site=site.domain, subject=f"stats …{guest.hint}")
        elif found is None:
            raise click.ClickException(
                f"{site.domain} has no key {number}; `footfall key list --site {name}` shows them."
            )
        else:
            revoke_key(store, site, number)
            noted(store, "revoke_key", site=site.domain, subject=f"{found.scope} …{found.hint}")
    click.echo("Revoked.")
