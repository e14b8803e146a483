"""Places on the screen are called what the reader's language calls them; addresses and filters keep their codes."""

import pytest

from tests.console.desk import Desk

pytestmark = pytest.mark.req("C5", "D1")


def test_countries_are_named_in_the_readers_language(counting: Desk) -> None:
    """By Accept-Language; what links and filters say is the code."""
    visitors = [f"visitor-{number:08d}".encode() for number in range(6)]
    counting.store_rows(counting.site(), *({"visitor": one, "country": "JP", "city": "Tokyo"} for one in visitors))
    page = "/sites/shop.example?range=today"
    for header, name in (("", "Japan"), ("ja", "日本"), ("fr-CH, fr;q=0.9", "Japon"), ("es", "Japan")):
        text = counting.read(page, **{"accept-language": header})
        assert name in text
        assert "is%2Ccountry%2CJP" in text
        chip = counting.read(f"{page}&f=is,country,JP", **{"accept-language": header})
        assert f"Country is {name}" in chip
