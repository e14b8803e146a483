"""Keys of a site: what each opens and when it was last used; made and revoked by admins."""

import asyncio
from typing import Final

from starlette.responses import Response

from console.pages.desk import Ask, go
from control_store.sites import add_key, list_keys, revoke_key
from control_store.snapshot import SCOPES, Scope

SCOPE_MEANINGS: Final = {
    "stats": "asks the Stats API",
    "events": "sends events from a server",
    "import": "sends old events",
}


async def keys(ask: Ask) -> Response:
    """All keys of the site."""
    return _page(ask)


async def make_key(ask: Ask) -> Response:
    """Make a key and show it this once."""
    site = ask.site()
    scope: Scope = next((one for one in SCOPES if one == ask.form.get("scope")), "stats")
    made = await asyncio.to_thread(
        add_key,
        ask.desk.shop.store,
        site,
        scope,
        now=ask.desk.shop.clock(),
        maker=ask.session.user.id,
    )
    await ask.note("add_key", site=site.domain, subject=f"{scope} …{made[-4:]}")
    return _page(ask, made)


async def drop_key(ask: Ask) -> Response:
    """Revoke a key: it opens nothing any more within two seconds."""
    site, number = ask.site(), ask.form.get("key", "")
    for key in list_keys(ask.desk.shop.store, site):
        if str(key.id) == number:
            await asyncio.to_thread(revoke_key, ask.desk.shop.store, site, key.id)
            await ask.note("revoke_key", site=site.domain, subject=f"{key.scope} …{key.hint}")
    return go(f"/sites/{site.domain}/keys")


def _page(ask: Ask, made: str = "") -> Response:
    site = ask.site()
    return ask.render(
        "keys.html",
        section="settings",
        site=site,
        made=made,
        keys=list_keys(ask.desk.shop.store, site),
        scopes=SCOPE_MEANINGS,
        today=ask.desk.shop.clock() // 86_400_000,
        rate=ask.desk.shop.settings.query_rate,
    )
