"""Everybody who may log in, for admins: invitations, roles, links for another password, removal."""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from console.pages.desk import Ask, go
from console.pages.role_words import ROLE_MEANINGS, changes, role_lines, told_roles
from console.stats.query import BadQuery
from control_store.accounts import (
    BadAccount,
    User,
    change_roles,
    check_email,
    delete_user,
    find_user,
    list_users,
)
from control_store.links import invite, offer_reset, open_links, withdraw_links
from control_store.makers import FATES, Fate, LeftKey, keys_left, settle_keys
from control_store.roles import BadRoles, Roles
from control_store.second_factor import is_on, turn_off
from control_store.sites import list_sites


async def people(ask: Ask) -> Response:
    """Everybody who may log in."""
    return _people(ask)


async def invite_person(ask: Ask) -> Response:
    """Make a link for somebody new, which the admin hands over: there is no mail server to do it."""
    email = ask.form.get("email", "")
    store, now = ask.desk.shop.store, ask.desk.shop.clock()
    try:
        roles = told_roles(ask.form, list_sites(store))
        token = await asyncio.to_thread(invite, store, email, roles, now=now)
    except (BadAccount, BadRoles) as error:
        return _people(ask, str(error))
    for site, role in changes(Roles(None), roles, list_sites(store)):
        await ask.note("invite", site=site, subject=f"{check_email(email)} as {role}")
    return _people(ask, link=_link(ask, token))


async def roles_page(ask: Ask) -> Response:
    """Somebody's roles, to be changed. Raises BadQuery."""
    return _roles(ask, _meant(ask, ask.request.query_params.get("email", "")))


async def save_roles(ask: Ask) -> Response:
    """Give somebody other roles; they hold from their next request on. Raises BadQuery."""
    store = ask.desk.shop.store
    user, sites = _meant(ask, ask.form.get("email", "")), list_sites(store)
    try:
        roles = told_roles(ask.form, sites)
        left = keys_left(store, user, roles)
        if left and _fate(ask) is None:
            return _roles(ask, user, left=left, told=roles)
        await asyncio.to_thread(change_roles, store, user, roles)
    except (BadAccount, BadRoles) as error:
        return _roles(ask, user, str(error))
    await _settle(ask, left)
    for site, role in changes(user.roles, roles, sites):
        await ask.note("change_roles", site=site, subject=f"{user.email}: {role}")
    return go("/people")


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
    """Remove somebody; their logins end at once. Where they made keys, whoever removes them says what becomes of these:
    revoked with them, or taken over."""
    store = ask.desk.shop.store
    try:
        user = find_user(store, ask.form.get("email", ""))
        left = keys_left(store, user, Roles(None))
        if left and _fate(ask) is None:
            return ask.render("leaving.html", status=422, person=user, left=left)
        if _fate(ask) == "keep":
            await _settle(ask, left)
        await asyncio.to_thread(delete_user, store, user)
    except BadAccount as error:
        return _people(ask, str(error))
    if _fate(ask) == "revoke":
        await _settle(ask, left)
    await ask.note("remove_person", subject=user.email)
    return go("/people")


def _meant(ask: Ask, email: str) -> User:
    """The person that an address or a form names. Raises BadQuery."""
    try:
        return find_user(ask.desk.shop.store, email)
    except BadAccount as error:
        raise BadQuery("email", str(error)) from None


def _fate(ask: Ask) -> Fate | None:
    return next((one for one in FATES if one == ask.form.get("keys")), None)


async def _settle(ask: Ask, left: Sequence[LeftKey]) -> None:
    """Do with keys what was chosen, and write it into the log."""
    fate = _fate(ask)
    if fate is None or not left:
        return
    await asyncio.to_thread(settle_keys, ask.desk.shop.store, left, fate, ask.session.user.id)
    for one in left:
        action = "revoke_key" if fate == "revoke" else "take_key"
        await ask.note(action, site=one.domain, subject=f"{one.key.scope} …{one.key.hint}")


def _roles(
    ask: Ask, user: User, sentence: str = "", *, left: Sequence[LeftKey] = (), told: Roles | None = None
) -> Response:
    shown = told or user.roles
    return ask.render(
        "roles.html",
        status=422 if sentence or left else 200,
        sentence=sentence,
        person=user,
        left=left,
        everywhere=shown.everywhere,
        held=dict(shown.sites),
        roles=ROLE_MEANINGS,
    )


def _link(ask: Ask, token: str) -> str:
    return f"{ask.origin()}/join?token={token}"


def _people(ask: Ask, sentence: str = "", link: str = "") -> Response:
    sites = list_sites(ask.desk.shop.store)
    return ask.render(
        "people.html",
        status=422 if sentence else 200,
        sentence=sentence,
        link=link,
        people=[
            (user, role_lines(user.roles, sites), is_on(ask.desk.shop.store, user))
            for user in list_users(ask.desk.shop.store)
        ],
        links=[
            (link, role_lines(link.roles, sites))
            for link in open_links(ask.desk.shop.store, now=ask.desk.shop.clock())
            if link.kind == "invitation"
        ],
        roles=ROLE_MEANINGS,
    )
