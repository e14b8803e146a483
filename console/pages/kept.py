"""How long everything is kept, and what is there now: for admins and privacy officers."""

from datetime import UTC, datetime
from typing import NamedTuple

from starlette.responses import Response

from console.pages.desk import Ask
from control_store.choices import open_withdrawals
from control_store.contradictions import contradictions
from control_store.erasures import open_erasures
from control_store.holds import list_holds
from control_store.jobs import last_runs
from control_store.purges import open_purges
from control_store.sites import list_sites
from event_catalogue.days import DAY_MS, day_text


class Kept(NamedTuple):
    """One store: its period, and what it holds now."""

    store: str
    holds: str
    kept: str
    ended_by: str
    amount: int
    """-1: nobody can tell here."""
    oldest: int
    """ms UTC; 0: nothing is there, or it has no age."""
    is_late: bool
    """Whether something is there that should have gone."""


async def kept(ask: Ask) -> Response:
    """The page."""
    shop = ask.desk.shop
    today = shop.clock() // DAY_MS
    domains = {site.id: site.domain for site in list_sites(shop.store)}
    runs = [run for run in last_runs(shop.store) if run.job == "accounts.reconcile" and run.message]
    waiting = len(open_withdrawals(shop.store)) + len(open_erasures(shop.store))
    return ask.render(
        "kept.html",
        stores=[
            {**one._asdict(), "oldest": _date(one.oldest), "kept": one.kept.replace("`", ""), "holds": one.holds}
            for one in shop.kept()
        ],
        purges=[
            {"number": one.number, "day": day_text(one.day), "remark": one.remark} for one in open_purges(shop.store)
        ],
        holds=[
            {"id": one.id, "first": day_text(one.first), "last": day_text(one.last), "until": day_text(one.until)}
            for one in list_holds(shop.store)
            if one.keeps(one.site, one.first, today)
        ],
        requests=waiting,
        contradictions=[
            {
                "site": domains.get(one.site, "?"),
                "days": " to ".join(day_text(day) for day in sorted({one.first, one.last})),
                "reason": one.reason,
            }
            for one in contradictions(shop.store)
        ],
        reconciled=runs[-1].message if runs else "",
    )


def _date(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}" if at else ""
