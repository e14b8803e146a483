"""Who a row is about, as far as the product ever knows: two keyed hashes. The address is dropped here.

`visitor` is a keyed hash of site, address and agent under the random salt of that site and local day; `returning` a
keyed hash of the device id under a key of the site. Both are pseudonyms, not anonymous data: whoever has salt and
address can find the hash again, which is why salts are destroyed (DESIGN §5; FTC, 24 July 2024).
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final
from uuid import UUID

from collector.address import ClientAddress

NOBODY: Final = bytes(16)


def visitor_hash(site: int, address: ClientAddress, user_agent: str, salt: bytes) -> bytes:
    """16 bytes that tell the visitors of one site and day apart, in every tier alike."""
    packed = address.packed
    content = b"%b%c%b%b" % (site.to_bytes(4), len(packed), packed, user_agent.encode("utf-8", "replace"))
    return blake2b(content, digest_size=16, key=salt).digest()


def returning_hash(device_id: UUID, key: bytes) -> bytes:
    """16 bytes that recognise a consented browser on this site alone."""
    return blake2b(device_id.bytes, digest_size=16, key=key).digest()


SaltOf = Callable[[int, int], bytes]
"""Gives the salt of (site, local day), making it on first use."""
