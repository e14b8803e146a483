"""All sites at once, and a new one: domain, zone, and what kind of site it is."""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple
from zoneinfo import available_timezones

from starlette.responses import Response

from console.charts import spark
from console.pages.collection import State, read_pulse, state_of
from console.pages.desk import Ask, go
from console.pages.formats import short
from console.pages.questions import Questions, rows_of
from console.pages.tiles import Change, change_of
from control_store.setting_items import BadSetting
from control_store.site_settings import SiteSettings, changed
from control_store.sites import NewSite, add_site, list_sites
from control_store.snapshot import Site
from warehouse.errors import TryLater

_DAYS: Final = 28


class SiteCard(NamedTuple):
    """One site in the list; without numbers where the statistics were too busy."""

    site: Site
    state: State
    visitors: str
    spark: str
    change: Change | None


class Choice(NamedTuple):
    """One answer to "Where are most visitors?": a preset with what it means in plain words."""

    key: str
    title: str
    sees: tuple[str, ...]
    misses: tuple[str, ...]
    banner: str
    settings: tuple[str, ...] = ()
    """Settings beyond those of the preset."""


CHOICES: Final = (
    Choice(
        "uk",
        "Europe and elsewhere: counting without cookies",
        ("visitors of each day, visits, pages, sources", "country, region and city", "browsers, screens, clicks"),
        ("who comes back on another day", "anything of visitors with a privacy signal"),
        "No banner needed by what is counted: nothing is stored on the device before a choice.",
    ),
    Choice(
        "cnil",
        "France: as the CNIL's exemption wants it",
        ("visitors of each day, visits, pages, sources", "country, region and city, in groups of ten or more"),
        ("groups of fewer than ten visitors", "who comes back on another day"),
        "No banner; a sentence in your notice and a way to object, which comes with it.",
    ),
    Choice(
        "us",
        "United States: opt-out",
        (
            "visitors, visits, pages, sources, places, browsers",
            "exact screens, dwell on marked elements",
            "returning visitors, once they accept",
        ),
        ("anything of visitors who opted out or send Global Privacy Control",),
        "A link “Don't count me” instead of a banner; privacy signals are honoured as an opt-out.",
    ),
    Choice(
        "strict",
        "Strict: nothing before a yes",
        ("those who accept, with the fields that every browser sends",),
        ("everybody who has not answered or declined", "screens, clicks and timings"),
        "A banner is needed: nothing is counted before somebody accepts.",
    ),
    Choice(
        "",
        "A site for children",
        ("visitors of each day, visits, pages, sources", "country and region"),
        ("cities, search terms, titles, properties", "consent of any kind: there is no banner"),
        "No banner, and nothing more can be opened.",
        ("policy=under_16",),
    ),
)


async def front(ask: Ask) -> Response:
    """The first page: the one site there is, or all of them."""
    sites = ask.sites()
    if len(sites) == 1:
        return go(f"/sites/{sites[0].domain}")
    return go("/sites")


async def all_sites(ask: Ask) -> Response:
    """A card for each site: visitors of four weeks, their course, the change, and how collecting goes."""
    sites = ask.sites()
    cards = [await _card(ask, site) for site in sites]
    return ask.render("sites.html", section="sites", cards=cards, days=_DAYS)


async def _card(ask: Ask, site: Site) -> SiteCard:
    shop = ask.desk.shop
    pulse = await read_pulse(shop, site)
    state = await asyncio.to_thread(state_of, shop, site, pulse)
    try:
        async with Questions(ask.desk.statistics, shop.sharing, site, shop.clock()) as questions:
            span = f"{_DAYS}d"
            answer = await questions.ask(["visitors"], span, dimensions=["time:day"], include={"time_labels": True})
            whole = await questions.ask(["visitors"], span, include={"comparisons": {"mode": "previous_period"}})
            labels = answer["meta"]["time_labels"]
            found = {row.names[0]: row.values[0] for row in rows_of(answer)}
            before = {"visitors": whole["results"][0]["comparison"]["metrics"][0]}
    except TryLater:
        return SiteCard(site, state, "…", "", None)
    values = [found.get(label, 0) for label in labels]
    total = sum(values)
    change = change_of("visitors", {"visitors": total}, before) if before["visitors"] else None
    return SiteCard(site, state, short(total), spark(values) if total else "", change)


async def new_site_page(ask: Ask) -> Response:
    """Which site?"""
    return _form(ask, {})


async def new_site(ask: Ask) -> Response:
    """Add a site and go on to its installation."""
    form = ask.form
    chosen = next((choice for choice in CHOICES if _name(choice) == form.get("kind", "")), CHOICES[0])
    try:
        settings = changed(SiteSettings(), list(chosen.settings), chosen.key)
        new = NewSite(_host(form.get("domain", "")), form.get("timezone", "").strip() or "UTC", settings)
        site = await asyncio.to_thread(add_site, ask.desk.shop.store, new, now=ask.desk.shop.clock())
    except BadSetting as error:
        return _form(ask, form, str(error))
    await ask.note("add_site", site=site.domain)
    return go(f"/sites/{site.domain}/install")


def _form(ask: Ask, values: Mapping[str, str], sentence: str = "") -> Response:
    return ask.render(
        "new_site.html",
        status=422 if sentence else 200,
        section="sites",
        sentence=sentence,
        domain=values.get("domain", ""),
        timezone=values.get("timezone", ""),
        kind=values.get("kind", _name(CHOICES[0])),
        choices=[(_name(choice), choice) for choice in CHOICES],
        zones=sorted(
            zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))
        ),
        first=not list_sites(ask.desk.shop.store),
    )


def _name(choice: Choice) -> str:
    return choice.key or "children"


def _host(text: str) -> str:
    """What people paste is often an address; its host is what is meant."""
    return text.strip().removeprefix("https://").removeprefix("http://").partition("/")[0]
