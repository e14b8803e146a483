"""What an agent string and its Client Hints honestly tell: browser, engine, system and kind of device.

Promises: client hints beat a frozen agent string; a version that the browser does not tell truly is "" ("not told"),
never a wrong one; one spelling per family (tables/agents.toml). Refuses: to keep a string; nothing here is remembered,
written, logged or put into an exception.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final, NamedTuple

import user_agents.parsers
import yaml_rs
from ua_parser import Domain, Matchers, load_lazy_builtins
from ua_parser.matchers import OSMatcher, UserAgentMatcher
from ua_parser.regex import Resolver

from collector.client_hints import LONGEST_HINT, NO_HINTS, Brand, Hints, brands, form_factor, is_name, plain
from collector.device import DeviceRules

__all__ = ["LONGEST_AGENT", "NO_HINTS", "Agent", "AgentReader", "Hints"]

LONGEST_AGENT: Final = 1024
"""Characters of an agent string that are looked at. Real ones end before 700."""

TABLES: Final = Path(__file__).parent / "tables"

_WEBVIEWS: Final = frozenset({"", "Chrome WebView", "WKWebView", "Android Browser", "Chrome", "Safari"})
"""Families that an app's string shares with the system's browser: the app's own name says more."""


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


@lru_cache(maxsize=1)
def shared_resolver() -> Resolver:
    """ua-parser with our patterns in front, one for a process: 150 ms and 30 MB of compiled patterns."""
    return Resolver(_matchers(_tables()))


class AgentReader:
    """Reads agent strings. Construct once per process."""

    def __init__(self) -> None:
        tables = _tables()
        self._resolver = shared_resolver()
        self._devices = DeviceRules(TABLES / "devices.toml")
        self._names: dict[str, str] = tables["names"]
        self._apps: dict[str, str] = _listed_apps() | tables["apps"]
        self._systems: dict[str, str] = tables["systems"]
        self._platforms: dict[str, str] = {name: name for name in tables["hinted"]["platforms"]} | self._systems
        self._fire_os: dict[str, str] = tables["fire_os"]
        self._boards = frozenset(tables["chromeos"]["boards"].split())

    def read(self, user_agent: str, hints: Hints = NO_HINTS) -> Agent:
        """The agent behind a User-Agent header and its hints; a field is "" (device "other") where nothing is told."""
        if hints is not NO_HINTS and max(map(len, hints)) > LONGEST_HINT:
            hints = Hints(*(hint[:LONGEST_HINT] for hint in hints))
        return self._parse(user_agent[:LONGEST_AGENT], hints)

    def _parse(self, text: str, hints: Hints) -> Agent:
        parsed = ParsedAgent(text, self._resolver)
        browser, version = self._browser(parsed, hints)
        system, system_version = self._system(parsed, hints)
        device = self._device(parsed, hints, system)
        name = " on ".join(filter(None, (browser, system)))
        return Agent(browser, version, _engine(text, system), system, system_version, device, name)

    def _browser(self, parsed: ParsedAgent, hints: Hints) -> tuple[str, str]:
        """Brand hint, else the app's name, else the string."""
        family = self._name(parsed.browser.family)
        version = _short(parsed.browser.version)
        brand = self._brand(hints)
        app = self._app(hints.app)
        if brand is not None and (brand.name != "Chrome WebView" or not app):
            told = family == brand.name and version
            return brand.name, version if told else _short(tuple(brand.version.split(".")))
        if app and (family in _WEBVIEWS or self._known_app(hints.app)):
            return app, version if family == app else ""
        return family, version

    def _brand(self, hints: Hints) -> Brand | None:
        """The most telling brand: what is built on Chrome names Chrome's brand or the WebView's beside its own."""
        found = brands(hints.full_versions) or brands(hints.brands)
        named = [Brand(self._name(brand.name), brand.version) for brand in found]
        own = [brand for brand in named if brand.name not in ("Chrome", "Chrome WebView")]
        return next(iter(own or named), None)

    def _name(self, family: str) -> str:
        """The stored spelling of a family; "FooBrowser" becomes "Foo Browser"; what is no name is not told."""
        known = self._names.get(family)
        if known is not None:
            return known
        stem = re.sub(r"[\s_-]*[Bb]rowser$", "", family.replace("%20", " "))
        name = f"{stem} Browser" if stem and family.lower().endswith("browser") else stem
        return self._names.get(name, name if is_name(name) else "")

    def _app(self, package: str) -> str:
        """Name of an Android app by its package; a package that says "browser" is named after itself."""
        if not re.fullmatch(r"[A-Za-z]\w*(?:\.\w+)+", package):
            return ""
        return self._known_app(package) or _named_after_package(package)

    def _known_app(self, package: str) -> str:
        """Name by the package or the longest listed one that it extends at a dot, "" if none."""
        while package:
            if package in self._apps:
                return self._name(self._apps[package])
            package = package.rpartition(".")[0]
        return ""

    def _system(self, parsed: ParsedAgent, hints: Hints) -> tuple[str, str]:
        """System and version, from the hints where they are sent."""
        told = self._systems.get(parsed.os.family, parsed.os.family)
        system = _refined(self._hinted_system(hints), told)
        if plain(hints.model) in self._boards and system in ("Android", "Linux"):
            return "ChromeOS", ""
        if hints.platform_version:
            system, version = _hinted_version(system, plain(hints.platform_version))
        else:
            version = _true_version(system, parsed) if system == told else ""
        return system, self._fire_os.get(version.split(".")[0], "") if system == "Fire OS" else version

    def _hinted_system(self, hints: Hints) -> str:
        """Sec-CH-UA-Platform, else what an app's name implies: only Android's WebView sends one."""
        system = self._platforms.get(plain(hints.platform), "")
        if system or "." not in hints.app:
            return system
        return "LineageOS" if hints.app.startswith("org.lineageos.") else "Android"

    def _device(self, parsed: ParsedAgent, hints: Hints, system: str) -> str:
        """Form factor hint, else the rules over string and model, else the mobile hint, else the library."""
        factor = form_factor(hints.form_factors)
        if factor:
            return factor
        text = parsed.ua_string
        model = plain(hints.model)
        if system == "ChromeOS":
            return "desktop"
        if model:
            text = text.replace("; K)", f"; {model})") if "; K)" in text else f"{text} (; {model})"
        return self._devices.kind(text) or _hinted_device(hints, system) or _library_device(parsed)


def _tables() -> dict[str, Any]:
    return tomllib.loads((TABLES / "agents.toml").read_text(encoding="utf-8"))


def _listed_apps() -> dict[str, str]:
    """Android package → name, as Matomo's device detector lists them: two of its files, and none of its code, which
    would be a second parser of agent strings.
    """
    folder = Path(str(distribution("device_detector").locate_file("device_detector/regexes/upstream/client/hints")))
    found: dict[str, str] = {}
    for name in ("apps.yml", "browsers.yml"):
        listed: Any = yaml_rs.loads((folder / name).read_text("utf-8"))
        found |= listed
    return found


def _matchers(tables: dict[str, Any]) -> Matchers:
    """Our own patterns, then ua-parser's."""
    agents, systems, devices = load_lazy_builtins()
    own = [UserAgentMatcher(_token_pattern(token), name) for token, name in tables["tokens"].items()]
    own += [UserAgentMatcher(row["match"], row["name"]) for row in tables["patterns"]]
    early, late = (
        [OSMatcher(row["match"], row["name"]) for row in tables[key]]
        for key in ("system_patterns", "late_system_patterns")
    )
    return [*own, *agents], [*early, *systems, *late], devices


def _token_pattern(token: str) -> str:
    """A product token as a whole word; one that ends with "/" only where a version follows."""
    version = r"v?(\d+)(?:\.(\d+))?"
    tail = version if token.endswith("/") else rf"(?:[/ ]{version}|[^A-Za-z0-9]|$)"
    return rf"(?:^|[^A-Za-z0-9])({re.escape(token)}){tail}"


def _refined(hinted: str, told: str) -> str:
    """The hint's system, unless the string names what the hint lumps together (Fire OS under Android)."""
    if not hinted:
        return told
    variants = {
        "Android": ("Fire OS", "HarmonyOS", "Android TV", "Wear OS", "Meta Horizon", "PICO OS", "ChromeOS"),
        "Linux": ("Meta Horizon", "PICO OS", "webOS", "Tizen", "VIDAA", "ChromeOS"),
    }
    return told if told in variants.get(hinted, ()) else hinted


def _hinted_version(system: str, version: str) -> tuple[str, str]:
    """Sec-CH-UA-Platform-Version in the system's own words.

    Windows counts API contracts: 13 and above is Windows 11, 1 to 12 Windows 10 (Microsoft Edge documentation, "Detect
    Windows 11"); 0.1, 0.2, 0.3 are 7, 8, 8.1. Linux sends the kernel's number, which is no version of a system.
    """
    if "HarmonyOS" in version:
        return "HarmonyOS", ""
    numbers = version.split(".")
    if system == "Linux" or not numbers[0].isdigit():
        return system, ""
    if system != "Windows":
        return system, _short(tuple(numbers))
    old = {"0.1": "7", "0.2": "8", "0.3": "8.1"}
    major = int(numbers[0])
    return system, ("11" if major >= 13 else "10") if major else old.get(".".join(numbers[:2]), "")


def _true_version(system: str, parsed: ParsedAgent) -> str:
    """The string's version where it can be true, "" where browsers write the same on every machine.

    Frozen: Windows NT 10.0 (10 or 11); macOS 10.15 in Safari, Chrome and Firefox since 2020; "Android 10; K" and
    Firefox's Android 10 (user-agent reduction); ChromeOS's build 14541; iOS 18.6 and 18.7 (without a third number)
    since iOS 26, where Safari's own Version or an app's remark tells the truth. Versions of Linux distributions are
    not kept.
    """
    version = tuple(str(part) for part in parsed.os.version)
    text = parsed.ua_string
    if not version or system == "Linux":
        return ""
    frozen = {
        "Windows": version[0] == "10",
        "macOS": version[:2] == ("10", "15") and version[2:3] in ((), ("7",)),
        "Android": version[0] == "10" and ("; K)" in text or "Firefox/" in text),
        "ChromeOS": True,
        "HarmonyOS": False,
    }
    if frozen.get(system, False):
        return ""
    if system == "iOS" and version in (("18", "6"), ("18", "7")):
        told = re.search(r"(?: Version/|FBSV/| iOS )(\d+)[._](\d+)", text)
        return _short(told.groups()) if told else ""
    return "" if version[0] == "NT" else _short(version)


def _short(version: tuple[int | str | Any, ...]) -> str:
    """Major and, where it is a number other than zero, minor; no part longer than eight characters."""
    parts = [str(part)[:8] for part in version[:2]]
    return ".".join(parts if len(parts) > 1 and parts[1].strip("0") else parts[:1])


def _named_after_package(package: str) -> str:
    """`com.foo.browser` → "Foo Browser", `org.x.foobrowser` → "Foo Browser"; "" where no label speaks of a browser."""
    labels = package.split(".")
    for place in range(len(labels) - 1, -1, -1):
        label = labels[place]
        at = label.lower().find("browser")
        if at < 0:
            continue
        stem = (label[:at] or label[at + len("browser") :]).strip("_-0123456789")
        if not stem and place:
            stem = next((other for other in reversed(labels[:place]) if other not in _PACKAGE_WORDS), "")
        return f"{stem[:1].upper()}{stem[1:32]} Browser" if stem else ""
    return ""


_PACKAGE_WORDS: Final = frozenset(
    "com org net app apps io de in br co id mobile android web www internet secure private fast safe".split()
)


def _hinted_device(hints: Hints, system: str) -> str:
    """The class that Sec-CH-UA-Mobile and the system leave open to no doubt."""
    if hints.mobile == "?1":
        return "mobile"
    if system in ("Windows", "macOS", "Linux", "ChromeOS") and hints.platform:
        return "desktop"
    return ""


def _library_device(parsed: ParsedAgent) -> str:
    """The user-agents library's own classes."""
    if parsed.is_tablet:
        return "tablet"
    if parsed.is_mobile:
        return "mobile"
    return "desktop" if parsed.is_pc else "other"


_ENGINES: Final = (
    ("Trident/", "Trident"),
    ("MSIE ", "Trident"),
    ("Edge/", "EdgeHTML"),
    ("Presto", "Presto"),
    ("Goanna", "Goanna"),
    ("Servo", "Servo"),
    ("LibWeb", "LibWeb"),
    ("Chrome/", "Blink"),
    ("Chromium/", "Blink"),
    ("AppleWebKit", "WebKit"),
    ("KHTML/", "KHTML"),
    ("Gecko/", "Gecko"),
    ("NetFront", "NetFront"),
)


def _engine(text: str, system: str) -> str:
    """The engine that the string names; every browser of iOS shows pages with WebKit, whatever it is called."""
    if system == "iOS":
        return "WebKit"
    return next((engine for token, engine in _ENGINES if token in text), "")
