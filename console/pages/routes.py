"""Every page and its address. Whoever adds a page adds a line here."""

from starlette.routing import Route

from console.caller import Callers
from console.login import Door
from console.pages.account import account, change_password, confirm, confirm_page, end_login
from console.pages.audit import audit
from console.pages.bots import bots, count_bots
from console.pages.desk import Desk, Shop
from console.pages.devices import Devices, offer
from console.pages.entrance import Entrance, keep_screen
from console.pages.goals import declare_funnel, declare_goal, drop, goals
from console.pages.hosts import settle
from console.pages.how_counted import how_counted
from console.pages.installation import installation
from console.pages.joining import Joining
from console.pages.kept import kept
from console.pages.keys import drop_key, keys, make_key
from console.pages.people import (
    factor_off_of,
    invite_person,
    people,
    remove_person,
    reset_link,
    roles_page,
    save_roles,
    withdraw,
)
from console.pages.second_factor import factor_off, factor_on, factor_page, other_codes
from console.pages.site import dashboard
from console.pages.site_settings import save, settings_page
from console.pages.sites import all_sites, front, new_site, new_site_page
from console.pages.table import table


def page_routes(shop: Shop) -> list[Route]:
    """The routes of all pages."""
    desk = Desk(shop, Door(shop.store, Callers(shop.settings.trusted_proxies), shop.clock))
    entrance, joining, devices = Entrance(desk), Joining(desk), Devices(desk)
    return [
        Route("/static/{mark}/{name}", desk.assets.serve, methods=["GET"]),
        Route("/login", entrance.login_page, methods=["GET"]),
        Route("/login", entrance.log_in, methods=["POST"]),
        Route("/login/code", entrance.enter_code, methods=["POST"]),
        Route("/join", joining.page, methods=["GET"]),
        Route("/join", joining.join, methods=["POST"]),
        Route("/not-me", devices.page, methods=["GET"]),
        Route("/not-me", devices.leave, methods=["POST"]),
        Route("/logout", entrance.log_out, methods=["POST"]),
        Route("/setup", entrance.setup_page, methods=["GET"]),
        Route("/setup", entrance.set_up, methods=["POST"]),
        Route("/screen", desk.page(keep_screen), methods=["POST"]),
        Route("/account", desk.page(account), methods=["GET"]),
        Route("/account/password", desk.page(change_password), methods=["POST"]),
        Route("/account/confirm", desk.page(confirm_page), methods=["GET"]),
        Route("/account/confirm", desk.page(confirm), methods=["POST"]),
        Route("/account/end", desk.page(end_login), methods=["POST"]),
        Route("/people", desk.page(people, role="admin", fresh="/people"), methods=["GET"]),
        Route("/account/second-factor", desk.page(factor_page), methods=["GET"]),
        Route("/account/second-factor", desk.page(factor_on), methods=["POST"]),
        Route("/account/second-factor/off", desk.page(factor_off), methods=["POST"]),
        Route("/account/recovery-codes", desk.page(other_codes), methods=["POST"]),
        Route("/people", desk.page(invite_person, role="admin", fresh="/people"), methods=["POST"]),
        Route("/people/roles", desk.page(roles_page, role="admin", fresh="/people"), methods=["GET"]),
        Route("/people/roles", desk.page(save_roles, role="admin", fresh="/people"), methods=["POST"]),
        Route("/people/reset", desk.page(reset_link, role="admin", fresh="/people"), methods=["POST"]),
        Route("/people/second-factor/off", desk.page(factor_off_of, role="admin", fresh="/people"), methods=["POST"]),
        Route("/people/withdraw", desk.page(withdraw, role="admin", fresh="/people"), methods=["POST"]),
        Route("/people/remove", desk.page(remove_person, role="admin", fresh="/people"), methods=["POST"]),
        Route("/kept", desk.page(kept, role="privacy_officer"), methods=["GET"]),
        Route("/audit", desk.page(audit, role="privacy_officer", somewhere=True), methods=["GET"]),
        Route("/how-counted", desk.page(how_counted), methods=["GET"]),
        Route("/", desk.page(front), methods=["GET"]),
        Route("/sites", desk.page(all_sites), methods=["GET"]),
        Route("/sites/new", desk.page(new_site_page, role="admin"), methods=["GET"]),
        Route("/sites/new", desk.page(new_site, role="admin"), methods=["POST"]),
        Route("/sites/{site}", desk.page(dashboard), methods=["GET"]),
        Route("/sites/{site}/by/{dimension}", desk.page(table), methods=["GET"]),
        Route("/sites/{site}/bots", desk.page(bots), methods=["GET"]),
        Route("/sites/{site}/bots", desk.page(count_bots, role="admin"), methods=["POST"]),
        Route("/sites/{site}/goals", desk.page(goals), methods=["GET"]),
        Route("/sites/{site}/goals", desk.page(declare_goal, role="admin"), methods=["POST"]),
        Route("/sites/{site}/goals/funnels", desk.page(declare_funnel, role="admin"), methods=["POST"]),
        Route("/sites/{site}/goals/remove", desk.page(drop, role="admin"), methods=["POST"]),
        Route("/sites/{site}/install", desk.page(installation), methods=["GET"]),
        Route("/sites/{site}/keys", desk.page(keys, role="admin", fresh="/sites/{site}/keys"), methods=["GET"]),
        Route("/sites/{site}/keys", desk.page(make_key, role="admin", fresh="/sites/{site}/keys"), methods=["POST"]),
        Route(
            "/sites/{site}/keys/revoke", desk.page(drop_key, role="admin", fresh="/sites/{site}/keys"), methods=["POST"]
        ),
        Route("/sites/{site}/hosts", desk.page(settle, role="admin"), methods=["POST"]),
        Route("/sites/{site}/not-me", desk.page(offer, role="admin"), methods=["POST"]),
        Route("/sites/{site}/settings", desk.page(settings_page), methods=["GET"]),
        Route("/sites/{site}/settings", desk.page(save, role="admin"), methods=["POST"]),
    ]
