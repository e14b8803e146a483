"""Installation of a site: the line to copy, and what arrives, until it is plain that it works.

Whoever installs wants to see what is kept of them. The page names the fields that the day's first visitor filled, and
no value: together they would be one visitor's row, and that visitor need not be the one who installs. One's own values
are shown by one's own browser (`?footfall=debug`).
"""

import re
from base64 import b64encode
from datetime import date
from hashlib import sha256, sha384
from pathlib import Path
from typing import Final, NamedTuple

from starlette.responses import Response

from console.pages.collection import Pulse, outcomes, read_pulse, refused, state_of
from console.pages.desk import Ask
from console.pages.formats import ago
from console.pages.questions import Questions, rows_of
from console.pages.view import DIMENSION_TITLES, may_see
from control_store.snapshot import Site
from event_catalogue.dimensions import DIMENSION, DIRECT, NONE, NOT_SET

_SHOWN: Final = (
    *("path", "hostname", "title", "source", "channel", "referrer", "utm_source", "utm_medium", "utm_campaign"),
    *("country", "region", "city", "timezone", "language"),
    *("browser", "browser_version", "os", "os_version", "device", "engine", "screen_class", "viewport_class"),
)
_BLANK: Final = (NOT_SET, NONE, DIRECT, "")
_BUILD: Final = re.compile("[0-9a-f]{8}")
"""A script's. What has other ones (invented data, programs) runs none of ours."""
_COMPILED_IN: Final = re.compile(rb'"build":"([0-9a-f]{8})"')
_RENEW: Final = (
    "Browsers keep a script for an hour, at most a day, after a setting has changed. What stays is a copy that does "
    "not follow: renew the line that has its hash, or the file that your site serves itself. What protects visitors is "
    "obeyed by the collector, whatever copy runs."
)
THROWN_AWAY: Final = (
    ("IP address", "used for place, identity of the day and rates; never written down"),
    ("Agent string", "read for browser and system; never written down"),
    ("Query of the address", "all keys but campaign tags and those you allow"),
    ("Fragment and user info", "what follows # or stands before @ in an address"),
)
"""What never leaves the collector, whatever an event brings along."""


class Check(NamedTuple):
    """One thing that must be right; `remedy` says what to do where it is not."""

    state: str
    title: str
    remedy: str


class First(NamedTuple):
    """Which fields the events of the day's first visitor fill."""

    events: int
    views: int
    fields: tuple[str, ...]
    empty: int


async def installation(ask: Ask) -> Response:
    """The page with the line and the checks; asks again every two seconds until an event has arrived."""
    shop, site = ask.desk.shop, ask.site()
    pulse = await read_pulse(shop, site)
    async with Questions(ask.desk.statistics, shop.sharing, site, shop.clock()).of(ask.request) as questions:
        today = questions.local.date()
        first = await _first(questions, ask) if pulse.last else None
        visitors = (await questions.totals(["visitors", "events"], "day"))["visitors"]
        script = _published(shop.settings.snippets, site)
        older = await _older(questions, script)
    collector = shop.settings.collector_url
    return ask.render(
        "install.html",
        section="install",
        site=site,
        state=state_of(shop, site, pulse),
        checks=[*_checks(ask, site, pulse, today), *older],
        first=first,
        visitors=int(visitors),
        ago=ago(shop.clock() - pulse.last) if pulse.last else "",
        thrown_away=THROWN_AWAY,
        outcomes=outcomes(shop, site, today, today),
        line=f'<script async src="{collector}/js/{site.key}.js"></script>',
        pixel=f'<noscript><img src="{collector}/e.gif?site={site.key}" alt="" width="1" height="1"></noscript>',
        pinned=_pinned(script, f"{collector}/js/{site.key}"),
        collector=collector,
        is_public=shop.settings.is_public,
    )


async def _first(questions: Questions, ask: Ask) -> First | None:
    """The fields that today's events fill if they are one visitor's; None from the second visitor on."""
    metrics = ["visitors", "events", "pageviews"]
    totals = await questions.totals(metrics, "day")
    if totals["visitors"] != 1:
        return None
    shown = [name for name in _SHOWN if may_see(name, ask.role)]
    found: dict[str, str] = {}
    for name in shown:
        answer = await questions.ask(["events"], "day", dimensions=[name], pagination={"limit": 1})
        for row in rows_of(answer):
            found[name] = row.names[0]
    filled = tuple(
        DIMENSION_TITLES[name] for name, value in found.items() if value not in (*_BLANK, DIMENSION[name].blank)
    )
    return First(int(totals["events"]), int(totals["pageviews"]), filled, len(found) - len(filled))


def _published(directory: Path | None, site: Site) -> bytes:
    """The script that the site's pages are given now; empty where none is published."""
    try:
        return (directory / f"{site.key}.js").read_bytes() if directory else b""
    except OSError:
        return b""


def _pinned(script: bytes, address: str) -> str:
    """The line for the copy that never changes, with its hash (Subresource Integrity)."""
    if not script:
        return ""
    digest = b64encode(sha384(script).digest()).decode()
    source = f"{address}.{sha256(script).hexdigest()[:16]}.js"
    return f'<script async src="{source}" integrity="sha384-{digest}" crossorigin="anonymous"></script>'


async def _older(questions: Questions, script: bytes) -> list[Check]:
    """How many of today's views were told by another script than the published one: a copy that is pinned by its hash
    goes on counting by settings that have changed since, and nobody would notice."""
    found = _COMPILED_IN.search(script)
    if not found:
        return []
    current = found[1].decode()
    answer = await questions.ask(["pageviews"], "day", dimensions=["build"])
    views = {row.names[0]: row.values[0] for row in rows_of(answer) if _BUILD.fullmatch(row.names[0])}
    older = sum(views.values()) - views.get(current, 0)
    if not older:
        return []
    share = max(1, round(100 * older / sum(views.values())))
    return [Check("open", f"{share} % of today's views come from an older script", _RENEW)]


def _checks(ask: Ask, site: Site, pulse: Pulse, today: date) -> list[Check]:
    shop = ask.desk.shop
    checks = [
        Check("done", "An event has arrived", f"The last one {ago(shop.clock() - pulse.last)} ago.")
        if pulse.last
        else Check("open", "No event has arrived yet", "Put the line into a page and open it; this page will notice.")
    ]
    foreign = refused(shop, site, "hostname", today)
    if foreign:
        checks.append(
            Check(
                "bad",
                f"{foreign} events came from hosts that are not this site's",
                f"If they are yours: footfall site set {site.domain} hostnames=other.example,*.example",
            )
        )
    local = refused(shop, site, "localhost", today)
    if local:
        checks.append(
            Check(
                "open",
                f"localhost seen, ignored as it should be ({local} events)",
                f"To count it while you develop: footfall site set {site.domain} localhost=true",
            )
        )
    too_many = refused(shop, site, "rate", today)
    if too_many:
        checks.append(Check("bad", f"{too_many} events were over the rate", "Raise network_rate or site_rate."))
    return checks
