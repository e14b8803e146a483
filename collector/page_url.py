"""The URL of a viewed page, reduced to what may be kept.

Promises: host in lower case without port, a scrubbed path, the tags and keys of the allow-list with scrubbed values,
the site's search term, and the *names* of click ids. Everything else of the URL (credentials, fragment, other
parameters) ends here. Refuses: schemes other than http and https; an error never repeats the URL.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_plus

from collector.scrub import Scrubber

TAGS: Final = frozenset(
    "utm_source utm_medium utm_campaign utm_term utm_content utm_id utm_source_platform utm_creative_format "
    "utm_marketing_tactic ref source via".split()
)
"""Query keys that name a source, on every site (DESIGN §5, UX §1.8)."""

CLICK_IDS: Final = frozenset(
    "gclid gclsrc gbraid wbraid dclid gad_source gad_campaignid srsltid msclkid fbclid igshid igsh twclid ttclid "
    "li_fat_id yclid ymclid ysclid nclid epik rdt_cid sccid scclid ndclid qclid irclickid cjevent awc ransiteid sscid "
    "tduid tblci dicbo obclid ob_click_id ttd_id cto_pld adf_id vmcid mc_cid mc_eid _hsenc _kx wickedid rb_clickid "
    "bsft_clkid vero_id oly_anon_id oly_enc_id __s _hsmi ef_id mkt_tok s_cid s_kwcid".split()
)
"""Parameters whose value stands for one click or one person. Only that they were present is kept, even where a site
has put them on its own list."""

MAX_VALUE: Final = 300
_HOST: Final = re.compile(r"[^\s\x00-\x20\x7f<>\"'`{}|^\\%/?#@:\[\]]{1,255}\Z|\[[0-9a-f:.]{2,45}\]\Z")
_SPACE: Final = "".join(map(chr, range(0x21)))
_QUERY_SAFE: Final = "/[]@:!$'()*,; "
_UNREAD: Final = Scrubber()


class BadUrl(ValueError):
    """The text is no web page's URL. The reason names the fault and never the URL."""


class PageUrl(NamedTuple):
    """What is kept of a page's URL."""

    hostname: str
    path: str
    """Scrubbed; the site's own keys follow after `?`, in the order of their names; a hash route after `#`."""
    kept: dict[str, str]
    """Tags and the site's own keys: lower-case key, decoded and scrubbed value."""
    click_ids: tuple[str, ...]
    """Names of the click-id parameters that were present."""
    search_term: str | None


def read_page_url(
    url: str,
    *,
    allowed: frozenset[str],
    search_keys: tuple[str, ...],
    hash_routes: bool,
    scrubber: Scrubber = _UNREAD,
) -> PageUrl:
    """Read a page's URL.

    allowed: the site's own query keys, lower case; search_keys: keys of the site's search, the first that is present
    wins; hash_routes: whether `#/…` and `#!/…` are part of the page's name. Raises BadUrl.
    """
    scheme, colon, rest = url.strip(_SPACE).partition("://")
    if not colon or scheme.lower() not in ("http", "https"):
        raise BadUrl("must begin with http:// or https://")
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    if "\\" in rest:  # Browsers read a backslash as a slash; so nothing hides behind it.
        rest = rest.replace("\\", "/")
    authority, slash, path = rest.partition("/")
    hostname = _hostname(authority)
    path = scrubber.scrub_path(slash + path) or "/"
    if not query and not fragment:
        return PageUrl(hostname, path, {}, (), None)
    route, tail = _route(fragment) if fragment else ("", "")
    found, clicks = _found(f"{query}&{tail}" if tail else query, _wanted(allowed, search_keys))
    kept = {key: _tag(key, found[key], scrubber) for key in found if key in TAGS or key in allowed}
    if allowed:
        path += _own_keys(kept, allowed)
    if hash_routes and route:
        path = f"{path}#{scrubber.scrub_path(route)}"
    return PageUrl(hostname, path, kept, clicks, _term(found, search_keys, scrubber))


def _hostname(authority: str) -> str:
    host = authority.rpartition("@")[2].lower()
    if ":" in host and not host.endswith("]"):
        host, _, port = host.rpartition(":")
        if port and not (port.isascii() and port.isdigit()):
            raise BadUrl("has a port that is no number")
    host = host.removesuffix(".")
    if not _HOST.match(host):
        raise BadUrl("has no valid host name")
    return host


def _route(fragment: str) -> tuple[str, str]:
    """The hash route, "" if there is none, and the parameters inside the fragment."""
    if fragment.startswith(("/", "!/")):
        route, _, tail = fragment.partition("?")
        return route, tail
    place = fragment.find("utm_")
    return "", fragment[place:] if place >= 0 else ""


@lru_cache(maxsize=256)
def _wanted(allowed: frozenset[str], search_keys: tuple[str, ...]) -> frozenset[str]:
    """The keys whose values are read at all."""
    return (TAGS | allowed | frozenset(search_keys)) - CLICK_IDS


def _found(query: str, wanted: frozenset[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The first value, still encoded, of each wanted key, and the names of the click ids."""
    found: dict[str, str] = {}
    clicks: set[str] = set()
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        key = key.lower()
        if "%" in key or "+" in key:
            key = unquote_plus(key).lower()
        key = key.removeprefix("amp;")  # links that were written to HTML twice
        if key in wanted:
            if value:
                found.setdefault(key, value)
        elif key in CLICK_IDS:
            clicks.add(key)
    return found, tuple(sorted(clicks))


def _own_keys(kept: dict[str, str], allowed: frozenset[str]) -> str:
    own = sorted(key for key in kept if key in allowed)
    return "?" + "&".join(f"{key}={quote(kept[key], safe=_QUERY_SAFE)}" for key in own) if own else ""


def _tag(key: str, raw: str, scrubber: Scrubber) -> str:
    value = _decoded(raw)
    if key in ("utm_id", "utm_campaign"):
        return scrubber.scrub_campaign(value)[:MAX_VALUE]
    return scrubber.scrub_text(value)[:MAX_VALUE]


def _decoded(raw: str) -> str:
    return (unquote_plus(raw) if "%" in raw or "+" in raw else raw).strip()


def _term(found: dict[str, str], search_keys: tuple[str, ...], scrubber: Scrubber) -> str | None:
    for key in search_keys:
        if key in found:
            return scrubber.scrub_text(_decoded(found[key]))[:MAX_VALUE] or None
    return None
