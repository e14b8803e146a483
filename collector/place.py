"""Country, region and city of an address; the time zone's country, labelled, where no database knows.

Promises: never finer than a city; latitude, longitude, radius and postcode are not read out of the record. Refuses: to
keep an address: only a bounded cache in memory, gone with the process, knows that an address was looked up.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import maxminddb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Place(NamedTuple):
    """Where a visitor is, never finer than a city. place_from: "address", "timezone" or ""."""

    country: str = ""
    region: str = ""
    city: str = ""
    city_id: int = 0
    place_from: str = ""


class Places:
    """Looks places up. Construct once per process; `paths`: .mmdb files, first answer wins."""

    def __init__(self, paths: Sequence[Path], cache_size: int = 10_000) -> None:
        self._readers = [maxminddb.open_database(path) for path in paths]
        self._zones = _zone_countries()
        self._cached = lru_cache(maxsize=cache_size)(self._look_up)

    def locate(self, packed: bytes, timezone: str) -> Place:
        """The place of a packed address (4 or 16 bytes, b"" if unknown), else the time zone's country, else nothing."""
        place = self._cached(packed)
        if place.country:
            return place
        country = self._zones.get(timezone, "")
        return Place(country=country, place_from="timezone") if country else place

    def _look_up(self, packed: bytes) -> Place:
        if len(packed) not in (4, 16):
            return Place()
        text = socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
        for reader in self._readers:
            record: Any = reader.get(text)
            if isinstance(record, dict):
                return _place(record)
        return Place()


def _place(record: dict[str, Any]) -> Place:
    if "country_code" in record:
        return Place(record["country_code"], record.get("state1", ""), record.get("city", ""), 0, "address")
    country = record.get("country", {}).get("iso_code", "")
    regions = record.get("subdivisions") or [{}]
    code = regions[0].get("iso_code", "")
    city = record.get("city", {})
    return Place(
        country,
        f"{country}-{code}" if code else regions[0].get("names", {}).get("en", ""),
        city.get("names", {}).get("en", ""),
        city.get("geoname_id", 0),
        "address",
    )


def _zone_countries() -> dict[str, str]:
    table = files("tzdata").joinpath("zoneinfo", "zone1970.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return {row[2]: row[0].split(",")[0] for row in rows}
