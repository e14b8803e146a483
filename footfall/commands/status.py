"""`footfall status`: where every received event went, to the unit. `footfall spool status`: how far loading is."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import click

from footfall.commands.options import installation, open_control, say_json
from footfall.environment import Environment

_EPOCH: Final = date(1970, 1, 1)
_LOOKS: Final = 16


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def status(as_json: bool, environment: Environment) -> None:
    """Show where every received event went, by site and day, and whether the sum is right.

    received = stored + repeated + not recorded + excluded + rejected + pending,
    stored = in the warehouse + dead letters + purged + erased.

    The last column says of each day whether its sums and the numbers of its records agree, also with its seal.
    """
    from control_store.contradictions import contradictions
    from control_store.jobs import last_runs
    from control_store.seals import all_seals
    from control_store.sites import list_sites
    from footfall.balance import NOTHING, by_day, faults, is_balanced, number_faults

    with open_control(environment) as store:
        runs = [run for run in last_runs(store) if run.job == "accounts.reconcile" and run.message]
        domains = {site.id: site.domain for site in list_sites(store)}
        seals = all_seals(store)
        unsealed = contradictions(store)
        view, held = _look(store, environment)
        for _ in range(_LOOKS):  # a running core publishes what it counted every five seconds
            if held is None:
                time.sleep(0.5)
                view, held = _look(store, environment)
    days = by_day(view, held or NOTHING)
    pending = sum(spool.pending for spool in view.spools)
    numbered = list(number_faults(view, days, seals))
    wrong = {key for key, _ in numbered}
    found = [] if held is None else [*faults(view, days), *(fault for _, fault in numbered)]

    def reconciled(key: tuple[int, int]) -> bool | None:
        return None if held is None else key not in wrong and is_balanced(days[key])

    report = {
        "days": [{**_entry(domains, key, days[key]), "reconciled": reconciled(key)} for key in sorted(days)],
        "pending": pending,
        "received": pending + view.received,
        "balanced": None if held is None else not found,
        "faults": found,
        "contradictions": [_contradiction(domains, one) for one in unsealed],
    }
    if as_json:
        say_json(report)
    else:
        _print(report)
        for one in report["contradictions"]:
            click.echo(f"Not sealed: {one['site']}, {one['days']}: {one['reason']}.")
        for run in runs:
            when = datetime.fromtimestamp(run.ended / 1000, UTC).isoformat(timespec="minutes")
            click.echo(f"Reconciled {when}: {run.message}.")
    if report["balanced"] is False:
        for fault in found:
            click.echo(fault, err=True)
        raise click.ClickException("The accounts do not agree; `footfall reconcile` looks closer.")


@click.group()
def spool() -> None:
    """What was acknowledged and is not yet loaded."""


@spool.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def spool_status(as_json: bool, environment: Environment) -> None:
    """Show each spool: how far it is loaded, and how many events wait."""
    from spool.accounts import read_journal

    spools = read_journal(environment.spool).spools
    if as_json:
        say_json([one._asdict() for one in spools])
        return
    for one in spools:
        moment = datetime.fromtimestamp(max(0, one.watermark) / 1000, UTC)
        loaded = moment.isoformat(timespec="seconds") if one.watermark > 0 else "never"
        click.echo(f"{one.name}\tloaded up to {loaded}\t{one.pending} events wait")
    if not spools:
        click.echo("There is no spool yet; `footfall serve` makes one.")


def _look(store: Any, environment: Environment) -> tuple[Any, Any]:
    """The journal, and what the warehouse holds at the same moment: from the warehouse if nobody has it, else as the
    running core last counted. None while that would be of another moment, a batch is in doubt or a purge cut short.
    """
    from control_store.accounting import published
    from control_store.purges import gone_rows, open_purges
    from footfall.balance import Held
    from footfall.core import count_warehouse
    from spool.accounts import read_journal

    view = read_journal(environment.spool)
    rows = count_warehouse(environment)
    if rows is not None:
        cut_short = view.open_batches or any(purge.state == "intended" for purge in open_purges(store))
        is_still = not cut_short and view.totals == read_journal(environment.spool).totals
        return view, Held(rows, gone_rows(store)) if is_still else None
    told = published(store)
    is_same = told.accounts == {total[:4]: total.events for total in view.totals}
    return view, Held(told.rows, told.gone) if is_same else None


def _entry(domains: dict[int, str], key: tuple[int, int], counts: dict[str, Any]) -> dict[str, Any]:
    site, day = key
    return {
        "site": domains.get(site, "unknown"),
        "day": (_EPOCH + timedelta(days=day)).isoformat(),
        **counts,
        "numbers": [one._asdict() for one in counts["numbers"]],
    }


def _contradiction(domains: dict[int, str], one: Any) -> dict[str, str]:
    """A day that can't be sealed, or a week or month that tells nothing."""
    days = " to ".join((_EPOCH + timedelta(days=day)).isoformat() for day in sorted({one.first, one.last}))
    return {"site": domains.get(one.site, "unknown"), "days": days, "reason": one.reason}


def _print(report: dict[str, Any]) -> None:
    from footfall.balance import OUTCOMES, PLACES

    columns = ("received", *OUTCOMES, *PLACES, "bots", "reconciled")
    words = {True: "yes", False: "NO", None: "-"}
    click.echo("\t".join(("site", "day", *columns)))
    for entry in report["days"]:
        click.echo(
            "\t".join(str(entry[name]) for name in ("site", "day", *columns[:-1])) + "\t" + words[entry["reconciled"]]
        )
        if entry["reasons"]:
            click.echo("\t\t" + ", ".join(f"{count} {reason}" for reason, count in sorted(entry["reasons"].items())))
    word = {
        True: "to the unit",
        False: "NOT BALANCED",
        None: "a batch is not settled yet, ask again while `footfall serve` runs",
    }[report["balanced"]]
    click.echo(f"{report['received']} received, {report['pending']} of them not yet loaded; {word}.")
