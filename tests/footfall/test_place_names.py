"""Places are called what the reader's language calls them, as MaxMind's published test databases have it."""

import ipaddress
import json
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Final

import geoip2.database
import pytest

from collector.place import Places
from console.pages.formats import value_name
from console.place_names import ENGLISH, FILE, LANGUAGES, PlaceNames, preferred
from footfall.geo import update
from tests.collector import labelled, mmdb
from tests.collector.test_place import FLAT, NESTED, V4

pytestmark = pytest.mark.req("C5")

TODAY: Final = date(2026, 11, 1)
DATABASES: Final = ("GeoIP2-City-Test.mmdb", "GeoLite2-City-Test.mmdb")
SETS: Final = ("geo_geoip2_city_test", "geo_geolite2_city_test")


@pytest.mark.parametrize(("database", "rows"), list(zip(DATABASES, SETS, strict=True)))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_place_of_the_published_rows_is_called_as_the_vendor_calls_it(
    tmp_path: Path, database: str, rows: str, language: str
) -> None:
    """By the vendor's own reader in that language, from what the collector stores of each address."""
    path = labelled.geo_database(database)
    update(tmp_path, str(path), today=TODAY)
    names = PlaceNames(tmp_path / FILE).names(language)
    assert names.language == language
    places = Places([path])
    seen: dict[str, int] = defaultdict(int)
    with geoip2.database.Reader(path, locales=[language, "en"]) as reader:
        for row in labelled.rows(rows):
            told = reader.city(row["input"])
            found = places.locate(ipaddress.ip_address(row["input"]).packed, "")
            if found.city_id:
                assert value_name("city_id", str(found.city_id), names) == (told.city.name or str(found.city_id))
                assert value_name("city", found.city, names) == (told.city.name or found.city)
                seen["city"] += bool(told.city.name)
            if told.subdivisions and told.subdivisions[0].iso_code:
                assert value_name("region", found.region, names) == (told.subdivisions[0].name or found.region)
                seen["region"] += 1
    assert min(seen["city"], seen["region"]) >= 8


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("Japan", "Washington", "London", "Linköping", "Changchun")),
        ("de", ("Japan", "Washington", "London", "Linköping", "Chángchūn")),
        ("fr", ("Japon", "État de Washington", "Londres", "Linköping", "Changchun")),
        ("ja", ("日本", "ワシントン州", "ロンドン", "リンシェーピング", "長春市")),
    ],
)
def test_well_known_places(tmp_path: Path, language: str, expected: tuple[str, ...]) -> None:
    """What everybody calls them."""
    update(tmp_path, str(labelled.geo_database(DATABASES[0])), today=TODAY)
    names = PlaceNames(tmp_path / FILE).names(f"{language}-XX,{language};q=0.9,es;q=0.8")
    asked = (
        ("country", "JP"),
        ("region", "US-WA"),
        ("city_id", "2643743"),
        ("city", "Linköping"),
        ("city", "Changchun"),
    )
    assert tuple(value_name(*one, names) for one in asked) == expected


def test_what_two_cities_share_is_not_translated(tmp_path: Path) -> None:
    """An English name that stands for cities of other names elsewhere; by their numbers both are told apart."""
    other = NESTED | {"city": {"geoname_id": 7, "names": {"de": "Zurich, Ontario", "en": "Zurich"}}}
    path = mmdb.write(
        tmp_path / "two.mmdb", {(V4[:3], 24): NESTED, (b"\xc6\x33\x64", 24): other}, kind="GeoLite2-City", ip_version=4
    )
    update(tmp_path / "geo", str(path), today=TODAY)
    names = PlaceNames(tmp_path / "geo" / FILE).names("de")
    assert [names.of("city", "Zurich"), names.of("city_id", "7"), names.of("city_id", "2657896")] == [
        "Zurich",
        "Zurich, Ontario",
        "Zürich",
    ]


def test_a_database_of_one_language_leaves_no_names_of_another(tmp_path: Path) -> None:
    """The file goes with the database that it came from, and the console notices."""
    update(tmp_path, str(labelled.geo_database(DATABASES[0])), today=TODAY)
    reader = PlaceNames(tmp_path / FILE)
    assert reader.names("ja").of("city", "London") == "ロンドン"
    (tmp_path / DATABASES[0]).unlink()
    flat = mmdb.write(tmp_path / "flat.mmdb", {(V4[:3], 24): FLAT}, kind="DBIP-City-Lite", ip_version=4)
    update(tmp_path / "", str(flat), today=TODAY)
    assert not (tmp_path / FILE).exists()
    assert reader.names("ja").of("city", "London") == "London"
    assert reader.names("ja").of("country", "JP") == "日本"


def test_a_broken_file_is_no_fault(tmp_path: Path) -> None:
    """Places have their stored names."""
    for content in ("", "[]", '{"regions": 1}', json.dumps({"regions": {}, "cities": {}})):
        (tmp_path / FILE).write_text(content)
        assert PlaceNames(tmp_path / FILE).names("de").of("region", "CH-ZH") == "CH-ZH"
    assert ENGLISH.of("region", "CH-ZH") == "CH-ZH"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("es-ES,es;q=0.9,fr;q=0.8,en;q=0.7", "fr"),
        ("en;q=0.5,ja", "ja"),
        ("JA-jp", "ja"),
        ("de;q=0,fr", "fr"),
        ("de;q=x", "en"),
        ("pt,es", "en"),
        ("*", "en"),
        (",;,=;q", "en"),
    ],
)
def test_the_readers_language(header: str, language: str) -> None:
    """The best of those that there are, by weight and then by order (RFC 9110, 12.5.4)."""
    assert preferred(header) == language
