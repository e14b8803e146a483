"""In and out: log-in, log-out, the one-time set-up of the first admin, screen options."""

from collections.abc import Mapping
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from console.login import CodeNeeded, LoginRefused
from console.pages.desk import THEMES, Ask, Desk, go, our_path, read_form
from control_store.accounts import BadAccount, User, find_user, is_setup_token


class Entrance:
    """Pages that are open to nobody in particular."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._door = desk.door

    async def login_page(self, request: Request) -> Response:
        """The log-in form, with the test cookie; whoever is logged in already goes on."""
        target = our_path(request.query_params.get("next", "/"))
        if await self._door.session(request) is not None:
            return go(target)
        return self._login_form(request, target=target)

    async def log_in(self, request: Request) -> Response:
        """Let somebody in, or say what to do; the same words for an unknown address and a wrong password."""
        form = await read_form(request)
        target = our_path(form.get("next", "/"))
        try:
            token = await self._door.log_in(request, form)
        except CodeNeeded as needed:
            return self._code_form(request, ticket=needed.ticket, target=target)
        except LoginRefused as refusal:
            await self._note_failure(form.get("email", ""), refusal)
            response = self._login_form(
                request,
                status=refusal.status,
                sentence=refusal.sentence,
                email=form.get("email", ""),
                remember=bool(form.get("remember")),
                target=target,
            )
            if refusal.retry_after:
                response.headers["retry-after"] = str(refusal.retry_after)
            return response
        return await self._enter(request, token, find_user(self._desk.shop.store, form["email"]), target, form)

    async def enter_code(self, request: Request) -> Response:
        """The second half of a login: a code of the authenticator, or a recovery code."""
        form = await read_form(request)
        target, ticket = our_path(form.get("next", "/")), form.get("ticket", "")
        try:
            user, remember = await self._door.enter_code(request, form)
        except LoginRefused as refusal:
            if refusal.status == 401:
                return self._login_form(request, status=401, sentence=refusal.sentence, target=target)
            await self._desk.notes.note_daily(refusal.whose, "login_failed", site="")
            response = self._code_form(request, ticket=ticket, target=target, refusal=refusal)
            if refusal.retry_after:
                response.headers["retry-after"] = str(refusal.retry_after)
            return response
        token = await self._door.begin(user, remember=remember)
        return await self._enter(request, token, user, target, {"remember": "1"} if remember else {})

    async def _enter(self, request: Request, token: str, user: User, target: str, form: Mapping[str, str]) -> Response:
        await self._desk.notes.note(user.email, "login")
        response = go(target)
        self._door.let_in(request, response, token, remember=bool(form.get("remember")))
        return response

    async def _note_failure(self, email: str, refusal: LoginRefused) -> None:
        """Of somebody who exists: what a stranger types into the field is nobody's to keep."""
        if refusal.status not in (403, 429):
            return
        with suppress(BadAccount):
            known = find_user(self._desk.shop.store, email)
            await self._desk.notes.note_daily(known.email, "login_failed", site="")

    async def log_out(self, request: Request) -> Response:
        """Revoke the session, remove the cookies. A forged log-out is refused; without a session there is nothing to
        forge."""
        session = await self._door.session(request)
        form = await read_form(request)
        if session is not None and not self._door.is_ours(request, form):
            text = "This form lay open too long, or came from elsewhere. Open a page and log out there."
            return self._desk.message(request, 403, "Not from here", text, session=session)
        response = go("/login")
        if session is not None:
            await self._desk.notes.note(session.user.email, "logout")
        await self._door.log_out(request, response, session)
        return response

    async def setup_page(self, request: Request) -> Response:
        """Who are you? Only with the token of the link."""
        token = request.query_params.get("token", "")
        if not is_setup_token(self._desk.shop.store, token):
            return self._no_setup(request)
        return self._setup_form(request, token=token)

    async def set_up(self, request: Request) -> Response:
        """Make the first admin, log them in and go on to the first site."""
        form = await read_form(request)
        token, email = form.get("token", ""), form.get("email", "")
        try:
            user = await self._door.set_up(request, form)
        except LoginRefused as refusal:
            return self._setup_form(request, status=refusal.status, sentence=refusal.sentence, token=token, email=email)
        except BadAccount as error:
            return self._setup_form(request, status=422, sentence=str(error), token=token, email=email)
        if user is None:
            return self._no_setup(request)
        response = go("/sites/new")
        self._door.let_in(request, response, await self._door.begin(user, remember=False), remember=False)
        return response

    def _login_form(
        self,
        request: Request,
        *,
        status: int = 200,
        sentence: str = "",
        email: str = "",
        remember: bool = False,
        target: str = "/",
    ) -> Response:
        response = self._desk.render(
            request,
            "login.html",
            status=status,
            stamp=self._door.stamp(),
            sentence=sentence,
            email=email,
            remember=remember,
            next=target,
        )
        self._door.test(request, response)
        return response

    def _code_form(
        self, request: Request, *, ticket: str, target: str, refusal: LoginRefused | None = None
    ) -> Response:
        response = self._desk.render(
            request,
            "code.html",
            status=refusal.status if refusal else 200,
            sentence=refusal.sentence if refusal else "",
            stamp=self._door.stamp(),
            ticket=ticket,
            next=target,
        )
        self._door.test(request, response)
        return response

    def _setup_form(
        self, request: Request, *, token: str, status: int = 200, sentence: str = "", email: str = ""
    ) -> Response:
        stamp = self._door.stamp()
        response = self._desk.render(
            request, "setup.html", status=status, sentence=sentence, email=email, token=token, stamp=stamp
        )
        self._door.test(request, response)
        return response

    def _no_setup(self, request: Request) -> Response:
        return self._desk.message(
            request,
            403,
            "This link opens nothing",
            "It was used already, or it is not complete. Log in, or start footfall again: while there is no "
            "user it prints a working link.",
        )


async def keep_screen(ask: Ask) -> Response:
    """Remember how somebody wants their screen."""
    theme = ask.form.get("theme", "")
    response = go(our_path(ask.form.get("back", "/")))
    ask.desk.door.keep_screen(ask.request, response, theme if theme in THEMES else "auto")
    return response
