"""`footfall user`: who may log in to the console; with the server stopped too."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from footfall.commands.options import installation, noted, open_control, say_json
from footfall.environment import Environment


@click.group()
def user() -> None:
    """People who may log in to the console."""


@user.command()
@click.argument("email")
@click.option("--role", required=True, metavar="ROLE", help="admin, analyst, viewer or privacy_officer.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@installation
def add(email: str, role: str, password_stdin: bool, environment: Environment) -> None:
    """Add somebody, and print id, e-mail and role as JSON."""
    from control_store.accounts import ROLES, add_user
    from footfall.assembly import clock

    wanted = role.strip().lower().replace("-", "_").replace(" ", "_")
    chosen = next((one for one in ROLES if one == wanted), None)
    if chosen is None:
        raise click.BadParameter(f"There is no such role; choose one of {', '.join(ROLES)}.", param_hint="--role")
    password = _password(password_stdin)
    with _sentences(), open_control(environment) as store:
        added = add_user(store, email, chosen, password, now=clock())
        noted(store, "add_person", subject=f"{added.email} as {chosen}")
    say_json({"id": added.id, "email": added.email, "role": added.role})


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def list_(as_json: bool, environment: Environment) -> None:
    """List everybody who may log in."""
    from control_store.accounts import list_users

    with open_control(environment) as store:
        users = list_users(store)
    if as_json:
        say_json([{"id": one.id, "email": one.email, "role": one.role} for one in users])
        return
    for one in users:
        click.echo(f"{one.id}\t{one.email}\t{one.role}")
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
@installation
def delete(email: str, environment: Environment) -> None:
    """Delete somebody; all their logins end."""
    from control_store.accounts import delete_user, find_user

    with _sentences(), open_control(environment) as store:
        found = find_user(store, email)
        delete_user(store, found)
        noted(store, "remove_person", subject=found.email)
    click.echo("Deleted; every login of theirs has ended.")


def _password(from_stdin: bool) -> str:
    """Typed twice and not shown, or one line of standard input; never an argument, which other people could see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@contextmanager
def _sentences() -> Iterator[None]:
    from control_store.accounts import BadAccount

    try:
        yield
    except BadAccount as error:
        raise click.ClickException(str(error)) from None
