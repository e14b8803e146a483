"""What an agent string and its Client Hints honestly tell: browser, engine, system and kind of device.

Promises: client hints beat a frozen agent string; a version that the browser does not tell truly is "" ("not told"),
never a wrong one; one spelling per family (tables/agents.toml). Refuses: to keep a string. The caches live in memory,
are bounded, and die with the process; nothing here is written, logged or put into an exception.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import user_agents.parsers
from ua_parser import Domain, load_lazy_builtins
from ua_parser.regex import Resolver

LONGEST_AGENT: Final = 1024
"""Characters of an agent string that are looked at. Real ones end before 700; the rest would only fill the cache."""


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


class Agent(NamedTuple):
    """What is stored of an agent: families, versions as far as told, and the class of device."""

    browser: str
    browser_version: str
    engine: str
    os: str
    os_version: str
    device: str
    platform: str


class ParsedAgent(user_agents.parsers.UserAgent):  # type: ignore[misc]
    """The user-agents library's reading of a string, fed by ua-parser's Rust engine instead of its own regexes.

    The library parses in its constructor with the pre-1.0 interface (470 µs); this one takes over a result of the
    modern interface (25 µs) and leaves every property (is_tablet, is_mobile …) to the library.
    """

    def __init__(self, text: str, resolver: Resolver) -> None:
        found = resolver(text, Domain.ALL).complete().with_defaults()
        agent, system, device = found.user_agent, found.os, found.device
        self.ua_string = text
        self.browser = user_agents.parsers.parse_browser(agent.family, agent.major, agent.minor, agent.patch)
        self.os = user_agents.parsers.parse_operating_system(system.family, system.major, system.minor, system.patch)
        self.device = user_agents.parsers.parse_device(device.family, device.brand, device.model)


def agent_parser() -> Resolver:
    """ua-parser over its Rust engine; ImportError at start where the engine is missing, never a slower stand-in."""
    return Resolver(load_lazy_builtins())


class AgentReader:
    """Reads agent strings. Construct once per process: 40 ms and 30 MB for the compiled patterns."""

    def __init__(self, cache_size: int = 10_000) -> None:
        self._resolver = agent_parser()
        tables = _tables()
        self._browsers: dict[str, str] = tables["browsers"]
        self._systems: dict[str, str] = tables["systems"]
        self._cached = lru_cache(maxsize=cache_size)(self._parse)

    def read(self, user_agent: str, hints: Hints = NO_HINTS) -> Agent:
        """The agent behind a User-Agent header and its hints; every field "" or "other" where nothing is told."""
        return self._cached(user_agent[:LONGEST_AGENT], hints)

    def _parse(self, text: str, hints: Hints) -> Agent:
        parsed = ParsedAgent(text, self._resolver)
        browser = self._browsers.get(parsed.browser.family, parsed.browser.family)
        system = self._systems.get(parsed.os.family, parsed.os.family)
        version = _short(parsed.browser.version)
        device = _device(parsed)
        name = " on ".join(filter(None, (browser, system)))
        return Agent(browser, version, _engine(text), system, parsed.os.version_string, device, name)


def _short(version: tuple[int | str, ...]) -> str:
    """Major and, where it is not zero, minor."""
    if not version:
        return ""
    return f"{version[0]}.{version[1]}" if len(version) > 1 and str(version[1]).strip("0") else str(version[0])


def _device(parsed: ParsedAgent) -> str:
    if parsed.is_tablet:
        return "tablet"
    if parsed.is_mobile:
        return "mobile"
    return "desktop" if parsed.is_pc else "other"


def _engine(text: str) -> str:
    found = re.search(r"Trident|Presto|Gecko/|Chrome/|AppleWebKit", text)
    names = {"Gecko/": "Gecko", "Chrome/": "Blink", "AppleWebKit": "WebKit"}
    return names.get(found[0], found[0]) if found else ""


def _tables() -> dict[str, Any]:
    path = Path(__file__).parent / "tables" / "agents.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))
