"""`footfall attack`: what an auditor can work out about few people from the sealed aggregates."""

import os
from typing import Any

import click

from footfall.commands.asking import by_core
from footfall.commands.options import installation, open_control, say_json, sentences
from footfall.environment import Environment


@click.command()
@click.option("--site", "name", help="Id, key or domain; all sites without.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def attack(*, name: str | None, as_json: bool, environment: Environment) -> None:
    """Attack what is sealed: look for groups of fewer than k people in what aggregates show and leave over.

    Only aggregates are read, and they must be those that were sealed. Exit code 1 when anything is found.
    """
    from control_store.sites import find_site
    from footfall.assembly import hold_core

    with open_control(environment) as store:
        site = find_site(store, name).id if name else 0
        lock = hold_core(environment, patience_s=0)
        if lock is None:
            told = by_core(store, "attack", {"site": site}, lambda _: None)
        else:
            try:
                told = _alone(environment, store, site)
            finally:
                os.close(lock)
    if as_json:
        say_json(told)
    else:
        for one in told["found"]:
            click.echo(f"{one['day']}\t{one['site']}\t{one['found']}")
        click.echo(
            f"{told['days']} sealed days and {told['weeks_and_months']} weeks and months attacked, "
            f"{len(told['found'])} groups or faults found."
        )
    if told["found"]:
        raise click.ClickException("What was found is listed above; the days can be sealed anew while their rows live.")


def _alone(environment: Environment, store: Any, site: int) -> dict[str, Any]:
    from footfall.attacking import attack as attack_all
    from footfall.core import open_warehouse

    with sentences():
        warehouse = open_warehouse(environment)
        try:
            return attack_all(warehouse, store, site)
        finally:
            warehouse.close()
