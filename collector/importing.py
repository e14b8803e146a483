"""Import sessions of API keys: one key's requests belong together until 60 seconds of silence.

The session's number goes into its rows and separates its salts from the live ones; the salts are destroyed when the
session is over, so that a visitor of an imported day can never be found again. Sessions are numbered by the start of
their first request, in seconds, mixed with the key, so that workers that see requests of one key agree on a file.
"""

from collections.abc import Callable
from typing import Final

from control_store.salts import SaltFile
from control_store.sites import ApiKey

SILENCE_MS: Final = 60_000
_LIFE_MS: Final = 3 * SILENCE_MS


class ImportSessions:
    """The import sessions that this process knows of."""

    def __init__(self, salts: SaltFile, clock: Callable[[], int]) -> None:
        self._salts = salts
        self._clock = clock
        self._sessions: dict[bytes, tuple[int, int]] = {}
        self._prolonged: dict[tuple[int, int], int] = {}

    def open(self, key: ApiKey, now: int) -> int:
        """The number of the key's session, begun anew after 60 s of silence."""
        number, last = self._sessions.get(key.digest, (0, 0))
        if now - last > SILENCE_MS:
            number = int.from_bytes(key.digest[:2]) << 16 | (now // SILENCE_MS) & 0xFFFF
        self._sessions[key.digest] = (number, now)
        return number

    def salt(self, site: int, day: int, import_id: int) -> bytes:
        """The salt of an imported day, kept while requests come and destroyed within three minutes of silence."""
        now = self._clock()
        secret = self._salts.salt(site, day, destroy_at=now + _LIFE_MS, import_id=import_id)
        if self._prolonged.get((site, day), 0) < now - SILENCE_MS:
            self._salts.prolong(site, day, import_id=import_id, destroy_at=now + _LIFE_MS)
            self._prolonged[site, day] = now
        return secret
