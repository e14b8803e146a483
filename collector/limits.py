"""Token buckets per client network and per site, so that one sender can't starve the rest.

Networks (/24, /48) are known by a keyed hash under a key of this process, in memory only; buckets are bounded.
"""

import secrets
from collections.abc import Callable, Hashable
from math import ceil
from typing import Final

from collector.address import ClientAddress

_MOST_BUCKETS: Final = 100_000
_ROUNDING_MS: Final = 1e-3
"""Who waited as told is not refused for what floating point lost."""
_BURST_MS: Final = 2_000
"""A bucket holds two seconds of its rate, so that a page's burst passes."""


class Buckets:
    """Buckets of one rate (tokens a second). A rate of 0 means no limit.

    Of a bucket only the moment is kept at which it will be full again: it says level and debt in one number.
    """

    def __init__(self, rate: float, clock: Callable[[], int]) -> None:
        """`clock` gives milliseconds and never goes back."""
        self._cost_ms = 1000 / rate if rate else 0.0
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}
        self._idle: dict[Hashable, float] = {}
        """Those that were not asked for since the others began; dropped when the others are as many."""

    def take(self, key: Hashable, tokens: int) -> int:
        """Take tokens. 0: taken; else the seconds after which it is worth trying again, and nothing was taken."""
        cost_ms = self._cost_ms
        if not cost_ms:
            return 0
        now: float = self._clock()
        full_at = self._full_at.get(key)
        if full_at is None:
            full_at = self._idle.get(key, now)
            if len(self._full_at) >= _MOST_BUCKETS // 2:
                self._idle, self._full_at = self._full_at, {}
        full_at = full_at if full_at > now else now  # max() costs 0.1 µs, twice for every beacon
        taken_ms = tokens * cost_ms
        # Who asks for more than a full bucket is served when it is full, and the debt is worked off.
        wait_ms = full_at + (taken_ms if taken_ms < _BURST_MS else _BURST_MS) - now - _BURST_MS
        if wait_ms > _ROUNDING_MS:
            self._full_at[key] = full_at
            return max(1, ceil(wait_ms / 1000))
        self._full_at[key] = full_at + taken_ms
        return 0

    def wait(self, key: Hashable, tokens: int) -> int:
        """What `take` would say now; nothing is taken."""
        now = self._clock()
        full_at = max(self._full_at.get(key) or self._idle.get(key, 0.0), now)
        wait_ms = full_at + min(tokens * self._cost_ms, _BURST_MS) - now - _BURST_MS
        return max(1, ceil(wait_ms / 1000)) if wait_ms > _ROUNDING_MS else 0

    def __len__(self) -> int:
        return len(self._full_at) + len(self._idle)


class Limits:
    """The limits of one collector process."""

    def __init__(self, *, network_rate: float, site_rate: float, clock: Callable[[], int]) -> None:
        self._networks = Buckets(network_rate, clock)
        self._sites = Buckets(site_rate, clock)
        self._keys = Buckets(site_rate, clock)
        self._key = secrets.token_bytes(32)
        self.flooded: set[int] = set()
        """Sites that were refused last: worth a look before anything is read of a body."""

    def network(self, address: ClientAddress, events: int) -> int:
        """Seconds to wait for this client's network; 0 if the events may pass."""
        # Python's own hash of bytes is SipHash: with a secret in front nobody outside can tell or choose it.
        return self._networks.take(hash(self._key + address.network), events)

    def site(self, site: int, events: int) -> int:
        """Seconds to wait for this site; 0 if the events may pass."""
        wait = self._sites.take(site, events)
        if wait:
            self.flooded.add(site)
        elif self.flooded:
            self.flooded.discard(site)
        return wait

    def beyond(self, site: int, events: int) -> int:
        """The same as far as it can be told before the events are read: nothing is taken."""
        return self._sites.wait(site, events)

    def api_key(self, digest: bytes, events: int) -> int:
        """Seconds to wait for this API key; a server's history does not use up what the site's visitors may send."""
        return self._keys.take(digest, events)
