"""What countries, regions and cities are called in the reader's language; as they are stored where it is not known.

Countries are CLDR's. Regions and cities are named by the file that `footfall geo update` writes where the database of
places has names in several languages. Stored, filtered and exported are codes, GeoNames ids and English names.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from babel import Locale

LANGUAGES: Final = ("en", "de", "fr", "ja")
FILE: Final = "place-names.json"
"""Lies beside the databases."""
_MOST_LANGUAGES: Final = 20


class _Known(NamedTuple):
    """The file: names by language of regions (by code), of cities by id and, where that is clear, by English name."""

    regions: Mapping[str, Mapping[str, str]]
    cities: Mapping[str, Mapping[str, str]]
    by_name: Mapping[str, Mapping[str, str]]


class Names(NamedTuple):
    """The names of places in one language."""

    language: str
    known: _Known

    def of(self, dimension: str, value: str) -> str:
        """What a place is called; the value itself where nothing better is known, and of other dimensions."""
        known = self.known
        match dimension:
            case "country" | "caller_country":
                return str(_locale(self.language).territories.get(value, value))
            case "region":
                return self._best(known.regions, value)
            case "city_id":
                return self._best(known.cities, value)
            case "city" if self.language != "en":
                return self._best(known.by_name, value)
            case _:
                return value

    def table(self, dimension: str) -> dict[str, str]:
        """What is stored of a dimension of places → what it is called."""
        if dimension == "country":
            return {code: str(name) for code, name in _locale(self.language).territories.items() if len(code) == 2}
        if dimension == "region":
            return {code: self._best(self.known.regions, code) for code in self.known.regions}
        return {}

    def _best(self, names: Mapping[str, Mapping[str, str]], value: str) -> str:
        found = names.get(value, {})
        return found.get(self.language) or found.get("en") or value


_NOTHING: Final = _Known({}, {}, {})
ENGLISH: Final = Names("en", _NOTHING)


class PlaceNames:
    """Reads the file when it is first asked for, and again when it has changed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] = (0, 0)
        self._known = _NOTHING

    def names(self, accept_language: str) -> Names:
        """The names for whoever asks with this Accept-Language."""
        return Names(preferred(accept_language), self._current())

    def _current(self) -> _Known:
        try:
            stat = self._path.stat() if self._path else None
        except OSError:
            stat = None  # no database with names is installed
        stamp = (stat.st_mtime_ns, stat.st_ino) if stat else (0, 0)
        if stamp != self._stamp:
            self._stamp, self._known = stamp, _read(self._path) if stat and self._path else _NOTHING
        return self._known


def preferred(accept_language: str) -> str:
    """Which of LANGUAGES somebody reads best."""
    wishes = []
    for place, part in enumerate(accept_language.split(",")[:_MOST_LANGUAGES]):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and quality > 0:
            wishes.append((-quality, place, language))
    return min(wishes)[2] if wishes else "en"


def _read(path: Path) -> _Known:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        regions, cities = told["regions"], told["cities"]
    except (OSError, ValueError, KeyError, TypeError):
        return _NOTHING  # being replaced, or not ours: places have their stored names
    by_name: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for names in cities.values():
        # Stored without what stands in brackets (collector/place.py).
        by_name[names.get("en", "").partition(" (")[0]].append(names)
    clear = {english: found[0] for english, found in by_name.items() if all(one == found[0] for one in found)}
    return _Known(regions, cities, clear)


@cache
def _locale(language: str) -> Locale:
    return Locale(language)
