"""Second factor of one's own login: turn it on by a picture and a code, other recovery codes, turn it off."""

import asyncio

import segno
from markupsafe import Markup
from starlette.responses import Response

from console.pages.account import wrong_password
from console.pages.desk import Ask, go
from control_store.accounts import BadAccount
from control_store.second_factor import (
    enrolment_address,
    is_on,
    is_secret,
    new_secret,
    renew_recovery_codes,
    turn_off,
    turn_on,
)


async def factor_page(ask: Ask) -> Response:
    """The picture for the authenticator, and a field for its first code."""
    if is_on(ask.desk.shop.store, ask.session.user):
        return go("/account")
    return _enrolment(ask, new_secret())


async def factor_on(ask: Ask) -> Response:
    """Turn it on, and show the recovery codes this once."""
    store, user, now = ask.desk.shop.store, ask.session.user, ask.desk.shop.clock()
    secret = ask.form.get("secret", "")
    if not is_secret(secret):
        return _enrolment(ask, new_secret(), "This form was not complete; read the picture again.")
    if sentence := await wrong_password(ask, "password"):
        return _enrolment(ask, secret, sentence)
    try:
        codes = await asyncio.to_thread(turn_on, store, user, secret, ask.form.get("code", "").strip(), now=now)
    except BadAccount as error:
        return _enrolment(ask, secret, str(error))
    await ask.note("factor_on")
    return ask.render("recovery.html", codes=codes)


async def factor_off(ask: Ask) -> Response:
    """A password is enough again."""
    if await wrong_password(ask, "password"):
        return go("/account?wrong=1")
    await asyncio.to_thread(turn_off, ask.desk.shop.store, ask.session.user)
    await ask.note("factor_off")
    return go("/account")


async def other_codes(ask: Ask) -> Response:
    """Other recovery codes; the old ones open nothing any more."""
    store, user = ask.desk.shop.store, ask.session.user
    if not is_on(store, user) or await wrong_password(ask, "password"):
        return go("/account?wrong=1")
    codes = await asyncio.to_thread(renew_recovery_codes, store, user)
    await ask.note("recovery")
    return ask.render("recovery.html", codes=codes)


def _enrolment(ask: Ask, secret: str, sentence: str = "") -> Response:
    picture = segno.make(enrolment_address(ask.session.user, secret), micro=False)
    return ask.render(
        "second_factor.html",
        status=422 if sentence else 200,
        sentence=sentence,
        secret=secret,
        spelled=" ".join(secret[place : place + 4] for place in range(0, len(secret), 4)),
        picture=Markup(picture.svg_inline(scale=4, border=4, light="#fff")),  # noqa: S704  # our library's own drawing
    )
