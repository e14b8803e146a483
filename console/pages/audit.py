"""The audit log, for admins and privacy officers; those of single sites read what is about their sites."""

from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from console.pages.desk import Ask
from control_store.audit import ACTIONS, KEPT_DAYS, entries

_ROWS: Final = 100
_READERS: Final = ("admin", "privacy_officer")


async def audit(ask: Ask) -> Response:
    """A page of it, newest first."""
    number = ask.request.query_params.get("page", "1")
    page = max(1, min(int(number), 10_000)) if number.isascii() and number.isdigit() else 1
    roles = ask.session.user.roles
    mine = None
    if roles.everywhere not in _READERS:
        mine = [site.domain for site in ask.sites() if roles.at(site.id) in _READERS]
    found, total = entries(ask.desk.shop.store, limit=_ROWS, offset=(page - 1) * _ROWS, sites=mine)
    return ask.render(
        "audit.html",
        rows=[
            {
                "when": f"{datetime.fromtimestamp(one.at / 1000, UTC):%Y-%m-%d %H:%M:%S}",
                "who": one.who,
                "what": ACTIONS.get(one.action, one.action),
                "about": " · ".join(filter(None, (one.site, one.subject))),
            }
            for one in found
        ],
        page=page,
        pages=max(1, -(-total // _ROWS)),
        kept_days=KEPT_DAYS,
    )
