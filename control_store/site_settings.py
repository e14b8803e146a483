"""Every setting of a site, once: meaning, form and default. `footfall site set` and the docs read it from here."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from control_store.snippet_settings import ALL, CALL_CHANNELS, MODULES, BadCallNumber, call_number

Policy = Literal["cookieless", "opt_in", "opt_out", "under_16"]
GpcEffect = Literal["drop", "cookieless"]
KeepDays = Literal[0, 1, 7, 14, 35, 60, 90, 180, 395]


class SiteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one site, defaults included. SETTINGS says what each means."""

    policy: Policy = "cookieless"
    gpc: GpcEffect = "drop"
    dnt: bool = True
    basic_only: bool = False
    plugins: bool = False
    hostnames: tuple[str, ...] = ()
    query_keys: tuple[str, ...] = ()
    search_keys: tuple[str, ...] = ("q", "s", "query", "search", "keyword")
    hash_routes: bool = False
    localhost: bool = False
    modules: tuple[str, ...] = ()
    frames: bool = False
    quiet: bool = False
    download_extensions: tuple[str, ...] = ()
    call_numbers: tuple[str, ...] = ()
    raw_days: KeepDays = 35
    aggregate_months: Annotated[int, Meta(ge=1, le=120)] = 25
    k: Annotated[int, Meta(ge=3, le=1000)] = 5
    policy_version: Annotated[str, Meta(max_length=32, pattern=r"^[ -~]*\Z")] = "1"


class BadSetting(ValueError):
    """A setting that can't be taken; the text is one sentence for the operator."""


class SettingHelp(NamedTuple):
    """What one setting means, and how its value is written on the command line."""

    meaning: str
    form: str


SETTINGS: Final[dict[str, SettingHelp]] = {
    "policy": SettingHelp(
        "what is collected before and after a visitor's choice", "cookieless, opt_in, opt_out or under_16"
    ),
    "gpc": SettingHelp("what Global Privacy Control does", "drop or cookieless"),
    "dnt": SettingHelp("whether Do Not Track is honoured as an opt-out", "true or false"),
    "basic_only": SettingHelp("keep only what every browser sends anyway", "true or false"),
    "plugins": SettingHelp("keep plug-in names of visitors who agreed", "true or false"),
    "hostnames": SettingHelp("further hosts of the site", "host names separated by commas, *. as a wildcard"),
    "query_keys": SettingHelp("query keys of the site's own that are kept in paths", "names separated by commas"),
    "search_keys": SettingHelp("query keys that hold the terms of the site's search", "names separated by commas"),
    "hash_routes": SettingHelp("whether #/routes are pages", "true or false"),
    "localhost": SettingHelp("whether visits on localhost are counted", "true or false"),
    "modules": SettingHelp(
        "what the snippet records beyond page views, time and links",
        f"names separated by commas: {', '.join(MODULES)}; or all",
    ),
    "frames": SettingHelp("whether pages inside frames are counted", "true or false"),
    "quiet": SettingHelp(
        "whether the snippet keeps silent in the console of pages that are not counted", "true or false"
    ),
    "download_extensions": SettingHelp(
        "extensions of files whose links are downloads, instead of the usual ones", "extensions separated by commas"
    ),
    "call_numbers": SettingHelp(
        "phone numbers that pages show by channel (module calls)",
        f"CHANNEL=NUMBER separated by commas: usual, {', '.join(CALL_CHANNELS)}; campaign:NAME and source:NAME",
    ),
    "raw_days": SettingHelp("days that raw rows are kept", "0, 1, 7, 14, 35, 60, 90, 180 or 395"),
    "aggregate_months": SettingHelp("months that statistics are kept", "a number from 1 to 120"),
    "k": SettingHelp("smallest group of visitors that is shown", "a number from 3 to 1000"),
    "policy_version": SettingHelp("version of the notice that rows carry", "at most 32 plain characters"),
}

PRESETS: Final[dict[str, dict[str, Any]]] = {
    "cnil": {"policy": "cookieless", "gpc": "drop", "raw_days": 35, "aggregate_months": 25, "k": 10},
    "uk": {"policy": "cookieless", "gpc": "drop", "raw_days": 35, "aggregate_months": 25, "k": 5},
    "us": {"policy": "opt_out", "gpc": "drop", "raw_days": 60, "aggregate_months": 25, "k": 5},
    "strict": {"policy": "opt_in", "gpc": "drop", "basic_only": True, "raw_days": 7, "aggregate_months": 13, "k": 10},
}

_QUERY_KEY: Final = re.compile(r"[a-z0-9_.:~$\[\]-]{0,64}\Z")
_HOSTNAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*\Z")


def changed(current: SiteSettings, assignments: list[str], preset: str = "") -> SiteSettings:
    """The settings after a preset and `key=value` texts. Raises BadSetting with one sentence."""
    values = msgspec.structs.asdict(current)
    if preset:
        if preset not in PRESETS:
            raise BadSetting(f"There is no preset '{preset}'; choose one of {', '.join(PRESETS)}.")
        values.update(PRESETS[preset])
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or key not in SETTINGS:
            raise BadSetting(f"There is no setting '{key}'; write key=value with one of {', '.join(SETTINGS)}.")
        values[key] = _read(key, text.strip())
    return from_values(values)


def from_values(values: dict[str, Any]) -> SiteSettings:
    """Stored values as settings. Raises BadSetting, naming the setting and its form."""
    try:
        return msgspec.convert(values, SiteSettings, strict=False)
    except msgspec.ValidationError as error:
        key = str(error).rpartition("`$.")[2].split("`")[0].split("[")[0]
        form = SETTINGS[key].form if key in SETTINGS else ""
        raise BadSetting(
            f"The setting '{key}' must be {form}." if form else "The settings hold an unknown key."
        ) from None


def _read(key: str, text: str) -> object:
    default = getattr(SiteSettings(), key)
    if isinstance(default, tuple):
        return tuple(part for raw in text.split(",") if (part := _ITEM.get(key, _query_key)(raw.strip())))
    return {"true": True, "false": False}.get(text.lower(), text) if isinstance(default, bool) else text


def _hostname(text: str) -> str:
    wildcard, host = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    host = ascii_host(host)
    if text and (len(host) > 253 or not _HOSTNAME.match(host)):
        raise BadSetting(
            "The setting 'hostnames' must be host names separated by commas, for example shop.example,*.shop.example."
        )
    return wildcard + host


def ascii_host(text: str) -> str:
    """A host name as browsers send it: lower case, international names in their xn-- form. Never raises."""
    host = text.strip().lower().rstrip(".")
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host


def _query_key(text: str) -> str:
    key = text.lower()
    if not _QUERY_KEY.match(key):
        raise BadSetting("A query key has 1 to 64 letters, digits or signs of _.:~$[]-.")
    return key


def _module(text: str) -> str:
    name = text.lower()
    if name and name not in (*MODULES, ALL):
        raise BadSetting(f"The snippet has no module '{name}'; choose from {', '.join(MODULES)}, or all.")
    return name


def _extension(text: str) -> str:
    extension = text.lower().lstrip(".")
    if not re.fullmatch(r"[a-z0-9]{0,10}", extension):
        raise BadSetting("An extension has 1 to 10 letters and digits, for example pdf.")
    return extension


def _call_number(text: str) -> str:
    try:
        if text:
            call_number(text)
    except BadCallNumber:
        raise BadSetting(
            "The setting 'call_numbers' must be CHANNEL=NUMBER separated by commas, for example "
            "usual=+41 44 111 11 11,paid=+41 44 222 22 22."
        ) from None
    return text


_ITEM: Final[dict[str, Callable[[str], str]]] = {
    "hostnames": _hostname,
    "modules": _module,
    "download_extensions": _extension,
    "call_numbers": _call_number,
}
