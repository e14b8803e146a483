"""`footfall user`: who may log in to the console; with the server stopped too."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from footfall.commands.options import installation, noted, open_control, say_json
from footfall.environment import Environment

if TYPE_CHECKING:
    from control_store.accounts import User
    from control_store.makers import LeftKey
    from control_store.roles import Role, Roles


@click.group()
def user() -> None:
    """People who may log in to the console."""


@user.command()
@click.argument("email")
@click.option("--role", required=True, metavar="ROLE", help="admin, analyst, viewer or privacy_officer.")
@click.option(
    "--site", "names", multiple=True, metavar="SITE", help="Only for this site (id, key or domain); repeatable."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@installation
def add(*, email: str, role: str, names: tuple[str, ...], password_stdin: bool, environment: Environment) -> None:
    """Add somebody, and print id, e-mail and roles as JSON. Without --site the role is one for all sites."""
    from control_store.accounts import add_user
    from control_store.roles import Roles, settled
    from footfall.assembly import clock

    chosen = _role(role)
    password = _password(password_stdin)
    with _sentences(), open_control(environment) as store:
        roles = settled(None, dict.fromkeys(_sites(store, names), chosen)) if names else Roles(chosen)
        added = add_user(store, email, roles, password, now=clock())
        for site in _about(store, names):
            noted(store, "add_person", site=site, subject=f"{added.email} as {chosen}")
        told = _told(store, added)
    say_json(told)


@user.command()
@click.argument("email")
@click.option("--role", required=True, metavar="ROLE", help="admin, analyst, viewer, privacy_officer, or none.")
@click.option("--site", "names", multiple=True, metavar="SITE", help="For this site (id, key or domain); repeatable.")
@click.option("--keys", type=click.Choice(["revoke", "keep"]), help="What becomes of keys they may not make any more.")
@installation
def role(*, email: str, role: str, names: tuple[str, ...], keys: str | None, environment: Environment) -> None:
    """Give somebody another role, for all sites or with --site for single ones, and print all of theirs as JSON.

    `none` takes it away: for a site, the role for all sites holds there again.
    """
    from control_store.accounts import change_roles, find_user
    from control_store.roles import settled

    chosen = None if role.strip().lower() == "none" else _role(role)
    with _sentences(), open_control(environment) as store:
        found, meant = find_user(store, email), _sites(store, names)
        single = {site: held for site, held in found.roles.sites if site not in meant}
        if chosen:
            single |= dict.fromkeys(meant, chosen)
        roles = settled(found.roles.everywhere if names else chosen, single)
        left = _left(store, found, roles, keys)
        changed = change_roles(store, found, roles)
        _settle(store, left, keys)
        for site in _about(store, names):
            noted(store, "change_roles", site=site, subject=f"{found.email}: {chosen or 'no role'}")
        told = _told(store, changed)
    say_json(told)


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def list_(as_json: bool, environment: Environment) -> None:
    """List everybody who may log in: id, e-mail, role for all sites, roles for single sites."""
    from control_store.accounts import list_users

    with open_control(environment) as store:
        users = [_told(store, one) for one in list_users(store)]
    if as_json:
        say_json(users)
        return
    for one in users:
        single = "".join(f"\t{domain}: {held}" for domain, held in one["sites"].items())
        click.echo(f"{one['id']}\t{one['email']}\t{one['role'] or '-'}{single}")
    if not users:
        click.echo("There is nobody yet; open the set-up link that `footfall serve` prints, or add somebody here.")


@user.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@installation
def password(email: str, password_stdin: bool, environment: Environment) -> None:
    """Give somebody another password; all their logins end."""
    from control_store.accounts import find_user, set_password

    with _sentences(), open_control(environment) as store:
        found = find_user(store, email)
        set_password(store, found, _password(password_stdin))
        noted(store, "password", subject=found.email)
    click.echo("The password is changed; every login of theirs has ended.")


@user.command("second-factor-off")
@click.argument("email")
@installation
def second_factor_off(email: str, environment: Environment) -> None:
    """Let somebody in by the password alone, who lost authenticator and recovery codes."""
    from control_store.accounts import find_user
    from control_store.second_factor import turn_off

    with _sentences(), open_control(environment) as store:
        found = find_user(store, email)
        turn_off(store, found)
        noted(store, "factor_off", subject=found.email)
    click.echo("The second factor is off; the password is enough.")


@user.command()
@click.argument("email")
@click.option("--keys", type=click.Choice(["revoke", "keep"]), help="What becomes of keys that they made.")
@installation
def delete(email: str, keys: str | None, environment: Environment) -> None:
    """Delete somebody; all their logins end. Where they made keys, --keys says what becomes of these."""
    from control_store.accounts import delete_user, find_user
    from control_store.roles import Roles

    with _sentences(), open_control(environment) as store:
        found = find_user(store, email)
        left = _left(store, found, Roles(None), keys)
        if keys == "keep":
            _settle(store, left, keys)
        delete_user(store, found)
        if keys == "revoke":
            _settle(store, left, keys)
        noted(store, "remove_person", subject=found.email)
    click.echo("Deleted; every login of theirs has ended.")


def _role(text: str) -> "Role":
    from control_store.roles import ROLES

    wanted = text.strip().lower().replace("-", "_").replace(" ", "_")
    chosen = next((one for one in ROLES if one == wanted), None)
    if chosen is None:
        raise click.BadParameter(f"There is no such role; choose one of {', '.join(ROLES)}.", param_hint="--role")
    return chosen


def _sites(store: Any, names: tuple[str, ...]) -> list[int]:
    from control_store.sites import find_site

    return [find_site(store, name).id for name in names]


def _about(store: Any, names: tuple[str, ...]) -> list[str]:
    """The domains that an entry of the log is about; one empty one for all sites."""
    from control_store.sites import find_site

    return [find_site(store, name).domain for name in names] or [""]


def _left(store: Any, maker: "User", roles: "Roles", fate: str | None) -> "list[LeftKey]":
    """The keys that would open nothing if these were their maker's roles; it has to be said what becomes of them."""
    from control_store.makers import keys_left

    left = keys_left(store, maker, roles)
    if left and fate is None:
        named = ", ".join(f"{one.domain} {one.key.scope} …{one.key.hint}" for one in left)
        raise click.ClickException(
            f"{maker.email} made keys that would open nothing any more ({named}): say --keys revoke, or --keys keep to "
            "make them the installation's."
        )
    return left


def _settle(store: Any, left: "list[LeftKey]", fate: str | None) -> None:
    from control_store.makers import settle_keys

    if left:
        settle_keys(store, left, "revoke" if fate == "revoke" else "keep", None)
    for one in left:
        action = "revoke_key" if fate == "revoke" else "take_key"
        noted(store, action, site=one.domain, subject=f"{one.key.scope} …{one.key.hint}")


def _told(store: Any, one: "User") -> dict[str, Any]:
    """Somebody as JSON: `role` is the one for all sites, null if there is none."""
    from control_store.sites import list_sites

    domains = {site.id: site.domain for site in list_sites(store)}
    single = {domains[site]: held for site, held in one.roles.sites if site in domains}
    return {"id": one.id, "email": one.email, "role": one.roles.everywhere, "sites": single}


def _password(from_stdin: bool) -> str:
    """Typed twice and not shown, or one line of standard input; never an argument, which other people could see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@contextmanager
def _sentences() -> Iterator[None]:
    from control_store.accounts import BadAccount
    from control_store.roles import BadRoles

    try:
        yield
    except (BadAccount, BadRoles) as error:
        raise click.ClickException(str(error)) from None
