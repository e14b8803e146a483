"""Where visitors are, how far that is looked at, and that no address stays behind."""

import gc
import socket
import tomllib
from pathlib import Path

import maxminddb
import pytest

from collector import place
from collector.place import NOWHERE, BadDatabase, Place, Places
from tests.collector import labelled, mmdb

pytestmark = pytest.mark.req("C5")

V4 = socket.inet_pton(socket.AF_INET, "203.0.113.77")
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8:5::77")
NESTED = {
    "country": {"iso_code": "CH", "names": {"en": "Switzerland"}},
    "subdivisions": [
        {"iso_code": "ZH", "names": {"de": "Zürich", "en": "Zurich"}},
        {"iso_code": "1", "names": {"en": "A district"}},
    ],
    "city": {"geoname_id": 2657896, "names": {"de": "Zürich", "en": "Zurich"}},
    "location": {"latitude": 47.3667, "longitude": 8.55, "accuracy_radius": 5},
    "postal": {"code": "8001"},
}
FLAT = {
    "city": "Zurich (Kreis 4 / Langstrasse)",
    "country_code": "CH",
    "latitude": 47.3667,
    "longitude": 8.55,
    "postcode": "8001",
    "state1": "Zurich",
    "state2": "",
    "timezone": "",
}


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """A City database in MaxMind's shape, for IPv6 with IPv4 inside."""
    networks = {(bytes(12) + V4[:3], 120): NESTED, (V6[:6], 48): NESTED}
    return mmdb.write(tmp_path / "nested.mmdb", networks, kind="GeoLite2-City", ip_version=6)


@pytest.fixture
def flat(tmp_path: Path) -> list[Path]:
    """A pair of files in DB-IP's flat shape, one for each family."""
    v4 = mmdb.write(tmp_path / "v4.mmdb", {(V4[:3], 24): FLAT}, kind="city ipv4", ip_version=4)
    v6 = mmdb.write(tmp_path / "v6.mmdb", {(V6[:6], 48): FLAT}, kind="city ipv6", ip_version=6)
    return [v4, v6]


@pytest.mark.parametrize("packed", [V4, V6, bytes(10) + b"\xff\xff" + V4], ids=["v4", "v6", "v4 inside v6"])
def test_a_maxmind_file_gives_codes_and_ids(nested: Path, packed: bytes) -> None:
    """Country, the largest subdivision as ISO 3166-2, the English city and its GeoNames id."""
    assert Places([nested]).locate(packed, "") == Place("CH", "CH-ZH", "Zurich", 2657896, "address")


@pytest.mark.parametrize("packed", [V4, V6], ids=["v4", "v6"])
def test_flat_files_give_names(flat: list[Path], packed: bytes) -> None:
    """DB-IP's files of npm have no codes of regions and no ids of cities: the region's name, and 0."""
    assert Places(flat).locate(packed, "America/New_York") == Place("CH", "Zurich", "Zurich", 0, "address")


def test_nothing_finer_than_a_city_is_told(nested: Path, flat: list[Path]) -> None:
    """No coordinate, radius, postcode or district of a record is in a place."""
    for paths in ([nested], flat):
        told = repr(Places(paths).locate(V4, ""))
        assert not any(secret in told for secret in ("47.3", "8.55", "8001", "district", "Langstrasse"))


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("Europe/Zurich", "CH"),
        ("Europe/Oslo", "NO"),
        ("Asia/Calcutta", "IN"),
        ("America/Argentina/Buenos_Aires", "AR"),
        ("US/Pacific", "US"),
        ("UTC", ""),
        ("Etc/GMT-2", ""),
        ("Mars/Olympus", ""),
        ("", ""),
    ],
)
def test_without_a_database_the_zone_gives_a_labelled_country(zone: str, country: str) -> None:
    """A rough guess, and said to be one; zones of no country give nothing."""
    place = Places([]).locate(V4, zone)
    assert place == (Place(country=country, place_from="timezone") if country else NOWHERE)


def test_an_address_in_no_file_falls_back_to_the_zone(flat: list[Path]) -> None:
    """The database comes first, the zone where it knows nothing; no address at all is as good as an unknown one."""
    places = Places(flat)
    elsewhere = socket.inet_pton(socket.AF_INET, "198.51.100.1")
    for packed in (elsewhere, b"", b"\x01", bytes(16)):
        assert places.locate(packed, "Asia/Tokyo") == Place("JP", place_from="timezone")
        assert places.locate(packed, "") == NOWHERE


def test_no_address_is_held_after_the_call(nested: Path) -> None:
    """Neither the packed form nor the text of an address is in anything that the object keeps; its cache is bounded."""
    places = Places([nested], cache_size=3)
    for last in range(10):
        places.locate(V4[:3] + bytes([last]), "")
    assert len(places._cache) <= 3
    held: list[object] = [places]
    seen: set[int] = set()
    while held:
        thing = held.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        assert not (isinstance(thing, bytes) and thing.startswith(V4[:3]))
        assert not (isinstance(thing, str) and thing.startswith("203.0.113."))
        held.extend(gc.get_referents(thing) if isinstance(thing, Places | dict | list | tuple | set) else ())


def test_a_file_that_is_no_place_database_is_refused_by_name(tmp_path: Path) -> None:
    """The message names the file and says what to do."""
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    with pytest.raises(BadDatabase, match=r"broken\.mmdb .* fetch it again"):
        Places([broken])
    with pytest.raises(BadDatabase, match=r"absent\.mmdb"):
        Places([tmp_path / "absent.mmdb"])


@pytest.mark.req("C18")
@pytest.mark.parametrize("kind", ["GeoLite2-ASN", "DBIP-ASN-Lite (compat=GeoLite2-ASN)"])
def test_a_database_of_networks_tells_rented_machines_from_people(kind: str, nested: Path, tmp_path: Path) -> None:
    """Amazon's number is in the table, a documentation number is not; either may lie before the places or after them."""
    rented, home = V4[:3] + bytes([1]), bytes([198, 51, 100, 1])
    networks = {
        (bytes(12) + V4[:3], 120): {"autonomous_system_number": 16509},
        (bytes(12) + home[:3], 120): {"autonomous_system_number": 64500},
        (V6[:6], 48): {"autonomous_system_number": 24940},
    }
    asn = mmdb.write(tmp_path / "asn.mmdb", networks, kind=kind, ip_version=6)
    for paths in ([asn, nested], [nested, asn], [tmp_path]):
        places = Places(paths)
        told = [places.network(packed) for packed in (rented, V6, home, bytes([192, 0, 2, 1]), b"")]
        assert told == ["datacentre", "datacentre", "", "", ""]
        assert places.locate(rented, "").country == "CH", "a network's file hides no place"
    assert Places([nested]).network(rented) == ""
    assert Places([]).network(rented) == ""


@pytest.mark.req("C18")
def test_networks_of_people_are_none_of_the_rented_ones() -> None:
    """MaxMind's own rows of networks: telephone companies and universities; relays carry people too."""
    path = labelled.geo_database("GeoLite2-ASN-Test.mmdb")
    places = Places([path])
    with maxminddb.open_database(path) as reader:
        addresses = [network.network_address.packed for network, _ in reader]
    assert len(addresses) > 90
    assert {places.network(packed) for packed in addresses} == {""}
    table = tomllib.loads((Path(place.__file__).parent / "tables" / "networks.toml").read_text())["datacentre"]
    carriers_of_people = (13335, 36183, 54113, 9009, 212238, 8075, 15169, 32934, 13238, 22616, 3320, 7018)
    assert not [number for number in carriers_of_people if str(number) in table]


def test_a_country_file_gives_the_country_alone() -> None:
    """MaxMind's Country test database names countries and nothing below."""
    path = labelled.geo_database("GeoIP2-Country-Test.mmdb")
    packed = socket.inet_pton(socket.AF_INET6, "2a02:f140::1")
    assert Places([path]).locate(packed, "") == Place("DE", place_from="address")
