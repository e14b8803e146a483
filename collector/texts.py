"""Every text that visitors read, in ten languages: `texts/<language>.toml`, all with the same keys.

A language that lacks a text is refused when the collector starts, and so is never offered: a choice made in Italian
on a notice that is half English is not informed.
"""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Final

LANGUAGES: Final = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "ja")
"""The ten, as BCP 47 says them; the first is taken where none is asked for."""

Words = Mapping[str, str]
"""Texts by their dotted keys, such as `words.accept`."""


class IncompleteLanguage(ValueError):
    """A language lacks texts, or has some that English does not; the text names them."""


def read_texts() -> dict[str, Words]:
    """The texts of all languages. Raises IncompleteLanguage."""
    folder = resources.files("collector") / "texts"
    found: dict[str, Words] = {
        language: dict(_flat(tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))))
        for language in LANGUAGES
    }
    for language, words in found.items():
        differing = sorted(words.keys() ^ found["en"].keys())
        if differing:
            raise IncompleteLanguage(f"texts/{language}.toml and texts/en.toml differ in {', '.join(differing)}.")
    return found


def choose_language(asked: Iterable[str]) -> str:
    """The first of these language tags (`de-CH`) that there is, else English."""
    wanted = (tag.split(";")[0].strip().lower().split("-")[0] for tag in asked)
    return next((one for one in wanted if one in LANGUAGES), LANGUAGES[0])


def period(words: Words, days: int) -> str:
    """After how many days, as it stands in a sentence."""
    return words[f"words.period_{days if days < 2 else 'n'}"].replace("{n}", str(days))


def fill(text: str, **values: object) -> str:
    """A text with its places in braces filled; others stay, for the browser to fill."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _flat(table: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", str(value)
