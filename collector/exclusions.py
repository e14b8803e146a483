"""What a site leaves out of its numbers: pages, hosts, networks and countries. Counted by rule, nothing else is kept.

A rule's name is its kind and, for pages, hosts and countries, its text as the owner wrote it (`path:/admin/*`), so that
the owner sees which rule takes what; networks are only called `network`, because addresses are never written anywhere.
"""

import ipaddress
from typing import Final

from collector.path_rules import PathRules, host_of
from control_store.site_settings import SiteSettings

_LONGEST_REASON: Final = 64
"""What the accounting's column holds."""


class Exclusions:
    """The exclusions of one site, ready to be asked."""

    def __init__(self, settings: SiteSettings) -> None:
        self._paths = PathRules(settings.exclude_paths, hash_routes=settings.hash_routes)
        self._hosts = settings.exclude_hostnames
        self.countries = frozenset(settings.exclude_countries)
        self._networks = [_range(text) for text in settings.exclude_networks]

    def __bool__(self) -> bool:
        return bool(self._paths or self._hosts or self.countries or self._networks)

    def page(self, url: str) -> str:
        """The rule that leaves out the page with this address, "" if none does."""
        path = self._paths.match(url) if self._paths else ""
        if path:
            return f"path:{path}"[:_LONGEST_REASON]
        host = host_of(url) if self._hosts else ""
        rule = next((rule for rule in self._hosts if _is_host(rule, host)), "")
        return f"host:{rule}"[:_LONGEST_REASON] if rule else ""

    def client(self, packed: bytes, country: str) -> str:
        """The rule that leaves out who sends from this address (4 or 16 bytes) and country, "" if none does."""
        if self._networks and packed:
            number = int.from_bytes(packed)
            if any(len(packed) == size and first <= number <= last for size, first, last in self._networks):
                return "network"
        return f"country:{country}" if country in self.countries else ""


def _range(text: str) -> tuple[int, int, int]:
    """Bytes of an address, first and last number of the network; what is IPv4 inside IPv6 counts as IPv4."""
    network = ipaddress.ip_network(text)
    first, last = network.network_address, network.broadcast_address
    mapped = first.ipv4_mapped if isinstance(first, ipaddress.IPv6Address) else None
    if mapped is not None:
        return 4, int(mapped), int(mapped) + network.num_addresses - 1
    return network.max_prefixlen // 8, int(first), int(last)


def _is_host(rule: str, host: str) -> bool:
    return host.endswith(rule[1:]) if rule.startswith("*.") else host == rule
