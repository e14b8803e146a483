"""Items of the settings that are lists: host names, paths, networks, countries, policies of regions, query keys.

Each is read into the one spelling in which it is compared later; what is none gets one sentence that says what is.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Final

from control_store.policies import POLICIES, is_region
from control_store.site_channels import CHANNEL_FIELDS, BadChannel, SiteChannels
from control_store.snippet_settings import ALL, MANAGERS, MODULES, BadCallNumber, call_number

_QUERY_KEY: Final = re.compile(r"[a-z0-9_.:~$\[\]-]{0,64}\Z")
_HOSTNAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*\Z")
_PATH: Final = re.compile(r"/[^\x00-\x20\x7f?#,;%\ud800-\udfff]{0,199}\Z")
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,10}\Z")
_BOT_RULE: Final = re.compile(r"[a-z]+(-[a-z]+)*(:([a-z0-9.-]{1,60}|\*))?\Z")
_COUNTRY: Final = re.compile(r"[A-Z]{2}\Z")


class BadSetting(ValueError):
    """A setting that can't be taken; the text is one sentence for the operator."""


def read_item(key: str, text: str) -> str:
    """One item of the list `key` in its one spelling, "" for an empty one. Raises BadSetting."""
    return _ITEMS.get(key, _query_key)(key, text) if text else ""


def ascii_host(text: str) -> str:
    """A host name as browsers send it: lower case, international names in their xn-- form. Never raises."""
    host = text.strip().lower().rstrip(".")
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host


def is_host(text: str) -> bool:
    """Whether this is a host name in the spelling of `ascii_host`."""
    return len(text) <= 253 and _HOSTNAME.match(text) is not None


def _hostname(key: str, text: str) -> str:
    wildcard, host = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    host = ascii_host(host)
    if not is_host(host):
        raise BadSetting(
            f"The setting '{key}' must be host names separated by commas, for example shop.example,*.shop.example."
        )
    return wildcard + host


def _path(key: str, text: str) -> str:
    if not _PATH.match(text) or text.count("*") > 8:
        raise BadSetting(
            f"The setting '{key}' must be paths separated by commas, as the address bar shows them, for example "
            "/kids/*,/admin."
        )
    return text


def _network(key: str, text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadSetting(
            f"The setting '{key}' must be addresses or networks separated by commas, for example 192.0.2.0/24."
        ) from None
    return str(network)


def _country(key: str, text: str) -> str:
    code = text.upper()
    if not _COUNTRY.match(code):
        raise BadSetting(
            f"The setting '{key}' must be two-letter country codes separated by commas, for example CH,LI."
        )
    return code


def _region_policy(key: str, text: str) -> str:
    region, _, policy = (part.strip() for part in text.partition("="))
    if not is_region(region.upper()) or policy not in POLICIES:
        raise BadSetting(
            f"The setting '{key}' must be REGION=POLICY separated by commas, for example EEA=opt_in,US-CA=opt_out."
        )
    return f"{region.upper()}={policy}"


def _query_key(_key: str, text: str) -> str:
    key = text.lower()
    if not _QUERY_KEY.match(key):
        raise BadSetting("A query key has 1 to 64 letters, digits or signs of _.:~$[]-.")
    return key


def _module(_key: str, text: str) -> str:
    name = text.lower()
    if name not in (*MODULES, ALL):
        raise BadSetting(f"The snippet has no module '{name[:80]}'; choose from {', '.join(MODULES)}, or all.")
    return name


def _extension(_key: str, text: str) -> str:
    extension = text.lower().lstrip(".")
    if not _EXTENSION.match(extension):
        raise BadSetting("An extension has 1 to 10 letters and digits, for example pdf.")
    return extension


def _call_number(key: str, text: str) -> str:
    try:
        call_number(text)
    except BadCallNumber:
        raise BadSetting(
            f"The setting '{key}' must be CHANNEL=NUMBER separated by commas, for example "
            "usual=+41 44 111 11 11,paid=+41 44 222 22 22."
        ) from None
    return text


def _manager(_key: str, text: str) -> str:
    name = text.lower()
    if name not in MANAGERS:
        raise BadSetting(f"The snippet reads no consent manager '{name[:40]}'; choose from {', '.join(MANAGERS)}.")
    return name


def _name(key: str, text: str) -> str:
    if len(text) > 100 or not text.isprintable():
        raise BadSetting(f"The setting '{key}' must be names separated by commas, each at most 100 characters.")
    return text


def _channel(key: str, text: str) -> str:
    try:
        SiteChannels([text])
    except BadChannel:
        raise BadSetting(
            f"The setting '{key}' must be NAME:FIELD=PATTERN separated by commas, for example "
            f"Partners:source=partner.example; the fields are {', '.join(CHANNEL_FIELDS)}, the name has at most 32 "
            "characters."
        ) from None
    return text


def _bot_rule(key: str, text: str) -> str:
    rule = text.lower()
    if not _BOT_RULE.match(rule):
        raise BadSetting(
            f"The setting '{key}' must be names of bot rules separated by commas, for example network:datacentre or "
            "headless:*."
        )
    return rule


_ITEMS: Final[dict[str, Callable[[str, str], str]]] = {
    "hostnames": _hostname,
    "exclude_hostnames": _hostname,
    "ignored_hostnames": _hostname,
    "exclude_paths": _path,
    "under_16_paths": _path,
    "exclude_networks": _network,
    "exclude_countries": _country,
    "region_policies": _region_policy,
    "modules": _module,
    "download_extensions": _extension,
    "call_numbers": _call_number,
    "recipients": _name,
    "consent_managers": _manager,
    "channels": _channel,
    "counted_bots": _bot_rule,
}
