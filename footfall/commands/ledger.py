"""`footfall ledger`: the record of what was destroyed; check it, hand it out, note its head down."""

import os
from pathlib import Path
from typing import Any

import click

from footfall.commands.asking import alone, by_core
from footfall.commands.options import installation, open_control, sentences
from footfall.environment import Environment


@click.group()
def ledger() -> None:
    """The record of what was destroyed, chained so that a change shows."""


@ledger.command()
@click.argument("export", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--head", "noted", metavar="NUMBER:HASH", help="A head that was noted down earlier.")
@click.option(
    "--heads",
    "heads_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of heads, one a day (setting heads_file), that was kept elsewhere.",
)
@click.option(
    "--public-key",
    "keys",
    multiple=True,
    metavar="HEX|FILE",
    help="A key by which entries may be signed; more than one where it was changed.",
)
@click.option("--lines-only", is_flag=True, help="Recount the lines, and ask nothing of the warehouse.")
@installation
def verify(
    *,
    export: Path | None,
    noted: str | None,
    heads_file: Path | None,
    keys: tuple[str, ...],
    lines_only: bool,
    environment: Environment,
) -> None:
    """Recount the ledger, or an EXPORT of one, compare its claims with what is there, and say what could be checked.

    An EXPORT is compared with the installation where there is one. Exit code 1 where an entry was changed, is missing
    or stands in the wrong place, where something is there that is said to be gone, and where a signature is missing
    among others or is not by the installation's key (where keys are given: by one of those).
    """
    from footfall.books import open_ledger
    from retention import ledger as chain
    from retention.claims import compare

    try:
        head = chain.parse_head(noted) if noted else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--head") from None
    faults: list[str] = []
    heads = _heads(None, heads_file) if heads_file else []
    holds = _holds(environment, keys)
    is_installed = (environment.data / "ledger" / "ledger.jsonl").is_file()
    if export is not None:
        with export.open("rb") as lines:
            report = chain.verify(lines, head or _newest(heads), holds)
        faults += chain.differing(chain.Ledger(export, lambda: chain.NOTHING, lambda _: None).entries(), heads)
    if export is None or (is_installed and not lines_only):
        with open_control(environment) as store:
            own = open_ledger(environment, store)
            if export is None:
                heads += _heads(store, None)
                noted_head = head or _newest(heads)
                report = chain.verify(own.lines(), noted_head, holds) if head or heads_file else own.verify(holds)
                faults += chain.differing(own.entries(), heads)
            else:
                read = chain.Ledger(export, lambda: chain.NOTHING, lambda _: None)
                faults += compare(read.entries(), list(own.entries()))
            if not lines_only:
                faults += _claims(environment, store)
    if keys and report.head.number and not report.signed:
        faults.append("No entry is signed.")
    _tell(report, faults, was_asked=is_installed and not lines_only, were_checked=holds is not None)


def _holds(environment: Environment, keys: tuple[str, ...]) -> Any:
    """What tells whether a signature is by a key that is believed; None where no key is known."""
    from footfall.books import signer_of

    if not keys and not environment.ledger_key:
        return None
    from retention.signatures import PublicKeys

    with sentences():
        own = signer_of(environment) if not keys else None
        return PublicKeys([own.public] if own else keys).hold


def _newest(heads: list[Any]) -> Any:
    """The newest of the heads of days, None of none."""
    return max((head for _, head in heads), default=None)


def _heads(store: Any, path: Path | None) -> list[Any]:
    from footfall.books import noted_heads

    try:
        return noted_heads(store, path)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--heads") from None


def _claims(environment: Environment, store: Any) -> list[str]:
    """What is there though it is said to be gone; through the core when it runs."""
    from footfall.assembly import hold_core
    from footfall.claiming import check_claims

    lock = hold_core(environment, patience_s=0)
    if lock is None:
        told = by_core(store, "claims", {}, lambda _: None)
    else:
        try:
            with sentences(), alone(environment, store) as (warehouse, _, _):
                told = check_claims(environment, store, warehouse)
        finally:
            os.close(lock)
    counts = ", ".join(f"{count} {what}" for what, count in told.items() if what != "faults")
    click.echo(f"Compared with what is there: {counts}.")
    return list(told["faults"])


def _tell(report: Any, faults: list[str], *, was_asked: bool, were_checked: bool) -> None:
    click.echo(f"{report.head.number} entries; head {report.head}")
    if report.signed:
        checked = "" if were_checked else "; whether rightly can't be told without the key (--public-key)"
        click.echo(f"{report.signed} entries are signed{checked}.")
    for fault in [*report.faults, *faults]:
        click.echo(fault, err=True)
    if not report.end_is_known:
        click.echo("Whether entries are missing at the end can't be told without a head (--head).")
    if not was_asked:
        click.echo("What it claims was not compared with a warehouse.")
    if report.faults:
        raise click.ClickException("The ledger is not as it was written.")
    if faults:
        raise click.ClickException("The ledger says what is not so.")
    click.echo("Every entry is as it was written, and in its place.")


@ledger.command()
@installation
def export(environment: Environment) -> None:
    """Print every entry as a line of JSON."""
    from footfall.books import open_ledger

    with open_control(environment) as store:
        for line in open_ledger(environment, store).lines():
            click.echo(line, nl=False)


@ledger.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def key(file: Path) -> None:
    """Make the key that signs the entries in FILE, or show the public key of the one that is there.

    The setting `ledger_key` names the file; an auditor gets the public key.
    """
    with sentences():
        from retention.signatures import Signer, make_key

        public = Signer(file).public if file.exists() else make_key(file)
    click.echo(public)
