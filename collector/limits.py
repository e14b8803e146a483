"""Token buckets per client network and per site, so that one sender can't starve the rest.

Networks (/24, /48) are known by a keyed hash under a key of this process, in memory only; buckets are bounded.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import blake2b
from math import ceil
from typing import Final

from collector.address import ClientAddress

_MOST_BUCKETS: Final = 100_000
_ROUNDING: Final = 1e-6
"""Of a token: who waited as told is not refused for what floating point lost."""
_BURST_S: Final = 2
"""A bucket holds two seconds of its rate, so that a page's burst passes."""


class Buckets:
    """Buckets of one rate (tokens a second). A rate of 0 means no limit."""

    def __init__(self, rate: float, clock: Callable[[], int]) -> None:
        self._rate = rate
        self._clock = clock
        self._levels: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def take(self, key: Hashable, tokens: int) -> int:
        """Take tokens. 0: taken; else the seconds after which it is worth trying again, and nothing was taken."""
        if not self._rate:
            return 0
        now = self._clock()
        full = self._rate * _BURST_S
        level, then = self._levels.pop(key, (full, now))
        level = min(full, level + self._rate * max(0, now - then) / 1000)
        missing = min(tokens, full) - level
        wait = max(1, ceil(missing / self._rate)) if missing > _ROUNDING else 0
        self._levels[key] = (level if wait else level - tokens, now)
        if len(self._levels) > _MOST_BUCKETS:
            self._levels.popitem(last=False)
        return wait


class Limits:
    """The limits of one collector process."""

    def __init__(self, *, network_rate: float, site_rate: float, clock: Callable[[], int]) -> None:
        self._networks = Buckets(network_rate, clock)
        self._sites = Buckets(site_rate, clock)
        self._keys = Buckets(site_rate, clock)
        self._key = secrets.token_bytes(32)

    def network(self, address: ClientAddress, events: int) -> int:
        """Seconds to wait for this client's network; 0 if the events may pass."""
        return self._networks.take(blake2b(address.network, digest_size=8, key=self._key).digest(), events)

    def site(self, site: int, events: int) -> int:
        """Seconds to wait for this site; 0 if the events may pass."""
        return self._sites.take(site, events)

    def api_key(self, digest: bytes, events: int) -> int:
        """Seconds to wait for this API key; a server's history does not use up what the site's visitors may send."""
        return self._keys.take(digest, events)
