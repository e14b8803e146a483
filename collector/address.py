"""The client's address as a value of its own type, and whose address a request really carries.

A ClientAddress can't be printed, formatted, pickled, encoded or compared: whoever needs its bytes asks for them by
name (`packed`), and only the geography, identity and rate-limit steps do. It dies with the request.
"""

import ipaddress
from collections.abc import Iterable
from socket import AF_INET, inet_pton
from typing import Final, NoReturn

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddress:
    """An IP address that has no text. `packed` is 4 or 16 bytes; IPv4-mapped IPv6 counts as IPv4."""

    __slots__ = ("_packed",)

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    @property
    def packed(self) -> bytes:
        """The bytes, for the place, identity and limit steps alone."""
        return self._packed

    @property
    def network(self) -> bytes:
        """The /24 (IPv4) or /48 (IPv6) that limits count by."""
        return self._packed[:3] if len(self._packed) == 4 else self._packed[:6]

    @property
    def is_public(self) -> bool:
        """Whether it may be one of the public internet's: not so the machine's own, private and reserved ones."""
        return not self._packed or ipaddress.ip_address(self._packed).is_global

    def __repr__(self) -> str:
        return "<client address>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a client address can't be serialised")

    def __eq__(self, _other: object) -> NoReturn:
        raise TypeError("client addresses are not compared")

    __hash__ = None  # type: ignore[assignment]  # so that it can't become a key either


NO_ADDRESS: Final = ClientAddress(b"")


def read_address(text: str) -> ClientAddress | None:
    """The address in this text (with brackets, port or zone where proxies write them), or None. Never raises."""
    try:
        return ClientAddress(inet_pton(AF_INET, text))
    except (OSError, ValueError):  # ValueError: a NUL or a lone surrogate
        return _read_other(text)


def _read_other(text: str) -> ClientAddress | None:
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return ClientAddress((mapped or address).packed)


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks of trusted proxies. Raises ValueError naming the first that is none."""
    return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts if text.strip())


_MOST_PROXIES: Final = 64


class Hops:
    """Finds the client behind trusted proxies: the right-most hop that is not one of them."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted: dict[int, list[tuple[int, int]]] = {0: [], 4: [], 16: []}
        for network in trusted:
            pair = (int(network.network_address), int(network.netmask))
            self._trusted[network.max_prefixlen // 8].append(pair)
        self._proxies: dict[str, ClientAddress] = {}
        """Trusted peers that were seen, so that a proxy is looked up once. No visitor's address is ever in it."""

    def client(self, peer: str, forwarded: list[str], x_forwarded_for: list[str]) -> ClientAddress:
        """The client of a request that came from `peer` with these header lines, in the order received.

        Headers count only when the peer is trusted. X-Forwarded-For goes before Forwarded (RFC 7239): nginx, Apache,
        Caddy, Envoy and HAProxy append to the first and by default pass on whatever the visitor wrote into the second.
        A hop that is no address ends the search, because nothing to its left can be trusted.
        """
        proxy = self._proxies.get(peer)
        here = proxy or read_address(peer) or NO_ADDRESS
        if proxy is None and not self._trusts(here):
            return here
        if proxy is None and len(self._proxies) < _MOST_PROXIES:
            self._proxies[peer] = here
        for hop in reversed(_plain_hops(x_forwarded_for) or _forwarded_hops(forwarded)):
            address = read_address(hop)
            if address is None:
                return here
            here = address
            if not self._trusts(here):
                return here
        return here

    def is_proxy(self, peer: str) -> bool:
        """Whether a peer speaks for others."""
        return self._trusts(read_address(peer) or NO_ADDRESS)

    def _trusts(self, address: ClientAddress) -> bool:
        number = int.from_bytes(address.packed)
        for network, mask in self._trusted[len(address.packed)]:  # noqa: SIM110 - a generator costs as much again
            if number & mask == network:
                return True
        return False


def _plain_hops(lines: list[str]) -> list[str]:
    if len(lines) == 1 and "," not in lines[0]:
        return lines if lines[0].strip() else []
    return [hop for line in lines for hop in line.split(",") if hop.strip()]


def _forwarded_hops(lines: list[str]) -> list[str]:
    hops = []
    for element in _plain_hops(lines):
        for pair in element.split(";"):
            name, _, value = pair.partition("=")
            if name.strip().lower() == "for":
                hops.append(value)
    return hops
