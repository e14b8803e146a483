"""Rules about pages: paths with `*` as a wildcard, compared with a page's address as a reader would spell it.

Promises: percent signs (also doubled), case, backslashes, `//`, `.` and `..` hide no page from a rule; a rule for
`/kids/*` holds for `/kids` too; hash routes count where the site has them; time linear in the address. Used for
exclusions and for pages of children, where it is better to match too much than too little.
"""

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

_LONGEST: Final = 2048
"""Characters of an address that are looked at; no rule is longer than 200."""
_PLAIN: Final = re.compile(r"(?:[a-z0-9_-]++(?:/|\Z))*+\Z")
"""A path as nearly all are written, without its first slash: there is nothing to spell out."""


class PathRules:
    """The rules of one site, ready to be asked."""

    def __init__(self, patterns: Iterable[str], *, hash_routes: bool = False) -> None:
        self._rules = [(pattern, _parts(pattern)) for pattern in patterns]
        self._beginnings = tuple(parts[0].removesuffix("/") for _, parts in self._rules)
        self._hash_routes = hash_routes

    def __bool__(self) -> bool:
        return bool(self._rules)

    def match(self, url: str) -> str:
        """The first rule that holds for the page with this address, "" if none does. Never raises."""
        pages = _pages(url[:_LONGEST], hash_routes=self._hash_routes)
        pages = [page for page in pages if page.startswith(self._beginnings)]  # few pages are under any rule
        if not pages:
            return ""
        return next((pattern for pattern, parts in self._rules if any(_holds(parts, page) for page in pages)), "")


def host_of(url: str) -> str:
    """The host of an address in lower case, without port and credentials; "" where there is none. Never raises."""
    authority = _address(url[:_LONGEST])[0].rpartition("@")[2].lower()
    host = authority if authority.endswith("]") else authority.partition(":")[0]
    return host.removesuffix(".")


def _address(url: str) -> tuple[str, str, str]:
    """Authority, path and fragment as written."""
    rest, _, fragment = url.strip().partition("://")[2].partition("#")
    authority, _, path = rest.partition("?")[0].replace("\\", "/").partition("/")
    return authority, path, fragment


def _pages(url: str, *, hash_routes: bool) -> list[str]:
    _, path, fragment = _address(url)
    route = fragment.removeprefix("!") if hash_routes else ""
    return [_spelt(path), _spelt(route.partition("?")[0])] if route.startswith("/") else [_spelt(path)]


def _spelt(path: str) -> str:
    """Decoded, in one case, without empty and dotted segments; `/` before each segment and nothing at the end."""
    if _PLAIN.match(path):
        return f"/{path.rstrip('/')}" if path else ""
    for _ in range(4):
        plain = unquote(path, errors="replace").replace("\\", "/")
        if plain == path:
            break
        path = plain
    kept: list[str] = []
    for segment in normalize("NFC", path).split("/"):
        name = segment.partition(";")[0]  # matrix parameters name no page
        if name == "..":
            del kept[-1:]
        elif name not in ("", "."):
            kept.append(name.casefold())
    return "".join(f"/{name}" for name in kept)


def _parts(pattern: str) -> list[str]:
    """The texts between the wildcards. What ends with `/*` holds for the folder itself too."""
    texts = normalize("NFC", pattern).casefold().split("*")
    return [*texts[:-1], texts[-1].rstrip("/")]


def _holds(parts: list[str], page: str) -> bool:
    """Whether the texts stand in the page in order, the first at its beginning and the last at its end."""
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return page == first
    folder = first.endswith("/") and len(parts) == 2 and not last
    if folder and page == first[:-1]:
        return True
    if not page.startswith(first) or not page.endswith(last):
        return False
    at, end = len(first), len(page) - len(last)
    for text in parts[1:-1]:
        found = page.find(text, at, end)
        if found < 0:
            return False
        at = found + len(text)
    return at <= end
