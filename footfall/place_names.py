"""What regions and cities are called in the console's languages, gathered from the databases of places that know it.

A database is made for looking up addresses and names each city in hundreds of thousands of networks; the console needs
each name once, by GeoNames id and by code. So they are gathered when a database comes, into one small file beside it.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import maxminddb

from collector.place import databases
from console.place_names import FILE, LANGUAGES

Names = dict[str, dict[str, str]]
_ENOUGH: Final = 2_000
"""Networks of a database that are looked at before it is taken for one of a single language."""


def save_names(directory: Path) -> Path | None:
    """Write the names that the databases of a directory know; no file (None) where they know none but English ones."""
    regions, cities = gather(databases([directory]))
    target = directory / FILE
    if not regions and not cities:
        target.unlink(missing_ok=True)
        return None
    part = target.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump({"regions": regions, "cities": cities}, file, ensure_ascii=False, separators=(",", ":"))
        file.flush()
        os.fsync(file.fileno())
    return part.replace(target)


def gather(paths: Sequence[Path]) -> tuple[Names, Names]:
    """ISO 3166-2 code → language → name of the region; GeoNames id → language → name of the city."""
    regions: Names = {}
    cities: Names = {}
    for path in paths:
        with maxminddb.open_database(path) as reader:
            for number, (_, record) in enumerate(reader):
                if isinstance(record, dict) and "country_code" not in record:  # DB-IP's flat ones know no languages
                    _note(record, regions, cities)
                if number == _ENOUGH and not _several(regions, cities):
                    break  # what says nothing but English, or names nothing, is not read to its end: minutes
    return (regions, cities) if _several(regions, cities) else ({}, {})


def _several(*many: Names) -> bool:
    """Whether anything is named in another language than English."""
    return any(names.keys() - {"en"} for found in many for names in found.values())


def _note(record: dict[str, Any], regions: Names, cities: Names) -> None:
    city, country = record.get("city", {}), record.get("country", {}).get("iso_code")
    number = str(city.get("geoname_id", ""))
    if number and number not in cities:
        cities[number] = _known(city)
    # The first subdivision is the one that rows have (collector/place.py).
    region: dict[str, Any] = next(iter(record.get("subdivisions", ())), {})
    code = f"{country}-{region['iso_code']}" if country and "iso_code" in region else ""
    if code and code not in regions:
        regions[code] = _known(region)


def _known(place: dict[str, Any]) -> dict[str, str]:
    names = place.get("names", {})
    return {language: names[language] for language in LANGUAGES if language in names}
