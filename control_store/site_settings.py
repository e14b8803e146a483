"""Every setting of a site, once: meaning, form and default. `footfall site set` and the docs read it from here."""

from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from control_store.policies import Policy, europe_opted_out, read_region_policies
from control_store.setting_items import BadSetting, read_item
from control_store.snippet_settings import CALL_CHANNELS, MANAGERS, MODULES

GpcEffect = Literal["drop", "cookieless"]
LegalBasis = Literal["", "legitimate_interests", "public_task"]
Line = Annotated[str, Meta(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""A text of one line, as the notice prints it."""
KeepDays = Literal[0, 1, 7, 14, 35, 60, 90, 180, 395]


class SiteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one site, defaults included. SETTINGS says what each means."""

    policy: Policy = "cookieless"
    region_policies: tuple[str, ...] = ()
    under_16_paths: tuple[str, ...] = ()
    opt_out_in_europe: bool = False
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
    channels: tuple[str, ...] = ()
    counted_bots: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    exclude_hostnames: tuple[str, ...] = ()
    exclude_networks: tuple[str, ...] = ()
    exclude_countries: tuple[str, ...] = ()
    ignored_hostnames: tuple[str, ...] = ()
    raw_days: KeepDays = 35
    aggregate_months: Annotated[int, Meta(ge=1, le=120)] = 25
    k: Annotated[int, Meta(ge=3, le=1000)] = 5
    policy_version: Annotated[str, Meta(max_length=32, pattern=r"^[ -~]*\Z")] = "1"
    banner: bool = False
    shares: bool = False
    consent_managers: tuple[str, ...] = ()
    controller: Line = ""
    controller_address: Line = ""
    contact: Line = ""
    privacy_officer: Line = ""
    representative: Line = ""
    legal_basis: LegalBasis = ""
    recipients: tuple[str, ...] = ()
    transfers: Line = ""
    authority: Line = ""

    def counts(self, rule: str) -> bool:
        """Whether what this bot rule finds is counted as people's all the same."""
        return rule in self.counted_bots or f"{rule.partition(':')[0]}:*" in self.counted_bots


class SettingHelp(NamedTuple):
    """What one setting means, and how its value is written on the command line."""

    meaning: str
    form: str


_LINE: Final = "a text of one line, at most 300 characters"

SETTINGS: Final[dict[str, SettingHelp]] = {
    "policy": SettingHelp(
        "what is collected before and after a visitor's choice", "cookieless, opt_in, opt_out or under_16"
    ),
    "region_policies": SettingHelp(
        "policies of single regions, before `policy`; the strictest holds until a visitor's place is known",
        "REGION=POLICY separated by commas, a region being EEA, UK, a country such as CH or a part such as US-CA",
    ),
    "under_16_paths": SettingHelp(
        "pages for children: `under_16` holds there, beside the site's policy",
        "paths separated by commas, * as a wildcard",
    ),
    "opt_out_in_europe": SettingHelp(
        "insist on `opt_out` for visitors from the EEA, the UK and Switzerland too", "true or false"
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
    "channels": SettingHelp(
        "marketing channels of the site's own, tried before the usual ones; for visits from now on",
        "NAME:FIELD=PATTERN separated by commas, * as a wildcard, & between conditions; for example "
        "Partners:source=partner.example,Letters:utm_medium=letter&utm_campaign=spring*",
    ),
    "counted_bots": SettingHelp(
        "bot rules whose finds are counted as people's all the same, as far back as raw rows are kept",
        "names of rules separated by commas, for example network:datacentre,headless:*",
    ),
    "exclude_paths": SettingHelp("pages that are not counted", "paths separated by commas, * as a wildcard"),
    "exclude_hostnames": SettingHelp(
        "hosts of the site that are not counted", "host names separated by commas, *. as a wildcard"
    ),
    "exclude_networks": SettingHelp(
        "networks whose visitors are not counted", "addresses or networks separated by commas, such as 192.0.2.0/24"
    ),
    "exclude_countries": SettingHelp(
        "countries whose visitors are not counted", "two-letter codes (ISO 3166) separated by commas"
    ),
    "ignored_hostnames": SettingHelp(
        "hosts that are not the site's and need no mention", "host names separated by commas, *. as a wildcard"
    ),
    "raw_days": SettingHelp("days that raw rows are kept", "0, 1, 7, 14, 35, 60, 90, 180 or 395"),
    "aggregate_months": SettingHelp("months that statistics are kept", "a number from 1 to 120"),
    "k": SettingHelp("smallest group of visitors that is shown", "a number from 3 to 1000"),
    "policy_version": SettingHelp(
        "version of the notice that rows carry; raised by itself when a change lets more be kept",
        "at most 32 plain characters",
    ),
    "banner": SettingHelp("whether pages ask visitors for their choice, and show it", "true or false"),
    "shares": SettingHelp(
        "whether the site sells or shares visitors' data, so that they can opt out of it", "true or false"
    ),
    "consent_managers": SettingHelp(
        "other consent managers whose choices the snippet reads; a choice made on the site goes before theirs",
        f"names separated by commas: {', '.join(MANAGERS)}",
    ),
    "controller": SettingHelp("who is responsible for the site, as the notice says it", _LINE),
    "controller_address": SettingHelp("postal address of who is responsible", _LINE),
    "contact": SettingHelp("e-mail address or page for visitors' questions and rights", _LINE),
    "privacy_officer": SettingHelp("data protection officer and how to reach them, where there is one", _LINE),
    "representative": SettingHelp("representative in the European Union, where there is one", _LINE),
    "legal_basis": SettingHelp(
        "legal basis of what is recorded without consent", "legitimate_interests or public_task"
    ),
    "recipients": SettingHelp("who else receives visitors' data, such as a hosting firm", "names separated by commas"),
    "transfers": SettingHelp("countries that data goes to and how it is protected there, where it does", _LINE),
    "authority": SettingHelp("supervisory authority for complaints", _LINE),
}

_CLASSES: Final[dict[str, Any]] = {"gpc": "drop", "dnt": True, "basic_only": False, "plugins": False}
PRESETS: Final[dict[str, dict[str, Any]]] = {
    "cnil": {"policy": "cookieless", **_CLASSES, "raw_days": 35, "aggregate_months": 25, "k": 10},
    "uk": {"policy": "cookieless", **_CLASSES, "raw_days": 35, "aggregate_months": 25, "k": 5},
    "us": {"policy": "opt_out", **_CLASSES, "raw_days": 60, "aggregate_months": 25, "k": 5},
    "strict": {"policy": "opt_in", **_CLASSES, "basic_only": True, "raw_days": 7, "aggregate_months": 13, "k": 10},
}
"""All presets set the same names, so that one after another leaves nothing of the one before."""


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
            raise BadSetting(f"There is no setting '{key[:80]}'; write key=value with one of {', '.join(SETTINGS)}.")
        values[key] = _read(key, text.strip())
        if not _is_text(text):
            raise BadSetting(f"The setting '{key}' must be text in UTF-8 without control characters.")
    settings = from_values(values)
    _check_europe(settings)
    return settings


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


def _is_text(text: str) -> bool:
    """Whether a command line brought letters: bytes that are none come as halves of surrogate pairs."""
    return not any("\ud800" <= sign <= "\udfff" or (sign < " " and not sign.isspace()) for sign in text)


def _read(key: str, text: str) -> object:
    default = getattr(SiteSettings(), key)
    if isinstance(default, tuple):
        return tuple(dict.fromkeys(item for part in text.split(",") if (item := read_item(key, part.strip()))))
    return {"true": True, "false": False}.get(text.lower(), text) if isinstance(default, bool) else text


def _check_europe(settings: SiteSettings) -> None:
    region = europe_opted_out(read_region_policies(settings.region_policies))
    if region and not settings.opt_out_in_europe:
        raise BadSetting(
            f"The policy opt_out is not for {region}, where nothing may be read before consent; choose cookieless or "
            "opt_in, or insist with opt_out_in_europe=true."
        )
