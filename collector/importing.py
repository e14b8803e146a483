"""Import sessions of API keys: one key's requests belong together until 60 seconds of silence.

A session is a random secret in the machine's file of salts, so that every worker of the machine is in the same one. Its
number goes into the rows; the salts of its days are derived from it, so that a visitor of an imported day is one and
the same through the whole session. It lives as long as requests come; with it goes the way to find a visitor again.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, NamedTuple

from control_store.salts import SaltFile
from control_store.snapshot import ApiKey

SILENCE_MS: Final = 60_000
_SESSION_DAY: Final = 0
"""Where the secret stands among the salts: a day that no event can have, so it is nobody's own."""
_FROM_KEYS: Final = 0x8000_0000
"""Set in the numbers of these sessions, which tells them apart from the counted imports of files."""


class _Session(NamedTuple):
    number: int
    secret: bytes
    last: int

    def __repr__(self) -> str:
        return f"<import session {self.number}>"


class ImportSessions:
    """The import sessions that this process has part in."""

    def __init__(self, salts: SaltFile, clock: Callable[[], int]) -> None:
        self._salts = salts
        self._clock = clock
        self._sessions: dict[int, _Session] = {}

    def open(self, key: ApiKey, now: int) -> int:
        """The number of the key's session, begun anew after 60 s of silence; this request keeps it open."""
        self.forget()
        slot = int.from_bytes(key.digest[:4]) or 1
        secret = self._salts.salt(key.site, _SESSION_DAY, destroy_at=now + SILENCE_MS, import_id=slot)
        self._salts.prolong(key.site, _SESSION_DAY, import_id=slot, destroy_at=now + SILENCE_MS)
        number = _FROM_KEYS | int.from_bytes(blake2b(secret, digest_size=4, person=b"footfall-session").digest())
        self._sessions[number] = _Session(number, secret, now)
        return number

    def salt(self, day: int, import_id: int) -> bytes:
        """The salt of a day of a session that this process has opened."""
        return blake2b(day.to_bytes(4, signed=True), digest_size=32, key=self._sessions[import_id].secret).digest()

    def forget(self) -> None:
        """Drop from memory what is over."""
        end = self._clock() - SILENCE_MS
        self._sessions = {number: one for number, one in self._sessions.items() if one.last > end}
