"""Roles for all sites and for single ones, what is kept of them, and what keys of somebody without a role open."""

from pathlib import Path
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from control_store.accounts import BadAccount, add_user, change_roles, delete_user, find_user, list_users
from control_store.holds import BadHold, Scope, ask_hold
from control_store.links import find_link, invite, use_link
from control_store.makers import keys_left, settle_keys
from control_store.roles import ROLES, BadRoles, Role, Roles, settled
from control_store.sites import NewSite, add_key, add_site, delete_site, list_keys, take_snapshot
from control_store.snapshot import key_digest
from control_store.tables import ControlStore
from tests.control_store.test_accounts import NOW, PASSWORD, store

__all__ = ["store"]  # the fixture
pytestmark = pytest.mark.req("D9")


def test_the_role_for_a_site_goes_before_the_one_for_all() -> None:
    """But an admin of all sites is admin everywhere, whatever is said of a site."""
    for everywhere in (None, *ROLES):
        for single in ROLES:
            roles = Roles(everywhere, ((7, single),))
            assert roles.at(7) == ("admin" if everywhere == "admin" else single)
            assert roles.at(8) == everywhere
            assert roles.anywhere("viewer") == ("viewer" in (everywhere, single))


def test_roles_that_say_nothing_are_left_out_and_none_at_all_is_refused() -> None:
    """Those that equal the role for all sites, and those of an admin of all sites."""
    assert settled("viewer", {2: "viewer", 1: "analyst"}) == Roles("viewer", ((1, "analyst"),))
    assert settled("admin", {1: "viewer"}) == Roles("admin")
    assert settled(None, {1: "viewer"}) == Roles(None, ((1, "viewer"),))
    with pytest.raises(BadRoles, match="Choose a role"):
        settled(None, {})


def test_roles_are_kept_changed_and_gone_with_their_site(store: ControlStore) -> None:
    """A site that is added later has no role but the one for all sites."""
    shop, blog = (add_site(store, NewSite(f"{name}.example"), now=NOW) for name in ("shop", "blog"))
    wanted: tuple[tuple[int, Role], ...] = ((shop.id, "analyst"), (blog.id, "admin"))
    add_user(store, "ada@shop.example", "admin", PASSWORD, now=NOW)
    bob = add_user(store, "bob@shop.example", Roles(None, wanted), PASSWORD, now=NOW)
    assert bob.roles == find_user(store, "bob@shop.example").roles == Roles(None, wanted)
    delete_site(store, blog, now=NOW)
    assert find_user(store, "bob@shop.example").roles == Roles(None, wanted[:1])
    later = add_site(store, NewSite("later.example"), now=NOW)
    assert find_user(store, "bob@shop.example").roles.at(later.id) is None
    changed = change_roles(store, bob, Roles("viewer", ((later.id, "admin"), (999, "admin"))))
    assert changed.roles == Roles("viewer", ((later.id, "admin"),)), "a site that is not there is left out"
    with pytest.raises(BadAccount, match="last admin of all sites"):
        change_roles(store, find_user(store, "ada@shop.example"), Roles("viewer"))
    assert find_user(store, "ada@shop.example").roles == Roles("admin")


def test_two_admins_who_take_each_others_role_at_once_leave_one(store: ControlStore) -> None:
    """The check is part of the change."""
    ada, bob = (add_user(store, f"{name}@shop.example", "admin", PASSWORD, now=NOW) for name in ("ada", "bob"))
    start = Barrier(2)

    def remove(index: int) -> None:
        start.wait()
        try:
            if index:
                change_roles(store, ada, Roles("viewer"))
            else:
                delete_user(store, bob)
        except BadAccount:
            pass

    threads = [Thread(target=remove, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(user.roles.everywhere == "admin" for user in list_users(store)) == 1


def test_an_invitation_gives_what_it_says(store: ControlStore) -> None:
    """For single sites, too; one whose site is gone by then gives nothing for it."""
    shop, blog = (add_site(store, NewSite(f"{name}.example"), now=NOW) for name in ("shop", "blog"))
    roles = Roles("viewer", ((shop.id, "analyst"), (blog.id, "admin")))
    token = invite(store, "bob@shop.example", roles, now=NOW)
    link = find_link(store, token, now=NOW)
    assert link is not None
    assert link.roles == roles
    delete_site(store, shop, now=NOW)
    used = use_link(store, token, PASSWORD, now=NOW)
    assert used is not None
    assert used[1].roles == Roles("viewer", ((blog.id, "admin"),))


def test_people_of_an_older_release_keep_their_role_for_all_sites(tmp_path: Path) -> None:
    """The step that brings roles for single sites changes nothing for those who are there, nor for their keys."""
    old = ControlStore.in_directory(tmp_path)
    config = Config()
    config.set_main_option("script_location", str(Path("control_store/migrations").absolute()))
    config.attributes["engine"] = old.engine
    command.upgrade(config, "0023")
    with old.engine.begin() as connection:
        for number, role in enumerate(ROLES, start=1):
            user = (number, f"{role}@shop.example", role)
            connection.exec_driver_sql(
                "INSERT INTO users (id, email, role, password, created) VALUES (?,?,?,'',1)", user
            )
        connection.exec_driver_sql(
            "INSERT INTO sites (id, key, domain, timezone, returning_key, settings, created)"
            " VALUES (7, 'k', 'shop.example', 'UTC', x'00', '{}', 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO api_keys (site, scope, digest, hint, created) VALUES (7, 'stats', ?, 'abcd', 1)",
            (key_digest("a key"),),
        )
    old.migrate()
    assert [(user.email, user.roles) for user in list_users(old)] == [
        (f"{role}@shop.example", Roles(role)) for role in sorted(ROLES)
    ]
    assert [key.digest for key in take_snapshot(old).keys] == [key_digest("a key")]
    old.close()


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    ("after", "opens"),
    [
        (Roles("admin"), {"shop", "blog"}),
        (Roles("analyst"), set()),
        (Roles("privacy_officer", ((1, "admin"),)), {"shop"}),
        (Roles(None, ((2, "admin"),)), {"blog"}),
        (Roles(None, ((2, "viewer"),)), set()),
    ],
)
def test_a_key_reaches_no_further_than_its_maker(store: ControlStore, after: Roles, opens: set[str]) -> None:
    """It opens while its maker is admin of its site; the role given back, it opens again; so do the installation's."""
    add_user(store, "ada@shop.example", "admin", PASSWORD, now=NOW)
    bob = add_user(store, "bob@shop.example", "admin", PASSWORD, now=NOW)
    made = {}
    for name in ("shop", "blog"):
        site = add_site(store, NewSite(f"{name}.example"), now=NOW)
        made[name] = add_key(store, site, "stats", now=NOW, maker=bob.id)
        made[f"{name} of nobody"] = add_key(store, site, "events", now=NOW)

    def open_now() -> set[str]:
        digests = {key.digest for key in take_snapshot(store).keys}
        return {name for name, key in made.items() if key_digest(key) in digests}

    of_nobody = {"shop of nobody", "blog of nobody"}
    before = take_snapshot(store).revision
    left = {one.domain.removesuffix(".example") for one in keys_left(store, bob, after)}
    assert left == {"shop", "blog"} - opens
    change_roles(store, bob, after)
    assert open_now() == opens | of_nobody
    assert take_snapshot(store).revision > before, "collectors are told"
    change_roles(store, bob, Roles("admin"))
    assert open_now() == set(made)
    delete_user(store, bob)
    assert open_now() == of_nobody


@pytest.mark.req("D7")
def test_keys_that_are_left_are_revoked_or_become_somebody_elses(store: ControlStore) -> None:
    """Then they outlive their maker, on purpose."""
    ada, bob = (add_user(store, f"{name}@shop.example", "admin", PASSWORD, now=NOW) for name in ("ada", "bob"))
    site = add_site(store, NewSite("shop.example"), now=NOW)
    kept, gone = (add_key(store, site, "events", now=NOW, maker=bob.id) for _ in range(2))
    first, second = keys_left(store, bob, Roles(None))
    settle_keys(store, [first], "keep", ada.id)
    settle_keys(store, [second], "revoke", ada.id)
    delete_user(store, bob)
    assert [(key.hint, key.maker, key.opens) for key in list_keys(store, site)] == [(kept[-4:], ada.email, True)]
    assert key_digest(gone) not in {key.digest for key in take_snapshot(store).keys}
    settle_keys(store, keys_left(store, ada, Roles(None)), "keep", None)
    assert [key.maker for key in list_keys(store, site)] == [""]


@pytest.mark.req("R8")
def test_a_hold_is_a_matter_of_the_sites_own_people(store: ControlStore) -> None:
    """A privacy officer of another site can't ask for one."""
    shop, blog = (add_site(store, NewSite(f"{name}.example"), now=NOW) for name in ("shop", "blog"))
    officer = add_user(store, "o@shop.example", Roles(None, ((shop.id, "privacy_officer"),)), PASSWORD, now=NOW)
    today = NOW // 86_400_000
    assert ask_hold(store, Scope(shop.id, today, today, today, "a claim"), officer, now=NOW).site == shop.id
    with pytest.raises(BadHold, match="nothing there"):
        ask_hold(store, Scope(blog.id, today, today, today, "a claim"), officer, now=NOW)


def test_a_role_that_the_tables_do_not_know_is_none(store: ControlStore) -> None:
    """What holds no role holds nothing: an empty role for all sites is no role."""
    shop = add_site(store, NewSite("shop.example"), now=NOW)
    add_user(store, "bob@shop.example", Roles(None), PASSWORD, now=NOW)
    assert find_user(store, "bob@shop.example").roles.at(shop.id) is None
    with store.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT role FROM users")).scalar_one() == ""
