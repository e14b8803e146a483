"""`footfall periods`: how long every store keeps what it holds, and what is there now."""

from datetime import UTC, datetime

import click

from footfall.commands.options import installation, open_control, say_json
from footfall.environment import Environment


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def periods(as_json: bool, environment: Environment) -> None:
    """Show for every store how long it keeps what it holds, how much is there, and how old it is.

    Exit code 1 where something is there that should have gone.
    """
    from footfall.keeping import keep_in_view

    with open_control(environment) as store:
        found = keep_in_view(environment, store)
    if as_json:
        say_json([one._asdict() for one in found])
    else:
        for one in found:
            oldest = f", {datetime.fromtimestamp(one.oldest / 1000, UTC):%Y-%m-%d}" if one.oldest else ""
            now = f"{one.amount}{oldest}" if one.amount >= 0 else "not counted"
            late = "LATE" if one.is_late else ""
            click.echo("\t".join((one.store.replace("`", ""), now, one.kept.replace("`", ""), late)))
    if late_ones := [one.store for one in found if one.is_late]:
        raise click.ClickException(f"{', '.join(late_ones)}: something is there that should have gone.")
