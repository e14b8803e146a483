"""Links for owners' devices open once, for a day, and only the newest of a site."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from control_store.device_links import (
    LASTS_MS,
    find_device_link,
    forget_device_links,
    offer_device_link,
    use_device_link,
)
from control_store.site_settings import SiteSettings
from control_store.sites import NewSite, add_site, delete_site, find_site
from control_store.snapshot import Site
from control_store.tables import DEVICE_LINKS, ControlStore

pytestmark = pytest.mark.req("C22")
NOW: Final = 1_764_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    """A store on a real SQLite file."""
    opened = ControlStore.in_directory(tmp_path)
    opened.migrate()
    yield opened
    opened.close()


def name(site: Site | None) -> str:
    """Its domain."""
    return site.domain if site else ""


def test_a_link_opens_once(store: ControlStore) -> None:
    """To look at it uses nothing up; the store holds no token."""
    shop, club = (add_site(store, NewSite(domain), now=NOW) for domain in ("shop.example", "club.example"))
    token, other = (offer_device_link(store, site, now=NOW) for site in (shop, club))
    assert [name(find_device_link(store, token, now=NOW)) for _ in range(2)] == ["shop.example"] * 2
    assert name(use_device_link(store, token, now=NOW)) == "shop.example"
    assert use_device_link(store, token, now=NOW) is None
    assert find_device_link(store, token, now=NOW) is None
    assert name(find_device_link(store, other, now=NOW)) == "club.example"
    with store.engine.connect() as connection:
        kept = str(connection.execute(sa.select(DEVICE_LINKS)).all())
    assert other not in kept


def test_a_link_has_a_day(store: ControlStore) -> None:
    """Not a millisecond more; then it is deleted, used or not. A second one ends the first."""
    site = add_site(store, NewSite("shop.example"), now=NOW)
    first = offer_device_link(store, site, now=NOW)
    token = offer_device_link(store, find_site(store, "shop.example"), now=NOW)
    assert find_device_link(store, first, now=NOW) is None
    assert find_device_link(store, token, now=NOW + LASTS_MS - 1) is not None
    assert find_device_link(store, token, now=NOW + LASTS_MS) is None
    assert forget_device_links(store, now=NOW + LASTS_MS - 1) == 0
    assert forget_device_links(store, now=NOW + LASTS_MS) == 1
    late = offer_device_link(store, find_site(store, "shop.example"), now=NOW)
    assert use_device_link(store, late, now=NOW + LASTS_MS) is None


@pytest.mark.parametrize(("modules", "after"), [((), ("api",)), (("ads",), ("ads", "api")), (("all",), ("all",))])
def test_the_snippet_can_remember_it_from_the_first_link_on(
    store: ControlStore, modules: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """The module that keeps it on the device is turned on where it is not; nothing else changes."""
    site = add_site(store, NewSite("shop.example", settings=SiteSettings(modules=modules, k=7)), now=NOW)
    offer_device_link(store, site, now=NOW)
    assert find_site(store, "shop.example").settings == SiteSettings(modules=after, k=7)


def test_a_deleted_site_has_no_links(store: ControlStore) -> None:
    """They go with it."""
    site = add_site(store, NewSite("shop.example"), now=NOW)
    token = offer_device_link(store, site, now=NOW)
    delete_site(store, find_site(store, "shop.example"), now=NOW)
    assert use_device_link(store, token, now=NOW) is None
