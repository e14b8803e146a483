"""One's own account: password, logins, and what was done to it."""

import asyncio

from starlette.responses import Response

from console.login import LoginRefused
from console.pages.desk import Ask, go, our_path
from control_store.accounts import BadAccount, end_session, list_sessions, set_password
from control_store.audit import ACTIONS, about_login
from control_store.second_factor import is_on, recovery_codes_left

_EVENTS = 12


async def account(ask: Ask) -> Response:
    """Who I am, where I am logged in."""
    return _account(ask)


async def confirm_page(ask: Ask) -> Response:
    """Ask for the password again, before people or keys are changed."""
    return _confirm(ask, our_path(ask.request.query_params.get("back", "/")))


async def confirm(ask: Ask) -> Response:
    """Go on where one wanted to be, with a login under another token."""
    back = our_path(ask.form.get("back", "/"))
    sentence = await wrong_password(ask, "password")
    if sentence:
        return _confirm(ask, back, sentence)
    response = go(back)
    await ask.desk.door.confirm(ask.request, response, ask.session)
    await ask.note("confirm")
    return response


async def change_password(ask: Ask) -> Response:
    """Take a new password; every login ends, this one begins anew."""
    store, user = ask.desk.shop.store, ask.session.user
    sentence = await wrong_password(ask, "old")
    if sentence:
        return _account(ask, sentence)
    try:
        await asyncio.to_thread(set_password, store, user, ask.form.get("password", ""))
    except BadAccount as error:
        return _account(ask, str(error))
    await ask.note("password")
    response = go("/account?saved=1")
    token = await ask.desk.door.begin(user, remember=False)
    ask.desk.door.let_in(ask.request, response, token, remember=False)
    return response


async def end_login(ask: Ask) -> Response:
    """End one of one's own logins."""
    store, number = ask.desk.shop.store, ask.form.get("session", "")
    for session in list_sessions(store, ask.session.user, now=ask.desk.shop.clock()):
        if str(session.id) == number:
            await asyncio.to_thread(end_session, store, session)
            await ask.note("end_login")
    return go("/account")


async def wrong_password(ask: Ask, field: str) -> str:
    """Why the password in this field does not open; empty if it does. Tries are counted as those of a login."""
    try:
        known = await ask.desk.door.knows_password(ask.request, ask.session, ask.form.get(field, ""))
    except LoginRefused as refusal:
        return refusal.sentence
    return "" if known else "The password is not right; nothing was changed."


def _confirm(ask: Ask, back: str, sentence: str = "") -> Response:
    return ask.render("confirm.html", status=422 if sentence else 200, sentence=sentence, back=back)


def _account(ask: Ask, sentence: str = "") -> Response:
    store, now = ask.desk.shop.store, ask.desk.shop.clock()
    return ask.render(
        "account.html",
        status=422 if sentence else 200,
        sentence=sentence,
        saved=not sentence and "saved" in ask.request.query_params,
        factor=is_on(store, ask.session.user),
        codes_left=recovery_codes_left(store, ask.session.user),
        wrong="wrong" in ask.request.query_params,
        logins=list_sessions(store, ask.session.user, now=now),
        happened=[
            (max(0, now - one.at), one.who, ACTIONS[one.action])
            for one in about_login(store, ask.session.user.email, limit=_EVENTS)
        ],
    )
