"""Reads the Sec-CH-UA request headers: which browser, system and device they truly name.

Promises: GREASE brands (made up by browsers so that nobody relies on the list) and the engine's own brand are passed
over; text that is no brand list gives nothing, never an error. Refuses: to take a model's name anywhere but into the
choice of the device class.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from collector.scrub import clean_text
from collector.tokens import is_person_hash


class Hints(NamedTuple):
    """The Sec-CH-UA request headers as they came (structured-field text), "" where absent; and the app's own name."""

    brands: str = ""
    """Sec-CH-UA"""
    full_versions: str = ""
    """Sec-CH-UA-Full-Version-List"""
    mobile: str = ""
    """Sec-CH-UA-Mobile"""
    platform: str = ""
    """Sec-CH-UA-Platform"""
    platform_version: str = ""
    """Sec-CH-UA-Platform-Version"""
    model: str = ""
    """Sec-CH-UA-Model"""
    form_factors: str = ""
    """Sec-CH-UA-Form-Factors"""
    app: str = ""
    """X-Requested-With: Android's WebView names the app that shows the page."""


NO_HINTS: Final = Hints()

LONGEST_HINT: Final = 256
"""Characters of one hint that are looked at; a brand list of today has about 120."""

_BRAND: Final = re.compile(r'"((?:[^"\\]|\\.){1,64})"\s*;\s*v\s*=\s*"([\w.]{0,32})"')
_NAME: Final = re.compile(r"[^\W_][\w .,:+&'%!()-]{0,39}")
_GREASE: Final = re.compile(r"\bNot\b.*\bBrand\b", re.IGNORECASE)
_ENGINE_BRANDS: Final = frozenset({"Chromium", "Blink", "Mozilla", "Microsoft Edge Simulate"})
_FORM_FACTORS: Final = {
    "Automotive": "car",
    "XR": "wearable",
    "Watch": "wearable",
    "Tablet": "tablet",
    "EInk": "tablet",
    "Mobile": "mobile",
    "Desktop": "desktop",
}


class Brand(NamedTuple):
    """One entry of a brand list."""

    name: str
    version: str


def brands(header: str) -> tuple[Brand, ...]:
    """Brands of a Sec-CH-UA header without GREASE and without the engine's, in the order sent."""
    found = (Brand(name, version) for name, version in _BRAND.findall(header[:LONGEST_HINT]))
    return tuple(brand for brand in found if _is_browser(brand.name))


def _is_browser(name: str) -> bool:
    return name not in _ENGINE_BRANDS and is_name(name) and not is_grease(name)


def is_name(text: str) -> bool:
    """Whether a text could be a product's name: at most 40 characters, no signs that mean something elsewhere, and
    nothing that the scrubber would replace. Names are stored, and whoever sends the hint chooses them."""
    return bool(_NAME.fullmatch(text)) and clean_text(text) == text and not is_person_hash(text)


def is_grease(name: str) -> bool:
    """Whether a brand is a made-up one: any spelling of "Not A Brand" with odd characters between the words."""
    return bool(_GREASE.search(re.sub(r"[^A-Za-z]+", " ", name)))


def plain(header: str) -> str:
    """The text inside a structured-field string: `"Windows"` → `Windows`."""
    return header[:LONGEST_HINT].strip().strip('"').strip()


def form_factor(header: str) -> str:
    """Device class that Sec-CH-UA-Form-Factors names, "" for none."""
    named = set(re.findall(r"[A-Za-z]+", header[:LONGEST_HINT]))
    return next((device for word, device in _FORM_FACTORS.items() if word in named), "")
