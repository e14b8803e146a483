"""One's own account with its logins, and, for admins, everybody's."""

import asyncio
from typing import Final

from starlette.responses import Response

from console.pages.desk import Ask, go
from control_store.accounts import (
    ROLES,
    BadAccount,
    Role,
    check_email,
    check_password,
    delete_user,
    end_session,
    find_user,
    list_sessions,
    list_users,
    set_password,
)
from control_store.links import invite, offer_reset, open_links, withdraw_links
from control_store.second_factor import is_on, recovery_codes_left, turn_off

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


async def people(ask: Ask) -> Response:
    """Everybody who may log in."""
    return _people(ask)


async def invite_person(ask: Ask) -> Response:
    """Make a link for somebody new, which the admin hands over: there is no mail server to do it."""
    role: Role = next((one for one in ROLES if one == ask.form.get("role")), "viewer")
    email = ask.form.get("email", "")
    store, now = ask.desk.shop.store, ask.desk.shop.clock()
    try:
        token = await asyncio.to_thread(invite, store, email, role, now=now)
    except BadAccount as error:
        return _people(ask, str(error))
    await ask.note("invite", subject=f"{check_email(email)} as {role}")
    return _people(ask, link=_link(ask, token))


async def reset_link(ask: Ask) -> Response:
    """Make a link by which somebody takes another password."""
    store, now = ask.desk.shop.store, ask.desk.shop.clock()
    try:
        user = find_user(store, ask.form.get("email", ""))
    except BadAccount as error:
        return _people(ask, str(error))
    token = await asyncio.to_thread(offer_reset, store, user, now=now)
    await ask.note("reset", subject=user.email)
    return _people(ask, link=_link(ask, token))


async def withdraw(ask: Ask) -> Response:
    """The links for an address open nothing any more."""
    email = ask.form.get("email", "")
    if any(link.email == email for link in open_links(ask.desk.shop.store, now=ask.desk.shop.clock())):
        await asyncio.to_thread(withdraw_links, ask.desk.shop.store, email)
        await ask.note("withdraw", subject=email)
    return go("/people")


async def factor_off_of(ask: Ask) -> Response:
    """Turn the second factor of somebody off who lost authenticator and recovery codes."""
    store = ask.desk.shop.store
    try:
        user = find_user(store, ask.form.get("email", ""))
    except BadAccount as error:
        return _people(ask, str(error))
    await asyncio.to_thread(turn_off, store, user)
    await ask.note("factor_off", subject=user.email)
    return go("/people")


async def remove_person(ask: Ask) -> Response:
    """Remove somebody; their logins end at once."""
    store = ask.desk.shop.store
    try:
        user = find_user(store, ask.form.get("email", ""))
        await asyncio.to_thread(delete_user, store, user)
    except BadAccount as error:
        return _people(ask, str(error))
    await ask.note("remove_person", subject=user.email)
    return go("/people")


def _account(ask: Ask, sentence: str = "") -> Response:
    return ask.render(
        "account.html",
        status=422 if sentence else 200,
        sentence=sentence,
        saved=not sentence and "saved" in ask.request.query_params,
        factor=is_on(ask.desk.shop.store, ask.session.user),
        codes_left=recovery_codes_left(ask.desk.shop.store, ask.session.user),
        wrong="wrong" in ask.request.query_params,
        logins=list_sessions(ask.desk.shop.store, ask.session.user, now=ask.desk.shop.clock()),
    )


def _link(ask: Ask, token: str) -> str:
    return f"{ask.origin()}/join?token={token}"


def _people(ask: Ask, sentence: str = "", link: str = "") -> Response:
    return ask.render(
        "people.html",
        status=422 if sentence else 200,
        sentence=sentence,
        link=link,
        people=[(user, is_on(ask.desk.shop.store, user)) for user in list_users(ask.desk.shop.store)],
        links=open_links(ask.desk.shop.store, now=ask.desk.shop.clock()),
        roles=ROLE_MEANINGS,
    )
