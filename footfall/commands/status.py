"""`footfall status`: where every received event went, to the unit. `footfall spool status`: how far loading is."""

import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

import click

from footfall.commands.options import installation, open_control, say_json
from footfall.environment import Environment
from spool.quarantine import PURGED

_EPOCH: Final = date(1970, 1, 1)
_LOOKS: Final = 16
_OUTCOMES: Final = ("stored", "repeated", "not_recorded", "excluded", "rejected")
_PLACES: Final = ("in_warehouse", "dead_letters", "purged", "erased")
"""Where what was stored is, or why it is there no more."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@installation
def status(as_json: bool, environment: Environment) -> None:
    """Show where every received event went, by site and day, and whether the sum is right.

    received = stored + repeated + not recorded + excluded + rejected + pending,
    stored = in the warehouse + dead letters + purged + erased.
    """
    from control_store.sites import list_sites

    with open_control(environment) as store:
        domains = {site.id: site.domain for site in list_sites(store)}
        view, held = _look(store, environment)
        for _ in range(_LOOKS):  # a running core publishes what it counted every five seconds
            if held is None:
                time.sleep(0.5)
                view, held = _look(store, environment)
    days = _by_day(view, held or _Held({}, {}))
    pending = sum(spool.pending for spool in view.spools)
    report = {
        "days": [_entry(domains, key, counts) for key, counts in sorted(days.items())],
        "pending": pending,
        "received": pending + view.received,
        "balanced": None if held is None else _balanced(view, days),
    }
    if as_json:
        say_json(report)
    else:
        _print(report)
    if report["balanced"] is False:
        raise click.ClickException("Stored rows and the warehouse differ; `footfall status --json` shows where.")


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


class _Held(NamedTuple):
    """What the warehouse holds by (site, day), rows and bots, and what has been taken out of it."""

    rows: Mapping[tuple[int, int], tuple[int, int]]
    gone: Mapping[tuple[int, int], Any]


def _look(store: Any, environment: Environment) -> tuple[Any, _Held | None]:
    """The journal, and what the warehouse holds at the same moment: from the warehouse if nobody has it, else as the
    running core last counted. None while that would be of another moment, a batch is in doubt or a purge cut short.
    """
    from control_store.accounting import published
    from control_store.purges import gone_rows, open_purges
    from footfall.core import count_warehouse
    from spool.accounts import read_journal

    view = read_journal(environment.spool)
    rows: Mapping[tuple[int, int], tuple[int, int]] | None = count_warehouse(environment)
    if rows is not None:
        cut_short = view.open_batches or any(purge.state == "intended" for purge in open_purges(store))
        is_still = not cut_short and view.totals == read_journal(environment.spool).totals
        return view, _Held(rows, gone_rows(store)) if is_still else None
    told = published(store)
    is_same = told.accounts == {total[:4]: total.events for total in view.totals}
    return view, _Held(told.rows, told.gone) if is_same else None


def _by_day(view: Any, held: _Held) -> dict[tuple[int, int], dict[str, Any]]:
    days: dict[tuple[int, int], dict[str, Any]] = defaultdict(_nothing)
    for total in view.totals:
        counts = days[total.site, total.day]
        counts[total.outcome] += total.events
        if total.outcome == "received":
            continue
        counts["reasons"][f"{total.outcome}:{total.reason}".rstrip(":")] = total.events
        if (total.outcome, total.reason) == ("stored", PURGED):
            counts["purged"] += total.events
    for key, events in view.dead_letters.items():
        days[key]["dead_letters"] = events
    for key, (rows, bots) in held.rows.items():
        days[key]["in_warehouse"], days[key]["bots"] = rows, bots
    for key, gone in held.gone.items():
        days[key]["purged"] += gone.purged
        days[key]["erased"] += gone.erased
        days[key]["bots"] += gone.bots
    return days


def _nothing() -> dict[str, Any]:
    counts = dict.fromkeys(("received", *_OUTCOMES, *_PLACES, "bots"), 0)
    return {**counts, "reasons": {}}


def _balanced(view: Any, days: dict[tuple[int, int], dict[str, Any]]) -> bool:
    """The spools' own count equals the sum of outcomes, and every stored event lies where it is said to."""
    if view.received != sum(counts["received"] for counts in days.values()):
        return False
    return all(
        counts["received"] == sum(counts[outcome] for outcome in _OUTCOMES)
        and counts["stored"] == sum(counts[place] for place in _PLACES)
        for counts in days.values()
    )


def _entry(domains: dict[int, str], key: tuple[int, int], counts: dict[str, Any]) -> dict[str, Any]:
    site, day = key
    return {"site": domains.get(site, "unknown"), "day": (_EPOCH + timedelta(days=day)).isoformat(), **counts}


def _print(report: dict[str, Any]) -> None:
    columns = ("received", *_OUTCOMES, *_PLACES, "bots")
    click.echo("\t".join(("site", "day", *columns)))
    for entry in report["days"]:
        click.echo("\t".join(str(entry[name]) for name in ("site", "day", *columns)))
        if entry["reasons"]:
            click.echo("\t\t" + ", ".join(f"{count} {reason}" for reason, count in sorted(entry["reasons"].items())))
    word = {
        True: "to the unit",
        False: "NOT BALANCED",
        None: "a batch is not settled yet, ask again while `footfall serve` runs",
    }[report["balanced"]]
    click.echo(f"{report['received']} received, {report['pending']} of them not yet loaded; {word}.")
