"""`footfall site`: add, list, set, delete; with the server stopped too. A running one sees changes in two seconds."""

from typing import Any

import click
import msgspec

from footfall.commands.options import installation, noted, open_control, say_json, sentences
from footfall.environment import Environment


@click.group()
def site() -> None:
    """The sites that are counted."""


@site.command()
@click.argument("domain")
@click.option("--timezone", default="UTC", show_default=True, help="IANA zone in which the site's days are cut.")
@click.option("--preset", default="", help="cnil, uk, us or strict: policy, periods and k together.")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="A setting of the site; may be repeated."
)
@installation
def add(domain: str, timezone: str, preset: str, assignments: tuple[str, ...], environment: Environment) -> None:
    """Add a site and print its id, key and snippet as JSON."""
    from control_store.site_settings import SiteSettings, changed
    from control_store.sites import NewSite, add_site
    from footfall.assembly import clock

    with open_control(environment) as store:
        settings = changed(SiteSettings(), list(assignments), preset)
        added = add_site(store, NewSite(domain, timezone, settings), now=clock())
        noted(store, "add_site", site=added.domain)
    say_json(describe(added, environment))


@site.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def list_(as_json: bool, environment: Environment) -> None:
    """List the sites."""
    from control_store.sites import list_sites

    with open_control(environment) as store:
        sites = list_sites(store)
    if as_json:
        say_json([describe(one, environment) for one in sites])
        return
    for one in sites:
        click.echo(f"{one.id}\t{one.key}\t{one.domain}\t{one.timezone}\t{one.settings.policy}")
    if not sites:
        click.echo("There is no site yet; add one with `footfall site add DOMAIN`.")


@site.command("set")
@click.argument("name")
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--preset", default="", help="cnil, uk, us or strict, before the values.")
@installation
def set_(name: str, assignments: tuple[str, ...], preset: str, environment: Environment) -> None:
    """Change settings of a site (by id, key or domain). `timezone` holds from the next local midnight."""
    from control_store.site_settings import changed
    from control_store.sites import find_site, save_settings, save_timezone
    from footfall.assembly import clock

    with open_control(environment) as store:
        found = find_site(store, name)
        zones = [text.partition("=")[2] for text in assignments if text.startswith("timezone=")]
        settings = changed(found.settings, [text for text in assignments if not text.startswith("timezone=")], preset)
        save_settings(store, found, settings)
        if zones:
            save_timezone(store, found, zones[-1], holds_from=_next_midnight(found, clock()))
        saved = find_site(store, name)
        noted(store, "settings", site=found.domain, subject=", ".join(text.partition("=")[0] for text in assignments))
    say_json(describe(saved, environment))


@site.command()
@click.argument("name")
@installation
def gpc(name: str, environment: Environment) -> None:
    """Print gpc.json, which the site (by id, key or domain) shows on its own origin, and say where it belongs."""
    from control_store.gpc import gpc_statement
    from control_store.sites import find_site

    with open_control(environment) as store:
        found = find_site(store, name)
    say_json(gpc_statement())
    click.echo(f"Serve this as https://{found.domain}/.well-known/gpc.json with type application/json.", err=True)


@site.command()
@click.argument("name")
@click.option("--allow", default="", metavar="HOST", help="Count this host from now on; *.HOST takes those below it.")
@click.option("--ignore", default="", metavar="HOST", help="Go on refusing this host, and do not list it again.")
@installation
def hosts(name: str, allow: str, ignore: str, environment: Environment) -> None:
    """List the hosts whose beacons were refused as not the site's; allow or ignore one."""
    from control_store.refused_hosts import refused_hosts, settle_host
    from control_store.sites import find_site

    with open_control(environment) as store:
        found = find_site(store, name)
        if allow:
            found = settle_host(store, found, allow, "allowed")
        if ignore:
            found = settle_host(store, found, ignore, "ignored")
        left = refused_hosts(store, found.id)
    for one in left:
        click.echo(f"{one.hostname}\tlast {one.last // 1000}\tin {one.hours} hours")
    if not left:
        click.echo(f"No host is refused for {found.domain}.")


@site.command()
@click.argument("name")
@click.option(
    "--count", "wanted", multiple=True, metavar="RULE", help="Count what this bot rule finds; KIND:* for all."
)
@click.option("--leave-out", "unwanted", multiple=True, metavar="RULE", help="Leave it out of the numbers again.")
@installation
def bots(name: str, wanted: tuple[str, ...], unwanted: tuple[str, ...], environment: Environment) -> None:
    """List the bot rules whose finds a site counts as people's; count more of them, or leave them out again.

    It holds for all days whose raw rows are still kept. The page Bots shows what each rule found.
    """
    from control_store.site_settings import changed
    from control_store.sites import find_site, save_settings

    with open_control(environment) as store:
        found = find_site(store, name)
        counted = found.settings.counted_bots
        missing = [rule for rule in unwanted if rule not in counted]
        if missing:
            raise click.ClickException(
                f"The rule '{missing[0]}' is not among those that {found.domain} counts: "
                f"{', '.join(counted) or 'it counts none'}."
            )
        if wanted or unwanted:
            kept = [*(rule for rule in counted if rule not in unwanted), *wanted]
            save_settings(store, found, changed(found.settings, [f"counted_bots={','.join(kept)}"]))
            found = find_site(store, name)
            noted(store, "settings", site=found.domain, subject="counted_bots")
    for rule in found.settings.counted_bots:
        click.echo(rule)
    if not found.settings.counted_bots:
        click.echo(f"{found.domain} counts no bots.")


@site.command("not-me")
@click.argument("name")
@installation
def not_me(name: str, environment: Environment) -> None:
    """Print a link that opens once and takes the browser that opens it out of the count of a site."""
    from control_store.device_links import offer_device_link
    from control_store.sites import find_site
    from footfall.assembly import clock
    from footfall.greeting import shown

    with open_control(environment) as store:
        found = find_site(store, name)
        token = offer_device_link(store, found, now=clock())
        noted(store, "device_link", site=found.domain)
    host, port = environment.console
    click.echo(f"http://{shown(host)}:{port}/not-me?token={token}")


@site.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@installation
def delete(name: str, yes: bool, environment: Environment) -> None:
    """Delete a site: its beacons are refused from now on."""
    from control_store.sites import delete_site, find_site
    from footfall.assembly import clock
    from footfall.books import note

    with open_control(environment) as store:
        found = find_site(store, name)
        if not yes:
            click.confirm(f"Delete {found.domain}? Its beacons will be refused.", abort=True)
        delete_site(store, found, now=clock())
        with sentences():
            note(environment, store, "site.deleted", {"site": found.id}, now=clock())
        noted(store, "delete_site", site=found.domain)
    click.echo(f"{found.domain} is deleted.")


def describe(one: Any, environment: Environment) -> dict[str, Any]:
    """A site as commands print it."""
    from footfall.publishing import public_url

    origin = public_url(environment)
    return {
        "id": one.id,
        "key": one.key,
        "domain": one.domain,
        "timezone": one.timezone,
        "snippet": f'<script async src="{origin}/js/{one.key}.js"></script>',
        "settings": msgspec.to_builtins(one.settings),
    }


def _next_midnight(found: Any, now: int) -> int:
    from event_catalogue.days import day_end, local_day

    zone = found.timezone_at(now)
    return day_end(zone, local_day(zone, now))
