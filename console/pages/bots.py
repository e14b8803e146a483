"""What machines sent, by rule, and left out of the numbers; and the way to count it after all."""

import asyncio
from typing import Final, NamedTuple

from starlette.responses import Response

from console.pages.desk import Ask, go
from console.pages.formats import days_text, percent
from console.pages.panels import TABS
from console.pages.questions import Questions, days_of
from console.pages.view import RANGES, read_view
from console.stats.plan import EPOCH
from control_store.setting_items import BadSetting
from control_store.site_settings import changed
from control_store.sites import save_settings
from event_catalogue.behaviour import BEHAVIOUR

KINDS: Final[dict[str, tuple[str, str]]] = {
    "ai": ("Crawlers of language models", "They read pages to train models or to answer questions."),
    "agent": ("Crawlers, tools and programs", "They say by their agent string what they are."),
    "headless": ("Browsers without a window", "A program drives them."),
    "network": ("Data centres", "An ordinary browser's words from a network in which machines are rented."),
    "prefetch": ("Fetched ahead", "A browser loaded the page before anybody asked for it."),
    "referrer-spam": ("Referrer spam", "The referrer is sent to be read in reports."),
    BEHAVIOUR: ("By what they did", "No person views so many pages so fast, so regularly, or without a look at them."),
    "empty-agent": ("Without an agent string", "No browser is without one."),
}
"""How a rule's name begins → what the group is called, and what it is."""


class Rule(NamedTuple):
    """What one rule found."""

    name: str
    events: int
    views: int
    pages: int
    counted: bool
    """Whether the site counts what the rule finds as people's."""


class Group(NamedTuple):
    """The rules of one kind."""

    title: str
    meaning: str
    events: int
    rules: tuple[Rule, ...]


async def bots(ask: Ask) -> Response:
    """Machines by kind and rule in some days."""
    shop, site = ask.desk.shop, ask.site()
    await ask.note_reading(site)
    view = read_view(ask.request.query_params, TABS, role=ask.role, default="28d")
    async with Questions(ask.desk.statistics, shop.sharing, site, shop.clock()).of(ask.request) as questions:
        answer = await questions.ask(("events",), view.date_range(questions.local.date()))
    first, last = days_of(answer)
    days = {"site": site.id, "first": (first - EPOCH).days, "last": (last - EPOCH).days}
    found = await asyncio.to_thread(shop.warehouse.query, "console.bots", days, "console")
    rules = [
        Rule(name, int(events), int(views), int(pages), counted=site.settings.counts(name))
        for name, events, views, pages in found
    ]
    left_out = sum(rule.events for rule in rules if not rule.counted)
    people = int(answer["results"][0]["metrics"][0])
    return ask.render(
        "bots.html",
        section="bots",
        site=site,
        view=view,
        ranges=RANGES,
        dates=days_text(first, last),
        groups=grouped(rules),
        left_out=left_out,
        share=percent(left_out, left_out + people),
        counted=site.settings.counted_bots,
        may_change=ask.role == "admin",
    )


async def count_bots(ask: Ask) -> Response:
    """Count what a rule finds, stored rows too, or leave it out again."""
    site, store = ask.site(), ask.desk.shop.store
    rule = ask.form.get("rule", "")
    others = [one for one in site.settings.counted_bots if one != rule]
    wanted = others if ask.form.get("as") == "bots" else [*others, rule]
    try:
        settings = changed(site.settings, [f"counted_bots={','.join(wanted)}"])
    except BadSetting:
        return go(f"/sites/{site.domain}/bots")  # no button sends such a rule
    await asyncio.to_thread(save_settings, store, site, settings)
    await ask.note("settings", site=site.domain, subject="counted_bots")
    return go(f"/sites/{site.domain}/bots")


def grouped(rules: list[Rule]) -> list[Group]:
    """By kind, the kind with the most events first."""
    kinds: dict[str, list[Rule]] = {}
    for rule in rules:
        kinds.setdefault(rule.name.partition(":")[0], []).append(rule)
    made = [
        Group(*KINDS.get(kind, (kind, "")), sum(rule.events for rule in found), tuple(found))
        for kind, found in kinds.items()
    ]
    return sorted(made, key=lambda group: -group.events)
