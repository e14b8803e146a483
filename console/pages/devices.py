"""An owner's own device leaves the count: the link is made here, and opened on the device, by whoever has it."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from console.login import LoginRefused
from console.pages.desk import Ask, Desk, read_form
from control_store.device_links import find_device_link, offer_device_link, use_device_link
from control_store.snapshot import Site


async def offer(ask: Ask) -> Response:
    """Make a link for a device of the owner's. Raises UnknownSite."""
    site, shop = ask.site(), ask.desk.shop
    token = await asyncio.to_thread(offer_device_link, shop.store, site, now=shop.clock())
    await ask.note("device_link", site=site.domain)
    link = f"{ask.origin()}/not-me?token={token}"
    return ask.render("device.html", site=site, section="settings", state="made", link=link)


class Devices:
    """Pages that are open to whoever has the link: a telephone has no log-in here."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        """Ask first: whoever only looks at an address, as messengers do, must not use it up."""
        token = request.query_params.get("token", "")
        site = find_device_link(self._desk.shop.store, token, now=self._desk.shop.clock())
        return self._nothing(request) if site is None else self._form(request, token, site)

    async def leave(self, request: Request) -> Response:
        """Burn the link, and show the address that the device opens now."""
        desk, form = self._desk, await read_form(request)
        store, now, token = desk.shop.store, desk.shop.clock(), form.get("token", "")
        site = find_device_link(store, token, now=now)
        if site is None:
            return self._nothing(request)
        try:
            desk.door.check_form(request, form)
        except LoginRefused as refusal:
            return self._form(request, token, site, refusal)
        if await asyncio.to_thread(use_device_link, store, token, now=now) is None:
            return self._nothing(request)
        address = f"https://{site.domain}/?footfall=ignore"
        return desk.render(request, "device.html", state="open", domain=site.domain, address=address)

    def _form(self, request: Request, token: str, site: Site, refusal: LoginRefused | None = None) -> Response:
        desk = self._desk
        response = desk.render(
            request,
            "device.html",
            status=refusal.status if refusal else 200,
            state="ask",
            domain=site.domain,
            sentence=refusal.sentence if refusal else "",
            token=token,
            stamp=desk.door.stamp(),
        )
        desk.door.test(request, response)
        return response

    def _nothing(self, request: Request) -> Response:
        text = "It was used already, its day is over, or it is not complete. Make another in the site's settings."
        return self._desk.message(request, 403, "This link opens nothing", text)
