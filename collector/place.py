"""Country, region and city of an address; the time zone's country, labelled, where no database knows; and whether it
lies in a network of rented machines, where a database of networks is installed.

Promises: never finer than a city; latitude, longitude, radius and postcode are not read out of the record. No address
is held after the call: the cache of places is bounded, lives in memory only, and is keyed by a hash under a key of this
process. Refuses: to raise on an address or a zone, whatever they are; a database that can't be read is refused at
construction.
"""

from __future__ import annotations

import logging
import secrets
import socket
import tomllib
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import maxminddb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.resources.abc import Traversable

_LOG = logging.getLogger("footfall.collector")
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""What stands before an IPv4 address inside IPv6 (RFC 4291 § 2.5.5.2)."""


class BadDatabase(ValueError):
    """A file given as a database of places or networks is none. The message names the file and what to do."""


class Place(NamedTuple):
    """Where a visitor is, never finer than a city."""

    country: str = ""
    """ISO 3166-1 alpha-2."""
    region: str = ""
    """ISO 3166-2 ("US-CA") where the database has a code, else the region's name."""
    city: str = ""
    """In English where the database has it."""
    city_id: int = 0
    """GeoNames id, 0 where the database has none."""
    place_from: str = ""
    """"address", "timezone" (a rough guess) or ""."""


NOWHERE: Final = Place()

_TABLE: Final = Path(__file__).parent / "tables" / "networks.toml"


class _Known(NamedTuple):
    """What the databases tell of an address."""

    place: Place
    network: str
    """"datacentre" or ""."""


class _Reader(NamedTuple):
    """An open database."""

    file: maxminddb.Reader
    ip_version: int
    """4: addresses of version 4 alone; 6: both."""
    is_of_networks: bool


class Places:
    """Looks places up. Construct once per process; pure after that."""

    def __init__(self, paths: Sequence[Path], cache_size: int = 10_000) -> None:
        """paths: .mmdb files or directories of them. Of places, MaxMind's nested shape or DB-IP's flat one; of
        networks, the ASN shape of both. Of either kind the first that knows the address answers.

        Raises BadDatabase. Without a file, places come from time zones alone and no network is known.
        """
        self._paths = paths
        self._stamp = _stamp(paths)
        self._readers = [_open(path) for path in databases(paths)]
        self._zones = {zone: Place(country=code, place_from="timezone") for zone, code in _zone_countries().items()}
        table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
        self._kinds = {int(number): kind for kind, numbers in table.items() for number in numbers}
        self._key = secrets.token_bytes(16)
        self._cache_size = cache_size
        self._cache: dict[int, _Known] = {}

    def refresh(self) -> bool:
        """Read the files anew if one was replaced, came or went; what was read last stays if a new one is broken."""
        stamp = _stamp(self._paths)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._readers = [_open(path) for path in databases(self._paths)]
        except BadDatabase as error:
            _LOG.error("%s Places go on coming from what was read before.", error)
            return False
        self._cache = {}
        return True

    def locate(self, packed: bytes, timezone: str) -> Place:
        """The place of a packed address (4 or 16 bytes, b"" if unknown), else the time zone's country, else nothing."""
        if self._readers:
            place = self._known(packed).place
            if place.country:
                return place
        return self._zones.get(timezone, NOWHERE)

    def network(self, packed: bytes) -> str:
        """The kind of network that a packed address lies in: "datacentre", or "" (tables/networks.toml)."""
        return self._known(packed).network if self._readers else ""

    def _known(self, packed: bytes) -> _Known:
        """From the cache if it can be. A full cache is emptied: cheaper than keeping an order, and addresses that come
        often are back at once.
        """
        mark = hash(self._key + packed)  # SipHash behind a secret: nobody can read an address out of it
        known = self._cache.get(mark)
        if known is None:
            known = self._of_address(packed)
            if len(self._cache) >= self._cache_size:
                self._cache.clear()
            self._cache[mark] = known
        return known

    def _of_address(self, packed: bytes) -> _Known:
        if packed[:12] == _MAPPED:
            packed = packed[12:]
        if len(packed) not in (4, 16):
            return _Known(NOWHERE, "")
        text = socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
        readers = [reader for reader in self._readers if len(packed) == 4 or reader.ip_version != 4]
        place = _first(text, (reader for reader in readers if not reader.is_of_networks))
        number = _first(text, (reader for reader in readers if reader.is_of_networks)).get(
            "autonomous_system_number", 0
        )
        return _Known(_place(place) if place else NOWHERE, self._kinds.get(number, ""))


def _first(address: str, readers: Iterable[_Reader]) -> dict[str, Any]:
    """The record of the first database that knows the address, {} if none does."""
    for reader in readers:
        record: Any = reader.file.get(address)
        if record:
            return dict(record)
    return {}


def _place(record: dict[str, Any]) -> Place:
    return _flat(record) if "country_code" in record else _nested(record)


def databases(paths: Sequence[Path]) -> list[Path]:
    """The files that these paths name: a directory stands for its .mmdb files, in the order of their names."""
    return [file for path in paths for file in (sorted(path.glob("*.mmdb")) if path.is_dir() else _absent(path))]


def _absent(path: Path) -> list[Path]:
    """A file that was named must be there; a directory may not be there yet."""
    return [path] if path.suffix or path.exists() else []


def _stamp(paths: Sequence[Path]) -> list[tuple[Path, int, int]]:
    found = []
    for path in databases(paths):
        with suppress(OSError):
            stat = path.stat()
            found.append((path, stat.st_mtime_ns, stat.st_ino))
    return found


def _open(path: Path) -> _Reader:
    try:
        reader = maxminddb.open_database(path)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise BadDatabase(
            f"{path} can't be read as a database of places or networks ({error}); fetch it again or leave it out."
        ) from None
    metadata = reader.metadata()
    return _Reader(reader, metadata.ip_version, "asn" in metadata.database_type.lower())


def _flat(record: dict[str, Any]) -> Place:
    """DB-IP's files of npm: country_code, state1, city as plain text; no codes of regions, no ids of cities."""
    return Place(record["country_code"] or "", record.get("state1") or "", _city(record.get("city")), 0, "address")


def _city(name: str | None) -> str:
    """The city without what stands in brackets after it: DB-IP names districts and even streets there."""
    return (name or "").partition(" (")[0]


def _nested(record: dict[str, Any]) -> Place:
    """MaxMind's shape, and DB-IP's own files: the first subdivision is the largest, a state before its counties."""
    country = record.get("country", {}).get("iso_code", "")
    region: dict[str, Any] = next(iter(record.get("subdivisions", ())), {})
    code = region.get("iso_code", "")
    city = record.get("city", {})
    return Place(
        country,
        f"{country}-{code}" if code and country else region.get("names", {}).get("en", ""),
        _city(city.get("names", {}).get("en")),
        city.get("geoname_id", 0),
        "address" if country else "",
    )


def _zone_countries() -> dict[str, str]:
    """IANA zone → its principal country, from the tables of the installed tzdata package.

    zone.tab has one country for each zone and keeps Europe/Oslo apart from Europe/Berlin; zone1970.tab has those that
    are left, most populous country first; tzdata.zi has the aliases (Asia/Calcutta). Zones of no country ("UTC",
    "Etc/GMT-2") are in none of them.
    """
    folder = files("tzdata").joinpath("zoneinfo")
    found = {row[2]: row[0].split(",")[0] for row in _rows(folder, "zone1970.tab", "\t")}
    found.update({row[2]: row[0] for row in _rows(folder, "zone.tab", "\t")})
    links = {row[2]: row[1] for row in _rows(folder, "tzdata.zi", " ") if row[0] == "L"}
    for alias, zone in links.items():
        if alias not in found and zone in found:
            found[alias] = found[zone]
    return found


def _rows(folder: Traversable, name: str, separator: str) -> list[list[str]]:
    lines = folder.joinpath(name).read_text(encoding="utf-8").splitlines()
    return [line.split(separator) for line in lines if line and not line.startswith("#")]
