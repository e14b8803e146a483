"""`footfall ledger`: the record of what was destroyed; check it, hand it out, note its head down."""

from pathlib import Path

import click

from footfall.commands.options import installation, open_control
from footfall.environment import Environment


@click.group()
def ledger() -> None:
    """The record of what was destroyed, chained so that a change shows."""


@ledger.command()
@click.argument("export", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--head", "noted", metavar="NUMBER:HASH", help="A head that was noted down earlier.")
@installation
def verify(export: Path | None, noted: str | None, environment: Environment) -> None:
    """Recount the ledger, or an EXPORT of one, and say what could be checked.

    Exit code 1 where an entry was changed, is missing, or stands in the wrong place.
    """
    from footfall.books import open_ledger
    from retention import ledger as chain

    try:
        head = chain.parse_head(noted) if noted else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--head") from None
    if export is None:
        with open_control(environment) as store:
            own = open_ledger(environment, store)
            report = chain.verify(own.lines(), head) if head else own.verify()
    else:
        with export.open("rb") as lines:
            report = chain.verify(lines, head)
    click.echo(f"{report.head.number} entries; head {report.head}")
    for fault in report.faults:
        click.echo(fault, err=True)
    if not report.end_is_known:
        click.echo("Whether entries are missing at the end can't be told without a head (--head).")
    if report.faults:
        raise click.ClickException("The ledger is not as it was written.")
    click.echo("Every entry is as it was written, and in its place.")


@ledger.command()
@installation
def export(environment: Environment) -> None:
    """Print every entry as a line of JSON."""
    from footfall.books import open_ledger

    with open_control(environment) as store:
        for line in open_ledger(environment, store).lines():
            click.echo(line, nl=False)
