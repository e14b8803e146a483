"""Who is calling: by which scheme, from which network, from which page. Proxies are believed only where trusted.

A network lives in memory, for the throttle of logins; it is never written down.
"""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Callers:
    """Reads the connection and, from trusted proxies, what they say of it."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        """`trusted_proxies` are networks in CIDR notation."""
        self._trusted: list[Network] = [ipaddress.ip_network(text, strict=False) for text in trusted_proxies]

    def is_https(self, request: HTTPConnection) -> bool:
        """Whether the browser came by https, so that cookies can be Secure."""
        if request.url.scheme == "https":
            return True
        said = request.headers.get("x-forwarded-proto", "") if self._by_proxy(request) else ""
        return said.rpartition(",")[2].strip().lower() == "https"

    def network(self, request: HTTPConnection) -> str:
        """The /24 or /64 that the caller is in: the peer's, or the right-most hop that is no trusted proxy."""
        hops = request.headers.get("x-forwarded-for", "").split(",") if self._by_proxy(request) else []
        for hop in (*(hop.strip() for hop in reversed(hops)), _peer(request)):
            address = _address(hop)
            if address is not None and not self._is_trusted(address):
                return _network_of(address)
        return "trusted"

    def from_our_page(self, request: HTTPConnection) -> bool:
        """Whether a form was sent by a page of this origin. Browsers say so; what is no browser says nothing.

        `Sec-Fetch-Site` goes before `Origin`: it is right behind a proxy that changes the host, too.
        """
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("origin")
        if origin is None:
            return True
        hosts = {request.headers.get("host", "")}
        if self._by_proxy(request):
            hosts.add(request.headers.get("x-forwarded-host", ""))
        return urlsplit(origin).netloc in hosts - {""}

    def _by_proxy(self, request: HTTPConnection) -> bool:
        address = _address(_peer(request))
        return address is not None and self._is_trusted(address)

    def _is_trusted(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _peer(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))
