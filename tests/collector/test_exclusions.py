"""What a site leaves out is counted by the rule that left it out, and nothing of it is kept."""

from ipaddress import ip_address

import pytest

from collector.exclusions import Exclusions
from collector.registry import ServedSite
from collector.steps import walk
from collector.verdict import Verdict
from control_store.site_settings import SiteSettings, changed
from tests.collector.test_steps import draft_of
from tests.collector.world import beacon, site, tools


def rules(*assignments: str) -> Exclusions:
    """The exclusions of a site that was set up on the command line."""
    return Exclusions(changed(SiteSettings(), list(assignments)))


def packed(text: str) -> bytes:
    """An address as the collector has it."""
    return ip_address(text).packed


@pytest.mark.req("C22")
@pytest.mark.parametrize(
    ("assignment", "url", "rule"),
    [
        ("exclude_paths=/admin/*,/cart", "https://shop.example/admin/users", "path:/admin/*"),
        ("exclude_paths=/admin/*,/cart", "https://shop.example/Cart/", "path:/cart"),
        ("exclude_paths=/admin/*", "https://shop.example/", ""),
        ("exclude_paths=/" + "x" * 80, "https://shop.example/" + "x" * 80, "path:/" + "x" * 58),
        ("exclude_hostnames=staging.shop.example", "https://Staging.shop.example:8080/", "host:staging.shop.example"),
        ("exclude_hostnames=staging.shop.example", "https://xtaging.shop.example/", ""),
        ("exclude_hostnames=*.dev.example", "https://a.b.dev.example/", "host:*.dev.example"),
        ("exclude_hostnames=*.dev.example", "https://dev.example/", ""),
        ("exclude_hostnames=*.dev.example", "https://evildev.example/", ""),
    ],
)
def test_pages_and_hosts(assignment: str, url: str, rule: str) -> None:
    """By their rule's own words, cut to what the accounting holds."""
    assert rules(assignment).page(url) == rule
    assert len(rule) <= 64


@pytest.mark.req("C22")
@pytest.mark.parametrize(
    ("assignment", "address", "country", "rule"),
    [
        ("exclude_networks=192.0.2.0/24", "192.0.2.77", "", "network"),
        ("exclude_networks=192.0.2.0/24", "192.0.3.0", "", ""),
        ("exclude_networks=192.0.2.77/24", "192.0.2.1", "", "network"),
        ("exclude_networks=192.0.2.1", "192.0.2.1", "", "network"),
        ("exclude_networks=192.0.2.1", "192.0.2.2", "", ""),
        ("exclude_networks=2001:db8::/32", "2001:db8:1::5", "", "network"),
        ("exclude_networks=2001:db8::/32", "2001:db9::", "", ""),
        ("exclude_networks=::ffff:192.0.2.0/120", "192.0.2.7", "", "network"),
        ("exclude_networks=::ffff:192.0.2.0/120", "192.0.2.255", "", "network"),
        ("exclude_networks=::ffff:192.0.2.0/120", "192.0.3.0", "", ""),
        ("exclude_networks=::ffff:192.0.2.0/120", "192.0.1.255", "", ""),
        ("exclude_networks=::/0", "192.0.2.7", "", ""),
        ("exclude_networks=0.0.0.0/0", "2001:db8::1", "", ""),
        ("exclude_countries=ch, LI", "192.0.2.1", "LI", "country:LI"),
        ("exclude_countries=ch, LI", "192.0.2.1", "", ""),
        ("exclude_countries=ch, LI", "192.0.2.1", "AT", ""),
    ],
)
def test_networks_and_countries(assignment: str, address: str, country: str, rule: str) -> None:
    """A network's rule is not called by its addresses; an unknown country is none that was named."""
    assert rules(assignment).client(packed(address), country) == rule


@pytest.mark.req("C22", "C1")
@pytest.mark.parametrize("way", ["beacon", "pixel", "server", "import", "mail"])
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"exclude_paths": ("/admin/*",)}, "path:/admin/*"),
        ({"exclude_hostnames": ("shop.example",)}, "host:shop.example"),
        ({"exclude_networks": ("203.0.113.0/24",)}, "network"),
    ],
)
def test_every_way_in_obeys(way: str, settings: dict[str, tuple[str, ...]], reason: str) -> None:
    """A beacon ends with the rule, before anything of its page was read; the address stands in no reason."""
    served = ServedSite(site(**settings))
    draft = draft_of(beacon(served.site.key, url="https://shop.example/admin/x"), served, way=way)  # type: ignore[arg-type]
    assert walk(draft, tools()) == Verdict("excluded", reason)
    assert (draft.rows, draft.tallies) == ([], [])
    assert "203.0" not in reason


@pytest.mark.req("C22", "P3")
def test_a_visitors_wish_is_counted_before_the_owners() -> None:
    """Who objects on an excluded page is counted as objecting: the page is not looked at."""
    served = ServedSite(site(exclude_paths=("/*",)))
    assert walk(draft_of(beacon(served.site.key, optout=True), served), tools()) == Verdict("not_recorded", "objection")


@pytest.mark.req("C22")
def test_a_site_without_rules_asks_nothing() -> None:
    """It has nothing to ask."""
    assert not Exclusions(SiteSettings())
    assert rules("exclude_paths=/a")
