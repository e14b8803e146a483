"""The URL of a viewed page, reduced to what may be kept.

Promises: host in lower case without port, a scrubbed path, the tags and keys of the allow-list with scrubbed values, the
site's search term, and the *names* of click ids. Everything else of the URL (credentials, fragment, other parameters)
ends here. Refuses: schemes other than http and https; an error never repeats the URL.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_plus

from collector.scrub import Scrubber

TAGS: Final = frozenset(
    (
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_term",
        "utm_content",
        "utm_id",
        "utm_source_platform",
        "utm_creative_format",
        "utm_marketing_tactic",
        "ref",
        "source",
        "via",
    )
)
"""Query keys that name a source, on every site (DESIGN §5, UX §1.8)."""

CLICK_IDS: Final = frozenset(
    (
        "gclid gclsrc gbraid wbraid dclid gad_source gad_campaignid srsltid msclkid fbclid igshid igsh twclid ttclid li_fat_id yclid "
        "ymclid ysclid epik rdt_cid sccid scclid ndclid qclid wickedid irclickid rb_clickid bsft_clkid mc_cid mc_eid _hsenc "
        "oly_anon_id oly_enc_id vero_id _openstat obclid tblci dicbo cjevent awc zanpid mtm_clid ml_subscriber "
    ).split()
)
"""Parameters whose value stands for one click or one person. Only that they were present is kept."""

MAX_VALUE: Final = 300
_HOST: Final = re.compile(r"[^\s\x00-\x20\x7f<>\"'`{}|^\\%/?#@:\[\]]{1,255}\Z|\[[0-9a-f:.]{2,45}\]\Z")
_PLAIN: Final = Scrubber(remember=0)


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
    scrubber: Scrubber = _PLAIN,
) -> PageUrl:
    """Read a page's URL.

    allowed: the site's own query keys, lower case; search_keys: keys of the site's search, first match wins;
    hash_routes: whether `#/…` and `#!/…` are part of the page's name. Raises BadUrl.
    """
    scheme, colon, rest = url.strip(_SPACE).partition("://")
    if not colon or scheme.lower() not in ("http", "https"):
        raise BadUrl("must begin with http:// or https://")
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    if "\\" in rest:
        rest = rest.replace("\\", "/")
    authority, slash, path = rest.partition("/")
    hostname = _hostname(authority)
    path = scrubber.scrub_path(slash + path) or "/"
    if not query and not fragment:
        return PageUrl(hostname, path, {}, (), None)
    route, tail = _route(fragment) if fragment else ("", "")
    pairs = [*_pairs(query), *_pairs(tail)]
    kept = _first(pairs, TAGS | allowed, scrubber)
    clicks = tuple(sorted({key for key, _ in pairs if key in CLICK_IDS}))
    own = "&".join(f"{key}={quote(kept[key], safe=_QUERY_SAFE)}" for key in sorted(allowed & kept.keys()))
    page = f"{path}?{own}" if own else path
    if hash_routes and route:
        page = f"{page}#{scrubber.scrub_path(route)}"
    return PageUrl(hostname, page, kept, clicks, _term(pairs, search_keys, scrubber))


_SPACE: Final = "".join(map(chr, range(0x21)))
_QUERY_SAFE: Final = "/[]@:!$'()*,; "


def _hostname(authority: str) -> str:
    host = authority.rpartition("@")[2].lower()
    name, colon, port = host.rpartition(":")
    if colon and not host.endswith("]"):
        if port and not (port.isascii() and port.isdigit()):
            raise BadUrl("has a port that is no number")
        host = name
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


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        key = key.lower().removeprefix("amp;")
        yield (unquote_plus(key) if "%" in key or "+" in key else key), value


def _first(pairs: list[tuple[str, str]], wanted: frozenset[str], scrubber: Scrubber) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key, raw in pairs:
        if raw and key in wanted and key not in kept:
            kept[key] = _value(raw, scrubber)
    return kept


def _value(raw: str, scrubber: Scrubber) -> str:
    return scrubber.scrub_text(unquote_plus(raw).strip())[:MAX_VALUE]


def _term(pairs: list[tuple[str, str]], search_keys: tuple[str, ...], scrubber: Scrubber) -> str | None:
    for wanted in search_keys:
        for key, raw in pairs:
            if key == wanted and raw:
                return _value(raw, scrubber) or None
    return None
