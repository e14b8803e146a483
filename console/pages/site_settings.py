"""Settings of a site, as the command line knows them: each with its meaning, changed by admins."""

import asyncio
from typing import Any, Final

from starlette.responses import Response

from console.pages.desk import Ask, Forbidden, go
from control_store.setting_items import BadSetting
from control_store.site_settings import SETTINGS, SiteSettings, changed
from control_store.sites import save_settings
from control_store.snapshot import Site

_TITLES: Final = {
    "policy": "Policy",
    "gpc": "Global Privacy Control",
    "dnt": "Do Not Track",
    "basic_only": "Essential fields only",
    "plugins": "Plug-ins",
    "hostnames": "Hosts",
    "query_keys": "Query keys",
    "search_keys": "Search keys",
    "hash_routes": "Hash routes",
    "localhost": "Localhost",
    "raw_days": "Raw days",
    "aggregate_months": "Months of statistics",
    "k": "Smallest group",
    "policy_version": "Version of the notice",
}
_CHOICES: Final = {
    "policy": ("cookieless", "opt_in", "opt_out", "under_16"),
    "gpc": ("drop", "cookieless"),
    "raw_days": ("0", "1", "7", "14", "35", "60", "90", "180", "395"),
}


async def settings_page(ask: Ask) -> Response:
    """What this site does, readable for every role."""
    return _page(ask, ask.site())


async def save(ask: Ask) -> Response:
    """Change the settings that the form holds. Raises Forbidden, UnknownSite."""
    site = ask.site()
    if ask.role != "admin":
        raise Forbidden("Only an admin changes settings.")
    told = [f"{name}={_told(name, ask)}" for name in SETTINGS if name in ask.form or _is_switch(name)]
    try:
        settings = changed(site.settings, told)
    except BadSetting as error:
        return _page(ask, site, str(error), ask.form)
    await asyncio.to_thread(save_settings, ask.desk.shop.store, site, settings)
    return go(f"/sites/{site.domain}/settings?saved=1")


def _page(ask: Ask, site: Site, sentence: str = "", form: Any = None) -> Response:
    rows = [
        {
            "name": name,
            "title": _TITLES.get(name, name.replace("_", " ").capitalize()),
            "meaning": told.meaning,
            "form": told.form,
            "value": (form or {}).get(name, _typed(getattr(site.settings, name))),
            "default": _typed(getattr(SiteSettings(), name)),
            "switch": _is_switch(name),
            "choices": _CHOICES.get(name, ()),
        }
        for name, told in SETTINGS.items()
    ]
    return ask.render(
        "site_settings.html",
        status=422 if sentence else 200,
        section="settings",
        site=site,
        rows=rows,
        sentence=sentence,
        saved=not sentence and "saved" in ask.request.query_params,
        may_change=ask.role == "admin",
        timezone=site.timezone_at(ask.desk.shop.clock()),
    )


def _is_switch(name: str) -> bool:
    return isinstance(getattr(SiteSettings(), name), bool)


def _told(name: str, ask: Ask) -> str:
    """A switch that is off is not in a form at all."""
    return str(name in ask.form).lower() if _is_switch(name) else ask.form[name]


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
