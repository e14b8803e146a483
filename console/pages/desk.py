"""What every page needs, and what every page must do: log-in, role, forgery check, headers, templates, refusals.

A page is a function from `Ask` to a response. `Desk.page` makes it a handler that nobody reaches without a session,
and that answers every designed refusal with a page that says what to do.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.answers import statistics_of
from console.login import SCREEN_COOKIE, Door
from console.noting import Notes
from console.pages import formats
from console.pages.assets import Assets
from console.pages.role_words import role_name
from console.place_names import Names, PlaceNames
from console.settings import ConsoleSettings
from console.sharing import Sharing
from console.stats.query import BadQuery
from control_store.accounts import Session, has_users
from control_store.roles import Role
from control_store.sites import find_site, list_sites
from control_store.snapshot import Site, UnknownSite
from control_store.tables import ControlStore
from warehouse.client import Warehouse
from warehouse.errors import TryLater, WarehouseError

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(), microphone=()",
    "cache-control": "no-store",
}
_LOG: Final = logging.getLogger("footfall.console")
THEMES: Final = ("auto", "light", "dark")
_TEMPLATES: Final = Path(__file__).parent.parent / "templates"
_LARGEST_FORM: Final = 64 * 1024
_MOST_FIELDS: Final = 4_000
"""A form of roles has one for every site."""


class Forbidden(Exception):
    """Not for this role, or a forged form; the text is one sentence."""


class Stale(Exception):
    """The password has to be given again; the text is where to go on afterwards."""


class Shop(NamedTuple):
    """Parts of the console that pages use."""

    settings: ConsoleSettings
    store: ControlStore
    warehouse: Warehouse
    sharing: Sharing
    clock: Callable[[], int]
    trouble: Callable[[], str]
    kept: Callable[[], Sequence[Any]]
    """What every store holds now (kept.py)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of somebody logged in, as a page gets it."""

    desk: "Desk"
    request: Request
    session: Session
    form: Mapping[str, str]
    found: Site | None = None
    """The site that the address names, if it names one."""

    @property
    def role(self) -> Role | None:
        """The role of whoever asks: for the site that the address names, else for all sites."""
        roles = self.session.user.roles
        return roles.at(self.found.id) if self.found else roles.everywhere

    @property
    def by_script(self) -> bool:
        """Whether our script asks for a part of a page that is open."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def places(self) -> Names:
        """What places are called in the asker's language."""
        return self.desk.place_names.names(self.request.headers.get("accept-language", ""))

    def needing(self, role: Role | None, *, somewhere: bool) -> "Ask":
        """This, if whoever asks has the role or is admin: here, or with `somewhere` for any site. Raises Forbidden."""
        held = self.session.user.roles.anywhere(role or "admin", "admin") if somewhere else self.role in (role, "admin")
        if role and not held:
            raise Forbidden("Your role does not open this page; an admin can.")
        return self

    def fresh(self, back: str) -> "Ask":
        """This, if nothing is asked of the password or it was given lately. Raises Stale."""
        if back and not self.desk.door.is_fresh(self.session):
            raise Stale(back.format(**self.request.path_params))
        return self

    def site(self) -> Site:
        """The site that the address names, which whoever asks may know of (Desk.page has made sure)."""
        if self.found is None:
            raise UnknownSite("The address names no site.")
        return self.found

    def sites(self) -> list[Site]:
        """The sites that whoever asks may know of."""
        return visible_sites(self.desk.shop.store, self.session)

    def origin(self) -> str:
        """Where the asker's own browser reaches the console."""
        scheme = "https" if self.desk.door.callers.is_https(self.request) else "http"
        return f"{scheme}://{self.request.headers.get('host', '')}"

    async def note(self, action: str, *, site: str = "", subject: str = "") -> None:
        """Write into the audit log what was done."""
        await self.desk.notes.note(self.session.user.email, action, site=site, subject=subject)

    async def note_reading(self, site: Site) -> None:
        """Write into the audit log that a site's statistics were looked at, once a day."""
        await self.desk.notes.note_daily(self.session.user.email, "read", site=site.domain)

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page of the frame that people see when they are logged in."""
        return self.desk.render(self.request, template, status=status, session=self.session, **values)


Page = Callable[[Ask], Awaitable[Response]]


class Desk:
    """Makes handlers and pages. One for the process."""

    def __init__(self, shop: Shop, door: Door) -> None:
        self.shop = shop
        self.door = door
        self.notes = Notes(shop.store, shop.clock)
        self.place_names = PlaceNames(shop.settings.place_names)
        self.statistics = statistics_of(shop.warehouse, shop.store, shop.clock, self.place_names)
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            name: getattr(formats, name)
            for name in (
                "whole",
                "short",
                "percent",
                "duration",
                "metric_value",
                "day_text",
                "time_name",
                "ago",
                "sentence",
            )
        }
        self.assets = Assets()
        self._templates.globals["asset"] = self.assets.address

    def page(
        self, page: Page, *, role: Role | None = None, somewhere: bool = False, fresh: str = ""
    ) -> Callable[[Request], Awaitable[Response]]:
        """The handler of a page; with `role` only people of that role (or admins) reach it.

        Where the address names a site, the role for that site counts, and whoever has none is told that there is no
        such site; elsewhere the role for all sites does, or, with `somewhere`, for any. With `fresh` the password must
        have been given lately; that is where one goes on when it was not.
        """

        async def handle(request: Request) -> Response:
            session = await self.door.session(request)
            if session is None:
                return self._turn_away(request)
            form = await read_form(request) if request.method == "POST" else {}
            try:
                ask = self._checked(request, session, form).needing(role, somewhere=somewhere)
                return await page(ask.fresh(fresh))
            except Stale as stale:
                return go(f"/account/confirm?back={quote(str(stale))}")
            except (Forbidden, UnknownSite, BadQuery, WarehouseError) as refusal:
                return self._refuse(request, session, refusal)

        return handle

    def render(
        self, request: Request, template: str, *, status: int = 200, session: Session | None = None, **values: Any
    ) -> Response:
        """A page with the headers of all pages."""
        theme = request.cookies.get(SCREEN_COOKIE, "auto")
        frame = {
            "theme": theme if theme in THEMES else "auto",
            "session": session,
            "role_name": role_name(session.user.roles) if session else "",
            "is_admin": session is not None and session.user.roles.everywhere == "admin",
            "sees_log": session is not None and session.user.roles.anywhere("admin", "privacy_officer"),
            "sees_kept": session is not None and session.user.roles.everywhere in ("admin", "privacy_officer"),
            "csrf": self.door.form_token(request) if session else "",
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "site": None,
            "sites": visible_sites(self.shop.store, session) if session else [],
            "section": "",
            "now": self.shop.clock(),
        }
        text = self._templates.get_template(template).render(frame | values)
        return Response(text, status, dict(HEADERS), media_type="text/html")

    def message(
        self, request: Request, status: int, title: str, sentence: str, *, session: Session | None = None
    ) -> Response:
        """A page that says one thing."""
        return self.render(request, "message.html", status=status, session=session, title=title, sentence=sentence)

    def _checked(self, request: Request, session: Session, form: Mapping[str, str]) -> Ask:
        """What a page gets. Raises Forbidden, and UnknownSite in the same way for a site that is not there and one
        that is not theirs: both are looked for among all sites, and refused by the same line."""
        if request.method == "POST" and not self.door.is_ours(request, form):
            raise Forbidden("This form lay open too long, or came from elsewhere. Open the page again.")
        if "site" not in request.path_params:
            return Ask(self, request, session, form)
        found: Site | None
        try:
            found = find_site(self.shop.store, request.path_params["site"])
        except UnknownSite:
            found = None
        if session.user.roles.at(found.id if found else 0) is None or found is None:
            raise UnknownSite("There is no such site, or it is not theirs.")
        return Ask(self, request, session, form, found)

    def _turn_away(self, request: Request) -> Response:
        """Nobody is logged in: to the log-in, and back afterwards. Our script is told to go there as a whole."""
        if not has_users(self.shop.store):
            return self.message(
                request,
                403,
                "Almost there",
                "Open the set-up link that footfall printed in the terminal when it started; it makes you the admin. "
                "It is printed at every start until it is used.",
            )
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("hx-request") == "true":
            return Response("", 204, {**HEADERS, "hx-redirect": "/login"})
        return go(f"/login?next={quote(target)}" if target != "/" else "/login")

    def _refuse(self, request: Request, session: Session, refusal: Exception) -> Response:
        match refusal:
            case Forbidden():
                return self.message(request, 403, "Not from here", str(refusal), session=session)
            case UnknownSite():
                text = "There is no site of this name. It may have been deleted, or the address has a slip."
                return self.message(request, 404, "No such site", text, session=session)
            case BadQuery():
                return self.message(request, 400, "This can't be shown", refusal.sentence, session=session)
            case TryLater():
                text = "The statistics are busy, or the range is too long for now. Collecting goes on meanwhile."
                return self.message(request, 503, "In a moment", text, session=session)
            case _:
                _LOG.error("A page failed in the warehouse (code %s).", getattr(refusal, "code", None))
                text = "The statistics can't be read at the moment. Collecting goes on meanwhile."
                return self.message(request, 503, "Not now", text, session=session)


def visible_sites(store: ControlStore, session: Session) -> list[Site]:
    """The sites that somebody may know of."""
    return [site for site in list_sites(store) if session.user.roles.at(site.id)]


def go(address: str) -> RedirectResponse:
    """Send the browser there, by GET."""
    return RedirectResponse(address, 303, dict(HEADERS))


def our_path(text: str, otherwise: str = "/") -> str:
    """An address of ours to return to; what leads elsewhere is replaced."""
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if plain else otherwise


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name. What is too large or no form has none."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_FORM:
            return {}
    text = body.decode("utf-8", "replace")
    try:
        return dict(
            parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="replace", max_num_fields=_MOST_FIELDS)
        )
    except ValueError:  # more fields than any form of ours has
        return {}
