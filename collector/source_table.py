"""The table of sources: which name and category a host, an app or a campaign tag stands for.

Promises: the longest host wins, at a dot only (notwikipedia.org is not Wikipedia), then the longest path; a host that
is in no table but says "search" or "mail" in its first word has that category. Refuses: to guess anything else.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES: Final = ("search", "social", "video", "messaging", "email", "ai", "shopping", "paid", "referral")

_SECOND_LEVEL: Final = frozenset({"co", "com", "org", "net", "ne", "or", "ac", "gov", "edu", "gob", "go"})
"""Labels that stand before a country's own as part of a public suffix: co.uk, com.br, ne.jp."""


class Site(NamedTuple):
    """A known source."""

    name: str
    category: str


class Click(NamedTuple):
    """A click id's network, its source, and whether it is given to paid clicks alone."""

    network: str
    source: str
    paid: bool


class Tag(NamedTuple):
    """What a utm_source stands for."""

    site: Site
    paid: bool = False


class SourceTable:
    """tables/sources.toml, indexed. Construct once per process."""

    def __init__(self, path: Path) -> None:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        self._hosts: dict[str, list[tuple[str, Site]]] = {}
        self._names: dict[str, Site] = {}
        for category in CATEGORIES:
            for name, hosts in tables[category].items():
                self._add(Site(name, category), hosts)
        self._returns: dict[str, list[tuple[str, Site]]] = {}
        for host in tables["returns"]["hosts"].split():
            _insert(self._returns, host, Site("", ""))
        self._words = {word: kind for kind, words in tables["words"].items() for word in words.split()}
        self._endings: dict[str, str] = tables["endings"]
        self._tags: dict[str, str] = tables["tags"]
        self._paid_tags: dict[str, str] = tables["paid_tags"]
        self.clicks = {key: Click(**row) for key, row in tables["clicks"].items()}

    def _add(self, site: Site, hosts: str) -> None:
        self._names.setdefault(_folded(site.name), site)
        for host in hosts.split():
            _insert(self._hosts, host, site)

    def of_host(self, host: str, path: str) -> Site:
        """The site of a host (lower case, no www.) and path; an unknown host is a referral of its own name."""
        found = _look_up(self._hosts, host, path)
        word = self._words.get(host.split(".", 1)[0].rstrip("0123456789-"), "")
        ending = self._endings.get(host.rpartition(".")[2])
        if found is None and ending:
            return self.named(ending)
        if found is None:
            return Site(_domain_name(host), word) if word else Site(host, "referral")
        if word == "email" and found.category == "search":
            return Site(found.name, "email")
        return found

    def of_app(self, package: str) -> Site:
        """The site behind an Android app's id, also where the id goes on after a listed one."""
        name = package
        while name:
            rows = self._hosts.get(name)
            if rows:
                return rows[-1][1]
            name = name.rpartition(".")[0]
        return Site(package, "referral")

    def of_tag(self, tag: str) -> Tag:
        """What a utm_source (lower case) stands for; an unknown one is itself, of no category."""
        if tag in self._paid_tags:
            return Tag(self.named(self._paid_tags[tag]), paid=True)
        if tag in self._tags:
            return Tag(self.named(self._tags[tag]))
        known = self._names.get(_folded(tag))
        if known is not None:
            return Tag(known)
        if "." in tag and re.fullmatch(r"[a-z0-9._-]+", tag):
            host = tag.removeprefix("www.")
            found = _look_up(self._hosts, host, "/")
            return Tag(found or Site(host, ""))
        return Tag(Site(tag, ""))

    def named(self, name: str) -> Site:
        """The site of that name; one of no category if the table has none."""
        return self._names.get(_folded(name), Site(name, ""))

    def is_return(self, host: str, path: str) -> bool:
        """Whether people come back from there rather than from it: payments and logins."""
        return _look_up(self._returns, host, path) is not None


def _insert(table: dict[str, list[tuple[str, Site]]], pattern: str, site: Site) -> None:
    host, slash, path = pattern.partition("/")
    rows = table.setdefault(host.lower(), [])
    rows.append((f"/{path}" if slash else "", site))
    rows.sort(key=lambda row: -len(row[0]))


def _look_up(table: dict[str, list[tuple[str, Site]]], host: str, path: str) -> Site | None:
    """Longest suffix first; at each, the host itself before the name under any public suffix."""
    labels = host.split(".")
    end = len(labels)
    tails = (2, 1) if end > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else (1,)
    for start in range(end):
        keys = [".".join(labels[start:])]
        keys += [".".join([*labels[start : end - tail], "*"]) for tail in tails if start < end - tail]
        for key in keys:
            for prefix, site in table.get(key, ()):
                if path.startswith(prefix):
                    return site
    return None


def _folded(name: str) -> str:
    """A name as people spell it in tags: letters and digits only."""
    return "".join(letter for letter in name.lower() if letter.isalnum()) or name


def _domain_name(host: str) -> str:
    """`webmail.dodo.com.au` → "Dodo": the registrable label, capitalised."""
    labels = host.split(".")
    tail = 2 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 1
    name = labels[-tail - 1] if len(labels) > tail else host
    return name[:1].upper() + name[1:]
