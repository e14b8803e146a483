"""No text that people read says what is untrue or smooth: words that are forbidden, in every language of the product."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
FORBIDDEN: Final[tuple[str, ...]] = (
    r"we value your privacy",
    r"your privacy (is|matters)",
    r"necessary (analytics|statistics|cookies)",
    r"100\s*%\s*(gdpr|dsgvo|rgpd|priva|safe|secure)",
    r"(gdpr|dsgvo|rgpd|rodo|avg|ccpa)[- ]?(compliant|konform|conforme|zgodn)",
    r"no consent (is )?(needed|required)",
    r"cannot be attributed",
    r"anonym(ous|e[nrs]?|es|isiert)? (data|daten|statisti\w*)",
    (
        r"privatsphäre (ist|liegt)|(respect|valor|rispett|respekter|szanu|waarder)\w* (votre|su|tu|la sua|sua|din|twoj\w+|uw) "
        "(vie privée|privacidade?|privacy|integritet|prywatność)|プライバシーを(大切|尊重)"
    ),
    (
        r"(notwendig|erforderlich|nécessaire|necess?[aá]ri|noodzakelijk|niezbędn|nödvändig)\w* "
        "(statisti|analy|analít|cookie|statysty)|必要な(統計|クッキー|Cookie)"
    ),
    r"\banonym|anónim|anonim|匿名",
)
"""The last one only in what visitors read: a hash is a pseudonym, whatever it is made of."""
VISITORS: Final = ("collector/texts/*.toml", "collector/templates/*", "js/src/**/*.ts", "footfall/demo_site/*.html")
OTHERS: Final = (
    "console/templates/*.html",
    "console/static/*.js",
    "console/pages/*.py",
    "console/*.py",
    "footfall/*.py",
    "footfall/commands/*.py",
    "control_store/*settings*.py",
    "control_store/notice_gaps.py",
    "event_catalogue/*.py",
    "CHANGELOG.md",
    "docs/recipes/*",
    "docs/*.md",
    "README.md",
    "js/README.md",
    "js/npm/*.md",
)


def texts(patterns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Path and content of every file that such a pattern names."""
    for pattern in patterns:
        found = sorted(path for path in ROOT.glob(pattern) if path.is_file())
        assert found, pattern
        for path in found:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


@pytest.mark.req("P9")
@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_text_says_it(pattern: str) -> None:
    """Neither to visitors nor to owners."""
    where = VISITORS if pattern == FORBIDDEN[-1] else VISITORS + OTHERS
    found = [
        f"{path}: {match[0]}" for path, text in texts(where) for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
    assert found == []


def test_the_patterns_find_what_they_forbid() -> None:
    """So that the check above can fail."""
    said = (
        *("We value your privacy", "Your privacy matters", "necessary analytics", "100 % safe", "GDPR-compliant"),
        *("No consent needed", "It cannot be attributed", "anonymous data"),
        *("Nous respectons votre vie privée", "notwendige Statistik", "anonymisierte Angaben"),
    )
    for text, pattern in zip(said, FORBIDDEN, strict=True):
        assert re.search(pattern, text, re.IGNORECASE), pattern
