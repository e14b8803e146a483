"""Who may ask: API keys of the scope `stats`, looked up in the control store and remembered for two seconds."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from control_store.key_sites import sites_of_keys
from control_store.sites import find_site, list_sites, take_snapshot
from control_store.snapshot import ApiKey, Site, UnknownSite, key_digest
from control_store.tables import ControlStore

EVERY: Final = "*"
"""What stands for all sites that a key opens."""
_FRESH_MS: Final = 2_000
_MINUTE_MS: Final = 60_000


class Denied(Exception):
    """The question is not answered. `status` 401: no valid key; 403: wrong scope or site; 429: too many."""

    def __init__(self, status: int, sentence: str, retry_after: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after


class Access:
    """Checks keys and counts their questions."""

    def __init__(self, store: ControlStore, query_rate: float, clock: Callable[[], int]) -> None:
        self._store = store
        self._rate = query_rate
        self.clock = clock
        self._read_at = -_FRESH_MS
        self._keys: dict[bytes, ApiKey] = {}
        self._also: dict[bytes, frozenset[int]] = {}
        self._asked: dict[bytes, deque[int]] = {}

    def key(self, authorization: str) -> ApiKey:
        """The stats key that the header bears. Raises Denied."""
        scheme, _, text = authorization.partition(" ")
        found = self._known().get(key_digest(text.strip())) if scheme.lower() == "bearer" else None
        if found is None:
            raise Denied(
                401, "Send a key of the site: `Authorization: Bearer …`. `footfall key add --scope stats` makes one."
            )
        if found.scope != "stats":
            raise Denied(403, "This key does not open statistics; make one with the scope `stats`.")
        self._count(found)
        return found

    def site(self, key: ApiKey, name: str) -> Site:
        """The site of that id, key or domain, which the key must open. Raises Denied."""
        try:
            site = find_site(self._store, name)
        except UnknownSite:
            raise Denied(403, "This key does not open that site, or there is no such site.") from None
        if not self._opens(key, site):
            raise Denied(403, "This key does not open that site, or there is no such site.")
        return site

    def sites(self, key: ApiKey, names: Sequence[str]) -> list[Site]:
        """The sites of those names, each once; `*` is all that the key opens. Raises Denied if it opens not all."""
        if tuple(names) == (EVERY,):
            return [site for site in list_sites(self._store) if self._opens(key, site)]
        return list({site.id: site for site in (self.site(key, name) for name in names)}.values())

    def _opens(self, key: ApiKey, site: Site) -> bool:
        return site.id == key.site or site.id in self._also.get(key.digest, ())

    def _known(self) -> dict[bytes, ApiKey]:
        now = self.clock()
        if not 0 <= now - self._read_at < _FRESH_MS:
            self._keys = {key.digest: key for key in take_snapshot(self._store).keys}
            self._also = sites_of_keys(self._store)
            self._read_at = now
        return self._keys

    def _count(self, key: ApiKey) -> None:
        if not self._rate:
            return
        now = self.clock()
        times = self._asked.setdefault(key.digest, deque())
        while times and times[0] <= now - _MINUTE_MS:
            times.popleft()
        if len(times) >= self._rate:
            wait = max(1, (times[0] + _MINUTE_MS - now + 999) // 1000)
            raise Denied(429, f"This key may ask {self._rate:g} questions a minute.", wait)
        times.append(now)
