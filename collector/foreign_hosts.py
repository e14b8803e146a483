"""Hosts that send beacons for a site without being its own, told to the core: the owner allows or ignores them.

A host is told once an hour, and at most twenty of a site in that hour: a sender who makes hosts up fills no disk. Told
is a plain host name and nothing else; addresses and what looks like a token or a mail address stay untold.
"""

from typing import Final

import msgspec

from collector.path_rules import host_of
from collector.registry import ServedSite
from collector.scrub import clean_text
from control_store.setting_items import is_host

_HOUR_MS: Final = 3_600_000
_MOST_OF_A_SITE: Final = 20
_MOST: Final = 1000

_ENCODER: Final = msgspec.msgpack.Encoder()


class ForeignHosts:
    """What this process has told in the current hour. In memory only."""

    def __init__(self) -> None:
        self._hour = -1
        self._told: dict[int, set[str]] = {}
        self._count = 0

    def to_tell(self, served: ServedSite, url: str, now: int) -> bytes | None:
        """The body of the record to write for a beacon from this address; None where there is nothing new to tell."""
        hour = now // _HOUR_MS
        if hour != self._hour:
            self._hour, self._told, self._count = hour, {}, 0
        told = self._told.setdefault(served.site.id, set())
        host = host_of(url)
        if host in told or len(told) >= _MOST_OF_A_SITE or self._count >= _MOST:
            return None
        if not _may_be_told(host) or served.ignores(host):
            return None
        told.add(host)
        self._count += 1
        return _ENCODER.encode((served.site.id, host))


def _may_be_told(host: str) -> bool:
    """A name with letters in its last part, which no address has, and with nothing in it that the scrubber knows."""
    last = host.rpartition(".")[2]
    return is_host(host) and not last.isdigit() and clean_text(host) == host
