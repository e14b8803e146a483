"""Whoever's database it is, is named where places are shown."""

import json
from pathlib import Path

import pytest

from footfall.geo import credit_of
from tests.collector import mmdb

pytestmark = pytest.mark.req("C5")
NETWORK = {(bytes([203, 0, 113]), 24): {"country_code": "CH"}}


def test_without_a_database_nobody_is_named() -> None:
    """Then places come from time zones."""
    assert credit_of(()) is None


def test_a_fetched_database_says_itself_how_it_is_named(tmp_path: Path) -> None:
    """What set-up wrote beside it is taken as it is; a broken file falls back on the database's own kind."""
    base = mmdb.write(tmp_path / "city.mmdb", NETWORK, kind="DBIP-City-Lite", ip_version=4)
    (tmp_path / "attribution.json").write_text(json.dumps({"attribution": "Places by us", "url": "https://us.example"}))
    assert credit_of([base]) == ("Places by us", "https://us.example")
    for broken in ("", "[]", '{"attribution": "x"}', "null"):
        (tmp_path / "attribution.json").write_text(broken)
        assert credit_of([base]) == ("IP Geolocation by DB-IP", "https://db-ip.com")


@pytest.mark.parametrize(
    ("kind", "line", "link"),
    [
        ("GeoLite2-City", "This product includes GeoLite Data created by MaxMind", "https://www.maxmind.com"),
        ("DBIP-City-Lite", "IP Geolocation by DB-IP", "https://db-ip.com"),
        ("ipinfo standard_location.mmdb", "Places by ipinfo standard_location.mmdb", ""),
    ],
)
def test_other_databases_are_named_by_their_kind(kind: str, line: str, link: str, tmp_path: Path) -> None:
    """The licences' own words where they ask for some."""
    assert credit_of([mmdb.write(tmp_path / "city.mmdb", NETWORK, kind=kind, ip_version=4)]) == (line, link)
