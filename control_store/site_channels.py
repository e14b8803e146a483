"""A site's own marketing channels: rules over where a visit came from, before Google's default ones.

A rule is `NAME:FIELD=PATTERN`, or with several conditions `NAME:FIELD=PATTERN&FIELD=PATTERN`, all of which must hold;
rules of the same name stand for each other. Patterns are compared without regard to case, * stands for anything.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

CHANNEL_FIELDS: Final = (
    *("source", "source_kind", "channel", "referrer", "click_network"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
)
"""What a rule may look at, named as it is stored; `channel` is what Google's rules say."""

_RULE: Final = re.compile(r"(?P<name>[^\W_][\w .+/()-]{0,31}):(?P<conditions>.+)\Z")
_MOST: Final = 200
"""Characters of a pattern: no field is longer."""


class BadChannel(ValueError):
    """A rule that can't be taken."""


class Visit(Protocol):
    """Where a visit came from: every field of CHANNEL_FIELDS as an attribute."""

    @property
    def channel(self) -> str:
        """The channel by Google's rules."""


class _Rule(NamedTuple):
    name: str
    conditions: tuple[tuple[str, re.Pattern[str]], ...]

    def holds(self, visit: Visit) -> bool:
        return all(pattern.fullmatch(getattr(visit, field)) for field, pattern in self.conditions)


class SiteChannels:
    """The rules of one site, tried in their order."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Raises BadChannel with the text that is no rule."""
        self._rules = tuple(_read(text) for text in texts)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def of(self, visit: Visit) -> str:
        """The name of the first rule that holds, else the channel by Google's rules."""
        return next((rule.name for rule in self._rules if rule.holds(visit)), visit.channel)


def _read(text: str) -> _Rule:
    match = _RULE.match(text)
    if match is None:
        raise BadChannel(text)
    return _Rule(match["name"].strip(), tuple(_condition(part) for part in match["conditions"].split("&")))


def _condition(text: str) -> tuple[str, re.Pattern[str]]:
    field, equals, pattern = (part.strip() for part in text.partition("="))
    if not equals or field not in CHANNEL_FIELDS or not pattern or len(pattern) > _MOST or pattern.count("*") > 4:
        raise BadChannel(text)
    return field, _glob(pattern)


def _glob(pattern: str) -> re.Pattern[str]:
    """The pattern for whole values. What stands between two wildcards is taken where it comes first and never again, so
    that a value that visitors choose costs time in proportion to its length.
    """
    first, *rest = map(re.escape, pattern.split("*"))
    between = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    end = f".*{rest[-1]}" if rest else ""
    return re.compile(f"{first}{between}{end}", re.IGNORECASE | re.DOTALL)
