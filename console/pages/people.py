"""One's own account with its logins, and, for admins, everybody's."""

import asyncio
from typing import Final

from starlette.responses import Response

from console.pages.desk import Ask, go
from control_store.accounts import (
    ROLES,
    BadAccount,
    Role,
    add_user,
    check_password,
    delete_user,
    end_session,
    find_user,
    list_sessions,
    list_users,
    set_password,
)

ROLE_MEANINGS: Final = {
    "admin": "everything: sites, settings, people",
    "analyst": "all statistics",
    "viewer": "statistics, to look at",
    "privacy_officer": "statistics with free texts, and what visitors ask for",
}


async def account(ask: Ask) -> Response:
    """Who I am, where I am logged in."""
    return _account(ask)


async def change_password(ask: Ask) -> Response:
    """Take a new password; every login ends, this one begins anew."""
    store, user = ask.desk.shop.store, ask.session.user
    if await asyncio.to_thread(check_password, store, user.email, ask.form.get("old", "")) is None:
        return _account(ask, "The present password is not right.")
    try:
        await asyncio.to_thread(set_password, store, user, ask.form.get("password", ""))
    except BadAccount as error:
        return _account(ask, str(error))
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
    return go("/account")


async def people(ask: Ask) -> Response:
    """Everybody who may log in."""
    return _people(ask)


async def add_person(ask: Ask) -> Response:
    """Add somebody with a first password, which the admin hands over: there is no mail server to do it."""
    role: Role = next((one for one in ROLES if one == ask.form.get("role")), "viewer")
    email, password = ask.form.get("email", ""), ask.form.get("password", "")
    store, now = ask.desk.shop.store, ask.desk.shop.clock()
    try:
        await asyncio.to_thread(add_user, store, email, role, password, now=now)
    except BadAccount as error:
        return _people(ask, str(error))
    return go("/people")


async def remove_person(ask: Ask) -> Response:
    """Remove somebody; their logins end at once."""
    store = ask.desk.shop.store
    try:
        await asyncio.to_thread(delete_user, store, find_user(store, ask.form.get("email", "")))
    except BadAccount as error:
        return _people(ask, str(error))
    return go("/people")


def _account(ask: Ask, sentence: str = "") -> Response:
    return ask.render(
        "account.html",
        status=422 if sentence else 200,
        sentence=sentence,
        saved=not sentence and "saved" in ask.request.query_params,
        logins=list_sessions(ask.desk.shop.store, ask.session.user, now=ask.desk.shop.clock()),
    )


def _people(ask: Ask, sentence: str = "") -> Response:
    return ask.render(
        "people.html",
        status=422 if sentence else 200,
        sentence=sentence,
        people=list_users(ask.desk.shop.store),
        roles=ROLE_MEANINGS,
    )
