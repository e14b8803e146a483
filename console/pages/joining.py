"""Where the links lead that an admin hands over: a new account, or another password."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from console.login import LoginRefused
from console.pages.desk import Desk, go, read_form
from console.pages.role_words import role_name
from control_store.accounts import BadAccount
from control_store.links import Link, find_link, use_link


class Joining:
    """Pages that are open to whoever has the link."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        """Choose a password."""
        token = request.query_params.get("token", "")
        link = self._link(token)
        return self._nothing(request) if link is None else self._form(request, token, link)

    async def join(self, request: Request) -> Response:
        """Take the password; a new account is logged in, another password has to be used first."""
        desk, form = self._desk, await read_form(request)
        token = form.get("token", "")
        link = self._link(token)
        if link is None:
            return self._nothing(request)
        try:
            desk.door.check_form(request, form)
            done = await asyncio.to_thread(
                use_link, desk.shop.store, token, form.get("password", ""), now=desk.shop.clock()
            )
        except LoginRefused as refusal:
            return self._form(request, token, link, refusal.status, refusal.sentence)
        except BadAccount as error:
            return self._form(request, token, link, 422, str(error))
        if done is None:
            return self._nothing(request)
        kind, user = done
        await desk.notes.note(user.email, "join" if kind == "invitation" else "password")
        response = go("/" if kind == "invitation" else "/login")
        if kind == "invitation":
            desk.door.let_in(request, response, await desk.door.begin(user, remember=False), remember=False)
        return response

    def _link(self, token: str) -> Link | None:
        return find_link(self._desk.shop.store, token, now=self._desk.shop.clock())

    def _form(self, request: Request, token: str, link: Link, status: int = 200, sentence: str = "") -> Response:
        desk = self._desk
        response = desk.render(
            request,
            "join.html",
            status=status,
            sentence=sentence,
            token=token,
            link=link,
            stamp=desk.door.stamp(),
            role_name=role_name(link.roles),
        )
        desk.door.test(request, response)
        return response

    def _nothing(self, request: Request) -> Response:
        text = "It was used already, its time is over, or it is not complete. Ask an admin for another one."
        return self._desk.message(request, 403, "This link opens nothing", text)
