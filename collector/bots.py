"""Which beacons a machine sent, and by which rule.

Promises: "" for people, else a short stable name of the rule, kept beside the row so that a bot report can say why and
a rule can be taken back while the raw rows live. Refuses: to guess from one weak sign; false positives on people cost
more than a missed crawler.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser import Domain, load_lazy_builtins
from ua_parser.regex import Resolver

from collector.agent import LONGEST_AGENT, NO_HINTS, Hints

if TYPE_CHECKING:
    from collections.abc import Callable


class Signals(NamedTuple):
    """What a request tells beside its agent string; "" where absent."""

    purpose: str = ""
    """Sec-Purpose, Purpose, X-Purpose or X-Moz: a browser that fetches ahead of a visit says so."""
    referrer_host: str = ""
    address: bytes = b""
    """Packed address, only handed to the network lookup."""


NO_SIGNALS: Final = Signals()


def no_network(_packed: bytes) -> str:
    """The lookup of an installation without a list of networks: never names one."""
    return ""


class BotRules:
    """Decides whether a beacon is a machine's. Construct once per process."""

    def __init__(self, cache_size: int = 10_000, network: Callable[[bytes], str] = no_network) -> None:
        self._resolver = Resolver(load_lazy_builtins())
        self._known = re.compile("|".join(entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA))
        self._network = network
        self._cached = lru_cache(maxsize=cache_size)(self._agent_rule)

    def rule(self, user_agent: str, *, hints: Hints = NO_HINTS, headers: Signals = NO_SIGNALS) -> str:
        """Name of the first rule that takes the sender for a machine, "" for people."""
        if "prefetch" in headers.purpose or "preview" in headers.purpose:
            return "prefetch"
        found = self._cached(user_agent[:LONGEST_AGENT], hints.brands)
        if found or not headers.address:
            return found
        network = self._network(headers.address)
        return f"network:{network}" if network else ""

    def _agent_rule(self, text: str, brands: str) -> str:
        if not text.strip():
            return "empty-agent"
        if "Headless" in brands or "HeadlessChrome" in text:
            return "headless:chrome"
        device = self._resolver(text, Domain.DEVICE).device
        if device is not None and device.family == "Spider":
            return "agent:spider"
        return "agent:crawler" if self._known.search(text) else ""
