"""Settings of a site, as the command line knows them: each with its meaning, changed by admins."""

import asyncio
from typing import Any, Final

from starlette.responses import Response

from console.pages.desk import Ask, Forbidden, go
from control_store.notice_gaps import notice_gaps
from control_store.refused_hosts import refused_hosts
from control_store.setting_items import BadSetting
from control_store.site_settings import SETTINGS, SiteSettings, changed
from control_store.sites import save_settings
from control_store.snapshot import Site

_TITLES: Final = {
    "policy": "Before and after a visitor's choice",
    "gpc": "A visitor who sends Global Privacy Control",
    "dnt": "Honour Do Not Track",
    "basic_only": "Essential fields only",
    "plugins": "Plug-ins",
    "hostnames": "Further hosts",
    "query_keys": "Keys of addresses that are kept",
    "search_keys": "Keys of the site's search",
    "hash_routes": "Addresses after # are pages",
    "localhost": "Count visits on localhost",
    "raw_days": "Raw rows are kept",
    "aggregate_months": "Months of statistics",
    "k": "Smallest group",
    "policy_version": "Version of the notice",
    "region_policies": "Other policies by region",
    "under_16_paths": "Pages for children",
    "opt_out_in_europe": "Opt-out in Europe too",
    "exclude_paths": "Pages",
    "exclude_hostnames": "Hosts",
    "exclude_networks": "Networks",
    "exclude_countries": "Countries",
    "ignored_hostnames": "Foreign hosts without mention",
    "modules": "Modules of the snippet",
    "frames": "Count pages inside frames",
    "quiet": "Keep silent in the browser's console",
    "download_extensions": "Extensions of downloads",
    "call_numbers": "Phone numbers by channel",
    "banner": "Ask visitors for their choice",
    "shares": "Visitors' data is sold or shared",
    "consent_managers": "Other consent managers",
    "controller": "Who is responsible",
    "controller_address": "Postal address",
    "contact": "For questions and rights",
    "privacy_officer": "Data protection officer",
    "representative": "Representative in the European Union",
    "legal_basis": "Legal basis without consent",
    "recipients": "Who else receives data",
    "transfers": "Transfers to other countries",
    "authority": "Supervisory authority",
    "channels": "Channels of your own",
    "counted_bots": "Bots that are counted",
}
_GROUPS: Final = {
    "What is collected": (
        *("policy", "region_policies", "opt_out_in_europe", "under_16_paths", "gpc", "dnt", "basic_only", "plugins"),
        *("modules", "download_extensions", "call_numbers"),
    ),
    "What visitors are told and asked": (
        *(
            "banner",
            "shares",
            "consent_managers",
            "controller",
            "controller_address",
            "contact",
            "privacy_officer",
            "representative",
        ),
        *("legal_basis", "recipients", "transfers", "authority", "policy_version"),
    ),
    "What is a page": ("hostnames", "query_keys", "search_keys", "hash_routes", "localhost", "frames"),
    "Where visits come from": ("channels",),
    "What is not counted": (
        *(
            "counted_bots",
            "exclude_paths",
            "exclude_hostnames",
            "exclude_networks",
            "exclude_countries",
            "ignored_hostnames",
        ),
    ),
    "What is kept, and shown": ("raw_days", "aggregate_months", "k"),
    "Further": tuple(SETTINGS),
}
"""The sections of the page; a setting stands in the first that names it, so a new one is at least in the last."""
_CHOICES: Final[dict[str, dict[str, str]]] = {
    "policy": {
        "cookieless": "Count without cookies; recognise a browser after a yes",
        "opt_in": "Count nothing before a yes",
        "opt_out": "Count everybody who has not said no",
        "under_16": "A site for children: less is read, nothing is asked",
    },
    "legal_basis": {
        "": "not stated",
        "legitimate_interests": "Legitimate interests (GDPR Art. 6(1)(f))",
        "public_task": "A task in the public interest (GDPR Art. 6(1)(e))",
    },
    "gpc": {"drop": "is not recorded", "cookieless": "is counted, and never recognised"},
    "raw_days": {
        "0": "until their day is sealed",
        "1": "1 day",
        **{str(days): f"{days} days" for days in (7, 14, 35, 60, 90, 180, 395)},
    },
}
_SHORT: Final = frozenset(("aggregate_months", "k", "policy_version"))
"""Whose values are a few characters."""


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
    changes = [name for name in SETTINGS if getattr(settings, name) != getattr(site.settings, name)]
    if changes:
        await ask.note("settings", site=site.domain, subject=", ".join(changes))
    return go(f"/sites/{site.domain}/settings?saved=1")


def _page(ask: Ask, site: Site, sentence: str = "", form: Any = None) -> Response:
    left = dict(SETTINGS)
    groups = [
        (title, [_row(name, site, form) for name in names if left.pop(name, None)]) for title, names in _GROUPS.items()
    ]
    return ask.render(
        "site_settings.html",
        status=422 if sentence else 200,
        section="settings",
        site=site,
        groups=groups,
        sentence=sentence,
        saved=not sentence and "saved" in ask.request.query_params,
        may_change=ask.role == "admin",
        gaps=[_TITLES[name] for name in notice_gaps(site.settings)],
        notice=f"{ask.desk.shop.settings.collector_url}/privacy/{site.key}",
        hosts=refused_hosts(ask.desk.shop.store, site.id),
        timezone=site.timezone_at(ask.desk.shop.clock()),
    )


def _row(name: str, site: Site, form: Any) -> dict[str, Any]:
    told = SETTINGS[name]
    return {
        "name": name,
        "title": _TITLES.get(name, name.replace("_", " ").capitalize()),
        "meaning": told.meaning.replace("`", ""),
        "form": told.form,
        "value": (form or {}).get(name, _typed(getattr(site.settings, name))),
        "switch": _is_switch(name),
        "choices": _CHOICES.get(name, {}),
        "short": name in _SHORT,
    }


def _is_switch(name: str) -> bool:
    return isinstance(getattr(SiteSettings(), name), bool)


def _told(name: str, ask: Ask) -> str:
    """A switch that is off is not in a form at all."""
    return str(name in ask.form).lower() if _is_switch(name) else ask.form[name]


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
