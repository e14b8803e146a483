"""`footfall reconcile`: the proof that no acknowledged event is lost and none counted twice."""

import os

import click

from footfall.commands.asking import alone, by_core
from footfall.commands.options import installation, open_control, say_json, sentences
from footfall.environment import Environment

_SHOWN = ("received", "stored", "in_warehouse", "dead_letters", "purged", "erased", "lost")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def reconcile(as_json: bool, environment: Environment) -> None:
    """Prove that every acknowledged event is stored, a dead letter, purged, erased or not recorded for a reason.

    By the spools' gapless numbers, the loader's batches and the rows that are there; exit code 1 names what differs.
    """
    from footfall.assembly import hold_core
    from footfall.reconciling import reconcile as reconciled
    from footfall.reconciling import said

    with open_control(environment) as store:
        lock = hold_core(environment, patience_s=0)
        if lock is None:
            told = by_core(store, "reconcile", {}, lambda _: None)
        else:
            try:
                with sentences(), alone(environment, store) as (warehouse, sealing, _):
                    told = reconciled(warehouse, store, environment.spool, sealing.at_rest)
            finally:
                os.close(lock)
    if as_json:
        say_json(told)
    else:
        for day in told["days"]:
            numbers = ", ".join(
                f"{count} {name.replace('_', ' ')}" for name, count in day.items() if name in _SHOWN and count
            )
            records = ", ".join(f"{one['first']}-{one['last']} of {one['spool']}" for one in day["records"])
            is_wrong = "" if day["balanced"] else "NOT BALANCED"
            click.echo(f"{day['day']}\tsite {day['site']}\t{numbers}\trecords {records}\t{is_wrong}".rstrip())
        click.echo(said(told))
        for fault in told["faults"]:
            click.echo(fault, err=True)
    if told["faults"]:
        raise click.ClickException("The accounts do not agree.")
