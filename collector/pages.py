"""What a beacon says of its page, reduced to what may be kept: address, title, source. Read once for a page view.

The beacons of a page view repeat address, referrer and title, and visitors share pages, so what was read is remembered,
in memory alone, for two minutes at most: an address can hold what nobody may keep.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from collector.page_url import BadUrl, PageUrl, read_page_url
from collector.referrer import Source, SourceReader
from collector.registry import ServedSite
from collector.scrub import Scrubber, clean_host
from collector.verdict import Verdict
from event_catalogue.decode import Beacon
from event_catalogue.dimensions import UNKNOWN, UNKNOWN_KIND
from event_catalogue.fields import PLACE_IN_SITE, SOURCE

_MOST: Final = 4096
_LONGEST: Final = 2048
"""Characters of what is remembered under one key: with the number of entries the bound on memory."""
_REMEMBERED_MS: Final = 60_000
_LIMITS: Final = [(place, field.limit) for place, field in enumerate((*PLACE_IN_SITE, *SOURCE))]
_KIND, _CHANNEL = (len(PLACE_IN_SITE) + Source._fields.index(name) for name in ("source_kind", "channel"))
_FOREIGN: Final = Verdict(
    "rejected", "hostname", 403, "url", "The page's host is not one of this site's; add it to the site's hostnames."
)
_LOCAL: Final = Verdict("excluded", "localhost")


class SeenPage(NamedTuple):
    """A page and where its visitor came from."""

    verdict: Verdict | None
    """Why nothing on this page is recorded."""
    fields: tuple[str, ...] = ()
    """Values of the catalogue's groups PLACE_IN_SITE and SOURCE, in that order, cut to their limits."""
    search_term: str | None = None
    is_spam: bool = False
    """Whether the referrer is one that is only sent to be read in reports."""
    leads_on: bool = False
    """Whether the page before was the site's own, or one that people only come back from, and no tag says more."""

    def unknown(self) -> "SeenPage":
        """The page where what led to the visit was lost before consent."""
        values = list(self.fields)
        values[_KIND], values[_CHANNEL] = UNKNOWN_KIND, UNKNOWN
        return self._replace(fields=tuple(values))


class Pages:
    """Reads pages. One for a process."""

    def __init__(self, sources: SourceReader, scrubber: Scrubber, is_spam: Callable[[str], bool]) -> None:
        """`is_spam` judges the host of a referrer."""
        self._sources = sources
        self._scrubber = scrubber
        self._is_spam = is_spam
        self._new: dict[object, SeenPage] = {}
        self._old: dict[object, SeenPage] = {}
        self._since = 0

    def read(self, served: ServedSite, beacon: Beacon, now: int, *, terms: bool = True) -> SeenPage:
        """The page of a beacon of this site. `terms`: whether what was searched for may stay in its address, where the
        site keeps that key."""
        key = (served, beacon.url, beacon.referrer, beacon.title, terms)
        seen = self._new.get(key)
        if seen is None:
            seen = self._old.get(key) or self._look(served, beacon, terms=terms)
            if len(beacon.url) + len(beacon.referrer) + len(beacon.title) <= _LONGEST:
                self._new[key] = seen
            if len(self._new) > _MOST // 2 or now - self._since > _REMEMBERED_MS:
                self.forget(now)
        return seen

    def forget(self, now: int) -> None:
        """Drop what was read more than a minute ago; called every minute, also while nothing comes."""
        self._old, self._new, self._since = self._new, {}, now

    def _look(self, served: ServedSite, beacon: Beacon, *, terms: bool) -> SeenPage:
        settings = served.settings
        try:
            url = read_page_url(
                beacon.url,
                allowed=served.query_keys if terms else served.query_keys - frozenset(settings.search_keys),
                search_keys=settings.search_keys,
                hash_routes=settings.hash_routes,
                scrubber=self._scrubber,
            )
        except BadUrl as bad:
            return SeenPage(Verdict("rejected", "bad_url", 422, "url", str(bad)))
        if served.is_local(url.hostname):
            return SeenPage(_LOCAL)
        if not served.owns(url.hostname):
            return SeenPage(_FOREIGN)
        return self._described(served, beacon, url)

    def _described(self, served: ServedSite, beacon: Beacon, url: PageUrl) -> SeenPage:
        query = {**url.kept, **dict.fromkeys(url.click_ids, "1")} if url.click_ids else url.kept
        source = self._sources.read(hostname=url.hostname, query=query, referrer=beacon.referrer, own_hosts=served.owns)
        if served.channels:
            source = source._replace(channel=served.channels.of(source))
        title = self._scrubber.scrub_text(beacon.title) if beacon.title else ""
        # Under a wildcard anything may stand: a customer's own host, a token of a preview.
        hostname = url.hostname if served.names(url.hostname) else clean_host(url.hostname)
        texts = (hostname, url.path, title, *source)
        cut = tuple(texts[place][:limit] for place, limit in _LIMITS)
        spam = bool(source.referrer) and self._is_spam(source.referrer)
        bare = bool(beacon.referrer) and source.source_kind == "direct"
        leads_on = bare and self._sources.leads_on(url.hostname, beacon.referrer, served.owns)
        return SeenPage(None, cut, url.search_term, spam, leads_on)
